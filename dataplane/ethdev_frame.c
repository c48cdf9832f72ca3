/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing runs on data cores for each frame received, finishing on workers for each frame sent; the
 * headers are built by the control thread, or on the way back by a data core. IP headers are not
 * aligned behind an Ethernet header, so they are copied out before they are read.
 */
#include "ethdev_frame.h"

#include <assert.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include "checksum.h"

enum {
	FRAME_TTL = 64,
	IP_FRAGMENTED = 0x3fff,		/* more fragments, or an offset */
	VID_MASK = 0x0fff,		/* of a tag: what is not priority or drop eligibility */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

bool frame_l2_parse(const uint8_t *data, size_t len, struct frame_l2 *l2)
{
	const uint8_t *type = data + 2 * FRAME_MAC_LEN;

	if (len < FRAME_ETH_LEN)
		return false;
	memcpy(l2->dst, data, FRAME_MAC_LEN);
	memcpy(l2->src, data + FRAME_MAC_LEN, FRAME_MAC_LEN);
	l2->type = get16(type);
	l2->vid = 0;
	l2->len = FRAME_ETH_LEN;
	if (l2->type != ETHERTYPE_VLAN)
		return true;
	if (len < FRAME_ETH_LEN + FRAME_VLAN_LEN)
		return false;
	l2->vid = get16(type + 2) & VID_MASK;
	l2->type = get16(type + FRAME_VLAN_LEN);
	l2->len += FRAME_VLAN_LEN;
	return true;
}

size_t frame_l2_write(uint8_t *hdr, const struct frame_l2 *l2)
{
	uint8_t *type = hdr + 2 * FRAME_MAC_LEN;

	assert(l2->vid < VID_MASK);
	memcpy(hdr, l2->dst, FRAME_MAC_LEN);
	memcpy(hdr + FRAME_MAC_LEN, l2->src, FRAME_MAC_LEN);
	if (l2->vid) {
		put16(type, ETHERTYPE_VLAN);
		put16(type + 2, l2->vid);
		type += FRAME_VLAN_LEN;
	}
	put16(type, l2->type);
	return (size_t)(type + 2 - hdr);
}

/*
 * `ip` is what the frame has from the IP header on, `have` bytes; `total` is how much that should
 * be by the IP header, whose own length is l3_len. Fills in what UDP decides.
 */
static enum frame_verdict parse_udp(const uint8_t *ip, size_t have, size_t total, uint16_t port,
				    in_port_t *source, struct frame *f)
{
	struct udphdr udp;
	size_t len;

	if (have < f->l3_len + sizeof(udp))
		return FRAME_NOT_OURS;
	memcpy(&udp, ip + f->l3_len, sizeof(udp));
	if (udp.dest != htons(port))
		return FRAME_NOT_OURS;
	if (total > have)
		return FRAME_TRUNCATED;
	len = ntohs(udp.len);
	if (len < sizeof(udp) || f->l3_len + len > total || !udp.source)
		return FRAME_MALFORMED;
	*source = udp.source;
	f->payload_len = (uint16_t)(len - sizeof(udp));
	return FRAME_OURS;
}

static bool source4_valid(struct in_addr a)
{
	uint32_t host = ntohl(a.s_addr);

	return host != INADDR_ANY && host != INADDR_BROADCAST && !IN_MULTICAST(host);
}

static enum frame_verdict parse_ipv4(const uint8_t *ip, size_t have, uint16_t port, struct frame *f)
{
	struct sockaddr_in *remote = &f->ep.remote.v4;
	enum frame_verdict v;
	struct iphdr h;

	if (have < sizeof(h))
		return FRAME_NOT_OURS;
	memcpy(&h, ip, sizeof(h));
	if (h.version != 4 || h.ihl < 5 || h.protocol != IPPROTO_UDP)
		return FRAME_NOT_OURS;
	remote->sin_family = AF_INET;
	f->ep.local.v4.s_addr = h.daddr;
	if (h.frag_off & htons(IP_FRAGMENTED))
		return FRAME_FRAGMENT;
	f->l3_len = (uint8_t)(h.ihl * 4);
	v = parse_udp(ip, have, ntohs(h.tot_len), port, &remote->sin_port, f);
	if (v != FRAME_OURS)
		return v;
	if (checksum_fold(checksum_add(0, ip, f->l3_len)) != 0xffff)
		return FRAME_MALFORMED;

