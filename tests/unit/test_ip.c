/* SPDX-License-Identifier: BSD-3-Clause */
/* Inner IP packets: every length and version nibble, and the decapsulation table of RFC 6040, figure 4. */
#include <string.h>

#include <criterion/criterion.h>

#include "ip.h"

static uint16_t header_sum(const uint8_t *p)
{
	uint32_t sum = 0;

	for (int k = 0; k < 20; k += 2)
		sum += (uint32_t)p[k] << 8 | p[k + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;		/* 0xffff when the checksum is right */
}

static void make_v4(uint8_t *p, uint16_t len, uint8_t tos, uint16_t id)
{
	uint16_t check;

	memset(p, 0, 20);
	p[0] = 0x45;
	p[1] = tos;
	p[2] = len >> 8;
	p[3] = len & 0xff;
	p[4] = id >> 8;
	p[5] = id & 0xff;
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, "\x0a\x01\x02\x03\x0a\x04\x05\x06", 8);
	check = ~header_sum(p);
	p[10] = check >> 8;
	p[11] = check & 0xff;
}

static void make_v6(uint8_t *p, uint16_t payload, uint8_t tclass)
{
	memset(p, 0, 40);
	p[0] = 0x60 | tclass >> 4;
	p[1] = tclass << 4;
	p[4] = payload >> 8;
	p[5] = payload & 0xff;
}

Test(ip, parse_v4_lengths)
{
	uint8_t p[100] = { 0 };
	struct ip_view v;

	for (unsigned int total = 0; total < 100; total++) {
		make_v4(p, total, 0, 0);
		for (unsigned int len = 0; len <= 100; len++) {
			bool good = total >= 20 && len >= total;

			cr_assert_eq(ip_parse(p, len, &v), good, "total %u in %u bytes", total, len);
			if (good)
				cr_assert(v.version == 4 && v.len == total && v.src == 12 && v.dst == 16);
		}
	}
}

Test(ip, parse_v4_header_length)
{
	uint8_t p[80] = { 0 };
	struct ip_view v;

	for (unsigned int words = 0; words < 16; words++) {
		make_v4(p, 40, 0, 0);
		p[0] = 0x40 | words;
		cr_assert_eq(ip_parse(p, 80, &v), words >= 5 && words <= 10, "%u words of header in 40 bytes", words);
	}
}

Test(ip, parse_v6_lengths)
{
	uint8_t p[100] = { 0 };
	struct ip_view v;

	for (unsigned int payload = 0; payload <= 60; payload++) {
		make_v6(p, payload, 0);
		for (unsigned int len = 0; len <= 100; len++) {
			bool good = len >= 40 + payload;

			cr_assert_eq(ip_parse(p, len, &v), good, "payload %u in %u bytes", payload, len);
			if (good)
				cr_assert(v.version == 6 && v.len == 40 + payload && v.src == 8 && v.dst == 24);
		}
	}
}

Test(ip, parse_versions)
{
	uint8_t p[64];
	struct ip_view v;

	for (unsigned int version = 0; version < 16; version++) {
		make_v4(p, 64, 0, 0);
		p[0] = version << 4 | 5;
		p[4] = 0;
		p[5] = 4;
		cr_assert_eq(ip_parse(p, 64, &v), version == 4 || version == 6, "version %u", version);
	}
}

/* Rows: inner; columns: outer Not-ECT, ECT(1), ECT(0), CE. -1: drop. */
static const int decapsulated[4][4] = {
	[ECN_NOT_ECT] = { ECN_NOT_ECT, ECN_NOT_ECT, ECN_NOT_ECT, -1 },
	[ECN_ECT1] = { ECN_ECT1, ECN_ECT1, ECN_ECT1, ECN_CE },
	[ECN_ECT0] = { ECN_ECT0, ECN_ECT1, ECN_ECT0, ECN_CE },
	[ECN_CE] = { ECN_CE, ECN_CE, ECN_CE, ECN_CE },
};

static void check_decapsulation(uint8_t *p, uint8_t dscp, int inner, int outer)
{
	uint8_t before[40];
	int expect = decapsulated[inner][outer];

	memcpy(before, p, sizeof(before));
	cr_assert_eq(ip_ecn(p), inner);
	cr_assert_eq(ip_ecn_decapsulate(p, 0xb8 | outer), expect >= 0, "inner %d outer %d", inner, outer);
	if (expect < 0)
		return;
	cr_assert_eq(ip_ecn(p), expect, "inner %d outer %d", inner, outer);
	if (p[0] >> 4 == 4) {
		cr_assert_eq(p[1] & ~ECN_MASK, dscp, "DSCP is the inner one");
		cr_assert_eq(header_sum(p), 0xffff, "checksum, inner %d outer %d", inner, outer);
		before[1] = p[1];
		memcpy(before + 10, p + 10, 2);
	} else {
		before[1] = p[1];
		cr_assert_eq((p[0] << 4 | p[1] >> 4) & 0xfc, dscp);
	}
	cr_assert_arr_eq(before, p, p[0] >> 4 == 4 ? 20 : 40, "nothing else changes");
}

Test(ip, ecn_decapsulation)
{
	uint8_t p[60] = { 0 };

	for (int inner = 0; inner < 4; inner++) {
		for (int outer = 0; outer < 4; outer++) {
			/* Identifications that bring the checksum's sum over its edges, 0xffff and 0 among them. */
			for (unsigned int id = 0; id < 0x10000; id += 0x101) {
				make_v4(p, 40, 0x48 | inner, id);
				check_decapsulation(p, 0x48, inner, outer);
			}
			make_v6(p, 0, 0x48 | inner);
			check_decapsulation(p, 0x48, inner, outer);
		}
	}
}
