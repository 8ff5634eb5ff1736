/* SPDX-License-Identifier: MIT
 *
 * monitor_ui: what keys do; declared in monitor_view.h.
 */
#include "cli/monitor_keys.h"
#include "cli/monitor_views.h"

void monitor_ui_init(struct monitor_ui *ui, enum monitor_view view)
{
	*ui = (struct monitor_ui){.view = view};
	for (int i = 0; i < MONITOR_VIEWS; i++)
		ui->scroll[i] = SCROLL_AUTO;
}

static void scroll_by(struct monitor_ui *ui, int64_t rows)
{
	uint32_t *at = &ui->scroll[ui->view];
	int64_t last = (int64_t)ui->total[ui->view] - ui->shown[ui->view];
	int64_t to = (int64_t)ui->from[ui->view] + rows;

	if (to > last)
		to = last;
	*at = to < 0 ? 0 : (uint32_t)to;
}

static void turn_view(struct monitor_ui *ui, int by)
{
	ui->view = (enum monitor_view)(((int)ui->view + MONITOR_VIEWS + by) % MONITOR_VIEWS);
}

static void turn_doc(struct monitor_ui *ui, int by)
{
	if (monitor_views[ui->view]->docs == MONITOR_KINDS)
		return;
	ui->doc[ui->view] += (uint32_t)by; /* brought within its limits when it is looked up */
	ui->scroll[ui->view] = SCROLL_AUTO;
}

static void turn_sort(struct monitor_ui *ui)
{
	const char *const *sorts = monitor_views[ui->view]->sorts;

	if (sorts && !sorts[++ui->sort[ui->view]])
		ui->sort[ui->view] = 0;
	ui->scroll[ui->view] = SCROLL_AUTO;
}

static void drop_filter(struct monitor_ui *ui)
{
	ui->filter[ui->view][0] = '\0';
	ui->scroll[ui->view] = SCROLL_AUTO;
}

/* Keys while the filter is typed. */
static enum monitor_act filter_key(struct monitor_ui *ui, int key)
{
	char *filter = ui->filter[ui->view];
	size_t n = strlen(filter);

	if (key == KEY_ENTER) {
		ui->is_filtering = false;
	} else if (key == KEY_ESCAPE) {
		ui->is_filtering = false;
		filter[0] = '\0';
	} else if (key == KEY_CLEAR) {
		filter[0] = '\0';
	} else if (key == KEY_BACKSPACE && n > 0) {
		filter[n - 1] = '\0';
	} else if (key >= ' ' && key <= '~' && n < FILTER_MAX) {
		filter[n] = (char)key;
		filter[n + 1] = '\0';
	}
	ui->scroll[ui->view] = SCROLL_AUTO;
	return ACT_DRAW;
}

static bool scroll_key(struct monitor_ui *ui, int key)
{
	int64_t page = ui->shown[ui->view] > 1 ? ui->shown[ui->view] - 1 : 1;

	switch (key) {
	case KEY_UP:
	case 'k':
		scroll_by(ui, -1);
		return true;
	case KEY_DOWN:
	case 'j':
		scroll_by(ui, 1);
		return true;
	case KEY_PAGE_UP:
		scroll_by(ui, -page);
		return true;
	case KEY_PAGE_DOWN:
	case ' ':
		scroll_by(ui, page);
		return true;
	case KEY_HOME:
	case 'g':
		ui->scroll[ui->view] = 0;
		return true;
	case KEY_END:
	case 'G':
		scroll_by(ui, UINT32_MAX);
		return true;
	default:
		return false;
	}
}

enum monitor_act monitor_ui_key(struct monitor_ui *ui, int key)
{
	if (key == KEY_INTERRUPT)
		return ACT_QUIT;
	if (key == KEY_SUSPEND)
		return ACT_SUSPEND;
	if (ui->is_filtering)
		return filter_key(ui, key);
	if (scroll_key(ui, key))
		return ACT_DRAW;
	if (key >= '1' && key < '1' + MONITOR_VIEWS) {
		ui->view = (enum monitor_view)(key - '1');
		return ACT_DRAW;
	}
	switch (key) {
	case 'q':
	case 'Q':
		return ACT_QUIT;
	case KEY_LEFT:
	case KEY_BACK_TAB:
		turn_view(ui, -1);
		return ACT_DRAW;
	case KEY_RIGHT:
	case KEY_TAB:
		turn_view(ui, 1);
		return ACT_DRAW;
	case '/':
		drop_filter(ui); /* a new one, not more of the old one */
		ui->is_filtering = true;
		return ACT_DRAW;
	case KEY_ESCAPE:
		drop_filter(ui);
		return ACT_DRAW;
	case 's':
		turn_sort(ui);
		return ACT_DRAW;
	case 'r':
		ui->is_reversed = !ui->is_reversed;
		return ACT_DRAW;
	case 'n':
	case 'p':
		turn_doc(ui, key == 'n' ? 1 : -1);
		return ACT_DRAW;
	case KEY_REDRAW:
		return ACT_DRAW;
	default:
		return ACT_NOTHING;
	}
}
