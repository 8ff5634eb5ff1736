/* SPDX-License-Identifier: MIT
 *
 * audit: who did what that matters for security, one JSON line per act, each chained to the one
 * before by SHA-256 (docs/audit.md has the format and how to check it by hand).
 *
 *   audit_write() --> line --> audit.log          --> synced off the loop, audit.sync_ms later
 *        |               \--> audit.log.head          where the chain ends, for who cuts its tail
 *        | the disk refuses
 *        +-- act of a person --> an error: the caller answers 503 and does not act
 *        +-- act of our own  --> a bounded queue --> written when the disk is back
 *
 * A record is with the kernel before audit_write() returns, so a crash of the process loses none; a
 * power cut loses at most audit.sync_ms (0: not even that, each record is synced before the answer).
 * Several processes may write to one file, a line at a time, under a lock.
 *
 * While the disk refuses, /health is DEGRADED with the reason. What a crash left half-written is cut
 * off at the next start, and that is recorded too.
 */
#ifndef AGNI_AUTH_AUDIT_H
#define AGNI_AUTH_AUDIT_H

#include "core/config.h"
#include "core/err.h"
#include "core/loop.h"
#include "core/module.h"

struct audit;
struct audit_io;

struct audit_config {
	char *file; /* "" = audit.log in the data folder */
	int64_t rotate_bytes;
	int64_t sync_ms;
	int64_t queue_max;
	int64_t retry_ms;
};

extern const struct config_key audit_config_keys[];

struct audit_deps {
	struct loop *loop;
	const struct audit_config *cfg;
	const char *data_dir;
	const struct audit_io *io; /* NULL: the system's; tests bring one that fails */
};

struct audit *audit_create(const struct audit_deps *deps);
void audit_destroy(struct audit *a);
struct module *audit_module(struct audit *a);

struct audit_act {
	const char *act;    /* "token.updated", "key.denied", "config.reloaded" */
	const char *who;    /* "key:desk1", "loopback", "server" */
	const char *peer;   /* address or "" */
	const char *detail; /* one line, never a secret; or "" */
	bool is_of_person;
};

/* Records an act. 0, or a negative code with the reason in `err` (may be NULL): an act of a person
 * that cannot be recorded; the caller answers 503 and does not act. Acts of our own never fail: they
 * queue, bounded, and degrade health. Whatever the texts hold, one record stays one line; texts that
 * are too long are cut. Everything is copied. `a` NULL: nothing is recorded, 0. */
int audit_write(struct audit *a, const struct audit_act *act, struct agni_err *err) AGNI_MUST_USE;

/* The file's path, as the configuration says. */
#define AUDIT_PATH_MAX 1024
void audit_path(const struct audit_config *cfg, const char *data_dir, char out[AUDIT_PATH_MAX]);

/* For a command that is not the server: opens `path`, records one act, syncs. 0 or an error. */
int audit_record(const char *path, const struct audit_act *act, struct agni_err *err) AGNI_MUST_USE;

#endif
