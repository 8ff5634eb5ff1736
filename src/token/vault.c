/* SPDX-License-Identifier: MIT
 *
 * vault: see vault.h. Plain tokens are here only inside vault_save() and while a record is opened;
 * what waits to be written is sealed already.
 */
#include "token/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/file.h"
#include "core/log.h"

#define PATH_TEXT_MAX 512
#define CREDENTIAL    "agnidata-seal-key"
#define KEY_VARIABLE  "AGNIDATA_SEAL_KEY"
#define DEFAULT_KEYS  "seal.key"
#define FLOOR_MAX     (1ull << 53)       /* what JSON can say; more is rubbish */
#define NO_END_TTL_MS (366ll * 86400000) /* a token without a known end is not kept for ever */

struct vault {
	struct vault_deps deps;
	struct seal_ring ring;
	struct store_listener on_redis;
	struct buf record;   /* sealed, the newest that was saved; empty: none */
	uint64_t generation; /* of `record`, or of what was found */
	int64_t expires_ms;  /* of `record` */
	bool is_due;         /* `record` has not been written yet */
	struct buf own;      /* `record` before the last vault_reload() */
	uint64_t floor;      /* generations go on from here */
	bool has_asked;      /* Redis has answered on this connection */
	bool is_to_ask;      /* for the record in Redis, when nothing else is under way */
	bool is_foreign;     /* there is a record that our keys do not open */
	bool is_asking;      /* before the first answer of Redis */
	const char *place;
	char trouble[160];
	bool is_waiting;   /* for an answer of Redis */
	bool is_writing;   /* a file, in the thread pool */
	bool has_variable; /* the keys came from the environment, and are gone from there */
	bool is_closed;
	void (*done)(void *arg);
	void *done_arg;
};

struct file_write {
	uv_work_t work;
	struct vault *vault;
	char path[PATH_TEXT_MAX], floor_path[PATH_TEXT_MAX];
	struct buf text;     /* empty: the file goes ... */
	uint64_t generation; /* ... and this number stays */
	struct agni_err err;
};

static void save_next(struct vault *v);

static void file_path(const struct vault *v, const char *kind, char out[PATH_TEXT_MAX])
{
	snprintf(out, PATH_TEXT_MAX, "%s/token-%s.%s", v->deps.dir, v->deps.account, kind);
}

static void set_trouble(struct vault *v, const char *text)
{
	if (text[0] && strcmp(text, v->trouble) != 0)
		log_error("token", "%s", text);
	snprintf(v->trouble, sizeof(v->trouble), "%s", text);
}

/* ---- files -------------------------------------------------------------------------------- */

static int read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf_reserve(out, SEAL_RECORD_MAX + 1), SEAL_RECORD_MAX + 1);
	if (n > 0)
		out->len = (size_t)n;
	close(fd);
	return n < 0 ? -errno : 0;
}

/* ---- keys --------------------------------------------------------------------------------- */

static int make_keys(struct seal_ring *r, const char *path, struct agni_err *err)
{
	struct buf text = {0};
	int rc;

	seal_key_make(&text);
	buf_byte(&text, '\n');
	rc = file_replace(path, text.data, text.len, err);
	if (rc == 0)
		rc = seal_ring_parse(r, buf_cstr(&text), err);
	secret_wipe_buf(&text);
	if (rc == 0)
		log_info("token", "a new key that seals tokens was made: %s", path);
	return rc;
}

static void look_again(struct vault *v);

static int read_keys(struct vault *v, struct seal_ring *r, struct agni_err *err)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_TEXT_MAX];
	char *variable = getenv(KEY_VARIABLE);
	int rc;

	if (v->deps.key_file[0])
		return seal_ring_read(r, v->deps.key_file, err) < 0
			       ? agni_wrap(err, "token.seal_key_file")
			       : 0;
	if (credentials) {
		snprintf(path, sizeof(path), "%s/%s", credentials, CREDENTIAL);
		if (access(path, F_OK) == 0)
			return seal_ring_read(r, path, err);
	}
	if (variable && variable[0]) {
		rc = seal_ring_parse(r, variable, err);
		explicit_bzero(variable, strlen(variable));
		unsetenv(KEY_VARIABLE);
		v->has_variable = rc == 0;
		return rc < 0 ? agni_wrap(err, KEY_VARIABLE) : 0;
	}
	snprintf(path, sizeof(path), "%s/%s", v->deps.dir, DEFAULT_KEYS);
	if (access(path, F_OK) == 0)
		return seal_ring_read(r, path, err);
	return make_keys(r, path, err);
}

int vault_reload(struct vault *v, struct agni_err *err)
{
	struct seal_ring ring;
	int rc;

	if (v->has_variable)
		return 0;
	rc = read_keys(v, &ring, err);
	if (rc < 0)
		return rc;
	seal_ring_fini(&v->ring);
	v->ring = ring;
	look_again(v);
	return 0;
}

