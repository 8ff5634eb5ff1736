/* SPDX-License-Identifier: MIT
 *
 * monitor_term: see monitor_term.h. libuv opens the terminal anew for itself, so that nothing of it
 * is left changed for the shell but its mode, which uv_tty_reset_mode() puts back.
 */
#include "cli/monitor_term.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#define ESCAPE_MS 60  /* a sequence of a key comes in one piece, or nearly */
#define LAST_MS   200 /* for the last bytes, to a terminal that is slow */

/* The alternate screen, no cursor, no wrapping at the right edge; and back, with plain text. */
static const char enter_text[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
static const char leave_text[] = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

static const int numbers[TERM_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT};
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* --- crash ------------------------------------------------------------------------------------------- */

static void on_crash(int number)
{
	ssize_t n = write(STDOUT_FILENO, leave_text, sizeof(leave_text) - 1);

	(void)n;
	uv_tty_reset_mode();
	raise(number); /* SA_RESETHAND: this time it ends us */
}

static void watch_crashes(bool on)
{
	struct sigaction act = {.sa_handler = on ? on_crash : SIG_DFL,
				.sa_flags = (int)SA_RESETHAND};

	for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
		sigaction(crashes[i], &act, NULL);
}

/* --- writing ----------------------------------------------------------------------------------------- */

/* At once, past what is queued; to a terminal that takes nothing, not for ever. */
static void write_now(struct monitor_term *t, const char *text, size_t len)
{
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&t->out, &fd) < 0)
		return;
	while (len > 0) {
		ssize_t n = write(fd, text, len);
		struct pollfd p = {.fd = fd, .events = POLLOUT};

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (poll(&p, 1, LAST_MS) <= 0 || (p.revents & (POLLERR | POLLHUP))) {
			return;
		}
	}
}

static void on_written(uv_write_t *req, int status)
{
	struct monitor_term *t = container_of(req, struct monitor_term, write);
	bool is_late = t->is_late;

	t->is_sending = t->is_late = false;
	if (status == UV_ECANCELED || !t->is_open)
		return;
	if (status < 0)
		t->on_end(t->arg);
	else if (is_late)
		t->on_draw(t->arg);
}

bool term_is_ready(struct monitor_term *t)
{
	if (!t->is_sending)
		return true;
	t->is_late = true;
	return false;
}

void term_write(struct monitor_term *t, struct buf *screen)
{
	struct buf old = t->sent;
	uv_buf_t bytes;

	AGNI_ASSERT(!t->is_sending);
	t->sent = *screen;
	*screen = old;
	bytes = uv_buf_init(t->sent.data, (unsigned)t->sent.len);
	t->is_sending = uv_write(&t->write, (uv_stream_t *)&t->out, &bytes, 1, on_written) == 0;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static void give_key(struct monitor_term *t, int key)
{
	if (key != KEY_NONE && t->is_open)
		t->on_key(t->arg, key);
}

static void on_escape(uv_timer_t *timer)
{
	struct monitor_term *t = container_of(timer, struct monitor_term, escape);

	give_key(t, keys_flush(&t->keys));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *bytes)
{
	struct monitor_term *t = container_of((uv_tty_t *)stream, struct monitor_term, in);

	if (n < 0) {
		t->on_end(t->arg);
		return;
	}
	for (ssize_t i = 0; i < n && t->is_open; i++)
		give_key(t, keys_byte(&t->keys, (unsigned char)bytes->base[i]));
	if (!t->is_open)
		return;
	if (keys_is_waiting(&t->keys))
		uv_timer_start(&t->escape, on_escape, ESCAPE_MS, 0);
	else
		uv_timer_stop(&t->escape);
}

static void lend_input(uv_handle_t *handle, size_t size, uv_buf_t *out)
{
	struct monitor_term *t = container_of((uv_tty_t *)handle, struct monitor_term, in);

	(void)size;
	*out = uv_buf_init(t->input, sizeof(t->input));
}

/* --- modes ------------------------------------------------------------------------------------------- */

static int enter(struct monitor_term *t)
{
	int rc = uv_tty_set_mode(&t->in, UV_TTY_MODE_RAW);

	if (rc == 0)
		write_now(t, enter_text, sizeof(enter_text) - 1);
	return rc;
}

static void leave(struct monitor_term *t)
{
	write_now(t, leave_text, sizeof(leave_text) - 1);
	uv_tty_set_mode(&t->in, UV_TTY_MODE_NORMAL);
}

static void on_signal(uv_signal_t *handle, int number)
{
	struct monitor_term *t = handle->data;

	if (!t->is_open)
		return;
	if (number == SIGCONT) { /* the shell may have had the terminal in between */
		uv_tty_set_mode(&t->in, UV_TTY_MODE_NORMAL);
		if (enter(t) == 0)
			t->on_draw(t->arg);
	} else if (number == SIGWINCH) {
		t->on_draw(t->arg);
	} else {
		t->on_end(t->arg);
	}
}

void term_suspend(struct monitor_term *t)
{
	leave(t);
	raise(SIGTSTP); /* returns when somebody continues us */
	if (enter(t) < 0)
		t->on_end(t->arg);
	else
		t->on_draw(t->arg);
}

void term_size(struct monitor_term *t, unsigned *cols, unsigned *rows)
{
	int width = 0, height = 0;

	if (uv_tty_get_winsize(&t->out, &width, &height) < 0 || width <= 0 || height <= 0) {
		width = 80;
		height = 24;
	}
	*cols = width < 1000 ? (unsigned)width : 1000;
	*rows = height < 1000 ? (unsigned)height : 1000;
}

/* --- life -------------------------------------------------------------------------------------------- */

int term_open(struct monitor_term *t, uv_loop_t *loop, struct agni_err *err)
{
	int rc = uv_tty_init(loop, &t->in, STDIN_FILENO, 1);

	t->loop = loop;
	if (rc < 0)
		return agni_fail_uv(err, rc, "the terminal cannot be read");
	rc = uv_tty_init(loop, &t->out, STDOUT_FILENO, 0);
	if (rc < 0) {
		uv_close((uv_handle_t *)&t->in, NULL);
		return agni_fail_uv(err, rc, "the terminal cannot be written to");
	}
	t->is_open = true;
	uv_timer_init(loop, &t->escape);
	for (size_t i = 0; i < TERM_SIGNALS; i++) {
		uv_signal_init(loop, &t->signals[i]);
		t->signals[i].data = t;
		uv_signal_start(&t->signals[i], on_signal, numbers[i]);
	}
	watch_crashes(true);
	rc = enter(t);
	if (rc == 0)
		rc = uv_read_start((uv_stream_t *)&t->in, lend_input, on_read);
	if (rc == 0)
		return 0;
	term_close(t);
	return agni_fail_uv(err, rc, "the terminal does not take its mode");
}

void term_close(struct monitor_term *t)
{
	if (!t->is_open)
		return;
	leave(t);
	t->is_open = false;
	watch_crashes(false);
	uv_close((uv_handle_t *)&t->in, NULL);
	uv_close((uv_handle_t *)&t->out, NULL);
	uv_close((uv_handle_t *)&t->escape, NULL);
	for (size_t i = 0; i < TERM_SIGNALS; i++)
		uv_close((uv_handle_t *)&t->signals[i], NULL);
}

void term_fini(struct monitor_term *t)
{
	uv_tty_reset_mode();
	buf_fini(&t->sent);
}
