/* SPDX-License-Identifier: MIT
 *
 * known: see known.h.
 */
#include "token/known.h"

#include <string.h>

bool known_has(const struct known *k, const char *text)
{
	size_t n = k->n < KNOWN_MAX ? (size_t)k->n : KNOWN_MAX;
	unsigned char hash[SHA256_BYTES];

	hash_sha256(text, strlen(text), hash);
	for (size_t i = 0; i < n; i++) {
		if (memcmp(k->hashes[i], hash, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

void known_add(struct known *k, const char *text)
{
	if (!known_has(k, text))
		hash_sha256(text, strlen(text), k->hashes[k->n++ % KNOWN_MAX]);
}