/* ---- reading ------------------------------------------------------------------------------ */

/* Opens a record that was found. True when `c` holds a token that is newer than what is known. */
static bool take_record(struct vault *v, const char *where, const char *text, size_t len,
			struct seal_content *c)
{
	struct agni_err err;
	char line[sizeof(v->trouble)];
	int rc = seal_open(&v->ring, v->deps.account, text, len, c, &err);

	if (rc == 0) {
		if (c->generation > v->generation || (!v->record.len && v->generation == 0)) {
			v->generation = c->generation;
			v->place = where;
			return true;
		}
		explicit_bzero(c, sizeof(*c));
		return false;
	}
	if (v->own.len == len && memcmp(v->own.data, text, len) == 0)
		return false; /* of ours, under a key that was taken out of the ring since */
	if (rc == AGNI_EPARSE) {
		log_error("token", "in %s: %s; it is left out", where, err.text);
		return false;
	}
	v->is_foreign = true;
	snprintf(line, sizeof(line), "in %s: %.100s; nothing is written over it", where, err.text);
	set_trouble(v, line);
	return false;
}

static void read_kept_file(struct vault *v, struct seal_content *c)
{
	struct buf text = {0};
	char path[PATH_TEXT_MAX];
	int rc;

	file_path(v, "sealed", path);
	rc = read_file(path, &text);
	if (rc == 0)
		take_record(v, "the file", text.data, text.len, c);
	else if (rc != -ENOENT)
		log_error("token", "cannot read %s: %s", path, uv_strerror(rc));
	buf_fini(&text);
}

static void read_floor(struct vault *v)
{
	struct buf text = {0};
	char path[PATH_TEXT_MAX];

	file_path(v, "generation", path);
	if (read_file(path, &text) == 0)
		v->floor = strtoull(buf_cstr(&text), NULL, 10) % FLOOR_MAX;
	buf_fini(&text);
}

uint64_t vault_floor(const struct vault *v)
{
	return v->floor;
}

int vault_open(struct vault *v, struct seal_content *c, struct agni_err *err)
{
	int rc = read_keys(v, &v->ring, err);

	*c = (struct seal_content){0};
	if (rc < 0)
		return rc == AGNI_EPARSE ? AGNI_ECONFIG : rc;
	read_kept_file(v, c);
	read_floor(v);
	v->is_asking = v->deps.store && store_is_on(v->deps.store);
	return 0;
}

static void on_got(void *arg, int code, const char *text, size_t len)
{
	struct vault *v = arg;
	struct seal_content c = {0};
	bool is_newer = false;

	v->is_waiting = false;
	if (code == 0 || code == AGNI_ENOTFOUND) {
		v->has_asked = true;
		v->is_asking = false;
		if (code == 0)
			is_newer = take_record(v, "Redis", text, len, &c);
		if (v->record.len && !is_newer)
			v->is_due = true; /* what Redis does not have yet, or has older */
		v->deps.on_found(v->deps.arg, is_newer ? &c : NULL);
		explicit_bzero(&c, sizeof(c));
	} else if (code == AGNI_EPROTO) {
		v->is_asking = false;
		log_warn("token", "Redis does not give the sealed token: %.*s", (int)len, text);
		v->deps.on_found(v->deps.arg, NULL);
	}
	save_next(v);
}

static void ask(struct vault *v)
{
	v->has_asked = v->is_to_ask = false;
	if (!v->is_closed && store_get(v->deps.store, KEY_TOKEN, v->deps.account, on_got, v) == 0)
		v->is_waiting = true;
}

static void on_redis_live(struct store_listener *l)
{
	struct vault *v = container_of(l, struct vault, on_redis);

	ask(v);
}

