/* SPDX-License-Identifier: BSD-3-Clause */
/* The process that runs interfaces, from DPDK's start to its end. Main thread. */
#ifndef WGDP_DAEMON_H
#define WGDP_DAEMON_H

#include <stdbool.h>

#include "conf.h"

enum { DAEMON_IFACES_MAX = 32 };

struct daemon_conf {
	struct conf *conf[DAEMON_IFACES_MAX];	/* the daemon's from daemon_run on */
	unsigned int n_conf;
	bool bare;			/* one interface, which wg(8) and ip(8) configure (iface.h) */
	bool background;		/* once everything is up (background.h) */
	unsigned int time_scale;
};

/* Runs them until a signal ends it, or the last one is gone. The exit status of the process. */
int daemon_run(const struct daemon_conf *dc);

#endif
