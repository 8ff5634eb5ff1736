/* SPDX-License-Identifier: MIT
 *
 * test_chain_data: put-call ratios, max pain and change of open interest of recorded chains against
 * a script that works them out by the plainest arithmetic, test/lib/chain_figures.py, while the
 * test runs.
 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../lib/check.h"
#include "../lib/data.h"
#include "options/chain_math.h"

#define SCRIPT "test/lib/chain_figures.py"

struct chain {
	char name[128];
	struct chain_strike strike[CHAIN_STRIKES_MAX];
	int n;
};

/* "-" is absent. */
static bool take_count(char **rest, int64_t *out)
{
	char *word = strsep(rest, " \n");

	check(word && *word);
	*out = strtoll(word, NULL, 10);
	return strcmp(word, "-") != 0;
}

static void take_quote(char **rest, struct chain_quote *q)
{
	*q = (struct chain_quote){0};
	q->present |= take_count(rest, &q->oi) ? CHAIN_OI : 0;
	q->present |= take_count(rest, &q->prev_oi) ? CHAIN_PREV_OI : 0;
	q->present |= take_count(rest, &q->volume) ? CHAIN_VOLUME : 0;
}

static void take_strike(struct chain *c, char *rest)
{
	struct chain_strike *k = &c->strike[c->n++];

	check(c->n <= CHAIN_STRIKES_MAX);
	k->strike = strtod(strsep(&rest, " "), NULL);
	take_quote(&rest, &k->side[OPTION_CALL]);
	take_quote(&rest, &k->side[OPTION_PUT]);
}

/* The script's number, or "-" where ours has to be absent. */
static void compare(const struct chain *c, const char *what, char **rest, bool have, double ours,
		    double tolerance)
{
	char *word = strsep(rest, " \n");

	check(word && *word);
	if (have != (strcmp(word, "-") != 0) ||
	    (have && !(fabs(ours - strtod(word, NULL)) <= tolerance * fabs(ours))))
		fail_msg("%s: %s: %s by the script, %s %.17g here", c->name, what, word,
			 have ? "" : "absent", ours);
}

static void compare_figures(const struct chain *c, char *rest)
{
	struct chain_totals t;
	int pain = chain_max_pain(c->strike, c->n);

	chain_totals(c->strike, c->n, &t);
	compare(c, "PCR by OI", &rest, t.has & TOTALS_PCR_OI, t.pcr_oi, DBL_EPSILON);
	compare(c, "PCR by volume", &rest, t.has & TOTALS_PCR_VOLUME, t.pcr_volume, DBL_EPSILON);
	check(pain != CHAIN_NONE);
	compare(c, "max pain", &rest, true, c->strike[pain].strike, 0);
	compare(c, "least pain", &rest, true, chain_pain(c->strike, c->n, c->strike[pain].strike),
		1e-12);
	compare(c, "change of calls", &rest, t.changes[OPTION_CALL] > 0,
		(double)t.oi_change[OPTION_CALL], 0);
	compare(c, "change of puts", &rest, t.changes[OPTION_PUT] > 0,
		(double)t.oi_change[OPTION_PUT], 0);
}

static void test_against_script(void **state)
{
	static struct chain c;
	char command[1200], line[256];
	int chains = 0, changes = 0;
	FILE *f;

	(void)state;
	if (!data_path("chain"))
		data_skip("chain");
	snprintf(command, sizeof(command), "python3 " SCRIPT " '%s'", data_path("chain"));
	f = popen(command, "r");
	check(f != NULL);
	while (fgets(line, sizeof(line), f)) {
		char *rest = line, *word = strsep(&rest, " ");

		if (!strcmp(word, "snapshot")) {
			snprintf(c.name, sizeof(c.name), "%s", strsep(&rest, "\n"));
			c.n = 0;
		} else if (!strcmp(word, "strike")) {
			take_strike(&c, rest);
		} else {
			check_str(word, "figures");
			changes += strstr(rest, "- -") == NULL;
			compare_figures(&c, rest);
			chains++;
		}
	}
	check_i64(pclose(f), 0);
	print_message("%d chains, %d of them with changes of open interest\n", chains, changes);
	check(chains > 100 && changes > 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
