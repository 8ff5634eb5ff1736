/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the HTTP parser, the guard and the decoding of targets. The first byte picks request or
 * response, the second one where the input is cut; whole and cut must have the same outcome.
 */
#include <stdlib.h>

#include "http/guard.h"
#include "http/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const struct parser_limits limits = {
	.head_max = 2048, .target_max = 512, .headers_max = 20, .body_max = 1024};

/* What must not depend on how the bytes came. */
struct digest {
	int messages, refused;
	size_t body_bytes, header_bytes;
};

struct run {
	enum parser_kind kind;
	struct parser *parser;
	struct message msg;
	struct target target;
	struct digest digest;
	bool is_over;
};

static void use_target(const struct target *t)
{
	char value[16];

	AGNI_ASSERT(strlen(t->path.data) == t->path.len);
	query_get(t->query, "key", value, sizeof(value));
}

static bool on_head(struct run *r)
{
	const struct guard_rules rules = {.loopback_only = false, .body_max = 1024};
	struct http_fault fault;

	if (r->kind == PARSER_RESPONSE)
		return true;
	if (!guard_check(&r->msg, &rules, &r->target, &fault)) {
		AGNI_ASSERT(fault.status >= 400 && fault.code && fault.text);
		return false;
	}
	use_target(&r->target);
	return true;
}

static void on_done(struct run *r)
{
	AGNI_ASSERT(r->msg.body.len <= limits.body_max);
	AGNI_ASSERT(r->msg.target.len <= limits.target_max);
	r->digest.messages++;
	r->digest.body_bytes += r->msg.body.len;
	r->digest.header_bytes += r->msg.headers.len;
	parser_begin(r->parser, &r->msg);
}

static void run_feed(struct run *r, const char *bytes, size_t len)
{
	size_t at = 0;

	while (!r->is_over) {
		size_t used;
		enum parser_event event = parser_feed(r->parser, bytes + at, len - at, &used);

		at += used;
		AGNI_ASSERT(at <= len);
		if (event == PARSER_MORE)
			return;
		if (event == PARSER_DONE)
			on_done(r);
		else if (event == PARSER_FAILED || !on_head(r))
			r->is_over = true;
		r->digest.refused = r->is_over;
		if (event == PARSER_DONE && at == len)
			return;
	}
}

static struct digest run_cut(enum parser_kind kind, const char *bytes, size_t len, size_t cut)
{
	struct run r = {.kind = kind, .parser = parser_create(kind, &limits)};

	parser_begin(r.parser, &r.msg);
	run_feed(&r, bytes, cut);
	if (cut < len)
		run_feed(&r, bytes + cut, len - cut);
	if (!r.is_over && parser_finish(r.parser) == PARSER_DONE)
		on_done(&r);
	parser_destroy(r.parser);
	message_fini(&r.msg);
	target_fini(&r.target);
	return r.digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum parser_kind kind;
	struct digest whole, cut;
	char *text;

	if (len < 3)
		return 0;
	kind = bytes[0] & 1 ? PARSER_RESPONSE : PARSER_REQUEST;
	text = malloc(len - 2);
	AGNI_ASSERT(text);
	memcpy(text, bytes + 2, len - 2);
	whole = run_cut(kind, text, len - 2, len - 2);
	cut = run_cut(kind, text, len - 2, bytes[1] % (len - 2));
	AGNI_ASSERT(memcmp(&whole, &cut, sizeof(whole)) == 0);
	free(text);
	return 0;
}
