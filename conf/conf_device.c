/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `Outer = kernel`, `Outer = DEVICE`, `Outer = DEVICE as NAME`, `Lan = DEVICE as NAME`. Called by conf_keyword.c where
 * a file has one of them, and by conf.c at the end of it. A PCI address is kept in full and in small letters, as sysfs
 * and DPDK write it.
 */
#include "conf_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_mem.h"
#include "conf_value.h"

enum {
	DEVICE_MAX = 63,	/* RTE_DEV_NAME_MAX_LEN without the terminator */
	PCI_LEN_MAX = sizeof("ffffffff:ff:1f.7") - 1,
};

enum device_kind {
	DEVICE_KERNEL,		/* sockets */
	DEVICE_SHARED,		/* sits on a netdev of the host's, which may keep it */
	DEVICE_PCI,
	DEVICE_VIRTUAL,
};

/* A value taken apart. The texts are pieces of it. */
struct device {
	enum device_kind kind;
	struct conf_text text;	/* all of the device: name and arguments */
	struct conf_text name;	/* before the first comma */
	char pci[PCI_LEN_MAX + 1];	/* the name in full, of a DEVICE_PCI */
	char mirror[CONF_IFNAME_LEN + 1];	/* "": none */
};

static bool begins_with(struct conf_text t, const char *word)
{
	return t.len >= strlen(word) && strncasecmp(t.s, word, strlen(word)) == 0;
}

/* Nothing but what PCI addresses have, and a colon: meant to be one. */
static bool looks_like_pci(struct conf_text name)
{
	for (size_t i = 0; i < name.len; i++)
		if (!strchr("0123456789abcdefABCDEF:.", name.s[i]))
			return false;
	return memchr(name.s, ':', name.len);
}

