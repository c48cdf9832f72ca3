/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs in the kernel for each frame that the netdev receives. What is a whole UDP datagram to our
 * MAC address, port and one of the host's own addresses goes to the AF_XDP socket of its queue;
 * anything else, and what finds no socket, passes to the host as if this were not here: ARP and ND,
 * fragments, VLANs, IPv6 extension headers, and datagrams on their way through this host, even
 * those to the same port. Lengths and checksums are judged by ethdev_frame.c, which sees what is
 * taken here.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "xdp_conf.h"

#define IP_FRAGMENTED 0x3fff	/* more fragments, or an offset */

/* Of this name and kind for DPDK's driver, which puts its sockets in. */
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, XDP_QUEUES_MAX);
	__type(key, __u32);
	__type(value, __u32);
} xsks_map SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct xdp_conf);
} wgdp_conf SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, XDP_LOCAL_MAX);
	__type(key, struct in6_addr);
	__type(value, __u8);
} wgdp_local SEC(".maps");

static __always_inline int is_conf_mac(const struct xdp_conf *conf, const unsigned char *mac)
{
	unsigned char diff = 0;

	for (int i = 0; i < ETH_ALEN; i++)
		diff |= conf->mac[i] ^ mac[i];
	return !diff;
}

/* The UDP header, with `dst` filled in; NULL: it passes. */
static __always_inline struct udphdr *ipv4(struct iphdr *ip, void *end, struct in6_addr *dst)
{
	if ((void *)(ip + 1) > end || ip->version != 4 || ip->ihl < 5 ||
	    ip->protocol != IPPROTO_UDP || ip->frag_off & bpf_htons(IP_FRAGMENTED))
		return 0;
	dst->in6_u.u6_addr32[2] = bpf_htonl(0xffff);
	dst->in6_u.u6_addr32[3] = ip->daddr;
	return (void *)ip + ip->ihl * 4;
}

static __always_inline struct udphdr *ipv6(struct ipv6hdr *ip, void *end, struct in6_addr *dst)
{
	if ((void *)(ip + 1) > end || ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
		return 0;
	*dst = ip->daddr;
	return (void *)(ip + 1);
}

SEC("xdp")
int wgdp_xdp(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct in6_addr dst = {};
	struct xdp_conf *conf;
	struct udphdr *udp;
	__u32 zero = 0;

	conf = bpf_map_lookup_elem(&wgdp_conf, &zero);
	if (!conf || !conf->port || (void *)(eth + 1) > end || !is_conf_mac(conf, eth->h_dest))
		return XDP_PASS;

	if (eth->h_proto == bpf_htons(ETH_P_IP))
		udp = ipv4((void *)(eth + 1), end, &dst);
	else if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		udp = ipv6((void *)(eth + 1), end, &dst);
	else
		return XDP_PASS;

	if (!udp || (void *)(udp + 1) > end ||
	    (udp->dest != conf->port && udp->dest != conf->also) ||
	    !bpf_map_lookup_elem(&wgdp_local, &dst))
		return XDP_PASS;
	return (int)bpf_redirect_map(&xsks_map, ctx->rx_queue_index, XDP_PASS);
}

char _license[] SEC("license") = "BSD-3-Clause";
