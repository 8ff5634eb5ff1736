/* SPDX-License-Identifier: MIT
 *
 * seal: see seal.h.
 */
#include "token/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "core/json.h"
#include "core/rand.h"
#include "http/aead.h"

#define KEY_HEX       (2 * AEAD_KEY_BYTES)
#define KEY_ID_HEX    (SEAL_KEY_ID_TEXT - 1)
#define RING_TEXT_MAX 8192
#define INSIDE_MAX    (TOKEN_TEXT_MAX + 64)
#define AAD_MAX       256
#define HEAD_NUMBERS  3 /* of the text inside the box: origin, kind, time of issue */

struct sealed {
	char key_id[SEAL_KEY_ID_TEXT];
	unsigned char nonce[AEAD_NONCE_BYTES];
	unsigned char box[INSIDE_MAX + AEAD_TAG_BYTES];
	size_t box_len;
};

/* ---- hex ---------------------------------------------------------------------------------- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* upper case would be a second spelling */
}

static bool hex_read(const char *text, size_t len, unsigned char *out, size_t size)
{
	if (len != 2 * size)
		return false;
	for (size_t i = 0; i < size; i++) {
		int a = hex_digit(text[2 * i]), b = hex_digit(text[2 * i + 1]);

		if (a < 0 || b < 0)
			return false;
		out[i] = (unsigned char)(a << 4 | b);
	}
	return true;
}

static void hex_append(struct buf *b, const unsigned char *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		buf_byte(b, digits[bytes[i] >> 4]);
		buf_byte(b, digits[bytes[i] & 15]);
	}
}

/* ---- the ring ----------------------------------------------------------------------------- */

static unsigned char *key_at(const struct seal_ring *r, size_t i)
{
	return (unsigned char *)r->keys.text + i * AEAD_KEY_BYTES;
}

static bool has_id(const struct seal_ring *r, const char *id)
{
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->ids[i], id) == 0)
			return true;
	}
	return false;
}

/* One line without its newline. */
static int take_line(struct seal_ring *r, const char *line, size_t len, int number,
		     struct agni_err *err)
{
	unsigned char id[KEY_ID_HEX / 2];
	size_t at = KEY_ID_HEX + 1;

	while (len && (line[len - 1] == ' ' || line[len - 1] == '\t' || line[len - 1] == '\r'))
		len--;
	if (len == 0 || line[0] == '#')
		return 0;
	if (r->n == SEAL_KEYS_MAX)
		return agni_fail(err, AGNI_ECONFIG, "line %d: more than %d keys", number,
				 SEAL_KEYS_MAX);
	if (len != at + KEY_HEX || line[KEY_ID_HEX] != ' ' ||
	    !hex_read(line, KEY_ID_HEX, id, sizeof(id)) ||
	    !hex_read(line + at, KEY_HEX, key_at(r, r->n), AEAD_KEY_BYTES))
		return agni_fail(err, AGNI_ECONFIG,
				 "line %d: not \"KEYID KEY\" in 16 and 64 lower-case hex digits",
				 number);
	memcpy(r->ids[r->n], line, KEY_ID_HEX);
	r->ids[r->n][KEY_ID_HEX] = '\0';
	for (size_t i = 0; i < r->n; i++) {
		if (strcmp(r->ids[i], r->ids[r->n]) == 0)
			return agni_fail(err, AGNI_ECONFIG, "line %d: the key id occurs twice",
					 number);
	}
	r->n++;
	return 0;
}

int seal_ring_parse(struct seal_ring *r, const char *text, struct agni_err *err)
{
	char room[SEAL_KEYS_MAX * AEAD_KEY_BYTES + 1];
	int rc = 0;

	memset(room, '0', sizeof(room) - 1);
	room[sizeof(room) - 1] = '\0';
	*r = (struct seal_ring){0};
	secret_set(&r->keys, "", room);
	for (int number = 1; *text && rc == 0; number++) {
		size_t len = strcspn(text, "\n");

		rc = take_line(r, text, len, number, err);
		text += len + (text[len] == '\n');
	}
	if (rc == 0 && r->n == 0)
		rc = agni_fail(err, AGNI_ECONFIG, "there is no key in it");
	if (rc < 0)
		seal_ring_fini(r);
	return rc;
}

