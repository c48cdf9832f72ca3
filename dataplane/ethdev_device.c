/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a device string of the user's to a running DPDK device and back. The control thread does all
 * of it, before the data cores start and after they have ended. What differs between drivers stands
 * in ethdev_kind.c: arguments added to the user's, the pool to receive into, and what is to be done
 * once it runs.
 */
#include "ethdev_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus_vdev.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_kvargs.h>

#include "ethdev_kind.h"

enum { OPEN_TRIES = 5, OPEN_WAIT_US = 50000 };

/* Splits "name,arguments" and finds kind and netdev; *args is left to be freed by the caller. */
static int device_parse(struct device *d, const char *device, struct rte_kvargs **args,
			char err[PORT_ERRLEN])
{
	size_t len = strcspn(device, ",");
	const char *rest = device + len + (device[len] == ',');
	const char *ifname;

	d->kind = kind_find(device);
	if (!d->kind) {
		snprintf(err, PORT_ERRLEN, "cannot use the DPDK device '%s': it must be "
			 "net_af_packet or net_af_xdp with iface=NAME", device);
		return -ENODEV;
	}
	if (len >= sizeof(d->name)) {
		snprintf(err, PORT_ERRLEN, "the DPDK device name in '%s' is too long", device);
		return -ENAMETOOLONG;
	}
	memcpy(d->name, device, len);
	*args = rte_kvargs_parse(rest, NULL);
	ifname = *args ? rte_kvargs_get(*args, "iface") : NULL;
	if (!ifname) {
		snprintf(err, PORT_ERRLEN, "'%s' names no interface: write %s,iface=NAME", device,
			 d->name);
		return -EINVAL;
	}
	return netdev_get(&d->netdev, ifname, err);
}

static int device_plug(struct device *d, const char *args, char err[PORT_ERRLEN])
{
	int rc;

	if (rte_eth_dev_get_port_by_name(d->name, &d->port_id) == 0) {
		snprintf(err, PORT_ERRLEN, "another interface has the DPDK device %s already: give "
			 "each a number of its own (%s0, %s1, ...)", d->name, kind_name(d->kind),
			 kind_name(d->kind));
		return -EEXIST;
	}
	rc = rte_eal_hotplug_add("vdev", d->name, args);
	d->plugged = rc == 0;
	if (rc == 0)
		rc = rte_eth_dev_get_port_by_name(d->name, &d->port_id);
	if (rc < 0)
		snprintf(err, PORT_ERRLEN, "DPDK cannot make a device of '%s,%s': %s; see its "
			 "messages", d->name, args, rte_strerror(-rc));
	return rc;
}

static int device_setup_queues(struct device *d, struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(d->port_id, &info);

	if (rc < 0)
		return rc;
	d->n_queues = RTE_MIN(info.max_rx_queues, info.max_tx_queues);
	rc = rte_eth_dev_configure(d->port_id, d->n_queues, d->n_queues, &conf);
	for (uint16_t q = 0; rc == 0 && q < d->n_queues; q++) {
		rc = rte_eth_rx_queue_setup(d->port_id, q, 0, SOCKET_ID_ANY, NULL, pool);
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(d->port_id, q, 0, SOCKET_ID_ANY, NULL);
	}
	return rc;
}

static int device_start(struct device *d, const struct port_ethdev_conf *conf,
			char err[PORT_ERRLEN])
{
	int rc = device_setup_queues(d, d->pool ? d->pool : conf->pool);

	if (rc == 0 && d->n_queues < conf->n_queues) {
		snprintf(err, PORT_ERRLEN, "%s has %u queues, %u are needed: give fewer RxCores, "
			 "or more queues to the device", d->name, d->n_queues, conf->n_queues);
		return -EINVAL;
	}
	if (rc == 0)
		rc = rte_eth_dev_start(d->port_id);
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "DPDK cannot start %s on %s: %s; see its messages",
			 d->name, d->netdev.name, rte_strerror(-rc));
		return rc;
	}
	d->started = true;
	netdev_restore_promisc(&d->netdev);
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

/* *again: it could be otherwise in a moment. */
static int device_try_open(struct device *d, const struct port_ethdev_conf *conf, uint16_t port,
			   bool *again, char err[PORT_ERRLEN])
{
	struct rte_kvargs *user = NULL;
	char *args = NULL;
	int *before, rc;

	*again = false;
	memset(d, 0, sizeof(*d));
	xdp_init(&d->xdp);
	rc = device_parse(d, conf->device, &user, err);
	if (rc == 0)
		rc = kind_prepare(d, conf, user, &args, err);
	rte_kvargs_free(user);

	before = rc == 0 ? fds_before() : NULL;
	if (rc == 0)
		rc = device_plug(d, args, err);
	if (rc == 0) {
		rc = device_start(d, conf, err);
		*again = rc < 0 && kind_releases_late(d->kind);
	}
	fds_after(&d->fds, before);
	if (rc == 0)
		rc = kind_started(d, err);
	if (rc == 0)
		rc = device_filter(d, port, err);
	free(args);
	if (rc < 0)
		device_close(d);
	return rc;
}

int device_open(struct device *d, const struct port_ethdev_conf *conf, uint16_t port,
		char err[PORT_ERRLEN])
{
	bool again;
	int rc = device_try_open(d, conf, port, &again, err);

	for (int try = 1; again && try < OPEN_TRIES; try++) {
		usleep(OPEN_WAIT_US);
		rc = device_try_open(d, conf, port, &again, err);
	}
	return rc;
}

void device_close(struct device *d)
{
	if (d->started)
		rte_eth_dev_stop(d->port_id);
	if (d->plugged)
		rte_eal_hotplug_remove("vdev", d->name);
	d->started = d->plugged = false;
	fds_close(&d->fds);
	xdp_close(&d->xdp);
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
