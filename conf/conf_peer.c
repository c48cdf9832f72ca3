/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_peer.h"

#include <string.h>

#include "conf_mem.h"
#include "conf_name.h"

void conf_peer_free(struct conf_peer *peer)
{
	if (peer->name)
		conf_mem_free(peer->name, strlen(peer->name));
	if (peer->endpoint.host)
		conf_mem_free(peer->endpoint.host, strlen(peer->endpoint.host));
	conf_mem_free(peer->allowed_ips, peer->n_allowed_ips * sizeof(*peer->allowed_ips));
	explicit_bzero(peer, sizeof(*peer));
}

bool conf_peer_open(struct conf_parser *p)
{
	struct conf_peer *peer = conf_mem_append(&p->conf->peers, &p->conf->n_peers, sizeof(*peer));

	if (!peer) {
		conf_fault_memory(p);
		return false;
	}
	peer->line = p->line;
	p->peer = peer;
	p->written = (struct conf_written){ 0 };
	p->comment = (struct conf_text){ 0 };
	return true;
}

void conf_peer_comment(struct conf_parser *p, struct conf_text comment)
{
	if (p->peer && !p->peer->name && p->comment.len == 0)
		p->comment = conf_name_find(comment);
}

void conf_peer_key(struct conf_parser *p)
{
	if (!p->peer || p->peer->name || p->comment.len == 0)
		return;
	p->peer->name = conf_mem_string(p->comment.s, p->comment.len);
	if (!p->peer->name)
		conf_fault_memory(p);
}

void conf_peer_heading(struct conf_parser *p, struct conf_text comment)
{
	conf_peer_comment(p, comment);
	conf_peer_key(p);
}

/* `old` is left without a line, which marks the gap. */
static void peer_replace(struct conf_parser *p, struct conf_peer *old)
{
	unsigned int line = p->line;

	p->line = p->peer->line;
	conf_warn(p, "[Peer]: the same peer as at line %u; "
		     "its AllowedIPs there are replaced by those here", old->line);
	p->line = line;

	if (!p->written.preshared_key)
		memcpy(p->peer->preshared_key, old->preshared_key, CONF_KEY_LEN);
	if (!p->written.persistent_keepalive)
		p->peer->persistent_keepalive = old->persistent_keepalive;
	if (!p->peer->name) {
		p->peer->name = old->name;
		old->name = NULL;
	}
	if (!p->written.endpoint) {
		p->peer->endpoint = old->endpoint;
		old->endpoint.host = NULL;
	}
	conf_peer_free(old);
}

void conf_peer_close(struct conf_parser *p)
{
	struct conf *c = p->conf;
	size_t old;

	if (!p->peer)
		return;
	if (!p->written.public_key) {
		conf_peer_free(p->peer);
	} else if (!conf_index_put(&p->index, c->peers, (size_t)(p->peer - c->peers), &old)) {
		conf_fault_memory(p);
	} else if (old != SIZE_MAX) {
		peer_replace(p, &c->peers[old]);
	}
	p->peer = NULL;
}

void conf_peer_pack(struct conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (c->peers[i].line == 0)
			continue;
		if (n != i) {
			c->peers[n] = c->peers[i];
			explicit_bzero(&c->peers[i], sizeof(c->peers[i]));
		}
		n++;
	}
	c->n_peers = n;
}
