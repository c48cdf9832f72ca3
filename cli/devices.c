/* SPDX-License-Identifier: BSD-3-Clause */
#include "devices.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include <pci/pci.h>

#include "cli.h"

enum { EXIT_USAGE = 2 };

static void add_model(struct devices_nic *nic, struct pci_access *names)
{
	const int vendor = nic->pci.vendor, device = nic->pci.device;
	char text[DEVICES_MODEL_LEN - sizeof(" [8086:10d3]")] = "";

	if (names && !pci_lookup_name(names, text, sizeof(text), PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS,
				      vendor, device))
		*text = '\0';
	snprintf(nic->model, sizeof(nic->model), "%s%s[%04x:%04x]", text, *text ? " " : "", nic->pci.vendor, nic->pci.device);
}

/* What libpci says beside what it returns; it calls this whether or not there is anything to call. */
static void say_nothing(char *format, ...)
{
	(void)format;
}

/* libpci knows the names alone here: without pci_init it does not look at the bus. */
static struct pci_access *open_names(void)
{
	struct pci_access *names = pci_alloc();

	if (names)
		names->warning = names->debug = say_nothing;
	return names;
}

static bool collect_nics(struct devices *d, const char *root)
{
	struct pci_access *names = open_names();
	struct pci_device *all;
	const size_t n = pci_list(&all, root);

	d->nic = all ? calloc(n + 1, sizeof(*d->nic)) : NULL;
	for (size_t k = 0; d->nic && k < n; k++) {
		struct devices_nic *nic = &d->nic[d->n_nics++];

		nic->pci = all[k];
		advice_make(&nic->advice, &d->machine, &nic->pci);
		add_model(nic, names);
	}
	if (names)
		pci_cleanup(names);
	free(all);
	return d->nic;
}

bool devices_collect(struct devices *d, const char *root, const char *pmds, const char *path)
{
	*d = (struct devices){ 0 };
	if (!machine_read(&d->machine, root, pmds, path) || !collect_nics(d, root)) {
		devices_fini(d);
		return false;
	}
	d->n_hugepages = hugepages_list(&d->hugepages, root);
	return true;
}

void devices_fini(struct devices *d)
{
	free(d->nic);
	free(d->hugepages);
	machine_free(&d->machine);
}

const char *devices_state(enum advice_state state)
{
	static const char *const words[] = {
		[ADVICE_READY] = "ready", [ADVICE_IN_USE] = "in use", [ADVICE_NOT_BOUND] = "not bound",
		[ADVICE_NO_DRIVER] = "no driver",
	};

	return words[state];
}

static int usage(FILE *out)
{
	fputs("usage: wgdp devices [--json]\n"
	      "lists the NICs of this machine, what each needs before it can be Outer or Lan in a\n"
	      "configuration file, and how to give it back; then hugepages, IOMMU and what else\n"
	      "counts. Nothing is changed.\n", out);
	return out == stdout ? EXIT_SUCCESS : EXIT_USAGE;
}

int devices_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	const char *path = getenv("PATH");
	bool json = false, ok = true;
	struct devices d;
	int opt;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (opt != 'j')
			return usage(opt == 'h' ? stdout : stderr);
		json = true;
	}
	if (optind < argc)
		return usage(stderr);
	if (!devices_collect(&d, "", WGDP_PMDS, path ? path : "/usr/sbin:/usr/bin:/sbin:/bin")) {
		fputs("wgdp: devices: no memory\n", stderr);
		return EXIT_FAILURE;
	}
	if (json)
		ok = devices_print_json(stdout, &d);
	else
		devices_print_text(stdout, &d);
	if (fflush(stdout) || ferror(stdout) || !ok) {
		perror("wgdp: devices: standard output");
		ok = false;
	}
	devices_fini(&d);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
