/* SPDX-License-Identifier: MIT
 *
 * deflate: permessage-deflate (RFC 7692), the sending half.
 *
 * libwebsockets negotiates and inflates. It does not deflate for us, for two reasons. Its 4.1.6
 * turns a PONG that falls between two pieces of a compressed message into a piece of that message.
 * And it would compress once per client with 256 KiB of state each; here every message starts with
 * an empty window, which the sender may always do, so that one compressor serves all and the frames
 * go the way of all other frames (send.c).
 *
 * A message that is short or does not shrink goes as it is, which is allowed per message.
 */
#include "ws/ws_internal.h"

/* Below this a message rarely shrinks by more than its header. */
#define DEFLATE_MIN 64
/* A compressed message ends with an empty stored block, whose last four bytes are left out. */
#define TRAILER_LEN 4
#define RSV1        0x40

static void want_z(struct ws *ws)
{
	if (ws->has_z)
		return;
	/* Level 1: feed frames shrink nearly as well as with 6, at a third of the time. */
	AGNI_ASSERT(deflateInit2(&ws->z, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	ws->has_z = true;
}

/* Appends the compressed frame to ws->deflated; false, with nothing appended, when not shorter. */
static bool deflate_one(struct ws *ws, const struct ws_frame *f)
{
	struct buf *out = &ws->deflated;
	size_t room = deflateBound(&ws->z, f->len) + 16, n;
	/* The payload goes where the longest header leaves it, the header is put before it later.
	 */
	char *at = buf_reserve(out, 10 + room), header[10];
	union {
		const char *in;
		Bytef *z; /* zlib's interface has no const here; it only reads */
	} payload = {f->payload};

	deflateReset(&ws->z);
	ws->z.next_in = payload.z;
	ws->z.avail_in = (uInt)f->len;
	ws->z.next_out = (Bytef *)at + 10;
	ws->z.avail_out = (uInt)room;
	AGNI_ASSERT(deflate(&ws->z, Z_SYNC_FLUSH) == Z_OK && ws->z.avail_in == 0);
	n = room - ws->z.avail_out - TRAILER_LEN;
	if (n >= f->len)
		return false;
	room = ws_header_write(header, f->op, n);
	header[0] = (char)(header[0] | RSV1);
	memcpy(at, header, room);
	memmove(at + room, at + 10, n);
	out->len += room + n;
	return true;
}

const struct buf *ws_deflate(struct ws *ws, const char *frames, size_t len)
{
	want_z(ws);
	buf_reset(&ws->deflated);
	while (len) {
		struct ws_frame f = ws_frame_read(frames);
		bool is_message = f.op == WS_TEXT || f.op == WS_BINARY;

		AGNI_ASSERT(f.whole <= len);
		if (!is_message || f.len < DEFLATE_MIN || !deflate_one(ws, &f))
			buf_append(&ws->deflated, frames, f.whole);
		frames += f.whole;
		len -= f.whole;
	}
	return &ws->deflated;
}

void ws_deflate_fini(struct ws *ws)
{
	if (ws->has_z)
		deflateEnd(&ws->z);
	buf_fini(&ws->deflated);
}
