/* SPDX-License-Identifier: MIT
 *
 * redis: see redis.h.
 */
#include "redis.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

#define ARGS_MAX 32
#define START_MS 30000 /* between two lines of the log while a server starts */
#define ANSWER_S 30    /* of the blocking client */

bool redis_is_installed(void)
{
	if (system("command -v redis-server >/dev/null 2>&1") == 0)
		return true;
	print_message("no redis-server on this machine\n");
	return false;
}

/* Two programs that look for a port at the same time must not find the same one: who takes it binds
 * a name in the abstract namespace, which the kernel gives back when the program ends. The
 * end-to-end tests do the same. */
static bool port_reserve(int port)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int n = snprintf(addr.sun_path + 1, sizeof(addr.sun_path) - 1, "agni-test-port-%d", port);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);

	if (fd >= 0 && bind(fd, (const struct sockaddr *)&addr, len) == 0)
		return true; /* held open to the end of the program */
	close(fd);
	return false;
}

static bool port_is_free(int port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons((uint16_t)port),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));

	close(fd);
	return rc == 0;
}

int redis_free_port(void)
{
	static int next;

	if (next == 0)
		next = 20000 + getpid() % 10000;
	for (int i = 0; i < 10000; i++) {
		next = next < 30000 ? next + 1 : 20000;
		if (port_is_free(next) && port_reserve(next))
			return next;
	}
	fail_msg("no free port");
	return 0;
}

static void exec_server(const struct redis_server *s, int out, va_list ap)
{
	char port[16], server[] = "redis-server";
	const char *base[] = {"--port", port,   "--bind",       "127.0.0.1", "--save", "",
			      "--dir",  s->dir, "--appendonly", "no",        NULL};
	char *args[ARGS_MAX] = {server};
	int n = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(port, sizeof(port), "%d", s->port);
	for (const char **b = base; *b; b++)
		args[n++] = strdup(*b);
	for (const char *a; n + 1 < ARGS_MAX && (a = va_arg(ap, const char *)) != NULL;)
		args[n++] = strdup(a);
	args[n] = NULL;
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execvp(server, args);
	_exit(127);
}

/* Reads the server's log up to the line that says so. */
static bool wait_ready(const struct redis_server *s)
{
	char text[8192];
	size_t n = 0;

	while (n + 1 < sizeof(text)) {
		struct pollfd p = {.fd = s->log_fd, .events = POLLIN};
		ssize_t got;

		if (poll(&p, 1, START_MS) <= 0)
			return false;
		got = read(s->log_fd, text + n, sizeof(text) - 1 - n);
		if (got <= 0)
			return false;
		n += (size_t)got;
		text[n] = '\0';
		if (strstr(text, "eady to accept connections"))
			return true;
	}
	return false;
}

void redis_start(struct redis_server *s, int port, ...)
{
	char dir[] = "/tmp/agni-redis-XXXXXX";
	int out[2];
	va_list ap;

	*s = (struct redis_server){.port = port ? port : redis_free_port()};
	if (!mkdtemp(dir) || pipe2(out, O_CLOEXEC) != 0)
		fail_msg("cannot prepare a redis-server");
	memcpy(s->dir, dir, sizeof(dir));
	s->pid = fork();
	if (s->pid == 0) {
		va_start(ap, port);
		exec_server(s, out[1], ap);
		va_end(ap);
	}
	close(out[1]);
	s->log_fd = out[0];
	if (s->pid < 0 || !wait_ready(s)) {
		redis_kill(s);
		fail_msg("redis-server did not start on port %d", s->port);
	}
}

static void end(struct redis_server *s, int sig)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, sig);
	kill(s->pid, SIGCONT); /* after, so that one that was stopped does nothing else first */
	waitpid(s->pid, NULL, 0);
	close(s->log_fd);
	rmdir(s->dir);
	s->pid = 0;
}

void redis_stop(struct redis_server *s)
{
	end(s, SIGTERM);
}

void redis_kill(struct redis_server *s)
{
	end(s, SIGKILL);
}

void redis_pause(const struct redis_server *s)
{
	siginfo_t info;

	kill(s->pid, SIGSTOP);
	waitid(P_PID, (id_t)s->pid, &info, WSTOPPED | WNOWAIT);
}

void redis_resume(const struct redis_server *s)
{
	kill(s->pid, SIGCONT);
}

redisContext *redis_connect(const struct redis_server *s)
{
	const struct timeval limit = {.tv_sec = ANSWER_S};
	redisContext *c = redisConnectWithTimeout("127.0.0.1", s->port, limit);

	if (!c || c->err)
		fail_msg("cannot connect to redis-server: %s", c ? c->errstr : "no memory");
	redisSetTimeout(c, limit);
	if (s->password[0])
		freeReplyObject(redisCommand(c, "AUTH %s", s->password));
	return c;
}

static redisReply *vask(const struct redis_server *s, const char *fmt, va_list ap)
{
	redisContext *c = redis_connect(s);
	redisReply *r = redisvCommand(c, fmt, ap);

	if (!r)
		fail_msg("%s: %s", fmt, c->errstr);
	redisFree(c);
	return r;
}

redisReply *redis_ask(const struct redis_server *s, const char *fmt, ...)
{
	redisReply *r;
	va_list ap;

	va_start(ap, fmt);
	r = vask(s, fmt, ap);
	va_end(ap);
	return r;
}

long long redis_ask_int(const struct redis_server *s, const char *fmt, ...)
{
	redisReply *r;
	long long v;
	va_list ap;

	va_start(ap, fmt);
	r = vask(s, fmt, ap);
	va_end(ap);
	if (r->type != REDIS_REPLY_INTEGER)
		fail_msg("%s: answered %s", fmt, r->str ? r->str : "no number");
	v = r->integer;
	freeReplyObject(r);
	return v;
}

void redis_do(const struct redis_server *s, const char *fmt, ...)
{
	redisReply *r;
	va_list ap;

	va_start(ap, fmt);
	r = vask(s, fmt, ap);
	va_end(ap);
	if (r->type == REDIS_REPLY_ERROR)
		fail_msg("%s: answered %s", fmt, r->str);
	freeReplyObject(r);
}
