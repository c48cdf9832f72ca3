/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_frames.h"

#include <endian.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>

enum { TTL = 64, UDP_FROM = 1000, UDP_TO = 1001 };

static const uint8_t lan_host_mac[6] = { 0, 1, 2, 3, 4, 0 }, lan_mac[6] = { 0, 1, 2, 3, 4, 1 };
static const uint8_t outer_mac[6] = { 2, 0x77, 0, 0, 0, 1 }, far_mac[6] = { 2, 0x77, 0, 0, 0, 2 };

enum { LAN_NET = 54, TUNNEL_NET = 53 };	/* 10.254 and fd54, 10.253 and fd53 */

static uint32_t address4(unsigned int net, unsigned int flow)
{
	return htobe32(10u << 24 | (net + 200) << 16 | flow);
}

static void address6(uint8_t out[16], unsigned int net, unsigned int flow)
{
	memset(out, 0, 16);
	out[0] = 0xfd;
	out[1] = net == LAN_NET ? 0x54 : 0x53;
	out[14] = flow >> 8;
	out[15] = flow;
}

static void packet4(uint8_t *at, unsigned int from, unsigned int to, uint32_t size, unsigned int flow)
{
	struct iphdr *ip = (struct iphdr *)at;

	*ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htobe16(size), .ttl = TTL, .protocol = IPPROTO_UDP };
	ip->saddr = address4(from, flow);
	ip->daddr = address4(to, flow);
	ip->check = rte_ipv4_cksum((const struct rte_ipv4_hdr *)ip);
}

static void packet6(uint8_t *at, unsigned int from, unsigned int to, uint32_t size, unsigned int flow)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)at;

	*ip = (struct ip6_hdr){ 0 };
	ip->ip6_vfc = 6 << 4;
	ip->ip6_plen = htobe16(size - sizeof(*ip));
	ip->ip6_nxt = IPPROTO_UDP;
	ip->ip6_hlim = TTL;
	address6(ip->ip6_src.s6_addr, from, flow);
	address6(ip->ip6_dst.s6_addr, to, flow);
}

void frame_packet(uint8_t *at, bool v6, enum frame_way way, uint32_t size, const struct stamp *stamp)
{
	const unsigned int from = way == FRAME_TO_TUNNEL ? LAN_NET : TUNNEL_NET, to = way == FRAME_TO_TUNNEL ? TUNNEL_NET : LAN_NET;
	const size_t head = v6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	struct udphdr *udp = (struct udphdr *)(at + head);

	if (v6)
		packet6(at, from, to, size, stamp->flow);
	else
		packet4(at, from, to, size, stamp->flow);
	/* No checksum: nobody on the way looks at it, and IPv6's would have to be over bytes that are sent as they are found. */
	*udp = (struct udphdr){ .source = htobe16(UDP_FROM), .dest = htobe16(UDP_TO), .len = htobe16(size - head) };
	memcpy(udp + 1, stamp, sizeof(*stamp));
}

static void ether(uint8_t *at, const uint8_t to[6], const uint8_t from[6], bool v6)
{
	memcpy(at, to, 6);
	memcpy(at + 6, from, 6);
	at[12] = v6 ? 0x86 : 0x08;
	at[13] = v6 ? 0xdd : 0x00;
}

void frame_lan(uint8_t *at, bool v6)
{
	ether(at, lan_mac, lan_host_mac, v6);
}

static void outer6(uint8_t *at, struct udphdr *udp, size_t udp_len)
{
	struct ip6_hdr *ip = (struct ip6_hdr *)at;

	*ip = (struct ip6_hdr){ 0 };
	ip->ip6_vfc = 6 << 4;
	ip->ip6_plen = htobe16(udp_len);
	ip->ip6_nxt = IPPROTO_UDP;
	ip->ip6_hlim = TTL;
	memcpy(&ip->ip6_src, (const uint8_t[16]){ 0xfd, 0x77, [15] = 2 }, 16);
	memcpy(&ip->ip6_dst, (const uint8_t[16]){ 0xfd, 0x77, [15] = 1 }, 16);
	udp->check = rte_ipv6_udptcp_cksum((const struct rte_ipv6_hdr *)ip, udp);
}

