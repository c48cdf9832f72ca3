/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file's text becomes a struct conf: conf_text.c cuts it into lines, this file follows the
 * sections, conf_keyword.c knows the keys, conf_value.c reads what is behind the equals sign,
 * conf_device.c what is behind Outer and Lan, conf_peer.c joins the peers. Every fault is reported
 * where it is met, in the order of the lines (whether Outer and Lan go together, at the end), and
 * reading goes on; only the end decides whether there is a result. Any thread.
 */
#include "conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf_device.h"
#include "conf_keyword.h"
#include "conf_mem.h"
#include "conf_parser.h"
#include "conf_peer.h"
#include "conf_value.h"

static void strings_free(struct conf_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		free(strings->s[i]);
	free(strings->s);
}

/* All of [Interface] and the peers. */
static void interface_free(struct conf *c)
{
	for (size_t i = 0; i < c->n_peers; i++)
		conf_peer_free(&c->peers[i]);
	conf_mem_free(c->peers, c->n_peers * sizeof(*c->peers));
	free(c->addresses);
	strings_free(&c->pre_up);
	strings_free(&c->post_up);
	strings_free(&c->pre_down);
	strings_free(&c->post_down);
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	interface_free(c);
	free(c->metrics.host);
	free(c->rx_cores.core);
	free(c->worker_cores.core);
	free(c->outer);
	free(c->lan);
	free(c->aead);
	free(c->path);
	conf_mem_free(c, sizeof(*c));
}

void conf_forget_keys(struct conf *c)
{
	explicit_bzero(c->private_key, sizeof(c->private_key));
	for (size_t i = 0; i < c->n_peers; i++)
		explicit_bzero(c->peers[i].preshared_key, sizeof(c->peers[i].preshared_key));
}

static struct conf *conf_new(const char *path)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->path = conf_mem_string(path, strlen(path));
	c->outer = conf_mem_string("kernel", strlen("kernel"));
	c->aead = conf_mem_string("auto", strlen("auto"));
	c->metrics_peers = true;
	if (c->path && c->outer && c->aead)
		return c;
	conf_free(c);
	return NULL;
}

void conf_keep_dataplane(struct conf *c)
{
	struct conf whole = *c;

	explicit_bzero(c, sizeof(*c));
	c->path = whole.path;
	memcpy(c->ifname, whole.ifname, sizeof(c->ifname));
	c->outer = whole.outer;
	memcpy(c->outer_mirror, whole.outer_mirror, sizeof(c->outer_mirror));
	c->lan = whole.lan;
	memcpy(c->lan_mirror, whole.lan_mirror, sizeof(c->lan_mirror));
	c->rx_cores = whole.rx_cores;
	c->worker_cores = whole.worker_cores;
	c->aead = whole.aead;
	c->poll_always = whole.poll_always;
	c->metrics = whole.metrics;
	c->metrics_peers = whole.metrics_peers;
	interface_free(&whole);
	explicit_bzero(&whole, sizeof(whole));
}

bool conf_check_ifname(const char *ifname, FILE *diag)
{
	struct conf_text name = { ifname, strlen(ifname) };
	struct conf_quote quote;

	if (conf_value_ifname_valid(name))
		return true;
	fprintf(diag, "'%s' cannot be the name of an interface, which has 1 to %d of a-z A-Z 0-9 _ = + . -\n",
		conf_quote(&quote, name), CONF_IFNAME_LEN);
	return false;
}

struct conf *conf_default(const char *ifname, FILE *diag)
{
	struct conf *c;

	if (!conf_check_ifname(ifname, diag))
		return NULL;
	c = conf_new("");
	if (!c)
		fputs("out of memory\n", diag);
	else
		strcpy(c->ifname, ifname);
	return c;
}

/* Whether what is left of the section that has just begun writes a PublicKey: its lack is a fault
 * of the section's first line. */
