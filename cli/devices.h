/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wgdp devices` shows: gathered once from sysfs (devices_collect), then printed as text or JSON. One thread. */
#ifndef WGDP_CLI_DEVICES_H
#define WGDP_CLI_DEVICES_H

#include <stdbool.h>
#include <stdio.h>

#include "advice.h"
#include "hugepages.h"

enum { DEVICES_MODEL_LEN = 128 };

struct devices_nic {
	struct pci_device pci;
	struct advice advice;
	char model[DEVICES_MODEL_LEN];	/* "Intel Corporation 82574L Gigabit Network Connection [8086:10d3]" */
};

struct devices {
	struct machine machine;
	struct devices_nic *nic;
	size_t n_nics;
	struct hugepages *hugepages;
	size_t n_hugepages;
};

/* `root` as in sysfs.h, the others as in machine_read. False: no memory. */
bool devices_collect(struct devices *d, const char *root, const char *pmds, const char *path);
void devices_fini(struct devices *d);

/* At most 80 columns, but for commands and models that are longer. */
void devices_print_text(FILE *out, const struct devices *d);

/* One JSON document. False: no memory, or it cannot be written. */
bool devices_print_json(FILE *out, const struct devices *d);

/* "ready", "in use", "not bound", "no driver". */
const char *devices_state(enum advice_state state);

#endif
