/* SPDX-License-Identifier: BSD-3-Clause */
/* A change as the lines of UAPI that ask for it, so that changes can be compared, and read once more. */
#ifndef WGDP_TEST_CHANGE_TEXT_H
#define WGDP_TEST_CHANGE_TEXT_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "change.h"
#include "endpoint.h"

static inline void change_print_key(FILE *out, const char *name, const uint8_t key[WG_KEY_LEN])
{
	fprintf(out, "%s=", name);
	for (unsigned int i = 0; i < WG_KEY_LEN; i++)
		fprintf(out, "%02x", key[i]);
	fputc('\n', out);
}

static inline void change_print_peer(FILE *out, const struct change *c, const struct change_peer *p)
{
	char text[ENDPOINT_STRLEN];

	change_print_key(out, "public_key", p->public_key);
	if (p->flags & CHANGE_UPDATE_ONLY)
		fputs("update_only=true\n", out);
	if (p->flags & CHANGE_REMOVE)
		fputs("remove=true\n", out);
	if (p->flags & CHANGE_PRESHARED_KEY)
		change_print_key(out, "preshared_key", p->preshared_key);
	if (p->flags & CHANGE_ENDPOINT)
		fprintf(out, "endpoint=%s\n", endpoint_format(&p->endpoint, text));
	if (p->flags & CHANGE_KEEPALIVE)
		fprintf(out, "persistent_keepalive_interval=%u\n", p->keepalive);
	if (p->flags & CHANGE_REPLACE_ALLOWED_IPS)
		fputs("replace_allowed_ips=true\n", out);
	for (size_t i = 0; i < p->n_ips; i++) {
		const struct change_ip *ip = &c->ips[p->first_ip + i];

		fprintf(out, "allowed_ip=%s%s/%u\n", ip->remove ? "-" : "",
			inet_ntop(ip->family, ip->addr, text, sizeof(text)), ip->cidr);
	}
}

/* The caller frees it. */
static inline char *change_print(const struct change *c)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	if (c->has_private_key)
		change_print_key(out, "private_key", c->private_key);
	if (c->has_listen_port)
		fprintf(out, "listen_port=%u\n", c->listen_port);
	if (c->has_fwmark)
		fprintf(out, "fwmark=%u\n", c->fwmark);
	if (c->replace_peers)
		fputs("replace_peers=true\n", out);
	for (size_t i = 0; i < c->n_peers; i++)
		change_print_peer(out, c, &c->peers[i]);
	fputc('\n', out);
	fclose(out);
	return text;
}

#endif
