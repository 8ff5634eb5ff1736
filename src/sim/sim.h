/* SPDX-License-Identifier: MIT
 *
 * sim: a simulated exchange. A server of its own on real sockets that speaks the broker's wire, so
 * that the rest of the program has one code path: HTTP for authorize, profile, token and instrument
 * file, a WebSocket feed, and either a recorded tape or a synthetic market behind it.
 *
 *      client                           sim
 *        |  GET /accounts/{id}/token     |  the internal token API
 *        |  GET .../authorize  (Bearer)  |  a one-use URI that lives 60 s
 *        |  GET /market-quote/instruments/exchange/NSE.json.gz
 *        |  ws  URI -------------------> |  market_info at once
 *        |  sub {mode, keys} ----------> |  initial_feed of these keys, then live_feed
 *
 * A tape starts to play at the first subscription. Its messages leave byte for byte when a session
 * has all their keys in full mode, else re-encoded. At a finite speed a session whose socket is
 * full loses intermediate states and gets the latest one (as initial_feed) when it reads again; at
 * speed=max the source waits for the slowest session instead, so that no message is lost, and it
 * waits while nobody is subscribed.
 *
 * Faults. `sim.fault` is a comma list that is applied to each feed session as it opens;
 * POST /sim/fault?kind=KIND&n=N (or ms=, count=, code=, whichever reads best) applies one now, to
 * all sessions. N is optional:
 *
 *      drop:MS       the TCP connection ends without a close frame, after MS (0)
 *      close:CODE    a close frame with CODE (1000)
 *      stall:MS      nothing is sent for MS (1000); what was missed comes as the latest state
 *      silence       nothing is sent any more on this connection; pings go on
 *      torn          the next frame is cut in the middle and the connection ends
 *      corrupt:N     in each of the next N (1) messages some bytes are flipped
 *      burst:N       the next N (100) messages are not paced
 *      repeat:N      each of the next N (1) messages is sent twice
 *      reorder:N     the next N (1) pairs of messages are sent the wrong way round
 *      text          a text frame, which the broker never sends
 *      unauthorized  the token is revoked: 401 from now on       authorized  and back
 *      renew         another token from now on; the token API gives it, the old one gets 401
 *      forbidden     403 to every feed handshake                 allowed     and back
 *      source_down   the token API answers 503                   source_up   and back
 *
 * The login: GET /v2/login/authorization/dialog sends a browser on to redirect_uri with a one-use
 * code, as if a person had logged in; POST /v2/login/authorization/token gives the token for it.
 */
#ifndef AGNI_SIM_SIM_H
#define AGNI_SIM_SIM_H

#include "core/config.h"
#include "core/loop.h"
#include "core/module.h"

struct ws;
struct sim;

enum sim_source { SIM_MODEL, SIM_TAPE };

/* Section [sim]. */
struct sim_config {
	char *listen;
	int source; /* enum sim_source */
	char *tape;
	char *speed;
	int64_t seed;
	char *token;
	char *start;
	int64_t start_delay_ms;
	int64_t redirect_status;
	int64_t ping_s;
	int64_t snapshot_split;
	char *fault;
	int64_t connections_max;
	int64_t ltpc_max, ltpc_mixed_max;
	int64_t option_greeks_max, option_greeks_mixed_max;
	int64_t full_max, full_mixed_max;
	int64_t full_d30_max, full_d30_mixed_max;
	bool plus;
};

extern const struct config_key sim_config_keys[];

/* What the types of the keys cannot say. Returns 0, or AGNI_ECONFIG with the key in `err`. */
int sim_config_check(const struct sim_config *cfg, struct agni_err *err) AGNI_MUST_USE;

/* Lent for the life of the sim; `ws` must be destroyed before the sim is. */
struct sim_deps {
	struct loop *loop;
	struct ws *ws;
	const struct sim_config *cfg;
};

struct sim *sim_create(const struct sim_deps *deps);

/* The module: start() opens the listeners (the feed on a port of its own) and the source. */
struct module *sim_module(struct sim *s);

/* After the module has stopped (or was never started) and the ws context is gone. */
void sim_destroy(struct sim *s);

/* Ports, valid once started. */
int sim_http_port(const struct sim *s);
int sim_feed_port(const struct sim *s);

/* How far a tape has been played. */
struct sim_progress {
	uint64_t messages, played; /* of the tape */
	uint64_t sent;             /* messages to feed sessions, market_info too */
	int64_t market_ms;
	bool has_ended;    /* nothing more will be sent */
	char problem[128]; /* "" when the tape is whole */
};

/* With sim.source=tape only; valid once started. */
void sim_progress(const struct sim *s, struct sim_progress *out);

/* The access token that is accepted now. Lent until the next `renew` fault. */
const char *sim_token(const struct sim *s);

#endif
