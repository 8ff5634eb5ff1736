/* SPDX-License-Identifier: MIT
 *
 * why: the route; see why.h.
 *
 * A selector is answered for all that it means: the first that is silent is told of, how it stands with
 * each beside it. One that means nothing yet, for want of its underlying's price, is answered with why
 * that is silent.
 */
#include "api/why.h"

#include <stdio.h>
#include <stdlib.h>

#include "api/api_internal.h"

#define MEANS_MAX 64 /* of a selector: so many are looked at, the others counted */

static struct why_asker asker_of(const struct api *a, const struct scope *scope,
				 const struct master *m, enum interest_mode mode)
{
	struct why_asker w = {.api = a, .master = m, .scope = scope, .mode = mode};

	a->deps.upstream->status(a->deps.upstream->arg, &w.up);
	return w;
}

static void put_head(struct buf *b, const char *asked, const char *key)
{
	buf_str(b, "{\"asked\":");
	buf_json_str(b, asked, strlen(asked));
	if (key) {
		buf_str(b, ",\"key\":");
		buf_json_str(b, key, strlen(key));
	}
	buf_byte(b, ',');
}

static void respond(struct http_request *r, const struct why_asker *w, const char *asked,
		    const struct why_facts *f)
{
	struct why_verdict v;
	struct buf b = {0};

	why_judge(f, &v);
	put_head(&b, asked, f->is_listed ? f->key : NULL);
	why_json(&b, w, f, &v);
	buf_byte(&b, '}');
	api_respond(r, 200, &b);
}

static void respond_key(struct http_request *r, const struct why_asker *w, const char *asked,
			const char *key)
{
	struct why_facts f;

	why_find(w, key, true, &f);
	respond(r, w, asked, &f);
}

/* --- a selector ------------------------------------------------------------------------------- */

struct meaning {
	const struct why_asker *w;
	char first[INST_KEY_MAX + 1]; /* that is silent; else the first of all */
	enum why_code code;           /* its */
	unsigned n, more;             /* looked at, and not */
	struct buf means;             /* JSON: one object each */
};

static void on_key(void *arg, const char *key, size_t len)
{
	struct meaning *s = arg;
	struct why_facts f;
	struct why_verdict v;

	if (!scope_permits(s->w->scope, key, len))
		return;
	if (s->n == MEANS_MAX) {
		s->more++;
		return;
	}
	why_find(s->w, key, false, &f);
	why_judge(&f, &v);
	if (s->n == 0 || (s->code == WHY_OK && v.code != WHY_OK)) {
		snprintf(s->first, sizeof(s->first), "%s", key);
		s->code = v.code;
	}
	buf_str(&s->means, s->n++ ? ",{\"key\":" : "{\"key\":");
	buf_json_str(&s->means, key, len);
	buf_printf(&s->means, ",\"code\":\"%s\"}", why_code_text(v.code));
}

static void respond_meaning(struct http_request *r, const struct why_asker *w, const char *text,
			    struct meaning *s)
{
	struct why_facts f;
	struct why_verdict v;
	struct buf b = {0};

	why_find(w, s->first, true, &f);
	why_judge(&f, &v);
	put_head(&b, text, s->first);
	why_json(&b, w, &f, &v);
	buf_str(&b, ",\"means\":[");
	buf_append(&b, s->means.data, s->means.len);
	buf_printf(&b, "],\"more\":%u}", s->more);
	api_respond(r, 200, &b);
}

/* It waits for the price that tells where the money is. */
static void respond_no_price(struct http_request *r, const struct why_asker *w, const char *text,
			     const char *money)
{
	struct why_facts f;
	struct why_verdict v;
	struct buf b = {0}, said = {0};

	why_find(w, money, true, &f);
	why_judge(&f, &v);
	buf_printf(&said, "%s waits for the price that its strikes are told from; ", text);
	why_say(&f, v.code, &said);
	put_head(&b, text, NULL);
	buf_str(&b, "\"code\":\"no_price\",\"sentence\":");
	buf_json_str(&b, said.data, said.len);
	buf_str(&b, ",\"facts\":{\"waits_for\":");
	put_head(&b, money, money);
	why_json(&b, w, &f, &v);
	buf_str(&b, "}},\"also\":[],\"means\":[],\"more\":0}");
	buf_fini(&said);
	api_respond(r, 200, &b);
}

