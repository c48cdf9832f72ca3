/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A burst on its way to a tun descriptor: each packet is looked at once for its flow and lengths (`parse`), then compared with the
 * last one of its flow's open super-packet (`append`). Checksums are verified when a packet is about to be merged and not before:
 * one that stays alone is the host's to verify. Called by the data core that writes to the descriptor (port_tun.c).
 */
#include "gro.h"

#include <assert.h>
#include <endian.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "checksum.h"

enum {
	IPV4_NO_OPTIONS = 0x45,		/* version and header length */
	IPV4_FRAGMENT = IP_MF | IP_OFFMASK,
	SUPER_MAX = 65535,
};

static uint16_t read_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t read_be32(const uint8_t *p)
{
	return (uint32_t)read_be16(p) << 16 | read_be16(p + 2);
}

static void write_be16(uint8_t *p, uint16_t v)
{
	p[0] = v >> 8;
	p[1] = v & 0xff;
}

static bool is_v4(const struct gro_packet *p)
{
	return p->data[0] == IPV4_NO_OPTIONS;
}

/* The addresses, `*len` bytes of them, source and destination. */
static const uint8_t *addresses(const struct gro_packet *p, size_t *len)
{
	*len = is_v4(p) ? 2 * sizeof(struct in_addr) : 2 * sizeof(struct in6_addr);
	return p->data + (is_v4(p) ? offsetof(struct iphdr, saddr) : offsetof(struct ip6_hdr, ip6_src));
}

/* What follows a whole IP header without options, in p->protocol and p->l4. */
static enum gro_kind parse_ip(struct gro_packet *p)
{
	const uint8_t *ip = p->data;

	if (p->len < sizeof(struct iphdr))
		return GRO_UNSEEN;
	if (is_v4(p)) {
		p->protocol = ip[offsetof(struct iphdr, protocol)];
		p->l4 = sizeof(struct iphdr);
		if (read_be16(ip + offsetof(struct iphdr, tot_len)) != p->len ||
		    read_be16(ip + offsetof(struct iphdr, frag_off)) & IPV4_FRAGMENT)
			return GRO_UNSEEN;
		return p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP ? GRO_FLOW : GRO_ALONE;
	}
	if (ip[0] >> 4 != 6 || p->len < sizeof(struct ip6_hdr) ||
	    read_be16(ip + offsetof(struct ip6_hdr, ip6_plen)) != p->len - sizeof(struct ip6_hdr))
		return GRO_UNSEEN;
	p->protocol = ip[offsetof(struct ip6_hdr, ip6_nxt)];
	p->l4 = sizeof(struct ip6_hdr);
	if (p->protocol == IPPROTO_TCP || p->protocol == IPPROTO_UDP)
		return GRO_FLOW;
	return p->protocol == IPPROTO_ICMPV6 ? GRO_ALONE : GRO_UNSEEN;
}

static enum gro_kind parse_tcp(struct gro_packet *p)
{
	const uint8_t *tcp = p->data + p->l4;
	uint32_t header;

	if (p->len < p->l4 + sizeof(struct tcphdr))
		return GRO_UNSEEN;
	header = (tcp[TCP_DATA_OFFSET] >> 4) * 4u;
	if (header < sizeof(struct tcphdr) || p->l4 + header >= p->len)
		return GRO_FLOW;
	p->header = p->l4 + header;
	p->payload = p->len - p->header;
	return (tcp[TCP_FLAGS] & (TH_SYN | TH_RST | TH_URG | TH_ACK | TH_CWR)) == TH_ACK ? GRO_DATA : GRO_FLOW;
}

static enum gro_kind parse_udp(struct gro_packet *p)
{
	const uint8_t *udp = p->data + p->l4;

	if (p->len < p->l4 + sizeof(struct udphdr))
		return GRO_UNSEEN;
	p->header = p->l4 + sizeof(struct udphdr);
	p->payload = p->len - p->header;
	/* Without a checksum it would get one. */
	return p->payload && read_be16(udp + offsetof(struct udphdr, len)) == p->len - p->l4 && read_be16(udp + UDP_CHECK) ?
		GRO_DATA : GRO_FLOW;
}

static uint32_t flow_hash(const struct gro_packet *p)
{
	uint32_t h = p->protocol, word;
	const uint8_t *a;
	size_t len;

	a = addresses(p, &len);
	for (size_t i = 0; i < len; i += sizeof(word)) {
		memcpy(&word, a + i, sizeof(word));
		h = (h ^ word) * 0x9e3779b1;
	}
	memcpy(&word, p->data + p->l4, sizeof(word));	/* the ports */
	return (h ^ word) * 0x9e3779b1;
}

static void parse(struct gro_packet *p, bool udp)
{
	enum gro_kind kind = parse_ip(p);

	if (kind == GRO_FLOW)
		kind = p->protocol == IPPROTO_TCP ? parse_tcp(p) : udp ? parse_udp(p) : GRO_ALONE;
	if (kind == GRO_FLOW || kind == GRO_DATA)
		p->hash = flow_hash(p);
	p->kind = kind;
}

