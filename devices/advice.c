/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A NIC is usable when its kernel driver is one that DPDK's driver works with: one of the user-space kind (vfio-pci),
 * or for a few (Mellanox) the kernel's own. vfio-pci wants an IOMMU, and all of the NIC's group, or to be told to do
 * without.
 */
#include "advice.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "sysfs.h"

#define NO_IOMMU "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode"

enum { PATH_LEN = 4096, MODULE_LEN = 64 };

/* Whether vfio can do without an IOMMU: if it is loaded, it has a parameter for that; else the kernel's configuration says it. */
static bool may_no_iommu(const char *root)
{
	char path[PATH_LEN], line[256];
	struct utsname u;
	bool may = false;
	FILE *f;

	if (sysfs_exists(root, "/sys/module/vfio") || uname(&u) < 0)
		return sysfs_exists(root, NO_IOMMU);
	snprintf(path, sizeof(path), "%s/boot/config-%s", root, u.release);
	f = fopen(path, "re");
	while (f && !may && fgets(line, sizeof(line), f))
		may = strcmp(line, "CONFIG_VFIO_NOIOMMU=y\n") == 0;
	if (f)
		fclose(f);
	return may;
}

static bool is_program(const char *root, const char *path, const char *name)
{
	while (*path) {
		size_t len = strcspn(path, ":");

		if (len > 0 && sysfs_exists(root, "%.*s/%s", (int)len, path, name))
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* Groups with names are those that vfio makes up. */
static bool has_iommu(const char *root)
{
	struct sysfs_names *groups = sysfs_list(root, "/sys/kernel/iommu_groups");
	char name[PCI_NAME_LEN];
	bool real = false;

	for (size_t k = 0; groups && k < groups->n && !real; k++)
		real = !sysfs_line(name, sizeof(name), root, "/sys/kernel/iommu_groups/%s/name", groups->name[k]) ||
		       strcmp(name, "vfio-noiommu") != 0;
	sysfs_names_free(groups);
	return real;
}

bool machine_read(struct machine *m, const char *root, const char *pmds, const char *path)
{
	char line[8];
	bool driverctl, devbind;

	*m = (struct machine){ .root = root, .pmds = pmds_read(pmds), .iommu = has_iommu(root) };
	m->vfio = sysfs_exists(root, "/sys/bus/pci/drivers/vfio-pci");
	m->no_iommu = sysfs_line(line, sizeof(line), root, NO_IOMMU) && *line == 'Y';
	m->may_no_iommu = may_no_iommu(root);
	m->vhost_net = sysfs_exists(root, "/dev/vhost-net");
	driverctl = is_program(root, path, "driverctl");
	devbind = is_program(root, path, "dpdk-devbind.py");
	m->tool = !driverctl && devbind ? ADVICE_DEVBIND : ADVICE_DRIVERCTL;
	m->tool_installed = driverctl || devbind;
	return m->pmds;
}

void machine_free(struct machine *m)
{
	pmds_free(m->pmds);
	m->pmds = NULL;
}

__attribute__((format(printf, 3, 4)))
static void say(char line[][ADVICE_LEN], size_t *n, const char *format, ...)
{
	va_list args;

	if (*n == ADVICE_COMMANDS_MAX)
		return;
	va_start(args, format);
	vsnprintf(line[(*n)++], ADVICE_LEN, format, args);
	va_end(args);
}

#define COMMAND(a, ...) say((a)->command, &(a)->n_commands, __VA_ARGS__)
#define BACK(a, ...) say((a)->back, &(a)->n_back, __VA_ARGS__)

/* The module that the kernel itself would load for it, from modules.alias. */
static void find_module(char module[MODULE_LEN], const struct machine *m, const struct pci_device *d)
{
	char modalias[256], path[PATH_LEN], line[1024], pattern[512], name[MODULE_LEN];
	struct utsname u;
	FILE *f;

	*module = '\0';
	if (uname(&u) < 0 || !sysfs_line(modalias, sizeof(modalias), m->root, "/sys/bus/pci/devices/%s/modalias", d->addr))
		return;
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.alias", m->root, u.release);
	f = fopen(path, "re");
	while (f && !*module && fgets(line, sizeof(line), f))
		if (sscanf(line, "alias %511s %63s", pattern, name) == 2 && strncmp(pattern, "pci:", strlen("pci:")) == 0 &&
		    fnmatch(pattern, modalias, 0) == 0)
			strcpy(module, name);
	if (f)
		fclose(f);
}

static void bind_command(struct advice *a, const struct machine *m, const struct pci_device *d, const char *driver)
{
	if (m->tool == ADVICE_DEVBIND)
		COMMAND(a, "dpdk-devbind.py -b %s %s", driver, d->addr);
	else
		COMMAND(a, "driverctl set-override %s %s", d->addr, driver);
}

/* To the kernel's own driver. */
static void unbind_command(struct advice *a, const struct machine *m, const struct pci_device *d, bool is_back)
{
	char module[MODULE_LEN] = "", line[ADVICE_LEN];

	if (m->tool == ADVICE_DRIVERCTL) {
		snprintf(line, sizeof(line), "driverctl unset-override %s", d->addr);
	} else if (*d->driver && !pmd_is_user_space(d->driver)) {
		snprintf(line, sizeof(line), "dpdk-devbind.py -b %s %s", d->driver, d->addr);
	} else {
		find_module(module, m, d);
		if (*module)
			snprintf(line, sizeof(line), "dpdk-devbind.py -b %s %s", module, d->addr);
		else
			snprintf(line, sizeof(line), "dpdk-devbind.py -u %s && echo %s >/sys/bus/pci/drivers_probe",
				 d->addr, d->addr);
	}
	if (is_back)
		BACK(a, "%s", line);
	else
		COMMAND(a, "%s", line);
}

__attribute__((format(printf, 3, 4)))
static void set_why(struct advice *a, enum advice_state state, const char *format, ...)
{
	va_list args;

	a->state = state;
	va_start(args, format);
	vsnprintf(a->why, sizeof(a->why), format, args);
	va_end(args);
}

/* What the machine loses with the NIC. */
static void warn_of_netdevs(struct advice *a, const struct pci_device *d)
{
	for (size_t k = 0; k < d->n_netdevs; k++) {
		const struct pci_netdev *dev = &d->netdev[k];

		if (dev->default_route)
			snprintf(a->warning, sizeof(a->warning),
				 "%s has the default route: without it you may not reach this machine", dev->name);
		else if (dev->up && !*a->warning)
			snprintf(a->warning, sizeof(a->warning), "%s is up, and its addresses and routes go with it",
				 dev->name);
		if (dev->up)
			COMMAND(a, "ip link set %s down", dev->name);
	}
}

/* What vfio-pci needs of the machine. */
static void load_vfio(struct advice *a, const struct machine *m)
{
	if (!m->iommu && !m->no_iommu) {
		COMMAND(a, "modprobe vfio");
		COMMAND(a, "echo 1 >" NO_IOMMU);
	}
	if (!m->vfio)
		COMMAND(a, "modprobe vfio-pci");
}

/* The kernel driver that the NIC shall have; NULL: none that it could have here will do. */
static const char *choose_driver(const struct advice *a, const struct machine *m)
{
	if ((m->iommu || m->no_iommu || m->may_no_iommu) && pmd_works_with(a->pmd, "vfio-pci"))
		return "vfio-pci";
	return pmd_works_with(a->pmd, "uio_pci_generic") ? "uio_pci_generic" : NULL;
}

#define IOMMU_ON "VT-d or AMD-Vi in the firmware, or the hypervisor's setting for a virtual one; then intel_iommu=on for Intel's"

static void advise_binding(struct advice *a, const struct machine *m, const struct pci_device *d)
{
	const char *driver = choose_driver(a, m);

	if (!driver) {
		set_why(a, ADVICE_NOT_BOUND, "needs vfio-pci, and that an IOMMU, which is off; turn it on: " IOMMU_ON);
		return;
	}
	if (*d->driver && pmd_is_user_space(d->driver))
		set_why(a, ADVICE_NOT_BOUND, "has %s, and has to be given to %s", d->driver, driver);
	else if (*d->driver)
		set_why(a, ADVICE_NOT_BOUND, "has the kernel's driver %s, and has to be given to %s", d->driver, driver);
	else
		set_why(a, ADVICE_NOT_BOUND, "has no driver, and has to be given to %s", driver);
	if (strcmp(driver, "vfio-pci") == 0)
		load_vfio(a, m);
	else if (!sysfs_exists(m->root, "/sys/bus/pci/drivers/%s", driver))
		COMMAND(a, "modprobe %s", driver);
	warn_of_netdevs(a, d);
	if (!*a->warning && !m->iommu && !m->no_iommu)
		snprintf(a->warning, sizeof(a->warning), "it is better with an IOMMU, which confines the NIC to wgdp's memory "
			 "and wgdp to few of root's rights: " IOMMU_ON);
	bind_command(a, m, d, driver);
	unbind_command(a, m, d, true);
}

/* UIO does not tell the IOMMU where the NIC may write; then it lets the NIC write nowhere, unless it lets it write everywhere. */
static bool is_kept_from_memory(const struct machine *m, const struct pci_device *d)
{
	char type[PCI_NAME_LEN];

	if (!*d->iommu_group || d->no_iommu || strcmp(d->driver, "vfio-pci") == 0)
		return false;
	return !sysfs_line(type, sizeof(type), m->root, "/sys/bus/pci/devices/%s/iommu_group/type", d->addr) ||
	       strcmp(type, "identity") != 0;
}

/* A NIC that a driver of the user-space kind has. */
static void advise_bound(struct advice *a, const struct machine *m, const struct pci_device *d)
{
	char addr[PCI_ADDR_LEN + 1], driver[PCI_NAME_LEN];
	struct pci_device other;

	unbind_command(a, m, d, true);
	if (!pci_blocking(d, m->root, addr, driver))
		return;
	set_why(a, ADVICE_NOT_BOUND, "shares IOMMU group %s with %s, which has the driver %s: vfio-pci gives out all of a group, "
		"or nothing", d->iommu_group, addr, driver);
	if (!pci_read(&other, m->root, addr))
		return;
	warn_of_netdevs(a, &other);
	bind_command(a, m, &other, "vfio-pci");
}

/* One that stays with the kernel's own driver. */
static void advise_beside(struct advice *a, const struct machine *m, const struct pci_device *d)
{
	if (!pmd_works_with(a->pmd, d->driver)) {
		set_why(a, ADVICE_NOT_BOUND,
			"has %s%s; DPDK works beside the kernel's own driver, to which it has to be given back",
			*d->driver ? "the driver " : "no driver", d->driver);
		unbind_command(a, m, d, false);
	} else if (!sysfs_exists(m->root, "/sys/module/ib_uverbs")) {
		set_why(a, ADVICE_NOT_BOUND, "DPDK reaches it by way of ib_uverbs, which is not loaded");
		COMMAND(a, "modprobe ib_uverbs");
	}
}

void advice_make(struct advice *a, const struct machine *m, const struct pci_device *d)
{
	*a = (struct advice){ .state = ADVICE_READY };
	a->pmd = pmds_find(m->pmds, d->vendor, d->device, d->subvendor, d->subdevice);
	if (!a->pmd) {
		set_why(a, ADVICE_NO_DRIVER,
			"no driver of DPDK's for %04x:%04x is installed; Debian has all there are in librte-meta-net",
			d->vendor, d->device);
		COMMAND(a, "apt install librte-meta-net");
		return;
	}
	if (!pmd_wants_binding(a->pmd))
		advise_beside(a, m, d);
	else if (pmd_is_user_space(d->driver) && pmd_works_with(a->pmd, d->driver) && !is_kept_from_memory(m, d))
		advise_bound(a, m, d);
	else
		advise_binding(a, m, d);
	if (a->state != ADVICE_READY)
		return;
	a->user = pci_user(d, m->root, a->user_name);
	if (a->user)
		a->state = ADVICE_IN_USE;
}
