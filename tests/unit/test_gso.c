/* SPDX-License-Identifier: BSD-3-Clause */
/* Super-packets cut into segments, compared byte by byte with a plain implementation, and headers that do not agree with their packet. */
#include <criterion/criterion.h>
#include <endian.h>

#include "offload_oracle.h"

enum { MAX = 65535 };

static uint8_t super[MAX], want[MAX];
static const struct spec tcp4 = { .ttl = 64, .flags = ACK, .window = 500, .address = 0x0a000001, .id = 7, .seq = 1, .ack = 2 };

/* Cuts the super-packet that s describes. `to` has just the room that is asked for. */
static void expect_cut(const struct spec *s, uint16_t size, bool partial)
{
	unsigned int state = s->payload, segments = s->payload ? (s->payload + size - 1) / size : 1;
	struct virtio_net_hdr vnet;
	size_t at = 0, longest = 0;
	uint8_t *copy, *to;
	struct gso g;

	spec_build(s, super, &state);
	vnet = spec_vnet(s, super, size, partial);
	copy = malloc(spec_len(s));
	memcpy(copy, super, spec_len(s));
	cr_assert(gso_begin(&g, &vnet, copy, spec_len(s)));
	cr_assert_eq(g.left, segments);
	/* The plain one takes the sum of the pseudo-header from where the kernel leaves it. */
	spec_vnet(s, super, size, true);
	to = malloc(g.max_len);
	for (unsigned int i = 0; i < segments; i++) {
		const size_t n = naive_cut(super, spec_len(s), spec_l4(s), spec_header(s), s->udp, size, i, want);

		cr_assert_eq(g.left, segments - i);
		cr_assert_leq(n, g.max_len);
		cr_assert_eq(gso_cut(&g, to), n);
		cr_assert(memcmp(to, want, n) == 0, "segment %u of %u, payload %u by %u", i, segments, s->payload, size);
		at += n - spec_header(s);
		longest = n > longest ? n : longest;
	}
	cr_expect_eq(g.left, 0);
	cr_expect_eq(at, s->payload);
	cr_expect_eq(longest, g.max_len);
	free(to);
	free(copy);
}

static void expect_cuts(struct spec s)
{
	static const struct { uint32_t payload; uint16_t size; } sizes[] = {
		{ 0, 1000 }, { 1, 1 }, { 5, 1 }, { 1000, 1000 }, { 1001, 1000 }, { 2000, 1000 }, { 2999, 1000 }, { 65000, 1368 },
		{ 60000, 65000 }, { 7777, 536 }, { 63, 9 }, { 40000, 8948 },
	};

	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		s.payload = sizes[i].payload;
		expect_cut(&s, sizes[i].size, true);
		if (!s.extension)	/* where the transport header is, only the kernel says */
			expect_cut(&s, sizes[i].size, false);
	}
}

Test(gso, as_the_plain_one)
{
	for (unsigned int i = 0; i < 64; i++) {
		struct spec s = tcp4;

		s.v6 = i & 1;
		s.udp = i & 2;
		s.no_df = i & 4;
		s.tos = i * 5;
		s.tcp_options = i & 8 ? 12 : i & 16 ? 40 : 0;
		s.option_fill = i;
		s.ip_options = i & 16 ? 8 : 0;
		s.extension = i & 32 ? 24 : 0;
		s.flags = ACK | (i & 4 ? FIN : 0) | (i & 8 ? PSH : 0) | (i & 16 ? CWR : 0) | (i & 32 ? ECE | URG : 0);
		s.id = 65530;
		s.seq = 0xffffff00;
		s.urgent = i;
		s.reserved = i & 1;
		s.label = i * 77;
		expect_cuts(s);
	}
}

