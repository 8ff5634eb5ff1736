# SPDX-License-Identifier: MIT
"""recording: what the broker sent, read independently of the server, and what state it leaves."""
import functools
import gzip
import struct
from decimal import Decimal

from base import data
from rest import loads

# What a FeedResponse is made of: field number -> (name, kind). d double, i int64 or enum, b bool,
# s string; a message by its name; "*" repeated; "map:" a map with string keys.
SCHEMA = {
    "FeedResponse": {1: ("type", "i"), 2: ("feeds", "map:Feed"), 3: ("currentTs", "i"),
                     4: ("marketInfo", "MarketInfo")},
    "MarketInfo": {1: ("segmentStatus", "map:i"), 2: ("casMarketStatus", "map:StatusInfo"),
                   3: ("preOpenSessionStatus", "map:StatusInfo")},
    "StatusInfo": {1: ("status", "s"), 2: ("updatedTime", "i")},
    "FirstLevel": {1: ("ltpc", "LTPC"), 2: ("firstDepth", "Quote"), 3: ("optionGreeks", "Greeks"),
                   4: ("vtt", "i"), 5: ("oi", "d"), 6: ("iv", "d")},
    "Feed": {1: ("ltpc", "LTPC"), 2: ("fullFeed", "FullFeed"),
             3: ("firstLevelWithGreeks", "FirstLevel"), 4: ("requestMode", "i")},
    "FullFeed": {1: ("marketFF", "MarketFF"), 2: ("indexFF", "IndexFF")},
    "MarketFF": {1: ("ltpc", "LTPC"), 2: ("marketLevel", "MarketLevel"),
                 3: ("optionGreeks", "Greeks"), 4: ("marketOHLC", "MarketOHLC"), 5: ("atp", "d"),
                 6: ("vtt", "i"), 7: ("oi", "d"), 8: ("iv", "d"), 9: ("tbq", "d"),
                 10: ("tsq", "d"), 11: ("iep", "d"), 12: ("rp", "d"), 13: ("ieq", "i"),
                 14: ("iiqTotal", "i"), 15: ("iiqM", "i"), 16: ("casEligible", "b")},
    "IndexFF": {1: ("ltpc", "LTPC"), 2: ("marketOHLC", "MarketOHLC")},
    "LTPC": {1: ("ltp", "d"), 2: ("ltt", "i"), 3: ("ltq", "i"), 4: ("cp", "d"),
             5: ("iep", "Boxed")},
    "Boxed": {1: ("value", "d")},
    "MarketLevel": {1: ("bidAskQuote", "*Quote")},
    "Quote": {1: ("bidQ", "i"), 2: ("bidP", "d"), 3: ("askQ", "i"), 4: ("askP", "d")},
    "Greeks": {1: ("delta", "d"), 2: ("theta", "d"), 3: ("gamma", "d"), 4: ("vega", "d"),
               5: ("rho", "d")},
    "MarketOHLC": {1: ("ohlc", "*OHLC")},
    "OHLC": {1: ("interval", "s"), 2: ("open", "d"), 3: ("high", "d"), 4: ("low", "d"),
             5: ("close", "d"), 6: ("vol", "i"), 7: ("ts", "i")},
}


def varint(raw, at):
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value - (1 << 64) if value >= 1 << 63 else value, at
        shift += 7


def fields(raw):
    """(number, value) of each field; the value is an int, 8 bytes, or a message's bytes."""
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at)
        if tag & 7 == 0:
            value, at = varint(raw, at)
        else:
            assert tag & 7 in (1, 2), "a wire type that the broker does not use"
            n, at = (8, at) if tag & 7 == 1 else varint(raw, at)
            value = raw[at:at + n]
            at += n
        yield tag >> 3, value


def number_text(value):
    """The shortest decimal text of a double, as JSON has it."""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def decode_value(kind, raw):
    if kind == "d":
        return number_text(struct.unpack("<d", raw)[0])
    if kind in ("i", "b"):
        return str(raw)
    return raw.decode() if kind == "s" else decode(kind, raw)


@functools.lru_cache(maxsize=200000)
def decode(name, raw):
    """A message as a dict, to be read only: most depth rows come again and again."""
    out = {}
    for number, value in fields(raw):
        member, kind = SCHEMA[name].get(number, (None, None))
        if not member:
            continue
        if kind.startswith("*"):
            out.setdefault(member, []).append(decode(kind[1:], value))
        elif kind.startswith("map:"):
            entry = dict(fields(value))
            inner = entry.get(2, 0 if kind == "map:i" else b"")
            out.setdefault(member, {})[entry.get(1, b"").decode()] = decode_value(kind[4:], inner)
        else:
            out[member] = decode_value(kind, value)
    return out


