/* SPDX-License-Identifier: MIT
 *
 * tls_fixture: see tls_fixture.h. mbedtls 2.28 and 3.6.
 */
#include "tls_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/oid.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
#include <psa/crypto.h>
#endif

#define must(call)                                                                                 \
	do {                                                                                       \
		if ((call) != 0) {                                                                 \
			fprintf(stderr, "%s failed\n", #call);                                     \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

struct tls_ca {
	mbedtls_entropy_context entropy;
	mbedtls_ctr_drbg_context random;
	mbedtls_pk_context key, foreign_key, leaf_key;
	char file[64];
};

struct tls_server {
	mbedtls_ssl_config ssl;
	mbedtls_x509_crt cert;
	mbedtls_ctr_drbg_context random; /* its own: the thread uses it */
	mbedtls_entropy_context entropy;
	pthread_t thread;
	int listener, stop[2], port;
	char *answer;
	int close_notify;
	char *seen;
	size_t seen_len;
};

/* ---- certificates ------------------------------------------------------------------------- */

static void make_key(struct tls_ca *ca, mbedtls_pk_context *key)
{
	mbedtls_pk_init(key);
	must(mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)));
	must(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key),
				 mbedtls_ctr_drbg_random, &ca->random));
}

static void set_serial(mbedtls_x509write_cert *w)
{
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
	unsigned char one = 1;

	must(mbedtls_x509write_crt_set_serial_raw(w, &one, 1));
#else
	mbedtls_mpi one;

	mbedtls_mpi_init(&one);
	must(mbedtls_mpi_lset(&one, 1));
	must(mbedtls_x509write_crt_set_serial(w, &one));
	mbedtls_mpi_free(&one);
#endif
}

static size_t add_name(unsigned char *out, unsigned char kind, const void *value, size_t len)
{
	out[0] = kind;
	out[1] = (unsigned char)len;
	memcpy(out + 2, value, len);
	return len + 2;
}

/* The alternative names by hand: 2.28 has no function for them. All lengths are below 128. */
static void set_names(mbedtls_x509write_cert *w, enum tls_leaf leaf)
{
	const unsigned char address[4] = {127, 0, 0, leaf == TLS_LEAF_OTHER ? 9 : 1};
	const char *name = leaf == TLS_LEAF_OTHER ? "other.test" : "localhost";
	unsigned char der[128];
	size_t n = 2;

	n += add_name(der + n, 0x82, name, strlen(name));
	if (leaf != TLS_LEAF_NAME)
		n += add_name(der + n, 0x87, address, sizeof(address));
	der[0] = 0x30;
	der[1] = (unsigned char)(n - 2);
	must(mbedtls_x509write_crt_set_extension(w, MBEDTLS_OID_SUBJECT_ALT_NAME,
						 MBEDTLS_OID_SIZE(MBEDTLS_OID_SUBJECT_ALT_NAME), 0,
						 der, n));
}

