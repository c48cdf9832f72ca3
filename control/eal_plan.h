/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the EAL has to be started, and what is missing before it can be: found out before DPDK is asked, whose own words
 * help nobody. Opens and closes the files of VFIO and UIO that belong to the NICs, and changes nothing. Main thread.
 */
#ifndef WGDP_EAL_PLAN_H
#define WGDP_EAL_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pci.h"

enum { EAL_NICS_MAX = 64, EAL_MIB = 1 << 20 };

struct eal_plan_conf {
	const char *root;		/* see sysfs.h */
	const char *pmds;		/* folder with DPDK's drivers */
	const char *path;		/* $PATH */
	size_t memory;			/* bytes */
	const char *const *devices;
	size_t n_devices;
};

struct eal_plan {
	const char *nic[EAL_NICS_MAX];	/* of the devices, those that are NICs, with their arguments */
	size_t n_nics;
	bool hugepages;
	/*
	 * All memory in one file: for who maps it into another process. That is virtio-user (its peer takes no more
	 * than 8 pieces) and memif with zero-copy=yes.
	 */
	bool single_file;
	int node;			/* NUMA node of the first NIC; -1: any */
};

/*
 * False: what is missing stands on `diag`, a line for each. What is only not as good as it could be is a line with
 * "warning: " in front.
 */
bool eal_plan(struct eal_plan *plan, const struct eal_plan_conf *conf, FILE *diag);

/* The PCI address that a device string begins with. False: it begins with something else. */
bool eal_plan_pci_addr(char addr[PCI_ADDR_LEN + 1], const char *device);

#endif
