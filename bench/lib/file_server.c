/* SPDX-License-Identifier: MIT
 *
 * file_server: see file_server.h.
 */
#include "lib/file_server.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "core/buf.h"

static void die(const char *what)
{
	perror(what);
	exit(1);
}

/* Of a packed file; a plain one comes as it is. */
static void read_all(const char *path, int is_packed, struct buf *out)
{
	gzFile gz = is_packed ? gzopen(path, "rb") : NULL;
	FILE *f = is_packed ? NULL : fopen(path, "rb");
	char piece[65536];
	int n;

	if (!gz && !f)
		die(path);
	while ((n = gz ? gzread(gz, piece, sizeof(piece))
		       : (int)fread(piece, 1, sizeof(piece), f)) > 0)
		buf_append(out, piece, (size_t)n);
	if (gz)
		gzclose(gz);
	else
		fclose(f);
}

static void send_all(int fd, const char *bytes, size_t len)
{
	ssize_t n;

	for (; len > 0; bytes += n, len -= (size_t)n) {
		n = send(fd, bytes, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
	}
}

static void answer(int fd, const struct buf *packed, const struct buf *plain)
{
	char request[4096], head[128];
	ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
	const struct buf *body;

	if (n <= 0)
		return;
	request[n] = '\0';
	body = strncmp(request, "GET /packed ", 12) == 0 ? packed : plain;
	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
		     body->len);
	send_all(fd, head, (size_t)n);
	send_all(fd, body->data, body->len);
}

static void serve(int fd, const char *path)
{
	struct buf packed = {0}, plain = {0};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	read_all(path, 0, &packed);
	read_all(path, 1, &plain);
	for (;;) {
		int peer = accept(fd, NULL, NULL);

		if (peer < 0)
			die("accept");
		answer(peer, &packed, &plain);
		close(peer);
	}
}

struct file_server file_server_start(const char *path)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct file_server s;

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, len) < 0 || listen(fd, 8) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("listen");
	s.port = ntohs(at.sin_port);
	s.pid = fork();
	if (s.pid < 0)
		die("fork");
	if (s.pid == 0)
		serve(fd, path);
	close(fd);
	return s;
}

void file_server_stop(const struct file_server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
}
