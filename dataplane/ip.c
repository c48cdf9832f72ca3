/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

static uint16_t read_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

bool ip_parse(const uint8_t *data, size_t len, struct ip_view *v)
{
	if (len < sizeof(struct iphdr))
		return false;
	v->version = data[0] >> 4;
	if (v->version == 4) {
		uint32_t header = (data[0] & 0xf) * 4u;

		v->len = read_be16(data + offsetof(struct iphdr, tot_len));
		v->src = offsetof(struct iphdr, saddr);
		v->dst = offsetof(struct iphdr, daddr);
		return header >= sizeof(struct iphdr) && v->len >= header && v->len <= len;
	}
	if (v->version == 6 && len >= sizeof(struct ip6_hdr)) {
		v->len = sizeof(struct ip6_hdr) + read_be16(data + offsetof(struct ip6_hdr, ip6_plen));
		v->src = offsetof(struct ip6_hdr, ip6_src);
		v->dst = offsetof(struct ip6_hdr, ip6_dst);
		return v->len <= len;
	}
	return false;
}

uint8_t ip_ecn(const uint8_t *data)
{
	return (data[0] >> 4 == 4 ? data[1] : data[1] >> 4) & ECN_MASK;
}

/* RFC 1624, equation 3: the checksum after the first 16-bit word of the header changed by its low byte. */
static void ipv4_set_tos(uint8_t *data, uint8_t tos)
{
	uint16_t check = read_be16(data + offsetof(struct iphdr, check));
	uint32_t sum = (uint16_t)~check;

	sum += (uint16_t)~read_be16(data);
	data[1] = tos;
	sum += read_be16(data);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	check = (uint16_t)~sum;
	data[offsetof(struct iphdr, check)] = check >> 8;
	data[offsetof(struct iphdr, check) + 1] = check & 0xff;
}

static void set_ecn(uint8_t *data, uint8_t ecn)
{
	if (data[0] >> 4 == 4)
		ipv4_set_tos(data, (data[1] & ~ECN_MASK) | ecn);
	else
		data[1] = (data[1] & ~(ECN_MASK << 4)) | ecn << 4;
}

bool ip_ecn_decapsulate(uint8_t *data, uint8_t outer_ds)
{
	uint8_t inner = ip_ecn(data), outer = outer_ds & ECN_MASK;

	if (inner == ECN_NOT_ECT)
		return outer != ECN_CE;
	if (outer == ECN_CE || (outer == ECN_ECT1 && inner == ECN_ECT0))
		set_ecn(data, outer);
	return true;
}
