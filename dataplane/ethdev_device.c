/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a device string of the user's to a running DPDK device and back. The control thread does all
 * of it, before the data cores start and after they have ended. What differs between drivers stands
 * in ethdev_kind.c: arguments added to the user's, the pool to receive into, and what is to be done
 * once it runs.
 */
#include "ethdev_device.h"

#include <errno.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>

#include "ethdev_kind.h"
#include "tap_signals.h"

enum { OPEN_TRIES = 7, OPEN_WAIT_US = 50000, DESCRIPTORS = 1024, DESCRIPTORS_MAX = 2048 };

/* Splits "name,arguments" and finds kind and netdev; *args is left to be freed by the caller. */
static int device_parse(struct device *d, const char *device, struct rte_kvargs **args,
			char err[PORT_ERRLEN])
{
	size_t len = strcspn(device, ",");
	const char *rest = device + len + (device[len] == ',');
	const char *ifname;

	d->kind = kind_find(device, d->owned);
	if (!d->kind) {
		snprintf(err, PORT_ERRLEN, "cannot share the DPDK device '%s' with the host: that takes net_af_packet or net_af_xdp with "
			 "iface=NAME; for any other, name the host's interface: %s as wan0", device, device);
		return -ENODEV;
	}
	if (len >= sizeof(d->name)) {
		snprintf(err, PORT_ERRLEN, "the DPDK device name in '%s' is too long", device);
		return -ENAMETOOLONG;
	}
	memcpy(d->name, device, len);
	*args = rte_kvargs_parse(rest, NULL);
	if (!kind_has_netdev(d->kind))
		return 0;
	ifname = *args ? rte_kvargs_get(*args, "iface") : NULL;
	if (!ifname) {
		snprintf(err, PORT_ERRLEN, "'%s' names no interface: write %s,iface=NAME", device,
			 d->name);
		return -EINVAL;
	}
	return netdev_get(&d->netdev, ifname, err);
}

/* A port of ours has it. (That it is configured says nothing: with some drivers it is so from the start.) */
static bool device_in_use(uint16_t port_id)
{
	struct rte_eth_dev_owner owner;

	return rte_eth_dev_owner_get(port_id, &owner) == 0 && owner.id != RTE_ETH_DEV_NO_OWNER;
}

/* From now on, until it is unplugged. */
static int device_set_owner(const struct device *d)
{
	struct rte_eth_dev_owner owner = { .name = "wgdp" };
	int rc = rte_eth_dev_owner_new(&owner.id);

	return rc < 0 ? rc : rte_eth_dev_owner_set(d->port_id, &owner);
}

static int plug_failed(const struct device *d, const char *args, int rc, char err[PORT_ERRLEN])
{
	if (strcmp(kind_bus(d->kind), "pci") == 0)
		snprintf(err, PORT_ERRLEN, "DPDK has no NIC %s: see wgdp devices", d->name);
	else
		snprintf(err, PORT_ERRLEN, "DPDK cannot make a device of '%s,%s': %s; see its messages", d->name, args, rte_strerror(-rc));
	return rc;
}

/* How many of the last characters are digits. */
static size_t digits_at_end(const char *s)
{
	size_t n = 0;

	while (n < strlen(s) && s[strlen(s) - n - 1] >= '0' && s[strlen(s) - n - 1] <= '9')
		n++;
	return n;
}

static int plug_taken(const struct device *d, char err[PORT_ERRLEN])
{
	const size_t stem = strlen(d->name) - digits_at_end(d->name);

	if (strcmp(kind_bus(d->kind), "pci") == 0)
		snprintf(err, PORT_ERRLEN, "another interface has the NIC %s already", d->name);
	else
		snprintf(err, PORT_ERRLEN, "another interface has the DPDK device %s already: give each a number of its own (%.*s0, %.*s1, ...)",
			 d->name, (int)stem, d->name, (int)stem, d->name);
	return -EEXIST;
}

