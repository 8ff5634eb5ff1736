/* SPDX-License-Identifier: MIT
 *
 * peek: see peek.h. A link is one attempt with its socket and its reader; it outlives its time by
 * the turn that closing takes, so each attempt has one of its own.
 */
#include "store/peek.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

#include <hiredis/hiredis.h>

#include "store/connection.h"

#define ELEMENTS_MAX (1u << 20)

enum greeting { GREETING_AUTH = 1, GREETING_SELECT, GREETING_NAME, GREETING_PING };

struct peek_link {
	uv_tcp_t tcp;
	uv_connect_t connect;
	struct peek *peek; /* NULL when it is let go of */
	redisReader *reader;
	redisReplyObjectFunctions fns; /* the reader's, with create_array() */
	size_t fed;                    /* bytes since the last whole reply */
	char chunk[65536];
};

struct sent {
	uv_write_t req;
	struct buf bytes;
};

static void on_timer(uv_timer_t *timer);
static void connect_next(struct peek *p);

/* --- values -------------------------------------------------------------------------------------- */

static struct peek_value value_of(const redisReply *r)
{
	struct peek_value v = {.type = PEEK_NIL, .text = "", .reply = r};

	switch (r->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
	case REDIS_REPLY_ERROR:
		v.type = r->type == REDIS_REPLY_ERROR ? PEEK_ERROR : PEEK_TEXT;
		v.text = r->str;
		v.len = (size_t)r->len;
		break;
	case REDIS_REPLY_INTEGER:
		v.type = PEEK_NUMBER;
		v.number = r->integer;
		break;
	case REDIS_REPLY_ARRAY:
		v.type = PEEK_ARRAY;
		v.n = r->elements;
		break;
	default:
		break;
	}
	return v;
}

struct peek_value peek_element(const struct peek_value *v, size_t i)
{
	const redisReply *r = v->reply;

	AGNI_ASSERT(v->type == PEEK_ARRAY && i < v->n);
	return value_of(r->element[i]);
}

/* --- the end of a link ----------------------------------------------------------------------------- */

static void on_link_closed(uv_handle_t *handle)
{
	struct peek_link *l = container_of((uv_tcp_t *)handle, struct peek_link, tcp);

	redisReaderFree(l->reader);
	free(l);
}

static void drop_link(struct peek *p)
{
	struct peek_link *l = p->link;

	p->link = NULL;
	p->tags_at = p->tags_n = 0;
	buf_reset(&p->out);
	if (!l)
		return;
	l->peek = NULL;
	uv_close((uv_handle_t *)&l->tcp, on_link_closed);
}

/* The link is of no use: the next address, or a rest and then all over. */
static void leave(struct peek *p, const char *why, uintptr_t tag)
{
	enum peek_state from = p->state;

	drop_link(p);
	refusal_text(p->why, why);
	if (from == PEEK_CONNECTING && p->next_address) {
		connect_next(p);
		return;
	}
	p->state = PEEK_WAITING;
	uv_timer_start(&p->timer, on_timer, p->retry_ms, 0);
	p->events->on_lost(p->arg, tag);
}

/* --- replies --------------------------------------------------------------------------------------- */

static uintptr_t take_tag(struct peek *p)
{
	uintptr_t tag = p->tags[p->tags_at++];

	if (p->tags_at == p->tags_n)
		p->tags_at = p->tags_n = 0;
	return tag;
}

static size_t owed(const struct peek *p)
{
	return p->tags_n - p->tags_at;
}

static void greeting_reply_of(struct peek *p, uintptr_t tag, const struct peek_value *v)
{
	if (v->type == PEEK_ERROR && tag != GREETING_NAME) {
		leave(p, v->text, 0);
	} else if (tag == GREETING_PING && (v->type != PEEK_TEXT || strcmp(v->text, "PONG") != 0)) {
		leave(p, "what answers there is not Redis", 0);
	} else if (tag == GREETING_PING) {
		p->state = PEEK_LIVE;
		p->why[0] = '\0';
		p->events->on_live(p->arg);
	}
}

/* Hands out the replies that are whole. False when the link ended on the way. */
static bool take_replies(struct peek *p, struct peek_link *l)
{
	for (;;) {
		void *reply = NULL;
		struct peek_value v;
		uintptr_t tag;

		if (redisReaderGetReply(l->reader, &reply) != REDIS_OK || (reply && !owed(p))) {
			if (reply)
				freeReplyObject(reply);
			leave(p, "what answers there is not Redis", 0);
			return false;
		}
		if (!reply)
			return true;
		l->fed = 0;
		tag = take_tag(p);
		v = value_of(reply);
		if (p->state == PEEK_GREETING)
			greeting_reply_of(p, tag, &v);
		else
			p->events->on_reply(p->arg, tag, &v);
		freeReplyObject(reply);
		if (l->peek != p)
			return false;
	}
}

