/* SPDX-License-Identifier: BSD-3-Clause */
#include "roam.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "handshake.h"
#include "keypairs.h"
#include "protocol.h"

enum { RESOLVE_AGAIN_AFTER = 3 };		/* initiations without an answer */
#define RESOLVE_INTERVAL_NS (10 * WG_NS_PER_SEC)	/* between two lookups of a name */

/* p is there: go on with what waited for it. */
static void found(struct peer *p, const struct endpoint *ep)
{
	const bool same = endpoint_same_remote(ep, &p->endpoint);

	if (!same) {
		outer_set_endpoint(p->iface->outer, p, ep, NULL);
		p->initiation_ns = 0;	/* the last went to another address */
	}
	/* Under way to another address, or there is something for it to wait for: not for one with a session, which goes on with it. */
	if (p->timers.attempt_ns ? !same : !keypairs_usable(p) && (p->n_staged || p->timers.persistent_interval))
		handshake_initiate_soon(p);
	else
		iface_look_at(p);
}

static void resolved(struct peer *p, const struct sockaddr_storage *ss)
{
	struct endpoint ep = { .local_ifindex = 0 };

	memcpy(&ep.remote, ss, ss->ss_family == AF_INET ? sizeof(ep.remote.v4) : sizeof(ep.remote.v6));
	found(p, &ep);
}

static void resolver_ready(void *arg)
{
	struct iface *i = arg;
	struct sockaddr_storage ss;
	void *cookie;
	int error;

	i->now = dataplane_now();
	while (resolver_next(i->resolver, &cookie, &ss, &error)) {
		struct peer *p = cookie;
		bool known = p->name.answered;
		struct endpoint before = p->endpoint;

		p->name.looking = false;
		if (error) {
			log_limited(&i->limit.resolver, i->now, LOG_WARN, i->name, "Endpoint %s of peer %s: %s, trying again", p->name.host, p->short_key,
				 gai_strerror(error));
			if (!known && i->resolve_at_ns == UINT64_MAX)
				i->resolve_at_ns = i->now + RESOLVE_INTERVAL_NS;
			continue;
		}
		p->name.answered = true;
		resolved(p, &ss);
		if (known && !endpoint_same_remote(&before, &p->endpoint)) {
			char to[ENDPOINT_STRLEN];

			log_line(LOG_NOTICE, i->name, "Endpoint %s of peer %s is %s now", p->name.host, p->short_key,
				 endpoint_format(&p->endpoint, to));
		}
	}
}

static bool make_resolver(struct iface *i)
{
	struct resolver *r = resolver_create();

	if (r && loop_add(i->loop, resolver_fd(r), resolver_ready, i) == 0) {
		i->resolver = r;
		return true;
	}
	resolver_destroy(r);
	return false;
}

static bool look_up(struct peer *p)
{
	struct iface *i = p->iface;

	if (!i->resolver && !make_resolver(i))
		return false;
	p->name.looked_ns = i->now;
	p->name.looking = resolver_submit(i->resolver, p, p->name.host, p->name.port) == 0;
	return p->name.looking;
}

void roam_forget_name(struct peer *p)
{
	if (p->name.looking)
		resolver_cancel(p->iface->resolver, p);
	free(p->name.host);
	memset(&p->name, 0, sizeof(p->name));
}

void roam_set_address(struct peer *p, const struct endpoint *ep)
{
	struct endpoint remote = { .local_ifindex = 0 };

	roam_forget_name(p);
	remote.remote = ep->remote;
	if (remote.remote.sa.sa_family != AF_UNSPEC) {
		found(p, &remote);
		return;
	}
	outer_forget(p->iface->outer, p);
	p->endpoint = remote;
}

void roam_set_name(struct peer *p, char *host, uint16_t port)
{
	roam_forget_name(p);
	p->name.host = host;
	p->name.port = port;
	if (!look_up(p) && p->iface->resolve_at_ns == UINT64_MAX)
		p->iface->resolve_at_ns = p->iface->now + RESOLVE_INTERVAL_NS;
}

void roam_resolve_again(struct peer *p)
{
	if (p->name.host && !p->name.looking && p->attempts >= RESOLVE_AGAIN_AFTER &&
	    p->iface->now - p->name.looked_ns >= p->iface->times.rekey_timeout)
		look_up(p);
}

void roam_forget_source(struct peer *p)
{
	struct endpoint ep = p->endpoint;

	if (ep.remote.sa.sa_family == AF_UNSPEC)
		return;
	memset(&ep.local, 0, sizeof(ep.local));
	ep.local_ifindex = 0;
	outer_set_endpoint(p->iface->outer, p, &ep, NULL);
}

uint64_t roam_tick(struct iface *i)
{
	if (i->now < i->resolve_at_ns)
		return i->resolve_at_ns;
	i->resolve_at_ns = UINT64_MAX;
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));) {
		if (!p->name.host || p->name.looking || p->name.answered)
			continue;
		if (!look_up(p))
			i->resolve_at_ns = i->now + RESOLVE_INTERVAL_NS;
	}
	return i->resolve_at_ns;
}