/* NICs are there since the EAL's start, an owned device since it was asked how many queues it has. */
static int device_plug(struct device *d, const char *args, char err[PORT_ERRLEN])
{
	int rc = rte_eth_dev_get_port_by_name(d->name, &d->port_id);

	if (rc == 0 && (!d->owned || device_in_use(d->port_id)))
		return plug_taken(d, err);
	if (rc < 0 && strcmp(kind_bus(d->kind), "vdev") == 0) {
		rc = rte_eal_hotplug_add("vdev", d->name, args);
		if (rc == 0)
			rc = rte_eth_dev_get_port_by_name(d->name, &d->port_id);
	}
	d->plugged = rc == 0;
	return rc < 0 ? plug_failed(d, args, rc, err) : 0;
}

/*
 * DPDK's driver for e1000 and its kind says two of any of them: most (those of virtual machines, too) have no second one, to which frames would go to be
 * lost, and none receives by it.
 */
static uint16_t queue_pairs(const struct rte_eth_dev_info *info)
{
	return strcmp(info->driver_name, "net_e1000_em") == 0 ? 1 : RTE_MIN(info->max_rx_queues, info->max_tx_queues);
}

/* What the device can do for us, put into conf. */
static void device_features(struct device *d, const struct rte_eth_dev_info *info, struct rte_eth_conf *conf)
{
	const uint64_t checksums = RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | RTE_ETH_TX_OFFLOAD_UDP_CKSUM;
	const uint64_t spread = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP);

	d->udp_checksums = (info->tx_offload_capa & checksums) == checksums;
	if (d->udp_checksums)
		conf->txmode.offloads |= checksums;
	d->rss = d->n_queues > 1 && spread;
	if (d->rss) {
		conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf->rx_adv_conf.rss_conf.rss_hf = spread;
	}
	/* A NIC lets all through unless told to filter; virtio's driver has the other side filter (VIRTIO_NET_F_CTRL_VLAN) unasked. */
	d->vlan_filter = strcmp(info->driver_name, "net_virtio") == 0 && info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
	if (d->vlan_filter)
		conf->rxmode.offloads |= RTE_ETH_RX_OFFLOAD_VLAN_FILTER;
}

/* Descriptors as the driver likes them: some have many, and would keep all our buffers. */
static uint16_t descriptors(const struct rte_eth_desc_lim *lim, uint16_t preferred)
{
	uint16_t n = preferred ? preferred : DESCRIPTORS;

	n = RTE_MIN(n, (uint16_t)DESCRIPTORS_MAX);
	if (lim->nb_max)
		n = RTE_MIN(n, lim->nb_max);
	return RTE_MAX(n, lim->nb_min);
}

static int device_setup_queues(struct device *d, struct rte_mempool *pool, uint16_t wanted)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	uint16_t n_rx, n_tx;
	int rc = rte_eth_dev_info_get(d->port_id, &info);

	if (rc < 0)
		return rc;
	d->n_queues = queue_pairs(&info);
	if (!kind_has_netdev(d->kind))	/* whose hardware spreads over all it has; here we say over how many */
		d->n_queues = RTE_MIN(d->n_queues, wanted);
	if (d->owned)
		device_features(d, &info, &conf);
	n_rx = descriptors(&info.rx_desc_lim, info.default_rxportconf.ring_size);
	n_tx = descriptors(&info.tx_desc_lim, info.default_txportconf.ring_size);
	rc = rte_eth_dev_configure(d->port_id, d->n_queues, d->n_queues, &conf);
	for (uint16_t q = 0; rc == 0 && q < d->n_queues; q++) {
		rc = rte_eth_rx_queue_setup(d->port_id, q, d->owned ? n_rx : 0, SOCKET_ID_ANY, NULL, pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(d->port_id, q, d->owned ? n_tx : 0, SOCKET_ID_ANY, NULL);
	}
	return rc;
}

/*
 * The host's MTU for it, and the largest frames that it takes, whatever the MTU: so that a larger one is nothing that many a driver could
 * change only while it is stopped. Multicast is for the host to sort out; promiscuous it is not.
 */
