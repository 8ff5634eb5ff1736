/* SPDX-License-Identifier: MIT
 *
 * test_server_config: every key of every section: its default is acceptable, the printed file reads
 * back as the same values, and etc/agni.ini is that file.
 */
#include <stdio.h>
#include <unistd.h>

#include "../lib/check.h"
#include "cli/server_config.h"

static char ini_path[] = "/tmp/agni_test_XXXXXX";

static void write_ini(const char *text, size_t len)
{
	FILE *f = fopen(ini_path, "w");

	check(f != NULL);
	check_i64(fwrite(text, 1, len, f), len);
	check_i64(fclose(f), 0);
}

static int make_path(void **state)
{
	int fd = mkstemp(ini_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
	(void)state;
	return unlink(ini_path);
}

static struct server_config *load(const struct options *o, int rc)
{
	struct server_config *c = mem_alloc(sizeof(*c));
	struct buf problems = {0};
	int got = server_config_load(c, o, &problems);

	if (got != rc)
		fail_msg("load gives %d: %s", got, buf_cstr(&problems));
	check_i64(problems.len > 0, rc < 0);
	buf_fini(&problems);
	return c;
}

static void unload(struct server_config *c)
{
	server_config_fini(c);
	free(c);
}

static void print_defaults(struct buf *out)
{
	struct options none = {0};
	struct server_config *c = load(&none, 0);

	config_print(c->sections, out);
	unload(c);
}

/* Names of keys that differ. */
static void check_same(const struct server_config *a, const struct server_config *b)
{
	struct buf can = {0}, cannot = {0};

	config_diff(a->sections, b->sections, &can, &cannot);
	if (can.len || cannot.len)
		fail_msg("differ: %s%s", buf_cstr(&can), buf_cstr(&cannot));
	buf_fini(&can);
	buf_fini(&cannot);
}

static void test_defaults(void **state)
{
	struct options none = {0};
	struct server_config *c = load(&none, 0);

	(void)state;
	check_str(c->http.listen, "127.0.0.1:8000");
	check_str(c->stream.listen, "127.0.0.1:8080");
	check_i64(c->stream.message_max_bytes, 262144);
	check(!c->stream.deflate);
	check_str(c->redis.url, "redis://127.0.0.1:6379/0");
	check_i64(c->redis.ttl_s, 30);
	check_str(c->token.account, "agnidata001");
	check_str(c->token.source_url, "");
	check_i64(c->upstream.mode, UPSTREAM_SIM);
	check_str(c->upstream.api_url, "https://api.upstox.com");
	check_str(c->upstream.feed_url, "");
	check_i64(c->upstream.frame_max_bytes, 16777216);
	check_str(c->sim.listen, "127.0.0.1:0");
	check_str(c->instruments.watch, "auto");
	unload(c);
}

/* What is printed reads back as what was printed, the second time too. */
static void test_prints_and_reads_back(void **state)
{
	struct options none = {0}, file = {.config = ini_path};
	struct server_config *a = load(&none, 0), *b;
	struct buf text = {0}, again = {0};

	(void)state;
	config_print(a->sections, &text);
	write_ini(text.data, text.len);
	b = load(&file, 0);
	check_same(a, b);
	config_print(b->sections, &again);
	check_str(buf_cstr(&again), buf_cstr(&text));
	unload(a);
	unload(b);
	buf_fini(&text);
	buf_fini(&again);
}

/* A value that is not the default and is acceptable; false for keys that cannot change alone. */
static bool put_other_value(struct buf *out, const struct config_section *s,
			    const struct config_key *k)
{
	size_t n = strlen(k->name);
	bool is_url = n >= 3 && strcmp(k->name + n - 3, "url") == 0;

	if (strcmp(s->name, "sim") == 0 &&
	    (k->type == CONFIG_TYPE_STR || strcmp(k->name, "source") == 0))
		return false; /* their content is checked together */
	if (strcmp(k->name, "backoff_min_ms") == 0)
		return false; /* must not pass backoff_max_ms */
	if (strcmp(k->name, "notifier_path") == 0)
		return false; /* needs client_id */
	if (strcmp(k->name, "webhook_url") == 0)
		return false; /* needs webhook_secret */
	if (strcmp(k->name, "keys_file") == 0)
		return false; /* has to be there: test_keys_file */
	if (k->type == CONFIG_TYPE_INT)
		buf_printf(out, "%lld",
			   strtoll(k->fallback, NULL, 10) == k->max ? (long long)k->min
								    : (long long)k->max);
	else if (k->type == CONFIG_TYPE_BOOL)
		buf_str(out, strcmp(k->fallback, "on") == 0 ? "off" : "on");
	else if (k->type == CONFIG_TYPE_ENUM)
		buf_str(out, strrchr(k->choices, '|') + 1);
	else if (strcmp(k->name, "listen") == 0)
		buf_str(out, "127.0.0.1:4711");
	else if (strcmp(k->name, "ca_file") == 0)
		buf_str(out, "/dev/null"); /* one that can be read */
	else if (strcmp(k->name, "apps") == 0)
		buf_str(out, "simple");
	else if (strncmp(s->name, "app.", 4) == 0 && strcmp(k->name, "instruments") == 0)
		buf_str(out, "NSE_INDEX|Nifty 500");
	else if (strcmp(k->name, "rules") == 0)
		buf_str(out, "momentum,price_change");
	else if (strcmp(k->name, "outputs") == 0)
		buf_str(out, "channel");
	else if (strncmp(s->name, "app.", 4) == 0)
		buf_str(out, "0.75"); /* a number */
	else if (strcmp(k->name, "bands") == 0)
		buf_str(out, "BANKNIFTY:58000:60000:100");
	else if (strcmp(k->name, "redirect_uri") == 0)
		buf_str(out, "https://localhost/token/callback");
	else if (strcmp(k->name, "analytics_expires") == 0)
		buf_str(out, "2027-01-31");
	else if (is_url)
		buf_str(out, strcmp(s->name, "redis") == 0      ? "redis://localhost:1/2"
			     : strcmp(k->name, "feed_url") == 0 ? "wss://localhost/x"
								: "https://localhost/x");
	else
		buf_printf(out, "value-of-%s", k->name);
	return strcmp(buf_cstr(out), k->fallback) != 0;
}

/* The configuration with one line in its file: only this key differs from the defaults, and SIGHUP
 * applies it if its table says so. */
static void check_key(const struct server_config *defaults, const struct config_section *s,
		      const struct config_key *k, const char *value)
{
	struct options file = {.config = ini_path};
	struct buf text = {0}, can = {0}, cannot = {0};
	struct server_config *c;
	char name[128];

	buf_printf(&text, "[%s]\n%s = %s\n", s->name, k->name, value);
	write_ini(text.data, text.len);
	c = load(&file, 0);
	config_diff(defaults->sections, c->sections, &can, &cannot);
	snprintf(name, sizeof(name), "%s.%s ", s->name, k->name);
	check_str(buf_cstr(k->flags & CONFIG_RELOAD ? &can : &cannot), name);
	check_i64(k->flags & CONFIG_RELOAD ? cannot.len : can.len, 0);
	unload(c);
	buf_fini(&text);
	buf_fini(&can);
	buf_fini(&cannot);
}

/* Each key alone: no key shares its place with another. */
static void test_every_key(void **state)
{
	struct options none = {0};
	struct server_config *c = load(&none, 0);
	struct buf value = {0};
	unsigned keys = 0;

	(void)state;
	for (const struct config_section *s = c->sections; s->name; s++) {
		for (const struct config_key *k = s->keys; k->name; k++) {
			buf_reset(&value);
			if (!put_other_value(&value, s, k))
				continue;
			check_key(c, s, k, buf_cstr(&value));
			keys++;
		}
	}
	check(keys > 60);
	buf_fini(&value);
	unload(c);
}

/* Every key says what it is for, and numbers say their unit where they have one. */
static void test_help(void **state)
{
	struct options none = {0};
	struct server_config *c = load(&none, 0);
	struct buf text = {0};

	(void)state;
	config_print(c->sections, &text);
	for (const struct config_section *s = c->sections; s->name; s++) {
		for (const struct config_key *k = s->keys; k->name; k++) {
			size_t n = strlen(k->name);

			if (!k->help || !k->help[0] || k->help[strlen(k->help) - 1] == '.')
				fail_msg("%s.%s: help", s->name, k->name);
			if (n > 3 && strcmp(k->name + n - 3, "_ms") == 0)
				check_str(k->unit, "ms");
			if (n > 6 && strcmp(k->name + n - 6, "_bytes") == 0)
				check_str(k->unit, "bytes");
			check(strstr(buf_cstr(&text), k->name) != NULL);
		}
	}
	buf_fini(&text);
	unload(c);
}

static void test_set(void **state)
{
	struct options o = {.sets = {"upstream.mode=upstox", "http.listen=127.0.0.1:0",
				     "upstream.stale_ms=200"},
			    .sets_n = 3};
	struct server_config *c = load(&o, 0);

	(void)state;
	check_i64(c->upstream.mode, UPSTREAM_UPSTOX);
	check_str(c->http.listen, "127.0.0.1:0");
	check_i64(c->upstream.stale_ms, 200);
	unload(c);
	/* --set wins over the file. */
	write_ini("[upstream]\nstale_ms = 300\nmode = sim\n", 36);
	o.config = ini_path;
	c = load(&o, 0);
	check_i64(c->upstream.stale_ms, 200);
	check_i64(c->upstream.mode, UPSTREAM_UPSTOX);
	unload(c);
}

/* What only the whole can tell is said with file and line too, unless the command line said it. */
static void test_place_of_a_whole(void **state)
{
	static const char text[] = "[http]\n# a comment\nlisten = 0.0.0.0:8000\n[upstream]\n"
				   "ca_file = /nowhere/ca.pem\n";
	struct options o = {.config = ini_path};
	struct server_config *c = mem_alloc(sizeof(*c));
	struct buf problems = {0};
	char want[256];

	(void)state;
	write_ini(text, sizeof(text) - 1);
	check_i64(server_config_load(c, &o, &problems), AGNI_ECONFIG);
	snprintf(want, sizeof(want), "%s:3: http.listen: 0.0.0.0 is not", ini_path);
	check(strstr(buf_cstr(&problems), want) != NULL);
	snprintf(want, sizeof(want), "%s:5: upstream.ca_file: /nowhere/ca.pem: no such", ini_path);
	check(strstr(problems.data, want) != NULL);
	server_config_fini(c);
	buf_reset(&problems);
	o.sets[o.sets_n++] = "http.listen=192.0.2.1:1";
	check_i64(server_config_load(c, &o, &problems), AGNI_ECONFIG);
	check(strncmp(buf_cstr(&problems), "http.listen: 192.0.2.1", 22) == 0);
	buf_fini(&problems);
	unload(c);
}

static void test_whole(void **state)
{
	static const char *const bad[] = {
		"upstream.backoff_min_ms=60000", /* above backoff_max_ms */
		"sim.speed=fast",
		"sim.source=tape", /* without a file */
		"upstream.stale_ms=1",
		"upstream.mode=zerodha",
		"nowhere.key=1",
		"http.lisen=1",
		"http",
		"upstream.api_url=nonsense",
		"upstream.feed_url=ws:/x",
		"token.source_url=nonsense",
		"http.listen=nonsense",
		"http.listen=0.0.0.0:8000", /* without keys and TLS */
		"stream.listen=192.0.2.1:8080",
		"http.listen=localhost:8000",
		"redis.url=nonsense",
		"redis.url=rediss://127.0.0.1",
		"redis.url=redis://127.0.0.1/x",
		"upstream.api_url=http://api.upstox.com", /* the token in clear */
		"upstream.api_url=wss://api.upstox.com",
		"upstream.feed_url=ws://192.0.2.1/feed",
		"token.source_url=http://192.0.2.1/token",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct options o = {.sets = {bad[i]}, .sets_n = 1};

		unload(load(&o, AGNI_ECONFIG));
	}
	/* All that is wrong is said, not the first only. */
	for (int i = 0; i < 2; i++) {
		struct options o = {.config = i ? "/nowhere/agni.ini" : NULL,
				    .sets = {"http.lisen=1", "a.b=c"},
				    .sets_n = 2};
		struct server_config *c = mem_alloc(sizeof(*c));
		struct buf problems = {0};

		check_i64(server_config_load(c, &o, &problems), AGNI_ECONFIG);
		check(strstr(buf_cstr(&problems), "listen") != NULL); /* the nearest name */
		check(strstr(buf_cstr(&problems), "[a]") || strstr(problems.data, "\"a\""));
		if (i)
			check(strstr(problems.data, "/nowhere/agni.ini") != NULL);
		buf_fini(&problems);
		unload(c);
	}
}

/* What is wrong is said with what may stand there, and the nearest of it. */
static void test_words(void **state)
{
	static const struct {
		const char *set, *says;
	} cases[] = {
		{"app.simple.rules=price_chang",
		 "app.simple.rules: \"price_chang\" is none of price_change, momentum, "
		 "options_momentum, futures_momentum; did you mean \"price_change\"?"},
		{"app.redis.outputs=chanel",
		 "app.redis.outputs: \"chanel\" is none of channel, redis, webhook; did you mean "
		 "\"channel\"?"},
		{"signals.apps=simpel", "signals.apps: \"simpel\" is none of simple, redis, "
					"options, futures; did you mean "
					"\"simple\"?"},
		{"sim.fault=foo", "sim.fault: \"foo\" is none of drop, close, stall, silence, "},
		{"sim.fault=drop:10,silense", "did you mean \"silence\"?"},
		{"sim.fault=drop:x", "sim.fault: \"drop:x\": drop takes a number up to 86400000"},
		{"sim.fault=torn:1", "sim.fault: \"torn:1\": torn takes no number"},
		{"options.bands=NIFTY:26200:25400:50",
		 "options.bands: \"NIFTY:26200:25400:50\": FROM (26200) is above TO (25400)"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options o = {.sets = {cases[i].set}, .sets_n = 1};
		struct server_config *c = mem_alloc(sizeof(*c));
		struct buf problems = {0};

		check_i64(server_config_load(c, &o, &problems), AGNI_ECONFIG);
		if (!strstr(buf_cstr(&problems), cases[i].says))
			fail_msg("%s: %s", cases[i].set, problems.data);
		buf_fini(&problems);
		unload(c);
	}
}

/* Where the keys are is checked with the rest, and is not in the way of a command that only needs to
 * know it. */
static void test_keys_file(void **state)
{
	struct options o = {.sets = {"auth.keys_file=/nowhere/keys", "http.listen=0.0.0.0:0"},
			    .sets_n = 2};
	struct server_config *c = load(&o, AGNI_ECONFIG);
	struct buf problems = {0};

	(void)state;
	unload(c);
	c = mem_alloc(sizeof(*c));
	check_i64(server_config_read(c, &o, &problems), 0);
	check_i64(problems.len, 0);
	check_str(c->auth.keys_file, "/nowhere/keys");
	unload(c);
	/* The server's own folder may be without one. */
	o = (struct options){.sets = {"server.data_dir=/nowhere"}, .sets_n = 1};
	c = load(&o, 0);
	check(!c->http_guard.has_keys && !c->stream_guard.has_tls);
	unload(c);
}

/* The file of the tree is what the program prints. */
static void test_file_of_the_tree(void **state)
{
	struct buf text = {0}, have = {0};
	FILE *f = fopen("etc/agni.ini", "r");
	size_t n;

	(void)state;
	if (!f) {
		print_message("no etc/agni.ini: run from the project's folder\n");
		skip();
	}
	while ((n = fread(buf_reserve(&have, 4096), 1, 4096, f)) > 0)
		have.len += n;
	fclose(f);
	print_defaults(&text);
	check_str(buf_cstr(&have), buf_cstr(&text));
	buf_fini(&text);
	buf_fini(&have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_prints_and_reads_back),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_place_of_a_whole),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_keys_file),
		cmocka_unit_test(test_file_of_the_tree),
	};

	return cmocka_run_group_tests(tests, make_path, remove_path);
}
