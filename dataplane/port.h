/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port: where packets come from and go to. Two calls, rx_burst and tx_burst, with mbufs in between.
 *
 *   inner port: an mbuf holds one IP packet, from its first byte.
 *   outer port: an mbuf holds one WireGuard message; pkt.ep and pkt.ds say where it came from. What goes out has been through
 *               encap.
 *
 * A queue belongs to one data core, which alone calls rx_burst and tx_burst with its number. Everything else is the control
 * thread's, before the cores start or after they have ended, except where a function says otherwise.
 */
#ifndef WGDP_PORT_H
#define WGDP_PORT_H

#include <stdint.h>

#include <rte_mbuf.h>

#include "counters.h"
#include "endpoint.h"
#include "pkt.h"

enum { PORT_BURST = 64, PORT_MAX_FDS = 2, REWRITE_MAX = 80 };

/*
 * The way to a peer, ready to be written in front of each packet: published by the control thread (RCU), copied by workers. The kernel
 * port needs the endpoint alone; an ethdev port the finished Ethernet, IP and UDP headers (lengths, checksums and our port zero).
 */
struct rewrite {
	struct endpoint ep;
	uint8_t len;			/* of hdr; 0: no next hop known (ethdev), or none needed (kernel) */
	uint8_t hdr[REWRITE_MAX];
};

struct port;
struct port_info;

struct port_ops {
	const char *name;

	/*
	 * Up to n packets into m, n <= PORT_BURST; the caller owns them. Never blocks. Drops are counted in the queue's counters. Outer
	 * ports: an mbuf may be a view into a buffer that it shares with others. What is in it may be changed, and it may be trimmed from
	 * either end, but before and behind the message there is somebody else's.
	 */
	uint16_t (*rx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);

	/* Takes ownership of all n, sent or not. Never blocks for long. Returns how many the port took; the rest are counted. */
	uint16_t (*tx_burst)(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);

	/*
	 * Outer ports: makes m ready for tx_burst towards rw, with `ds` as the outer TOS or traffic class. Called by workers and the
	 * control thread, any number at once. False (m untouched): rw has no way out.
	 */
	bool (*encap)(const struct port *p, struct rte_mbuf *m, const struct rewrite *rw, uint8_t ds);

	/*
	 * Outer ports: the way back to where m (just received by this port, its data still the message) came from, good for an
	 * answer before anything is known of the sender. Data core that owns m.
	 */
	void (*way_back)(const struct port *p, const struct rte_mbuf *m, struct rewrite *rw);

	/*
	 * File descriptors that are readable when rx_burst would return something, once it has returned nothing: what is left of a
	 * super-packet does not show there. Returns how many. 0: the port cannot wake a sleeping core, it must be looked at again
	 * and again.
	 */
	unsigned int (*fds)(const struct port *p, uint16_t queue, int fd[PORT_MAX_FDS]);

	/* port_info, port_link_up; NULL: this is no DPDK device. */
	bool (*info)(const struct port *p, struct port_info *info);
	bool (*link_up)(const struct port *p);

	void (*destroy)(struct port *p);
};

/* Each kind of port embeds this as its first member. */
struct port {
	const struct port_ops *ops;
	uint16_t n_queues;
	int error;			/* errno that ended it (device gone), 0 while it lives. Data cores or the control thread set it, anyone reads: atomic */
	struct counters **counters;	/* [n_queues]: of the core that owns the queue; set before the cores start */
};

static inline uint16_t port_rx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return p->ops->rx_burst(p, queue, m, n);
}

static inline uint16_t port_tx_burst(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n)
{
	return p->ops->tx_burst(p, queue, m, n);
}

/* The error text of a failed create: one line for the user, saying what to do. */
enum { PORT_ERRLEN = 256 };

/*
 * kernel: UDP sockets, IPv4 and IPv6, `n_queues` of each (SO_REUSEPORT among themselves, yet a port that anybody else has is an error).
 * The sockets stay in the network namespace that this is called in.
 */
struct port_kernel_conf {
	uint16_t n_queues;
	uint16_t listen_port;		/* host order; 0: a free one, the same for IPv4 and IPv6 */
	uint32_t fwmark;		/* SO_MARK, 0: none */
	const char *bind_device;	/* SO_BINDTODEVICE (a VRF, an interface), NULL: none */
	struct rte_mempool *pool;
};

/*
 * Besides the mbufs of `pool`, the port has large buffers of its own, which mbufs that it hands out may be views into. So all of these
 * must have been freed before the port is destroyed.
 */
