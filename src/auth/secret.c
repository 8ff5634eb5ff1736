/* SPDX-License-Identifier: MIT
 *
 * secret: see secret.h.
 */
#include "auth/secret.h"

bool secret_is_equal(const void *a, const void *b, size_t len)
{
	const volatile unsigned char *x = a, *y = b; /* volatile: every byte is looked at */
	unsigned char differs = 0;

	for (size_t i = 0; i < len; i++)
		differs |= (unsigned char)(x[i] ^ y[i]);
	return differs == 0;
}
