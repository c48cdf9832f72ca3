/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames by hand: what is ours and what is not, what is a fragment, what is malformed, every truncation of a good
 * frame, with and without a VLAN tag, and what frame_headers and frame_finish make, read back by frame_parse and by an
 * independent checksum.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/parameterized.h>
#include <stdlib.h>
#include <string.h>

#include "ethdev_frame.h"

enum { PORT = 51820, FROM = 4711, IFINDEX = 7, PAYLOAD = 32, PADDING = 9 };

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 1 }, their_mac[6] = { 2, 0, 0, 0, 0, 2 };

struct bytes {
	uint8_t b[256];
	size_t len;
};

/* The one's complement sum over big-endian words, the slow way. */
static uint32_t naive_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? p[i] : p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static struct endpoint endpoint4(void)
{
	struct endpoint ep = { .local_ifindex = IFINDEX };

	ep.remote.v4.sin_family = AF_INET;
	ep.remote.v4.sin_port = htons(FROM);
	inet_pton(AF_INET, "192.0.2.1", &ep.remote.v4.sin_addr);
	inet_pton(AF_INET, "198.51.100.2", &ep.local.v4);
	return ep;
}

static struct endpoint endpoint6(const char *remote)
{
	struct endpoint ep = { .local_ifindex = IFINDEX };

	ep.remote.v6.sin6_family = AF_INET6;
	ep.remote.v6.sin6_port = htons(FROM);
	inet_pton(AF_INET6, remote, &ep.remote.v6.sin6_addr);
	inet_pton(AF_INET6, "2001:db8::2", &ep.local.v6);
	return ep;
}

static void fix_checksum4(uint8_t *ip)
{
	uint32_t sum;

	ip[10] = ip[11] = 0;
	sum = ~naive_sum(ip, (ip[0] & 0xf) * 4u);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* A frame that arrives, as its bytes stand in the RFCs; nothing of it is made by what is tested. */
static struct bytes arriving4(void)
{
	static const uint8_t template[FRAME_HEADERS4] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
		0x45, 0xb9, 0, 20 + 8 + PAYLOAD, 0x12, 0x34, 0x40, 0, 64, 17, 0, 0,
		192, 0, 2, 1, 198, 51, 100, 2,
		FROM >> 8, FROM & 0xff, PORT >> 8, PORT & 0xff, 0, 8 + PAYLOAD, 0, 0,
	};
	struct bytes f = { .len = sizeof(template) + PAYLOAD };

	memcpy(f.b, template, sizeof(template));
	memset(f.b + sizeof(template), 0xab, PAYLOAD);
	fix_checksum4(f.b + 14);
	return f;
}

static struct bytes arriving6(void)
{
	static const uint8_t template[FRAME_HEADERS6] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd,
		0x6b, 0x91, 0x23, 0x45, 0, 8 + PAYLOAD, 17, 64,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
		FROM >> 8, FROM & 0xff, PORT >> 8, PORT & 0xff, 0, 8 + PAYLOAD, 0xde, 0xad,
	};
	struct bytes f = { .len = sizeof(template) + PAYLOAD };

	memcpy(f.b, template, sizeof(template));
	memset(f.b + sizeof(template), 0xab, PAYLOAD);
	return f;
}

/* A tag: priority 5, may be dropped, VLAN `vid`. */
static struct bytes tagged(struct bytes f, uint16_t vid)
{
	memmove(f.b + 16, f.b + 12, f.len - 12);
	f.b[12] = 0x81;
	f.b[13] = 0x00;
	f.b[14] = (uint8_t)(0xb0 | vid >> 8);
	f.b[15] = (uint8_t)vid;
	f.len += 4;
	return f;
}

/* In memory of exactly its size, so that a sanitizer sees a byte read too many. */
static enum frame_verdict parse(const struct bytes *f, struct frame *out)
{
	uint8_t *exact = malloc(f->len ? f->len : 1);
	enum frame_verdict v = FRAME_NOT_OURS;
	struct frame_l2 l2;

