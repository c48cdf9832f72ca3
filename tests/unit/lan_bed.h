/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IP packets and their frames, for a LAN port on a wire (nic_bed.h). What is not said stays as it is in a plain UDP packet that any router forwards.
 */
#ifndef WGDP_TEST_LAN_BED_H
#define WGDP_TEST_LAN_BED_H

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

enum { LAN_MTU = 1500, LAN_PACKET_MAX = 9300 };

static const uint8_t lan_mac[6] = { 2, 0, 0, 0, 0, 0x11 }, neighbour_mac[6] = { 2, 0, 0, 0, 0, 0x22 }, vlan_mac[6] = { 2, 0, 0, 0, 0, 0x33 };

struct lan_packet {
	const char *src, *dst;	/* text; both of one family */
	uint16_t len;		/* of the packet, 0: 100 */
	uint8_t ttl;		/* 0: 64 */
	bool ttl_zero, bad_checksum;
	uint8_t next;		/* IPv6: next header, IPv4: protocol; 0: UDP */
	bool hop_by_hop;	/* IPv6 */
	uint8_t options;	/* IPv4: words of them */
	uint16_t fragment;	/* IPv4: the word of flags and offset */
	uint16_t id;		/* IPv4's identification, IPv6's flow label; and in the payload */
};

static inline void lan_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* One's complement sum of big-endian words. */
static inline uint32_t lan_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void lan_checksum(uint8_t *ip)
{
	lan_put16(ip + 10, 0);
	lan_put16(ip + 10, ~lan_sum(ip, (ip[0] & 15) * 4u));
}

static inline size_t lan_write4(uint8_t *ip, const struct lan_packet *k, size_t len)
{
	const size_t header = 20 + k->options * 4u;

	memset(ip, 1, header);	/* no-operation, as options */
	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[1] = 0;
	lan_put16(ip + 2, (uint32_t)len);
	lan_put16(ip + 4, k->id);
	lan_put16(ip + 6, k->fragment);
	ip[8] = k->ttl_zero ? 0 : k->ttl ? k->ttl : 64;
	ip[9] = k->next ? k->next : IPPROTO_UDP;
	if (inet_pton(AF_INET, k->src, ip + 12) != 1 || inet_pton(AF_INET, k->dst, ip + 16) != 1)
		abort();
	lan_checksum(ip);
	ip[10] ^= k->bad_checksum;
	return header;
}

static inline size_t lan_write6(uint8_t *ip, const struct lan_packet *k, size_t len)
{
	ip[0] = 0x60;
	ip[1] = 0;
	lan_put16(ip + 2, k->id);
	lan_put16(ip + 4, (uint32_t)len - 40);
	ip[6] = k->hop_by_hop ? 0 : k->next ? k->next : IPPROTO_UDP;
	ip[7] = k->ttl_zero ? 0 : k->ttl ? k->ttl : 64;
	if (inet_pton(AF_INET6, k->src, ip + 8) != 1 || inet_pton(AF_INET6, k->dst, ip + 24) != 1)
		abort();
	return 40;
}

/* Returns the length of the packet. */
static inline size_t lan_write(uint8_t *ip, const struct lan_packet *k)
{
	const size_t len = k->len ? k->len : 100;
	const size_t header = strchr(k->dst, ':') ? lan_write6(ip, k, len) : lan_write4(ip, k, len);

	for (size_t i = header; i < len; i++)
		ip[i] = (uint8_t)(i * 31 + k->id);
	if (k->hop_by_hop)
		memcpy(ip + 40, "\x11\x00\x01\x04\x00\x00\x00\x00", 8);
	return len;
}

/* The same one hop further. */
static inline void lan_hop(uint8_t *ip)
{
	if (ip[0] >> 4 == 6) {
		ip[7]--;
		return;
	}
	ip[8]--;
	lan_checksum(ip);
}

/* Its Ethernet header, to lan_mac from neighbour_mac; vid 0: untagged. Returns its length. */
static inline size_t lan_ethernet(uint8_t *frame, const uint8_t to[6], const uint8_t from[6], uint16_t vid, uint16_t type)
{
	memcpy(frame, to, 6);
	memcpy(frame + 6, from, 6);
	if (vid) {
		lan_put16(frame + 12, ETHERTYPE_VLAN);
		lan_put16(frame + 14, vid);
	}
	lan_put16(frame + (vid ? 16 : 12), type);
	return vid ? 18 : 14;
}

static inline uint16_t lan_type(const uint8_t *ip)
{
	return ip[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP;
}

/* A frame from the neighbour with packet k. Returns its length. */
static inline size_t lan_frame(uint8_t *frame, const struct lan_packet *k, uint16_t vid)
{
	const size_t l2 = vid ? 18 : 14, len = lan_write(frame + l2, k);

	lan_ethernet(frame, vid ? vlan_mac : lan_mac, neighbour_mac, vid, lan_type(frame + l2));
	return l2 + len;
}

#endif
