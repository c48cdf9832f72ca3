/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One thread and one poll(): the keyboard, signals, and the socket of the update that is under way. An update is begun when it is due, goes on
 * as answers come, and never keeps keys waiting; one that fails is begun again after a second, so the process may be started anew. Updates take
 * a fifth of the time at most: at 100,000 peers the process on the other side has other things to do.
 *
 * ncurses paints what top_view_render has put on a screen in memory, and handles SIGWINCH and SIGTSTP; what ends the program comes by a
 * signalfd, so that the terminal is always restored.
 */
#include "top_live.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <ncurses.h>

#include "top_screen.h"
#include "top_view.h"
#include "ask.h"

enum { SHARE = 4, RETRY_MS = 1000, KEYS_A_ROUND = 64 };

static const uint64_t ns_per_ms = 1000000;

struct live {
	const char *dir;
	char name[CONF_IFNAME_LEN + 1];
	struct top_data *d;
	struct top_ui *ui;
	struct top_screen screen;
	int signals;		/* signalfd */
	int status;		/* exit status */
	struct ask_fetch *fetch;	/* NULL: none under way */
	uint64_t begun_ns, next_ns;
	bool failing;
	char fault[ASK_ERRLEN];
};

static attr_t look_attr[TOP_LOOKS];

static void start_colours(void)
{
	static const short stage[TOP_LOOKS - TOP_STAGE] = { COLOR_BLUE, COLOR_CYAN, COLOR_MAGENTA, COLOR_GREEN, COLOR_YELLOW, COLOR_RED };
	const char *no = getenv("NO_COLOR");

	look_attr[TOP_BOLD] = A_BOLD;
	look_attr[TOP_DIM] = A_DIM;
	look_attr[TOP_TITLE] = A_REVERSE;
	look_attr[TOP_CHOSEN] = A_REVERSE | A_BOLD | A_UNDERLINE;
	look_attr[TOP_GOOD] = A_NORMAL;
	look_attr[TOP_ALARM] = A_BOLD;
	if ((no && *no) || !has_colors() || start_color() == ERR || use_default_colors() == ERR)
		return;
	init_pair(1, COLOR_GREEN, -1);
	init_pair(2, COLOR_RED, -1);
	look_attr[TOP_GOOD] = COLOR_PAIR(1);
	look_attr[TOP_ALARM] = COLOR_PAIR(2) | A_BOLD;
	for (short k = 0; k < TOP_LOOKS - TOP_STAGE; k++) {
		init_pair((short)(3 + k), stage[k], -1);
		look_attr[TOP_STAGE + k] = COLOR_PAIR(3 + k);
	}
}

static void paint(const struct top_screen *s)
{
	erase();
	for (int row = 0; row < s->rows; row++) {
		for (int col = 0; col < s->cols; col++) {
			const struct top_cell *c = &s->cell[(size_t)row * (size_t)s->cols + (size_t)col];

			const wchar_t text[] = { (wchar_t)c->ch, L'\0' };

			if (!c->ch || (c->ch == ' ' && c->look == TOP_PLAIN))
				continue;
			attrset((int)look_attr[c->look]);
			mvaddwstr(row, col, text);
		}
	}
	attrset(A_NORMAL);
	refresh();
}

static void draw(struct live *l)
{
	const time_t now = time(NULL);
	char clock[16];
	const struct top_moment m = { .now = (uint64_t)now, .clock = clock, .fault = l->failing ? l->fault : NULL, .keys = true };
	struct tm tm;
	int rows, cols;

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime_r(&now, &tm));
	getmaxyx(stdscr, rows, cols);
	if ((rows != l->screen.rows || cols != l->screen.cols) && !top_screen_resize(&l->screen, rows, cols))
		return;
	top_view_render(l->d, l->ui, &m, &l->screen);
	paint(&l->screen);
}

static void fetch_failed(struct live *l)
{
	const uint64_t delay_ms = (uint64_t)(l->ui->delay * 1000);

	l->failing = true;
	l->next_ns = ask_now() + (delay_ms > RETRY_MS ? delay_ms : RETRY_MS) * ns_per_ms;
}

static void fetch_done(struct live *l)
{
	const uint64_t now = ask_now(), took = now - l->begun_ns;
	struct remote_iface i;

	ask_fetch_take(l->fetch, &i);
	if (!top_data_take(l->d, &i, (uint64_t)time(NULL))) {
		remote_fini(&i);
		snprintf(l->fault, sizeof(l->fault), "%s: %s", l->name, strerror(ENOMEM));
		fetch_failed(l);
		return;
	}
	l->failing = false;
	l->next_ns = l->begun_ns + (uint64_t)(l->ui->delay * 1e9);
	if (l->next_ns < now + SHARE * took)
		l->next_ns = now + SHARE * took;
}