	memcpy(exact, f->b, f->len);
	memset(out, 0xff, sizeof(*out));
	if (frame_l2_parse(exact, f->len, &l2))
		v = frame_parse(exact, f->len, &l2, PORT, IFINDEX, out);
	free(exact);
	return v;
}

static void check_ours_l2(const struct bytes *f, const struct endpoint *ep, uint8_t l3_len, uint8_t l2_len)
{
	struct frame got;

	cr_assert_eq(parse(f, &got), FRAME_OURS);
	cr_expect_arr_eq(&got.ep, ep, sizeof(*ep));
	cr_expect_eq(got.l2_len, l2_len);
	cr_expect_eq(got.l3_len, l3_len);
	cr_expect_eq(got.ds, 0xb9);
	cr_expect_eq(got.payload_len, PAYLOAD);
}

static void check_ours(const struct bytes *f, const struct endpoint *ep, uint8_t l3_len)
{
	check_ours_l2(f, ep, l3_len, 14);
}

Test(frame, ours)
{
	struct endpoint ep4 = endpoint4(), ep6 = endpoint6("2001:db8::1");
	struct bytes f4 = arriving4(), f6 = arriving6(), t4 = tagged(f4, 100), t6 = tagged(f6, 0);

	for (int padded = 0; padded < 2; padded++) {
		check_ours(&f4, &ep4, 20);
		check_ours(&f6, &ep6, 40);
		check_ours_l2(&t4, &ep4, 20, 18);
		check_ours_l2(&t6, &ep6, 40, 18);
		f4.len += PADDING;
		f6.len += PADDING;
		t4.len += PADDING;
		t6.len += PADDING;
	}
}

Test(frame, ethernet_header)
{
	static const uint16_t vids[] = { 0, 1, 100, 0x123, 4094, 4095 };
	const struct bytes plain = arriving4();
	struct frame_l2 l2;

	memset(&l2, 0xff, sizeof(l2));
	cr_assert(frame_l2_parse(plain.b, 14, &l2));
	cr_expect_arr_eq(l2.dst, our_mac, 6);
	cr_expect_arr_eq(l2.src, their_mac, 6);
	cr_expect(l2.vid == 0 && l2.type == 0x0800 && l2.len == 14);
	cr_expect_not(frame_l2_parse(plain.b, 13, &l2));

	for (size_t i = 0; i < sizeof(vids) / sizeof(vids[0]); i++) {
		const struct bytes f = tagged(plain, vids[i]);

		cr_assert(frame_l2_parse(f.b, 18, &l2));
		cr_expect_arr_eq(l2.dst, our_mac, 6);
		cr_expect_arr_eq(l2.src, their_mac, 6);
		cr_expect(l2.vid == vids[i] && l2.type == 0x0800 && l2.len == 18, "%u", vids[i]);
		cr_expect_not(frame_l2_parse(f.b, 17, &l2));
	}
}

/* Two tags, the outer one of either type. */
Test(frame, stacked_tags_are_the_hosts)
{
	struct bytes f = tagged(tagged(arriving4(), 100), 200);
	struct frame_l2 l2;
	struct frame got;

	cr_assert(frame_l2_parse(f.b, f.len, &l2));
	cr_expect(l2.vid == 200 && l2.type == 0x8100 && l2.len == 18);
	cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
	f.b[12] = 0x88;
	f.b[13] = 0xa8;
	cr_assert(frame_l2_parse(f.b, f.len, &l2));
	cr_expect(l2.vid == 0 && l2.type == 0x88a8 && l2.len == 14);
	cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
}

Test(frame, ethernet_header_is_written)
{
	static const uint8_t want[18] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0x0f, 0xfe, 0x86, 0xdd };
	struct frame_l2 l2 = { .vid = 4094, .type = 0x86dd, .len = 99 };
	uint8_t hdr[19];

	memcpy(l2.dst, our_mac, 6);
	memcpy(l2.src, their_mac, 6);
	memset(hdr, 0x5a, sizeof(hdr));
	cr_assert_eq(frame_l2_write(hdr, &l2), 18);
	cr_expect_arr_eq(hdr, want, 18);
	cr_expect_eq(hdr[18], 0x5a);

	l2.vid = 0;
	memset(hdr, 0x5a, sizeof(hdr));
	cr_assert_eq(frame_l2_write(hdr, &l2), 14);
	cr_expect_arr_eq(hdr, want, 12);
	cr_expect(hdr[12] == 0x86 && hdr[13] == 0xdd && hdr[14] == 0x5a);
}

