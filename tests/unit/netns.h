/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A network namespace of its own for a test process, which takes it along when it ends. Needs root.
 */
#ifndef WGDP_TEST_NETNS_H
#define WGDP_TEST_NETNS_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a shell command; the test process ends if it fails. */
__attribute__((format(printf, 1, 2))) static inline void test_sh(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command) != 0) {
		fprintf(stderr, "failed: %s\n", command);
		abort();
	}
}

/*
 * An address for an interface that is up. The kernel makes a new IPv6 address local a moment after
 * it has said that it was added, and loses what is sent to it until then.
 */
static inline void test_add_address(const char *dev, const char *addr, unsigned int prefix)
{
	test_sh("ip addr add %s/%u dev %s%s", addr, prefix, dev, strchr(addr, ':') ? " nodad" : "");
	if (strchr(addr, ':'))
		test_sh("until ip -6 route show table local dev %s | grep -q '^local %s '; do "
			"sleep 0.01; done", dev, addr);
}

/* Moves the thread to a new namespace with `lo` up; a descriptor of it. */
static inline int test_netns_init(void)
{
	int fd;

	if (unshare(CLONE_NEWNET) < 0) {
		fprintf(stderr, "unshare: %s (run as root)\n", strerror(errno));
		abort();
	}
	test_sh("ip link set lo up");
	fd = open("/proc/thread-self/ns/net", O_RDONLY);
	if (fd < 0)
		abort();
	return fd;
}

/* Back to a namespace that test_netns_init returned. */
static inline void test_netns_enter(int fd)
{
	if (setns(fd, CLONE_NEWNET) < 0)
		abort();
}

#endif