/* Perhaps the key that was missing is there now, or the record that it was for is gone. */
static void look_again(struct vault *v)
{
	struct seal_content c = {0};

	buf_reset(&v->own);
	buf_append(&v->own, v->record.data, v->record.len);
	v->is_foreign = false;
	v->is_to_ask = v->has_asked;
	set_trouble(v, "");
	read_kept_file(v, &c);
	if (c.token[0])
		v->deps.on_found(v->deps.arg, &c);
	explicit_bzero(&c, sizeof(c));
	save_next(v);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void write_work(uv_work_t *work)
{
	struct file_write *w = work->data;
	char number[24];

	if (w->text.len) {
		if (file_replace(w->path, w->text.data, w->text.len, &w->err) < 0)
			AGNI_ASSERT(w->err.code);
		return;
	}
	snprintf(number, sizeof(number), "%llu\n", (unsigned long long)w->generation);
	if (file_replace(w->floor_path, number, strlen(number), &w->err) < 0)
		return;
	if (unlink(w->path) < 0 && errno != ENOENT)
		agni_fail_uv(&w->err, -errno, "%s", w->path);
}

static void file_begin(struct vault *v, const struct buf *text);

/* What is not kept yet is written, then nobody is left to wait for. */
static void finish_closing(struct vault *v)
{
	if (v->is_due && !v->is_foreign) {
		v->is_due = false;
		file_begin(v, &v->record);
	} else {
		v->done(v->done_arg);
	}
}

static void write_done(uv_work_t *work, int status)
{
	struct file_write *w = work->data;
	struct vault *v = w->vault;
	char line[sizeof(v->trouble)];

	(void)status;
	if (w->err.code) {
		snprintf(line, sizeof(line), "the sealed token could not be kept: %.100s",
			 w->err.text);
		set_trouble(v, line);
	} else if (w->text.len) {
		v->place = "the file";
		if (!v->is_foreign)
			set_trouble(v, "");
	}
	buf_fini(&w->text);
	free(w);
	v->is_writing = false;
	if (v->is_closed)
		finish_closing(v);
	else
		save_next(v);
}

static void file_begin(struct vault *v, const struct buf *text)
{
	struct file_write *w = mem_zalloc(sizeof(*w));

	w->vault = v;
	w->work.data = w;
	w->generation = v->generation;
	file_path(v, "sealed", w->path);
	file_path(v, "generation", w->floor_path);
	if (text)
		buf_append(&w->text, text->data, text->len);
	v->is_writing = true;
	uv_queue_work(&v->deps.loop->uv, &w->work, write_work, write_done);
}

static void on_put(void *arg, int code, const char *text, size_t len)
{
	struct vault *v = arg;

	v->is_waiting = false;
	if (code == 0) {
		v->place = "Redis";
		file_begin(v, NULL); /* one keeper, not two */
	} else if (code == AGNI_EPROTO) {
		log_warn("token", "Redis does not take the sealed token: %.*s", (int)len, text);
		file_begin(v, &v->record);
	} else {
		v->has_asked = false;
		v->is_due = true;
		save_next(v);
	}
}

static bool redis_is_there(const struct vault *v)
{
	return v->deps.store && v->has_asked;
}

static int64_t life_ms(const struct vault *v)
{
	int64_t now = clock_wall_ms(v->deps.loop->clock);

	if (!v->expires_ms)
		return NO_END_TTL_MS;
	return v->expires_ms > now ? v->expires_ms - now : 1;
}

static void save_next(struct vault *v)
{
	if (v->is_waiting || v->is_writing || v->is_closed)
		return;
	if (v->is_to_ask)
		ask(v);
	if (v->is_waiting || !v->is_due || v->is_foreign)
		return;
	v->is_due = false;
	v->is_waiting =
		redis_is_there(v) && store_put(v->deps.store, KEY_TOKEN, v->deps.account,
					       buf_cstr(&v->record), life_ms(v), on_put, v) == 0;
	if (!v->is_waiting)
		file_begin(v, &v->record);
}

void vault_save(struct vault *v, const struct seal_content *c)
{
	buf_reset(&v->record);
	seal_close(&v->ring, c, &v->record);
	v->generation = c->generation;
	v->expires_ms = c->expires_ms;
	v->is_due = true;
	save_next(v);
}

/* ---- coming and going --------------------------------------------------------------------- */

struct vault *vault_create(const struct vault_deps *deps)
{
	struct vault *v = mem_zalloc(sizeof(*v));

	v->deps = *deps;
	v->place = "nowhere";
	list_init(&v->on_redis.link);
	if (deps->store) {
		v->on_redis.on_live = on_redis_live;
		store_listen(deps->store, &v->on_redis);
	}
	return v;
}

const char *vault_trouble(const struct vault *v)
{
	return v->trouble[0] ? v->trouble : NULL;
}

bool vault_is_asking(const struct vault *v)
{
	return v->is_asking && !store_is_away(v->deps.store);
}

const char *vault_place(const struct vault *v)
{
	return v->place;
}

void vault_close(struct vault *v, void (*done)(void *arg), void *arg)
{
	v->is_closed = true;
	v->done = done;
	v->done_arg = arg;
	if (v->deps.store)
		store_forget(v->deps.store, v);
	/* What Redis has not confirmed goes to the file: better kept twice than not at all. */
	v->is_due = v->is_due || (v->is_waiting && v->record.len);
	v->is_waiting = false;
	if (!v->is_writing)
		finish_closing(v);
}

void vault_destroy(struct vault *v)
{
	if (!v)
		return;
	list_remove(&v->on_redis.link);
	seal_ring_fini(&v->ring);
	buf_fini(&v->record);
	buf_fini(&v->own);
	free(v);
}
