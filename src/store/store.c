/* SPDX-License-Identifier: MIT
 *
 * store: see store.h. The module itself: configuration, health, metrics, and the order of stopping:
 * drain the writer, close the connection (no reply can come any more), close the writer.
 */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/connection.h"
#include "store/side.h"
#include "store/writer.h"

#define DRAIN_MS 500

struct store {
	struct module mod;
	struct store_deps deps;
	struct connection connection;
	struct writer writer;
	struct side side;
	struct list listeners;       /* struct store_listener */
	bool is_on;                  /* started with a URL */
	struct store_refill *refill; /* NULL: none */
};

const struct config_key store_config_keys[] = {
	{.name = "url",
	 .type = CONFIG_TYPE_STR,
	 .offset = offsetof(struct store_config, url),
	 .fallback = "redis://127.0.0.1:6379/0",
	 .unit = "",
	 .help = "redis://[[user]:password@]host[:port][/db]; empty = off",
	 .flags = CONFIG_SECRET},
	CONFIG_INT(struct store_config, ttl_s, 30, 1, 86400, "s",
		   "life of a quote key; renewed at a third of it while the feed is alive"),
	CONFIG_INT(struct store_config, connect_timeout_ms, 500, 50, 60000, "ms",
		   "an attempt to connect is cut off after this and made anew"),
	CONFIG_INT(struct store_config, command_timeout_ms, 1000, 50, 60000, "ms",
		   "Redis is called slow when it is silent for this long"),
	CONFIG_INT(struct store_config, give_up_ms, 10000, 100, 600000, "ms",
		   "a connection that is silent for this long is closed and made anew"),
	CONFIG_INT(struct store_config, retry_ms, 250, 10, 60000, "ms",
		   "longest pause before trying again after a failure or an error reply"),
	CONFIG_INT(struct store_config, pipeline_max_bytes, 1048576, 4096, 67108864, "bytes",
		   "a pipeline takes no more quotes when it is this large; one is in flight"),
	CONFIG_INT(struct store_config, pipeline_max_keys, 256, 1, 100000, "",
		   "most quotes in one pipeline"),
	{0}};

#define FIELD(member) offsetof(struct store, member)

static const struct metric metrics[] = {
	{"sets_total", "Quotes written", METRIC_COUNTER, FIELD(writer.sets)},
	{"publishes_total", "Messages published on the ticks channel", METRIC_COUNTER,
	 FIELD(writer.publishes)},
	{"pipelines_total", "Pipelines sent", METRIC_COUNTER, FIELD(writer.pipelines)},
	{"errors_total", "Error replies", METRIC_COUNTER, FIELD(connection.refusals.total)},
	{"errors_oom_total", "Error replies OOM", METRIC_COUNTER, FIELD(connection.refusals.oom)},
	{"errors_readonly_total", "Error replies READONLY", METRIC_COUNTER,
	 FIELD(connection.refusals.readonly)},
	{"errors_auth_total", "Error replies NOAUTH, WRONGPASS, NOPERM", METRIC_COUNTER,
	 FIELD(connection.refusals.auth)},
	{"errors_wrongtype_total", "Error replies WRONGTYPE", METRIC_COUNTER,
	 FIELD(connection.refusals.wrongtype)},
	{"errors_other_total", "Error replies of other kinds", METRIC_COUNTER,
	 FIELD(connection.refusals.other)},
	{"reconnects_total", "Connections made anew", METRIC_COUNTER, FIELD(connection.reconnects)},
	{"timeouts_total", "Attempts to connect cut off, and times that Redis was slow",
	 METRIC_COUNTER, FIELD(connection.timeouts)},
	{"dirty", "Quotes that are not written yet", METRIC_GAUGE, FIELD(writer.dirty_now)},
	{"docs", "Documents that are kept in Redis", METRIC_GAUGE, FIELD(writer.docs.kept)},
	{"docs_sets_total", "Documents written", METRIC_COUNTER, FIELD(writer.docs.sets)},
	{"docs_refused_total", "Documents that were too many or too long", METRIC_COUNTER,
	 FIELD(writer.docs.refused)},
	{"events_total", "Entries added to streams", METRIC_COUNTER, FIELD(writer.events.added)},
	{"events_lost_total", "Entries of streams given up because Redis was away for too long",
	 METRIC_COUNTER, FIELD(writer.events.lost)},
	{"connected", "1 while connected", METRIC_GAUGE, FIELD(connection.connected)},
	{"lag_seconds", "From a tick's arrival to Redis' answer", METRIC_HISTOGRAM,
	 FIELD(writer.lag)},
	{0}};

static struct store *store_of(struct module *m)
{
	return container_of(m, struct store, mod);
}

static void name_of(struct buf *out, const struct store *s, enum key_kind kind,
		    const char *identity)
{
	key_append(out, kind, s->deps.prefix, identity);
	buf_cstr(out);
}

/* An error (a right that is not there) leaves the stream as it is. */
static void on_type(void *arg, int code, const char *text, size_t len)
{
	struct store *s = arg;
	struct events *e = &s->writer.events;

	if (code == 0 && s->refill && len == 4 && memcmp(text, "none", 4) == 0) {
		uint32_t waited = events_forget(e);

		s->refill->again(s->refill);
		if (waited > e->head - e->tail)
			e->lost += waited - (e->head - e->tail);
	}
	writer_events_hold(&s->writer, false);
}

static void ask_for_stream(struct store *s)
{
	struct buf name = {0};
	int rc;

	if (!s->refill)
		return;
	name_of(&name, s, s->refill->kind, NULL);
	rc = side_ask(&s->side, 2, (const char *[]){"TYPE", name.data}, on_type, s);
	buf_fini(&name);
	writer_events_hold(&s->writer, rc == 0);
}