def read_pbs(path):
    """The messages of a .pbs or .pbs.gz file."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        while True:
            head = f.read(4)
            if not head:
                return
            yield decode("FeedResponse", f.read(struct.unpack("<I", head)[0]))


@functools.lru_cache(maxsize=None)
def option_tape():
    """Path and messages of the long recording: 8,912 messages of five options. Decoded once."""
    path = data("ticks/upstox_banknifty_opt_20251215_first20k.pbs.gz")
    return path, list(read_pbs(path))


def read_jsonl(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rt") as f:
        for line in f:
            yield loads(line)


def is_sent(text):
    """Outside of messages that are present a zero means "not sent"."""
    return text is not None and Decimal(text) != 0


def merge_one(slot, m):
    """One live entry into the state of its instrument; names are those of the quote."""
    full = m.get("fullFeed", {})
    d = full.get("marketFF") or full.get("indexFF") or {}
    for name in ("ltp", "ltt", "ltq", "cp"):
        if is_sent(d.get("ltpc", {}).get(name)):
            slot[name] = d["ltpc"][name]
    if "marketLevel" in d:
        slot["depth"] = [[row.get(n, "0") for n in ("bidQ", "bidP", "askP", "askQ")]
                         for row in d["marketLevel"].get("bidAskQuote", [])]
    for name, value in d.get("optionGreeks", {}).items():
        if is_sent(value):
            slot[name] = value
    for bar in d.get("marketOHLC", {}).get("ohlc", []):
        if bar.get("interval"):
            slot.setdefault("ohlc", {})[bar["interval"]] = {
                k: v for k, v in bar.items() if k != "interval" and is_sent(v)}
    for name in ("atp", "vtt", "oi", "iv", "tbq", "tsq"):
        if is_sent(d.get(name)):
            slot[name] = d[name]


def merge(messages):
    """Final state by key, and the number of entries."""
    state, ticks = {}, 0
    for m in messages:
        for key, entry in m.get("feeds", {}).items():
            slot = state.setdefault(key, {})
            merge_one(slot, entry)
            slot["ts_ms"] = m["currentTs"]
            ticks += 1
    return state, ticks


SERVERS_OWN = {"key", "seq", "recv_ms", "change", "change_pct", "age_ms", "stale", "suspect"}


def difference(quote, want):
    """What a quote of the server has else than the recording, member by member, as text; {} when
    they agree. `change` has to be the exact difference."""
    if quote is None:
        return {"": "no quote"}
    have = {k: v for k, v in quote.items() if k not in SERVERS_OWN}
    bad = {k: (have.get(k), want.get(k)) for k in have.keys() | want.keys()
           if have.get(k) != want.get(k)}
    if "ltp" in want and "cp" in want:
        change = Decimal(want["ltp"]) - Decimal(want["cp"])
        if Decimal(quote.get("change", "nan")) != change:
            bad["change"] = (quote.get("change"), str(change))
    return bad


# --- the other way ------------------------------------------------------------------------------

def put_varint(value):
    out, value = bytearray(), value & (1 << 64) - 1
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def put_field(number, kind, value):
    if kind == "d":
        return put_varint(number << 3 | 1) + struct.pack("<d", value)
    if kind in ("i", "b"):
        return put_varint(number << 3) + put_varint(int(value))
    raw = value.encode() if kind == "s" else encode(kind, value)
    return put_varint(number << 3 | 2) + put_varint(len(raw)) + raw


def encode(name, message):
    """The bytes of a message, which is a dict of numbers, texts, dicts and lists. A zero is not sent,
    as proto3 has it."""
    out = b""
    for number, (member, kind) in SCHEMA[name].items():
        value = message.get(member)
        if value is None or (kind in ("d", "i", "b") and value == 0):
            continue
        if kind.startswith("map:"):
            for k, v in value.items():
                entry = put_field(1, "s", k) + put_field(2, kind[4:], v)
                out += put_varint(number << 3 | 2) + put_varint(len(entry)) + entry
        elif kind.startswith("*"):
            out += b"".join(put_field(number, kind[1:], v) for v in value)
        else:
            out += put_field(number, kind, value)
    return out


def write_pbs(path, messages):
    with open(path, "wb") as f:
        for m in messages:
            raw = encode("FeedResponse", m)
            f.write(struct.pack("<I", len(raw)) + raw)
