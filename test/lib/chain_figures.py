#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""chain_figures: recorded option chains, and what their figures are, by the plainest arithmetic.

    chain_figures.py FOLDER [FILE]

Prints for every snapshot of the files in FOLDER (data/chain), text that test_chain_data.c reads:

    snapshot NAME
    strike K  call_oi call_prev_oi call_volume  put_oi put_prev_oi put_volume     "-" is absent
    figures pcr_oi pcr_volume max_pain least_pain call_change put_change

Max pain is tried strike by strike over the whole chain, on purpose: the code under test does not.
"""
import csv
import gzip
import json
import os
import sys

STEP = 10  # every so many snapshots of a long file


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as f:
        yield from csv.DictReader(f)


def number(text):
    text = str(text).replace(",", "").strip()
    return None if text in ("", "-", "None") else float(text)


def less(a, b):
    return None if a is None or b is None else a - b


def side(oi, change, volume):
    return [number(oi), less(number(oi), number(change)), number(volume)]


def put_row(chains, name, strike, call, put):
    """The last row of a strike counts."""
    have = chains.setdefault(name, {}).setdefault(number(strike), [None] * 6)
    if call:
        have[0:3] = call
    if put:
        have[3:6] = put


def kite(path, chains):
    for r in rows(path):
        put_row(chains, f"{r['symbol']} {r['expiry']} {r['ts_ist']}", r["strike"],
                side(r["ce_oi"], None, r["ce_volume"]), side(r["pe_oi"], None, r["pe_volume"]))


def nse(path, chains):
    for r in rows(path):
        put_row(chains, f"NIFTY {r['expiry']} {r['fetch_ist']}", r["strike"],
                side(r["ce_oi_contracts"], r["ce_oi_chg_contracts"], r["ce_volume_contracts"]),
                side(r["pe_oi_contracts"], r["pe_oi_chg_contracts"], r["pe_volume_contracts"]))


def lots(path, chains):
    for r in rows(path):
        put_row(chains, f"NIFTY {r['expiry']} {r['ts_ist']}", r["strike"],
                side(r["call_oi_lots"], r["call_oi_chg_lots"], r["call_volume_lots"]),
                side(r["put_oi_lots"], r["put_oi_chg_lots"], r["put_volume_lots"]))


def by_type(path, chains):
    for r in rows(path):
        one = side(r["oi"], r["oi_chg"], r["volume"])
        put_row(chains, f"NIFTY {r['expiry']} {r['ts_ist']}", r["strike"],
                one if r["type"] == "CE" else None, one if r["type"] == "PE" else None)


def rest(path, chains):
    def market(option):
        m = option["market_data"]
        return [number(m["oi"]), number(m["prev_oi"]), number(m["volume"])]

    with gzip.open(path, "rt") as f:
        for r in json.load(f)["data"]:
            put_row(chains, f"NIFTY {r['expiry']} rest", r["strike_price"],
                    market(r["call_options"]), market(r["put_options"]))


def site(path, chains):
    with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as f:
        lines = list(csv.reader(f))[2:]
    for r in lines:
        if len(r) > 21 and number(r[11]):
            put_row(chains, "NIFTY site", r[11], side(r[1], r[2], r[3]), side(r[21], r[20], r[19]))


READERS = {
    "kite_index_chain_20260130.csv.gz": kite,
    "kite_index_chain_20260203.csv.gz": kite,
    "nifty_chain_greeks_20260819.csv.gz": by_type,
    "nifty_oi_20251205.csv.gz": lots,
    "nse_nifty_chain_20250829.csv.gz": nse,
    "nse_site_chain_20260213_exp20260217.csv.gz": site,
    "upstox_rest_option_chain_20260402.json.gz": rest,
}


def text(x):
    if x is None:
        return "-"
    return str(int(x)) if x == int(x) else repr(float(x))


def ratio(a, b):
    return repr(a / b) if b else "-"


def total(chain, column):
    return sum(int(row[column]) for row in chain.values() if row[column] is not None)


def change(chain, column):
    both = [row[column] - row[column + 1] for row in chain.values()
            if row[column] is not None and row[column + 1] is not None]
    return text(sum(both)) if both else "-"


def pain(chain, level):
    paid = 0
    for strike, row in chain:
        paid += max(level - strike, 0) * row[0]
        paid += max(strike - level, 0) * row[1]
    return paid


def figures(chain):
    plain = [(int(100 * k), (int(row[0] or 0), int(row[3] or 0)))
             for k, row in sorted(chain.items())]
    least = min((pain(plain, k), k) for k, _ in plain)
    return " ".join([ratio(total(chain, 3), total(chain, 0)),
                     ratio(total(chain, 5), total(chain, 2)),
                     text(least[1] / 100), repr(least[0] / 100),
                     change(chain, 0), change(chain, 3)])


def main():
    folder = sys.argv[1]
    for name in sys.argv[2:] or sorted(READERS):
        chains = {}
        if not os.path.exists(os.path.join(folder, name)):
            continue
        READERS[name](os.path.join(folder, name), chains)
        for key in list(chains)[::STEP]:
            print(f"snapshot {name.split('.')[0]} {key}")
            for strike, row in sorted(chains[key].items()):
                print("strike", text(strike), *map(text, row))
            print("figures", figures(chains[key]))


if __name__ == "__main__":
    main()