static void respond_meaningless(struct http_request *r, const char *text,
				const struct resolve_miss *miss)
{
	struct buf b = {0}, said = {0};

	buf_printf(&said, "%s: %s", text, miss->text);
	put_head(&b, text, NULL);
	buf_printf(&b, "\"code\":\"%s\",\"sentence\":", resolve_code_text(miss->code));
	buf_json_str(&b, said.data, said.len);
	buf_str(&b, ",\"facts\":{\"nearest\":[");
	for (unsigned i = 0; i < miss->near_n; i++) {
		buf_str(&b, i ? "," : "");
		buf_json_str(&b, miss->near[i], strlen(miss->near[i]));
	}
	buf_str(&b, "]},\"also\":[],\"means\":[],\"more\":0}");
	buf_fini(&said);
	api_respond(r, 200, &b);
}

/* A selector that means nothing. */
static void answer_miss(struct http_request *r, const struct why_asker *w, const char *text,
			const struct resolve_miss *miss)
{
	const struct refdata *refdata = w->api->deps.refdata;
	size_t len = strlen(text);
	const char *money =
		miss->code == RESOLVE_NO_PRICE ? refdata_money_key(refdata, text, len) : NULL;
	struct selector s;
	struct agni_err err;

	if (selector_parse(text, len, &s, &err) < 0)
		api_respond_miss(w->api, r, 400, "", miss);
	else if (api_is_miss_hidden(w->api, r, s.underlying, miss))
		api_respond_outside(r);
	else if (money && *money && scope_permits(w->scope, money, strlen(money)))
		respond_no_price(r, w, text, money);
	else
		respond_meaningless(r, text, miss);
}

static void answer_selector(struct http_request *r, const struct why_asker *w, const char *text)
{
	const struct refdata *refdata = w->api->deps.refdata;
	size_t len = strlen(text);
	struct meaning s = {.w = w};
	struct resolve_miss miss;

	if (refdata_select(refdata, text, len, NULL, on_key, &s, &miss) == 0)
		answer_miss(r, w, text, &miss);
	else if (s.n == 0)
		api_respond_outside(r);
	else
		respond_meaning(r, w, text, &s);
	buf_fini(&s.means);
}

/* --- what is not listed ------------------------------------------------------------------------ */

/* A look for what was meant, which waits for its worker. */
struct looking {
	struct api *api;
	struct http_request *r;
	struct scope scope; /* a copy: a reload may change the caller's meanwhile */
	struct near_query query;
	struct search_query search; /* when nothing is near */
	enum interest_mode mode;
};

static bool permits(const void *arg, const char *key, size_t len)
{
	return scope_permits(arg, key, len);
}

static void respond_unknown(struct http_request *r, const struct why_asker *w, const char *text,
			    const struct near_result *near)
{
	struct why_facts f;

	why_find(w, text, false, &f);
	f.is_listed = false;
	for (unsigned i = 0; near && i < near->n; i++)
		snprintf(f.near[f.near_n++], sizeof(f.near[0]), "%s",
			 master_key(w->master, near->rows[i]));
	respond(r, w, text, &f);
}

static void looking_free(struct looking *l)
{
	scope_fini(&l->scope);
	free(l);
}

static void on_found(void *arg, const struct master *m, const struct search_result *res)
{
	struct looking *l = arg;
	struct why_asker w = asker_of(l->api, &l->scope, m, l->mode);
	struct near_result near = {0};

	if (!m) {
		http_respond_error(l->r, 503, "unavailable", "the server is stopping");
	} else {
		for (; near.n < res->n && near.n < NEAR_KEYS_MAX; near.n++)
			near.rows[near.n] = res->rows[near.n];
		respond_unknown(l->r, &w, l->query.text, &near);
	}
	looking_free(l);
}