static void device_own(struct device *d)
{
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	const uint32_t around = RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + RTE_VLAN_HLEN;
	uint16_t mtu = ETHERMTU, most;
	int rc;

	rte_eth_dev_get_mtu(d->port_id, &mtu);
	d->mtu = RTE_MIN(mtu, (uint16_t)PKT_MAX_INNER);
	if (kind_has_netdev(d->kind)) {
		d->mtu = d->netdev.mtu;
	} else if (rte_eth_dev_info_get(d->port_id, &info) == 0) {
		most = RTE_MIN(info.max_mtu, (uint16_t)PKT_MAX_INNER);
		if (info.max_rx_pktlen < most + around)	/* some say of the MTU nothing but that it has 16 bits */
			most = info.max_rx_pktlen > around ? (uint16_t)(info.max_rx_pktlen - around) : mtu;
		most = RTE_MAX(most, mtu);
		rc = rte_eth_dev_set_mtu(d->port_id, most);
		if (rc == 0)
			mtu = most;
		else if (rc == -ENOTSUP)	/* memif, ring and the like know no MTU, and copy what there is: what they say above is made up */
			mtu = PKT_MAX_INNER;
		d->max_frame = RTE_MIN(d->max_frame, mtu + (uint32_t)RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN);
	}
	if (rte_eth_macaddr_get(d->port_id, &mac) < 0 || rte_is_zero_ether_addr(&mac))
		rte_eth_random_addr(mac.addr_bytes);
	memcpy(d->mac, mac.addr_bytes, sizeof(d->mac));
}

static int device_start(struct device *d, const struct port_ethdev_conf *conf,
			char err[PORT_ERRLEN])
{
	int rc = device_set_owner(d);
	const char *why;

	if (rc == 0)
		rc = device_setup_queues(d, d->pool ? d->pool : conf->pool, conf->n_queues);
	if (rc == 0 && d->n_queues < conf->n_queues) {
		snprintf(err, PORT_ERRLEN, "%s has %u queues, %u are needed: give fewer RxCores, "
			 "or more queues to the device", d->name, d->n_queues, conf->n_queues);
		return -EINVAL;
	}
	if (rc == 0 && d->owned)
		device_own(d);
	if (rc == 0)
		rc = rte_eth_dev_start(d->port_id);
	if (rc < 0) {
		why = rc == -1 ? kind_no_start(d->kind) : NULL;
		snprintf(err, PORT_ERRLEN, "DPDK cannot start %s%s%s: %s%s", d->name, *d->netdev.name ? " on " : "", d->netdev.name,
			 why ? why : rte_strerror(-rc), why ? "" : "; see its messages");
		return rc;
	}
	d->started = true;
	if (d->owned && !kind_has_netdev(d->kind)) {
		rte_eth_promiscuous_disable(d->port_id);
		rte_eth_allmulticast_enable(d->port_id);
	} else {
		netdev_restore_promisc(&d->netdev);
	}
	return 0;
}

static int device_filter(const struct device *d, uint16_t port, char err[PORT_ERRLEN])
{
	const int rc = device_take(d, d->netdev.mac, port, 0);

	if (rc < 0)
		snprintf(err, PORT_ERRLEN, "cannot filter what %s receives: %s", d->netdev.name,
			 strerror(-rc));
	return rc;
}

static int device_multicast(struct device *d, char err[PORT_ERRLEN])
{
	d->multicast = netdev_all_multicast(&d->netdev);
	if (d->multicast >= 0)
		return 0;
	snprintf(err, PORT_ERRLEN, "cannot receive multicast on %s: %s", d->netdev.name, strerror(-d->multicast));
	return d->multicast;
}

