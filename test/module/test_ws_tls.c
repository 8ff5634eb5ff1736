/* SPDX-License-Identifier: MIT
 *
 * wss: our client against our server, with certificates made for the test.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "../lib/tls_files.h"
#include "../lib/ws_caller.h"

struct echo {
	int messages;
};

static void *echo_open(void *arg, struct ws_conn *c, const struct ws_handshake *h)
{
	(void)c;
	(void)h;
	return arg;
}

static void echo_message(void *user, struct ws_conn *c, enum ws_opcode op, const void *data,
			 size_t len)
{
	struct buf b = {0};

	((struct echo *)user)->messages++;
	ws_frame_append(&b, op, data, len);
	check(ws_conn_send(c, b.data, b.len) == WS_SENT);
	buf_fini(&b);
}

static void echo_close(void *user, struct ws_conn *c, int code, const char *reason)
{
	(void)user;
	(void)c;
	(void)code;
	(void)reason;
}

static const struct ws_callbacks echo_callbacks = {
	.on_open = echo_open, .on_message = echo_message, .on_close = echo_close};

static struct ws_server *last_server;

static int serve(struct caller *a, struct echo *e, struct tls_files *f, const char *name)
{
	char cert[128], key[128], file[32];
	struct ws_server_config cfg = {.name = name,
				       .host = "127.0.0.1",
				       .tls_cert = cert,
				       .tls_key = key,
				       .callbacks = &echo_callbacks,
				       .arg = e,
				       .message_max_bytes = CALLER_MESSAGE_MAX};
	struct ws_server *s;
	struct agni_err err = {0};

	snprintf(file, sizeof(file), "%s.pem", name);
	snprintf(cert, sizeof(cert), "%s", tls_files_path(f, file));
	snprintf(file, sizeof(file), "%s.key", name);
	snprintf(key, sizeof(key), "%s", tls_files_path(f, file));
	if (ws_server_create(a->rig.ws, &cfg, &s, &err) != 0)
		fail_msg("%s", err.text);
	last_server = s;
	return ws_server_port(s);
}

static void check_tls(struct caller *a, const char *host, int port, bool is_fine)
{
	int messages = a->messages;

	a->opens = a->closes = a->refusals = 0;
	caller_connect_to(a, "wss", host, port);
	check(ws_rig_until(&a->rig, caller_is_open, a, 5000));
	if (is_fine != (a->opens == 1))
		fail_msg("%s: %s", host, a->opens ? "opened" : a->why);
	if (!is_fine) {
		check_i64(a->status, 0);
		return;
	}
	ws_conn_send_message(a->conn, WS_TEXT, "hello", 5);
	while (a->messages == messages)
		ws_rig_turn(&a->rig);
	check_i64(a->last.len, 5);
	ws_conn_close(a->conn, 1000, "");
	check(ws_rig_until(&a->rig, caller_has_outcome, a, 3000));
	check_i64(a->code, 1000);
}

static void certificates_are_checked(void **state)
{
	struct caller *a = caller_up();
	struct echo e = {0};
	struct tls_files f;
	char ca[128], foreign_ca[128];
	int good, other, expired, foreign;

	(void)state;
	if (!tls_files_make(&f)) {
		print_message("no openssl command\n");
		caller_down(a);
		skip();
	}
	snprintf(ca, sizeof(ca), "%s", tls_files_path(&f, "ca.pem"));
	snprintf(foreign_ca, sizeof(foreign_ca), "%s", tls_files_path(&f, "foreign-ca.pem"));
	good = serve(a, &e, &f, "good");
	other = serve(a, &e, &f, "other");
	expired = serve(a, &e, &f, "expired");
	foreign = serve(a, &e, &f, "foreign");
	a->ca = ca;
	check_tls(a, "localhost", good, true);
	check_tls(a, "127.0.0.1", good, true);
	check_tls(a, "localhost", other, false);
	check_tls(a, "localhost", expired, false);
	check_tls(a, "localhost", foreign, false);
	a->ca = foreign_ca;
	check_tls(a, "localhost", foreign, true);
	check_tls(a, "localhost", good, false);
	a->ca = NULL; /* the system's */
	check_tls(a, "localhost", good, false);
	a->ca = ca;
	check_tls(a, "localhost", good, true);
	check_i64(e.messages, 4);
	a->opens = a->closes = 0;
	tls_files_remove(&f);
	caller_down(a);
}