/* "nifty 25800 ce" is near to no name: what /instruments finds by its words. False: that is not asked. */
static bool search_for(struct looking *l)
{
	struct search_query *q = &l->search;

	if (strlen(l->query.text) > SEARCH_QUERY_MAX || strchr(l->query.text, '|'))
		return false;
	snprintf(q->text, sizeof(q->text), "%.*s", SEARCH_QUERY_MAX, l->query.text);
	q->underlying = MASTER_NONE;
	q->first_day = l->query.first_day;
	q->limit = NEAR_KEYS_MAX;
	q->permits = permits;
	q->permits_arg = &l->scope;
	return refdata_search(l->api->deps.refdata, q, on_found, l);
}

static void on_near(void *arg, const struct master *m, const struct near_result *res)
{
	struct looking *l = arg;
	struct why_asker w = asker_of(l->api, &l->scope, m, l->mode);
	const char *text = l->query.text;

	if (m && res->n == 0 && search_for(l))
		return;
	if (!m)
		http_respond_error(l->r, 503, "unavailable", "the server is stopping");
	else if (res->is_same && !strchr(text, '|'))
		respond_key(l->r, &w, text, master_key(m, res->rows[0]));
	else
		respond_unknown(l->r, &w, text, res);
	looking_free(l);
}

static void look_for(struct api *a, struct http_request *r, const char *text,
		     enum interest_mode mode)
{
	struct looking *l = mem_zalloc(sizeof(*l));

	*l = (struct looking){.api = a, .r = r, .mode = mode};
	snprintf(l->query.text, sizeof(l->query.text), "%s", text);
	l->query.first_day = resolve_first_day(refdata_market(a->deps.refdata).now_ms);
	scope_copy(&l->scope, api_scope(a, r));
	l->query.permits = permits;
	l->query.permits_arg = &l->scope;
	if (refdata_near(a->deps.refdata, &l->query, on_near, l))
		return;
	looking_free(l);
	http_respond_error(r, 503, "busy", "too many searches wait; ask again");
}

/* --- the route -------------------------------------------------------------------------------- */

static bool take_mode(const struct http_request *r, enum interest_mode *out)
{
	char text[16];

	*out = WANT_FULL;
	if (!http_request_query(r, "mode", text, sizeof(text)))
		return true;
	for (int m = WANT_LTPC; m <= WANT_FULL; m++) {
		if (strcmp(text, why_mode_text(m)) == 0) {
			*out = (enum interest_mode)m;
			return true;
		}
	}
	return false;
}

/* A key: 403 before all else. */
static void answer_key(struct api *a, struct http_request *r, const struct why_asker *w,
		       const char *key)
{
	size_t len = strlen(key);

	if (!scope_permits(w->scope, key, len))
		api_respond_outside(r);
	else if (!w->master || master_find(w->master, key, len) != MASTER_NONE)
		respond_key(r, w, key, key);
	else
		look_for(a, r, key, w->mode);
}

void api_why(void *arg, struct http_request *r)
{
	struct api *a = arg;
	struct why_asker w =
		asker_of(a, api_scope(a, r), refdata_master(a->deps.refdata), WANT_FULL);
	char text[SELECTOR_TEXT_MAX + 2];
	size_t len;

	if (!http_request_query(r, "instrument", text, sizeof(text)))
		text[0] = '\0';
	len = strlen(text);
	if (len == 0 || len > SELECTOR_TEXT_MAX) {
		http_respond_error(r, 400, "bad_request",
				   "instrument is a key, a selector or a name, of at most %d bytes",
				   SELECTOR_TEXT_MAX);
		return;
	}
	if (!take_mode(r, &w.mode)) {
		http_respond_error(r, 400, "bad_request", "mode is ltpc, option_greeks or full");
		return;
	}
	tape_flush(a->deps.tape); /* what is told of is on the tape */
	if (selector_is_meant(text, len) && api_master(a, r))
		answer_selector(r, &w, text);
	else if (selector_is_meant(text, len))
		return; /* answered */
	else if (instrument_key_is_valid(text, len))
		answer_key(a, r, &w, text);
	else if (strchr(text, '|'))
		http_respond_error(r, 400, "invalid_instrument",
				   "an instrument key looks like NSE_INDEX|Nifty 50");
	else if (api_master(a, r))
		look_for(a, r, text, w.mode);
}