static void check_fragment(const struct bytes *f, const struct endpoint *ep, uint8_t l2_len)
{
	struct frame got;

	cr_assert_eq(parse(f, &got), FRAME_FRAGMENT);
	cr_expect_eq(got.l2_len, l2_len);
	cr_expect_eq(got.ep.remote.sa.sa_family, ep->remote.sa.sa_family);
	cr_expect_arr_eq(&got.ep.local, &ep->local, sizeof(ep->local));
	cr_expect_eq(got.ep.local_ifindex, IFINDEX);
}

/* Whatever their port seems to be, and however much of them is here. */
Test(frame, fragments4)
{
	static const uint8_t fields[][2] = { { 0x20, 0 }, { 0x20, 9 }, { 0, 1 }, { 0x1f, 0 }, { 0x60, 0 } };
	struct endpoint ep = endpoint4();
	struct frame got;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct bytes f = arriving4(), t;

		memcpy(f.b + 20, fields[i], 2);
		memset(f.b + 34, 0xff, 8);
		t = tagged(f, 100);
		check_fragment(&f, &ep, 14);
		check_fragment(&t, &ep, 18);
		f.len = 34;
		check_fragment(&f, &ep, 14);
		f.len = 33;
		cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
		f.len = 34;
		f.b[23] = 1;
		cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
	}
}

/* A fragment header of 8 bytes, of next header `next` and with offset and flag as given. */
static struct bytes fragment6(uint8_t next, uint16_t field)
{
	struct bytes f = arriving6();

	memmove(f.b + 54 + 8, f.b + 54, f.len - 54);
	f.len += 8;
	f.b[19] += 8;
	f.b[20] = 44;
	memset(f.b + 54, 0, 8);
	f.b[54] = next;
	f.b[56] = (uint8_t)(field >> 8);
	f.b[57] = (uint8_t)field;
	f.b[61] = 1;
	return f;
}

Test(frame, fragments6)
{
	static const uint16_t fields[] = { 0, 1, 8, 9, 0xfff8 };	/* the first: all of its datagram */
	struct endpoint ep = endpoint6("2001:db8::1");
	struct frame got;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		struct bytes f = fragment6(17, fields[i]), t = tagged(f, 4000);

		check_fragment(&f, &ep, 14);
		check_fragment(&t, &ep, 18);
		f.len = 14 + 48;
		check_fragment(&f, &ep, 14);
		f.len--;
		cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
		f = fragment6(6, fields[i]);
		cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
		f = fragment6(60, fields[i]);
		cr_expect_eq(parse(&f, &got), FRAME_NOT_OURS);
	}
}

Test(frame, link_local_sender_has_a_scope)
{
	struct endpoint ep = endpoint6("fe80::db8:0:0:1");
	struct bytes f = arriving6();

	ep.remote.v6.sin6_scope_id = IFINDEX;
	memcpy(f.b + 22, &ep.remote.v6.sin6_addr, 16);
	check_ours(&f, &ep, 40);
}

Test(frame, options)
{
	struct endpoint ep = endpoint4();
	struct bytes f = arriving4();

	memmove(f.b + 34 + 4, f.b + 34, f.len - 34);
	memset(f.b + 34, 1, 4);
	f.len += 4;
	f.b[14] = 0x46;
	f.b[17] += 4;
	fix_checksum4(f.b + 14);
	check_ours(&f, &ep, 24);
}