struct port *port_kernel_create(const struct port_kernel_conf *conf, char err[PORT_ERRLEN]);
/* The most packet memory that this takes for its own, in bytes. Any thread, also before the EAL has started. */
size_t port_kernel_memory(uint16_t n_queues);
/* Any thread. */
uint16_t port_kernel_listen_port(const struct port *p);
/* Sets SO_MARK on every socket, also of a listen port that is prepared; 0, or -errno with all as they were. Any time, control thread. */
int port_kernel_set_fwmark(struct port *p, uint32_t fwmark);

/*
 * Another listen port (host order, 0: a free one other than the one in use) while the cores run, in two steps. Control thread, in the
 * namespace of port_kernel_create.
 *
 * prepare: the new sockets are open, like the old ones but for the port, and nothing has changed yet. 0, or -errno with a line in err and
 * nothing prepared: -EADDRINUSE if anybody else has it. The port that is in use already: 0, and nothing is prepared. What another prepare
 * left is closed first.
 * commit: they are what the cores read and write, under the descriptors that `fds` has said before (and another one for IPv6, if it had
 * not been there): whoever sleeps on those must be told (dataplane_watch_again). What the old sockets had received and nobody has read
 * yet is lost. Cannot fail; nothing prepared: nothing happens.
 * abort: they are closed; nothing prepared: nothing happens.
 */
int port_kernel_listen_prepare(struct port *p, uint16_t port, char err[PORT_ERRLEN]);
void port_kernel_listen_commit(struct port *p);
void port_kernel_listen_abort(struct port *p);

/*
 * tun: creates the interface `ifname` (IFF_TUN, multi-queue), down, without addresses. It goes when the port is destroyed, or
 * the process ends. With the kernel's segmentation offloads: super-packets are cut on rx_burst (gso.h), and made of what
 * tx_burst is given (gro.h), which writes into the headers of those packets.
 */
struct port_tun_conf {
	uint16_t n_queues;
	const char *ifname;
	struct rte_mempool *pool;
};

struct port *port_tun_create(const struct port_tun_conf *conf, char err[PORT_ERRLEN]);
uint32_t port_tun_ifindex(const struct port *p);

/*
 * An interface of the host on a DPDK device: the netdev or mirror itself (vid 0), or a VLAN device of the host's on top of it. Frames of other VLANs
 * are the host's to judge.
 */
struct port_link {
	uint32_t ifindex;
	uint32_t mtu;
	uint16_t vid;			/* IEEE 802.1Q VLAN, 1 to 4094; 0: untagged */
	uint8_t mac[6];
	bool up;			/* administratively */
};

enum { PORT_LINKS_MAX = 128 };

/*
 * ethdev: a DPDK device, started with `n_queues` queue pairs, and taken out again on destroy. In one of two ways:
 *
 *   mirror NULL   The host keeps the netdev that the device sits on ("net_af_packet0,iface=eth0", "net_af_xdp0,iface=eth0").
 *   mirror NAME   DPDK owns the device: a NIC by PCI address, or any vdev. The host gets the interface NAME, with the device's MAC address and
 *                 MTU: what arrives and is not ours goes up there, what the host sends there goes out (mirror.h).
 *
 * `listen_port` 0: a free one of the host's; a socket of ours holds the port there, so that the host neither gives it away nor answers with
 * ICMP unreachable.
 */
struct port_ethdev_conf {
	const char *device;
	const char *mirror;
	uint16_t n_queues;
	uint16_t listen_port;
	struct rte_mempool *pool;
};

/*
 * How many queue pairs an owned device can have, at least 1; it is plugged in if need be and stays so until a create with it. `asked`: the user said how many cores receive.
 * If not, it is one for a virtual device between programs (memif, ring, virtio-user): only who made its other end knows how many that has.
 * 0: why stands in err. Control thread.
 */
uint16_t port_ethdev_queues(const char *device, bool asked, char err[PORT_ERRLEN]);

struct port *port_ethdev_create(const struct port_ethdev_conf *conf, char err[PORT_ERRLEN]);
/* Any thread. */
uint16_t port_ethdev_listen_port(const struct port *p);
/* The host's netdev that the device sits on, or the mirror. */
uint32_t port_ethdev_ifindex(const struct port *p);

/*
 * Builds the headers towards `ep`, whose local address and local_ifindex (one of the links) must be known, by way of the neighbour `mac`: Ethernet, with
 * the link's VLAN tag if it has one, IP, UDP. Control thread.
 */
