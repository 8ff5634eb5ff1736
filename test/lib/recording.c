/* SPDX-License-Identifier: MIT
 *
 * recording: see recording.h.
 */
#include "recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "upstox/encode.h"

const char *const recording_keys[3] = {"NSE_FO|1", "NSE_FO|2", "NSE_FO|3"};

static void record_one(struct feed_encoder *e, uint32_t i, struct buf *out)
{
	struct quote q;

	feed_encoder_begin(e, FEED_LIVE, 1000000 + 10 * (int64_t)i);
	for (uint32_t k = 0; k < 2; k++) {
		quote_clear(&q);
		q.present = QUOTE_LTP | QUOTE_CP | QUOTE_MSG_LTPC | QUOTE_VTT | QUOTE_DEPTH;
		q.arm = ARM_MARKET;
		q.ltp = 10000 + i;
		q.cp = 5000;
		q.vtt = i + 1;
		q.depth_n = 5;
		for (uint32_t l = 0; l < 5; l++)
			q.depth[l] = (struct depth_row){1 + i, 9000 + l, 11000 + l, 1 + i};
		feed_encoder_add(e, recording_keys[(i + k) % 3], &q, MODE_FULL_D5);
	}
	feed_encoder_end(e, out);
	buf_append(out, "\x78\x01", 2); /* field 15, a varint */
}

void recording_make(struct recording *r, uint32_t messages)
{
	struct feed_encoder *e = feed_encoder_create();
	struct buf one = {0};
	FILE *f;

	*r = (struct recording){.messages = messages};
	for (uint32_t i = 0; i < messages; i++) {
		buf_reset(&one);
		record_one(e, i, &one);
		for (int b = 0; b < 4; b++)
			buf_byte(&r->bytes, (char)(one.len >> (8 * b)));
		buf_append(&r->bytes, one.data, one.len);
	}
	buf_fini(&one);
	feed_encoder_destroy(e);
	snprintf(r->path, sizeof(r->path), "/tmp/agni-sim-XXXXXX");
	close(mkstemp(r->path));
	snprintf(r->setting, sizeof(r->setting), "tape=%s", r->path);
	f = fopen(r->path, "wb");
	check_i64(fwrite(r->bytes.data, 1, r->bytes.len, f), r->bytes.len);
	fclose(f);
}

void recording_drop(struct recording *r)
{
	unlink(r->path);
	buf_fini(&r->bytes);
}

size_t recording_check(const struct peer *p, uint32_t i, const char *bytes, size_t at)
{
	const unsigned char *h = (const unsigned char *)bytes + at;
	size_t len = (size_t)h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;

	check_i64(p->msgs[i].len, len);
	check(memcmp(p->msgs[i].data, bytes + at + 4, len) == 0);
	return at + 4 + len;
}

/* --- a reader who does not read -------------------------------------------------------------- */

static const char sub_all[] = "{\"guid\":\"1\",\"method\":\"sub\",\"data\":{\"mode\":\"full\","
			      "\"instrumentKeys\":[\"NSE_FO|1\",\"NSE_FO|2\",\"NSE_FO|3\"]}}";

_Static_assert(sizeof(sub_all) <= 126, "one byte tells the length of the frame");

static bool has_answer(void *arg)
{
	char c;

	return recv(((struct lazy *)arg)->fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

void lazy_open(struct exchange *x, struct lazy *l)
{
	struct sockaddr_in to = {.sin_family = AF_INET};
	char uri[1024], head[2048], frame[256] = {(char)0x82};
	const size_t len = sizeof(sub_all) - 1;
	int small = 16384, n;

	exchange_uri(x, uri, sizeof(uri));
	*l = (struct lazy){.fd = socket(AF_INET, SOCK_STREAM, 0)};
	setsockopt(l->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	to.sin_port = htons((uint16_t)sim_feed_port(x->sim));
	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	check_i64(connect(l->fd, (struct sockaddr *)&to, sizeof(to)), 0);
	n = snprintf(head, sizeof(head),
		     "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: "
		     "Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
		     "Sec-WebSocket-Version: 13\r\n\r\n",
		     strchr(uri + 5, '/'));
	check_i64(send(l->fd, head, (size_t)n, 0), n);
	exchange_run(x, has_answer, l);
	/* A masked frame whose mask is zero. */
	frame[1] = (char)(0x80 | len);
	memcpy(frame + 6, sub_all, len);
	check_i64(send(l->fd, frame, 6 + len, 0), 6 + len);
	fcntl(l->fd, F_SETFL, O_NONBLOCK);
}

bool lazy_read(struct lazy *l)
{
	char chunk[65536];
	ssize_t n;

	while ((n = recv(l->fd, chunk, sizeof(chunk), 0)) > 0)
		buf_append(&l->in, chunk, (size_t)n);
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

bool lazy_split(struct lazy *l, struct peer *p)
{
	const unsigned char *b = (const unsigned char *)l->in.data;
	size_t at = 0;

	while (memcmp(b + at, "\r\n\r\n", 4) != 0)
		at++;
	for (at += 4; at + 4 <= l->in.len;) {
		size_t len = b[at + 1], head = 2;

		if (len == 126) {
			len = (size_t)b[at + 2] << 8 | b[at + 3];
			head = 4;
		}
		check(len < 127 || head == 4);
		if (at + head + len > l->in.len)
			return false;
		p->msgs = mem_realloc(p->msgs, (p->n + 1) * sizeof(*p->msgs));
		p->msgs[p->n] = (struct buf){0};
		if ((b[at] & 15) == WS_BINARY)
			buf_append(&p->msgs[p->n++], b + at + head, len);
		at += head + len;
	}
	return at == l->in.len;
}

void lazy_close(struct lazy *l)
{
	close(l->fd);
	buf_fini(&l->in);
}
