/* SPDX-License-Identifier: BSD-3-Clause */
/* What notify.h sends to a socket that stands for the service manager's. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "notify.h"

static int manager;
static char got[512];

static void open_manager(void)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char name[64];
	int len = snprintf(name, sizeof(name), "@wgdp-test-notify-%d", getpid());

	memcpy(at.sun_path, name, len);
	at.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert(bind(manager, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path) + len) == 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static void set_watchdog(const char *usec)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", getpid());
	setenv("WATCHDOG_USEC", usec, 1);
	setenv("WATCHDOG_PID", pid, 1);
}

/* The next message, "" if there is none. */
static const char *message(void)
{
	ssize_t n = recv(manager, got, sizeof(got) - 1, 0);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

Test(notify, says_what_happens, .init = open_manager)
{
	struct notify n;
	unsigned long long when;

	notify_init(&n);
	notify_status("%d interfaces up", 2);
	cr_assert_str_eq(message(), "STATUS=2 interfaces up");
	notify_ready();
	cr_assert_str_eq(message(), "READY=1");
	notify_reloading();
	cr_assert(sscanf(message(), "RELOADING=1\nMONOTONIC_USEC=%llu", &when) == 1 && when > 0, "%s", got);
	notify_stopping(&n);
	cr_assert(strstr(message(), "STOPPING=1"), "%s", got);
	notify_stopping(&n);
	cr_assert_str_eq(message(), "", "said twice");
	cr_assert(notify_tick(&n, 1) == UINT64_MAX, "there is no watchdog");
}

Test(notify, pings_at_half_the_interval, .init = open_manager)
{
	const uint64_t ms = 1000000, start = 5000 * ms;
	struct notify n;

	set_watchdog("2000000");
	notify_init(&n);
	cr_assert(notify_tick(&n, start) == start + 1000 * ms);
	cr_assert_str_eq(message(), "WATCHDOG=1");
	cr_assert(notify_tick(&n, start + 999 * ms) == start + 1000 * ms);
	cr_assert_str_eq(message(), "");
	cr_assert(notify_tick(&n, start + 1000 * ms) == start + 2000 * ms);
	cr_assert_str_eq(message(), "WATCHDOG=1");
	cr_assert(notify_tick(&n, start + 7500 * ms) == start + 8500 * ms, "late, and no pings to catch up");
	cr_assert_str_eq(message(), "WATCHDOG=1");
	cr_assert_str_eq(message(), "");

	notify_stopping(&n);
	cr_assert(strstr(message(), "STOPPING=1"), "%s", got);
	cr_assert(notify_tick(&n, start + 9000 * ms) == UINT64_MAX);
	cr_assert_str_eq(message(), "");
}

Test(notify, leaves_the_watchdog_of_others_alone, .init = open_manager)
{
	struct notify n;

	set_watchdog("2000000");
	setenv("WATCHDOG_PID", "1", 1);
	notify_init(&n);
	cr_assert(notify_tick(&n, 1) == UINT64_MAX);
	cr_assert_str_eq(message(), "");
}

Test(notify, does_nothing_without_a_manager)
{
	struct notify n;

	unsetenv("NOTIFY_SOCKET");
	set_watchdog("2000000");
	notify_init(&n);
	cr_assert(notify_tick(&n, 1) == UINT64_MAX, "nobody to wake up for");
	notify_ready();
	notify_reloading();
	notify_stopping(&n);
}
