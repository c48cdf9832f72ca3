/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by routes.c (when what is due), routes_prefixes.c (which prefixes there are), routes_verdicts.c (what they lead to), routes_survey.c (whether destinations
 * are all that decides) and routes_kernel.c (netlink). Control thread.
 */
#ifndef WGDP_ROUTES_INTERNAL_H
#define WGDP_ROUTES_INTERNAL_H

#include <netinet/in.h>
#include <urcu/list.h>

#include "netlink.h"
#include "routes.h"

#define ROUTES_MS 1000000ull
#define ROUTES_S (1000 * ROUTES_MS)

/* To a neighbour, for all prefixes that it leads from. */
struct way {
	struct fib_way fib;		/* the cores' */
	size_t refs;			/* entries that publish it, and its hop */
};

/* A neighbour that at least one prefix leads to; the only one of its nexthop's users. */
struct hop {
	struct cds_list_head list;	/* in routes.hops, .hops_stale or .hops_late */
	struct cds_list_head of_nexthop;
	struct cds_list_head users;	/* judgements whose prefix has the way below */
	struct cds_list_head late;	/* those that still have an older one */
	struct nexthop *nexthop;
	uint32_t ifindex;
	struct way *way;		/* NULL: not known */
};

/* How a prefix got its verdict for one direction: to ask the same again. */
struct judgement {
	struct cds_list_head queue;	/* in routes.judged or .again */
	struct cds_list_head of_hop;	/* in hop->users or ->late */
	struct prefix *prefix;
	struct hop *hop;		/* FIB_LAN; or NULL */
	struct way *way;		/* that the prefix publishes; or NULL */
	uint64_t used_at;		/* of a host: when it was last found used */
	struct fib_question q;
};

struct prefix {
	struct fib_entry entry;
	union {
		struct cds_list_head list;	/* in routes.seen, .unseen, or .hosts */
		struct rcu_head rcu;		/* when it is no more */
	};
	struct judgement *judged[FIB_FROM_N];	/* NULL: FIB_ASK */
	uint32_t rules;			/* that have it as destination, the survey's count */
	uint32_t generation;		/* of the dump that saw it, or the one after which it was told */
	uint8_t addr[16];
	uint8_t family, len;
	bool route : 1;			/* some table has it, or had it when last heard of */
	bool host : 1;			/* a neighbour on the LAN, within an on-link prefix */
	bool odd : 1;			/* a route that does not go by destination alone */
	bool busy : 1;			/* a host's: its used bit was found set and cleared since it was last looked at */
};

/* The destinations of a route or rule: host bits are zero. */
struct dest {
	uint8_t family, len, addr[16];
};

struct dests {
	struct dest *v;
	size_t n, room;
};

enum { DUMP_BITS = 1 << 20 };

enum dump_state { DUMP_NONE, DUMP_IPV4, DUMP_IPV6, DUMP_DRAIN, DUMP_SWEEP };

/* Reading all routes: started by routes.c, a part a tick. */
struct dump {
	struct netlink nl;
	enum dump_state state;
	bool whole[2];			/* IPv4, IPv6: nothing can have slipped through */
	const char *failed;		/* why a prefix that it told of is not in the fib */
	/* IPv4 base addresses, hashed: where the kernel paused, and where routes went */
	uint64_t paused[DUMP_BITS / 64], gone[DUMP_BITS / 64];
};

struct routes {
	struct routes_conf conf;
	uint64_t now;
	struct netlink talk, notify;

	struct cds_list_head seen, unseen;	/* prefixes of routes and rules: by this dump (or since), or the one before */
	struct cds_list_head hosts;		/* by used_at */
	size_t n_prefixes, n_hosts, n_odd;
	uint32_t generation;
	char odd[ROUTES_ERRLEN];		/* the last odd one, for people */

	struct dump dump;
	uint64_t dump_due, dump_earliest;	/* dump_due 0: none */
	uint64_t changed_at;			/* the last notification of a route; 0: none yet */
	unsigned int dump_failures;		/* in a row */
	size_t stale;				/* routes that went, whose prefixes are kept until the next dump, due at: */
	uint64_t stale_due;			/* 0: to be set by the next tick */
	bool ready;				/* there was a dump that was whole */
	bool lost;				/* notifications, since the last such dump */
	/*
	 * They are being lost: until the socket has been read empty, since the kernel says so for the first one alone. What it is asked before that may be out of date
	 * unnoticed.
	 */
	bool overrun;
	uint64_t resyncs;
	const char *incomplete;			/* why prefixes are missing, or NULL */

