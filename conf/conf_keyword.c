/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One table of keys, each with the section it belongs to and the function that takes its value.
 * conf.c hands every `name = value` to conf_keyword_apply; the functions write into p->conf or
 * p->peer, or report a fault at p->line. A key written again overwrites, or adds to a list, as
 * wg(8) and wg-quick(8) have it.
 */
#include "conf_keyword.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "conf_device.h"
#include "conf_mem.h"
#include "conf_value.h"

struct keyword {
	const char *name;
	enum conf_section section;
	bool may_be_empty;
	size_t hooks;		/* offset of a struct conf_strings in struct conf, for set_hook */
	void (*set)(struct conf_parser *p, const struct keyword *k, struct conf_text value);
};

static const struct { const char *name; enum conf_section section; } sections[] = {
	{ "Interface", CONF_SECTION_INTERFACE },
	{ "Peer", CONF_SECTION_PEER },
	{ "Dataplane", CONF_SECTION_DATAPLANE },
};

enum { N_SECTIONS = sizeof(sections) / sizeof(sections[0]) };

/* `wrong`: what a parser of conf_value.h returned. True if that was NULL. */
static bool check(struct conf_parser *p, const struct keyword *k, struct conf_text value,
		  const char *wrong)
{
	struct conf_quote quote;

	if (!wrong)
		return true;
	if (wrong == conf_no_memory)
		conf_fault_memory(p);
	else
		conf_fault(p, "%s: '%s' %s", k->name, conf_quote(&quote, value), wrong);
	return false;
}

/* Keys are never shown, not even wrong ones. */
static bool check_key(struct conf_parser *p, const struct keyword *k, struct conf_text value,
		      uint8_t *out)
{
	if (conf_value_key(value, out))
		return true;
	conf_fault(p, "%s: not a key: 44 characters of base64 expected", k->name);
	return false;
}

static void set_private_key(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	uint8_t any = 0;

	p->private_key_written = true;
	p->conf->has_private_key = check_key(p, k, value, p->conf->private_key);
	if (!p->conf->has_private_key)
		return;
	for (size_t i = 0; i < CONF_KEY_LEN; i++)
		any |= p->conf->private_key[i];
	if (any == 0) {
		conf_fault(p, "%s: all zeros, which is no key; make one with: wgdp genkey",
			   k->name);
		p->conf->has_private_key = false;
	}
}

static void set_listen_port(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	check(p, k, value, conf_value_port(value, &p->conf->listen_port));
}

static void set_fwmark(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	if (check(p, k, value, conf_value_fwmark(value, &p->conf->fwmark)))
		p->conf->has_fwmark = true;
}

/* wg-quick(8): commas or white space, any number of them, between addresses. */
static void set_address(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	struct conf_prefix prefix, *address;
	struct conf_text word;

	while (conf_text_word(&value, ',', &word)) {
		if (!check(p, k, word, conf_value_prefix(word, &prefix)))
			continue;
		address = conf_mem_append(&p->conf->addresses, &p->conf->n_addresses,
					  sizeof(*address));
		if (!address) {
			conf_fault_memory(p);
			return;
		}
		*address = prefix;
	}
}

static void set_mtu(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	if (value.len == 0)
		p->conf->mtu = 0;
	else
		check(p, k, value, conf_value_mtu(value, &p->conf->mtu));
}

static void set_table(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	struct conf *c = p->conf;

	if (value.len == 0) {
		c->table = CONF_TABLE_AUTO;
		c->table_number = 0;
	} else {
		check(p, k, value, conf_value_table(value, &c->table, &c->table_number));
	}
}

static size_t count_variables(struct conf_text t)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < t.len; i++) {
		if (t.s[i] == '%' && t.s[i + 1] == 'i')
			n++;
	}
	return n;
}

/* A new string: `t` with %i replaced by the interface's name. NULL: no memory. */
static char *expand(struct conf_text t, const char *ifname)
{
	size_t name_len = strlen(ifname);
	char *out = malloc(t.len + count_variables(t) * name_len + 1);
	char *s = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < t.len; i++) {
		if (i + 1 < t.len && t.s[i] == '%' && t.s[i + 1] == 'i') {
			memcpy(s, ifname, name_len);
			s += name_len;
			i++;
		} else {
			*s++ = t.s[i];
		}
	}
	*s = '\0';
	return out;
}