/* Begins what is due, goes on with what is under way. True: there is something new to see. */
static bool update(struct live *l)
{
	int code;

	if (!l->fetch && (l->ui->paused || ask_now() < l->next_ns))
		return false;
	if (!l->fetch) {
		l->begun_ns = ask_now();
		l->fetch = ask_fetch_begin(l->dir, l->name, ASK_STATS | ASK_GET);
		if (!l->fetch) {
			snprintf(l->fault, sizeof(l->fault), "%s: %s", l->name, strerror(ENOMEM));
			fetch_failed(l);
			return true;
		}
	}
	switch (ask_fetch_step(l->fetch, &code, l->fault)) {
	case ASK_FETCH_MORE:
		return false;
	case ASK_FETCH_DONE:
		fetch_done(l);
		break;
	default:
		fetch_failed(l);
		break;
	}
	ask_fetch_end(l->fetch);
	l->fetch = NULL;
	return true;
}

static int key_of(int ch)
{
	switch (ch) {
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_END:
		return TOP_KEY_END;
	case KEY_BACKSPACE:
	case '\b':
	case 0x7f:
		return TOP_KEY_BACKSPACE;
	case KEY_ENTER:
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case 0x1b:
		return TOP_KEY_ESCAPE;
	default:
		return ch < KEY_MIN ? ch : -1;
	}
}

/* True: something may look different now. */
static bool take_keys(struct live *l)
{
	bool changed = false;
	int ch;

	for (int k = 0; k < KEYS_A_ROUND && (ch = getch()) != ERR; k++) {
		if (ch == KEY_RESIZE || ch == '\f')
			clear();
		else
			top_input_key(l->ui, key_of(ch));
		changed = true;
	}
	return changed;
}

static int wait_ms(const struct live *l)
{
	const uint64_t now = ask_now();
	uint64_t ms = RETRY_MS;		/* the clock goes on */

	if (!l->fetch && !l->ui->paused)
		ms = l->next_ns > now ? (l->next_ns - now) / ns_per_ms + 1 : 0;
	return ms < RETRY_MS ? (int)ms : RETRY_MS;
}

/* Waits for a key, a signal, the socket, or the time of something. False: it is over. */
static bool wait_for_more(struct live *l)
{
	struct pollfd p[3] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = l->signals, .events = POLLIN }, { .fd = -1 } };
	struct signalfd_siginfo si;
	int wait = wait_ms(l), fetch_wait = wait;

	if (l->fetch)
		ask_fetch_poll(l->fetch, &p[2].fd, &p[2].events, &fetch_wait);
	poll(p, 3, fetch_wait < wait ? fetch_wait : wait);
	if (p[1].revents && read(l->signals, &si, sizeof(si)) == sizeof(si)) {
		l->status = 128 + (int)si.ssi_signo;
		return false;
	}
	if (p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
		l->status = EXIT_FAILURE;
		return false;
	}
	return true;
}

static void loop(struct live *l)
{
	time_t drawn = 0;
	bool changed = true;

	while (!l->ui->quit) {
		changed |= update(l);
		changed |= time(NULL) != drawn;
		if (changed) {
			drawn = time(NULL);
			draw(l);
		}
		if (!wait_for_more(l))
			break;
		changed = take_keys(l);
	}
}

static bool watch_signals(struct live *l)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	l->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return l->signals >= 0;
}

int top_live(const char *dir, struct top_data *d, struct top_ui *ui)
{
	struct live l = { .dir = dir, .d = d, .ui = ui };
	SCREEN *terminal;

	snprintf(l.name, sizeof(l.name), "%s", d->now.name);
	l.next_ns = ask_now() + (uint64_t)(ui->delay * 1e9 < 5e8 ? ui->delay * 1e9 : 5e8);	/* first rates come soon */
	if (!watch_signals(&l)) {
		perror("wgdp: top: cannot watch signals");
		return EXIT_FAILURE;
	}
	setlocale(LC_ALL, "");
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal) {
		fputs("wgdp: top: this terminal is not known (TERM); --once prints without one\n", stderr);
		close(l.signals);
		return EXIT_FAILURE;
	}
	cbreak();
	noecho();
	nonl();
	curs_set(0);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(50);
	start_colours();
	loop(&l);
	endwin();
	delscreen(terminal);
	ask_fetch_end(l.fetch);
	top_screen_fini(&l.screen);
	close(l.signals);
	return l.status;
}
