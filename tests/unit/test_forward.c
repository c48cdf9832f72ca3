/* SPDX-License-Identifier: BSD-3-Clause */
/* The LAN fast path: packets that any router forwards without a word go their way, TTL decremented; all others go to the host just as they came. */
#include "forward_bed.h"

TestSuite(forward, .timeout = 120);

Test(forward, between_lan_and_tunnel)
{
	setup();
	lan_to_tunnel(&out4, 0);
	lan_to_tunnel(&out6, 0);
	lan_to_tunnel(&out4, VID);
	lan_to_tunnel(&out6, VID);
	tunnel_to_lan(&in4);
	tunnel_to_lan(&in6);
	cr_expect_eq(counted().lan_rx, 4);
	cr_expect_eq(counted().lan_tx, 2);
	cr_expect_eq(far4.used, 1u << FIB_FROM_LAN | 1u << FIB_FROM_TUNNEL);
	cr_expect_eq(near6.used, 1u << FIB_FROM_TUNNEL);
	finish();
}

/* One that is for a router, in each direction: the host has it, unchanged. */
static void hosts(const struct lan_packet *k, bool both)
{
	struct lan_packet back = *k;

	lan_to_host(k);
	if (!both)
		return;
	if (!strcmp(k->dst, out4.dst) || !strcmp(k->dst, out6.dst))
		back.dst = strchr(k->dst, ':') ? in6.dst : in4.dst;
	tunnel_to_host(&back);
}

Test(forward, time_to_live)
{
	struct lan_packet k[] = { out4, out6 };

	setup();
	for (unsigned int i = 0; i < RTE_DIM(k); i++) {
		k[i].ttl = 1;
		hosts(&k[i], true);
		k[i].ttl_zero = true;
		hosts(&k[i], true);
		k[i].ttl_zero = false;
		k[i].ttl = 2;
		lan_to_tunnel(&k[i], 0);
		k[i].ttl = 255;
		lan_to_tunnel(&k[i], 0);
	}
	finish();
}

Test(forward, headers_that_are_to_be_looked_at)
{
	struct lan_packet k = out4;

	setup();
	for (k.options = 1; k.options <= 10; k.options++)
		hosts(&k, true);
	k.options = 0;
	k.bad_checksum = true;
	hosts(&k, true);
	k = out6;
	k.hop_by_hop = true;
	hosts(&k, true);
	/* Those that are the destination's. */
	for (unsigned int i = 0; i < 3; i++) {
		static const uint8_t header[] = { IPPROTO_ROUTING, IPPROTO_DSTOPTS, IPPROTO_FRAGMENT };

		k = out6;
		k.next = header[i];
		lan_to_tunnel(&k, 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		static const uint16_t fragment[] = { 0x2000, 0x2010, 0x0020, 0x4000 };

		k = out4;
		k.fragment = fragment[i];
		lan_to_tunnel(&k, 0);
	}
	finish();
}

Test(forward, sizes)
{
	struct lan_packet to[] = { out4, out6 }, from[] = { in4, in6 };

	setup();
	for (unsigned int i = 0; i < 2; i++) {
		to[i].len = MTU;
		lan_to_tunnel(&to[i], 0);
		to[i].len = MTU + 1;
		lan_to_host(&to[i]);
		to[i].len = LAN_MTU;
		lan_to_host(&to[i]);
		/* Out of the LAN port: by the way's MTU. */
		from[i].len = MTU;
		tunnel_to_lan(&from[i]);
		way.mtu = 1300;
		from[i].len = 1300;
		tunnel_to_lan(&from[i]);
		from[i].len = 1301;
		tunnel_to_host(&from[i]);
		way.mtu = LAN_MTU;
		from[i].len = strchr(from[i].dst, ':') ? 40 : 20;
		tunnel_to_lan(&from[i]);
	}
	finish();
}

/* Each of them would find a verdict. */
Test(forward, addresses_that_are_not_forwarded)
{
	static const char *const v4[] = { "224.0.0.5", "239.255.255.250", "255.255.255.255", "240.0.0.1", "127.0.0.1", "0.0.0.0", "0.1.2.3" };
	static const char *const v6[] = { "ff02::1", "ff0e::1", "fe80::7", "febf::1", "::1", "::", "::ffff:192.0.2.7" };
	struct lan_packet k;

	setup();
	insert(&far4, "0.0.0.0", 0);
	insert(&far6, "::", 0);
	for (unsigned int i = 0; i < RTE_DIM(v4); i++) {
		k = out4;
		k.dst = v4[i];
		hosts(&k, true);
		k = out4;
		k.src = v4[i];
		hosts(&k, true);
	}
	for (unsigned int i = 0; i < RTE_DIM(v6); i++) {
		k = out6;
		k.dst = v6[i];
		hosts(&k, true);
		k = out6;
		k.src = v6[i];
		hosts(&k, true);
	}
	/* Beside them. */
	k = out4;
	k.dst = "223.255.255.254";
	lan_to_tunnel(&k, 0);
	k.dst = "126.0.0.1";
	lan_to_tunnel(&k, 0);
	k = out6;
	k.dst = "::2";
	lan_to_tunnel(&k, 0);
	k.dst = "fec0::1";
	lan_to_tunnel(&k, 0);
	finish();
}

/* RFC 1624: as if it had been computed afresh, for every checksum that there is. */
Test(forward, checksum_after_a_hop)
{
	enum { AT_A_TIME = 32 };
	struct lan_packet k = out4;
	uint8_t frame[LAN_PACKET_MAX];
	size_t len = 0;

	setup();
	for (uint32_t id = 0; id <= UINT16_MAX; id += AT_A_TIME) {
		for (uint32_t i = id; i < id + AT_A_TIME; i++) {
			k.id = (uint16_t)i;
			len = lan_frame(frame, &k, 0);
			if (frame[24] == 0 && frame[25] == 0 && id & AT_A_TIME)	/* its other name */
				memset(frame + 24, 0xff, 2);
			wire_put(&wire, 0, mbuf(frame, len));
		}
		for (uint32_t i = id; i < id + AT_A_TIME; i++) {
			k.id = (uint16_t)i;
			lan_frame(frame, &k, 0);
			lan_hop(frame + 14);
			expect_sealed(get(outer.tx), frame + 14, len - 14, inner.tx);
		}
	}
	finish();
}