static void begin_cert(mbedtls_x509write_cert *w, mbedtls_pk_context *issuer,
		       mbedtls_pk_context *subject)
{
	mbedtls_x509write_crt_init(w);
	mbedtls_x509write_crt_set_version(w, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(w, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_issuer_key(w, issuer);
	mbedtls_x509write_crt_set_subject_key(w, subject);
	must(mbedtls_x509write_crt_set_issuer_name(w, "CN=agni test CA"));
	set_serial(w);
}

static void write_ca(struct tls_ca *ca)
{
	unsigned char pem[4096];
	mbedtls_x509write_cert w;
	int fd;

	begin_cert(&w, &ca->key, &ca->key);
	must(mbedtls_x509write_crt_set_subject_name(&w, "CN=agni test CA"));
	must(mbedtls_x509write_crt_set_validity(&w, "20200101000000", "20991231000000"));
	must(mbedtls_x509write_crt_set_basic_constraints(&w, 1, -1));
	must(mbedtls_x509write_crt_pem(&w, pem, sizeof(pem), mbedtls_ctr_drbg_random, &ca->random));
	mbedtls_x509write_crt_free(&w);
	snprintf(ca->file, sizeof(ca->file), "/tmp/agni-test-ca-XXXXXX");
	fd = mkstemp(ca->file);
	must(fd < 0);
	must(write(fd, pem, strlen((char *)pem)) != (ssize_t)strlen((char *)pem));
	close(fd);
}

static void make_leaf(struct tls_ca *ca, enum tls_leaf leaf, mbedtls_x509_crt *out)
{
	const char *from = leaf == TLS_LEAF_FUTURE ? "20900101000000" : "20190101000000";
	const char *to = leaf == TLS_LEAF_EXPIRED ? "20200101000000" : "20991231000000";
	mbedtls_pk_context *issuer = leaf == TLS_LEAF_FOREIGN ? &ca->foreign_key : &ca->key;
	mbedtls_x509write_cert w;
	unsigned char der[4096];
	int n;

	begin_cert(&w, issuer, &ca->leaf_key);
	must(mbedtls_x509write_crt_set_subject_name(&w, "CN=leaf"));
	must(mbedtls_x509write_crt_set_validity(&w, from, to));
	set_names(&w, leaf);
	n = mbedtls_x509write_crt_der(&w, der, sizeof(der), mbedtls_ctr_drbg_random, &ca->random);
	must(n <= 0);
	mbedtls_x509write_crt_free(&w);
	/* It is written to the end of the buffer. */
	must(mbedtls_x509_crt_parse_der(out, der + sizeof(der) - n, (size_t)n));
}

struct tls_ca *tls_ca_create(void)
{
	struct tls_ca *ca = calloc(1, sizeof(*ca));

	must(ca == NULL);
#if MBEDTLS_VERSION_NUMBER >= 0x03000000
	must(psa_crypto_init());
#endif
	mbedtls_entropy_init(&ca->entropy);
	mbedtls_ctr_drbg_init(&ca->random);
	must(mbedtls_ctr_drbg_seed(&ca->random, mbedtls_entropy_func, &ca->entropy, NULL, 0));
	make_key(ca, &ca->key);
	make_key(ca, &ca->foreign_key);
	make_key(ca, &ca->leaf_key);
	write_ca(ca);
	return ca;
}

const char *tls_ca_file(const struct tls_ca *ca)
{
	return ca->file;
}

void tls_ca_destroy(struct tls_ca *ca)
{
	unlink(ca->file);
	mbedtls_pk_free(&ca->key);
	mbedtls_pk_free(&ca->foreign_key);
	mbedtls_pk_free(&ca->leaf_key);
	mbedtls_ctr_drbg_free(&ca->random);
	mbedtls_entropy_free(&ca->entropy);
	free(ca);
}

/* ---- server ------------------------------------------------------------------------------- */

static int bio_send(void *arg, const unsigned char *bytes, size_t len)
{
	ssize_t n;

	do {
		n = send(*(int *)arg, bytes, len, MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : (int)n;
}

static int bio_recv(void *arg, unsigned char *out, size_t size)
{
	ssize_t n;

	do {
		n = recv(*(int *)arg, out, size, 0);
	} while (n < 0 && errno == EINTR); /* with SO_RCVTIMEO also when the process was stopped */
	return n < 0 ? -1 : (int)n;
}

/* Reads up to the empty line behind a head; what was read stays in `seen`. */
static int read_head(struct tls_server *s, mbedtls_ssl_context *ssl)
{
	size_t from = s->seen_len;

	for (;;) {
		unsigned char bytes[4096];
		int n = mbedtls_ssl_read(ssl, bytes, sizeof(bytes));

		if (n <= 0)
			return -1;
		s->seen = realloc(s->seen, s->seen_len + (size_t)n + 1);
		must(s->seen == NULL);
		memcpy(s->seen + s->seen_len, bytes, (size_t)n);
		s->seen_len += (size_t)n;
		s->seen[s->seen_len] = '\0';
		if (strstr(s->seen + from, "\r\n\r\n"))
			return 0;
	}
}

static void write_all(mbedtls_ssl_context *ssl, const char *text)
{
	size_t len = strlen(text);

	while (len > 0) {
		int n = mbedtls_ssl_write(ssl, (const unsigned char *)text, len);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static void serve(struct tls_server *s, int fd)
{
	const struct timeval limit = {.tv_sec = 30};
	mbedtls_ssl_context ssl;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	mbedtls_ssl_init(&ssl);
	must(mbedtls_ssl_setup(&ssl, &s->ssl));
	mbedtls_ssl_set_bio(&ssl, &fd, bio_send, bio_recv, NULL);
	if (mbedtls_ssl_handshake(&ssl) == 0 && read_head(s, &ssl) == 0) {
		write_all(&ssl, s->answer);
		if (s->close_notify)
			mbedtls_ssl_close_notify(&ssl);
	}
	mbedtls_ssl_free(&ssl);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void *server_thread(void *arg)
{
	struct tls_server *s = arg;

	for (;;) {
		struct pollfd fds[2] = {{.fd = s->listener, .events = POLLIN},
					{.fd = s->stop[0], .events = POLLIN}};
		int fd;

		if (poll(fds, 2, 60000) <= 0 || fds[1].revents)
			return NULL;
		fd = accept(s->listener, NULL, NULL);
		if (fd >= 0)
			serve(s, fd);
	}
}

static void server_config(struct tls_server *s, struct tls_ca *ca, enum tls_leaf leaf)
{
	mbedtls_ssl_config_init(&s->ssl);
	mbedtls_x509_crt_init(&s->cert);
	mbedtls_entropy_init(&s->entropy);
	mbedtls_ctr_drbg_init(&s->random);
	must(mbedtls_ctr_drbg_seed(&s->random, mbedtls_entropy_func, &s->entropy, NULL, 0));
	must(mbedtls_ssl_config_defaults(&s->ssl, MBEDTLS_SSL_IS_SERVER,
					 MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
	mbedtls_ssl_conf_rng(&s->ssl, mbedtls_ctr_drbg_random, &s->random);
	make_leaf(ca, leaf, &s->cert);
	must(mbedtls_ssl_conf_own_cert(&s->ssl, &s->cert, &ca->leaf_key));
}

struct tls_server *tls_server_start(struct tls_ca *ca, enum tls_leaf leaf, const char *answer,
				    int close_notify)
{
	struct tls_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);

	must(s == NULL);
	server_config(s, ca, leaf);
	s->answer = strdup(answer);
	s->close_notify = close_notify;
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)));
	must(listen(s->listener, 8));
	must(getsockname(s->listener, (struct sockaddr *)&addr, &len));
	s->port = ntohs(addr.sin_port);
	must(pipe(s->stop));
	must(pthread_create(&s->thread, NULL, server_thread, s));
	return s;
}

int tls_server_port(const struct tls_server *s)
{
	return s->port;
}

char *tls_server_stop(struct tls_server *s)
{
	char *seen;

	must(write(s->stop[1], "x", 1) != 1);
	must(pthread_join(s->thread, NULL));
	close(s->listener);
	close(s->stop[0]);
	close(s->stop[1]);
	mbedtls_ssl_config_free(&s->ssl);
	mbedtls_x509_crt_free(&s->cert);
	mbedtls_ctr_drbg_free(&s->random);
	mbedtls_entropy_free(&s->entropy);
	seen = s->seen ? s->seen : strdup("");
	free(s->answer);
	free(s);
	return seen;
}