static void on_live(void *arg)
{
	struct store *s = arg;

	ask_for_stream(s);
	writer_on_live(&s->writer);
	list_for_each (it, &s->listeners) {
		struct store_listener *l = container_of(it, struct store_listener, link);

		l->on_live(l);
	}
}

static void on_lost(void *arg)
{
	struct store *s = arg;

	writer_on_lost(&s->writer);
	side_on_lost(&s->side);
}

static void on_reply(void *arg, uintptr_t tag, const redisReply *reply)
{
	struct store *s = arg;

	if (side_owns(tag))
		side_on_reply(&s->side, tag, reply);
	else
		writer_on_reply(&s->writer, tag, reply);
}

static void store_finish(struct store *s)
{
	module_stopped_fn *done = s->mod.done;

	s->is_on = false;
	s->mod.done = NULL;
	done(&s->mod);
}

static void on_writer_closed(void *arg)
{
	store_finish(arg);
}

static void on_connection_closed(void *arg)
{
	struct store *s = arg;

	writer_stop(&s->writer, on_writer_closed, s);
}

static int store_start(struct module *m, struct agni_err *err)
{
	static const struct connection_events events = {.on_live = on_live,
							.on_lost = on_lost,
							.on_reply = on_reply,
							.on_closed = on_connection_closed};
	struct store *s = store_of(m);
	int rc;

	if (s->deps.cfg->url[0] == '\0')
		return 0;
	rc = connection_init(&s->connection, &s->deps, &events, s, err);
	if (rc < 0)
		return rc;
	writer_init(&s->writer, &s->deps, &s->connection);
	writer_start(&s->writer);
	connection_start(&s->connection);
	s->is_on = true;
	return 0;
}

static void on_drained(void *arg)
{
	struct store *s = arg;

	connection_stop(&s->connection);
	side_on_lost(&s->side);
}

static void store_stop(struct module *m, module_stopped_fn *done)
{
	struct store *s = store_of(m);

	m->done = done;
	if (s->is_on)
		writer_drain(&s->writer, DRAIN_MS, on_drained, s);
	else
		store_finish(s);
}

static enum health store_health(const struct module *m, char why[HEALTH_WHY_MAX])
{
	const struct store *s =
		(const struct store *)((const char *)m - offsetof(struct store, mod));
	enum health h;

	if (!s->is_on) {
		snprintf(why, HEALTH_WHY_MAX, "off");
		return HEALTH_UP;
	}
	h = connection_health(&s->connection, why);
	return h == HEALTH_UP && lane_trouble(s->writer.lanes, why) ? HEALTH_DEGRADED : h;
}

static const struct module_ops ops = {.name = "store",
				      .start = store_start,
				      .stop = store_stop,
				      .health = store_health,
				      .metrics = metrics,
				      .mod_offset = offsetof(struct store, mod)};

struct store *store_create(const struct store_deps *deps)
{
	struct store *s = mem_zalloc(sizeof(*s));

	s->mod.ops = &ops;
	s->deps = *deps;
	s->side.connection = &s->connection;
	list_init(&s->listeners);
	return s;
}

int store_config_check(const struct store_config *cfg, struct agni_err *err)
{
	struct url url;
	int db;

	return cfg->url[0] ? connection_parse_url(cfg->url, &url, &db, err) : 0;
}

struct module *store_module(struct store *s)
{
	return &s->mod;
}

void store_destroy(struct store *s)
{
	if (!s)
		return;
	AGNI_ASSERT(!s->is_on);
	writer_fini(&s->writer);
	free(s);
}

bool store_is_on(const struct store *s)
{
	return s->is_on;
}

bool store_is_away(const struct store *s)
{
	return s->is_on && s->connection.trouble != TROUBLE_NONE;
}

int store_get(struct store *s, enum key_kind kind, const char *identity, store_value_fn *done,
	      void *arg)
{
	struct buf name = {0};
	int rc;

	name_of(&name, s, kind, identity);
	rc = side_ask(&s->side, 2, (const char *[]){"GET", name.data}, done, arg);
	buf_fini(&name);
	return rc;
}

int store_put(struct store *s, enum key_kind kind, const char *identity, const char *text,
	      int64_t ttl_ms, store_value_fn *done, void *arg)
{
	struct buf name = {0};
	char ttl[24];
	int rc;

	name_of(&name, s, kind, identity);
	snprintf(ttl, sizeof(ttl), "%lld", (long long)ttl_ms);
	rc = side_ask(&s->side, ttl_ms > 0 ? 5 : 3,
		      (const char *[]){"SET", name.data, text, "PX", ttl}, done, arg);
	buf_fini(&name);
	return rc;
}

int store_doc_set(struct store *s, enum key_kind kind, const char *identity, const char *text,
		  size_t len)
{
	return s->is_on ? writer_doc_set(&s->writer, kind, identity, text, len) : 0;
}

void store_doc_drop(struct store *s, enum key_kind kind, const char *identity)
{
	if (s->is_on)
		writer_doc_drop(&s->writer, kind, identity);
}

void store_event_add(struct store *s, enum key_kind kind, const char *text, size_t len)
{
	if (s->is_on)
		writer_event_add(&s->writer, kind, text, len);
}

void store_refill(struct store *s, struct store_refill *r)
{
	s->refill = r;
}

bool store_is_settled(const struct store *s)
{
	return !s->is_on || writer_is_settled(&s->writer);
}

void store_forget(struct store *s, const void *arg)
{
	side_forget(&s->side, arg);
}

void store_listen(struct store *s, struct store_listener *l)
{
	list_append(&s->listeners, &l->link);
}