	struct dests rules;
	bool surveyed, survey_wanted;
	uint64_t survey_earliest;
	bool forwarding6;			/* the survey's */
	char survey[ROUTES_ERRLEN];		/* why destinations do not decide alone; "": they do */
	char off[ROUTES_ERRLEN];		/* why the fib is off; "": it is on */
	bool told;				/* the log has said that it is off */

	struct cds_list_head judged, again;	/* judgements: settled, and to be asked again */
	size_t n_judged;
	bool dirty;
	uint64_t dirty_due, dirty_earliest;
	struct cds_list_head hops, hops_stale, hops_late;	/* stale: the way is to be made anew; late: to be published */
};

/* routes.c */

/* Something has changed: verdicts are to be asked for again. */
void routes_touch(struct routes *r);
/* A dump of all routes at that time, or before. */
void routes_want_dump(struct routes *r, uint64_t at);
/* The LAN's link of that ifindex, or vid; NULL: none. */
const struct port_link *routes_link(const struct routes *r, uint32_t ifindex);
const struct port_link *routes_link_by_vid(const struct routes *r, uint16_t vid);

/* routes_prefixes.c */

/* Some route has the prefix. `odd`: why it does not go by destination alone, or NULL. */
void prefix_see(struct routes *r, const struct dest *at, const char *odd);
/* A route with it went: it stays until a dump misses it. */
void prefix_lost_route(struct routes *r, const struct dest *at);
/* One more rule has it as destination, or one less. */
void prefix_add_rule(struct routes *r, const struct dest *at);
void prefix_del_rule(struct routes *r, const struct dest *at);
/* A host prefix; it is to be judged at once. NULL: there are too many of them that are in use, or no memory. */
struct prefix *prefix_add_host(struct routes *r, uint8_t family, const uint8_t *addr);
void prefix_del_host(struct routes *r, struct prefix *p);
/* Hosts that nobody uses. Returns when the next may be due. */
uint64_t prefixes_age_hosts(struct routes *r);
/* Marks all as unseen; and takes what still is so for gone, a part at a time: true when done. */
void prefixes_begin_dump(struct routes *r);
bool prefixes_sweep(struct routes *r);
void prefixes_free(struct routes *r);

static inline bool prefix_is_host_long(const struct prefix *p)
{
	return p->len == (p->family == AF_INET6 ? 128 : 32);
}

/* routes_verdicts.c */

void verdict_ask(struct routes *r, const struct fib_question *q);
/* The verdict is not known any more. */
void verdict_forget(struct routes *r, struct prefix *p, enum fib_from from);
/* A prefix that is to come: what an address of it said for the prefix above it is not known any more. */
void verdicts_split(struct routes *r, const struct dest *at);
/* A part of those to be asked for again. */
void verdicts_again(struct routes *r);
/* A part of the ways that have changed. */
void hops_tick(struct routes *r);
/* Is a packet going by any of its verdicts since last asked? */
bool prefix_was_used(struct prefix *p, enum fib_from from);

/* routes_survey.c: rules, forwarding and links. False: the kernel could not be asked. */
bool survey(struct routes *r);

/* routes_kernel.c */

/* What the kernel does with a packet. */
struct outcome {
	enum fib_verdict verdict;	/* FIB_ASK: the answer is for this source alone */
	uint32_t link;			/* FIB_LAN: ifindex */
	struct in6_addr gateway;	/* FIB_LAN: IPv4 mapped */
	bool on_link;			/* the gateway is the destination */
};

int routes_kernel_open(struct routes *r);
void routes_kernel_close(struct routes *r);
void routes_kernel_ask(struct routes *r, const struct fib_question *q, struct outcome *out);
/* Notifications, a bounded number; false: there may be more. */
bool routes_kernel_read(struct routes *r);
/* Begins to read all routes of a family; -errno. */
int routes_kernel_dump(struct routes *r, uint8_t family);
/* A part of them. 0: not at the end; 1: at the end; -errno. */
int routes_kernel_dump_step(struct routes *r);

#endif
