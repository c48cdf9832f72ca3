/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_filter.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Places in the frame, and in the program. */
enum {
	ETHERTYPE = 12,
	L3 = ETH_HLEN, V4_FRAG = L3 + 6, V4_PROTO = L3 + 9, V6_PROTO = L3 + 6, V6_LEN = 40,
	DPORT = 2,
	ANCILLARY_TYPE = SKF_AD_OFF + SKF_AD_PKTTYPE,
	ANCILLARY_VLAN = SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT,
	AT_V6 = 6, AT_V4 = 10, AT_UDP = 16, AT_TAKE = 19, AT_DROP = 20,
};

#define AT(at, op, k) [at] = BPF_STMT(op, (uint32_t)(k))
#define IF(at, op, k, yes, no) \
	[at] = BPF_JUMP(BPF_JMP | (op) | BPF_K, k, (yes) - (at) - 1, (no) - (at) - 1)

int filter_attach(int fd, uint16_t port, uint16_t also)
{
	struct sock_filter code[] = {
		AT(0, BPF_LD | BPF_B | BPF_ABS, ANCILLARY_TYPE),
		IF(1, BPF_JEQ, PACKET_HOST, 2, AT_DROP),
		AT(2, BPF_LD | BPF_B | BPF_ABS, ANCILLARY_VLAN),
		IF(3, BPF_JEQ, 0, 4, AT_DROP),
		AT(4, BPF_LD | BPF_H | BPF_ABS, ETHERTYPE),
		IF(5, BPF_JEQ, ETH_P_IPV6, AT_V6, AT_V4),

		AT(AT_V6, BPF_LD | BPF_B | BPF_ABS, V6_PROTO),
		IF(7, BPF_JEQ, IPPROTO_UDP, 8, AT_DROP),
		AT(8, BPF_LDX | BPF_W | BPF_IMM, V6_LEN),
		AT(9, BPF_JMP | BPF_JA, AT_UDP - 9 - 1),

		IF(AT_V4, BPF_JEQ, ETH_P_IP, 11, AT_DROP),
		AT(11, BPF_LD | BPF_B | BPF_ABS, V4_PROTO),
		IF(12, BPF_JEQ, IPPROTO_UDP, 13, AT_DROP),
		AT(13, BPF_LD | BPF_H | BPF_ABS, V4_FRAG),
		IF(14, BPF_JSET, 0x3fff, AT_DROP, 15),
		AT(15, BPF_LDX | BPF_B | BPF_MSH, L3),

		AT(AT_UDP, BPF_LD | BPF_H | BPF_IND, L3 + DPORT),
		IF(17, BPF_JEQ, port, AT_TAKE, 18),
		IF(18, BPF_JEQ, also ? also : port, AT_TAKE, AT_DROP),
		AT(AT_TAKE, BPF_RET | BPF_K, -1),
		AT(AT_DROP, BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog prog = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0 ? -errno : 0;
}
