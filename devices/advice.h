/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What of a machine counts for DPDK, and what is to be done before a NIC can be used: for `wgdp devices`, which says it
 * of every NIC, and the start, which says it of those that it was given. Nothing is changed, opened or probed. Main
 * thread.
 */
#ifndef WGDP_ADVICE_H
#define WGDP_ADVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "pci.h"
#include "pmd.h"

enum advice_tool { ADVICE_DRIVERCTL, ADVICE_DEVBIND };

/* What all NICs have in common. */
struct machine {
	const char *root;	/* see sysfs.h */
	struct pmds *pmds;
	bool iommu;		/* there are IOMMU groups of real ones */
	bool vfio;		/* vfio-pci is loaded */
	bool no_iommu;		/* vfio was told to do without an IOMMU */
	bool may_no_iommu;	/* this kernel's vfio can be told so (Debian's cannot) */
	bool vhost_net;		/* /dev/vhost-net is there: mirrors are virtio-user devices, else taps */
	enum advice_tool tool;	/* what is installed; driverctl if both or neither */
	bool tool_installed;
};

/* `pmds`: folder with DPDK's drivers. `path`: where programs are, as $PATH. False: no memory. */
bool machine_read(struct machine *m, const char *root, const char *pmds, const char *path);
void machine_free(struct machine *m);

enum advice_state {
	ADVICE_READY,		/* wgdp can have it now */
	ADVICE_IN_USE,		/* it is ready, and a process has it */
	ADVICE_NOT_BOUND,	/* the commands make it ready */
	ADVICE_NO_DRIVER,	/* DPDK has none for it, or none is installed */
};

enum { ADVICE_LEN = 256, ADVICE_COMMANDS_MAX = 8 };

struct advice {
	enum advice_state state;
	const struct pmd *pmd;		/* DPDK's driver; NULL: none */
	char why[ADVICE_LEN];		/* what is missing; "": nothing */
	char warning[ADVICE_LEN];	/* what else to know before the commands are run; "": nothing */
	char command[ADVICE_COMMANDS_MAX][ADVICE_LEN];	/* what makes it ready, in this order */
	size_t n_commands;
	char back[ADVICE_COMMANDS_MAX][ADVICE_LEN];	/* what gives it back to the kernel, after those or now */
	size_t n_back;
	int user;			/* ADVICE_IN_USE: the process, */
	char user_name[PCI_NAME_LEN];	/* and its name */
};

void advice_make(struct advice *a, const struct machine *m, const struct pci_device *d);

#endif