	remote->sin_addr.s_addr = h.saddr;
	f->ds = h.tos;
	return source4_valid(remote->sin_addr) ? FRAME_OURS : FRAME_MALFORMED;
}

/* Also one that is all of its datagram (RFC 6946). */
static bool is_fragment6(const uint8_t *ip, size_t have, const struct ip6_hdr *h)
{
	return h->ip6_nxt == IPPROTO_FRAGMENT && have >= sizeof(*h) + sizeof(struct ip6_frag) &&
	       ip[sizeof(*h) + offsetof(struct ip6_frag, ip6f_nxt)] == IPPROTO_UDP;
}

static enum frame_verdict parse_ipv6(const uint8_t *ip, size_t have, uint16_t port,
				     uint32_t ifindex, struct frame *f)
{
	struct sockaddr_in6 *remote = &f->ep.remote.v6;
	enum frame_verdict v;
	struct ip6_hdr h;

	if (have < sizeof(h))
		return FRAME_NOT_OURS;
	memcpy(&h, ip, sizeof(h));
	if (h.ip6_vfc >> 4 != 6)
		return FRAME_NOT_OURS;
	remote->sin6_family = AF_INET6;
	f->ep.local.v6 = h.ip6_dst;
	if (is_fragment6(ip, have, &h))
		return FRAME_FRAGMENT;
	if (h.ip6_nxt != IPPROTO_UDP)
		return FRAME_NOT_OURS;
	f->l3_len = sizeof(h);
	v = parse_udp(ip, have, sizeof(h) + ntohs(h.ip6_plen), port, &remote->sin6_port, f);
	if (v != FRAME_OURS)
		return v;
	if (IN6_IS_ADDR_UNSPECIFIED(&h.ip6_src) || IN6_IS_ADDR_MULTICAST(&h.ip6_src))
		return FRAME_MALFORMED;

	remote->sin6_addr = h.ip6_src;
	if (IN6_IS_ADDR_LINKLOCAL(&h.ip6_src))
		remote->sin6_scope_id = ifindex;
	f->ds = (uint8_t)(ntohl(h.ip6_flow) >> 20);
	return FRAME_OURS;
}

enum frame_verdict frame_parse(const uint8_t *data, size_t len, const struct frame_l2 *l2,
			       uint16_t port, uint32_t ifindex, struct frame *f)
{
	if (l2->src[0] & 1)	/* a group address: no answer may go there */
		return FRAME_NOT_OURS;

	assert(len >= l2->len);
	memset(f, 0, sizeof(*f));
	f->l2_len = l2->len;
	f->ep.local_ifindex = ifindex;
	switch (l2->type) {
	case ETHERTYPE_IP:
		return parse_ipv4(data + l2->len, len - l2->len, port, f);
	case ETHERTYPE_IPV6:
		return parse_ipv6(data + l2->len, len - l2->len, port, ifindex, f);
	default:
		return FRAME_NOT_OURS;
	}
}

static size_t headers_ipv4(uint8_t *ip, const struct endpoint *ep, struct udphdr *udp)
{
	const struct iphdr h = {
		.version = 4,
		.ihl = sizeof(h) / 4,
		.ttl = FRAME_TTL,
		.protocol = IPPROTO_UDP,
		.saddr = ep->local.v4.s_addr,
		.daddr = ep->remote.v4.sin_addr.s_addr,
	};

	memcpy(ip, &h, sizeof(h));
	udp->dest = ep->remote.v4.sin_port;
	return sizeof(h);
}

static size_t headers_ipv6(uint8_t *ip, const struct endpoint *ep, struct udphdr *udp)
{
	struct ip6_hdr h = {
		.ip6_src = ep->local.v6,
		.ip6_dst = ep->remote.v6.sin6_addr,
	};

	h.ip6_vfc = 6 << 4;
	h.ip6_nxt = IPPROTO_UDP;
	h.ip6_hlim = FRAME_TTL;
	memcpy(ip, &h, sizeof(h));
	udp->dest = ep->remote.v6.sin6_port;
	return sizeof(h);
}

size_t frame_headers(uint8_t *hdr, const struct frame_l2 *l2, const struct endpoint *ep)
{
	const bool v4 = ep->remote.sa.sa_family == AF_INET;
	struct frame_l2 eth = *l2;
	struct udphdr udp = { 0 };
	size_t l2_len, l3_len;

	eth.type = v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6;
	l2_len = frame_l2_write(hdr, &eth);
	l3_len = v4 ? headers_ipv4(hdr + l2_len, ep, &udp) : headers_ipv6(hdr + l2_len, ep, &udp);
	memcpy(hdr + l2_len + l3_len, &udp, sizeof(udp));
	return l2_len + l3_len + sizeof(udp);
}

/* What the NIC goes on from, or all of it; never 0, which would say that there is none (RFC 768). */
static void finish_udp(uint8_t *udp, const uint8_t *addresses, size_t addresses_len, size_t udp_len,
		       enum frame_checksums checksums)
{
	uint64_t sum = checksum_add(checksum_pseudo(IPPROTO_UDP, (uint16_t)udp_len), addresses, addresses_len);
	uint8_t *check = udp + offsetof(struct udphdr, check);
	uint16_t word;

