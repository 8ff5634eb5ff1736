/* SPDX-License-Identifier: MIT
 *
 * sim_internal: the parts of the simulated exchange, and who calls whom.
 *
 *      exchange_http --> tickets <-- exchange_feed --> session --> faults
 *                                                         ^
 *      tape_source, model --> player --> publish ---------+
 */
#ifndef AGNI_SIM_SIM_INTERNAL_H
#define AGNI_SIM_SIM_INTERNAL_H

#include "core/bitset.h"
#include "core/rand.h"
#include "http/server.h"
#include "market/book.h"
#include "sim/limits.h"
#include "sim/message.h"
#include "sim/model.h"
#include "sim/sim.h"
#include "sim/tape_source.h"
#include "upstox/encode.h"
#include "ws/ws.h"

#define TICKETS_MAX     512 /* older ones are forgotten */
#define TICKET_LIFE_NS  (60 * NS_PER_S)
#define SIM_INSTRUMENTS 200000 /* the broker lists about 125,000 */

/* A one-use URI that was given out. */
struct ticket {
	char code[UUID_TEXT]; /* "" once used */
	mono_ns expires;
};

/* The source and its pace.
 *
 *               first subscription           end of the tape
 *   TAPE: IDLE -------------------> PLAYING -----------------> ENDED
 *   MODEL: PLAYING ---- session close ----> CLOSED -- 5 s ---> PLAYING (next day)   */
enum player_state { PLAYER_IDLE, PLAYER_PLAYING, PLAYER_CLOSED, PLAYER_ENDED };

struct player {
	enum player_state state;
	struct model *model; /* one of these two */
	uint64_t played;     /* messages of the tape */
	struct tape_source *tape;
	struct message msg;
	inst_id *ids;      /* of the model's rows, in the sim's book */
	double speed;      /* 0: as fast as the sessions take it */
	mono_ns base_mono; /* real time at which market time was base_ms */
	int64_t base_ms;
	int64_t market_ms; /* newest market time that was played */
	uint64_t burst;    /* messages that are due at once */
	uv_timer_t timer;
	struct turn_hook pump;
};

enum fault_kind {
	FAULT_DROP,
	FAULT_CLOSE,
	FAULT_STALL,
	FAULT_SILENCE,
	FAULT_TORN,
	FAULT_CORRUPT,
	FAULT_BURST,
	FAULT_REPEAT,
	FAULT_REORDER,
	FAULT_TEXT,
	FAULT_UNAUTHORIZED,
	FAULT_AUTHORIZED,
	FAULT_RENEW,
	FAULT_FORBIDDEN,
	FAULT_ALLOWED,
	FAULT_SOURCE_DOWN,
	FAULT_SOURCE_UP,
};

struct fault {
	enum fault_kind kind;
	uint32_t n;
};

/* What is wrong with one session. */
struct session_faults {
	mono_ns stall_until; /* 0: not stalled */
	mono_ns drop_at;     /* 0: not to be dropped */
	bool is_silent;
	bool is_torn; /* the next frame is cut */
	bool is_cut;  /* it was: the connection ends when it has left */
	uint32_t corrupt, repeat, reorder;
	struct buf held; /* a message that waits to be overtaken */
	bool has_held;
};

/* One feed connection. */
struct session {
	struct sim *sim;
	struct ws_conn *conn; /* NULL once closing */
	struct list link;     /* in sim->sessions */
	uint8_t *modes;       /* by id: enum request_mode + 1; 0 = not subscribed */
	uint32_t modes_cap;
	uint32_t have[SIM_MODES]; /* keys per mode */
	struct buf out;           /* frames for the next flush */
	bool is_full;             /* the socket took nothing; on_writable will come */
	bool owes_info;           /* a market_info was missed */
	struct bitset behind;     /* keys whose latest state is owed */
	struct session_faults faults;
};

struct sim {
	struct module mod;
	struct loop *loop;
	struct ws *ws;
	const struct sim_config *cfg;
	char host[64];
	int http_port;
	struct http_route *routes; /* lent to `http`, freed when it is gone */
	struct http_server *http;
	struct ws_server *feed;
	char token[128];
	bool is_unauthorized, is_forbidden, is_source_down, is_stopping;
	char login_code[UUID_TEXT];  /* of the dialog's redirect; "" once used */
	uint64_t source_asked_total; /* times the token API was asked */
	struct sim_limits limits;
	struct ticket tickets[TICKETS_MAX];
	unsigned ticket_next;
	struct book book; /* state of the exchange; snapshots come from here */
	struct feed_encoder *encoder;
	struct buf encoded;
	struct quote projected;
	struct list sessions;
	struct player player;
	struct rng fault_rng;
	uv_timer_t deadline; /* of the next stall or drop; while stopping: of the laggards */
	int open_parts;      /* while stopping: what has not closed yet */
	bool has_closed_timers;
	/* Counters. */
	uint64_t sessions_n, sessions_total, refused_total, messages_total, bytes_total,
		requests_total, conflated_total, waits_total;
};