Test(frame, truncated_anywhere)
{
	for (int i = 0; i < 4; i++) {
		const bool v6 = i & 1, tag = i & 2;
		const struct bytes plain = v6 ? arriving6() : arriving4(), whole = tag ? tagged(plain, 7) : plain;
		const size_t headers = (size_t)(v6 ? FRAME_HEADERS6 : FRAME_HEADERS4) + (tag ? FRAME_VLAN_LEN : 0);
		struct frame got;

		for (size_t len = 0; len < whole.len; len++) {
			struct bytes f = whole;

			f.len = len;
			cr_expect_eq(parse(&f, &got),
				     len < headers ? FRAME_NOT_OURS : FRAME_TRUNCATED,
				     "IPv%d, %zu bytes", v6 ? 6 : 4, len);
		}
	}
}

/* One byte of a good frame changed. */
struct change {
	int v6;
	size_t at;
	uint8_t to;
	int fix;		/* the header checksum, after it */
	enum frame_verdict want;
};

ParameterizedTestParameters(frame, changed)
{
	static struct change table[] = {
		{ 0, 6, 3, 0, FRAME_NOT_OURS },		/* from a group address */
		{ 0, 12, 0x81, 0, FRAME_NOT_OURS },	/* 0x8100: VLAN, with half an IP header for a tag */
		{ 0, 13, 0x06, 0, FRAME_NOT_OURS },	/* ARP */
		{ 0, 14, 0x65, 1, FRAME_NOT_OURS },	/* version 6 */
		{ 0, 14, 0x44, 1, FRAME_NOT_OURS },	/* header of 16 bytes */
		{ 0, 14, 0x4f, 1, FRAME_NOT_OURS },	/* header longer than the frame */
		{ 0, 20, 0x20, 1, FRAME_FRAGMENT },	/* more fragments */
		{ 0, 20, 0x1f, 1, FRAME_FRAGMENT },	/* not the first fragment */
		{ 0, 21, 0x01, 1, FRAME_FRAGMENT },
		{ 0, 23, 6, 1, FRAME_NOT_OURS },	/* TCP */
		{ 0, 37, 0xff, 0, FRAME_NOT_OURS },	/* other port */
		{ 0, 36, 0xff, 0, FRAME_NOT_OURS },
		{ 0, 17, 61, 1, FRAME_TRUNCATED },	/* total length */
		{ 0, 16, 1, 1, FRAME_TRUNCATED },
		{ 0, 17, 27, 1, FRAME_MALFORMED },	/* ends within the UDP header */
		{ 0, 17, 19, 1, FRAME_MALFORMED },	/* ends within the IP header */
		{ 0, 17, 59, 1, FRAME_MALFORMED },	/* UDP longer than IP */
		{ 0, 39, 41, 0, FRAME_MALFORMED },
		{ 0, 39, 7, 0, FRAME_MALFORMED },	/* UDP length */
		{ 0, 38, 1, 0, FRAME_MALFORMED },
		{ 0, 22, 65, 0, FRAME_MALFORMED },	/* header checksum */
		{ 0, 22, 65, 1, FRAME_OURS },
		{ 0, 26, 224, 1, FRAME_MALFORMED },	/* from a group address */
		{ 0, 40, 1, 0, FRAME_OURS },		/* UDP checksum does not matter */
		{ 1, 13, 0xde, 0, FRAME_NOT_OURS },
		{ 1, 14, 0x4b, 0, FRAME_NOT_OURS },	/* version 4 */
		{ 1, 20, 44, 0, FRAME_NOT_OURS },	/* fragment header, of protocol FROM >> 8 */
		{ 1, 20, 0, 0, FRAME_NOT_OURS },	/* hop-by-hop options */
		{ 1, 57, 0xff, 0, FRAME_NOT_OURS },	/* other port */
		{ 1, 19, 41, 0, FRAME_TRUNCATED },	/* payload length */
		{ 1, 19, 39, 0, FRAME_MALFORMED },	/* UDP longer than IP */
		{ 1, 19, 0, 0, FRAME_MALFORMED },
		{ 1, 59, 7, 0, FRAME_MALFORMED },	/* UDP length */
		{ 1, 59, 41, 0, FRAME_MALFORMED },
		{ 1, 22, 0xff, 0, FRAME_MALFORMED },	/* from a group address */
		{ 1, 60, 0, 0, FRAME_OURS },		/* UDP checksum */
	};

	return cr_make_param_array(struct change, table, sizeof(table) / sizeof(table[0]));
}