static void watch_silence(struct peek *p)
{
	if (owed(p))
		uv_timer_start(&p->timer, on_timer, p->silence_ms, 0);
	else
		uv_timer_stop(&p->timer);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct peek_link *l = container_of((uv_tcp_t *)stream, struct peek_link, tcp);
	struct peek *p = l->peek;

	if (!p || n == 0)
		return;
	if (n < 0) {
		leave(p, n == UV_EOF ? "it closed the connection" : uv_strerror((int)n), 0);
		return;
	}
	l->fed += (size_t)n;
	if (redisReaderFeed(l->reader, bytes->base, (size_t)n) != REDIS_OK) {
		leave(p, "what answers there is not Redis", 0);
		return;
	}
	if (!take_replies(p, l))
		return;
	if (l->fed > PEEK_REPLY_MAX)
		leave(p, "a reply was too long", owed(p) ? p->tags[p->tags_at] : 0);
	else
		watch_silence(p);
}

static void lend_chunk(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct peek_link *l = container_of((uv_tcp_t *)handle, struct peek_link, tcp);

	(void)size;
	*out = uv_buf_init(l->chunk, sizeof(l->chunk));
}

/* --- asking ---------------------------------------------------------------------------------------- */

void peek_ask(struct peek *p, uintptr_t tag, unsigned argc, const char *const *argv,
	      const size_t *lens)
{
	AGNI_ASSERT(tag != 0 && (p->state == PEEK_GREETING || p->state == PEEK_LIVE));
	buf_printf(&p->out, "*%u\r\n", argc);
	for (unsigned i = 0; i < argc; i++) {
		size_t len = lens ? lens[i] : strlen(argv[i]);

		buf_printf(&p->out, "$%zu\r\n", len);
		buf_append(&p->out, argv[i], len);
		buf_append(&p->out, "\r\n", 2);
	}
	if (p->tags_n == p->tags_cap) {
		p->tags_cap = p->tags_cap ? 2 * p->tags_cap : 64;
		p->tags = mem_realloc(p->tags, p->tags_cap * sizeof(p->tags[0]));
	}
	p->tags[p->tags_n++] = tag;
}

void peek_ask_words(struct peek *p, uintptr_t tag, ...)
{
	const char *argv[16];
	unsigned argc = 0;
	va_list ap;

	va_start(ap, tag);
	while (argc < ARRAY_LEN(argv) && (argv[argc] = va_arg(ap, const char *)) != NULL)
		argc++;
	va_end(ap);
	peek_ask(p, tag, argc, argv, NULL);
}

static void on_sent(uv_write_t *req, int status)
{
	struct sent *s = container_of(req, struct sent, req);

	(void)status;                                /* the reader meets the same end */
	explicit_bzero(s->bytes.data, s->bytes.len); /* AUTH */
	buf_fini(&s->bytes);
	free(s);
}

void peek_flush(struct peek *p)
{
	struct sent *s;
	uv_buf_t bytes;
	int rc;

	if (!p->link || !p->out.len)
		return;
	s = mem_zalloc(sizeof(*s));
	s->bytes = p->out;
	p->out = (struct buf){0};
	bytes = uv_buf_init(s->bytes.data, (unsigned)s->bytes.len);
	rc = uv_write(&s->req, (uv_stream_t *)&p->link->tcp, &bytes, 1, on_sent);
	if (rc < 0) {
		on_sent(&s->req, rc);
		leave(p, uv_strerror(rc), 0);
		return;
	}
	watch_silence(p);
}

/* hiredis lays out as many elements as an array announces, and frees them one by one: two thousand
 * million from a stranger would hold us for half a minute. */
#if HIREDIS_MAJOR >= 1
static void *create_array(const redisReadTask *task, size_t elements)
#else
static void *create_array(const redisReadTask *task, int elements)
#endif
{
	const redisReplyObjectFunctions *base = task->privdata;

	if ((uint64_t)elements > ELEMENTS_MAX) /* a negative one, too */
		return NULL;
	return base->createArray(task, elements);
}

/* --- connecting ------------------------------------------------------------------------------------ */

