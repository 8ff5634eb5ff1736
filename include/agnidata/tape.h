/* SPDX-License-Identifier: MIT
 *
 * agnidata/tape.h: the layout of the tape on disk. The one header that another program may include;
 * it needs nothing but <stdint.h>, and a tape can be read with this page alone.
 *
 * A tape is a folder of segments, 0000000001.tape, 0000000002.tape, ..., read in the order of their
 * names. All numbers are little-endian. A segment is a header and records, nothing between them:
 *
 *      +--------+--------+--------+--------+ ... +--------+---------+
 *      | header | block  | block  | control|     | block  | index   |
 *      +--------+--------+--------+--------+ ... +--------+---------+
 *                ^ opens a chunk                            only in a segment that was closed
 *
 * A record is a head of 32 bytes with a checksum of its own, then a body with another. The head's
 * checksum makes the length trustworthy: a record whose head is sound and whose body runs past the
 * end of the file is a write that did not finish (torn), and nobody has seen it; a record that is
 * whole and does not match its checksum is damage, and somebody may have.
 *
 * A block is one message of the broker: its ticks in the order of arrival, numbered from `seq` by
 * one. A body of a block:
 *
 *      struct tape_block_body                 times, and the lengths of what follows
 *      ticks                                  the ticks' bytes, one behind the other
 *      directory                              per tick: varint instrument, varint bytes of the tick
 *      keys                                   per new instrument: u8 length, the key's bytes
 *
 * Instruments are numbered within a chunk, a run of blocks of about TAPE_CHUNK_BYTES: the block with
 * TAPE_OPENS_CHUNK starts again at 0, and each key listed in a block takes the next number. So a
 * reader can begin at any chunk, a segment explains itself, and the directory is the set of
 * instruments of its block: who wants none of them goes to the next head.
 *
 * A tick's bytes: varint `present` (TAPE_* bits below), a byte for the kind of feed (1 ltpc, 2
 * market, 3 index, 4 first level; 0 none), a byte for the broker's request mode, then the fields
 * whose bits are set, in the order of the bits:
 *
 *      varint   unsigned LEB128
 *      int      varint of zigzag: (v << 1) ^ (v >> 63)
 *      price    int in 1/10000 rupee. Bits 63..62 of the value are 00 or 11; 01 marks a double that
 *               is no such multiple, kept bit for bit: bit 61 sign, 60..52 exponent + 255,
 *               51..0 mantissa
 *      number   a double: varint of (zigzag(v) << 2 | 0) for a whole number v, of
 *               (zigzag(k) << 2 | 1) for k/10000, or a byte 2 and the eight bytes of the double
 *      "- x"    the difference to x, modulo 2^64
 *
 *      LTP price   LTT int - ts_ms   LTQ int   CP price - ltp   LTPC_IEP price
 *      DEPTH  varint rows; per row int bid_qty, int ask_qty, price bid - bid of the row before (ltp
 *             for the first; 0 without), price ask - ask of the row before (this row's bid for the
 *             first)
 *      DELTA THETA GAMMA VEGA RHO number
 *      BARS   varint bars; per bar u8 length and bytes of the interval's name ("1d", "I1"), u8
 *             present (TAPE_BAR_*), then open price, high, low, close price - open (all four
 *             always), int vol, int ts - ts_ms
 *      ATP price - ltp   VTT int   OI IV TBQ TSQ number   IEP RP price   IEQ IIQ_TOTAL IIQ_M int
 *      CAS_ELIGIBLE one byte, 0 or 1    MSG_* nothing
 *
 * seq never repeats within an epoch and never goes back in a folder; where it leaps between two
 * segments, what is missing was not kept. docs/tape.md tells what survives which crash.
 */
#ifndef AGNIDATA_TAPE_H
#define AGNIDATA_TAPE_H

#include <stdint.h>

#define TAPE_MAGIC        "AGNITAPE" /* 8 bytes, no NUL */
#define TAPE_VERSION      1
#define TAPE_RECORD_MAGIC 0x52544741u /* "AGTR" */
#define TAPE_SUFFIX       ".tape"
#define TAPE_CHUNK_BYTES  262144u    /* a block that would begin beyond it opens the next chunk */
#define TAPE_BODY_MAX     (1u << 28) /* a longer body is damage */
#define TAPE_KEY_MAX      96

