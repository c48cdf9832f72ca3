/* SPDX-License-Identifier: BSD-3-Clause */
#include "claim.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>

struct claim {
	struct nft_ctx *nft;	/* whose socket owns the table */
};

/* The netdev of a packet socket device. False: another kind of device. */
static bool netdev_of(const char *device, char ifname[IF_NAMESIZE])
{
	const char *iface = strstr(device, ",iface=");
	size_t len;

	if (strncmp(device, "net_af_packet", strlen("net_af_packet")) || !iface)
		return false;
	iface += strlen(",iface=");
	len = strcspn(iface, ",");
	if (len >= IF_NAMESIZE || memchr(iface, '"', len))
		return false;
	memcpy(ifname, iface, len);
	ifname[len] = '\0';
	return true;
}

/* libnftables ends the process when it cannot open its socket: try it out. */
static bool nft_available(void)
{
	struct mnl_socket *sock = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);

	if (sock)
		mnl_socket_close(sock);
	return sock;
}

struct claim *claim_create(const char *device, char *err, size_t size)
{
	char ifname[IF_NAMESIZE], text[256];
	struct claim *c;

	err[0] = '\0';
	if (!netdev_of(device, ifname))
		return NULL;
	c = calloc(1, sizeof(*c));
	if (c && nft_available())
		c->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!c || !c->nft || nft_ctx_buffer_error(c->nft)) {
		snprintf(err, size, "the host's own stack sees what arrives at %s, too, and may answer it twice: no nftables", ifname);
		claim_destroy(c);
		return NULL;
	}
	snprintf(text, sizeof(text), "table netdev wgdp_%u { flags owner; chain ingress { type filter hook ingress device \"%s\" priority -500; policy drop; }; }",
		 if_nametoindex(ifname), ifname);
	if (nft_run_cmd_from_buffer(c->nft, text) == 0)
		return c;
	text[0] = '\0';
	snprintf(text, sizeof(text), "%s", nft_ctx_get_error_buffer(c->nft));
	text[strcspn(text, "\n")] = '\0';
	snprintf(err, size, "the host's own stack sees what arrives at %s, too, and may answer it twice: nftables: %s", ifname, text);
	claim_destroy(c);
	return NULL;
}

void claim_destroy(struct claim *c)
{
	if (c && c->nft)
		nft_ctx_free(c->nft);
	free(c);
}
