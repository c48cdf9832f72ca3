/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The descriptors that a DPDK driver opened for itself. Drivers do not give them out, and we need
 * them: a data core that sleeps has to wait on the driver's sockets, a filter on them keeps the
 * host's other traffic away, and DPDK 22.11's af_xdp driver leaves sockets, program and maps open
 * when it is closed. They are found as what is new in /proc/self/fd; only AF_PACKET and AF_XDP
 * sockets and BPF objects are counted, so that what other threads open meanwhile is left alone.
 * Without /proc there are none: no sleep, no filter. Control thread. Private to dataplane/.
 */
#ifndef WGDP_ETHDEV_FDS_H
#define WGDP_ETHDEV_FDS_H

#include <stddef.h>
#include <sys/types.h>

struct driver_fd {
	int fd;
	int domain;		/* AF_PACKET, AF_XDP; 0: a BPF object */
	dev_t dev;
	ino_t ino;
};

struct driver_fds {
	struct driver_fd *v;	/* in the order in which they were opened */
	size_t n;
};

/*
 * What is open now: the start of a list that ends in -1; NULL if it cannot be told. For fds_after.
 */
int *fds_before(void);

/* Adds what was opened since; frees `before`, which may be NULL. */
void fds_after(struct driver_fds *d, int *before);

/* The i-th socket, from 0; -1: there are not as many. */
int fds_socket(const struct driver_fds *d, size_t i);

/* Closes what the driver, now closed, has left open, and unmaps its rings. */
void fds_close(struct driver_fds *d);

#endif
