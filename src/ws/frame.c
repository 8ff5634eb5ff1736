/* SPDX-License-Identifier: MIT
 *
 * frame: unmasked WebSocket frames (RFC 6455 section 5.2), built once for all readers.
 */
#include "ws/ws_internal.h"

size_t ws_header_len(size_t len)
{
	return len < 126 ? 2 : len < 65536 ? 4 : 10;
}

size_t ws_header_write(char out[10], enum ws_opcode op, size_t len)
{
	size_t n = ws_header_len(len), bytes = n - 2;

	out[0] = (char)(0x80 | op);
	out[1] = (char)(n == 2 ? len : n == 4 ? 126 : 127);
	for (size_t i = 0; i < bytes; i++)
		out[2 + i] = (char)(len >> (8 * (bytes - 1 - i)) & 0xff);
	return n;
}

void ws_frame_append(struct buf *b, enum ws_opcode op, const void *payload, size_t len)
{
	char header[10];

	buf_append(b, header, ws_header_write(header, op, len));
	buf_append(b, payload, len);
}

struct ws_frame ws_frame_read(const char *bytes)
{
	struct ws_frame f = {.op = (enum ws_opcode)(bytes[0] & 15)};
	size_t len = (unsigned char)bytes[1], more = len == 126 ? 2 : len == 127 ? 8 : 0;

	if (more) {
		len = 0;
		for (size_t i = 0; i < more; i++)
			len = len << 8 | (unsigned char)bytes[2 + i];
	}
	f.payload = bytes + 2 + more;
	f.len = len;
	f.whole = 2 + more + len;
	return f;
}
