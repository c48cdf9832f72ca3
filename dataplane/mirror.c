/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>

#include "tap_signals.h"

static const char vhost_net[] = "/dev/vhost-net";

enum {
	MIRROR_RING = 1024,
	SEGMENTS = 8,		/* of a frame for the host, at most */
	TAP_DESCRIPTORS = 1,	/* a buffer each, all of which the driver keeps, for one frame */
};

/* Linear or not at all: what the drivers make fits into one of our buffers. */
static uint16_t keep_linear(struct rte_mbuf **m, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (rte_pktmbuf_linearize(m[i]) == 0)
			m[kept++] = m[i];
		else
			rte_pktmbuf_free(m[i]);
	}
	return kept;
}

uint16_t mirror_rx(struct mirror *mir, struct rte_mbuf **m, uint16_t n)
{
	return keep_linear(m, rte_eth_rx_burst(mir->port_id, 0, m, n));
}

/*
 * The tap driver takes no frame that is larger than Ethernet's, whatever the MTU: past it, as it would write one itself. The host takes what is larger than its MTU, as
 * from a NIC; a packet socket's fan-out, for one, puts fragments together.
 */
static bool write_large(const struct mirror *mir, const struct rte_mbuf *m)
{
	struct tun_pi pi = { 0 };
	struct iovec iov[1 + SEGMENTS] = { { &pi, sizeof(pi) } };
	int n = 1;

	for (; m && n <= SEGMENTS; m = m->next)
		iov[n++] = (struct iovec){ rte_pktmbuf_mtod(m, void *), rte_pktmbuf_data_len(m) };
	return !m && writev(mir->fd, iov, n) > 0;
}

/* One that is not the driver's. */
static uint16_t tx_other(const struct mirror *mir, struct rte_mbuf *m)
{
	const bool ok = write_large(mir, m);

	rte_pktmbuf_free(m);
	return ok;
}

uint16_t mirror_tx(struct mirror *mir, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = 0, did, end;

	rte_spinlock_lock(&mir->tx);
	for (uint16_t at = 0; at < n; at += did) {
		for (end = at; end < n && rte_pktmbuf_pkt_len(m[end]) <= mir->driver_max; end++)
			;
		did = end > at ? rte_eth_tx_burst(mir->port_id, 0, m + at, end - at) : 0;
		sent += did;
		if (at + did == end && end < n)
			sent += tx_other(mir, m[at + did++]);
		else if (at + did < end)	/* refused, perhaps that one alone */
			rte_pktmbuf_free(m[at + did++]);
	}
	rte_spinlock_unlock(&mir->tx);
	return sent;
}

static int mirror_plug(struct mirror *mir, const uint8_t mac[6], char err[PORT_ERRLEN])
{
	const bool vhost = access(vhost_net, R_OK | W_OK) == 0;
	char args[192], address[18];
	int rc;

	snprintf(address, sizeof(address), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	if (vhost)
		snprintf(args, sizeof(args), "path=%s,iface=%s,mac=%s,queues=1,queue_size=%d", vhost_net, mir->name, address, MIRROR_RING);
	else
		snprintf(args, sizeof(args), "iface=%s,mac=%s", mir->name, address);
	snprintf(mir->device, sizeof(mir->device), "%s_%s", vhost ? "virtio_user" : "net_tap", mir->name);
	rc = rte_eal_hotplug_add("vdev", mir->device, args);
	mir->plugged = rc == 0;
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(mir->device, &mir->port_id);
	if (rc < 0)
		snprintf(err, PORT_ERRLEN, "cannot create the host's interface %s by DPDK's %s driver: %s; needs root or CAP_NET_ADMIN, and /dev/net/tun (modprobe tun)",
			 mir->name, vhost ? "virtio-user" : "tap", rte_strerror(-rc));
	return rc;
}

static int mirror_start(struct mirror *mir, struct rte_mempool *pool, char err[PORT_ERRLEN])
{
	const bool tap = strncmp(mir->device, "net_tap", 7) == 0;
	struct rte_eth_conf conf = { .intr_conf.rxq = tap };
	int rc = rte_eth_dev_configure(mir->port_id, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(mir->port_id, 0, tap ? TAP_DESCRIPTORS : MIRROR_RING, SOCKET_ID_ANY, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(mir->port_id, 0, MIRROR_RING, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(mir->port_id);
	mir->started = rc == 0;
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "DPDK cannot start the host's interface %s: %s", mir->name, rte_strerror(-rc));
		return rc;
	}
	mir->fd = tap ? rte_eth_dev_rx_intr_ctl_q_get_fd(mir->port_id, 0) : -1;
	mir->driver_max = tap ? RTE_ETHER_MTU + RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN : UINT32_MAX;
	return 0;
}

/* The kernel's side of it: virtio-user leaves it down, with an MTU of 1500. */
static int mirror_bring_up(struct mirror *mir, uint16_t mtu, char err[PORT_ERRLEN])
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_mtu = mtu };
	int rc;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", mir->name);
	rc = fd < 0 || ioctl(fd, SIOCSIFMTU, &ifr) < 0 || ioctl(fd, SIOCGIFFLAGS, &ifr) < 0 ? -errno : 0;
	ifr.ifr_flags |= IFF_UP;
	if (rc == 0 && ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		rc = -errno;
	if (rc < 0)
		snprintf(err, PORT_ERRLEN, "cannot bring the host's interface %s up: %s", mir->name, rte_strerror(-rc));
	if (fd >= 0)
		close(fd);
	return rc;
}

int mirror_open(struct mirror *mir, const char *name, const uint8_t mac[6], uint16_t mtu, struct rte_mempool *pool, char err[PORT_ERRLEN])
{
	struct tap_signals signals;
	uint32_t level;
	int rc;

	memset(mir, 0, sizeof(*mir));
	snprintf(mir->name, sizeof(mir->name), "%s", name);
	mir->fd = -1;
	rte_spinlock_init(&mir->tx);
	if (if_nametoindex(name)) {
		snprintf(err, PORT_ERRLEN, "interface %s exists already; remove it (ip link del %s) or choose another name behind 'as'", name, name);
		return -EEXIST;
	}
	level = rte_log_get_global_level();
	rte_log_set_global_level(RTE_LOG_EMERG);	/* the tap driver has much to say of features that nobody wants of it */
	tap_signals_take(&signals);
	rc = mirror_plug(mir, mac, err);
	if (rc == 0)
		rc = mirror_start(mir, pool, err);
	tap_signals_give_back(&signals);
	rte_log_set_global_level(level);
	if (rc == 0)
		rc = mirror_bring_up(mir, mtu, err);
	mir->ifindex = if_nametoindex(name);
	if (rc == 0 && !mir->ifindex) {
		snprintf(err, PORT_ERRLEN, "interface %s is gone right after it was created", name);
		rc = -ENODEV;
	}
	if (rc < 0)
		mirror_close(mir);
	return rc;
}

void mirror_close(struct mirror *mir)
{
	if (mir->started)
		rte_eth_dev_stop(mir->port_id);
	if (mir->plugged)
		rte_eal_hotplug_remove("vdev", mir->device);
	mir->started = mir->plugged = false;
}
