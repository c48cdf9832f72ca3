/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of DPDK's drivers would take a PCI device: what the driver libraries say of themselves (PMD_INFO_STRING, which
 * DPDK's build puts into each), read from the files without loading them. Any thread.
 */
#ifndef WGDP_PMD_H
#define WGDP_PMD_H

#include <stdbool.h>
#include <stdint.h>

struct pmds;

struct pmd {
	const char *name;	/* net_e1000_em */
	/*
	 * Kernel drivers that it works with, in DPDK's own words: "* igb_uio | uio_pci_generic | vfio-pci", or "*
	 * ib_uverbs & mlx5_core & mlx5_ib" of one beside the kernel's own driver, which the device keeps. "": not said.
	 */
	const char *kernel;
};

/*
 * Those of the librte_net_*.so* in a folder. NULL: no memory. Where there is no such folder (DPDK may be a part of the
 * program), every device is taken to have a driver without a name.
 */
struct pmds *pmds_read(const char *folder);
void pmds_free(struct pmds *p);

/* NULL: none. Good until pmds_free. */
const struct pmd *pmds_find(const struct pmds *p, uint16_t vendor, uint16_t device, uint16_t subvendor, uint16_t subdevice);

/* Whether the device must be given to vfio-pci or its like first. */
bool pmd_wants_binding(const struct pmd *p);

/* Whether it works with a device that this kernel driver has. */
bool pmd_works_with(const struct pmd *p, const char *kernel_driver);

/* Whether a kernel driver is one that leaves the device to user space. */
bool pmd_is_user_space(const char *kernel_driver);

#endif