static void set_hook(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	struct conf_strings *hooks = (struct conf_strings *)((char *)p->conf + k->hooks);
	char **slot;

	if (value.len == 0)
		return;
	slot = conf_mem_append(&hooks->s, &hooks->n, sizeof(*slot));
	if (slot)
		*slot = expand(value, p->conf->ifname);
	if (!slot || !*slot)
		conf_fault_memory(p);
}

static void set_dns(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	(void)value;
	if (!p->warned_dns)
		conf_warn(p, "%s: is not honoured; "
			     "run resolvconf -a %%i or resolvectl dns %%i in PostUp", k->name);
	p->warned_dns = true;
}

/* SaveConfig = false is what happens anyway. */
static void set_save_config(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	bool save;

	if (!check(p, k, value, conf_value_bool(value, &save)) || !save)
		return;
	if (!p->warned_save)
		conf_warn(p, "%s: is not honoured; wgdp never writes this file, edit it by hand",
			  k->name);
	p->warned_save = true;
}

static void set_public_key(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	p->written.public_key = check_key(p, k, value, p->peer->public_key);
}

static void set_preshared_key(struct conf_parser *p, const struct keyword *k,
			      struct conf_text value)
{
	p->written.preshared_key = check_key(p, k, value, p->peer->preshared_key);
}

static void set_endpoint(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	char *old = p->peer->endpoint.host;

	if (!check(p, k, value, conf_value_endpoint(value, &p->peer->endpoint)))
		return;
	free(old);
	p->written.endpoint = true;
}

static void set_keepalive(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	if (check(p, k, value, conf_value_keepalive(value, &p->peer->persistent_keepalive)))
		p->written.persistent_keepalive = true;
}

static void warn_host_bits(struct conf_parser *p, const struct keyword *k, struct conf_text item,
			   const struct conf_prefix *prefix)
{
	char masked[INET6_ADDRSTRLEN];
	struct conf_quote quote;

	inet_ntop(prefix->family, prefix->addr.bytes, masked, sizeof(masked));
	conf_warn(p, "%s: '%s' has host bits; taken as %s/%u", k->name, conf_quote(&quote, item),
		  masked, prefix->cidr);
}

static void set_allowed_ips(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	struct conf_prefix prefix, *slot;
	struct conf_text item;
	bool more = value.len > 0;

	while (more) {
		more = conf_text_cut(&value, ',', &item);
		item = conf_text_trim(item);
		if (!check(p, k, item, conf_value_prefix(item, &prefix)))
			continue;
		if (conf_value_mask(&prefix))
			warn_host_bits(p, k, item, &prefix);
		slot = conf_mem_append(&p->peer->allowed_ips, &p->peer->n_allowed_ips,
				       sizeof(*slot));
		if (!slot) {
			conf_fault_memory(p);
			return;
		}
		*slot = prefix;
	}
}

static void set_outer(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	conf_device_outer(p, k->name, value);
}

static void set_lan(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	conf_device_lan(p, k->name, value);
}

static void set_cores(struct conf_parser *p, const struct keyword *k, struct conf_text value,
		      struct conf_cores *cores)
{
	unsigned int *old = cores->core;

	if (check(p, k, value, conf_value_cores(value, cores)))
		free(old);
}

static void set_rx_cores(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	set_cores(p, k, value, &p->conf->rx_cores);
}

static void set_worker_cores(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	set_cores(p, k, value, &p->conf->worker_cores);
}

static void set_aead(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	char *old = p->conf->aead;

	if (check(p, k, value, conf_value_aead(value, &p->conf->aead)))
		free(old);
}

static void set_poll(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	check(p, k, value, conf_value_poll(value, &p->conf->poll_always));
}

static void set_metrics(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	char *old = p->conf->metrics.host;

	if (check(p, k, value, conf_value_metrics(value, &p->conf->metrics)))
		free(old);
}

static void set_metrics_peers(struct conf_parser *p, const struct keyword *k, struct conf_text value)
{
	check(p, k, value, conf_value_switch(value, &p->conf->metrics_peers));
}

#define INTERFACE(name, empty, set) { name, CONF_SECTION_INTERFACE, empty, 0, set }
#define HOOK(name, at) { name, CONF_SECTION_INTERFACE, true, offsetof(struct conf, at), set_hook }
#define PEER(name, empty, set) { name, CONF_SECTION_PEER, empty, 0, set }
#define DATAPLANE(name, set) { name, CONF_SECTION_DATAPLANE, false, 0, set }

