/* SPDX-License-Identifier: MIT
 *
 * store: Redis as one more subscriber of the book; the latest state, written behind.
 *
 *     book -- on_tick: two bits --> dirty set -- once a turn, one pipeline in flight --> Redis
 *                                                  SET quote:{KEY} json EX ttl   per instrument
 *                                                  SADD index:quotes KEY...      new names
 *                                                  PUBLISH ticks {"data":[...]}  one per pipeline
 *     documents (chains, futures, clients, status) and events (signals) go with the same pipelines
 *
 * A tick costs a bit: Redis that is absent, slow, stopped or full makes nobody wait and no memory
 * grow; a hundred ticks of one instrument become one SET. When Redis comes back every slot is
 * dirty, so the whole state is there again within a second. A key is renewed at a third of its life
 * while the feed is provably alive, and otherwise left to die: a key that exists is fresh.
 *
 *   connection.c  resolve, connect, greet (AUTH, SELECT, PING), time limits, trying again
 *   writer.c      what is dirty, when a pipeline starts, what its replies mean
 *   docs.c        documents by name: what is owed of them and of their index sets
 *   events.c      entries of streams that wait
 *   pipeline.c    the bytes of one pipeline
 */
#ifndef AGNI_STORE_STORE_H
#define AGNI_STORE_STORE_H

#include "core/config.h"
#include "core/loop.h"
#include "core/module.h"
#include "market/book.h"
#include "store/keys.h"

struct store;

struct store_config {
	char *url;
	int64_t ttl_s;
	int64_t connect_timeout_ms;
	int64_t command_timeout_ms;
	int64_t give_up_ms;
	int64_t retry_ms;
	int64_t pipeline_max_bytes;
	int64_t pipeline_max_keys;
};

/* Section [redis]. */
extern const struct config_key store_config_keys[];

/* What the types of the keys cannot say. Returns 0, or AGNI_ECONFIG with the key in `err`. */
int store_config_check(const struct store_config *cfg, struct agni_err *err) AGNI_MUST_USE;

#define STORE_EVENTS_KEPT 10000

struct store_deps {
	struct loop *loop;
	struct book *book;
	const struct store_config *cfg; /* lent, outlives the store */
	const char *prefix;             /* "agni:", "agni-sim:", ...; lent, outlives the store */
	const char *source;             /* "live", "sim", "replay"; lent, outlives the store */
	bool (*is_feed_alive)(void *arg);
	bool (*is_stale)(void *arg, inst_id id); /* such a key is left to die; or NULL: none is */
	const int64_t *events_max; /* entries that a stream keeps, about; lent; NULL: 10,000 */
	void *arg;
};

/* Never NULL. Nothing happens before the module is started. */
struct store *store_create(const struct store_deps *deps);

/* The module named "store"; lent. start fails with AGNI_ECONFIG when redis.url is not usable, never
 * because Redis is absent. stop writes what is dirty, for at most half a second. */
struct module *store_module(struct store *s);

/* After `done`, or when it was never started. NULL is fine. */
void store_destroy(struct store *s);

/* --- single values beside the quotes ----------------------------------------------------------- */

/* `code` 0: the value (of a get), or "OK" (of a put); AGNI_ENOTFOUND: there is no such key;
 * AGNI_EPROTO: Redis refused, and `text` is its reason; AGNI_ECLOSED: Redis went away. `text` is
 * lent. Called once. */
typedef void store_value_fn(void *arg, int code, const char *text, size_t len);

/* A Redis is configured: it is connected, or will be. */
bool store_is_on(const struct store *s);

/* It is configured and not to be had at the moment, for a reason that /health tells. */
bool store_is_away(const struct store *s);

/* Both: 0, and `done` will be called; or AGNI_ECLOSED (not connected now), or AGNI_ELIMIT (too many
 * at once), and it will not. `ttl_ms` 0: without an end. */
int store_get(struct store *s, enum key_kind kind, const char *identity, store_value_fn *done,
	      void *arg) AGNI_MUST_USE;
int store_put(struct store *s, enum key_kind kind, const char *identity, const char *text,
	      int64_t ttl_ms, store_value_fn *done, void *arg) AGNI_MUST_USE;

/* No `done` for `arg` from here on. */
void store_forget(struct store *s, const void *arg);

/* --- documents and events ----------------------------------------------------------------------
 * All three do nothing while Redis is off, and before the module has started. */

/* The newest text of a document: KEY_CHAIN, KEY_FUTURES, KEY_CLIENT, KEY_STATUS (`identity` NULL).
 * Written behind, coalesced, copied; lives redis.ttl_s and is renewed at a third of it: chains and
 * futures while the feed is alive, clients and the status while the server lives; at a clean stop
 * these two are deleted. Its identity is kept in the index set of the kind. All is written anew when
 * Redis comes back. Returns 0, or AGNI_ELIMIT: more than 2,048 documents, 16 MiB of them, 1 MiB of
 * text or 128 bytes of identity; the document is then dropped, for none is better than an old one. */
int store_doc_set(struct store *s, enum key_kind kind, const char *identity, const char *text,
		  size_t len);

/* Deletes the document, and its identity from the index set. Nothing when there is none. */
void store_doc_drop(struct store *s, enum key_kind kind, const char *identity);

/* One entry of a stream (KEY_SIGNALS): XADD key MAXLEN ~ N * data text. While Redis is away or
 * refuses, the newest 1,024 wait; older ones, and one longer than 16 KiB, are lost and counted. An
 * entry may come twice when the connection is lost before its answer: give it an id. */
void store_event_add(struct store *s, enum key_kind kind, const char *text, size_t len);

/* Who knows the entries of a stream that Redis has lost. `again` is called once on each connection to
 * a Redis that has no such stream: what waited of it is forgotten, and `again` adds with
 * store_event_add, in order, what the stream shall have. No event is sent before Redis has said
 * whether the stream is there. One per store; lent for its life. */
struct store_refill {
	enum key_kind kind;
	void (*again)(struct store_refill *r);
};

void store_refill(struct store *s, struct store_refill *r);

/* Nothing waits to be written, and every answer is in. */
bool store_is_settled(const struct store *s);

/* Told each time that Redis is connected. Zero-initialised; the listener outlives the store, or is
 * taken off with list_remove(&l->link). */
struct store_listener {
	void (*on_live)(struct store_listener *l);
	struct list link;
};

void store_listen(struct store *s, struct store_listener *l);

#endif