/* At offset 0. A reader of version 1 refuses another version. */
struct tape_segment_header {
	char magic[8];
	uint16_t version;
	uint16_t header_bytes; /* sizeof(struct tape_segment_header) */
	uint32_t flags;   /* TAPE_SYNC_TURN: ticks were shown only when they were on the disk */
	uint64_t ordinal; /* the number in the name */
	uint64_t epoch;
	uint64_t first_seq; /* no tick below it is in here */
	int64_t created_ms; /* wall time, Unix ms */
	uint8_t boot[16];   /* of the system that wrote it: another one tells of an OS crash */
	char source[16];    /* "sim", "upstox", "replay", "import"; NUL-padded */
	char writer[20];    /* "agnidata 0.1.0"; NUL-padded */
	uint32_t head_crc;  /* CRC-32C of all bytes before */
};

enum { TAPE_SYNC_TURN = 1u << 0 };

/* In front of each body. */
struct tape_record_head {
	uint32_t magic;      /* TAPE_RECORD_MAGIC */
	uint32_t body_bytes; /* that follow */
	uint64_t seq;        /* of the first tick; without ticks, of the next one */
	uint32_t ticks;
	uint8_t type;     /* enum tape_record_type */
	uint8_t flags;    /* TAPE_SNAPSHOT, TAPE_OPENS_CHUNK */
	uint16_t control; /* enum tape_control_type */
	uint32_t body_crc;
	uint32_t head_crc; /* CRC-32C of the 28 bytes before */
};

enum tape_record_type { TAPE_BLOCK = 1, TAPE_CONTROL = 2, TAPE_INDEX = 3 };

enum {
	TAPE_SNAPSHOT = 1u << 0,    /* an initial_feed: each tick replaces what was known */
	TAPE_OPENS_CHUNK = 1u << 1, /* instruments are numbered anew */
};

struct tape_block_body {
	int64_t ts_ms;   /* currentTs of the message: market time; 0 = it had none */
	int64_t recv_ms; /* wall time of its arrival */
	uint32_t ticks_bytes, directory_bytes;
};

/* A control record's body: the two times, then what the type says. */
struct tape_control_body {
	int64_t ts_ms; /* market time, 0 = none */
	int64_t recv_ms;
};

enum tape_control_type {
	TAPE_START = 1,       /* text: the writer; what follows is another process's */
	TAPE_STOP = 2,        /* a clean stop: all that was shown is in front of it */
	TAPE_LINK_UP = 3,     /* text: why */
	TAPE_LINK_DOWN = 4,   /* text: why */
	TAPE_MARKET_INFO = 5, /* per segment: u8 length, name, u8 status as the broker numbers it */
	TAPE_DEGRADED = 6,    /* u64 from, u64 to: shown, and not kept; text: why */
};

/* The body of the index, last in a closed segment: entries, then the trailer. One entry per chunk. */
struct tape_index_entry {
	uint64_t
		offset; /* of the chunk's first record; control records may stand before its blocks */
	uint64_t seq;   /* of its first tick */
	int64_t ts_ms; /* market time of its first block; 0 = none */
};

struct tape_index_trailer {
	uint64_t last_seq;     /* newest tick of the segment; first_seq - 1 when it has none */
	uint64_t index_offset; /* of the index's head: the last 8 bytes of the file lead to it */
};

/* What a tick carried; absent is not zero. */
enum {
	TAPE_LTP = 1u << 0,
	TAPE_LTT = 1u << 1,
	TAPE_LTQ = 1u << 2,
	TAPE_CP = 1u << 3,
	TAPE_LTPC_IEP = 1u << 4,
	TAPE_DEPTH = 1u << 5,
	TAPE_DELTA = 1u << 6,
	TAPE_THETA = 1u << 7,
	TAPE_GAMMA = 1u << 8,
	TAPE_VEGA = 1u << 9,
	TAPE_RHO = 1u << 10,
	TAPE_BARS = 1u << 11,
	TAPE_ATP = 1u << 12,
	TAPE_VTT = 1u << 13,
	TAPE_OI = 1u << 14,
	TAPE_IV = 1u << 15,
	TAPE_TBQ = 1u << 16,
	TAPE_TSQ = 1u << 17,
	TAPE_IEP = 1u << 18,
	TAPE_RP = 1u << 19,
	TAPE_IEQ = 1u << 20,
	TAPE_IIQ_TOTAL = 1u << 21,
	TAPE_IIQ_M = 1u << 22,
	TAPE_CAS_ELIGIBLE = 1u << 23,
	/* Messages of the wire that were there, whatever they held. */
	TAPE_MSG_LTPC = 1u << 24,
	TAPE_MSG_GREEKS = 1u << 25,
	TAPE_MSG_OHLC = 1u << 26,
};

enum {
	TAPE_BAR_OPEN = 1u << 0,
	TAPE_BAR_HIGH = 1u << 1,
	TAPE_BAR_LOW = 1u << 2,
	TAPE_BAR_CLOSE = 1u << 3,
	TAPE_BAR_VOL = 1u << 4,
	TAPE_BAR_TS = 1u << 5,
};

#endif
