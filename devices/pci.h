/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices on the PCI bus as sysfs shows them; they are not touched. `root` as in sysfs.h; any thread. */
#ifndef WGDP_PCI_H
#define WGDP_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PCI_ADDR_LEN = 16, PCI_NAME_LEN = 32, PCI_NETDEVS_MAX = 4, PCI_CLASS_ETHERNET = 0x0200, PCI_CLASS_BRIDGE = 0x06 };

/* An interface of the host's on a device, in the network namespace of the caller. */
struct pci_netdev {
	char name[PCI_NAME_LEN];
	bool up;		/* administratively */
	bool default_route;	/* the machine's way out */
};

struct pci_device {
	char addr[PCI_ADDR_LEN + 1];	/* 0000:03:00.0 */
	uint16_t class;			/* and subclass: PCI_CLASS_ETHERNET */
	uint16_t vendor, device, subvendor, subdevice;
	char driver[PCI_NAME_LEN];	/* the kernel's; "": none has it */
	int node;			/* NUMA node; -1: the machine has none */
	char iommu_group[PCI_NAME_LEN];	/* its number; "": no IOMMU watches over it */
	bool no_iommu;			/* the group is one that vfio-pci has made up where there is no IOMMU */
	char uio[PCI_NAME_LEN];		/* uio0, with a driver of that kind; else "" */
	struct pci_netdev netdev[PCI_NETDEVS_MAX];
	size_t n_netdevs;
};

/* False: there is no such device. */
bool pci_read(struct pci_device *d, const char *root, const char *addr);

/*
 * All of the class PCI_CLASS_ETHERNET, by address. Returns how many; *all is for the caller to free. 0: none, or no
 * memory.
 */
size_t pci_list(struct pci_device **all, const char *root);

/*
 * Another device of d's IOMMU group whose driver keeps vfio-pci from giving d to anybody: its address into `addr`, its
 * driver into `driver`. False: none.
 */
bool pci_blocking(const struct pci_device *d, const char *root, char addr[PCI_ADDR_LEN + 1], char driver[PCI_NAME_LEN]);

/*
 * A process that has d open through VFIO or UIO, and its name. 0: none, as far as the caller is let see.
 */
int pci_user(const struct pci_device *d, const char *root, char name[PCI_NAME_LEN]);

#endif
