/* SPDX-License-Identifier: MIT
 *
 * tls_files: certificates and keys as PEM files, for servers that load them by name. Made anew with
 * the openssl command in a folder of their own and removed again.
 */
#ifndef AGNI_TEST_TLS_FILES_H
#define AGNI_TEST_TLS_FILES_H

struct tls_files {
	char dir[64];
	char path[128]; /* of the last tls_files_path() */
};

/* Makes the folder with
 *   ca.pem, foreign-ca.pem   authorities
 *   good.pem, .key           for localhost and 127.0.0.1
 *   other.pem, .key          for other.test
 *   expired.pem, .key        as good, ended yesterday
 *   foreign.pem, .key        as good, by the foreign authority
 * False when the openssl command is missing or fails. */
int tls_files_make(struct tls_files *f);
void tls_files_remove(struct tls_files *f);

/* Valid until the next call. */
const char *tls_files_path(struct tls_files *f, const char *name);

#endif
