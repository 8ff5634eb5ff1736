/* SPDX-License-Identifier: MIT
 *
 * trouble: what is wrong with the connection, for the log and for /health; internal to the store,
 * declared in connection.h.
 *
 * An absent Redis at the start is a choice, not an accident, and gets one friendly line. After that
 * a line appears when the kind of trouble changes, not at every attempt.
 */
#include "store/connection.h"

#include <ctype.h>
#include <stdio.h>

#include "core/ist.h"

#define TAG "store"

static const char *const trouble_words[] = {
	[TROUBLE_NONE] = "",
	[TROUBLE_AWAY] = "is away",
	[TROUBLE_SLOW] = "does not answer",
	[TROUBLE_REFUSES] = "answers errors",
};

void connection_note_trouble(struct connection *c, enum trouble trouble, const char *text)
{
	bool is_news = c->trouble != trouble;

	if (c->trouble == TROUBLE_NONE)
		c->trouble_since_ms = clock_wall_ms(c->loop->clock);
	c->trouble = trouble;
	refusal_text(c->trouble_text, text);
	/* The system's sentences begin with a capital; ours goes on in the middle of a line. */
	if (trouble == TROUBLE_AWAY && !isupper((unsigned char)c->trouble_text[1]))
		c->trouble_text[0] = (char)tolower((unsigned char)c->trouble_text[0]);
	if (!is_news)
		return;
	if (trouble == TROUBLE_AWAY && !c->has_been_live)
		log_limited(&c->limit_lost, clock_mono(c->loop->clock), LOG_INFO, TAG,
			    "no Redis at %s: going on without it (to add one: apt-get install "
			    "redis-server; or set redis.url)",
			    c->where);
	else
		log_limited(&c->limit_lost, clock_mono(c->loop->clock), LOG_WARN, TAG,
			    "Redis at %s %s: %s; ticks go on without it", c->where,
			    trouble_words[trouble], c->trouble_text);
}

void connection_clock(int64_t wall_ms, char out[16])
{
	struct ist_time t;

	ist_split(wall_ms, &t);
	snprintf(out, 16, "%02u:%02u:%02u", (unsigned)t.hour % 24, (unsigned)t.minute % 60,
		 (unsigned)t.second % 60);
}

enum health connection_health(const struct connection *c, char why[HEALTH_WHY_MAX])
{
	char since[16];

	if (c->trouble == TROUBLE_NONE) {
		snprintf(why, HEALTH_WHY_MAX, "Redis at %s %s", c->where,
			 connection_is_live(c) ? "is connected" : "is not reached yet");
		return connection_is_live(c) ? HEALTH_UP : HEALTH_DEGRADED;
	}
	connection_clock(c->trouble_since_ms, since);
	snprintf(why, HEALTH_WHY_MAX, "Redis at %.40s %s since %.8s: %.56s; ticks go on without it",
		 c->where, trouble_words[c->trouble], since, c->trouble_text);
	return HEALTH_DEGRADED;
}
