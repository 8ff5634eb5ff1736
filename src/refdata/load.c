/* SPDX-License-Identifier: MIT
 *
 * load: one instrument master from bytes to a finished table, on a worker thread.
 *
 * A file is read in pieces; packed or not it passes through one piece, the unpacker's window and
 * one row. A row that makes no sense is left out. A file that is mostly such rows is refused: the
 * broker changed its format, or it is no master, and the old table is worth more. The table that a new
 * one replaces is freed on a worker, too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "refdata/refdata_internal.h"
#include "upstox/master_row.h"

#define PIECE 65536

struct pass {
	struct load *load;
	struct master_builder builder;
	struct master_row_text row;
};

static int take_row(void *arg, const char *text, size_t len, struct agni_err *err)
{
	struct pass *p = arg;

	if (atomic_load_explicit(&p->load->is_unwanted, memory_order_relaxed))
		return agni_fail(err, AGNI_ECANCELED, "the server is stopping");
	if (!master_row_parse(text, len, &p->row))
		return AGNI_EPARSE;
	return master_builder_add(&p->builder, &p->row.entry, err);
}

static int read_file(struct rows_reader *rows, const char *path, struct agni_err *err)
{
	FILE *f = fopen(path, "rb");
	char *piece;
	size_t n, total = 0;
	int rc = 0;

	if (!f)
		return agni_fail_uv(err, -errno, "%s", path);
	piece = mem_alloc(PIECE);
	while (rc == 0 && (n = fread(piece, 1, PIECE, f)) > 0) {
		total += n;
		rc = total > MASTER_MAX_BYTES ? agni_fail(err, AGNI_ELIMIT, "%s: more than %u MiB",
							  path, MASTER_MAX_BYTES >> 20)
					      : rows_reader_feed(rows, piece, n, err);
	}
	if (rc == 0 && ferror(f))
		rc = agni_fail_uv(err, errno ? -errno : UV_EIO, "%s", path);
	free(piece);
	fclose(f);
	return rc;
}

static int judge(const struct master_builder *b, const struct rows_stats *s, struct agni_err *err)
{
	if (b->m->n == 0)
		return agni_fail(err, AGNI_EPARSE, "the master lists no instrument");
	if (s->bad_rows > s->rows / 2)
		return agni_fail(err, AGNI_EPARSE, "%llu of %llu rows make no sense",
				 (unsigned long long)s->bad_rows, (unsigned long long)s->rows);
	return 0;
}

/* Worker thread. */
static void on_work(uv_work_t *work)
{
	struct load *l = container_of(work, struct load, work);
	struct pass *p = mem_alloc(sizeof(*p));
	struct rows_reader *rows = rows_reader_create(take_row, p);
	struct rows_stats stats = {0};
	uint64_t from = uv_hrtime();

	p->load = l;
	master_builder_init(&p->builder);
	l->rc = l->path ? read_file(rows, l->path, &l->err)
			: rows_reader_feed(rows, l->body.data, l->body.len, &l->err);
	if (l->rc == 0)
		l->rc = rows_reader_end(rows, &stats, &l->err);
	if (l->rc == 0)
		l->rc = judge(&p->builder, &stats, &l->err);
	rows_reader_destroy(rows);
	if (l->rc == 0) {
		l->master = master_builder_take(&p->builder);
		l->master->stats.rows = stats.rows;
		l->master->stats.bad_rows = stats.bad_rows;
	}
	master_builder_fini(&p->builder);
	free(p);
	buf_fini(&l->body); /* here: tens of megabytes, perhaps */
	l->took_ms = (uv_hrtime() - from) / NS_PER_MS;
}

void load_free(struct load *l)
{
	master_release(l->master);
	free(l->path);
	buf_fini(&l->body);
	free(l);
}

void load_abandon(struct load *l)
{
	if (l)
		atomic_store_explicit(&l->is_unwanted, true, memory_order_relaxed);
}

static void on_worked(uv_work_t *work, int status)
{
	struct load *l = container_of(work, struct load, work);
	struct refdata *r = l->refdata;

	r->load = NULL;
	refdata_on_loaded(r, l, status < 0 ? uv_strerror(status) : l->rc < 0 ? l->err.text : NULL);
	load_free(l);
	refdata_stop_if_idle(r);
}

void load_start(struct refdata *r, const char *path, struct buf *body)
{
	struct load *l = mem_zalloc(sizeof(*l));

	l->refdata = r;
	if (path) {
		l->path = mem_strdup(path);
	} else {
		l->body = *body;
		*body = (struct buf){0};
	}
	r->loads++;
	r->load = l;
	uv_queue_work(&r->deps.loop->uv, &l->work, on_work, on_worked);
}

/* --- letting go -------------------------------------------------------------------------------- */

struct retirement {
	uv_work_t work;
	struct refdata *refdata;
	struct master *master; /* with the last reference */
};

/* Worker thread. */
static void on_retire(uv_work_t *work)
{
	master_release(container_of(work, struct retirement, work)->master);
}

static void on_retired(uv_work_t *work, int status)
{
	struct retirement *t = container_of(work, struct retirement, work);
	struct refdata *r = t->refdata;

	if (status < 0) /* cancelled, and not run */
		master_release(t->master);
	free(t);
	r->retiring--;
	refdata_stop_if_idle(r);
}

void master_retire(struct refdata *r, struct master *m)
{
	struct retirement *t;

	if (!m || m->refs > 1) {
		master_release(m);
		return;
	}
	t = mem_zalloc(sizeof(*t));
	*t = (struct retirement){.refdata = r, .master = m};
	r->retiring++;
	uv_queue_work(&r->deps.loop->uv, &t->work, on_retire, on_retired);
}