/* Said once more without the plain implementation: who gets which flag. */
Test(gso, flags_and_numbers)
{
	struct spec s = tcp4;
	unsigned int state = 1;
	struct virtio_net_hdr vnet;
	struct gso g;

	s.flags = ACK | FIN | PSH | CWR | ECE;
	s.payload = 250;
	spec_build(&s, super, &state);
	vnet = spec_vnet(&s, super, 100, true);
	vnet.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	cr_assert(gso_begin(&g, &vnet, super, spec_len(&s)));
	cr_expect_eq(gso_cut(&g, want), 140);
	cr_expect_eq(want[33], ACK | CWR | ECE);
	cr_expect_eq(gso_cut(&g, want), 140);
	cr_expect_eq(want[33], ACK | ECE);
	cr_expect_eq(get32(want + 24), 101);
	cr_expect_eq(get16(want + 4), 8);
	cr_expect_eq(gso_cut(&g, want), 90);
	cr_expect_eq(want[33], ACK | FIN | PSH | ECE);
	cr_expect_eq(get32(want + 24), 201);
	cr_expect_eq(get16(want + 4), 9);
	cr_expect_eq(get16(want + 2), 90);
	cr_expect_eq(naive_fold(naive_sum(want, 20)), 0xffff);
	cr_expect_eq(naive_fold(naive_pseudo(want, IPPROTO_TCP, 70) + naive_sum(want + 20, 70)), 0xffff);
}

Test(gso, ordinary_packets)
{
	struct virtio_net_hdr none = { .flags = VIRTIO_NET_HDR_F_DATA_VALID }, vnet;
	unsigned int state = 3;
	struct gso g;

	for (unsigned int i = 0; i < 4; i++) {
		struct spec s = tcp4;

		s.v6 = i & 1;
		s.udp = i & 2;
		s.payload = 333;
		spec_build(&s, super, &state);
		memcpy(want, super, spec_len(&s));
		cr_assert(gso_begin(&g, &none, super, spec_len(&s)));
		cr_expect(g.left == 1 && g.max_len == spec_len(&s));
		memset(super + 1000, 0, 1000);
		cr_expect_eq(gso_cut(&g, super + 1000), spec_len(&s));
		cr_expect(memcmp(super + 1000, want, spec_len(&s)) == 0);

		vnet = spec_vnet(&s, super, 0, true);
		vnet.gso_type = 0;
		cr_assert(gso_begin(&g, &vnet, super, spec_len(&s)));
		cr_expect_eq(gso_cut(&g, super + 1000), spec_len(&s));
		cr_expect(memcmp(super + 1000, want, spec_len(&s)) == 0);
	}
	/* The kernel vouches for nothing: one byte, no IP at all. */
	cr_assert(gso_begin(&g, &none, want, 1));
	cr_expect_eq(gso_cut(&g, super), 1);
}

/* A sum of which the complement is 0: UDP must not say that it has no checksum. */
Test(gso, zero_checksum)
{
	struct spec s = tcp4;
	unsigned int state = 5;
	struct virtio_net_hdr vnet;
	struct gso g;

	for (unsigned int type = 0; type < 3; type++) {
		const uint16_t check = 20 + (type == 2 ? 16 : 6);
		const size_t segment = 20 + (type == 2 ? 20 : 8) + 100;

		s.udp = type != 2;
		s.payload = 200;
		spec_build(&s, super, &state);
		vnet = spec_vnet(&s, super, 100, true);
		if (type == 0) {
			s.payload = 100;
			spec_build(&s, super, &state);
			vnet = spec_vnet(&s, super, 0, true);
			vnet.gso_type = 0;
		}
		/* The last word of the first segment makes up for what its checksum would be. */
		cr_assert(gso_begin(&g, &vnet, super, spec_len(&s)));
		gso_cut(&g, want);
		put16(super + segment - 2, naive_fold(get16(super + segment - 2) + get16(want + check)));
		cr_assert(gso_begin(&g, &vnet, super, spec_len(&s)));
		gso_cut(&g, want);
		cr_expect_eq(get16(want + check), type == 2 ? 0 : 0xffff, "%u: %x", type, get16(want + check));
	}
}

struct bad {
	const char *name;
	struct virtio_net_hdr vnet;
	struct spec spec;
	uint32_t len;		/* 0: the packet's */
	uint8_t at, value;	/* byte of the packet that is changed; value 0: none */
};

#define NEEDS_CSUM .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM
#define TCP4 .gso_type = VIRTIO_NET_HDR_GSO_TCPV4
#define TCP6 .gso_type = VIRTIO_NET_HDR_GSO_TCPV6
#define UDP .gso_type = VIRTIO_NET_HDR_GSO_UDP_L4
#define UFO .gso_type = VIRTIO_NET_HDR_GSO_UDP
#define SIZE(n) .gso_size = (n)
#define START(n) .csum_start = (n)
#define FIELD(n) .csum_offset = (n)