static void large_messages_over_tls(void **state)
{
	struct caller *a = caller_up();
	struct echo e = {0};
	struct tls_files f;
	char ca[128], *big = mem_alloc(CALLER_MESSAGE_MAX);

	(void)state;
	if (!tls_files_make(&f)) {
		print_message("no openssl command\n");
		free(big);
		caller_down(a);
		skip();
	}
	for (size_t i = 0; i < CALLER_MESSAGE_MAX; i++)
		big[i] = (char)(i * 2654435761u >> 13);
	snprintf(ca, sizeof(ca), "%s", tls_files_path(&f, "ca.pem"));
	a->ca = ca;
	caller_connect_to(a, "wss", "localhost", serve(a, &e, &f, "good"));
	check(ws_rig_until(&a->rig, caller_is_open, a, 5000));
	check_i64(a->opens, 1);
	for (size_t len = 1000; len <= CALLER_MESSAGE_MAX; len *= 25) {
		a->messages = 0;
		ws_conn_send_message(a->conn, WS_BINARY, big, len);
		check(ws_rig_until(&a->rig, caller_has_message, a, 20000));
		check_i64(a->last.len, len);
		check(memcmp(a->last.data, big, len) == 0);
	}
	free(big);
	tls_files_remove(&f);
	caller_down(a);
}

static void copy_file(struct tls_files *f, const char *from, const char *to)
{
	char line[300];

	snprintf(line, sizeof(line), "cp %s/%s %s/%s", f->dir, from, f->dir, to);
	check_i64(system(line), 0);
}

/* A new certificate is for new connections, those that are there go on; a bad one changes nothing. */
static void certificates_are_reloaded(void **state)
{
	struct caller *a = caller_up();
	struct ws_conn *old;
	struct echo e = {0};
	struct agni_err err = {0};
	struct tls_files f;
	char ca[128];
	int port;

	(void)state;
	if (!tls_files_make(&f)) {
		print_message("no openssl command\n");
		caller_down(a);
		skip();
	}
	snprintf(ca, sizeof(ca), "%s", tls_files_path(&f, "ca.pem"));
	a->ca = ca;
	copy_file(&f, "good.pem", "own.pem");
	copy_file(&f, "good.key", "own.key");
	port = serve(a, &e, &f, "own");
	caller_connect_to(a, "wss", "localhost", port);
	check(ws_rig_until(&a->rig, caller_is_open, a, 5000));
	check_i64(a->opens, 1);
	old = a->conn;
	copy_file(&f, "other.pem", "own.pem"); /* not yet its key */
	check_i64(ws_server_reload_tls(last_server, &err), AGNI_ETLS);
	check(strstr(err.text, "own.key is not that of the certificate") != NULL);
	check_tls(a, "localhost", port, true);
	copy_file(&f, "other.key", "own.key");
	check_i64(ws_server_reload_tls(last_server, &err), 0);
	check_tls(a, "localhost", port, false); /* it is for another name now */
	check_i64(a->closes, 0);
	a->messages = 0;
	ws_conn_send_message(old, WS_TEXT, "hello", 5);
	check(ws_rig_until(&a->rig, caller_has_message, a, 5000));
	copy_file(&f, "good.pem", "own.pem");
	copy_file(&f, "good.key", "own.key");
	check_i64(ws_server_reload_tls(last_server, &err), 0);
	check_tls(a, "localhost", port, true);
	a->opens = 1; /* the old one, which is still there */
	a->closes = 0;
	tls_files_remove(&f);
	caller_down(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(certificates_are_checked),
		cmocka_unit_test(large_messages_over_tls),
		cmocka_unit_test(certificates_are_reloaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