/* *again: it could be otherwise in a moment. */
static int device_try_open(struct device *d, const struct port_ethdev_conf *conf, uint16_t port,
			   bool *again, char err[PORT_ERRLEN])
{
	struct tap_signals signals;
	struct rte_kvargs *user = NULL;
	char *args = NULL;
	int *before, rc;

	*again = false;
	memset(d, 0, sizeof(*d));
	d->multicast = -1;
	xdp_init(&d->xdp);
	d->owned = conf->mirror;
	rc = device_parse(d, conf->device, &user, err);
	if (rc == 0)
		rc = kind_prepare(d, conf, user, &args, err);
	rte_kvargs_free(user);

	if (rc == 0 && !d->owned) {
		memcpy(d->mac, d->netdev.mac, sizeof(d->mac));
		d->mtu = d->netdev.mtu;
	}
	before = rc == 0 ? fds_before() : NULL;
	tap_signals_take(&signals);
	if (rc == 0)
		rc = device_plug(d, args, err);
	if (rc == 0) {
		rc = device_start(d, conf, err);
		*again = rc < 0 && kind_releases_late(d->kind);
	}
	tap_signals_give_back(&signals);
	fds_after(&d->fds, before);
	if (rc == 0 && d->owned && kind_has_netdev(d->kind))
		rc = device_multicast(d, err);
	if (rc == 0)
		rc = kind_started(d, err);
	if (rc == 0)
		rc = device_filter(d, port, err);
	free(args);
	if (rc < 0)
		device_close(d);
	return rc;
}

uint16_t device_queues(const char *device, bool asked, char err[PORT_ERRLEN])
{
	struct device d = { .owned = true };
	struct rte_kvargs *args = NULL;
	struct rte_eth_dev_info info;
	struct tap_signals signals;
	const char *comma = strchr(device, ',');
	uint16_t n = 0;

	err[0] = '\0';
	tap_signals_take(&signals);
	if (device_parse(&d, device, &args, err) == 0) {
		if (kind_any_queues(d.kind))
			n = UINT16_MAX;
		else if (kind_has_netdev(d.kind))
			n = d.netdev.xdp_queues;
		else if (device_plug(&d, comma ? comma + 1 : "", err) == 0 && rte_eth_dev_info_get(d.port_id, &info) == 0)
			n = queue_pairs(&info);
		if (n && !asked && !kind_has_netdev(d.kind) && strcmp(kind_bus(d.kind), "vdev") == 0)
			n = 1;
	}
	tap_signals_give_back(&signals);
	rte_kvargs_free(args);
	return n;
}

int device_open(struct device *d, const struct port_ethdev_conf *conf, uint16_t port,
		char err[PORT_ERRLEN])
{
	bool again;
	int rc = device_try_open(d, conf, port, &again, err);

	/* (3 s in all: the kernel releases by a worker of its own, which a busy machine keeps from running.) */
	for (int try = 1; again && try < OPEN_TRIES; try++) {
		usleep(OPEN_WAIT_US << (try - 1));
		rc = device_try_open(d, conf, port, &again, err);
	}
	return rc;
}

void device_take_out(struct device *d)
{
	if (d->started)
		rte_eth_dev_stop(d->port_id);
	if (d->plugged)
		rte_eal_hotplug_remove(kind_bus(d->kind), d->name);
	d->started = d->plugged = false;
}

void device_close(struct device *d)
{
	device_take_out(d);
	fds_close(&d->fds);
	xdp_close(&d->xdp);
	if (d->multicast >= 0)
		close(d->multicast);
	d->multicast = -1;
	rte_mempool_free(d->pool);
	d->pool = NULL;
}

int device_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	return kind_take(d, mac, port, also);
}

int device_fd(const struct device *d, uint16_t queue)
{
	/* Not one socket a queue: they are not what we take them for. */
	if (fds_socket(&d->fds, d->n_queues - 1u) < 0 || fds_socket(&d->fds, d->n_queues) >= 0)
		return -1;
	return fds_socket(&d->fds, queue);
}

void device_clear_error(const struct device *d, uint16_t queue)
{
	int error;
	socklen_t len = sizeof(error);

	if (device_fd(d, queue) >= 0)
		getsockopt(device_fd(d, queue), SOL_SOCKET, SO_ERROR, &error, &len);
}