static int read_private(const char *path, char *out, size_t size, struct agni_err *err)
{
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return agni_fail_uv(err, -errno, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (st.st_mode & 077)) {
		close(fd);
		return agni_fail(
			err, AGNI_ECONFIG,
			"%s: a file of keys must be readable by its owner only (chmod 600)", path);
	}
	n = read(fd, out, size);
	close(fd);
	if (n < 0)
		return agni_fail_uv(err, -errno, "%s", path);
	if ((size_t)n == size)
		return agni_fail(err, AGNI_ECONFIG, "%s: too large for a file of keys", path);
	out[n] = '\0';
	return 0;
}

int seal_ring_read(struct seal_ring *r, const char *path, struct agni_err *err)
{
	char *text = mem_zalloc(RING_TEXT_MAX);
	int rc = read_private(path, text, RING_TEXT_MAX, err);

	*r = (struct seal_ring){0};
	if (rc == 0 && seal_ring_parse(r, text, err) < 0)
		rc = agni_wrap(err, "%s", path);
	explicit_bzero(text, RING_TEXT_MAX);
	free(text);
	return rc;
}

void seal_ring_fini(struct seal_ring *r)
{
	secret_clear(&r->keys);
	r->n = 0;
}

void seal_key_make(struct buf *out)
{
	unsigned char id[KEY_ID_HEX / 2], key[AEAD_KEY_BYTES];

	rand_bytes(id, sizeof(id));
	rand_bytes(key, sizeof(key));
	hex_append(out, id, sizeof(id));
	buf_byte(out, ' ');
	hex_append(out, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
}

/* ---- the record --------------------------------------------------------------------------- */

/* What stands in the open, from "v" to "expires_ms": the start of the record, and the AAD. */
static size_t write_open(char out[AAD_MAX], const char *key_id, const struct seal_content *c)
{
	int n = snprintf(out, AAD_MAX,
			 "{\"v\":1,\"kid\":\"%s\",\"account\":\"%s\",\"generation\":%" PRIu64
			 ",\"expires_ms\":%" PRId64,
			 key_id, c->account, c->generation, c->expires_ms);

	AGNI_ASSERT(n > 0 && n < AAD_MAX);
	return (size_t)n;
}

static void write_record(struct buf *out, const char *open, size_t open_len, const struct sealed *s)
{
	buf_append(out, open, open_len);
	buf_str(out, ",\"nonce\":\"");
	hex_append(out, s->nonce, sizeof(s->nonce));
	buf_str(out, "\",\"box\":\"");
	hex_append(out, s->box, s->box_len);
	buf_str(out, "\"}");
}

void seal_close(const struct seal_ring *r, const struct seal_content *c, struct buf *out)
{
	struct sealed s = {0};
	char open[AAD_MAX], inside[INSIDE_MAX];
	size_t open_len = write_open(open, r->ids[0], c);
	int n = snprintf(inside, sizeof(inside), "%d\n%d\n%" PRId64 "\n%s", c->origin, c->kind,
			 c->issued_ms, c->token);

	AGNI_ASSERT(r->n > 0 && n > 0 && (size_t)n < sizeof(inside));
	rand_bytes(s.nonce, sizeof(s.nonce));
	aead_seal(&(struct aead_input){key_at(r, 0), s.nonce, open, open_len}, inside, (size_t)n,
		  s.box);
	s.box_len = (size_t)n + AEAD_TAG_BYTES;
	explicit_bzero(inside, sizeof(inside));
	write_record(out, open, open_len, &s);
}

static int not_a_record(struct agni_err *err)
{
	return agni_fail(err, AGNI_EPARSE, "the sealed token was altered, or is none");
}

/* Fills what stands in the open. False when a member is missing or out of range. */
static bool read_members(const cJSON *json, struct sealed *s, struct seal_content *c)
{
	const char *kid = json_string(json, "kid"), *account = json_string(json, "account");
	const char *nonce = json_string(json, "nonce"), *box = json_string(json, "box");
	unsigned char id[KEY_ID_HEX / 2];
	int64_t generation;
	size_t hex;

	if (!kid || !account || !nonce || !box || !json_int(json, "generation", &generation) ||
	    generation < 0 || !json_int(json, "expires_ms", &c->expires_ms))
		return false;
	hex = strlen(box);
	if (!hex_read(kid, strlen(kid), id, sizeof(id)) || strlen(account) > SEAL_ACCOUNT_MAX ||
	    hex / 2 < AEAD_TAG_BYTES || hex / 2 > sizeof(s->box) ||
	    !hex_read(nonce, strlen(nonce), s->nonce, sizeof(s->nonce)) ||
	    !hex_read(box, hex, s->box, hex / 2))
		return false;
	s->box_len = hex / 2;
	c->generation = (uint64_t)generation;
	memcpy(s->key_id, kid, SEAL_KEY_ID_TEXT);
	memcpy(c->account, account, strlen(account) + 1);
	return true;
}

/* A record has one spelling: what was understood, written again, must be what was read. */
static bool is_spelt_so(const struct sealed *s, const struct seal_content *c, const char *text,
			size_t len)
{
	struct buf again = {0};
	char open[AAD_MAX];
	bool same;

	write_record(&again, open, write_open(open, s->key_id, c), s);
	same = again.len == len && memcmp(again.data, text, len) == 0;
	buf_fini(&again);
	return same;
}

static bool read_record(const char *text, size_t len, struct sealed *s, struct seal_content *c)
{
	struct agni_err err;
	cJSON *json = len <= SEAL_RECORD_MAX ? json_parse(text, len, &err) : NULL;
	bool ok = json && read_members(json, s, c) && is_spelt_so(s, c, text, len);

	cJSON_Delete(json);
	return ok;
}

/* "origin\nkind\nissued\ntoken". */
static bool read_inside(const char *inside, struct seal_content *c)
{
	long long n[HEAD_NUMBERS];
	const char *at = inside;
	char *end;

	for (int i = 0; i < HEAD_NUMBERS; i++) {
		n[i] = strtoll(at, &end, 10);
		if (end == at || *end != '\n')
			return false;
		at = end + 1;
	}
	if (strlen(at) > TOKEN_TEXT_MAX)
		return false;
	c->origin = (int)n[0];
	c->kind = (int)n[1];
	c->issued_ms = n[2];
	memcpy(c->token, at, strlen(at) + 1);
	return true;
}

static bool unseal(const struct seal_ring *r, const struct sealed *s, struct seal_content *c)
{
	char open[AAD_MAX], inside[INSIDE_MAX + 1];
	size_t open_len = write_open(open, s->key_id, c), i = 0;
	bool ok;

	while (strcmp(r->ids[i], s->key_id) != 0)
		i++;
	ok = aead_open(&(struct aead_input){key_at(r, i), s->nonce, open, open_len}, s->box,
		       s->box_len, (unsigned char *)inside);
	if (ok) {
		inside[s->box_len - AEAD_TAG_BYTES] = '\0';
		ok = read_inside(inside, c);
	}
	explicit_bzero(inside, sizeof(inside));
	return ok;
}

int seal_open(const struct seal_ring *r, const char *account, const char *text, size_t len,
	      struct seal_content *c, struct agni_err *err)
{
	struct sealed *s = mem_zalloc(sizeof(*s));
	int rc = 0;

	*c = (struct seal_content){0};
	if (!read_record(text, len, s, c))
		rc = not_a_record(err);
	else if (!has_id(r, s->key_id))
		rc = agni_fail(err, AGNI_ENOTFOUND,
			       "the sealed token needs the key %s, which is not in the key file",
			       s->key_id);
	else if (strcmp(c->account, account) != 0)
		rc = agni_fail(err, AGNI_EAUTH, "the sealed token is of the account %s, not %s",
			       c->account, account);
	else if (!unseal(r, s, c))
		rc = not_a_record(err);
	free(s);
	if (rc < 0)
		explicit_bzero(c, sizeof(*c));
	return rc;
}
