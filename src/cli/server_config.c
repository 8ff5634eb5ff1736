/* SPDX-License-Identifier: MIT
 *
 * server_config: see server_config.h. This order is the order of etc/agni.ini.
 */
#include "cli/server_config.h"

#include "core/listen.h"
#include "core/url.h"

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
	CONFIG_INT(struct server_keys, drain_ms, 0, 0, 60000, "ms", "further time for a stop"),
	CONFIG_INT(struct server_keys, instruments_max, 16384, 64, 1000000, "",
		   "most instruments that are held"),
	{0},
};

static void sections_fill(struct server_config *c)
{
	const struct config_section sections[SERVER_SECTIONS + 1] = {
		{"server", server_keys, &c->server, "the process"},
		{"http", api_config_keys, &c->http, "REST"},
		{"stream", stream_config_keys, &c->stream, "WebSocket clients"},
		{"redis", store_config_keys, &c->redis, "the cache"},
		{"token", token_config_keys, &c->token, "the broker's access token"},
		{"upstream", feed_config_keys, &c->upstream, "the broker"},
		{"sim", sim_config_keys, &c->sim, "the simulated exchange"},
		{"tape", tape_config_keys, &c->tape, "the journal of every tick"},
		{"instruments", refdata_config_keys, &c->instruments, "what is watched"},
		{0},
	};

	memcpy(c->sections, sections, sizeof(sections));
}

/* A problem of the whole goes to the list, and the next one is looked for. */
static int note(int rc, const struct agni_err *err, struct buf *problems)
{
	if (rc == 0)
		return 0;
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

/* What no single key can say. Returns how many problems there are. */
static int check_whole(const struct server_config *c, struct buf *problems)
{
	struct agni_err err;
	char host[64];
	int port, bad = 0;

	bad += note(listen_parse("http.listen", c->http.listen, host, &port, &err), &err, problems);
	bad += note(listen_parse("stream.listen", c->stream.listen, host, &port, &err), &err,
		    problems);
	bad += note(check_url("upstream.api_url", c->upstream.api_url, "http", &err), &err,
		    problems);
	bad += note(check_url("upstream.feed_url", c->upstream.feed_url, "ws", &err), &err,
		    problems);
	bad += note(check_url("token.source_url", c->token.source_url, "http", &err), &err,
		    problems);
	bad += note(check_url("token.redirect_uri", c->token.redirect_uri, "http", &err), &err,
		    problems);
	bad += note(token_config_check(&c->token, &err), &err, problems);
	bad += note(store_config_check(&c->redis, &err), &err, problems);
	if (c->upstream.backoff_min_ms > c->upstream.backoff_max_ms) {
		buf_str(problems,
			"upstream.backoff_min_ms is larger than upstream.backoff_max_ms\n");
		bad++;
	}
	return bad + note(sim_config_check(&c->sim, &err), &err, problems);
}

int server_config_load(struct server_config *c, const struct options *o, struct buf *problems)
{
	struct agni_err err;
	int bad = 0;

	memset(c, 0, sizeof(*c));
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
	if (!bad)
		bad = check_whole(c, problems);
	return bad ? AGNI_ECONFIG : 0;
}

void server_config_fini(struct server_config *c)
{
	config_fini(c->sections);
}
