/* SPDX-License-Identifier: BSD-3-Clause */
#include "listing.h"

#include <string.h>

#include <openssl/crypto.h>

#include "iface.h"
#include "protocol.h"

static bool same_string(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* The same prefixes in the same order. */
static bool same_ips(const struct peer *p, const struct conf_peer *l)
{
	const struct allowedips_prefix *a;
	size_t k = 0;

	if (p->allowedips.n != l->n_allowed_ips)
		return false;
	cds_list_for_each_entry(a, &p->allowedips.prefixes, of_owner) {
		const struct conf_prefix *b = &l->allowed_ips[k++];

		if (a->family != b->family || a->cidr != b->cidr ||
		    memcmp(a->addr, b->addr.bytes, a->family == AF_INET ? 4 : 16) != 0)
			return false;
	}
	return true;
}

static bool same_endpoint(const struct conf_peer *before, const struct conf_peer *l)
{
	return same_string(before->endpoint.host, l->endpoint.host) &&
	       (!l->endpoint.host || before->endpoint.port == l->endpoint.port);
}

/* Which settings differ, as enum change_peer_flags. p == NULL: all that are not the default. */
static unsigned int differences(const struct peer *p, const struct conf_peer *l)
{
	static const uint8_t none[WG_KEY_LEN];
	unsigned int flags = 0;

	if (CRYPTO_memcmp(l->preshared_key, p ? p->remote.preshared_key : none, WG_KEY_LEN) != 0)
		flags |= CHANGE_PRESHARED_KEY;
	if (l->persistent_keepalive * WG_NS_PER_SEC != (p ? p->timers.persistent_interval : 0))
		flags |= CHANGE_KEEPALIVE;
	if (!same_string(l->name, p ? p->label : NULL))
		flags |= CHANGE_LABEL;
	if (p && p->listed ? !same_endpoint(p->listed, l) : l->endpoint.host != NULL)
		flags |= CHANGE_ENDPOINT;
	if (p ? !same_ips(p, l) : l->n_allowed_ips > 0)
		flags |= CHANGE_REPLACE_ALLOWED_IPS;
	return flags;
}

static void endpoint_change(struct change_peer *e, const struct conf_endpoint *ep)
{
	struct sockaddr_storage ss;

	if (!ep->host)
		return;
	if (resolver_numeric(ep->host, ep->port, &ss)) {
		memcpy(&e->endpoint.remote, &ss, ss.ss_family == AF_INET ? sizeof(e->endpoint.remote.v4) : sizeof(e->endpoint.remote.v6));
		return;
	}
	e->host = ep->host;
	e->port = ep->port;
}

static bool peer_change(struct change *c, struct iface *i, const struct conf_peer *l)
{
	struct peer *p = peers_find(&i->peers, l->public_key);
	const unsigned int flags = differences(p, l);
	struct change_peer *e;

	if (p)
		p->listing = l;
	if (p && !flags)
		return true;
	e = change_add_peer(c, l->public_key);
	if (!e)
		return false;
	e->flags = flags;
	memcpy(e->preshared_key, l->preshared_key, WG_KEY_LEN);
	e->keepalive = l->persistent_keepalive;
	e->label = l->name;
	endpoint_change(e, &l->endpoint);
	for (size_t k = 0; (flags & CHANGE_REPLACE_ALLOWED_IPS) && k < l->n_allowed_ips; k++) {
		const struct conf_prefix *a = &l->allowed_ips[k];

		if (!change_add_ip(c, a->family, a->addr.bytes, a->cidr, false))
			return false;
	}
	return true;
}

bool listing_change(struct change *c, struct iface *i, const struct conf *conf, uint32_t fwmark)
{
	struct change_peer *e;

	c->has_private_key = true;
	memcpy(c->private_key, conf->private_key, WG_KEY_LEN);
	c->has_fwmark = true;
	c->fwmark = fwmark;
	if (conf->listen_port && conf->listen_port != outer_listen_port(i->outer)) {
		c->has_listen_port = true;
		c->listen_port = conf->listen_port;
	}
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));)
		p->listing = NULL;
	for (size_t k = 0; k < conf->n_peers; k++)
		if (!peer_change(c, i, &conf->peers[k]))
			return false;
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));) {
		if (p->listing)
			continue;
		e = change_add_peer(c, p->remote.public_key);
		if (!e)
			return false;
		e->flags = CHANGE_REMOVE;
	}
	return true;
}

void listing_adopt(struct iface *i, struct conf *conf)
{
	for (size_t k = 0; k < conf->n_peers; k++) {
		struct peer *p = peers_find(&i->peers, conf->peers[k].public_key);

		if (p)
			p->listed = &conf->peers[k];
	}
	conf_forget_keys(conf);
}
