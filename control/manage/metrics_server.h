/* SPDX-License-Identifier: BSD-3-Clause */
/* One address on which pages of metrics are served (libmicrohttpd). Private to metrics*.c; control thread. */
#ifndef WGDP_METRICS_SERVER_H
#define WGDP_METRICS_SERVER_H

#include <sys/socket.h>
#include <urcu/list.h>

#include "metrics.h"
#include "metrics_page.h"

enum {
	SERVER_CONNECTIONS = 16,	/* at once; others wait until one of them has ended */
	SERVER_MEMORY = 32 << 10,	/* of each: a request that is larger is refused */
	SERVER_IDLE_S = 20,		/* a connection on which nothing happens ends */
	SERVER_REQUEST_S = 120,		/* so does one whose request and answer take longer altogether */
	SERVER_SHARE_MS = 100,		/* pages begun so shortly after each other have one snapshot: each costs a walk over all peers */
	SERVER_PIECE = 64 << 10,	/* bytes of pages written in a round, of all servers */
};

struct server_connection {
	int fd;				/* -1: place is free */
	uint64_t since_ns;		/* begun, or its last answer ended */
};

struct server {
	struct cds_list_head of_metrics;
	struct loop *loop;
	struct sockaddr_storage addr;
	struct MHD_Daemon *daemon;
	int epoll;			/* libmicrohttpd's; -1: none */
	bool ready;			/* something has happened there */
	uint64_t due_ns;		/* libmicrohttpd wants to be called then */
	size_t *room;			/* of SERVER_PIECE, what is left in this round */
	struct metrics_iface *ifaces;
	unsigned int n_ifaces;
	struct snapshot *snapshot;	/* the last that was taken; NULL: none, or of other interfaces */
	struct cds_list_head answers;	/* pages under way */
	struct server_connection connection[SERVER_CONNECTIONS];
};

/* Without interfaces at first. NULL: one line in err, which names the address as `host` and `port`. */
struct server *server_create(struct loop *l, const char *host, uint16_t port, const struct sockaddr_storage *addr, size_t *room,
			     char err[METRICS_ERRLEN]);
void server_destroy(struct server *s);

/* 0, or -1: no memory. */
int server_add(struct server *s, const struct iface *i, bool peers);
/* One that is there. */
void server_remove(struct server *s, const struct iface *i);
/* NULL: it is not there. */
struct metrics_iface *server_find(struct server *s, const struct iface *i);

/* Returns when to call again. */
uint64_t server_tick(struct server *s, uint64_t now);

#endif
