/* SPDX-License-Identifier: MIT
 *
 * test_monitor_keys: the bytes of a keyboard as keys, whole and cut anywhere; and what keys do.
 */
#include <stdio.h>

#include "../lib/check.h"
#include "cli/monitor_keys.h"
#include "cli/monitor_view.h"

/* The keys of a run of bytes, and of the silence behind it. */
static size_t read_keys(const char *bytes, size_t len, int *out)
{
	struct keys_reader k = {0};
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		out[n] = keys_byte(&k, (unsigned char)bytes[i]);
		n += out[n] != KEY_NONE;
	}
	out[n] = keys_flush(&k);
	return n + (out[n] != KEY_NONE);
}

static void test_sequences(void **state)
{
	static const struct {
		const char *bytes;
		int key;
	} cases[] = {
		{"\x1b[A", KEY_UP},
		{"\x1b[B", KEY_DOWN},
		{"\x1b[C", KEY_RIGHT},
		{"\x1b[D", KEY_LEFT},
		{"\x1bOA", KEY_UP},
		{"\x1bOD", KEY_LEFT},
		{"\x1b[1;5A", KEY_UP},
		{"\x1b[5~", KEY_PAGE_UP},
		{"\x1b[6~", KEY_PAGE_DOWN},
		{"\x1b[6;2~", KEY_PAGE_DOWN},
		{"\x1b[H", KEY_HOME},
		{"\x1b[F", KEY_END},
		{"\x1b[1~", KEY_HOME},
		{"\x1b[4~", KEY_END},
		{"\x1b[7~", KEY_HOME},
		{"\x1b[8~", KEY_END},
		{"\x1bOH", KEY_HOME},
		{"\x1b[Z", KEY_BACK_TAB},
		{"\t", KEY_TAB},
		{"\r", KEY_ENTER},
		{"\n", KEY_ENTER},
		{"\x1bOM", KEY_ENTER},
		{"\x7f", KEY_BACKSPACE},
		{"\b", KEY_BACKSPACE},
		{"\x15", KEY_CLEAR},
		{"\f", KEY_REDRAW},
		{"\x03", KEY_INTERRUPT},
		{"\x1a", KEY_SUSPEND},
		{"\x1b", KEY_ESCAPE},
		{"q", 'q'},
		{"~", '~'},
		{" ", ' '},
	};
	int keys[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_i64(read_keys(cases[i].bytes, strlen(cases[i].bytes), keys), 1);
		check_i64(keys[0], cases[i].key);
	}
}

/* Nothing, and nothing of it is left for the keys behind. */
static void test_what_means_nothing(void **state)
{
	static const char *const cases[] = {
		"\x1b[3~",  "\x1b[15~", "\x1b[200~",  "\x1b[99999999999999999999~",
		"\x1b[I",   "\x1b[M",   "\x1b[?1;2c", "\x1bOP",
		"\x1bx",    "\x01",     "\xc3\xa4",   "\x1b[",
		"\x1b[1;5", "\x80",     "\xff",       "\x1b[1;2;3;4;5x",
	};
	char bytes[64];
	int keys[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		check_i64(read_keys(cases[i], strlen(cases[i]), keys), 0);
		if (cases[i][strlen(cases[i]) - 1] == '[' || cases[i][strlen(cases[i]) - 1] == '5')
			continue; /* what is behind belongs to it */
		snprintf(bytes, sizeof(bytes), "%sq", cases[i]);
		check_i64(read_keys(bytes, strlen(bytes), keys), 1);
		check_i64(keys[0], 'q');
	}
	/* A sequence that is cut short by another key. */
	check_i64(read_keys("\x1b[1\x03", 4, keys), 1);
	check_i64(keys[0], KEY_INTERRUPT);
	check_i64(read_keys("\x1b\x1b[A", 4, keys), 2);
	check_i64(keys[0], KEY_ESCAPE);
	check_i64(keys[1], KEY_UP);
	check_i64(read_keys("\0q", 2, keys), 1);
}

static enum monitor_act press(struct monitor_ui *ui, const char *keys)
{
	enum monitor_act act = ACT_NOTHING;

	for (; *keys; keys++)
		act = monitor_ui_key(ui, (unsigned char)*keys);
	return act;
}