ParameterizedTest(struct change *c, frame, changed)
{
	struct bytes f = c->v6 ? arriving6() : arriving4();
	struct frame got;

	f.b[c->at] = c->to;
	if (c->fix)
		fix_checksum4(f.b + 14);
	cr_expect_eq(parse(&f, &got), c->want, "IPv%d, byte %zu = %u: %d", c->v6 ? 6 : 4, c->at,
		     c->to, got.payload_len);
}

/* Whole fields: no source port, sources that nobody has. */
Test(frame, impossible_senders)
{
	struct bytes f = arriving4();
	struct frame got;

	memset(f.b + 34, 0, 2);
	cr_expect_eq(parse(&f, &got), FRAME_MALFORMED);

	for (int byte = 0; byte < 256; byte += 255) {
		f = arriving4();
		memset(f.b + 26, byte, 4);
		fix_checksum4(f.b + 14);
		cr_expect_eq(parse(&f, &got), FRAME_MALFORMED);
	}
	f = arriving6();
	memset(f.b + 22, 0, 16);
	cr_expect_eq(parse(&f, &got), FRAME_MALFORMED);
	f = arriving6();
	memset(f.b + 54, 0, 2);
	cr_expect_eq(parse(&f, &got), FRAME_MALFORMED);
}

/* A frame to `ep` with `payload` bytes of message; and what the far end sees: addresses swapped. */
static struct bytes made_on(uint16_t vid, const struct endpoint *ep, size_t payload, uint8_t ds, size_t *headers,
			    enum frame_checksums checksums)
{
	struct frame_l2 l2 = { .vid = vid, .type = 0xffff, .len = 99 };
	struct bytes f;

	memcpy(l2.dst, our_mac, 6);
	memcpy(l2.src, their_mac, 6);
	memset(f.b, 0x5a, sizeof(f.b));
	*headers = frame_headers(f.b, &l2, ep);
	for (size_t i = 0; i < payload; i++)
		f.b[*headers + i] = (uint8_t)(0x80 + i);
	f.len = *headers + payload;
	frame_finish(f.b, *headers, payload, PORT, ds, checksums);
	return f;
}

static struct bytes made(const struct endpoint *ep, size_t payload, uint8_t ds, size_t *headers)
{
	return made_on(0, ep, payload, ds, headers, FRAME_CHECKSUMS_FULL);
}

