/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the drivers that we can use differ. Control thread; called by ethdev_device.c alone, in this
 * order. Private to dataplane/.
 */
#ifndef WGDP_ETHDEV_KIND_H
#define WGDP_ETHDEV_KIND_H

#include <rte_kvargs.h>

#include "ethdev_device.h"

/*
 * By the beginning of a device string. NULL: no driver that can share a netdev with the host (`owned` false), or no device that can be named so.
 */
const struct device_kind *kind_find(const char *device, bool owned);

/* It sits on a netdev, which iface=NAME names. */
bool kind_has_netdev(const struct device_kind *kind);

/* "vdev", to be plugged in with arguments; "pci", which the EAL has done. */
const char *kind_bus(const struct device_kind *kind);

/* As device_queues; the netdev is known where there is one. `port_id` is the device's, where it has been plugged in. */
bool kind_any_queues(const struct device_kind *kind);

/* The driver's: "net_af_packet". */
const char *kind_name(const struct device_kind *kind);

/* What mostly stands behind it when its start fails with no more than -1; NULL: many things. */
const char *kind_no_start(const struct device_kind *kind);

/*
 * Closing it is not the end: the kernel lets go of the netdev's queues a little later, and until
 * then, to whoever starts the next device, they are busy.
 */
bool kind_releases_late(const struct device_kind *kind);

/*
 * Before it is plugged in: what the user has not said of the driver's arguments, in *args (to be
 * freed); the pool, if it has to be one of our own; max_frame. d's name and netdev are known. 0, or
 * -errno with a line in err.
 */
int kind_prepare(struct device *d, const struct port_ethdev_conf *conf,
		 const struct rte_kvargs *user, char **args, char err[PORT_ERRLEN]);

/* Once it runs: finds what kind_take needs. 0, or -errno with a line in err. */
int kind_started(struct device *d, char err[PORT_ERRLEN]);

/* After kind_started: device_take. */
int kind_take(const struct device *d, const uint8_t mac[6], uint16_t port, uint16_t also);

#endif
