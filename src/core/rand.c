/* SPDX-License-Identifier: MIT
 *
 * rand: see rand.h.
 */
#include "core/rand.h"

#include <errno.h>
#include <math.h>
#include <sys/random.h>

uint64_t rng_next(struct rng *r)
{
	uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

double rng_unit(struct rng *r)
{
	return (double)(rng_next(r) >> 11) * 0x1p-53;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
	AGNI_ASSERT(bound > 0);
	return (uint64_t)(((unsigned __int128)rng_next(r) * bound) >> 64);
}

double rng_normal(struct rng *r)
{
	double u = 1.0 - rng_unit(r); /* (0, 1]: the logarithm is finite */

	return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * rng_unit(r));
}

void rand_bytes(void *out, size_t len)
{
	char *p = out;

	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		AGNI_ASSERT(n > 0);
		p += n;
		len -= (size_t)n;
	}
}

void rand_hex(char *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char byte;

	for (size_t i = 0; i < len; i++) {
		rand_bytes(&byte, 1);
		out[2 * i] = digits[byte >> 4];
		out[2 * i + 1] = digits[byte & 15];
	}
	out[2 * len] = '\0';
}

void rand_uuid(char out[UUID_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char b[16];
	char *p = out;

	rand_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	for (unsigned i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[b[i] >> 4];
		*p++ = digits[b[i] & 15];
	}
	*p = '\0';
}
