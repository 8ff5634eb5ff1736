/* SPDX-License-Identifier: MIT
 *
 * A WebSocket server on a real loop: who is let in, and how the others are answered.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/ws_app.h"

static void a_handshake_is_told_once(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p =
		ws_peer_open(&a->rig, a->port, "/ws%20x/y?ticket=a%2Bb&z=1",
			     "Origin: http://localhost\r\nAuthorization: Bearer k1\r\n");

	(void)state;
	check_str(a->seen, "/ws x/y|ticket=a+b&z=1|localhost|http://localhost|Bearer k1|127.0.0.1");
	check_i64(a->handshakes, 1);
	check_i64(a->opens, 1);
	check(strcasestr(p->head.data, "Sec-WebSocket-Extensions") == NULL);
	check(strcasestr(p->head.data, "Sec-WebSocket-Protocol") == NULL);
	ws_peer_open(&a->rig, a->port, "/", "");
	check_str(a->seen, "/||localhost|||127.0.0.1");
	check_i64(a->handshakes, 2);
	app_down(a);
}

static void on_open_may_send_close_and_abort(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p;

	(void)state;
	a->at_open = 1;
	p = ws_peer_open(&a->rig, a->port, "/", "");
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(ws_peer_get(p, 0)->len, 5);
	a->at_open = 2;
	p = ws_peer_open(&a->rig, a->port, "/", "");
	check(ws_peer_wait_frames(&a->rig, p, 2));
	check_i64(ws_peer_close_code(p), 4003);
	ws_peer_close(p, 4003, "");
	check(ws_peer_wait_eof(&a->rig, p));
	check(p->fault == NULL);
	a->at_open = 3;
	p = ws_peer_open(&a->rig, a->port, "/", "");
	check(ws_peer_wait_eof(&a->rig, p));
	check_i64(p->frames_n, 0);
	check_i64(a->opens, 3);
	check_i64(a->closes, 2);
	app_down(a);
}

static void unknown_subprotocols_are_left_out_of_the_answer(void **state)
{
	static const char *const asked[] = {"chat", "soap, wamp", "v12.stomp", "none", ""};
	struct app *a = app_up();
	char line[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
		struct ws_peer *p;

		snprintf(line, sizeof(line), "Sec-WebSocket-Protocol: %s\r\n", asked[i]);
		p = ws_peer_open(&a->rig, a->port, "/", line);
		check(strcasestr(p->head.data, "Sec-WebSocket-Protocol") == NULL);
		ws_peer_frame(p, 0x81, "hi", 2);
		check(ws_peer_wait_frames(&a->rig, p, 1));
		ws_peer_open(&a->rig, a->port, "/", "");
	}
	check_i64(a->handshakes, 2 * ARRAY_LEN(asked));
	app_down(a);
}

static void check_answer(struct app *a, struct ws_peer *p, const char *status_line,
			 const char *body)
{
	size_t n = strlen(status_line);

	check(ws_peer_wait_head(&a->rig, p));
	check(ws_peer_wait_eof(&a->rig, p));
	if (strncmp(p->head.data, status_line, n) != 0)
		fail_msg("got %.60s instead of %s", p->head.data, status_line);
	check(strncmp(p->head.data + n, "\r\n", 2) == 0);
	if (body)
		check_str(buf_cstr(&p->in), body);
}

static void refusals_go_out_as_given(void **state)
{
	static const struct {
		int status;
		const char *line, *type, *body;
	} cases[] = {
		{401, "HTTP/1.1 401 Unauthorized", NULL, "{\"x\":1}"},
		{403, "HTTP/1.1 403 Forbidden", "text/plain", "go away"},
		{404, "HTTP/1.1 404 Not Found", NULL, ""},
		{503, "HTTP/1.1 503 Service Unavailable", NULL, "later"},
		{429, "HTTP/1.1 429 Too Many Requests", NULL, ""},
	};
	struct app *a = app_up();

	(void)state;
	a->refuses = true;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p = ws_peer_connect(&a->rig, a->port, 0);
		char line[64];

		a->refusal = (struct ws_refusal){.status = cases[i].status,
						 .content_type = cases[i].type};
		snprintf(a->refusal.body, sizeof(a->refusal.body), "%s", cases[i].body);
		ws_peer_request(p, "/", "");
		check_answer(a, p, cases[i].line, cases[i].body);
		snprintf(line, sizeof(line), "Content-Length: %zu\r\n", strlen(cases[i].body));
		check(strstr(p->head.data, line) != NULL);
		check(strstr(p->head.data, cases[i].type ? cases[i].type : "application/json") !=
		      NULL);
		check_i64(cases[i].status == 401, strstr(p->head.data, "WWW-Authenticate") != NULL);
	}
	check_i64(a->handshakes, ARRAY_LEN(cases));
	check_i64(a->opens, 0);
	app_down(a);
}

#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13 "Sec-WebSocket-Version: 13\r\n"
#define UP  "Upgrade: websocket\r\nConnection: Upgrade\r\n"
#define BAD "HTTP/1.1 400 Bad Request"
#define UPG "HTTP/1.1 426 Upgrade Required"

static void bad_requests_are_answered(void **state)
{
	static const struct {
		const char *request, *status;
	} cases[] = {
		{"GET / HTTP/1.1\r\nHost: h\r\n\r\n", UPG},
		{"GET / HTTP/1.0\r\n\r\n", UPG},
		{"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", UPG},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY "\r\n", UPG},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY "Sec-WebSocket-Version: 8\r\n\r\n", UPG},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n"
		 "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
		 UPG},
		{"GET / HTTP/1.1\r\n" UP KEY V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n" UP KEY V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\nHost:\r\n" UP KEY V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY KEY V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY V13 V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP V13 "Sec-WebSocket-Key: abc=\r\n\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n" KEY V13 "\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: close\r\n" KEY V13
		 "\r\n",
		 BAD},
		{"GET / HTTP/1.0\r\nHost: h\r\n" UP KEY V13 "\r\n", BAD},
		{"POST / HTTP/1.1\r\nHost: h\r\n" UP KEY V13 "Content-Length: 0\r\n\r\n", BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY V13
		 "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
		 BAD},
		{"GET / HTTP/1.1\r\nHost: h\r\n" UP KEY V13 "Origin: a\r\nOrigin: b\r\n\r\n", BAD},
	};
	struct app *a = app_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p = ws_peer_connect(&a->rig, a->port, 0);

		print_message("  case %zu\n", i);
		ws_peer_raw(p, cases[i].request, strlen(cases[i].request));
		check_answer(a, p, cases[i].status, NULL);
		if (strcmp(cases[i].status, UPG) == 0)
			check(strstr(p->head.data, "Sec-WebSocket-Version: 13\r\n") != NULL);
	}
	check_i64(a->handshakes, 0);
	app_down(a);
}

/* A GET without an upgrade is the application's to answer first, if its head is sound. */
static void a_plain_get_may_be_answered(void **state)
{
	static const struct {
		const char *request, *status, *body;
	} cases[] = {
		{"GET /plain?a=b%20c HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n\r\n",
		 "HTTP/1.1 200 OK", "/plain|a=b c|Bearer k"},
		{"GET /plain HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK",
		 "/plain||"},
		{"GET /other HTTP/1.1\r\nHost: h\r\n\r\n", UPG, NULL},
		{"POST /plain HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", UPG, NULL},
		{"GET /plain HTTP/1.1\r\n\r\n", UPG, NULL},
		{"GET /plain HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", UPG, NULL},
	};
	struct app *a = app_up();

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ws_peer *p = ws_peer_connect(&a->rig, a->port, 0);

		ws_peer_raw(p, cases[i].request, strlen(cases[i].request));
		check_answer(a, p, cases[i].status, cases[i].body);
	}
	check_i64(a->requests, 3);
	check_i64(a->handshakes, 0);
	app_down(a);
}

