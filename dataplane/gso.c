/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A super-packet's headers are copied in front of each piece of its payload and then corrected; the payload is added up for the
 * transport checksum while it is copied. Called by the data core that read the packet (port_tun.c).
 *
 * The kernel leaves in the transport checksum the sum of the pseudo-header, with the length of the whole. That sum without the length is
 * kept instead of one made from the addresses, because a routing header's final destination is in it. A super-packet without it
 * (its checksums were verified by a device, not left undone) has the addresses added up here.
 */
#include "gso.h"

#include <assert.h>
#include <endian.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "checksum.h"

static uint16_t read16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void write_be16(uint8_t *p, uint16_t v)
{
	v = htons(v);
	memcpy(p, &v, sizeof(v));
}

/* One packet; with NEEDS_CSUM, its checksum covers everything from csum_start on. */
static bool begin_single(struct gso *g, const struct virtio_net_hdr *vnet)
{
	g->left = 1;
	g->max_len = g->len;
	g->kind = GSO_WHOLE;
	if (!(vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return true;
	g->kind = GSO_CHECKSUM;
	g->l4 = le16toh(vnet->csum_start);
	g->check = g->l4 + le16toh(vnet->csum_offset);
	return (uint32_t)le16toh(vnet->csum_start) + le16toh(vnet->csum_offset) + sizeof(uint16_t) <= g->len;
}

/* Where the transport header begins, by the IP header; 0: not an IP packet of `protocol`. */
static uint16_t find_transport(const struct gso *g, uint8_t protocol)
{
	const uint8_t *ip = g->data;
	const uint16_t header = (ip[0] & 0xf) * 4;

	if (g->len < sizeof(struct iphdr))
		return 0;
	if (ip[0] >> 4 == 4 && header >= sizeof(struct iphdr) && ip[offsetof(struct iphdr, protocol)] == protocol)
		return header;
	if (ip[0] >> 4 == 6 && g->len >= sizeof(struct ip6_hdr) && ip[offsetof(struct ip6_hdr, ip6_nxt)] == protocol)
		return sizeof(struct ip6_hdr);
	return 0;
}

static uint64_t sum_addresses(const uint8_t *ip)
{
	return ip[0] >> 4 == 4 ? checksum_add(0, ip + offsetof(struct iphdr, saddr), 2 * sizeof(struct in_addr)) :
				 checksum_add(0, ip + offsetof(struct ip6_hdr, ip6_src), 2 * sizeof(struct in6_addr));
}

/* Sets l4, check, pseudo. `check` is where in its header `protocol` has its checksum. */
static bool begin_transport(struct gso *g, const struct virtio_net_hdr *vnet, uint8_t protocol, uint16_t check)
{
	const bool is_v6 = g->data[0] >> 4 == 6;

	g->l4 = find_transport(g, protocol);
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		const uint16_t l4 = le16toh(vnet->csum_start);

		/* Behind IPv6 extension headers it is where the kernel says. */
		if (l4 != g->l4 && (!is_v6 || l4 < sizeof(struct ip6_hdr)))
			return false;
		if (le16toh(vnet->csum_offset) != check)
			return false;
		g->l4 = l4;
	}
	if (!g->l4 || (uint32_t)g->l4 + check + sizeof(uint16_t) > g->len)
		return false;
	g->check = g->l4 + check;
	if (vnet->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		g->pseudo = (uint64_t)read16(g->data + g->check) + (uint16_t)~htons(g->len - g->l4);
	else
		g->pseudo = sum_addresses(g->data) + checksum_pseudo(protocol, 0);
	return true;
}

/* A super-packet whose transport header, of `header` bytes, is followed by segments of gso_size bytes. */
static bool begin_segments(struct gso *g, const struct virtio_net_hdr *vnet, uint32_t header)
{
	uint32_t payload;

	g->size = le16toh(vnet->gso_size);
	if (g->size == 0 || g->l4 + header > g->len)
		return false;
	g->header = g->l4 + header;
	payload = g->len - g->header;
	g->offset = g->header;
	g->left = payload ? (payload + g->size - 1) / g->size : 1;
	g->max_len = g->header + (payload < g->size ? payload : g->size);
	return true;
}

bool gso_begin(struct gso *g, const struct virtio_net_hdr *vnet, const uint8_t *data, uint32_t len)
{
	const uint8_t type = vnet->gso_type & ~VIRTIO_NET_HDR_GSO_ECN, version = data[0] >> 4;

	*g = (struct gso){ .data = data, .len = len };
	switch (type) {
	case VIRTIO_NET_HDR_GSO_NONE:
		return begin_single(g, vnet);
	case VIRTIO_NET_HDR_GSO_TCPV4:
	case VIRTIO_NET_HDR_GSO_TCPV6:
		g->kind = GSO_TCP;
		return version == (type == VIRTIO_NET_HDR_GSO_TCPV4 ? 4 : 6) &&
		       begin_transport(g, vnet, IPPROTO_TCP, TCP_CHECK) && (data[g->l4 + TCP_DATA_OFFSET] >> 4) * 4u >= sizeof(struct tcphdr) &&
		       begin_segments(g, vnet, (data[g->l4 + TCP_DATA_OFFSET] >> 4) * 4u);
	case VIRTIO_NET_HDR_GSO_UDP_L4:
		g->kind = GSO_UDP;
		return (version == 4 || version == 6) && begin_transport(g, vnet, IPPROTO_UDP, UDP_CHECK) &&
		       begin_segments(g, vnet, sizeof(struct udphdr));
	default:
		return false;
	}
}

static void finish_ip(uint8_t *ip, uint16_t ip_header, uint32_t len, uint32_t index)
{
	if (ip[0] >> 4 == 6) {
		write_be16(ip + offsetof(struct ip6_hdr, ip6_plen), len - sizeof(struct ip6_hdr));
		return;
	}
	write_be16(ip + offsetof(struct iphdr, tot_len), len);
	write_be16(ip + offsetof(struct iphdr, id), ntohs(read16(ip + offsetof(struct iphdr, id))) + index);
	memset(ip + offsetof(struct iphdr, check), 0, sizeof(uint16_t));
	checksum_store(ip + offsetof(struct iphdr, check), checksum_add(0, ip, ip_header));
}

static void finish_tcp(uint8_t *tcp, uint32_t passed, bool first, bool last)
{
	uint32_t seq;

	memcpy(&seq, tcp + offsetof(struct tcphdr, seq), sizeof(seq));
	seq = htonl(ntohl(seq) + passed);
	memcpy(tcp + offsetof(struct tcphdr, seq), &seq, sizeof(seq));
	if (!last)
		tcp[TCP_FLAGS] &= ~(TH_FIN | TH_PUSH);
	if (!first)
		tcp[TCP_FLAGS] &= ~TH_CWR;
}

static uint32_t cut_segment(struct gso *g, uint8_t *to)
{
	const uint32_t passed = g->offset - g->header, payload = g->left == 1 ? g->len - g->offset : g->size;
	const uint32_t len = g->header + payload, l4_len = len - g->l4;
	uint64_t sum = g->pseudo + htons(l4_len);

	memcpy(to, g->data, g->header);
	finish_ip(to, g->l4, len, passed / g->size);
	if (g->kind == GSO_TCP)
		finish_tcp(to + g->l4, passed, passed == 0, g->left == 1);
	else
		write_be16(to + g->l4 + offsetof(struct udphdr, len), l4_len);
	memset(to + g->check, 0, sizeof(uint16_t));
	sum = checksum_add(sum, to + g->l4, g->header - g->l4);
	sum = checksum_copy(sum, to + g->header, g->data + g->offset, payload);
	checksum_store(to + g->check, sum);
	g->offset += payload;
	return len;
}

/* In UDP a checksum of 0 would say that there is none (RFC 768); in TCP both mean the same, and the kernel sends 0. */
static void avoid_zero(uint8_t *check)
{
	if (check[0] == 0 && check[1] == 0)
		memset(check, 0xff, sizeof(uint16_t));
}

uint32_t gso_cut(struct gso *g, uint8_t *to)
{
	uint32_t len = g->len;

	assert(g->left > 0);
	switch (g->kind) {
	case GSO_WHOLE:
		memcpy(to, g->data, len);
		break;
	case GSO_CHECKSUM:
		memcpy(to, g->data, g->l4);
		checksum_store(to + g->check, checksum_copy(0, to + g->l4, g->data + g->l4, len - g->l4));
		avoid_zero(to + g->check);
		break;
	case GSO_UDP:
		len = cut_segment(g, to);
		avoid_zero(to + g->check);
		break;
	default:
		len = cut_segment(g, to);
	}
	g->left--;
	return len;
}
