/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal_start hands in the devices of all interfaces. The NICs among them are held against what devices/advice.h says of
 * each, then their VFIO or UIO files are tried, then hugepages are counted. Everything that is missing is said in one
 * go, for who mends one thing at a time starts the program as many times.
 */
#include "eal_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "advice.h"
#include "hugepages.h"

bool eal_plan_pci_addr(char addr[PCI_ADDR_LEN + 1], const char *device)
{
	const size_t len = strcspn(device, ",");
	unsigned int part[4];
	char end;

	if (len > PCI_ADDR_LEN)
		return false;
	memcpy(addr, device, len);
	addr[len] = '\0';
	return sscanf(addr, "%8x:%2x:%2x.%1x%c", &part[0], &part[1], &part[2], &part[3], &end) == 4;
}

static bool begins_with(const char *s, const char *word)
{
	return strncmp(s, word, strlen(word)) == 0;
}

static bool wants_single_file(const char *device)
{
	if (begins_with(device, "net_virtio_user") || begins_with(device, "virtio_user"))
		return true;
	return begins_with(device, "net_memif") && strstr(device, ",zero-copy=yes");
}

/* "eth0 at 0000:00:03.0, ..." for who has mistyped one. */
static void print_ethernet(const char *root, FILE *diag)
{
	struct pci_device *all;
	const size_t n = pci_list(&all, root);

	fprintf(diag, n ? "the Ethernet devices on the PCI bus are " : "there is no Ethernet device on the PCI bus");
	for (size_t k = 0; k < n; k++)
		fprintf(diag, "%s%s%s%s%s", k ? ", " : "", all[k].addr, all[k].n_netdevs ? " (" : "",
			all[k].n_netdevs ? all[k].netdev[0].name : "", all[k].n_netdevs ? ")" : "");
	fprintf(diag, "; wgdp devices says more\n");
	free(all);
}

static void print_advice(const struct advice *a, const struct machine *m, const char *addr, FILE *diag)
{
	fprintf(diag, "%s: %s", addr, a->why);
	for (size_t k = 0; k < a->n_commands; k++)
		fprintf(diag, "%s%s", k ? " && " : "; run: ", a->command[k]);
	if (strstr(a->command[a->n_commands ? a->n_commands - 1 : 0], "driverctl") && !m->tool_installed)
		fprintf(diag, " (which is in the package driverctl)");
	fprintf(diag, "%s%s\n", *a->warning ? "; but note that " : "", a->warning);
}

/* The file by which DPDK will have the NIC: can it be opened? */
static bool try_node(const struct pci_device *d, const struct advice *a, const char *root, FILE *diag)
{
	char node[PCI_NAME_LEN + 32], path[4096];
	int fd;

	if (*d->uio)
		snprintf(node, sizeof(node), "/dev/%s", d->uio);
	else if (strcmp(d->driver, "vfio-pci") == 0)
		snprintf(node, sizeof(node), "/dev/vfio/%s%s", d->no_iommu ? "noiommu-" : "", d->iommu_group);
	else
		return true;
	snprintf(path, sizeof(path), "%s%s", root, node);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	if (a->state == ADVICE_IN_USE)
		fprintf(diag, "%s: is in use by process %d (%s); end that first\n", d->addr, a->user, a->user_name);
	else if (fd >= 0)
		return true;
	else if (errno == EBUSY)
		fprintf(diag, "%s: is in use by another process, which has %s open; find it with: fuser -v %s\n", d->addr,
			node, node);
	else if (errno == EACCES || errno == EPERM)
		fprintf(diag, "%s: %s cannot be opened (%s): run wgdp as root; its unit needs the drop-in nics.conf, see "
			"wgdp(8)\n", d->addr, node, strerror(errno));
	else
		fprintf(diag, "%s: %s cannot be opened: %s\n", d->addr, node, strerror(errno));
	return false;
}

static bool check_nic(struct eal_plan *plan, const struct machine *m, const char *addr, FILE *diag)
{
	struct pci_device d;
	struct advice a;

	if (!pci_read(&d, m->root, addr)) {
		fprintf(diag, "%s: there is no such PCI device; ", addr);
		print_ethernet(m->root, diag);
		return false;
	}
	if (d.class != PCI_CLASS_ETHERNET) {
		fprintf(diag, "%s: is no Ethernet device (%04x:%04x, of class %04x); ", addr, d.vendor, d.device, d.class);
		print_ethernet(m->root, diag);
		return false;
	}
	if (plan->n_nics == 1)
		plan->node = d.node;
	advice_make(&a, m, &d);
	if (a.state == ADVICE_READY || a.state == ADVICE_IN_USE)
		return try_node(&d, &a, m->root, diag);
	print_advice(&a, m, addr, diag);
	return false;
}

static bool check_nics(struct eal_plan *plan, const struct eal_plan_conf *conf, FILE *diag)
{
	char addr[PCI_ADDR_LEN + 1];
	struct machine m = { 0 };
	bool ok = true;

	for (size_t k = 0; k < conf->n_devices; k++) {
		plan->single_file |= wants_single_file(conf->devices[k]);
		if (!eal_plan_pci_addr(addr, conf->devices[k]))
			continue;
		if (plan->n_nics == EAL_NICS_MAX) {
			fprintf(diag, "one process can have at most %d NICs\n", EAL_NICS_MAX);
			return false;
		}
		if (!m.pmds && !machine_read(&m, conf->root, conf->pmds, conf->path)) {
			fprintf(diag, "no memory to look at the PCI devices\n");
			return false;
		}
		plan->nic[plan->n_nics++] = conf->devices[k];
		ok = check_nic(plan, &m, addr, diag) && ok;
	}
	machine_free(&m);
	return ok;
}

static bool check_hugepages(struct eal_plan *plan, const struct eal_plan_conf *conf, FILE *diag)
{
	const size_t needed = conf->memory + 2 * EAL_MIB, available = hugepages_free(conf->root, -1);
	char command[HUGEPAGES_COMMAND_LEN];

	plan->hugepages = available >= needed;
	if (!plan->n_nics)
		return true;
	if (!plan->hugepages) {
		hugepages_command(command, conf->root, needed);
		fprintf(diag, "%s hugepages, which NICs need: %zu MiB needed, %zu MiB free; run: %s\n",
			available ? "too few" : "no", (needed + EAL_MIB - 1) / EAL_MIB, available / EAL_MIB, command);
		return false;
	}
	if (plan->node >= 0 && hugepages_free(conf->root, plan->node) < needed)
		fprintf(diag, "warning: %s is at NUMA node %d, where only %zu MiB of hugepages are free, and some of the %zu MiB "
			"needed will be slow; reserve more in /sys/devices/system/node/node%d/hugepages\n", plan->nic[0],
			plan->node, hugepages_free(conf->root, plan->node) / EAL_MIB, (needed + EAL_MIB - 1) / EAL_MIB,
			plan->node);
	return true;
}

bool eal_plan(struct eal_plan *plan, const struct eal_plan_conf *conf, FILE *diag)
{
	bool ok;

	*plan = (struct eal_plan){ .node = -1 };
	ok = check_nics(plan, conf, diag);
	return check_hugepages(plan, conf, diag) && ok;
}