static bool section_has_public_key(const struct conf_parser *p)
{
	struct conf_lines ahead = p->lines;
	struct conf_line line;

	while (conf_lines_next(&ahead, &line)) {
		if (line.kind == CONF_LINE_SECTION ||
		    (line.kind == CONF_LINE_BAD && line.name.s[0] == '['))
			return false;
		if (line.kind == CONF_LINE_KEY && conf_keyword_is_public_key(line.name))
			return true;
	}
	return false;
}

static void section_enter(struct conf_parser *p, enum conf_section section)
{
	conf_peer_close(p);
	p->section = section;
	if (section != CONF_SECTION_PEER || p->no_memory || !conf_peer_open(p))
		return;
	if (!section_has_public_key(p))
		conf_fault(p, "[Peer]: has no PublicKey");
}

/* A misspelled section is read as what it was meant to be, to find the faults in it as well. */
static void section_begin(struct conf_parser *p, struct conf_text name)
{
	enum conf_section near, section;
	struct conf_quote quote;
	const char *suggestion;

	section = conf_keyword_section(name, &suggestion, &near);
	if (section != CONF_SECTION_UNKNOWN) {
		section_enter(p, section);
		return;
	}
	if (suggestion)
		conf_fault(p, "unknown section [%s]; did you mean [%s]?", conf_quote(&quote, name),
			   suggestion);
	else
		conf_fault(p, "unknown section [%s]", conf_quote(&quote, name));
	section_enter(p, near);
}

static void line_apply(struct conf_parser *p, const struct conf_line *line)
{
	struct conf_quote quote;

	p->line = line->number;
	switch (line->kind) {
	case CONF_LINE_EMPTY:
		conf_peer_comment(p, line->comment);
		break;
	case CONF_LINE_SECTION:
		section_begin(p, line->name);
		conf_peer_heading(p, line->comment);
		break;
	case CONF_LINE_KEY:
		conf_peer_key(p);
		conf_keyword_apply(p, line->name, line->value);
		break;
	case CONF_LINE_NUL:
		conf_fault(p, "the line has a NUL byte; is this a text file in UTF-8?");
		break;
	case CONF_LINE_BAD:
		conf_fault(p, "'%s' is neither [Section] nor Key = value",
			   conf_quote(&quote, line->name));
		if (line->name.s[0] == '[')
			section_enter(p, CONF_SECTION_UNKNOWN);
		break;
	}
}

/* The interface's name, as given or as the file's. */
static void ifname_set(struct conf_parser *p, const char *ifname)
{
	if (ifname)
		strcpy(p->conf->ifname, ifname);
	else if (!conf_value_ifname(p->path, p->conf->ifname))
		conf_fault(p, "the file must be named as its interface and .conf, the former of "
			      "1 to %d of a-z A-Z 0-9 _ = + . -", CONF_IFNAME_LEN);
}

struct conf *conf_parse_as(const char *path, const char *ifname, const char *text, size_t len, FILE *diag)
{
	struct conf_parser p = { .diag = diag, .path = path, .lines = conf_lines_start(text, len) };
	struct conf_line line;

	p.conf = conf_new(path);
	if (!p.conf) {
		conf_fault_memory(&p);
		return NULL;
	}
	ifname_set(&p, ifname);
	while (!p.no_memory && conf_lines_next(&p.lines, &line))
		line_apply(&p, &line);
	conf_peer_close(&p);
	conf_index_free(&p.index);
	conf_peer_pack(p.conf);
	conf_device_check(&p);
	p.line = 0;
	if (!ifname && !p.private_key_written && !p.no_memory)
		conf_fault(&p, "no PrivateKey in [Interface]; make one with: wgdp genkey");
	if (!p.failed)
		return p.conf;
	conf_free(p.conf);
	return NULL;
}

struct conf *conf_parse(const char *path, const char *text, size_t len, FILE *diag)
{
	return conf_parse_as(path, NULL, text, len, diag);
}

struct conf *conf_parse_dataplane(const char *path, const char *ifname, const char *text, size_t len, FILE *diag)
{
	struct conf *c;

	if (!conf_check_ifname(ifname, diag))
		return NULL;
	c = conf_parse_as(path, ifname, text, len, diag);
	if (c)
		conf_keep_dataplane(c);
	return c;
}
