/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator_frames.h"

#include <endian.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

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
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)at;

	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF, .total_length = htobe16(size), .time_to_live = TTL, .next_proto_id = IPPROTO_UDP,
		.src_addr = address4(from, flow), .dst_addr = address4(to, flow),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

static void packet6(uint8_t *at, unsigned int from, unsigned int to, uint32_t size, unsigned int flow)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = htobe32(6u << 28), .payload_len = htobe16(size - sizeof(*ip)), .proto = IPPROTO_UDP, .hop_limits = TTL,
	};
	address6(ip->src_addr, from, flow);
	address6(ip->dst_addr, to, flow);
}

void frame_packet(uint8_t *at, bool v6, enum frame_way way, uint32_t size, const struct stamp *stamp)
{
	const unsigned int from = way == FRAME_TO_TUNNEL ? LAN_NET : TUNNEL_NET, to = way == FRAME_TO_TUNNEL ? TUNNEL_NET : LAN_NET;
	const size_t head = v6 ? sizeof(struct rte_ipv6_hdr) : sizeof(struct rte_ipv4_hdr);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(at + head);

	if (v6)
		packet6(at, from, to, size, stamp->flow);
	else
		packet4(at, from, to, size, stamp->flow);
	/* No checksum: nobody on the way looks at it, and IPv6's would have to be over bytes that are sent as they are found. */
	*udp = (struct rte_udp_hdr){ .src_port = htobe16(UDP_FROM), .dst_port = htobe16(UDP_TO), .dgram_len = htobe16(size - head) };
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

static void outer6(uint8_t *at, struct rte_udp_hdr *udp, size_t udp_len)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)at;

	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = htobe32(6u << 28), .payload_len = htobe16(udp_len), .proto = IPPROTO_UDP, .hop_limits = TTL,
		.src_addr = { 0xfd, 0x77, [15] = 2 }, .dst_addr = { 0xfd, 0x77, [15] = 1 },
	};
	udp->dgram_cksum = rte_ipv6_udptcp_cksum(ip, udp);
}

void frame_outer(uint8_t *at, bool v6, unsigned int flow, size_t len)
{
	uint8_t *const ip_at = at + FRAME_ETHER;
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(at + frame_outer_len(v6) - sizeof(*udp));
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)ip_at;
	const size_t udp_len = sizeof(*udp) + len;

	ether(at, outer_mac, far_mac, v6);
	*udp = (struct rte_udp_hdr){
		.src_port = htobe16(FRAME_FAR_PORT + flow), .dst_port = htobe16(FRAME_WG_PORT), .dgram_len = htobe16(udp_len),
	};
	if (v6) {
		outer6(ip_at, udp, udp_len);
		return;
	}
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF, .total_length = htobe16(sizeof(*ip) + udp_len), .time_to_live = TTL, .next_proto_id = IPPROTO_UDP,
		.src_addr = htobe32(RTE_IPV4(10, 77, 0, 2)), .dst_addr = htobe32(RTE_IPV4(10, 77, 0, 1)),
	};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
}

/* Where UDP begins in an IP packet without options; 0: it is none. */
static size_t udp_offset(const uint8_t *at, size_t size)
{
	if (size >= sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_udp_hdr) && at[0] == 0x45 && at[9] == IPPROTO_UDP)
		return sizeof(struct rte_ipv4_hdr);
	if (size >= sizeof(struct rte_ipv6_hdr) + sizeof(struct rte_udp_hdr) && at[0] >> 4 == 6 && at[6] == IPPROTO_UDP)
		return sizeof(struct rte_ipv6_hdr);
	return 0;
}

const uint8_t *frame_message(const uint8_t *at, size_t size, unsigned int *flow, size_t *len)
{
	const struct rte_udp_hdr *udp;
	size_t offset;

	if (size < FRAME_ETHER)
		return NULL;
	offset = udp_offset(at + FRAME_ETHER, size - FRAME_ETHER);
	if (!offset)
		return NULL;
	offset += FRAME_ETHER;
	udp = (const struct rte_udp_hdr *)(at + offset);
	*flow = be16toh(udp->dst_port) - FRAME_FAR_PORT;
	*len = be16toh(udp->dgram_len) - sizeof(*udp);
	if (be16toh(udp->src_port) != FRAME_WG_PORT || *len > size - offset - sizeof(*udp))
		return NULL;
	return at + offset + sizeof(*udp);
}

bool frame_stamp(const uint8_t *at, size_t size, struct stamp *stamp)
{
	const size_t offset = udp_offset(at, size);
	const struct rte_udp_hdr *udp = (const struct rte_udp_hdr *)(at + offset);

	if (!offset || udp->src_port != htobe16(UDP_FROM) || udp->dst_port != htobe16(UDP_TO) ||
	    size < offset + sizeof(*udp) + sizeof(*stamp))
		return false;
	memcpy(stamp, udp + 1, sizeof(*stamp));
	return true;
}

static const char *check4(const uint8_t *at, size_t size, unsigned int from, unsigned int to, unsigned int hops, unsigned int flow)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)at;

	if (ip->src_addr != address4(from, flow) || ip->dst_addr != address4(to, flow))
		return "a packet of another flow";
	if (be16toh(ip->total_length) > size)
		return "a packet that was cut";
	if (ip->time_to_live != TTL - hops)
		return "a TTL that is not that of a routed packet";
	return rte_raw_cksum(ip, sizeof(*ip)) == 0xffff ? NULL : "a wrong IP checksum";
}

static const char *check6(const uint8_t *at, size_t size, unsigned int from, unsigned int to, unsigned int hops, unsigned int flow)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)at;
	uint8_t address[16];

	address6(address, from, flow);
	if (memcmp(ip->src_addr, address, sizeof(address)))
		return "a packet of another flow";
	address6(address, to, flow);
	if (memcmp(ip->dst_addr, address, sizeof(address)))
		return "a packet of another flow";
	if (be16toh(ip->payload_len) + sizeof(*ip) > size)
		return "a packet that was cut";
	return ip->hop_limits == TTL - hops ? NULL : "a hop limit that is not that of a routed packet";
}

const char *frame_check(const uint8_t *at, size_t size, enum frame_way way, unsigned int hops, struct stamp *stamp)
{
	const unsigned int from = way == FRAME_TO_TUNNEL ? LAN_NET : TUNNEL_NET, to = way == FRAME_TO_TUNNEL ? TUNNEL_NET : LAN_NET;

	if (!frame_stamp(at, size, stamp))
		return "a packet that was not sent";
	return (at[0] >> 4 == 6 ? check6 : check4)(at, size, from, to, hops, stamp->flow);
}