void frame_outer(uint8_t *at, bool v6, unsigned int flow, size_t len)
{
	uint8_t *const ip_at = at + FRAME_ETHER;
	struct udphdr *udp = (struct udphdr *)(at + frame_outer_len(v6) - sizeof(*udp));
	struct iphdr *ip = (struct iphdr *)ip_at;
	const size_t udp_len = sizeof(*udp) + len;

	ether(at, outer_mac, far_mac, v6);
	*udp = (struct udphdr){ .source = htobe16(FRAME_FAR_PORT + flow), .dest = htobe16(FRAME_WG_PORT), .len = htobe16(udp_len) };
	if (v6) {
		outer6(ip_at, udp, udp_len);
		return;
	}
	*ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htobe16(sizeof(*ip) + udp_len), .ttl = TTL, .protocol = IPPROTO_UDP };
	ip->saddr = htobe32(0x0a4d0002);
	ip->daddr = htobe32(0x0a4d0001);
	ip->check = rte_ipv4_cksum((const struct rte_ipv4_hdr *)ip);
}

/* Where UDP begins in an IP packet without options; 0: it is none. */
static size_t udp_offset(const uint8_t *at, size_t size)
{
	if (size >= sizeof(struct iphdr) + sizeof(struct udphdr) && at[0] == 0x45 && at[9] == IPPROTO_UDP)
		return sizeof(struct iphdr);
	if (size >= sizeof(struct ip6_hdr) + sizeof(struct udphdr) && at[0] >> 4 == 6 && at[6] == IPPROTO_UDP)
		return sizeof(struct ip6_hdr);
	return 0;
}

const uint8_t *frame_message(const uint8_t *at, size_t size, unsigned int *flow, size_t *len)
{
	const struct udphdr *udp;
	size_t offset;

	if (size < FRAME_ETHER)
		return NULL;
	offset = udp_offset(at + FRAME_ETHER, size - FRAME_ETHER);
	if (!offset)
		return NULL;
	offset += FRAME_ETHER;
	udp = (const struct udphdr *)(at + offset);
	*flow = be16toh(udp->dest) - FRAME_FAR_PORT;
	*len = be16toh(udp->len) - sizeof(*udp);
	if (be16toh(udp->source) != FRAME_WG_PORT || *len > size - offset - sizeof(*udp))
		return NULL;
	return at + offset + sizeof(*udp);
}

bool frame_stamp(const uint8_t *at, size_t size, struct stamp *stamp)
{
	const size_t offset = udp_offset(at, size);
	const struct udphdr *udp = (const struct udphdr *)(at + offset);

	if (!offset || udp->source != htobe16(UDP_FROM) || udp->dest != htobe16(UDP_TO) ||
	    size < offset + sizeof(*udp) + sizeof(*stamp))
		return false;
	memcpy(stamp, udp + 1, sizeof(*stamp));
	return true;
}

static const char *check4(const uint8_t *at, size_t size, unsigned int from, unsigned int to, unsigned int hops, unsigned int flow)
{
	const struct iphdr *ip = (const struct iphdr *)at;

	if (ip->saddr != address4(from, flow) || ip->daddr != address4(to, flow))
		return "a packet of another flow";
	if (be16toh(ip->tot_len) > size)
		return "a packet that was cut";
	if (ip->ttl != TTL - hops)
		return "a TTL that is not that of a routed packet";
	return rte_raw_cksum(ip, sizeof(*ip)) == 0xffff ? NULL : "a wrong IP checksum";
}

static const char *check6(const uint8_t *at, size_t size, unsigned int from, unsigned int to, unsigned int hops, unsigned int flow)
{
	const struct ip6_hdr *ip = (const struct ip6_hdr *)at;
	uint8_t address[16];

	address6(address, from, flow);
	if (memcmp(&ip->ip6_src, address, sizeof(address)))
		return "a packet of another flow";
	address6(address, to, flow);
	if (memcmp(&ip->ip6_dst, address, sizeof(address)))
		return "a packet of another flow";
	if (be16toh(ip->ip6_plen) + sizeof(*ip) > size)
		return "a packet that was cut";
	return ip->ip6_hlim == TTL - hops ? NULL : "a hop limit that is not that of a routed packet";
}

const char *frame_check(const uint8_t *at, size_t size, enum frame_way way, unsigned int hops, struct stamp *stamp)
{
	const unsigned int from = way == FRAME_TO_TUNNEL ? LAN_NET : TUNNEL_NET, to = way == FRAME_TO_TUNNEL ? TUNNEL_NET : LAN_NET;

	if (!frame_stamp(at, size, stamp))
		return "a packet that was not sent";
	return (at[0] >> 4 == 6 ? check6 : check4)(at, size, from, to, hops, stamp->flow);
}
