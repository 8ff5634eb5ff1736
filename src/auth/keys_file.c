/* SPDX-License-Identifier: MIT
 *
 * keys_file: the keys as a file; see keys.h. Read whole, judged strictly: whoever may come in is
 * decided here, so what is not understood is refused with its line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cjson/cJSON.h>

#include "auth/keys.h"
#include "core/file.h"
#include "core/ist.h"
#include "core/json.h"

#define FILE_MAX_BYTES (4 << 20)

/* --- reading a record ------------------------------------------------------------------------- */

/* Exactly 2*len lower-case hex digits. */
static bool parse_hex(const char *text, unsigned char *out, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	if (!text || strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < 2 * len; i++) {
		const char *d = strchr(digits, text[i]);

		if (!d)
			return false;
		out[i / 2] = (unsigned char)(out[i / 2] << 4 | (d - digits));
	}
	return true;
}

static int take_id(struct key *key, const cJSON *v, struct agni_err *err)
{
	unsigned char bytes[KEY_ID_LEN / 2];

	if (!parse_hex(cJSON_GetStringValue(v), bytes, sizeof(bytes)))
		return agni_fail(err, AGNI_EPARSE, "id: not %d hex digits", KEY_ID_LEN);
	memcpy(key->id, v->valuestring, sizeof(key->id));
	return 0;
}

static int take_name(struct key *key, const cJSON *v, struct agni_err *err)
{
	if (!cJSON_IsString(v) || !key_name_is_valid(v->valuestring))
		return agni_fail(err, AGNI_EPARSE, "name: letters, digits, \".\", \"_\" and \"-\"");
	snprintf(key->name, sizeof(key->name), "%s", v->valuestring);
	return 0;
}

static int take_role(struct key *key, const cJSON *v, struct agni_err *err)
{
	if (!cJSON_IsString(v) || !role_parse(v->valuestring, &key->role))
		return agni_fail(err, AGNI_EPARSE, "role: none of viewer, trader, operator, admin");
	return 0;
}

