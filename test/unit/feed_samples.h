/* SPDX-License-Identifier: MIT
 *
 * feed_samples: reference messages of the feed, typed from the documentation, and helpers of the
 * tests that read bytes.
 */
#ifndef AGNI_TEST_FEED_SAMPLES_H
#define AGNI_TEST_FEED_SAMPLES_H

#include <stdio.h>
#include <stdlib.h>

#include "../lib/check.h"
#include "upstox/frame.h"

/* Bytes in an allocation of exactly their size, so that the sanitizer sees every step beyond. */
struct bytes {
	uint8_t *p;
	size_t len;
};

static inline struct bytes bytes_new(size_t len)
{
	struct bytes b = {malloc(len ? len : 1), len};

	check(b.p != NULL);
	return b;
}

static inline struct bytes bytes_of(const void *from, size_t len)
{
	struct bytes b = bytes_new(len);

	memcpy(b.p, from, len);
	return b;
}

static inline struct bytes unhex(const char *hex)
{
	struct bytes b = bytes_new(strlen(hex) / 2);

	for (size_t i = 0; i < b.len; i++) {
		unsigned byte;

		check_i64(sscanf(hex + 2 * i, "%2x", &byte), 1);
		b.p[i] = (uint8_t)byte;
	}
	return b;
}

/* Scans `hex`, which must pass and hold exactly one entry. The frame and bytes stay alive. */
static inline struct tick only_tick(struct feed_frame *f, struct bytes *b, const char *hex)
{
	static struct tick t, more;

	*b = unhex(hex);
	check_i64(feed_frame_scan(f, b->p, b->len, NULL), 0);
	check_i64(feed_frame_count(f), 1);
	check(feed_frame_next(f, &t));
	check(!feed_frame_next(f, &more));
	return t;
}

#define HEX_LTPC                                                                                   \
	"0801122d0a0c4e53455f464f7c3435343530121d0a1b099a99999999696b4010d39ec4dcd432184b21cdcccc" \
	"cc"                                                                                       \
	"cce07e4018d786c5dcd432"
#define HEX_INFO                                                                                   \
	"08021895b3c18bb73222270a0a0a064e53455f455110020a0a0a064e53455f464f10030a0d0a094e53455f49" \
	"4e"                                                                                       \
	"4445581000"
#define HEX_INDEX                                                                                  \
	"126c0a144e53455f494e4445587c4e696674792042616e6b12541250124e0a19099a9999995971ea4010d8fb" \
	"82"                                                                                       \
	"be9233219a999999516cea4012310a2f0a02316411cdccccccec78ea4019666666662687ea4021cdcccccc64" \
	"66"                                                                                       \
	"ea40299a9999995971ea4038c0e8c4ab9233200118c08383be9233"
#define HEX_GREEKS                                                                                 \
	"0801128f010a0c4e53455f464f7c3531383334127f1a7b0a1b090000000000e06f4010d3b8aad4a933182821" \
	"33"                                                                                       \
	"3333333323784012160850113333333333d36f40183c21cdccccccccdc6f401a2d09a857ca32c4b1debf1177" \
	"2d"                                                                                       \
	"211ff4145cc019613255302aa9433f21fed478e92661334029dfe00b93a982f5bf20a480a704290000000054" \
	"9b"                                                                                       \
	"3541310000000080c3c13f200218acb9aad4a933"
#define HEX_EQUITY                                                                                 \
	"12ce020a134e53455f45517c494e4530393041303130323112b60212b1020aae020a1c09cdcccccccc869440" \
	"10"                                                                                       \
	"b995d5ecda3218f501216666666666779440127f0a1808ba04119a9999999986944018ea0521cdcccccccc86" \
	"94"                                                                                       \
	"400a1808ee0211666666666686944018bc052100000000008794400a1808800311333333333386944018e40f" \
	"21"                                                                                       \
	"33333333338794400a1708d10111000000000086944018012166666666668794400a16084111cdcccccccc85" \
	"94"                                                                                       \
	"401801219a999999998794401a00226b0a340a02316411666666666666944019cdcccccccc909440219a9999" \
	"99"                                                                                       \
	"9958944029cdcccccccc86944030b6bfdb0338c09094d4da320a330a02493111000000000083944019cdcccc" \
	"cc"                                                                                       \
	"cc85944021666666666682944029666666666684944030f2e40238e09dcfecda32291f85eb51b87a944030b6" \
	"bf"                                                                                       \
	"db034900000000d4eb15415100000000e4b51941200118cea0d5ecda32"
#define HEX_STATUS                                                                                 \
	"080218dbe3b9ac8834224b0a0a0a064e53455f45511002121c0a064e53455f455112120a094354535f434c4f" \
	"53"                                                                                       \
	"4510e0e2b9ac88341a1f0a064e53455f455112150a0c5052455f4f50454e5f454e4410f29dfea18834"
#define HEX_IEP                                                                                    \
	"0801123f0a134e53455f45517c494e4530303241303130313812280a26090000000000e2954010c0f2f4a188" \
	"34"                                                                                       \
	"180321cdccccccccd895402a09090000000000e5954018a4f3f4a18834"

#endif
