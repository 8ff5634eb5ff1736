/* SPDX-License-Identifier: MIT
 *
 * fanout: the parts of bench_fanout. Four servers say the same to a crowd of WebSocket clients, and
 * what it costs them is compared.
 *
 *      limit     bare epoll, frames made once, one send(2) per client and turn: the floor
 *      naive     libwebsockets on libuv as its examples use it: a queue per client, one message per
 *                writable callback
 *      ws        the package of npm, on node; left out where one of them is missing
 *      agnidata  the stream module of this tree, on book, tape and loop: ticks are merged, taped and
 *                published as the feed does it, so that the whole way from tick to socket is in it
 *
 *      process of the bench (core 1)                        the server (core 0), forked anew per run
 *        lab: spawn, pin   <----------- "port N" ------------  listens
 *        crowd: connects, shakes hands, subscribes  <------->
 *                          ------------- "go" -------------->  pulse: a timer makes turns
 *        crowd: reads, counts  <====== frames ==============   server_ops.turn
 *                          <-- "done CPU WALL TICKS ..." ---   after the last turn
 *        checks that all that was sent has come, and ends the server
 *
 * A turn is `ticks` ticks, sent together. limit, naive and ws send one message of `message` bytes
 * per tick; the JSON of one tick of agnidata is as long, and a turn is one frame around all of them.
 * Turns come by a timer, the same for all; a turn whose predecessor has not left yet waits for the
 * next beat, unless the plan is paced.
 */
#ifndef AGNI_BENCH_FANOUT_H
#define AGNI_BENCH_FANOUT_H

#include <uv.h>

#include "core/base.h"
#include "core/clock.h"

enum contender { LIMIT, NAIVE, NODE_WS, AGNIDATA, CONTENDERS };

/* What one run does. */
struct plan {
	enum contender who;
	unsigned clients;
	unsigned message;     /* bytes of JSON of one tick: MESSAGE_SMALL, MESSAGE_LARGE */
	unsigned ticks;       /* a turn */
	uint64_t period_ns;   /* between two turns */
	unsigned warm, turns; /* turns before the measured ones, and those */
	bool is_paced;        /* turns never wait, a beat that was missed is made up for */
	bool has_latency;     /* sampled clients note how old the ticks are */
	unsigned instruments; /* of the market; ticks go round */
	unsigned view;        /* instruments that a client subscribes to; agnidata only */
	unsigned interval_ms; /* policy interval; 0: latest */
	unsigned stuck;       /* of the clients: subscribe and then read nothing */
	char tls_cert[128], tls_key[128], tls_ca[128]; /* files; "": plain; agnidata only */
};

/* Roughly a quote of mode ltpc, and of mode full with 5 rows of depth. */
enum { MESSAGE_SMALL = 150, MESSAGE_LARGE = 600 };

/* --- servers: what the process of a server shares with the bench ------------------------------ */

struct totals {
	uint64_t ticks;     /* written, summed over the clients */
	uint64_t conflated; /* that reached clients only as part of a newer state */
	uint64_t bytes;     /* of their frames */
};

struct server_ops {
	void (*turn)(void *arg, uint64_t stamp_ns);          /* `ticks` ticks, made at that time */
	void (*totals)(const void *arg, struct totals *out); /* since the process began */
	bool (*is_idle)(const void *arg, uint64_t turns_n);  /* all that was made has left */
};

/* The beat of a server: a timerfd for its loop, the pipes to the bench, the measured window. */
struct pulse {
	const struct plan *plan;
	const struct server_ops *ops;
	void *arg;
	int timer_fd, in_fd, out_fd;
	uint64_t begin_ns, beats, turns;
	unsigned late; /* beats waited for the last turn to leave */
	bool is_over;
	double cpu_us, wall_us; /* at the beginning of the window */
	struct totals base, first;
	uv_poll_t on_timer, on_in; /* of pulse_watch */
};

void pulse_init(struct pulse *p, const struct plan *plan, int in_fd, int out_fd);
void pulse_says_port(const struct pulse *p, int port);
void pulse_on_command(struct pulse *p); /* in_fd is readable */
void pulse_on_beat(struct pulse *p);    /* timer_fd is readable */

/* Both, for a server on libuv. */
void pulse_watch(struct pulse *p, uv_loop_t *uv);

/* Servers run until the bench ends their process. */
typedef void server_fn(const struct plan *plan, int in_fd, int out_fd);

server_fn limit_serve, naive_serve, agnidata_serve;

#define STAMP_DIGITS 20 /* enough for nanoseconds; padded with blanks */

/* A message of plan->message bytes with a place for a stamp; the caller frees. */
char *message_make(const struct plan *plan);
void message_stamp(char *message, uint64_t stamp_ns);

/* The key of an instrument: "NSE_FO|40000" and so on, `out` has KEY_ROOM bytes. */
#define KEY_ROOM 16
void key_write(char out[KEY_ROOM], unsigned instrument);

/* --- the crowd --------------------------------------------------------------------------------- */

struct crowd;

struct crowd *crowd_create(const struct plan *plan, int port);
void crowd_destroy(struct crowd *c);

enum joined { JOINED, JOIN_REFUSED, JOIN_FAILED };

/* Connects, shakes hands and subscribes, until the last one was answered. JOIN_REFUSED: the server
 * knows no such subscription. */
enum joined crowd_join(struct crowd *c);

/* Everything that came up to now does not count; those that are stuck stop reading. */
void crowd_begin(struct crowd *c);

/* Reads until `fd` is readable; false after `patience_ms`. */
bool crowd_read_until(struct crowd *c, int fd, int patience_ms);

/* Reads until `bytes` have come to all clients together; false when for two seconds nothing comes
 * before. Over TLS the bytes are more. */
bool crowd_read_all(struct crowd *c, uint64_t bytes);

struct crowd_count {
	uint64_t bytes;       /* of frames, all clients */
	uint64_t least, most; /* bytes of one client */
	uint64_t ticks;       /* that the sampled clients counted in their frames */
	uint64_t conflated;   /* that they were told of */
	unsigned sampled;     /* clients that parse what they read */
	double *latency_us;   /* ages of frames at the sampled clients; lent */
	size_t latency_n;
};

void crowd_count(const struct crowd *c, struct crowd_count *out);

/* --- the lab: one run from spawn to end -------------------------------------------------------- */

struct outcome {
	bool is_served;        /* false: the server refused, or there is none here */
	double bytes_per_tick; /* of frames, per tick and client, when all get all */
	double us_per_tick;    /* CPU of the server per delivered tick */
	double crowd_percent;  /* of the clients' core */
	double core_percent;   /* of the server's core, in the window */
	double ticks_per_s;    /* delivered */
	double conflated;      /* share of the ticks */
	double p50, p99, p999; /* of the age of a tick at a client, us */
	double join_ms;        /* from the first connect to the last answer */
	double join_cpu_ms;    /* of the server, for that */
	double kib_per_client; /* resident, idle after that */
};

/* Limits, network, cores. Says on stdout what this machine is, and what could not be had. */
void lab_setup(void);

/* With LAB_SERVE as its only argument the program is a server: the plan comes on standard input. */
#define LAB_SERVE "serve"
void lab_serve(void);

/* Most clients that file descriptors allow, up to `want`. */
unsigned lab_clients(unsigned want);

/* Whether this contender can run here; `why` is static. */
bool lab_has(enum contender who, const char **why);
const char *contender_name(enum contender who);

/* Ends the bench with a line when what came is not what was sent. plan->turns 0: only joins. */
struct outcome lab_run(const struct plan *plan);

#endif
