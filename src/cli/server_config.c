/* SPDX-License-Identifier: MIT
 *
 * server_config: see server_config.h. This order is the order of etc/agni.ini.
 */
#include "cli/server_config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/listen.h"
#include "core/url.h"
#include "http/tls.h"
#include "market/calendar_file.h"

static const struct config_key server_keys[] = {
	CONFIG_STR(struct server_keys, data_dir, "var", "",
		   "folder for what the server keeps; made when absent"),
	CONFIG_ENUM_F(struct server_keys, log_level, "info", "debug|info|warn|error",
		      "least serious line that is logged", CONFIG_RELOAD),
	CONFIG_ENUM_F(struct server_keys, log_format, "text", "text|json", "form of a log line",
		      CONFIG_RELOAD),
	CONFIG_ENUM(
		struct server_keys, clock, "auto", "auto|system|feed",
		"market time: the host's clock, or the feed's own; auto = feed on the simulated "
		"exchange, else system"),
	CONFIG_INT(struct server_keys, stop_ms, 2000, 100, 60000, "ms",
		   "time for all modules to stop, drain_ms on top"),
	CONFIG_INT(struct server_keys, drain_ms, 0, 0, 60000, "ms",
		   "time before a stop in which WebSocket clients are told and served on, and no "
		   "new ones come in"),
	CONFIG_INT(struct server_keys, instruments_max, 16384, 64, 1000000, "",
		   "most instruments that are held"),
	CONFIG_INT(struct server_keys, client_idle_max, 8, 0, 64, "",
		   "connections to the broker's REST host and others that are kept for another "
		   "call; 0 = none"),
	CONFIG_INT(struct server_keys, client_idle_ms, 30000, 100, 600000, "ms",
		   "how long such a connection is kept"),
	{0},
};

static void sections_fill(struct server_config *c)
{
	const struct config_section sections[SERVER_SECTIONS + 1] = {
		{"server", server_keys, &c->server, "the process"},
		{"http", api_config_keys, &c->http, "REST"},
		{"stream", stream_config_keys, &c->stream, "WebSocket clients"},
		{"redis", store_config_keys, &c->redis, "the cache"},
		{"audit", audit_config_keys, &c->audit, "who did what: docs/audit.md"},
		{"auth", auth_config_keys, &c->auth, "who may come in: docs/security.md"},
		{"limits", limits_config_keys, &c->auth, "how often"},
		{"token", token_config_keys, &c->token, "the broker's access token"},
		{"upstream", feed_config_keys, &c->upstream, "the broker"},
		{"sim", sim_config_keys, &c->sim, "the simulated exchange"},
		{"tape", tape_config_keys, &c->tape, "the journal of every tick"},
		{"bars", day_bars_config_keys, &c->bars, "open, high, low, close: docs/bars.md"},
		{"instruments", refdata_config_keys, &c->instruments, "what is watched"},
		{"calendar", calendar_config_keys, &c->calendar, "when the exchange trades"},
		{"options", chains_config_keys, &c->chains, "option chains: docs/analytics.md"},
		{"futures", futures_config_keys, &c->futures, "futures: docs/analytics.md"},
		{"signals", signals_config_keys, &c->signals, "what the apps look for"},
		{"app.simple", app_config_keys[APP_SIMPLE], &c->apps[APP_SIMPLE],
		 "prices far from the previous close"},
		{"app.redis", app_config_keys[APP_REDIS], &c->apps[APP_REDIS],
		 "the same and momentum, of indices and shares"},
		{"app.options", app_config_keys[APP_OPTIONS], &c->apps[APP_OPTIONS],
		 "options about the money"},
		{"app.futures", app_config_keys[APP_FUTURES], &c->apps[APP_FUTURES],
		 "the nearest futures"},
		{0},
	};

	memcpy(c->sections, sections, sizeof(sections));
}

/* Whether the command line gives the key, which then counts. */
static bool is_set(const struct options *o, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < o->sets_n; i++) {
		if (strncmp(o->sets[i], name, n) == 0 && o->sets[i][n] == '=')
			return true;
	}
	return false;
}

/* A problem of the whole begins with the key that it is about: where that was given comes first. */
static void put_place(const struct server_config *c, const char *text, struct buf *problems)
{
	const struct options *o = c->options;
	char name[64];
	int line;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ": "), text);
	line = o->config && !is_set(o, name) ? config_find_line(c->sections, o->config, name) : 0;
	if (line)
		buf_printf(problems, "%s:%d: ", o->config, line);
}

/* It goes to the list, and the next one is looked for. */
static int note(const struct server_config *c, int rc, const struct agni_err *err,
		struct buf *problems)
{
	if (rc == 0)
		return 0;
	put_place(c, err->text, problems);
	buf_printf(problems, "%s\n", err->text);
	return 1;
}

/* Empty, or a URL of the scheme "http" or "ws" to loopback, or of its TLS form to anywhere: what the clients
 * of both refuse at each attempt is better said once, at the start. */
