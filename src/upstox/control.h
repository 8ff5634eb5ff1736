/* SPDX-License-Identifier: MIT
 *
 * control: the client's requests on the feed: JSON in binary frames, read and written.
 *
 *     {"guid":"...","method":"sub","data":{"mode":"full","instrumentKeys":["NSE_FO|45450"]}}
 */
#ifndef AGNI_UPSTOX_CONTROL_H
#define AGNI_UPSTOX_CONTROL_H

#include "core/buf.h"
#include "core/err.h"
#include "market/tick.h"

enum control_method { CONTROL_SUB, CONTROL_UNSUB, CONTROL_CHANGE_MODE };

struct control_request {
	enum control_method method;
	enum request_mode mode; /* "full" is MODE_FULL_D5; MODE_LTPC when absent */
	bool has_mode;
	void *json;        /* owner of the keys; freed by control_fini */
	const char **keys; /* lent until control_fini; non-string members are left out */
	uint32_t keys_n;
};

/* "ltpc", "option_greeks", "full", "full_d30"; false for any other ("full_d5" too). */
bool request_mode_parse(const char *text, enum request_mode *out);
const char *request_mode_text(enum request_mode m);

/* Returns 0, or AGNI_EPARSE (not such a request, an unknown method or mode). */
int control_parse(struct control_request *r, const char *json, size_t len,
		  struct agni_err *err) AGNI_MUST_USE;
void control_fini(struct control_request *r);

/* Appends a request with a fresh random guid. keys[] are NUL-terminated. `mode` is left out for
 * CONTROL_UNSUB. */
void control_write(struct buf *out, enum control_method method, enum request_mode mode,
		   const char *const *keys, uint32_t keys_n);

#endif
