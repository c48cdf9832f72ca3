/* SPDX-License-Identifier: BSD-3-Clause */
#include "lan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ring_elem.h>

#include "carrier.h"
#include "claim.h"
#include "dataplane.h"
#include "log.h"
#include "nexthop.h"

enum { QUESTIONS_PER_ROUND = 64 };

struct lan {
	struct port *port;
	struct carrier carrier;
	struct claim *claim;
	struct loop *loop;
	const char *name;
	struct dataplane *dp;		/* NULL until lan_follow */
	struct nexthops *nexthops;	/* neighbours on its links */
	struct routes *routes;
};

struct port *lan_port(const struct lan *l)
{
	return l ? l->port : NULL;
}

struct lan *lan_create(const struct lan_conf *conf, char err[PORT_ERRLEN])
{
	const struct port_ethdev_conf port = {
		.device = conf->device,
		.mirror = conf->mirror,
		.n_queues = conf->n_queues,
		.pool = conf->pool,
	};
	struct lan *l = calloc(1, sizeof(*l));

	if (!l) {
		snprintf(err, PORT_ERRLEN, "no memory");
		return NULL;
	}
	l->loop = conf->loop;
	l->name = conf->name;
	l->port = port_lan_create(&port, err);
	if (l->port && carrier_init(&l->carrier, l->port, port_lan_ifindex(l->port), conf->name, err) == 0) {
		l->claim = claim_create(conf->device, err, PORT_ERRLEN);
		if (*err)
			log_line(LOG_WARN, l->name, "%s", err);
		return l;
	}
	lan_destroy(l);
	return NULL;
}

static void neighbour_changed(void *arg, struct nexthop *nh)
{
	struct lan *l = arg;

	routes_neighbour_changed(l->routes, nh);
}

static int follow_links(struct lan *l)
{
	const struct nexthops_host *host = nexthops_host(l->nexthops);
	int rc = host->present ? carrier_links(&l->carrier, port_lan_set_links(l->port, host->links, host->n_links)) : 0;

	if (rc)
		log_line(LOG_WARN, l->name, "cannot follow the LAN port's interfaces: %s", strerror(-rc));
	return rc;
}

static void links_changed(void *arg)
{
	struct lan *l = arg;

	follow_links(l);
	if (l->routes)
		routes_links_changed(l->routes);
	if (!nexthops_host(l->nexthops)->present)
		__atomic_store_n(&l->port->error, ENODEV, __ATOMIC_RELAXED);
}

static void nexthops_ready(void *arg)
{
	struct lan *l = arg;

	nexthops_process(l->nexthops);
}

static void routes_ready(void *arg)
{
	struct lan *l = arg;

	routes_process(l->routes);
}

int lan_follow(struct lan *l, struct dataplane *dp, uint32_t tunnel_ifindex, char err[PORT_ERRLEN])
{
	struct routes_conf conf = {
		.name = l->name,
		.fib = &dp->fib,
		.lan_port = l->port,
		.tunnel_ifindex = tunnel_ifindex,
	};

	l->dp = dp;
	l->nexthops = nexthops_create(port_lan_ifindex(l->port), 0, neighbour_changed, l, err);
	if (!l->nexthops)
		return -1;
	nexthops_watch_host(l->nexthops, links_changed);
	conf.lan = l->nexthops;
	snprintf(err, PORT_ERRLEN, "cannot follow the LAN port's interfaces");
	l->routes = follow_links(l) == 0 ? routes_create(&conf, err) : NULL;
	if (!l->routes)
		return -1;
	if (loop_add(l->loop, nexthops_fd(l->nexthops), nexthops_ready, l) == 0 && loop_add(l->loop, routes_fd(l->routes), routes_ready, l) == 0)
		return 0;
	snprintf(err, PORT_ERRLEN, "too many interfaces");
	return -1;
}

void lan_unfollow(struct lan *l)
{
	if (!l)
		return;
	if (l->routes)
		loop_remove(l->loop, routes_fd(l->routes));
	routes_destroy(l->routes);
	if (l->nexthops)
		loop_remove(l->loop, nexthops_fd(l->nexthops));
	nexthops_destroy(l->nexthops);
	l->routes = NULL;
	l->nexthops = NULL;
	l->dp = NULL;
}

void lan_take_out(struct lan *l)
{
	if (!l)
		return;
	lan_unfollow(l);
	port_lan_take_out(l->port);
}

void lan_destroy(struct lan *l)
{
	if (!l)
		return;
	lan_unfollow(l);
	claim_destroy(l->claim);
	carrier_fini(&l->carrier);
	if (l->port)
		l->port->ops->destroy(l->port);
	free(l);
}

static bool answer_questions(struct lan *l)
{
	struct fib_question q[QUESTIONS_PER_ROUND];
	unsigned int left, n = rte_ring_dequeue_burst_elem(l->dp->questions, q, sizeof(q[0]), QUESTIONS_PER_ROUND, &left);

	for (unsigned int k = 0; k < n; k++)
		routes_ask(l->routes, &q[k]);
	return left > 0;
}

uint64_t lan_tick(struct lan *l, uint64_t now)
{
	uint64_t next, at;

	if (!l || !l->dp)
		return UINT64_MAX;
	next = carrier_tick(&l->carrier, now);
	if (answer_questions(l))
		next = now;
	at = nexthops_tick(l->nexthops, now);
	next = at < next ? at : next;
	at = routes_tick(l->routes, now);
	return at < next ? at : next;
}

bool lan_routes_state(const struct lan *l, struct routes_state *state)
{
	if (!l || !l->routes)
		return false;
	routes_state(l->routes, state);
	return true;
}