void port_ethdev_rewrite(const struct port *p, struct rewrite *rw, const struct endpoint *ep, const uint8_t mac[6]);

/*
 * The host's own addresses (IPv4 mapped), all of them, copied. Only datagrams to one of them are taken; none until this was called.
 * Control thread, registered with RCU, at any time. 0, or -errno: the old ones stay, or (XDP map) some new ones are taken already.
 */
int port_ethdev_set_local(struct port *p, const struct in6_addr *addrs, size_t n);

/*
 * What the host's interfaces on the device are now, the netdev or mirror first; create has asked for that one. An owned device gets the first one's MAC address and
 * MTU, as far as its driver can. Rewrites made before hold the old MAC addresses. Control thread, registered with RCU, any time. 0; -ENOMEM with the old ones in force;
 * or in force all the same, -EMSGSIZE: the first one's MTU is larger than the device's frames, which is what counts; another -errno: the driver cannot have the MAC address, or (shared) the filter
 * is as it was.
 */
int port_ethdev_set_links(struct port *p, const struct port_link *links, size_t n);

/*
 * Another listen port while the cores run, in the same steps as port_kernel_listen_prepare and the others. What is on its way through the
 * port at commit, to the old port or from it, is lost or leaves from the new one. Rewrites stay good. A user's own XDP program decides by
 * itself what it takes.
 */
int port_ethdev_listen_prepare(struct port *p, uint16_t listen_port, char err[PORT_ERRLEN]);
void port_ethdev_listen_commit(struct port *p);
void port_ethdev_listen_abort(struct port *p);

/*
 * lan: a DPDK device that wgdp owns, with a mirror, for plaintext: routed packets come and go without the host. As an inner port it hands out and takes
 * whole IP packets:
 *
 *   rx_burst   packets that arrived for one of the host's MAC addresses on a link that is up, from the first byte of IP, whole, in one segment, with
 *              m->l2_len bytes of their Ethernet header still in front of the data: what port_lan_punt needs. All else has gone to the host.
 *   tx_burst   frames: struct lan_way's headers are in front.
 */
struct port *port_lan_create(const struct port_ethdev_conf *conf, char err[PORT_ERRLEN]);	/* mirror is not NULL; listen_port is ignored */
uint32_t port_lan_ifindex(const struct port *p);
/*
 * Device and mirror are gone, and have given back all mbufs, those of other ports' own buffers above all; its own buffers stay until it is destroyed, which is all that may
 * follow. So of two ports that send each other's packets, this one is taken out before the other is destroyed. After the cores have ended.
 */
void port_lan_take_out(struct port *p);
/* As port_ethdev_set_links. */
int port_lan_set_links(struct port *p, const struct port_link *links, size_t n);
/* The host gets them after all, as they arrived. Takes ownership of all n. The data core of the queue. */
void port_lan_punt(struct port *p, uint16_t queue, struct rte_mbuf **m, uint16_t n);

/* The headers to a neighbour on a LAN link (ifindex). 0: it is no link of ours. Ethernet with the link's VLAN tag: 14 or 18 bytes, the type of IP left zero. */
uint8_t port_lan_headers(const struct port *p, uint32_t ifindex, const uint8_t mac[6], uint8_t hdr[18], uint32_t *mtu);

/* What is to be shown of a DPDK device. Counts are the device's, since it was started. */
struct port_info {
	const char *device;		/* of the conf, good as long as the port */
	const char *driver;		/* DPDK's name of it */
	const char *mirror;		/* the host's interface; NULL: the host keeps the netdev */
	uint32_t mirror_ifindex;
	int numa;			/* node, -1: none */
	uint16_t queues;
	uint32_t mtu;
	uint8_t mac[6];
	bool link_up;
	uint32_t speed_mbps;		/* 0: not known */
	uint64_t rx_packets, rx_bytes, rx_missed, rx_errors, rx_no_mbuf, tx_packets, tx_bytes, tx_errors;
	bool udp_checksum_offload, rss;
};

/* False: p is no DPDK device. Control thread, as the next one. */
static inline bool port_info(const struct port *p, struct port_info *info)
{
	return p->ops->info && p->ops->info(p, info);
}

/* The link of the device that p is; one that is none is always up. */
static inline bool port_link_up(const struct port *p)
{
	return !p->ops->link_up || p->ops->link_up(p);
}

#endif
