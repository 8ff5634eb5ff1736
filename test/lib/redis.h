/* SPDX-License-Identifier: MIT
 *
 * redis: a real redis-server of the test's own, in a temporary folder, on a free loopback port.
 *
 * Commands are asked with a blocking client that connects anew each time, so that a server may be
 * stopped, killed and started again between two of them. It dies with the test.
 */
#ifndef AGNI_TEST_REDIS_H
#define AGNI_TEST_REDIS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <hiredis/hiredis.h>

struct redis_server {
	pid_t pid; /* 0 when it does not run */
	int port;
	int log_fd; /* its standard output */
	char dir[64];
	char password[32]; /* the blocking client's; "" = none */
};

/* Whether redis-server is in PATH; when not, a line says so. */
bool redis_is_installed(void);

/* A loopback port that nobody listens on and that no other test program will take, below the range
 * from which the kernel takes ports for outgoing connections: a client that tries such a port again
 * and again can meet itself. */
int redis_free_port(void);

/* Starts a server on `port` (0: a free one) with more arguments up to NULL, e.g.
 * redis_start(&s, 0, "--requirepass", "x", NULL), and returns when it accepts connections. */
void redis_start(struct redis_server *s, int port, ...) __attribute__((sentinel));

void redis_stop(struct redis_server *s); /* SIGTERM, waits, removes the folder */
void redis_kill(struct redis_server *s); /* SIGKILL, waits, removes the folder */
void redis_pause(const struct redis_server *s);
void redis_resume(const struct redis_server *s);

/* A blocking connection with a time limit; the caller frees it with redisFree. */
redisContext *redis_connect(const struct redis_server *s);

/* One command; the caller frees the reply with freeReplyObject. */
redisReply *redis_ask(const struct redis_server *s, const char *fmt, ...);

/* The number that a command answers; fails the test when it answers something else. */
long long redis_ask_int(const struct redis_server *s, const char *fmt, ...);

/* A command that must not answer an error. */
void redis_do(const struct redis_server *s, const char *fmt, ...);

#endif
