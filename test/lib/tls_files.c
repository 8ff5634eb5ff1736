/* SPDX-License-Identifier: MIT
 *
 * tls_files: see tls_files.h.
 */
#include "tls_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int run(const struct tls_files *f, const char *script)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "cd %s && { %s; } >log 2>&1", f->dir, script);

	return n > 0 && (size_t)n < sizeof(line) && system(line) == 0;
}

#define NEW_KEY "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

static int make_ca(const struct tls_files *f, const char *name)
{
	char script[512];

	snprintf(script, sizeof(script),
		 "openssl req -x509 " NEW_KEY " -keyout %s.key -out %s.pem -days 2 -subj '/CN=%s'",
		 name, name, name);
	return run(f, script);
}

static int make_leaf(const struct tls_files *f, const char *name, const char *ca, const char *san,
		     int days)
{
	char script[768];

	snprintf(script, sizeof(script),
		 "openssl req " NEW_KEY " -keyout %s.key -out csr -subj '/CN=%s' && "
		 "echo subjectAltName=%s >ext && openssl x509 -req -in csr -CA %s.pem "
		 "-CAkey %s.key -CAcreateserial -days %d -extfile ext -out %s.pem",
		 name, name, san, ca, ca, days, name);
	return run(f, script);
}

/* openssl 3.5 refuses an end before the beginning: the certificate ends where it begins, and the
 * second after that is waited for. */
static int make_expired(const struct tls_files *f, const char *ca, const char *san)
{
	time_t made;

	if (!make_leaf(f, "expired", ca, san, 0))
		return 0;
	made = time(NULL);
	while (time(NULL) <= made)
		usleep(20000);
	return 1;
}

int tls_files_make(struct tls_files *f)
{
	static const char here[] = "DNS:localhost,IP:127.0.0.1";

	snprintf(f->dir, sizeof(f->dir), "/tmp/agnidata-tls-XXXXXX");
	if (!mkdtemp(f->dir))
		return 0;
	if (make_ca(f, "ca") && make_ca(f, "foreign-ca") && make_leaf(f, "good", "ca", here, 1) &&
	    make_leaf(f, "other", "ca", "DNS:other.test", 1) &&
	    make_leaf(f, "foreign", "foreign-ca", here, 1) && make_expired(f, "ca", here))
		return 1;
	tls_files_remove(f);
	return 0;
}

void tls_files_remove(struct tls_files *f)
{
	char line[128];

	snprintf(line, sizeof(line), "rm -rf %s", f->dir);
	if (system(line) != 0)
		fprintf(stderr, "%s stays behind\n", f->dir);
}

const char *tls_files_path(struct tls_files *f, const char *name)
{
	snprintf(f->path, sizeof(f->path), "%s/%s", f->dir, name);
	return f->path;
}
