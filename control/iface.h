/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One WireGuard interface: configuration, identity, peers, ports, data path, and what the host has been told of it. Everything
 * hangs off this struct; a process may hold several. All control thread.
 */
#ifndef WGDP_IFACE_H
#define WGDP_IFACE_H

#include "conf.h"
#include "control_counters.h"
#include "dataplane.h"
#include "heap.h"
#include "hooks.h"
#include "log.h"
#include "loop.h"
#include "netif.h"
#include "noise.h"
#include "outer.h"
#include "peer.h"
#include "ratelimiter.h"
#include "resolver.h"
#include "timers.h"

enum iface_state {
	IFACE_STARTING,	/* PostUp commands run, the tunnel works */
	IFACE_UP,
	IFACE_GONE,	/* deleted by somebody, or a port failed: nothing to do but iface_down */
	IFACE_FAILED,	/* PostUp failed, likewise */
	IFACE_ENDING,	/* PreDown commands run; nothing else may end it or change its file */
};

struct lan;
struct managed;

/* Who shows the interface outside, and changes it from there (manage/). */
struct iface_manager {
	/* All is there, and the data cores are about to start. False: it must not come up; the reason has been logged. */
	bool (*starts)(struct iface *i);
	/* A round; returns when to call again (monotonic ns; now: at once). */
	uint64_t (*tick)(struct iface *i, uint64_t now);
	/* The configuration is about to change. */
	void (*changes)(struct iface *i);
	/* All of it is about to go, and iface_pre_down's commands have been run; also where starts was never called, or false. */
	void (*ends)(struct iface *i);
};

struct iface {
	const char *name;		/* ifname, or a test's */
	char ifname[CONF_IFNAME_LEN + 1];
	struct conf *conf;		/* owned */
	bool bare;			/* wg(8) and ip(8) configure it: from conf only [Dataplane] counts */
	bool up;			/* administratively: there are no handshakes, and no sessions, while it is down */
	struct loop *loop;
	enum iface_state state;
	uint64_t now;			/* monotonic, of this round of the loop */
	struct wg_times times;

	uint32_t fwmark;		/* of the outer sockets, also when the conf has none */
	struct rte_mempool *pool;
	struct port *inner;
	struct outer *outer;
	struct lan *lan;		/* NULL: none */
	struct dataplane *dp;
	struct netif *netif;
	struct hooks *post_up;		/* while they run */
	struct resolver *resolver;	/* made when the first name is seen */
	const struct iface_manager *manager;	/* NULL: none */
	void *manager_arg;
	struct managed *managed;	/* the manager's own */

	struct noise_identity identity;
	uint32_t identity_generation;	/* another with each private key */
	struct handshake_jobs *jobs;
	struct cookie_checker checker;
	struct ratelimiter *ratelimiter;
	uint64_t loaded_until_ns;	/* under load until then: one second of hysteresis */

	struct peers peers;
	struct heap deadlines;
	uint64_t resolve_at_ns;		/* unresolved names are tried again then; UINT64_MAX: there are none */
	unsigned int n_staged;		/* of all peers */
	struct cds_list_head staged_peers;	/* those that have any, who waits longest first */
	uint64_t staged_dropped;	/* while staged, beyond the cores' own counters */
	uint64_t counted[CONTROL_N];
	uint64_t started_ns;
	struct {
		struct log_limit initiation, mac, response, cookie, retry, give_up, impossible, unallowed, resolver;
	} limit;
};

struct iface_conf {
	struct conf *conf;		/* the interface's from now on, also where iface_up fails */
	bool bare;
	struct loop *loop;
	const struct iface_manager *manager;	/* NULL: none */
	void *manager_arg;
	unsigned int time_scale;
};

/*
 * Brings the interface up: PreUp, ports, data path, peers, addresses, routes, management socket; PostUp is under way then. A bare one is
 * made as wireguard-go makes it: without addresses and down. NULL: the reason has been logged, and everything undone. Peers that
 * are to be ignored are taken out of the conf. Logs "up" once PostUp is done.
 */
struct iface *iface_up(const struct iface_conf *ic);

/* Runs PreDown commands. They may use wg(8), so that rounds of the loop must include i. iface_down must follow. */
void iface_pre_down(struct iface *i);

/* Takes all of it down again (with PreDown, if that is still to be done) and frees it. Logs "down". NULL is allowed. */
void iface_down(struct iface *i);

/* Bytes of packet memory that iface_up will want, for the EAL. 0: it will fail. */
size_t iface_memory(const struct conf *conf);

/* We are not our own peer: such a [Peer] is as if it were not there (whitepaper and Linux alike), also for the routes. */
void iface_ignore_self(const struct iface *i, struct conf *conf);

/* What netif is to be told for i with this conf. endpoints: room for those of all peers, which are filled in. */
struct netif_conf iface_netif_conf(const struct iface *i, const struct conf *conf, uint32_t fwmark, struct sockaddr_storage *endpoints);

/* run.c */

/*
 * One round: events, staged packets, some handshakes, timers. True: there is more to do at once. *next: the deadline of the next
 * timer, UINT64_MAX for none.
 */
bool iface_run(struct iface *i, uint64_t now, uint64_t *next);

/* Before blocking: from now on cores ring the doorbell. True: something is there already, do not block. */
bool iface_arm(struct iface *i);
void iface_disarm(struct iface *i);

/* To be called when p's timers may have changed other than by iface_run. */
void iface_look_at(struct peer *p);

#endif
