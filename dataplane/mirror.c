/* SPDX-License-Identifier: BSD-3-Clause */
#include "mirror.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_log.h>

static const char vhost_net[] = "/dev/vhost-net";

enum { MIRROR_RING = 1024, SIGNALS = 65 };

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

uint16_t mirror_tx(struct mirror *mir, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = 0, did;

	rte_spinlock_lock(&mir->tx);
	do {
		did = rte_eth_tx_burst(mir->port_id, 0, m + sent, n - sent);
		sent += did;
	} while (did && sent < n);
	rte_spinlock_unlock(&mir->tx);
	rte_pktmbuf_free_bulk(m + sent, n - sent);
	return sent;
}

static void ignore(int signal)
{
	(void)signal;
}

/*
 * The tap driver has the kernel send the process a real-time signal for each frame, so that an empty look costs no system call: for whoever sleeps the wrong one, and
 * deadly where the signal queue overflows. It goes without where all of those signals are taken.
 */
static int plug_without_signals(const char *device, const char *args)
{
	struct sigaction take = { .sa_handler = ignore }, old[SIGNALS];
	bool taken[SIGNALS] = { false };
	int rc;

	for (int s = SIGRTMIN + 1; s < SIGRTMAX && s < SIGNALS; s++)
		if (sigaction(s, NULL, &old[s]) == 0 && old[s].sa_handler == SIG_DFL)
			taken[s] = sigaction(s, &take, NULL) == 0;
	rc = rte_eal_hotplug_add("vdev", device, args);
	for (int s = SIGRTMIN + 1; s < SIGRTMAX && s < SIGNALS; s++)
		if (taken[s])
			sigaction(s, &old[s], NULL);
	return rc;
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
	rc = vhost ? rte_eal_hotplug_add("vdev", mir->device, args) : plug_without_signals(mir->device, args);
	mir->plugged = rc == 0;
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(mir->device, &mir->port_id);
	if (rc < 0)
		snprintf(err, PORT_ERRLEN, "cannot create the host's interface %s by DPDK's %s driver: %s; needs root or CAP_NET_ADMIN, and /dev/net/tun (modprobe tun)",
			 mir->name, vhost ? "virtio-user" : "tap", rte_strerror(-rc));
	return rc;
}

static int mirror_start(struct mirror *mir, uint16_t mtu, struct rte_mempool *pool, char err[PORT_ERRLEN])
{
	struct rte_eth_conf conf = { .intr_conf.rxq = strncmp(mir->device, "net_tap", 7) == 0 };
	int rc = rte_eth_dev_configure(mir->port_id, 1, 1, &conf);

	if (rc == 0)
		rc = rte_eth_rx_queue_setup(mir->port_id, 0, MIRROR_RING, SOCKET_ID_ANY, NULL, pool);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(mir->port_id, 0, MIRROR_RING, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(mir->port_id);
	mir->started = rc == 0;
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "DPDK cannot start the host's interface %s: %s", mir->name, rte_strerror(-rc));
		return rc;
	}
	mirror_set_mtu(mir, mtu);
	mir->fd = conf.intr_conf.rxq ? rte_eth_dev_rx_intr_ctl_q_get_fd(mir->port_id, 0) : -1;
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
	rc = mirror_plug(mir, mac, err);
	if (rc == 0)
		rc = mirror_start(mir, mtu, pool, err);
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

/* A driver that knows of no MTU takes frames of any size. */
void mirror_set_mtu(const struct mirror *mir, uint16_t mtu)
{
	rte_eth_dev_set_mtu(mir->port_id, mtu);
}