static const struct keyword keywords[] = {
	INTERFACE("PrivateKey", false, set_private_key),
	INTERFACE("ListenPort", false, set_listen_port),
	INTERFACE("FwMark", false, set_fwmark),
	INTERFACE("Address", true, set_address),
	INTERFACE("MTU", true, set_mtu),
	INTERFACE("Table", true, set_table),
	HOOK("PreUp", pre_up),
	HOOK("PostUp", post_up),
	HOOK("PreDown", pre_down),
	HOOK("PostDown", post_down),
	INTERFACE("DNS", true, set_dns),
	INTERFACE("SaveConfig", false, set_save_config),
	PEER("PublicKey", false, set_public_key),
	PEER("PresharedKey", false, set_preshared_key),
	PEER("AllowedIPs", true, set_allowed_ips),
	PEER("Endpoint", false, set_endpoint),
	PEER("PersistentKeepalive", false, set_keepalive),
	DATAPLANE("Outer", set_outer),
	DATAPLANE("Lan", set_lan),
	DATAPLANE("RxCores", set_rx_cores),
	DATAPLANE("WorkerCores", set_worker_cores),
	DATAPLANE("Aead", set_aead),
	DATAPLANE("Poll", set_poll),
	DATAPLANE("Metrics", set_metrics),
	DATAPLANE("MetricsPeers", set_metrics_peers),
};

enum { N_KEYWORDS = sizeof(keywords) / sizeof(keywords[0]) };

static const char *section_name(enum conf_section section)
{
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (sections[i].section == section)
			return sections[i].name;
	}
	return "";
}

static const struct keyword *keyword_find(struct conf_text name)
{
	for (size_t i = 0; i < N_KEYWORDS; i++) {
		if (conf_text_is(name, keywords[i].name))
			return &keywords[i];
	}
	return NULL;
}

bool conf_keyword_is_public_key(struct conf_text name)
{
	return conf_text_is(name, "PublicKey");
}

/* The known key that `name` is a misspelling of; of two as near the one that belongs in `here`.
 * NULL: none. */
static const struct keyword *keyword_near(struct conf_text name, enum conf_section here)
{
	const struct keyword *best = NULL;
	unsigned int best_score = UINT_MAX;

	for (size_t i = 0; i < N_KEYWORDS; i++) {
		unsigned int score;

		if (!conf_text_near(name, keywords[i].name, &score))
			continue;
		score = 2 * score + (keywords[i].section != here);
		if (score < best_score) {
			best = &keywords[i];
			best_score = score;
		}
	}
	return best;
}

enum conf_section conf_keyword_section(struct conf_text name, const char **suggestion,
				       enum conf_section *near)
{
	unsigned int score;

	*suggestion = NULL;
	*near = CONF_SECTION_UNKNOWN;
	for (size_t i = 0; i < N_SECTIONS; i++) {
		if (conf_text_is(name, sections[i].name))
			return sections[i].section;
		if (conf_text_near(name, sections[i].name, &score)) {
			*suggestion = sections[i].name;
			*near = sections[i].section;
		}
	}
	return CONF_SECTION_UNKNOWN;
}

static void fault_unknown(struct conf_parser *p, struct conf_text name)
{
	const struct keyword *near = keyword_near(name, p->section);
	struct conf_quote quote;

	conf_quote(&quote, name);
	if (!near)
		conf_fault(p, "unknown key '%s' in [%s]", quote.s, section_name(p->section));
	else if (near->section == p->section)
		conf_fault(p, "unknown key '%s' in [%s]; did you mean %s?", quote.s,
			   section_name(p->section), near->name);
	else
		conf_fault(p, "unknown key '%s' in [%s]; did you mean %s, of [%s]?", quote.s,
			   section_name(p->section), near->name, section_name(near->section));
}

void conf_keyword_apply(struct conf_parser *p, struct conf_text name, struct conf_text value)
{
	const struct keyword *k = keyword_find(name);
	struct conf_quote quote;

	if (p->section == CONF_SECTION_UNKNOWN)
		return;
	if (p->section == CONF_SECTION_NONE) {
		conf_fault(p, "'%s' is outside of any section; begin with [Interface]",
			   conf_quote(&quote, name));
	} else if (!k) {
		fault_unknown(p, name);
	} else if (k->section != p->section) {
		conf_fault(p, "%s: belongs in [%s], not in [%s]", k->name, section_name(k->section),
			   section_name(p->section));
	} else if (value.len == 0 && !k->may_be_empty) {
		conf_fault(p, "%s: has no value", k->name);
	} else {
		k->set(p, k, value);
	}
}