static int check_url(const char *name, const char *text, const char *scheme, struct agni_err *err)
{
	size_t n = strlen(scheme);
	struct url u;

	if (!text[0])
		return 0;
	if (url_parse(text, &u, err) < 0)
		return agni_wrap(err, "%s", name);
	if (strncmp(u.scheme, scheme, n) != 0 || (u.scheme[n] && strcmp(u.scheme + n, "s") != 0))
		return agni_fail(err, AGNI_ECONFIG, "%s: %s:// is not %s:// or %ss://", name,
				 u.scheme, scheme, scheme);
	if (!url_is_tls(&u) && !host_is_loopback(u.host))
		return agni_fail(err, AGNI_ECONFIG,
				 "%s: plain %s:// goes to loopback only, not to %.100s; use %ss://",
				 name, scheme, u.host, scheme);
	return 0;
}

static int check_waits(const struct feed_config *cfg, struct agni_err *err)
{
	if (cfg->backoff_min_ms <= cfg->backoff_max_ms)
		return 0;
	return agni_fail(err, AGNI_ECONFIG,
			 "upstream.backoff_min_ms is larger than upstream.backoff_max_ms");
}

static int check_readable(const char *name, const char *path, struct agni_err *err)
{
	if (!path[0] || access(path, R_OK) == 0)
		return 0;
	agni_fail_uv(err, -errno, "%s: %.120s", name, path);
	return AGNI_ECONFIG;
}

/* The keys, and who may listen where. */
static int check_access(struct server_config *c, struct buf *problems)
{
	struct auth_survey keys;
	struct clock clock;
	struct agni_err err;
	char host[64];
	int port, bad;

	clock_init(&clock, CLOCK_SYSTEM);
	bad = note(c, auth_survey(&c->auth, c->server.data_dir, clock_wall_ms(&clock), &keys, &err),
		   &err, problems);
	if (bad)
		return bad; /* that there are no keys would be no news */
	c->http_guard =
		(struct listen_guard){keys.usable > 0, c->http.tls_cert[0] && c->http.tls_key[0]};
	c->stream_guard = (struct listen_guard){keys.usable > 0,
						c->stream.tls_cert[0] && c->stream.tls_key[0]};
	bad += note(c,
		    listen_parse("http.listen", c->http.listen, &c->http_guard, host, &port, &err),
		    &err, problems);
	return bad + note(c,
			  listen_parse("stream.listen", c->stream.listen, &c->stream_guard, host,
				       &port, &err),
			  &err, problems);
}

/* What no single key can say. Returns how many problems there are. */
static int check_whole(struct server_config *c, struct buf *problems)
{
	struct agni_err err;
	int bad = check_access(c, problems);

	bad += note(c, check_url("upstream.api_url", c->upstream.api_url, "http", &err), &err,
		    problems);
	bad += note(c, check_url("upstream.feed_url", c->upstream.feed_url, "ws", &err), &err,
		    problems);
	bad += note(c, check_url("token.source_url", c->token.source_url, "http", &err), &err,
		    problems);
	bad += note(c, check_url("token.redirect_uri", c->token.redirect_uri, "http", &err), &err,
		    problems);
	bad += note(c, token_config_check(&c->token, &err), &err, problems);
	bad += note(c, store_config_check(&c->redis, &err), &err, problems);
	bad += note(c, chains_config_check(&c->chains, &err), &err, problems);
	bad += note(c, signals_config_check(&c->signals, c->apps, &err), &err, problems);
	bad += note(c, check_waits(&c->upstream, &err), &err, problems);
	bad += note(c, check_readable("upstream.ca_file", c->upstream.ca_file, &err), &err,
		    problems);
	return bad + note(c, sim_config_check(&c->sim, &err), &err, problems);
}

int server_config_read(struct server_config *c, const struct options *o, struct buf *problems)
{
	struct agni_err err;
	int bad = 0;

	memset(c, 0, sizeof(*c));
	c->options = o;
	sections_fill(c);
	config_defaults(c->sections);
	if (o->config)
		bad = config_read_file(c->sections, o->config, problems);
	for (size_t i = 0; i < o->sets_n; i++) {
		if (config_set(c->sections, o->sets[i], &err) < 0) {
			buf_printf(problems, "--set: %s\n", err.text);
			bad++;
		}
	}
	return bad ? AGNI_ECONFIG : 0;
}

int server_config_load(struct server_config *c, const struct options *o, struct buf *problems)
{
	int rc = server_config_read(c, o, problems);

	return rc == 0 && check_whole(c, problems) ? AGNI_ECONFIG : rc;
}

static int calendar_check(const char *path, struct agni_err *err)
{
	struct calendar_entries entries = {0};
	int rc = path[0] ? calendar_file_load(path, &entries, err) : 0;

	calendar_entries_fini(&entries);
	return rc;
}

int server_config_check_files(const struct server_config *c, struct buf *problems)
{
	struct agni_err err;
	int bad = 0;

	bad += note(c, tls_files_check("http", c->http.tls_cert, c->http.tls_key, &err), &err,
		    problems);
	bad += note(c, tls_files_check("stream", c->stream.tls_cert, c->stream.tls_key, &err), &err,
		    problems);
	bad += note(c, calendar_check(c->calendar.file, &err), &err, problems);
	return bad ? AGNI_ECONFIG : 0;
}

void server_config_fini(struct server_config *c)
{
	config_fini(c->sections);
}
