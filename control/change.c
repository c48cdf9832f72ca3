/* SPDX-License-Identifier: BSD-3-Clause */
/* Collecting a change: two arrays that grow. */
#include "change.h"

#include <assert.h>
#include <string.h>

#include <openssl/crypto.h>

#include "pages.h"

void change_init(struct change *c)
{
	memset(c, 0, sizeof(*c));
}

/* Room for one more behind the n there are; *room counts bytes. */
static bool reserve(void **array, size_t n, size_t size, size_t *room)
{
	void *grown;

	if ((n + 1) * size <= *room)
		return true;
	grown = pages_grow(*array, room);
	if (grown)
		*array = grown;
	return grown != NULL;
}

void change_fini(struct change *c)
{
	pages_free(c->peers, c->n_peers * sizeof(c->peers[0]), c->room_peers);
	pages_free(c->ips, c->n_ips * sizeof(c->ips[0]), c->room_ips);
	OPENSSL_cleanse(c, sizeof(*c));
}

struct change_peer *change_add_peer(struct change *c, const uint8_t public_key[WG_KEY_LEN])
{
	void *peers = c->peers;
	struct change_peer *p;

	if (!reserve(&peers, c->n_peers, sizeof(*p), &c->room_peers))
		return NULL;
	c->peers = peers;
	p = &c->peers[c->n_peers++];
	memset(p, 0, sizeof(*p));
	memcpy(p->public_key, public_key, WG_KEY_LEN);
	p->first_ip = c->n_ips;
	return p;
}

bool change_add_ip(struct change *c, int family, const void *addr, uint8_t cidr, bool remove)
{
	void *ips = c->ips;
	struct change_ip *ip;

	assert(c->n_peers && cidr <= (family == AF_INET ? 32 : 128));
	if (!reserve(&ips, c->n_ips, sizeof(*ip), &c->room_ips))
		return false;
	c->ips = ips;
	ip = &c->ips[c->n_ips++];
	memset(ip, 0, sizeof(*ip));
	ip->family = (uint8_t)family;
	ip->cidr = cidr;
	ip->remove = remove;
	memcpy(ip->addr, addr, (cidr + 7) / 8);
	if (cidr % 8)
		ip->addr[cidr / 8] &= (uint8_t)(0xff00 >> cidr % 8);
	c->peers[c->n_peers - 1].n_ips++;
	return true;
}
