/* SPDX-License-Identifier: MIT
 *
 * wishes: what an app is to look at, and nothing has that name: a mistyped key, a comma forgotten. The
 * server runs on without it, so it is told once in the log, with what was probably meant, and shown in
 * /health until the configuration or the master is another.
 *
 * A recording that is played has what it has: there it is a line in the log, and nothing is wrong.
 *
 * What was meant takes a walk of the whole master: on a worker (refdata_near), some milliseconds later.
 */
#include <stdio.h>
#include <stdlib.h>

#include "signals/signals_internal.h"

/* A complaint whose nearest key is looked for. */
struct complaint {
	char app[16];
	char text[SELECTOR_TEXT_MAX + 1];
	enum log_level level;
};

static void complain(const struct complaint *c, const char *near)
{
	const char *bar = strchr(c->text, '|');

	log_write(c->level, "signals", "app.%s.instruments: nothing is called \"%s\"%s%s%s%s",
		  c->app, c->text, near ? "; the nearest is \"" : "", near ? near : "",
		  near ? "\"" : "",
		  !near && bar && strchr(bar + 1, '|') ? "; is a comma missing in it?" : "");
}

static void on_near(void *arg, const struct master *m, const struct near_result *res)
{
	struct complaint *c = arg;

	complain(c, m && res->n ? master_key(m, res->rows[0]) : NULL);
	free(c);
}

static void complain_of_key(struct signals *s, const struct complaint *c)
{
	struct near_query q = {.first_day = resolve_first_day(s->market_ms)};
	struct complaint *kept = mem_alloc(sizeof(*kept));

	*kept = *c;
	memcpy(q.text, c->text, sizeof(q.text));
	if (refdata_near(s->deps.refdata, &q, on_near, kept))
		return;
	free(kept);
	complain(c, NULL);
}

/* Nobody can say which contract it would be; the miss names the underlyings that come nearest. */
static void complain_of_selector(struct signals *s, const struct wish *w, const struct complaint *c)
{
	struct resolve_market market = {.book = s->deps.book, .now_ms = s->market_ms};
	struct resolve_miss miss = {.code = RESOLVE_OK};

	(void)resolve_selector(apps_master(s), &w->selector, &market, NULL, NULL, &miss);
	complain(c, miss.near_n ? miss.near[0] : NULL);
}

/* The listing of a recording is made of its keys: a selector means nothing on it. */
static void complain_of_names(const struct complaint *c)
{
	log_warn("signals",
		 "app.%s.instruments: \"%s\" means nothing on a recording, which has keys and no "
		 "names: give an instrument file of its day as instruments.master",
		 c->app, c->text);
}

bool wish_is_known(struct signals *s, enum app_kind app, struct wish *w)
{
	const struct master *m = apps_master(s);
	struct complaint c = {.level = s->deps.waits_for_master ? LOG_INFO : LOG_WARN};

	w->is_unknown = (w->is_selector ? resolve_underlying(m, w->selector.underlying)
					: master_find(m, w->text, strlen(w->text))) == MASTER_NONE;
	if (!w->is_unknown || w->is_complaint_made)
		return !w->is_unknown;
	w->is_complaint_made = true;
	snprintf(c.app, sizeof(c.app), "%s", app_name(app));
	snprintf(c.text, sizeof(c.text), "%s", w->text);
	if (w->is_selector && s->deps.waits_for_master && m->underlyings_n == 0)
		complain_of_names(&c);
	else if (w->is_selector)
		complain_of_selector(s, w, &c);
	else
		complain_of_key(s, &c);
	return false;
}

unsigned wishes_unknown(const struct signals *s, const char **text, const char **app)
{
	unsigned n = 0;

	*text = *app = "";
	if (s->deps.waits_for_master)
		return 0;
	for (int i = 0; i < APPS; i++) {
		const struct app *a = &s->apps[i];

		for (unsigned k = 0; k < a->wishes_n; k++) {
			if (!a->wishes[k].is_unknown || n++)
				continue;
			*text = a->wishes[k].text;
			*app = app_name((enum app_kind)i);
		}
	}
	return n;
}
