/* SPDX-License-Identifier: BSD-3-Clause */
#include "privileges.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "eal_plan.h"
#include "outer.h"
#include "pmd.h"

struct keep {
	unsigned int capability;
	unsigned int needs;	/* that want it; 0: always */
};

static const struct keep keep[] = {
	{ CAP_NET_ADMIN, 0 },
	{ CAP_NET_RAW, 0 },
	{ CAP_NET_BIND_SERVICE, 0 },
	{ CAP_IPC_LOCK, PRIVILEGES_DEVICE },
	{ CAP_SYS_ADMIN, PRIVILEGES_AF_XDP | PRIVILEGES_PHYSICAL },
	{ CAP_SYS_RAWIO, PRIVILEGES_PHYSICAL },
	{ CAP_DAC_READ_SEARCH, PRIVILEGES_READ_FILES },
};

enum { N_KEEP = sizeof(keep) / sizeof(keep[0]) };

/* Whether only a capability lets us read it: tried without. */
static bool needs_capability_to_read(const char *path)
{
	bool needed;
	int fd;

	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_get_caps_process() || capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_DAC_OVERRIDE) ||
	    capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, CAP_DAC_READ_SEARCH) || capng_apply(CAPNG_SELECT_CAPS))
		return true;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	needed = fd < 0 && errno == EACCES;
	if (fd >= 0)
		close(fd);
	for (unsigned int c = CAP_DAC_OVERRIDE; c <= CAP_DAC_READ_SEARCH; c++)
		if (capng_have_capability(CAPNG_PERMITTED, c))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, c);
	capng_apply(CAPNG_SELECT_CAPS);
	return needed;
}

/* A NIC that no IOMMU watches over is told physical addresses, which the kernel shows to few. */
static unsigned int device_needs(const char *root, const char *device)
{
	char addr[PCI_ADDR_LEN + 1];
	struct pci_device d;

	if (!strncmp(device, "net_af_xdp", strlen("net_af_xdp")))
		return PRIVILEGES_DEVICE | PRIVILEGES_AF_XDP;
	if (eal_plan_pci_addr(addr, device) && pci_read(&d, root, addr) && pmd_is_user_space(d.driver) && (d.no_iommu || *d.uio))
		return PRIVILEGES_DEVICE | PRIVILEGES_PHYSICAL;
	return PRIVILEGES_DEVICE;
}

unsigned int privileges_needs(const struct conf *c)
{
	unsigned int needs = 0;

	if (!outer_is_kernel(c->outer))
		needs |= device_needs("", c->outer);
	if (c->lan)
		needs |= device_needs("", c->lan);
	if (*c->path && needs_capability_to_read(c->path))
		needs |= PRIVILEGES_READ_FILES;
	return needs;
}

/* What we have of it, as bits: all capabilities of Linux fit in 64. */
static uint64_t wanted(unsigned int needs)
{
	uint64_t set = 0;

	for (size_t i = 0; i < N_KEEP; i++)
		if ((!keep[i].needs || keep[i].needs & needs) && capng_have_capability(CAPNG_PERMITTED, keep[i].capability))
			set |= 1ULL << keep[i].capability;
	return set;
}

/*
 * The inheritable set, which is empty unless somebody gives ambient capabilities, stays: for whom we start. (The kernel takes out of the
 * ambient set what is not permitted any more.)
 */
bool privileges_drop(unsigned int needs, char err[PRIVILEGES_ERRLEN])
{
	uint64_t set;

	capng_clear(CAPNG_SELECT_CAPS);
	if (capng_get_caps_process()) {
		snprintf(err, PRIVILEGES_ERRLEN, "cannot tell which capabilities this process has");
		return false;
	}
	if (!capng_have_capability(CAPNG_PERMITTED, CAP_NET_ADMIN)) {
		snprintf(err, PRIVILEGES_ERRLEN, "CAP_NET_ADMIN is missing: run as root, or give it as an ambient capability");
		return false;
	}
	set = wanted(needs);
	for (unsigned int c = 0; c <= CAP_LAST_CAP; c++) {
		capng_act_t act = set >> c & 1 ? CAPNG_ADD : CAPNG_DROP;

		capng_update(act, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
	}
	errno = 0;
	if (capng_apply(CAPNG_SELECT_CAPS) == 0)
		return true;
	snprintf(err, PRIVILEGES_ERRLEN, "cannot give up capabilities: %s", strerror(errno));
	return false;
}