static bool same_flow(const struct gro_packet *a, const struct gro_packet *b)
{
	const uint8_t *address_a, *address_b;
	size_t len;

	if (a->protocol != b->protocol || a->l4 != b->l4)
		return false;
	address_a = addresses(a, &len);
	address_b = addresses(b, &len);
	return memcmp(address_a, address_b, len) == 0 && memcmp(a->data + a->l4, b->data + b->l4, 4) == 0;
}

/* Its place in g->open, or n_open. Newest first: most packets follow one of their own flow. */
static unsigned int find_open(const struct gro *g, const struct gro_packet *p)
{
	for (unsigned int i = g->n_open; i-- > 0;)
		if (g->open_hash[i] == p->hash && same_flow(&g->packet[g->super[g->open[i]].first], p))
			return i;
	return g->n_open;
}

static void close_flow(struct gro *g, unsigned int i)
{
	g->n_open--;
	g->open[i] = g->open[g->n_open];
	g->open_hash[i] = g->open_hash[g->n_open];
}

/* The sum of the pseudo-header for a transport header and payload of `len`. */
static uint64_t sum_pseudo(const struct gro_packet *p, uint16_t len)
{
	size_t addresses_len;
	const uint8_t *a = addresses(p, &addresses_len);

	return checksum_add(checksum_pseudo(p->protocol, len), a, addresses_len);
}

/* The checksums as one would make them: where 0 and 0xffff mean the same (IPv4 and TCP), it is 0. */
static bool is_right(const struct gro_packet *p)
{
	const uint16_t len = p->len - p->l4;

	if (is_v4(p) && (checksum_fold(checksum_add(0, p->data, sizeof(struct iphdr))) != 0xffff ||
			 read_be16(p->data + offsetof(struct iphdr, check)) == 0xffff))
		return false;
	if (p->protocol == IPPROTO_TCP && read_be16(p->data + p->l4 + TCP_CHECK) == 0xffff)
		return false;
	return checksum_fold(checksum_add(sum_pseudo(p, len), p->data + p->l4, len)) == 0xffff;
}

/* Of a GRO_DATA packet, whose flow has it no longer as data if its checksums are wrong. */
static bool verify(struct gro_packet *p)
{
	if (!p->right)
		p->right = is_right(p);
	if (!p->right)
		p->kind = GRO_FLOW;
	return p->right;
}

/* The IP headers, but for lengths and IPv4's identification. */
static bool same_ip(const uint8_t *a, const uint8_t *b)
{
	if (a[0] != IPV4_NO_OPTIONS)
		return memcmp(a, b, offsetof(struct ip6_hdr, ip6_plen)) == 0 &&
		       a[offsetof(struct ip6_hdr, ip6_hlim)] == b[offsetof(struct ip6_hdr, ip6_hlim)];
	return a[offsetof(struct iphdr, tos)] == b[offsetof(struct iphdr, tos)] &&
	       a[offsetof(struct iphdr, ttl)] == b[offsetof(struct iphdr, ttl)] &&
	       memcmp(a + offsetof(struct iphdr, frag_off), b + offsetof(struct iphdr, frag_off), 2) == 0;
}

/* p's identification follows those of the super-packet. */
static bool next_id(const struct gro *g, struct gro_super *s, const struct gro_packet *p)
{
	const uint8_t *first = g->packet[s->first].data;
	uint16_t steps;

	if (!is_v4(p))
		return true;
	steps = read_be16(p->data + offsetof(struct iphdr, id)) - read_be16(first + offsetof(struct iphdr, id));
	if (s->n == 1)
		s->id_stands = steps == 0 && read_be16(first + offsetof(struct iphdr, frag_off)) & IP_DF;
	return steps == (s->id_stands ? 0 : s->n);
}

/* p goes on where the super-packet ends, and nothing but that has changed in its header. */
static bool next_tcp(const struct gro *g, const struct gro_super *s, const struct gro_packet *p)
{
	const struct gro_packet *first = &g->packet[s->first];
	const uint8_t *a = first->data + first->l4, *b = p->data + p->l4;
	const size_t ack = offsetof(struct tcphdr, ack_seq), after_check = TCP_CHECK + sizeof(uint16_t);

	return read_be32(b + offsetof(struct tcphdr, seq)) - read_be32(a + offsetof(struct tcphdr, seq)) == s->len - first->header &&
	       memcmp(a + ack, b + ack, TCP_FLAGS - ack) == 0 &&	/* and the header's length */
	       ((a[TCP_FLAGS] ^ b[TCP_FLAGS]) & ~(TH_FIN | TH_PUSH)) == 0 &&
	       memcmp(a + TCP_FLAGS + 1, b + TCP_FLAGS + 1, TCP_CHECK - (TCP_FLAGS + 1)) == 0 &&
	       memcmp(a + after_check, b + after_check, p->header - p->l4 - after_check) == 0;
}

