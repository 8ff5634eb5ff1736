/* SPDX-License-Identifier: MIT
 *
 * ws_accept: see ws_accept.h.
 */
#include "ws_accept.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* SHA-1 (FIPS 180-4) of fewer than 120 bytes: only for Sec-WebSocket-Accept. */
static void sha1(const unsigned char *text, size_t len, unsigned char out[20])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	unsigned char block[128] = {0};
	size_t blocks = len < 56 ? 1 : 2;

	memcpy(block, text, len);
	block[len] = 0x80;
	block[blocks * 64 - 2] = (unsigned char)(len * 8 >> 8);
	block[blocks * 64 - 1] = (unsigned char)(len * 8);
	for (size_t b = 0; b < blocks; b++) {
		uint32_t w[80], v[5];

		for (size_t i = 0; i < 16; i++) {
			const unsigned char *q = block + 64 * b + 4 * i;

			w[i] = (uint32_t)q[0] << 24 | (uint32_t)q[1] << 16 | (uint32_t)q[2] << 8 |
			       q[3];
		}
		for (size_t i = 16; i < 80; i++) {
			uint32_t x = w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16];

			w[i] = x << 1 | x >> 31;
		}
		memcpy(v, h, sizeof(v));
		for (size_t i = 0; i < 80; i++) {
			uint32_t f = i < 20   ? (v[1] & v[2]) | (~v[1] & v[3])
				     : i < 40 ? v[1] ^ v[2] ^ v[3]
				     : i < 60 ? (v[1] & v[2]) | (v[1] & v[3]) | (v[2] & v[3])
					      : v[1] ^ v[2] ^ v[3];
			uint32_t k = i < 20   ? 0x5a827999
				     : i < 40 ? 0x6ed9eba1
				     : i < 60 ? 0x8f1bbcdc
					      : 0xca62c1d6;
			uint32_t t = (v[0] << 5 | v[0] >> 27) + f + v[4] + k + w[i];

			v[4] = v[3];
			v[3] = v[2];
			v[2] = v[1] << 30 | v[1] >> 2;
			v[1] = v[0];
			v[0] = t;
		}
		for (size_t i = 0; i < 5; i++)
			h[i] += v[i];
	}
	for (size_t i = 0; i < 20; i++)
		out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64_20(const unsigned char in[20], char out[29])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char b[21] = {0};

	memcpy(b, in, 20);
	for (size_t i = 0; i < 7; i++) {
		uint32_t v = (uint32_t)b[3 * i] << 16 | (uint32_t)b[3 * i + 1] << 8 | b[3 * i + 2];

		for (size_t j = 0; j < 4; j++)
			out[4 * i + j] = digits[v >> (18 - 6 * j) & 63];
	}
	out[27] = '=';
	out[28] = '\0';
}

void ws_accept_value(const char *key, char out[29])
{
	unsigned char text[60], hash[20];

	memcpy(text, key, 24);
	memcpy(text + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
	sha1(text, sizeof(text), hash);
	base64_20(hash, out);
}