static void test_filter(void **state)
{
	struct monitor_ui ui;

	(void)state;
	monitor_ui_init(&ui, VIEW_QUOTES);
	check_i64(press(&ui, "/qs1 "), ACT_DRAW); /* letters are text now */
	check_str(ui.filter[VIEW_QUOTES], "qs1 ");
	check(ui.is_filtering && ui.view == VIEW_QUOTES);
	check_i64(monitor_ui_key(&ui, KEY_BACKSPACE), ACT_DRAW);
	check_str(ui.filter[VIEW_QUOTES], "qs1");
	monitor_ui_key(&ui, KEY_ENTER);
	check(!ui.is_filtering);
	check_str(ui.filter[VIEW_QUOTES], "qs1");
	check_i64(press(&ui, "q"), ACT_QUIT);
	monitor_ui_key(&ui, KEY_ESCAPE);
	check_str(ui.filter[VIEW_QUOTES], "");
	press(&ui, "/");
	for (int i = 0; i < 3 * FILTER_MAX; i++)
		press(&ui, "x");
	check_i64(strlen(ui.filter[VIEW_QUOTES]), FILTER_MAX);
	monitor_ui_key(&ui, KEY_CLEAR);
	check_str(ui.filter[VIEW_QUOTES], "");
	monitor_ui_key(&ui, KEY_BACKSPACE);
	check_str(ui.filter[VIEW_QUOTES], "");
	monitor_ui_key(&ui, KEY_ENTER);
	press(&ui, "/25800");
	monitor_ui_key(&ui, KEY_ENTER);
	press(&ui, "5/buy"); /* each view has its own */
	monitor_ui_key(&ui, KEY_ENTER);
	check_str(ui.filter[VIEW_QUOTES], "25800");
	check_str(ui.filter[VIEW_SIGNALS], "buy");
	press(&ui, "/sell"); /* begins anew */
	check_str(ui.filter[VIEW_SIGNALS], "sell");
	check_i64(monitor_ui_key(&ui, KEY_INTERRUPT), ACT_QUIT);
	check_i64(monitor_ui_key(&ui, KEY_SUSPEND), ACT_SUSPEND);
}

static void test_views_and_scroll(void **state)
{
	struct monitor_ui ui;

	(void)state;
	monitor_ui_init(&ui, VIEW_QUOTES);
	monitor_ui_key(&ui, KEY_LEFT);
	check_i64(ui.view, VIEW_SERVER);
	monitor_ui_key(&ui, KEY_RIGHT);
	check_i64(ui.view, VIEW_QUOTES);
	for (int i = 0; i < MONITOR_VIEWS; i++)
		monitor_ui_key(&ui, KEY_TAB);
	check_i64(ui.view, VIEW_QUOTES);
	press(&ui, "4");
	check_i64(ui.view, VIEW_CLIENTS);
	press(&ui, "1");
	/* What the last frame has told. */
	ui.total[VIEW_QUOTES] = 50;
	ui.shown[VIEW_QUOTES] = 20;
	ui.from[VIEW_QUOTES] = 5;
	monitor_ui_key(&ui, KEY_PAGE_DOWN);
	check_i64(ui.scroll[VIEW_QUOTES], 24);
	monitor_ui_key(&ui, KEY_END);
	check_i64(ui.scroll[VIEW_QUOTES], 30);
	monitor_ui_key(&ui, KEY_UP);
	check_i64(ui.scroll[VIEW_QUOTES], 4);
	monitor_ui_key(&ui, KEY_PAGE_UP);
	check_i64(ui.scroll[VIEW_QUOTES], 0);
	ui.total[VIEW_QUOTES] = 3;
	ui.shown[VIEW_QUOTES] = 3;
	ui.from[VIEW_QUOTES] = 0;
	monitor_ui_key(&ui, KEY_DOWN);
	check_i64(ui.scroll[VIEW_QUOTES], 0);
	check_i64(monitor_ui_key(&ui, 'x'), ACT_NOTHING);
	for (int i = 0; i < 5; i++)
		press(&ui, "s");
	check_i64(ui.sort[VIEW_QUOTES], 0);
	press(&ui, "r");
	check(ui.is_reversed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_what_means_nothing),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_views_and_scroll),
	};

	return cmocka_run_group_tests_name("monitor_keys", tests, NULL, NULL);
}
