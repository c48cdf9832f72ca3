/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For people: a table of the NICs, each with a line or two of what does not fit into it; then for each that is not
 * ready what to type; then what the machine has. Called by devices.c.
 */
#include "devices.h"

#include <string.h>

#define MIB (1024ul * 1024)

enum { COLUMNS = 6, CELL_LEN = 40, WIDTH = 78 };

static const char *const head[COLUMNS] = { "address", "interface", "node", "kernel driver", "DPDK driver", "state" };

static void fill_row(char row[COLUMNS][CELL_LEN], const struct devices_nic *nic)
{
	const struct pci_device *p = &nic->pci;
	const struct pmd *pmd = nic->advice.pmd;

	snprintf(row[0], CELL_LEN, "%s", p->addr);
	snprintf(row[1], CELL_LEN, "%s%s", p->n_netdevs ? p->netdev[0].name : "-", p->n_netdevs > 1 ? ",..." : "");
	snprintf(row[2], CELL_LEN, "%d", p->node);
	if (p->node < 0)
		strcpy(row[2], "-");
	snprintf(row[3], CELL_LEN, "%s", *p->driver ? p->driver : "-");
	snprintf(row[4], CELL_LEN, "%s", !pmd ? "-" : *pmd->name ? pmd->name : "?");
	snprintf(row[5], CELL_LEN, "%s", devices_state(nic->advice.state));
}

static void print_row(FILE *out, char row[COLUMNS][CELL_LEN], const int width[COLUMNS])
{
	for (int c = 0; c < COLUMNS - 1; c++)
		fprintf(out, "%-*s  ", width[c], row[c]);
	fprintf(out, "%s\n", row[COLUMNS - 1]);
}

/* What stands in its netdevs and its IOMMU group. */
static void print_more(FILE *out, const struct devices_nic *nic)
{
	const struct pci_device *p = &nic->pci;
	const char *comma = "  ";

	fprintf(out, "  %s\n", nic->model);
	for (size_t k = 0; k < p->n_netdevs; k++) {
		fprintf(out, "%s%s is %s%s", comma, p->netdev[k].name, p->netdev[k].up ? "up" : "down",
			p->netdev[k].default_route ? " and has the default route" : "");
		comma = ", ";
	}
	if (*p->iommu_group && !p->no_iommu) {
		fprintf(out, "%sIOMMU group %s", comma, p->iommu_group);
		comma = ", ";
	}
	if (nic->advice.state == ADVICE_IN_USE) {
		fprintf(out, "%sprocess %d (%s) has it", comma, nic->advice.user, nic->advice.user_name);
		comma = ", ";
	}
	if (strcmp(comma, ", ") == 0)
		fputc('\n', out);
}

static void print_table(FILE *out, const struct devices *d)
{
	int width[COLUMNS];
	char row[COLUMNS][CELL_LEN];

	for (int c = 0; c < COLUMNS; c++)
		width[c] = (int)strlen(head[c]);
	for (size_t k = 0; k < d->n_nics; k++) {
		fill_row(row, &d->nic[k]);
		for (int c = 0; c < COLUMNS; c++)
			width[c] = (int)strlen(row[c]) > width[c] ? (int)strlen(row[c]) : width[c];
	}
	for (int c = 0; c < COLUMNS; c++)
		snprintf(row[c], CELL_LEN, "%s", head[c]);
	print_row(out, row, width);
	for (size_t k = 0; k < d->n_nics; k++) {
		fill_row(row, &d->nic[k]);
		print_row(out, row, width);
		print_more(out, &d->nic[k]);
	}
}

/* Words in lines of at most WIDTH, each after the first behind two blanks. */
static void print_wrapped(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		const size_t len = strcspn(text, " ");

		if (column && column + 1 + len > WIDTH) {
			fputs("\n ", out);
			column = 1;
		}
		if (column) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, len, out);
		column += len;
		text += len + (text[len] == ' ');
	}
	fputc('\n', out);
}

static void print_commands(FILE *out, const char command[][ADVICE_LEN], size_t n)
{
	for (size_t k = 0; k < n; k++)
		fprintf(out, "    %s\n", command[k]);
}

static void print_advice(FILE *out, const struct devices_nic *nic, const struct machine *m)
{
	const struct advice *a = &nic->advice;
	char text[2 * ADVICE_LEN + 64];

	fputc('\n', out);
	if (a->state == ADVICE_READY || a->state == ADVICE_IN_USE) {
		if (pmd_is_user_space(nic->pci.driver)) {
			fprintf(out, "To give %s back to the kernel:\n", nic->pci.addr);
			print_commands(out, a->back, a->n_back);
		} else {
			fprintf(out, "%s is ready as it is: DPDK works beside the kernel's driver.\n", nic->pci.addr);
		}
		return;
	}
	snprintf(text, sizeof(text), "%s %s%s.", nic->pci.addr, a->state == ADVICE_NO_DRIVER ? "cannot be used: " : "", a->why);
	print_wrapped(out, text);
	if (*a->warning) {
		snprintf(text, sizeof(text), "NOTE: %s.", a->warning);
		print_wrapped(out, text);
	}
	print_commands(out, a->command, a->n_commands);
	if (a->n_back) {
		fputs("and back again:\n", out);
		print_commands(out, a->back, a->n_back);
	}
	if (!m->tool_installed && a->n_back)
		fputs("(driverctl is in the package driverctl; its setting outlives a restart)\n", out);
}

static void print_hugepages(FILE *out, const struct devices *d)
{
	size_t total = 0;

	for (size_t k = 0; k < d->n_hugepages; k++)
		total += d->hugepages[k].total;
	if (!total) {
		fputs("hugepages    none; NICs need some: echo 512 >/proc/sys/vm/nr_hugepages\n", out);
		return;
	}
	for (size_t k = 0; k < d->n_hugepages; k++) {
		const struct hugepages *h = &d->hugepages[k];

		if (h->total == 0)
			continue;
		fprintf(out, "hugepages    of %zu MiB", h->size / MIB);
		if (h->node >= 0)
			fprintf(out, " at node %d", h->node);
		fprintf(out, ": %lu, %lu of them free (%lu MiB)\n", h->total, h->free, h->free * (h->size / MIB));
	}
}

static void print_machine(FILE *out, const struct devices *d)
{
	const struct machine *m = &d->machine;

	print_hugepages(out, d);
	fprintf(out, "IOMMU        %s\n", m->iommu ? "on" : m->no_iommu ? "off, and vfio was told to do without" : "off");
	fprintf(out, "vfio-pci     %s\n", m->vfio ? "loaded" : "not loaded");
	fprintf(out, "mirrors      %s\n", m->vhost_net ? "by /dev/vhost-net" : "taps; modprobe vhost_net makes them faster");
	fputs("\nWithout any of this: net_af_packet0,iface=NAME or net_af_xdp0,iface=NAME on an\n"
	      "interface of the host's; net_memif0,... to another program on this machine.\n", out);
}

void devices_print_text(FILE *out, const struct devices *d)
{
	if (d->n_nics) {
		print_table(out, d);
		for (size_t k = 0; k < d->n_nics; k++)
			print_advice(out, &d->nic[k], &d->machine);
	} else {
		fputs("There is no Ethernet device on the PCI bus of this machine that DPDK could own.\n"
		      "A virtual machine has one if it is given one (virtio-net, e1000, a function of a NIC\n"
		      "with SR-IOV); in a container the host's are not to be seen.\n", out);
	}
	fputc('\n', out);
	print_machine(out, d);
}