static void long_headers_are_refused(void **state)
{
	static const char *const names[] = {"Authorization", "Origin", "Host2",
					    "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"};
	static const int sizes[] = {2100, 600, 0, 200, 300};
	struct app *a = app_up();
	struct buf b = {0};
	struct ws_peer *p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!sizes[i])
			continue;
		buf_reset(&b);
		buf_printf(&b, "%s: ", names[i]);
		for (int n = 0; n < sizes[i]; n++)
			buf_byte(&b, 'a');
		buf_str(&b, "\r\n");
		p = ws_peer_connect(&a->rig, a->port, 0);
		ws_peer_request(p, "/", buf_cstr(&b));
		check_answer(a, p, "HTTP/1.1 431 Request Header Fields Too Large", NULL);
	}
	/* The target, and its query. */
	for (int k = 0; k < 2; k++) {
		buf_reset(&b);
		buf_str(&b, k ? "/?a=" : "/");
		for (int n = 0; n < 3000; n++)
			buf_byte(&b, 'a');
		p = ws_peer_connect(&a->rig, a->port, 0);
		ws_peer_request(p, buf_cstr(&b), "");
		check_answer(a, p, "HTTP/1.1 431 Request Header Fields Too Large", NULL);
	}
	/* A head above 16 KiB: libwebsockets closes without an answer. */
	buf_reset(&b);
	buf_str(&b, "X-Long: ");
	for (int n = 0; n < 20000; n++)
		buf_byte(&b, 'a');
	buf_str(&b, "\r\n");
	p = ws_peer_connect(&a->rig, a->port, 0);
	ws_peer_request(p, "/", buf_cstr(&b));
	check(ws_peer_wait_eof(&a->rig, p));
	check_i64(a->handshakes, 0);
	buf_fini(&b);
	app_down(a);
}

