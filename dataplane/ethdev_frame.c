/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsing runs on data cores for each frame received, finishing on workers for each frame sent; the
 * headers are built by the control thread, or on the way back by a data core. IP headers are not
 * aligned behind an Ethernet header, so they are copied out before they are read, and checksums add
 * unaligned words; a one's complement sum needs no byte swapping (RFC 1071).
 */
#include "ethdev_frame.h"

#include <assert.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

enum { FRAME_TTL = 64, IP_FRAGMENTED = 0x3fff /* more fragments, or an offset */ };

static uint64_t sum_bytes(const uint8_t *p, size_t len, uint64_t sum)
{
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, p, len);
	return sum + word;
}

/* In network order. */
static uint16_t sum_finish(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * UDP over IPv6 with its pseudo header, which begins with the two addresses (RFC 8200 section 8.1).
 */
static uint16_t udp6_checksum(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	uint64_t sum = sum_bytes(ip + offsetof(struct ip6_hdr, ip6_src), 32, 0);
	uint16_t check;

	check = sum_finish(sum_bytes(udp, len, sum + htonl((uint32_t)len) + htonl(IPPROTO_UDP)));
	return check ? check : 0xffff;
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
	if (h.version != 4 || h.ihl < 5 || h.protocol != IPPROTO_UDP ||
	    h.frag_off & htons(IP_FRAGMENTED))
		return FRAME_NOT_OURS;
	f->l3_len = (uint8_t)(h.ihl * 4);
	v = parse_udp(ip, have, ntohs(h.tot_len), port, &remote->sin_port, f);
	if (v != FRAME_OURS)
		return v;
	if (sum_finish(sum_bytes(ip, f->l3_len, 0)))
		return FRAME_MALFORMED;

	remote->sin_family = AF_INET;
	remote->sin_addr.s_addr = h.saddr;
	f->ep.local.v4.s_addr = h.daddr;
	f->ds = h.tos;
	return source4_valid(remote->sin_addr) ? FRAME_OURS : FRAME_MALFORMED;
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
	if (h.ip6_vfc >> 4 != 6 || h.ip6_nxt != IPPROTO_UDP)
		return FRAME_NOT_OURS;
	f->l3_len = sizeof(h);
	v = parse_udp(ip, have, sizeof(h) + ntohs(h.ip6_plen), port, &remote->sin6_port, f);
	if (v != FRAME_OURS)
		return v;
	if (IN6_IS_ADDR_UNSPECIFIED(&h.ip6_src) || IN6_IS_ADDR_MULTICAST(&h.ip6_src))
		return FRAME_MALFORMED;

	remote->sin6_family = AF_INET6;
	remote->sin6_addr = h.ip6_src;
	if (IN6_IS_ADDR_LINKLOCAL(&h.ip6_src))
		remote->sin6_scope_id = ifindex;
	f->ep.local.v6 = h.ip6_dst;
	f->ds = (uint8_t)(ntohl(h.ip6_flow) >> 20);
	return FRAME_OURS;
}

enum frame_verdict frame_parse(const uint8_t *data, size_t len, const uint8_t mac[FRAME_MAC_LEN],
			       uint16_t port, uint32_t ifindex, struct frame *f)
{
	struct ether_header eth;

	if (len < sizeof(eth))
		return FRAME_NOT_OURS;
	memcpy(&eth, data, sizeof(eth));
	if (memcmp(eth.ether_dhost, mac, FRAME_MAC_LEN) != 0 || eth.ether_shost[0] & 1)
		return FRAME_NOT_OURS;

	memset(f, 0, sizeof(*f));
	f->l2_len = sizeof(eth);
	f->ep.local_ifindex = ifindex;
	switch (ntohs(eth.ether_type)) {
	case ETHERTYPE_IP:
		return parse_ipv4(data + sizeof(eth), len - sizeof(eth), port, f);
	case ETHERTYPE_IPV6:
		return parse_ipv6(data + sizeof(eth), len - sizeof(eth), port, ifindex, f);
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

size_t frame_headers(uint8_t *hdr, const uint8_t src_mac[FRAME_MAC_LEN],
		     const uint8_t dst_mac[FRAME_MAC_LEN], const struct endpoint *ep)
{
	const bool v4 = ep->remote.sa.sa_family == AF_INET;
	struct ether_header eth = { .ether_type = htons(v4 ? ETHERTYPE_IP : ETHERTYPE_IPV6) };
	struct udphdr udp = { 0 };
	uint8_t *ip = hdr + sizeof(eth);
	size_t l3_len;

	memcpy(eth.ether_dhost, dst_mac, FRAME_MAC_LEN);
	memcpy(eth.ether_shost, src_mac, FRAME_MAC_LEN);
	memcpy(hdr, &eth, sizeof(eth));
	l3_len = v4 ? headers_ipv4(ip, ep, &udp) : headers_ipv6(ip, ep, &udp);
	memcpy(ip + l3_len, &udp, sizeof(udp));
	return sizeof(eth) + l3_len + sizeof(udp);
}

static void put16(uint8_t *p, uint16_t network_order)
{
	memcpy(p, &network_order, sizeof(network_order));
}

static void finish_ipv4(uint8_t *ip, size_t udp_len, uint8_t ds)
{
	const uint8_t *message = ip + sizeof(struct iphdr) + FRAME_UDP_LEN;
	uint16_t index, counter;

	memcpy(&index, message + 4, sizeof(index));
	memcpy(&counter, message + 8, sizeof(counter));
	ip[offsetof(struct iphdr, tos)] = ds;
	put16(ip + offsetof(struct iphdr, tot_len),
	      htons((uint16_t)(sizeof(struct iphdr) + udp_len)));
	put16(ip + offsetof(struct iphdr, id), (uint16_t)(index + counter));
	put16(ip + offsetof(struct iphdr, check),
	      sum_finish(sum_bytes(ip, sizeof(struct iphdr), 0)));
}

static void finish_ipv6(uint8_t *ip, size_t udp_len, uint8_t ds)
{
	uint8_t *udp = ip + sizeof(struct ip6_hdr);

	ip[0] = (uint8_t)(6 << 4 | ds >> 4);
	ip[1] = (uint8_t)(ds << 4);
	put16(ip + offsetof(struct ip6_hdr, ip6_plen), htons((uint16_t)udp_len));
	put16(udp + offsetof(struct udphdr, check), udp6_checksum(ip, udp, udp_len));
}

void frame_finish(uint8_t *frame, size_t headers, size_t payload, uint16_t port, uint8_t ds)
{
	uint8_t *ip = frame + FRAME_ETH_LEN, *udp = frame + headers - FRAME_UDP_LEN;
	size_t udp_len = FRAME_UDP_LEN + payload;

	assert(payload >= 12 && headers + payload <= UINT16_MAX);
	put16(udp + offsetof(struct udphdr, source), htons(port));
	put16(udp + offsetof(struct udphdr, len), htons((uint16_t)udp_len));
	if (headers == FRAME_HEADERS4)
		finish_ipv4(ip, udp_len, ds);
	else
		finish_ipv6(ip, udp_len, ds);
}
