/* SPDX-License-Identifier: MIT
 *
 * crowd_tls: how a client of the TLS rows joins: one after the other, each waiting, because a
 * handshake is not what these rows measure.
 */
#include <stdio.h>
#include <sys/socket.h>

#include "fanout/crowd_internal.h"
#include "http/tls.h"

static bool send_out(struct tls_session *t, int fd)
{
	struct buf *out = tls_output(t);
	bool ok = out->len == 0 || send(fd, out->data, out->len, MSG_NOSIGNAL) == (ssize_t)out->len;

	buf_reset(out);
	return ok;
}

/* One read of the socket for the session. */
static bool take_in(struct tls_session *t, int fd)
{
	char bytes[4096];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	if (n > 0)
		tls_feed(t, bytes, (size_t)n);
	return n > 0;
}

static bool say(struct tls_session *t, int fd, const char *bytes, size_t len, struct agni_err *err)
{
	return tls_write(t, bytes, len, err) == 0 && send_out(t, fd);
}

static bool hear(struct tls_session *t, int fd, const char *what, struct agni_err *err)
{
	struct buf in = {0};
	char bytes[4096];
	bool ok = true, found = false;

	while (ok && !found) {
		int n = tls_read(t, bytes, sizeof(bytes), err);

		if (n > 0)
			buf_append(&in, bytes, (size_t)n);
		found = in.len && memmem(in.data, in.len, what, strlen(what));
		ok = n > 0 || (n == 0 && (found || take_in(t, fd)));
	}
	buf_fini(&in);
	return found;
}

static bool shake(struct tls_session *t, int fd, struct agni_err *err)
{
	int rc;

	while ((rc = tls_handshake(t, err)) == 0) {
		if (!send_out(t, fd) || !take_in(t, fd))
			return false;
	}
	return rc == 1 && send_out(t, fd);
}

bool crowd_greet_tls(struct crowd *c, struct reader *r)
{
	struct agni_err err = {0};
	struct buf frame = crowd_subscribe_frame(c, (unsigned)(r - c->readers));
	struct tls_session *t;
	bool ok;

	if (!c->tls)
		c->tls = tls_client_config_create(c->plan->tls_ca, &err);
	t = c->tls ? tls_session_create(c->tls, "localhost", &err) : NULL;
	ok = t && shake(t, r->fd, &err) &&
	     say(t, r->fd, crowd_request(), strlen(crowd_request()), &err) &&
	     hear(t, r->fd, "\"status\"", &err) && say(t, r->fd, frame.data, frame.len, &err) &&
	     hear(t, r->fd, "\"subscriptions\":", &err);
	if (!ok)
		fprintf(stderr, "TLS: %s\n", err.text);
	buf_fini(&frame);
	tls_session_destroy(t);
	return ok;
}

void crowd_tls_fini(struct crowd *c)
{
	tls_config_destroy(c->tls);
	c->tls = NULL;
}
