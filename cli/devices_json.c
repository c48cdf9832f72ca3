/* SPDX-License-Identifier: BSD-3-Clause */
/* For programs. What is not known, or not there, is null or an empty list. */
#include "devices.h"

#include <jansson.h>

static json_t *text_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

static json_t *commands(const char command[][ADVICE_LEN], size_t n)
{
	json_t *all = json_array();

	for (size_t k = 0; k < n; k++)
		json_array_append_new(all, json_string(command[k]));
	return all;
}

static json_t *netdevs(const struct pci_device *p)
{
	json_t *all = json_array();

	for (size_t k = 0; k < p->n_netdevs; k++)
		json_array_append_new(all, json_pack("{s:s, s:b, s:b}", "name", p->netdev[k].name, "up", p->netdev[k].up,
						     "default_route", p->netdev[k].default_route));
	return all;
}

static json_t *nic(const struct devices_nic *n)
{
	const struct pci_device *p = &n->pci;
	const struct advice *a = &n->advice;
	char vendor[8], device[8];

	snprintf(vendor, sizeof(vendor), "%04x", p->vendor);
	snprintf(device, sizeof(device), "%04x", p->device);
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o}",
			 "address", p->addr, "vendor", vendor, "device", device, "model", n->model,
			 "numa_node", p->node < 0 ? json_null() : json_integer(p->node),
			 "iommu_group", p->no_iommu ? json_null() : text_or_null(p->iommu_group),
			 "kernel_driver", text_or_null(p->driver),
			 "dpdk_driver", text_or_null(a->pmd ? a->pmd->name : NULL),
			 "interfaces", netdevs(p),
			 "state", devices_state(a->state),
			 "process", a->user ? json_integer(a->user) : json_null(),
			 "missing", text_or_null(a->why),
			 "warning", text_or_null(a->warning),
			 "commands", commands(a->command, a->n_commands),
			 "commands_back", commands(a->back, a->n_back));
}

static json_t *hugepages(const struct devices *d)
{
	json_t *all = json_array();

	for (size_t k = 0; k < d->n_hugepages; k++) {
		const struct hugepages *h = &d->hugepages[k];

		json_array_append_new(all, json_pack("{s:I, s:o, s:I, s:I}", "size", (json_int_t)h->size,
						     "numa_node", h->node < 0 ? json_null() : json_integer(h->node),
						     "total", (json_int_t)h->total, "free", (json_int_t)h->free));
	}
	return all;
}

bool devices_print_json(FILE *out, const struct devices *d)
{
	const struct machine *m = &d->machine;
	json_t *nics = json_array(), *all;
	bool ok;

	for (size_t k = 0; k < d->n_nics; k++)
		json_array_append_new(nics, nic(&d->nic[k]));
	all = json_pack("{s:o, s:o, s:b, s:b, s:b, s:b}", "devices", nics, "hugepages", hugepages(d), "iommu", m->iommu,
			"vfio_without_iommu", m->no_iommu, "vfio_pci", m->vfio, "vhost_net", m->vhost_net);
	ok = all && json_array_size(nics) == d->n_nics && json_dumpf(all, out, JSON_INDENT(2)) == 0 &&
	     fputc('\n', out) != EOF;
	json_decref(all);
	return ok;
}
