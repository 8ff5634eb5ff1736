/* SPDX-License-Identifier: MIT
 *
 * err: how a failure travels up with a reason that a human can read.
 *
 * Expected outcomes are a bool, a count or NULL. Operating errors are negative ints; ours lie below
 * libuv's (which are -errno), so that a uv_* result may be returned as it is. Where a human will
 * read the reason the last parameter is a `struct agni_err *`, filled at the bottom by agni_fail()
 * and prefixed on the way up by agni_wrap():
 *
 *     "feed: authorize: certificate is not for api.upstox.com"
 */
#ifndef AGNI_CORE_ERR_H
#define AGNI_CORE_ERR_H

#include "core/base.h"

/* One list makes the enum and the text. Codes start below every -errno. */
#define AGNI_ERRORS(X)                                                                             \
	X(AGNI_ECONFIG, -10001, "the configuration is wrong")                                      \
	X(AGNI_EUSAGE, -10002, "the command line is wrong")                                        \
	X(AGNI_EPARSE, -10003, "the input is not what it should be")                               \
	X(AGNI_ELIMIT, -10004, "a limit is exceeded")                                              \
	X(AGNI_EAUTH, -10005, "not authorised")                                                    \
	X(AGNI_ETLS, -10006, "TLS failed")                                                         \
	X(AGNI_ETIMEDOUT, -10007, "a deadline passed")                                             \
	X(AGNI_ECLOSED, -10008, "the peer closed")                                                 \
	X(AGNI_EPROTO, -10009, "the peer broke the protocol")                                      \
	X(AGNI_ENOTFOUND, -10010, "not found")                                                     \
	X(AGNI_ECANCELED, -10011, "cancelled")                                                     \
	X(AGNI_EBUSY, -10012, "busy with the same already")

enum agni_errno {
#define X(name, value, text) name = (value),
	AGNI_ERRORS(X)
#undef X
};

#define AGNI_ERR_TEXT 252

struct agni_err {
	int code;                 /* 0, one of enum agni_errno, or a libuv code */
	char text[AGNI_ERR_TEXT]; /* one line, no newline */
};

/* Sets code and text. Returns `code`. `err` may be NULL. */
int agni_fail(struct agni_err *err, int code, const char *fmt, ...) AGNI_PRINTF(3, 4);

/* As agni_fail for a negative libuv or errno result; its sentence is appended after ": ". */
int agni_fail_uv(struct agni_err *err, int uv_code, const char *fmt, ...) AGNI_PRINTF(3, 4);

/* Puts "prefix: " before the text. Returns the code that is there. `err` may be NULL: then -1. */
int agni_wrap(struct agni_err *err, const char *fmt, ...) AGNI_PRINTF(2, 3);

/* The sentence for a code of ours or of libuv; never NULL. */
const char *agni_strerror(int code);

#endif