static inline mono_ns sim_now(const struct sim *s)
{
	return clock_mono(s->loop->clock);
}

/* --- sim.c ----------------------------------------------------------------------------------- */

/* While stopping: one part (timer, session, server) has closed. */
void sim_part_closed(struct sim *s);

/* --- tickets.c ------------------------------------------------------------------------------- */

/* Writes a fresh one-use feed URI. */
void ticket_uri(struct sim *s, char *out, size_t size);

/* Whether the code of the raw query `query` is one that may connect; it is used up by asking. */
bool ticket_take(struct sim *s, const char *query);

/* --- exchange_login.c ------------------------------------------------------------------------ */

/* The internal token API, the login dialog and its code exchange. */
http_handler login_token, login_dialog, login_exchange;

/* --- exchange_http.c ------------------------------------------------------------------------- */

/* The broker's error body. */
void exchange_error(struct http_request *r, int status, const char *code, const char *text);

/* The routes; the last one has method NULL. The table is freed with free(). */
struct http_route *exchange_routes(struct sim *s);

/* --- exchange_feed.c ------------------------------------------------------------------------- */

extern const struct ws_callbacks exchange_feed_callbacks;

/* --- session.c ------------------------------------------------------------------------------- */

struct session *session_create(struct sim *s, struct ws_conn *c);

/* Takes it off the list; its memory goes when the turn ends. */
void session_destroy(struct session *s);

/* Carries out one request of the client (JSON). What is wrong is ignored, as the broker does. */
void session_request(struct session *s, const char *json, size_t len);

bool session_has_keys(const struct session *s);

/* Sends the state of these keys as initial_feed, in the modes the session has them in. */
void session_snapshot(struct session *s, const inst_id *ids, uint32_t n);

/* Queues one protobuf message for the next flush, with what the faults make of it. */
void session_send(struct session *s, const void *bytes, size_t len);
void session_send_info(struct session *s);

/* Gives what is queued to the socket; when the socket is free, what is owed first. */
void session_flush(struct session *s);

/* Cannot take messages now: they become "owed". */
bool session_is_behind(const struct session *s);

/* --- publish.c ------------------------------------------------------------------------------- */

/* One message of the source: into the book, and to every session that has a part in it. */
void publish_message(struct sim *s, const struct message *m);

/* market_info as it is now, to all. */
void publish_info(struct sim *s);

/* Builds market_info into `out`. */
void publish_build_info(struct sim *s, struct buf *out);

/* --- player.c -------------------------------------------------------------------------------- */

/* Opens the source. On error nothing is left behind. */
int player_open(struct sim *s, struct agni_err *err);
void player_start(struct sim *s);

/* A session subscribed, became writable, or was given a fault: go on. */
void player_kick(struct sim *s);
void player_subscribed(struct sim *s);
void player_close(struct sim *s);

/* Market time of what was played last; before the first message, of what comes first. */
int64_t player_market_ms(const struct sim *s);

/* For market_info: the source's segments (returns how many), their status and currentTs. */
uint32_t player_segments(const struct sim *s, const char *out[TAPE_SEGMENTS_MAX],
			 enum market_status *status, int64_t *ts_ms);

/* One human line. */
void player_describe(const struct sim *s, char *out, size_t size);

/* The source's instruments as the broker's master. */
void player_listing(const struct sim *s, struct buf *out);

/* "max" is 0; else a number > 0. */
bool player_parse_speed(const char *text, double *out);

/* --- faults.c -------------------------------------------------------------------------------- */

/* "kind" or "kind:N". */
bool fault_parse(const char *text, size_t len, struct fault *out);

/* 0, or AGNI_ECONFIG naming the first bad member of the comma list. */
int faults_check(const char *list, struct agni_err *err);

/* Applies the comma list to a session that opens. */
void faults_begin(struct session *s, const char *list);

/* To every session, and to the exchange itself. */
void fault_apply_all(struct sim *s, const struct fault *f);

/* Deadlines of stalls and drops have come, perhaps. */
void faults_tick(struct sim *s);

/* Appends to s->out what becomes of one message on this session. */
void faults_pass(struct session *s, const void *bytes, size_t len);

#endif