static const struct bad bads[] = {
	{ .name = "checksum outside", .vnet = { NEEDS_CSUM, START(20), FIELD(19) }, .spec = { .payload = 0 }, .len = 40 },
	{ .name = "checksum far outside", .vnet = { NEEDS_CSUM, START(65535), FIELD(65535) }, .spec = { .payload = 10 } },
	{ .name = "csum_start wraps", .vnet = { NEEDS_CSUM, START(20), FIELD(65530) }, .spec = { .payload = 10 } },
	{ .name = "UFO", .vnet = { NEEDS_CSUM, UFO, SIZE(100), START(20), FIELD(6) }, .spec = { .udp = true, .payload = 300 } },
	{ .name = "unknown type", .vnet = { .gso_type = 2, SIZE(100) }, .spec = { .payload = 300 } },
	{ .name = "no size", .vnet = { NEEDS_CSUM, TCP4, START(20), FIELD(16) }, .spec = { .payload = 300 } },
	{ .name = "no size, UDP", .vnet = { NEEDS_CSUM, UDP, START(20), FIELD(6) }, .spec = { .udp = true, .payload = 300 } },
	{ .name = "v4 for v6", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(40), FIELD(16) }, .spec = { .v6 = true, .payload = 300 } },
	{ .name = "v6 for v4", .vnet = { NEEDS_CSUM, TCP6, SIZE(9), START(40), FIELD(16) }, .spec = { .payload = 300 } },
	{ .name = "not IP", .vnet = { NEEDS_CSUM, UDP, SIZE(9), START(20), FIELD(6) }, .spec = { .udp = true, .payload = 300 }, .at = 0, .value = 0x55 },
	{ .name = "TCP for UDP", .vnet = { TCP4, SIZE(9) }, .spec = { .udp = true, .payload = 300 } },
	{ .name = "UDP for TCP", .vnet = { UDP, SIZE(9) }, .spec = { .payload = 300 } },
	{ .name = "other place, v4", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(24), FIELD(16) }, .spec = { .payload = 300 } },
	{ .name = "inside the IPv6 header", .vnet = { NEEDS_CSUM, TCP6, SIZE(9), START(38), FIELD(16) }, .spec = { .v6 = true, .payload = 300 },
	  .at = 50, .value = 0x50 },
	{ .name = "other field", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(20), FIELD(6) }, .spec = { .payload = 300 } },
	{ .name = "past the end", .vnet = { NEEDS_CSUM, TCP6, SIZE(9), START(400), FIELD(16) }, .spec = { .v6 = true, .payload = 300 } },
	{ .name = "short TCP header", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(20), FIELD(16) }, .spec = { .payload = 300 }, .at = 32, .value = 0x40 },
	{ .name = "long TCP header", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(20), FIELD(16) }, .spec = { .payload = 10 }, .at = 32, .value = 0xf0 },
	{ .name = "cut off in TCP", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(20), FIELD(16) }, .spec = { .payload = 0 }, .len = 37 },
	{ .name = "cut off behind the checksum", .vnet = { NEEDS_CSUM, TCP4, SIZE(9), START(20), FIELD(16) }, .spec = { .payload = 0 }, .len = 38 },
	{ .name = "cut off in UDP", .vnet = { NEEDS_CSUM, UDP, SIZE(9), START(20), FIELD(6) }, .spec = { .udp = true }, .len = 27 },
	{ .name = "cut off in IP", .vnet = { TCP4, SIZE(9) }, .spec = { .payload = 0 }, .len = 19 },
	{ .name = "cut off in IPv6", .vnet = { TCP6, SIZE(9) }, .spec = { .v6 = true }, .len = 39 },
	{ .name = "one byte", .vnet = { TCP6, SIZE(9) }, .spec = { .v6 = true }, .len = 1 },
	{ .name = "short IP header", .vnet = { TCP4, SIZE(9) }, .spec = { .payload = 300 }, .at = 0, .value = 0x44 },
};

Test(gso, malformed)
{
	for (unsigned int i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *b = &bads[i];
		const size_t len = b->len ? b->len : spec_len(&b->spec);
		unsigned int state = 1;
		uint8_t *copy = malloc(len);
		struct gso g;

		spec_build(&b->spec, super, &state);
		if (b->value)
			super[b->at] = b->value;
		memcpy(copy, super, len);
		cr_expect(!gso_begin(&g, &b->vnet, copy, len), "%s", b->name);
		free(copy);
	}
}
