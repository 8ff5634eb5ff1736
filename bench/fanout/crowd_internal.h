/* SPDX-License-Identifier: MIT
 *
 * crowd_internal: what the two files of the crowd share.
 */
#ifndef AGNI_BENCH_CROWD_INTERNAL_H
#define AGNI_BENCH_CROWD_INTERNAL_H

#include "fanout/fanout.h"
#include "ws/ws.h"

#define LATENCY_MAX (1u << 20)

struct tls_config;

/* In the order in which they come. */
enum reader_state { READER_HELLO, READER_ASKED, READER_READY, READER_GONE };

struct reader {
	int fd;
	enum reader_state state;
	bool is_sampled;
	uint64_t bytes;  /* since crowd_begin */
	unsigned frames; /* of sampled ones, with latency */
	struct buf in;   /* while joining, and of sampled ones: what is not a whole frame yet */
};

struct crowd {
	const struct plan *plan;
	int port, epoll_fd;
	struct reader *readers;
	struct tls_config *tls; /* NULL until needed */
	unsigned refused, sampled;
	uint64_t bytes;            /* of all, since crowd_begin */
	uint64_t ticks, conflated; /* of the sampled ones */
	double read_us;            /* when the bytes at hand were read */
	double *latency_us;
	size_t latency_n;
};

/* The upgrade request, and a client's subscription as a frame that the caller frees. */
const char *crowd_request(void);
struct buf crowd_subscribe_frame(const struct crowd *c, unsigned client);

/* crowd_frames.c: takes the whole frames out of r->in. */
void crowd_parse(struct crowd *c, struct reader *r);

/* crowd_tls.c: handshake, upgrade and subscription of one client, waiting; what comes later is only
 * counted, encrypted. */
bool crowd_greet_tls(struct crowd *c, struct reader *r);
void crowd_tls_fini(struct crowd *c);

#endif