/* [DOMAIN:]BUS:DEVICE.FUNCTION, into out in full. */
static bool pci_parse(struct conf_text name, char out[PCI_LEN_MAX + 1])
{
	unsigned int domain = 0, bus, device, function;
	char s[PCI_LEN_MAX + 1] = "";
	int n = 0;

	if (name.len > PCI_LEN_MAX)
		return false;
	memcpy(s, name.s, name.len);
	if (sscanf(s, "%2x:%2x.%1x%n", &bus, &device, &function, &n) != 3 || s[n]) {
		n = 0;
		if (sscanf(s, "%8x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &n) != 4 || s[n])
			return false;
	}
	if (device > 0x1f || function > 7)
		return false;
	snprintf(out, PCI_LEN_MAX + 1, "%04x:%02x:%02x.%x", domain, bus, device, function);
	return true;
}

static const char *kernel_parse(struct conf_text arguments)
{
	static const char wrong[] = "is neither kernel nor kernel,iface=NAME";
	const size_t skip = strlen(",iface=");

	if (arguments.len == 0)
		return NULL;
	if (!begins_with(arguments, ",iface="))
		return wrong;
	return conf_value_netdev_valid((struct conf_text){ arguments.s + skip, arguments.len - skip }) ? NULL : wrong;
}

/* What is wrong with it, to go behind the quoted value; NULL: nothing. */
static const char *device_parse(struct conf_text text, struct device *d)
{
	struct conf_text rest = text;

	d->text = text;
	for (size_t i = 0; i < text.len; i++)
		if (text.s[i] <= ' ' || text.s[i] > '~')
			return "has a character that no device name has";
	if (begins_with(text, "kernel")) {
		d->kind = DEVICE_KERNEL;
		d->name = (struct conf_text){ text.s, strlen("kernel") };
		return kernel_parse((struct conf_text){ text.s + d->name.len, text.len - d->name.len });
	}
	conf_text_cut(&rest, ',', &d->name);
	if (d->name.len == 0 || d->name.len > DEVICE_MAX)
		return "does not begin with the name of a device, of 1 to 63 characters";
	d->kind = DEVICE_VIRTUAL;
	if (begins_with(d->name, "net_af_packet") || begins_with(d->name, "net_af_xdp"))
		d->kind = DEVICE_SHARED;
	if (!looks_like_pci(d->name))
		return NULL;
	d->kind = DEVICE_PCI;
	return pci_parse(d->name, d->pci) ? NULL : "does not begin with a PCI address such as 0000:03:00.0";
}

/* DEVICE, or DEVICE as NAME. */
static const char *value_parse(struct conf_text value, struct device *d)
{
	struct conf_text device, as, name, more;
	const char *wrong;

	if (!conf_text_word(&value, ' ', &device))
		return "does not begin with the name of a device";
	wrong = device_parse(device, d);
	if (wrong || !conf_text_word(&value, ' ', &as))
		return wrong;
	if (!conf_text_is(as, "as"))
		return "is neither DEVICE nor DEVICE as NAME; a device has no white space in it";
	if (!conf_text_word(&value, ' ', &name))
		return "has no name behind as";
	if (conf_text_word(&value, ' ', &more))
		return "has something behind the name of the host's interface";
	if (!conf_value_ifname_valid(name))
		return "has no name behind as that an interface can have: 1 to 15 of a-z A-Z 0-9 _ = + . -";
	memcpy(d->mirror, name.s, name.len);
	return NULL;
}

/* Whether the device is one for this key, with or without a mirror. */
static bool check_mirror(struct conf_parser *p, const char *key, const struct device *d, bool lan)
{
	const bool pci = d->kind == DEVICE_PCI;
	struct conf_quote quote;

	conf_quote(&quote, pci ? (struct conf_text){ d->pci, strlen(d->pci) } : d->text);
	if (d->kind == DEVICE_KERNEL && lan)
		conf_fault(p, "%s: '%s' is no device of DPDK's; without %s the host forwards between the tunnel and its networks",
			   key, quote.s, key);
	else if (d->kind == DEVICE_KERNEL && *d->mirror)
		conf_fault(p, "%s: '%s' is the host already and has no interface to name: leave out as %s", key, quote.s,
			   d->mirror);
	else if (!*d->mirror && (lan || pci || d->kind == DEVICE_VIRTUAL))
		conf_fault(p, "%s: a %s that DPDK owns needs a name for the host's interface: %s = %s as %s", key,
			   pci ? "NIC" : "device", key, quote.s, lan ? "lan0" : "wan0");
	else if (*d->mirror && strcmp(d->mirror, p->conf->ifname) == 0)
		conf_fault(p, "%s: %s is the name of the tunnel's interface; the host's interface on %s needs another", key,
			   d->mirror, quote.s);
	else
		return true;
	return false;
}

/* A new string. NULL: no memory, which has been said. */
static char *device_string(struct conf_parser *p, const struct device *d)
{
	const char *name = d->kind == DEVICE_PCI ? d->pci : d->kind == DEVICE_KERNEL ? "kernel" : d->name.s;
	const size_t len = d->kind == DEVICE_VIRTUAL || d->kind == DEVICE_SHARED ? d->name.len : strlen(name);
	const size_t rest = d->text.len - d->name.len;
	char *s = malloc(len + rest + 1);

	if (!s) {
		conf_fault_memory(p);
		return NULL;
	}
	memcpy(s, name, len);
	memcpy(s + len, d->text.s + d->name.len, rest);
	s[len + rest] = '\0';
	if (d->kind == DEVICE_KERNEL && rest)
		memcpy(s + len, ",iface=", strlen(",iface="));	/* in small letters */
	return s;
}

static bool set(struct conf_parser *p, const char *key, struct conf_text value, bool lan, char **device,
		char mirror[CONF_IFNAME_LEN + 1])
{
	struct device d = { 0 };
	struct conf_quote quote;
	const char *wrong = value_parse(value, &d);
	char *s;

	if (wrong)
		conf_fault(p, "%s: '%s' %s", key, conf_quote(&quote, value), wrong);
	if (wrong || !check_mirror(p, key, &d, lan))
		return false;
	s = device_string(p, &d);
	if (!s)
		return false;
	free(*device);
	*device = s;
	strcpy(mirror, d.mirror);
	return true;
}

void conf_device_outer(struct conf_parser *p, const char *key, struct conf_text value)
{
	if (set(p, key, value, false, &p->conf->outer, p->conf->outer_mirror))
		p->outer_line = p->line;
}

void conf_device_lan(struct conf_parser *p, const char *key, struct conf_text value)
{
	if (set(p, key, value, true, &p->conf->lan, p->conf->lan_mirror))
		p->lan_line = p->line;
}

/* Whatever their arguments. */
static bool same_device(const char *a, const char *b)
{
	const size_t len = strcspn(a, ",");

	return strcspn(b, ",") == len && memcmp(a, b, len) == 0;
}

void conf_device_check(struct conf_parser *p)
{
	const struct conf *c = p->conf;
	const bool lan_last = p->lan_line > p->outer_line;
	struct conf_quote quote;

	if (!c->lan || p->no_memory)
		return;
	p->line = lan_last ? p->lan_line : p->outer_line;
	if (same_device(c->outer, c->lan))
		conf_fault(p, "%s: '%s' is the device of %s already (line %u)", lan_last ? "Lan" : "Outer",
			   conf_quote(&quote, (struct conf_text){ c->lan, strcspn(c->lan, ",") }), lan_last ? "Outer" : "Lan",
			   lan_last ? p->outer_line : p->lan_line);
	else if (strcmp(c->outer_mirror, c->lan_mirror) == 0)
		conf_fault(p, "%s: %s is the name of the host's interface for %s already (line %u)", lan_last ? "Lan" : "Outer",
			   c->lan_mirror, lan_last ? "Outer" : "Lan", lan_last ? p->outer_line : p->lan_line);
	p->line = 0;
}
