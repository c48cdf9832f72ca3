/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process keeps only the capabilities that its ports need, from before DPDK and the first thread start until its end: so every thread
 * has the same small set, and a change at run time can do what the start could.
 *
 *   CAP_NET_ADMIN         tun, addresses, routes, rules, nftables, sysctls of the network, SO_MARK, XDP programs
 *   CAP_NET_RAW           packet and AF_XDP sockets; SO_BINDTODEVICE of a socket that is bound already
 *   CAP_NET_BIND_SERVICE  a ListenPort below 1024, which wg(8) may ask for at any time
 *   with a DPDK device    CAP_IPC_LOCK: af_packet's ring and the packet memory of AF_XDP and VFIO are locked, beyond RLIMIT_MEMLOCK
 *   with AF_XDP           CAP_SYS_ADMIN: without it (CAP_BPF is not enough) the kernel does not give out a program by its id, by which libbpf
 *                         and DPDK find what is attached
 *   with a NIC and no IOMMU   CAP_SYS_ADMIN, without which /proc/self/pagemap has no physical addresses for its DMA, and CAP_SYS_RAWIO, without
 *                         which VFIO gives out no such NIC and UIO's are not let at their I/O ports. Behind an IOMMU it needs neither.
 *   with a file of somebody else's   CAP_DAC_READ_SEARCH, without which a reload could not read it
 *
 * What that buys: whoever takes the process over by a packet or a request cannot load kernel modules, trace or signal other users'
 * processes, mount, change the clock, load BPF programs, or touch other users' files. What it does not: with AF_XDP, or a NIC and no IOMMU,
 * there is CAP_SYS_ADMIN, which is most of root; as root it still owns root's files, and PreUp, PostUp, PreDown and PostDown commands have all of root's
 * capabilities again, by the rule for user 0 in capabilities(7): the bounding set is left alone, and no_new_privs is not set. That is
 * what those commands are for; the unit (dist/wgdp@.service), where both are set, takes it from them.
 *
 * Not as root: CAP_NET_ADMIN at least has to come as an ambient capability (AmbientCapabilities= and User= of a unit, or setpriv(1)), so
 * that commands have it, too; /run/wireguard has to be that user's, and the file readable for it.
 */
#ifndef WGDP_PRIVILEGES_H
#define WGDP_PRIVILEGES_H

#include <stdbool.h>

struct conf;

enum privileges_needs {
	PRIVILEGES_DEVICE = 1,		/* any DPDK device */
	PRIVILEGES_AF_XDP = 2,
	PRIVILEGES_PHYSICAL = 8,	/* a NIC without an IOMMU */
	PRIVILEGES_READ_FILES = 4,	/* the file is not readable as its owner, group or others */
};

/* What this interface needs besides the first three. Only the main thread exists. */
unsigned int privileges_needs(const struct conf *c);

enum { PRIVILEGES_ERRLEN = 256 };

/*
 * Gives up everything but what the union of `needs` wants. False, with one line for the user in err: CAP_NET_ADMIN is not there to be
 * kept, or the kernel refused. What else is missing is missed by the port that wants it, and said then. Only the main thread exists.
 */
bool privileges_drop(unsigned int needs, char err[PRIVILEGES_ERRLEN]);

#endif