static void check_checksums(const struct bytes *f, size_t headers, bool v6)
{
	const uint8_t *udp = f->b + headers - 8, *ip = udp - (v6 ? 40 : 20);
	const size_t udp_len = f->len - headers + 8;
	uint32_t sum;

	if (!v6) {
		cr_expect_eq(naive_sum(ip, 20), 0xffff);
		cr_expect(udp[6] == 0 && udp[7] == 0);
		return;
	}
	sum = naive_sum(ip + 8, 32) + (uint32_t)udp_len + 17 + naive_sum(udp, udp_len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	cr_expect_eq(sum, 0xffff);
	cr_expect(udp[6] || udp[7]);
}

/* What a NIC is to find, and what it has to make of that: IPv4's sum, and UDP's from the pseudo header's on. */
static void finish_like_a_nic(struct bytes *f, size_t headers, bool v6)
{
	uint8_t *udp = f->b + headers - 8, *ip = udp - (v6 ? 40 : 20);
	const uint32_t udp_len = (uint32_t)(f->len - headers + 8);
	uint32_t sum = naive_sum(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8) + udp_len + 17;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	cr_expect_eq(udp[6] << 8 | udp[7], sum);
	if (!v6) {
		cr_expect(ip[10] == 0 && ip[11] == 0);
		fix_checksum4(ip);
	}
	sum = (uint16_t)~naive_sum(udp, udp_len);
	udp[6] = (uint8_t)(sum >> 8);
	udp[7] = (uint8_t)sum;
}

Test(frame, made_and_parsed)
{
	for (int i = 0; i < 8; i++) {
		const bool v6 = i & 1, tag = i & 2, nic = i & 4;
		const uint16_t vid = tag ? 0xabc : 0;
		struct endpoint to = v6 ? endpoint6("2001:db8::1") : endpoint4(), seen = { 0 };

		seen.local_ifindex = IFINDEX;
		seen.remote.sa.sa_family = to.remote.sa.sa_family;
		seen.remote.v4.sin_port = htons(PORT);
		if (v6) {
			seen.remote.v6.sin6_addr = to.local.v6;
			seen.local.v6 = to.remote.v6.sin6_addr;
		} else {
			seen.remote.v4.sin_addr = to.local.v4;
			seen.local.v4 = to.remote.v4.sin_addr;
		}
		for (size_t payload = 12; payload < 150; payload++) {
			uint8_t ds = (uint8_t)(payload * 7);
			struct frame got;
			size_t headers;
			struct bytes f = made_on(vid, &to, payload, ds, &headers,
						 nic ? FRAME_CHECKSUMS_NIC : FRAME_CHECKSUMS_FULL);
			struct frame_l2 l2;

			cr_assert_eq(headers, (v6 ? 62u : 42u) + (tag ? 4u : 0u));
			cr_assert_leq(headers, FRAME_HEADERS_MAX);
			if (nic)
				finish_like_a_nic(&f, headers, v6);
			cr_assert(frame_l2_parse(f.b, f.len, &l2));
			cr_expect(l2.vid == vid && l2.type == (v6 ? 0x86dd : 0x0800));
			cr_expect_arr_eq(l2.dst, our_mac, 6);
			cr_expect_arr_eq(l2.src, their_mac, 6);
			cr_assert_eq(frame_parse(f.b, f.len, &l2, FROM, IFINDEX, &got), FRAME_OURS);
			cr_expect_eq(got.l2_len, tag ? 18 : 14);
			cr_expect_arr_eq(&got.ep, &seen, sizeof(seen));
			cr_expect_eq(got.ds, ds);
			cr_expect_eq(got.payload_len, payload);
			if (v6 || !nic)
				check_checksums(&f, headers, v6);
		}
	}
}

/* 0 would say that there is none (RFC 768), which IPv6 does not allow. */
Test(frame, udp6_checksum_is_never_zero)
{
	struct endpoint ep = endpoint6("2001:db8::1");
	size_t headers;
	struct bytes f = made(&ep, PAYLOAD, 0, &headers);
	uint16_t check;

	memcpy(&check, f.b + headers - 2, 2);
	/* Adds the checksum to the data: now the sum is all ones, and its complement 0. */
	cr_assert(f.b[headers] == 0x80 && f.b[headers + 1] == 0x81);
	f.b[headers] = f.b[headers + 1] = 0;
	frame_finish(f.b, headers, PAYLOAD, PORT, 0, FRAME_CHECKSUMS_FULL);
	memcpy(&check, f.b + headers - 2, 2);
	memcpy(f.b + headers, &check, 2);
	frame_finish(f.b, headers, PAYLOAD, PORT, 0, FRAME_CHECKSUMS_FULL);
	memcpy(&check, f.b + headers - 2, 2);
	cr_expect_eq(check, 0xffff);
	check_checksums(&f, headers, true);
}

/* RFC 6864: it must not repeat soon, and DF is clear. */
Test(frame, identification_varies)
{
	static bool seen[65536];
	struct endpoint ep = endpoint4();
	size_t headers;
	struct bytes f = made(&ep, PAYLOAD, 0, &headers);

	for (uint32_t counter = 0; counter < 65536; counter++) {
		uint16_t id;

		memcpy(f.b + headers + 8, &counter, sizeof(counter));
		memset(f.b + 24, 0, 2);
		frame_finish(f.b, headers, PAYLOAD, PORT, 0, FRAME_CHECKSUMS_FULL);
		memcpy(&id, f.b + 18, 2);
		cr_assert(!seen[id], "counter %u", counter);
		seen[id] = true;
		cr_assert(f.b[20] == 0 && f.b[21] == 0);
	}
}