static int take_scope(struct key *key, const cJSON *v, struct agni_err *err)
{
	const cJSON *item;

	/* An empty list would read as "nothing" and mean "all". */
	if (!cJSON_IsArray(v) || cJSON_GetArraySize(v) == 0)
		return agni_fail(err, AGNI_EPARSE, "scope: not a list with members");
	cJSON_ArrayForEach (item, v) {
		int rc = cJSON_IsString(item)
				 ? scope_add(&key->scope, item->valuestring, err)
				 : agni_fail(err, AGNI_EPARSE, "scope: not a list of strings");

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_time(int64_t *out, const cJSON *v, struct agni_err *err)
{
	if (!cJSON_IsString(v) || !ist_parse(v->valuestring, strlen(v->valuestring), out) ||
	    *out <= 0)
		return agni_fail(err, AGNI_EPARSE, "%s: not a time", v->string);
	return 0;
}

static int take_limit(int64_t *out, const cJSON *record, const cJSON *v, struct agni_err *err)
{
	if (!json_int(record, v->string, out) || *out < 1 || *out > KEY_LIMIT_MAX)
		return agni_fail(err, AGNI_EPARSE, "%s: not within 1..%d", v->string,
				 KEY_LIMIT_MAX);
	return 0;
}

static int take_hex(unsigned char *out, size_t len, const cJSON *v, struct agni_err *err)
{
	if (!parse_hex(cJSON_GetStringValue(v), out, len))
		return agni_fail(err, AGNI_EPARSE, "%s: not %zu hex digits", v->string, 2 * len);
	return 0;
}

static int take_member(struct key *key, const cJSON *record, const cJSON *v, struct agni_err *err)
{
	const char *name = v->string;

	if (strcmp(name, "id") == 0)
		return take_id(key, v, err);
	if (strcmp(name, "name") == 0)
		return take_name(key, v, err);
	if (strcmp(name, "role") == 0)
		return take_role(key, v, err);
	if (strcmp(name, "scope") == 0)
		return take_scope(key, v, err);
	if (strcmp(name, "connections") == 0)
		return take_limit(&key->connections, record, v, err);
	if (strcmp(name, "requests_per_s") == 0)
		return take_limit(&key->requests_per_s, record, v, err);
	if (strcmp(name, "commands_per_s") == 0)
		return take_limit(&key->commands_per_s, record, v, err);
	if (strcmp(name, "created") == 0)
		return take_time(&key->created_ms, v, err);
	if (strcmp(name, "expires") == 0)
		return take_time(&key->expires_ms, v, err);
	if (strcmp(name, "salt") == 0)
		return take_hex(key->salt, sizeof(key->salt), v, err);
	if (strcmp(name, "hash") == 0)
		return take_hex(key->hash, sizeof(key->hash), v, err);
	return agni_fail(err, AGNI_EPARSE, "unknown member \"%.60s\"", name);
}

static int take_record(struct key *key, const cJSON *record, struct agni_err *err)
{
	static const char *const needed[] = {"id", "name", "role", "created", "salt", "hash"};
	const cJSON *v;

	if (!cJSON_IsObject(record))
		return agni_fail(err, AGNI_EPARSE, "not an object");
	cJSON_ArrayForEach (v, record) {
		int rc = take_member(key, record, v, err);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (!cJSON_GetObjectItemCaseSensitive(record, needed[i]))
			return agni_fail(err, AGNI_EPARSE, "\"%s\" is missing", needed[i]);
	}
	return 0;
}

static int take_line(struct keys *k, const char *line, size_t len, struct agni_err *err)
{
	cJSON *record = json_parse(line, len, err);
	struct key key = {0};
	int rc;

	if (!record)
		return err->code;
	rc = take_record(&key, record, err);
	if (rc == 0 && (keys_find(k, key.id) || keys_find(k, key.name)))
		rc = agni_fail(err, AGNI_EPARSE, "id or name is there before");
	if (rc == 0 && k->n == KEYS_MAX)
		rc = agni_fail(err, AGNI_ELIMIT, "more than %d keys", KEYS_MAX);
	if (rc == 0) {
		k->all = mem_realloc(k->all, (k->n + 1) * sizeof(*k->all));
		k->all[k->n++] = key;
	} else {
		scope_fini(&key.scope);
	}
	cJSON_Delete(record);
	return rc;
}

int keys_parse(struct keys *k, const char *text, size_t len, struct agni_err *err)
{
	size_t at = 0;

	for (int line = 1; at < len; line++) {
		const char *newline = memchr(text + at, '\n', len - at);
		size_t n = newline ? (size_t)(newline - text) - at : len - at;

		if (n > 0 && take_line(k, text + at, n, err) < 0)
			return agni_wrap(err, "line %d", line);
		at += n + 1;
	}
	return 0;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void put_hex(struct buf *b, const char *name, const unsigned char *bytes, size_t len)
{
	buf_printf(b, ",\"%s\":\"", name);
	for (size_t i = 0; i < len; i++)
		buf_printf(b, "%02x", bytes[i]);
	buf_byte(b, '"');
}

static void put_limit(struct buf *b, const char *name, int64_t limit)
{
	if (limit)
		buf_printf(b, ",\"%s\":%lld", name, (long long)limit);
}

static void put_record(struct buf *b, const struct key *key)
{
	char time[IST_TEXT];

	buf_printf(b, "{\"id\":\"%s\",\"name\":\"%s\",\"role\":\"%s\"", key->id, key->name,
		   role_text(key->role));
	for (size_t i = 0; i < key->scope.n; i++) {
		buf_str(b, i ? "," : ",\"scope\":[");
		buf_json_str(b, key->scope.members[i], strlen(key->scope.members[i]));
	}
	if (key->scope.n)
		buf_byte(b, ']');
	put_limit(b, "connections", key->connections);
	put_limit(b, "requests_per_s", key->requests_per_s);
	put_limit(b, "commands_per_s", key->commands_per_s);
	buf_printf(b, ",\"created\":\"%s\"", ist_format(key->created_ms, time));
	if (key->expires_ms)
		buf_printf(b, ",\"expires\":\"%s\"", ist_format(key->expires_ms, time));
	put_hex(b, "salt", key->salt, sizeof(key->salt));
	put_hex(b, "hash", key->hash, sizeof(key->hash));
	buf_str(b, "}\n");
}

void keys_print(const struct keys *k, struct buf *out)
{
	for (size_t i = 0; i < k->n; i++)
		put_record(out, &k->all[i]);
}

/* --- the file --------------------------------------------------------------------------------- */

/* What is judged is the open descriptor, not a name that may mean another file a moment later. */
static int check_owner(int fd, const char *path, struct agni_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return agni_fail_uv(err, -errno, "cannot be looked at");
	if (!S_ISREG(st.st_mode))
		return agni_fail(err, AGNI_EAUTH, "not a regular file");
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return agni_fail(err, AGNI_EAUTH,
				 "mode %04o lets others at the keys; chmod 600 is needed",
				 (unsigned)st.st_mode & 07777);
	if (!file_is_of_owner(&st, path))
		return agni_fail(err, AGNI_EAUTH, "it belongs to another user");
	return 0;
}

static int read_all(int fd, struct buf *out, struct agni_err *err)
{
	for (;;) {
		ssize_t n = read(fd, buf_reserve(out, 65536), 65536);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return agni_fail_uv(err, -errno, "cannot be read");
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > FILE_MAX_BYTES)
			return agni_fail(err, AGNI_ELIMIT, "larger than %d bytes", FILE_MAX_BYTES);
	}
}

int keys_load(struct keys *k, const char *path, struct agni_err *err)
{
	/* O_NONBLOCK: a fifo in its place must not hold the server up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
	struct buf text = {0};

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return agni_fail(err, AGNI_ENOTFOUND, "%s: there is no such file", path);
	if (fd < 0)
		return agni_fail_uv(err, -errno, "%s", path);
	rc = check_owner(fd, path, err);
	if (rc == 0)
		rc = read_all(fd, &text, err);
	if (rc == 0)
		rc = keys_parse(k, text.data, text.len, err);
	close(fd);
	buf_fini(&text);
	if (rc < 0) {
		keys_fini(k);
		return agni_wrap(err, "%s", path);
	}
	return 0;
}

int keys_save(const struct keys *k, const char *path, struct agni_err *err)
{
	struct buf text = {0};
	int rc;

	keys_print(k, &text);
	rc = file_replace(path, text.data, text.len, err);
	buf_fini(&text);
	return rc;
}

int keys_lock(const char *path, struct agni_err *err)
{
	struct buf name = {0};
	int fd, rc = 0;

	/* A file of its own: the keys' file is replaced while the lock is held. */
	buf_printf(&name, "%s.lock", path);
	fd = open(buf_cstr(&name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	/* One that root leaves behind must open for the server, too. */
	if (fd >= 0)
		(void)!file_follow_folder(fd, name.data);
	while (fd >= 0 && (rc = flock(fd, LOCK_EX)) < 0 && errno == EINTR)
		;
	if (fd < 0 || rc < 0) {
		rc = agni_fail_uv(err, -errno, "%s", name.data);
		if (fd >= 0)
			close(fd);
		fd = rc;
	}
	buf_fini(&name);
	return fd;
}

void keys_unlock(int fd)
{
	close(fd);
}