/* Nothing may follow p in a super-packet of `size` bytes a segment. */
static bool ends_super(const struct gro_packet *p, uint16_t size)
{
	return p->payload < size || (p->protocol == IPPROTO_TCP && p->data[p->l4 + TCP_FLAGS] & (TH_FIN | TH_PUSH));
}

/* Packet i joins the open super-packet of its flow. False: it cannot. */
static bool append(struct gro *g, struct gro_super *s, unsigned int i)
{
	struct gro_packet *first = &g->packet[s->first], *p = &g->packet[i];

	if (p->payload > first->payload || s->len + p->payload > SUPER_MAX)
		return false;
	if (!same_ip(first->data, p->data) || !next_id(g, s, p))
		return false;
	if (p->protocol == IPPROTO_TCP && !next_tcp(g, s, p))
		return false;
	if (!verify(first) || !verify(p))
		return false;
	g->packet[s->last].next = i;
	s->last = i;
	s->len += p->payload;
	s->n++;
	return true;
}

static void add(struct gro *g, unsigned int i)
{
	struct gro_packet *p = &g->packet[i];
	unsigned int flow = g->n_open;

	if (p->kind == GRO_UNSEEN)
		g->n_open = flow = 0;
	else if (p->kind != GRO_ALONE)
		flow = find_open(g, p);
	if (flow < g->n_open) {
		struct gro_super *s = &g->super[g->open[flow]];

		if (p->kind == GRO_DATA && append(g, s, i)) {
			if (ends_super(p, g->packet[s->first].payload))
				close_flow(g, flow);
			return;
		}
		close_flow(g, flow);
	}
	if (p->kind == GRO_DATA && !ends_super(p, p->payload)) {
		g->open[g->n_open] = g->n_supers;
		g->open_hash[g->n_open++] = p->hash;
	}
	g->super[g->n_supers++] = (struct gro_super){ .len = p->len, .n = 1, .first = i, .last = i };
}

void gro_burst(struct gro *g, const struct iovec *packets, unsigned int n, bool udp)
{
	assert(n <= GRO_BURST);
	g->n_supers = g->n_open = 0;
	for (unsigned int i = 0; i < n; i++) {
		g->packet[i] = (struct gro_packet){ .data = packets[i].iov_base, .len = packets[i].iov_len };
		parse(&g->packet[i], udp);
		add(g, i);
	}
}

/* Makes the headers of the first packet those of the super-packet. */
static void finish_headers(const struct gro *g, const struct gro_super *s)
{
	const struct gro_packet *first = &g->packet[s->first], *last = &g->packet[s->last];
	uint8_t *ip = first->data, *l4 = ip + first->l4;
	const bool tcp = first->protocol == IPPROTO_TCP;
	uint16_t pseudo;

	if (is_v4(first)) {
		write_be16(ip + offsetof(struct iphdr, tot_len), s->len);
		memset(ip + offsetof(struct iphdr, check), 0, sizeof(uint16_t));
		checksum_store(ip + offsetof(struct iphdr, check), checksum_add(0, ip, sizeof(struct iphdr)));
	} else {
		write_be16(ip + offsetof(struct ip6_hdr, ip6_plen), s->len - sizeof(struct ip6_hdr));
	}
	if (tcp)
		l4[TCP_FLAGS] |= last->data[last->l4 + TCP_FLAGS] & (TH_FIN | TH_PUSH);
	else
		write_be16(l4 + offsetof(struct udphdr, len), s->len - first->l4);
	pseudo = checksum_fold(sum_pseudo(first, s->len - first->l4));
	memcpy(l4 + (tcp ? TCP_CHECK : UDP_CHECK), &pseudo, sizeof(pseudo));
}

static uint8_t gso_type(const struct gro_packet *p)
{
	if (p->protocol == IPPROTO_UDP)
		return VIRTIO_NET_HDR_GSO_UDP_L4;
	return is_v4(p) ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
}

void gro_finish(struct gro *g, unsigned int i, struct virtio_net_hdr *vnet, struct iovec iov[GRO_BURST])
{
	const struct gro_super *s = &g->super[i];
	const struct gro_packet *p = &g->packet[s->first];

	memset(vnet, 0, sizeof(*vnet));
	iov[0] = (struct iovec){ .iov_base = p->data, .iov_len = p->len };
	if (s->n == 1)
		return;
	vnet->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	vnet->gso_type = gso_type(p);
	vnet->hdr_len = htole16(p->header);
	vnet->gso_size = htole16(p->payload);
	vnet->csum_start = htole16(p->l4);
	vnet->csum_offset = htole16(p->protocol == IPPROTO_TCP ? TCP_CHECK : UDP_CHECK);
	finish_headers(g, s);
	for (unsigned int k = 1; k < s->n; k++) {
		p = &g->packet[p->next];
		iov[k] = (struct iovec){ .iov_base = p->data + p->header, .iov_len = p->payload };
	}
}