static void greet(struct peek *p)
{
	char db[16];

	p->state = PEEK_GREETING;
	if (p->url.user[0])
		peek_ask_words(p, GREETING_AUTH, "AUTH", p->url.user, p->url.password, NULL);
	else if (p->url.password[0])
		peek_ask_words(p, GREETING_AUTH, "AUTH", p->url.password, NULL);
	snprintf(db, sizeof(db), "%d", p->db);
	if (p->db)
		peek_ask_words(p, GREETING_SELECT, "SELECT", db, NULL);
	peek_ask_words(p, GREETING_NAME, "CLIENT", "SETNAME", "agnidata-monitor", NULL);
	peek_ask_words(p, GREETING_PING, "PING", NULL);
	peek_flush(p);
}

static void on_connect(uv_connect_t *req, int status)
{
	struct peek_link *l = container_of(req, struct peek_link, connect);
	struct peek *p = l->peek;

	if (!p)
		return;
	if (status == 0)
		status = uv_read_start((uv_stream_t *)&l->tcp, lend_chunk, on_read);
	if (status < 0)
		leave(p, uv_strerror(status), 0);
	else
		greet(p);
}

static struct peek_link *link_create(struct peek *p)
{
	struct peek_link *l = mem_zalloc(sizeof(*l));

	l->reader = redisReaderCreate();
	if (!l->reader)
		mem_exhausted(sizeof(*l->reader));
	l->fns = *l->reader->fn;
	l->fns.createArray = create_array;
	l->reader->privdata = l->reader->fn;
	l->reader->fn = &l->fns;
	l->peek = p;
	uv_tcp_init(p->loop, &l->tcp);
	uv_tcp_nodelay(&l->tcp, 1);
	return l;
}

static void connect_next(struct peek *p)
{
	const struct addrinfo *a = p->next_address;
	int rc;

	p->next_address = a->ai_next;
	p->state = PEEK_CONNECTING;
	p->link = link_create(p);
	uv_timer_start(&p->timer, on_timer, p->connect_ms, 0);
	rc = uv_tcp_connect(&p->link->connect, &p->link->tcp, a->ai_addr, on_connect);
	if (rc < 0)
		leave(p, uv_strerror(rc), 0);
}

static void on_resolved(uv_getaddrinfo_t *req, int status, struct addrinfo *list)
{
	struct peek *p = container_of(req, struct peek, resolve);

	p->is_resolving = false;
	if (p->state == PEEK_CLOSED) {
		uv_freeaddrinfo(list);
		return;
	}
	p->addresses = p->next_address = list;
	if (status < 0 || !list)
		leave(p, status < 0 ? uv_strerror(status) : "its name has no address", 0);
	else
		connect_next(p);
}

static void forget_addresses(struct peek *p)
{
	if (p->addresses)
		uv_freeaddrinfo(p->addresses);
	p->addresses = p->next_address = NULL;
}

static void resolve(struct peek *p)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	char port[8];
	int rc;

	forget_addresses(p);
	p->state = PEEK_RESOLVING;
	snprintf(port, sizeof(port), "%u", (unsigned)p->url.port % 65536);
	rc = uv_getaddrinfo(p->loop, &p->resolve, on_resolved, p->url.host, port, &hints);
	p->is_resolving = rc == 0;
	if (rc < 0)
		leave(p, uv_strerror(rc), 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct peek *p = container_of(timer, struct peek, timer);

	if (p->state == PEEK_WAITING)
		resolve(p);
	else
		leave(p,
		      p->state == PEEK_CONNECTING ? "no answer to the attempt to connect"
						  : "it does not answer",
		      0);
}

/* --- life ------------------------------------------------------------------------------------------ */

int peek_init(struct peek *p, uv_loop_t *loop, const char *url, const struct peek_events *events,
	      void *arg, struct agni_err *err)
{
	int rc;

	*p = (struct peek){.loop = loop,
			   .events = events,
			   .arg = arg,
			   .connect_ms = 2000,
			   .silence_ms = 3000,
			   .retry_ms = 1000};
	rc = connection_parse_url(url, &p->url, &p->db, err);
	if (rc == 0)
		snprintf(p->where, sizeof(p->where),
			 strchr(p->url.host, ':') ? "[%.64s]:%d" : "%.64s:%d", p->url.host,
			 p->url.port);
	return rc;
}

void peek_start(struct peek *p)
{
	uv_timer_init(p->loop, &p->timer);
	resolve(p);
}

void peek_stop(struct peek *p)
{
	if (p->state == PEEK_OFF || p->state == PEEK_CLOSED)
		return;
	drop_link(p);
	p->state = PEEK_CLOSED;
	if (p->is_resolving)
		uv_cancel((uv_req_t *)&p->resolve);
	uv_close((uv_handle_t *)&p->timer, NULL);
}

void peek_fini(struct peek *p)
{
	forget_addresses(p);
	buf_fini(&p->out);
	free(p->tags);
	explicit_bzero(&p->url, sizeof(p->url));
}