static void a_head_that_comes_byte_by_byte_is_taken(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_connect(&a->rig, a->port, 0);

	(void)state;
	p->chop = 1;
	ws_peer_request(p, "/slow", "");
	/* A first message right behind the head. */
	ws_peer_frame(p, 0x81, "early", 5);
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(a->handshakes, 1);
	check_i64(a->messages, 1);
	app_down(a);
}

static void a_message_in_the_packet_of_the_head_is_not_lost(void **state)
{
	struct app *a = app_up();
	struct ws_peer *p = ws_peer_connect(&a->rig, a->port, 0);

	(void)state;
	ws_peer_request(p, "/", "");
	ws_peer_frame(p, 0x81, "early", 5);
	check(ws_peer_wait_frames(&a->rig, p, 1));
	check_i64(a->messages, 1);
	app_down(a);
}

static void no_more_than_clients_max(void **state)
{
	struct app *a = mem_zalloc(sizeof(*a));
	struct ws_server_config cfg = app_config(a);
	struct ws_peer *p[3], *late;

	(void)state;
	cfg.clients_max = 3;
	app_up_with(a, &cfg);
	for (int i = 0; i < 3; i++)
		p[i] = ws_peer_open(&a->rig, a->port, "/", "");
	late = ws_peer_connect(&a->rig, a->port, 0);
	ws_peer_request(late, "/", "");
	check_answer(a, late, "HTTP/1.1 503 Service Unavailable", NULL);
	check_i64(a->handshakes, 3);
	ws_peer_hang_up(p[1]);
	while (a->closes == 0)
		ws_rig_turn(&a->rig);
	ws_peer_open(&a->rig, a->port, "/", "");
	ws_server_stop_accepting(a->server);
	ws_peer_hang_up(p[0]);
	while (a->closes == 1)
		ws_rig_turn(&a->rig);
	late = ws_peer_connect(&a->rig, a->port, 0);
	ws_peer_request(late, "/", "");
	check_answer(a, late, "HTTP/1.1 503 Service Unavailable", NULL);
	ws_peer_frame(p[2], 0x81, "still", 5);
	check(ws_peer_wait_frames(&a->rig, p[2], 1));
	app_down(a);
}

static void a_port_in_use_is_an_error_with_its_address(void **state)
{
	struct app *a = app_up();
	struct ws_server_config cfg = app_config(a);
	struct ws_server *s;
	struct agni_err err = {0};
	char expected[64];

	(void)state;
	cfg.port = a->port;
	cfg.name = "second";
	check_i64(ws_server_create(a->rig.ws, &cfg, &s, &err), UV_EADDRINUSE);
	snprintf(expected, sizeof(expected), "127.0.0.1:%d", a->port);
	check(strstr(err.text, expected) != NULL);
	cfg.port = 0;
	cfg.tls_cert = "/nonexistent/cert.pem";
	cfg.tls_key = "/nonexistent/key.pem";
	check_i64(ws_server_create(a->rig.ws, &cfg, &s, &err), AGNI_ETLS);
	cfg.tls_cert = cfg.tls_key = NULL;
	cfg.host = "no address";
	check_i64(ws_server_create(a->rig.ws, &cfg, &s, &err), UV_EINVAL);
	cfg.host = "127.0.0.1";
	check_i64(ws_server_create(a->rig.ws, &cfg, &s, &err), 0);
	app_down(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_is_told_once),
		cmocka_unit_test(on_open_may_send_close_and_abort),
		cmocka_unit_test(unknown_subprotocols_are_left_out_of_the_answer),
		cmocka_unit_test(refusals_go_out_as_given),
		cmocka_unit_test(bad_requests_are_answered),
		cmocka_unit_test(a_plain_get_may_be_answered),
		cmocka_unit_test(long_headers_are_refused),
		cmocka_unit_test(a_head_that_comes_byte_by_byte_is_taken),
		cmocka_unit_test(a_message_in_the_packet_of_the_head_is_not_lost),
		cmocka_unit_test(no_more_than_clients_max),
		cmocka_unit_test(a_port_in_use_is_an_error_with_its_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
