/* SPDX-License-Identifier: BSD-3-Clause */
#include "ip.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <string.h>

/* RFC 1624, equation 3: the checksum after the first 16-bit word of the header changed by its low byte. */
static void ipv4_set_tos(uint8_t *data, uint8_t tos)
{
	uint16_t check = ip_read_be16(data + offsetof(struct iphdr, check));
	uint32_t sum = (uint16_t)~check;

	sum += (uint16_t)~ip_read_be16(data);
	data[1] = tos;
	sum += ip_read_be16(data);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	check = (uint16_t)~sum;
	data[offsetof(struct iphdr, check)] = check >> 8;
	data[offsetof(struct iphdr, check) + 1] = check & 0xff;
}

void ip_set_ecn(uint8_t *data, uint8_t ecn)
{
	if (data[0] >> 4 == 4)
		ipv4_set_tos(data, (data[1] & ~ECN_MASK) | ecn);
	else
		data[1] = (data[1] & ~(ECN_MASK << 4)) | ecn << 4;
}