	if (checksums == FRAME_CHECKSUMS_NIC) {
		word = checksum_fold(sum);
	} else {
		memset(check, 0, sizeof(word));
		word = (uint16_t)~checksum_fold(checksum_add(sum, udp, udp_len));
		if (!word)
			word = 0xffff;
	}
	memcpy(check, &word, sizeof(word));
}

static void finish_ipv4(uint8_t *ip, size_t udp_len, uint8_t ds, enum frame_checksums checksums)
{
	const uint8_t *message = ip + sizeof(struct iphdr) + FRAME_UDP_LEN;
	uint16_t index, counter;

	memcpy(&index, message + 4, sizeof(index));
	memcpy(&counter, message + 8, sizeof(counter));
	ip[offsetof(struct iphdr, tos)] = ds;
	put16(ip + offsetof(struct iphdr, tot_len), (uint16_t)(sizeof(struct iphdr) + udp_len));
	put16(ip + offsetof(struct iphdr, id), (uint16_t)(index + counter));
	if (checksums == FRAME_CHECKSUMS_NIC)
		finish_udp(ip + sizeof(struct iphdr), ip + offsetof(struct iphdr, saddr), 8, udp_len, checksums);
	else
		checksum_store(ip + offsetof(struct iphdr, check), checksum_add(0, ip, sizeof(struct iphdr)));
}

static void finish_ipv6(uint8_t *ip, size_t udp_len, uint8_t ds, enum frame_checksums checksums)
{
	ip[0] = (uint8_t)(6 << 4 | ds >> 4);
	ip[1] = (uint8_t)(ds << 4);
	put16(ip + offsetof(struct ip6_hdr, ip6_plen), (uint16_t)udp_len);
	finish_udp(ip + sizeof(struct ip6_hdr), ip + offsetof(struct ip6_hdr, ip6_src), 32, udp_len, checksums);
}

void frame_finish(uint8_t *frame, size_t headers, size_t payload, uint16_t port, uint8_t ds,
		  enum frame_checksums checksums)
{
	const size_t udp_len = FRAME_UDP_LEN + payload;
	uint8_t *udp = frame + headers - FRAME_UDP_LEN;

	assert(payload >= 12 && headers + payload <= UINT16_MAX);
	put16(udp + offsetof(struct udphdr, source), port);
	put16(udp + offsetof(struct udphdr, len), (uint16_t)udp_len);
	if (headers <= FRAME_HEADERS4 + FRAME_VLAN_LEN)
		finish_ipv4(udp - sizeof(struct iphdr), udp_len, ds, checksums);
	else
		finish_ipv6(udp - sizeof(struct ip6_hdr), udp_len, ds, checksums);
}
