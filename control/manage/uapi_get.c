/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A piece is made of units that are never split: the interface's lines, a peer's lines up to its prefixes, and each prefix. None is longer
 * than UAPI_GET_MIN, so a unit is begun only where there is room for that. Written by hand: printf would be most of the time that 100,000
 * peers take. Control thread.
 */
#include "uapi_get.h"

#include <assert.h>
#include <string.h>

#include "conf.h"
#include "iface.h"
#include "protocol.h"
#include "uapi_text.h"

/* A line is at most this with a key's name: "persistent_keepalive_interval=" and 64 digits. */
_Static_assert(UAPI_GET_MIN >= 10 * (32 + UAPI_KEY_LEN) && (int)CONF_NAME_LEN <= (int)UAPI_KEY_LEN, "a peer's lines fit");

static char *put(char *out, const char *text)
{
	size_t len = strlen(text);

	memcpy(out, text, len);
	return out + len;
}

static char *put_key(char *out, const char *name, const uint8_t key[WG_KEY_LEN])
{
	out = uapi_put_key(put(out, name), key);
	*out++ = '\n';
	return out;
}

static char *put_number(char *out, const char *name, uint64_t n)
{
	out = uapi_put_number(put(out, name), n);
	*out++ = '\n';
	return out;
}

static char *put_head(char *out, const struct iface *i)
{
	uint16_t port = outer_listen_port(i->outer);

	if (i->identity.valid)
		out = put_key(out, "private_key=", i->identity.private_key);
	if (port)
		out = put_number(out, "listen_port=", port);
	if (i->fwmark)
		out = put_number(out, "fwmark=", i->fwmark);
	return out;
}

static char *put_name(char *out, const char *name)
{
	assert(strlen(name) <= CONF_NAME_LEN);
	out = put(put(out, "name="), name);
	*out++ = '\n';
	return out;
}

static char *put_peer(char *out, const struct peer *p, bool names)
{
	out = put_key(out, "public_key=", p->remote.public_key);
	if (names && p->label)
		out = put_name(out, p->label);
	out = put_key(out, "preshared_key=", p->remote.preshared_key);
	out = put(out, "protocol_version=1\n");
	if (p->endpoint.remote.sa.sa_family != AF_UNSPEC) {
		out = uapi_put_endpoint(put(out, "endpoint="), &p->endpoint);
		*out++ = '\n';
	}
	out = put_number(out, "last_handshake_time_sec=", (uint64_t)p->last_handshake.tv_sec);
	out = put_number(out, "last_handshake_time_nsec=", (uint64_t)p->last_handshake.tv_nsec);
	out = put_number(out, "tx_bytes=", counters_read(&p->dp.tx_bytes));
	out = put_number(out, "rx_bytes=", counters_read(&p->dp.rx_bytes));
	return put_number(out, "persistent_keepalive_interval=", p->timers.persistent_interval / WG_NS_PER_SEC);
}

static char *put_prefix(char *out, const struct allowedips_prefix *a)
{
	out = uapi_put_address(put(out, "allowed_ip="), a->family, a->addr);
	*out++ = '/';
	out = uapi_put_number(out, a->cidr);
	*out++ = '\n';
	return out;
}

/* The prefix after `at`, the first after the list's head. NULL: there is none. */
static const struct allowedips_prefix *prefix_after(const struct peer *p, const struct cds_list_head *at)
{
	return at->next == &p->allowedips.prefixes ? NULL : caa_container_of(at->next, struct allowedips_prefix, of_owner);
}

static void go_to_peer(struct uapi_get *g, const struct peer *p)
{
	g->peer = p;
	g->state = p ? UAPI_GET_PEER : UAPI_GET_END;
}

static void go_to_prefix(struct uapi_get *g, const struct allowedips_prefix *a)
{
	g->prefix = a;
	g->state = UAPI_GET_PREFIXES;
	if (!a)
		go_to_peer(g, peers_next(&g->iface->peers, g->peer));
}

static char *put_unit(struct uapi_get *g, char *out)
{
	switch (g->state) {
	case UAPI_GET_HEAD:
		out = put_head(out, g->iface);
		go_to_peer(g, peers_next(&g->iface->peers, NULL));
		break;
	case UAPI_GET_PEER:
		out = put_peer(out, g->peer, g->names);
		go_to_prefix(g, prefix_after(g->peer, &g->peer->allowedips.prefixes));
		break;
	case UAPI_GET_PREFIXES:
		out = put_prefix(out, g->prefix);
		go_to_prefix(g, prefix_after(g->peer, &g->prefix->of_owner));
		break;
	case UAPI_GET_END:
		out = put(out, "errno=0\n\n");
		g->state = UAPI_GET_DONE;
		break;
	case UAPI_GET_DONE:
		break;
	}
	return out;
}

void uapi_get_init(struct uapi_get *g, const struct iface *iface, bool names)
{
	*g = (struct uapi_get){ .iface = iface, .names = names, .state = UAPI_GET_HEAD };
}

size_t uapi_get_piece(struct uapi_get *g, char *out, size_t size)
{
	char *at = out, *last = out + size - UAPI_GET_MIN;

	while (at <= last && g->state != UAPI_GET_DONE)
		at = put_unit(g, at);
	return (size_t)(at - out);
}

bool uapi_get_same(const struct uapi_get *a, const struct uapi_get *b)
{
	return a->names == b->names && a->state == b->state && a->peer == b->peer &&
	       (a->state != UAPI_GET_PREFIXES || a->prefix == b->prefix);
}
