/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Called by advice.c and cli/devices.c (wgdp devices) and by the start of the EAL, in the main thread. A PCI device's
 * folder says what it is; who has it stands in links: driver, iommu_group, net/NAME (for virtio one folder deeper),
 * uio/uioN; what is open in /proc/PID/fd.
 */
#include "pci.h"

#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmd.h"
#include "sysfs.h"

#define DEVICES "/sys/bus/pci/devices"

static uint16_t id(const char *root, const char *addr, const char *name)
{
	long v = 0;

	sysfs_number(&v, root, DEVICES "/%s/%s", addr, name);
	return (uint16_t)v;
}

/* Whether a default route leads out of `ifname`. */
static bool has_default4(const char *root, const char *ifname)
{
	unsigned long dst, gateway, flags, mask;
	char path[PATH_MAX], line[512], name[PCI_NAME_LEN];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/net/route", root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%31s %lx %lx %lx %*s %*s %*s %lx", name, &dst, &gateway, &flags, &mask) == 5 &&
			strcmp(name, ifname) == 0 && dst == 0 && mask == 0;
	if (f)
		fclose(f);
	return found;
}

static bool has_default6(const char *root, const char *ifname)
{
	char path[PATH_MAX], line[512], dst[33], name[PCI_NAME_LEN];
	bool found = false;
	unsigned int len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/net/ipv6_route", root);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %*s %31s", dst, &len, name) == 3 &&
			strcmp(name, ifname) == 0 && len == 0;
	if (f)
		fclose(f);
	return found;
}

static void add_netdevs(struct pci_device *d, const char *root, const char *folder)
{
	struct sysfs_names *names = sysfs_list(root, DEVICES "/%s/%s", d->addr, folder);

	for (size_t k = 0; names && k < names->n && d->n_netdevs < PCI_NETDEVS_MAX; k++) {
		struct pci_netdev *dev = &d->netdev[d->n_netdevs++];
		long flags = 0;

		snprintf(dev->name, sizeof(dev->name), "%s", names->name[k]);
		sysfs_number(&flags, root, DEVICES "/%s/%s/%s/flags", d->addr, folder, dev->name);
		dev->up = flags & IFF_UP;
		dev->default_route = has_default4(root, dev->name) || has_default6(root, dev->name);
	}
	sysfs_names_free(names);
}

static void find_netdevs(struct pci_device *d, const char *root)
{
	struct sysfs_names *names = sysfs_list(root, DEVICES "/%s", d->addr);
	char folder[PCI_NAME_LEN + 8];

	add_netdevs(d, root, "net");
	for (size_t k = 0; names && k < names->n; k++) {
		if (strncmp(names->name[k], "virtio", strlen("virtio")) != 0 || strlen(names->name[k]) >= PCI_NAME_LEN)
			continue;
		snprintf(folder, sizeof(folder), "%s/net", names->name[k]);
		add_netdevs(d, root, folder);
	}
	sysfs_names_free(names);
}

static void find_uio(struct pci_device *d, const char *root)
{
	struct sysfs_names *names = sysfs_list(root, DEVICES "/%s/uio", d->addr);

	if (names && names->n > 0)
		snprintf(d->uio, sizeof(d->uio), "%s", names->name[0]);
	sysfs_names_free(names);
}

bool pci_read(struct pci_device *d, const char *root, const char *addr)
{
	long class, node = -1;
	char name[PCI_NAME_LEN];

	memset(d, 0, sizeof(*d));
	if (strlen(addr) > PCI_ADDR_LEN || !sysfs_number(&class, root, DEVICES "/%s/class", addr))
		return false;
	strcpy(d->addr, addr);
	d->class = (uint16_t)(class >> 8);
	d->vendor = id(root, addr, "vendor");
	d->device = id(root, addr, "device");
	d->subvendor = id(root, addr, "subsystem_vendor");
	d->subdevice = id(root, addr, "subsystem_device");
	sysfs_link(d->driver, sizeof(d->driver), root, DEVICES "/%s/driver", addr);
	sysfs_number(&node, root, DEVICES "/%s/numa_node", addr);
	d->node = (int)node;
	sysfs_link(d->iommu_group, sizeof(d->iommu_group), root, DEVICES "/%s/iommu_group", addr);
	d->no_iommu = sysfs_line(name, sizeof(name), root, DEVICES "/%s/iommu_group/name", addr) &&
		      strcmp(name, "vfio-noiommu") == 0;
	find_uio(d, root);
	find_netdevs(d, root);
	return true;
}

size_t pci_list(struct pci_device **all, const char *root)
{
	struct sysfs_names *names = sysfs_list(root, DEVICES);
	size_t n = 0;

	*all = names ? calloc(names->n + 1, sizeof(**all)) : NULL;
	for (size_t k = 0; *all && k < names->n; k++)
		if (pci_read(&(*all)[n], root, names->name[k]) && (*all)[n].class == PCI_CLASS_ETHERNET)
			n++;
	sysfs_names_free(names);
	return n;
}

/* Drivers that VFIO knows to leave a device alone. */
static bool is_harmless(const struct pci_device *d)
{
	return !*d->driver || d->class >> 8 == PCI_CLASS_BRIDGE || strncmp(d->driver, "vfio", strlen("vfio")) == 0 ||
	       strcmp(d->driver, "pci-stub") == 0;
}

bool pci_blocking(const struct pci_device *d, const char *root, char addr[PCI_ADDR_LEN + 1], char driver[PCI_NAME_LEN])
{
	struct sysfs_names *names = NULL;
	struct pci_device other;
	bool found = false;

	if (*d->iommu_group && !d->no_iommu)
		names = sysfs_list(root, DEVICES "/%s/iommu_group/devices", d->addr);
	for (size_t k = 0; names && k < names->n && !found; k++) {
		if (strcmp(names->name[k], d->addr) == 0 || !pci_read(&other, root, names->name[k]) || is_harmless(&other))
			continue;
		strcpy(addr, other.addr);
		strcpy(driver, other.driver);
		found = true;
	}
	sysfs_names_free(names);
	return found;
}

static bool has_open(const char *root, const char *pid, const char *node)
{
	struct sysfs_names *fds = sysfs_list(root, "/proc/%s/fd", pid);
	char last[PCI_NAME_LEN];
	bool found = false;

	for (size_t k = 0; fds && k < fds->n && !found; k++)
		found = sysfs_link(last, sizeof(last), root, "/proc/%s/fd/%s", pid, fds->name[k]) && strcmp(last, node) == 0;
	sysfs_names_free(fds);
	return found;
}

int pci_user(const struct pci_device *d, const char *root, char name[PCI_NAME_LEN])
{
	struct sysfs_names *pids;
	char node[PCI_NAME_LEN + 8];
	int user = 0;

	*name = '\0';
	if (!pmd_is_user_space(d->driver) || (!*d->uio && !*d->iommu_group))
		return 0;
	snprintf(node, sizeof(node), "%s%s", d->no_iommu ? "noiommu-" : "", *d->uio ? d->uio : d->iommu_group);
	pids = sysfs_list(root, "/proc");
	for (size_t k = 0; pids && k < pids->n && !user; k++) {
		const char *pid = pids->name[k];

		if (*pid < '1' || *pid > '9' || !has_open(root, pid, node))
			continue;
		user = atoi(pid);
		if (!sysfs_link(name, PCI_NAME_LEN, root, "/proc/%s/exe", pid))
			sysfs_line(name, PCI_NAME_LEN, root, "/proc/%s/comm", pid);
	}
	sysfs_names_free(pids);
	return user;
}
