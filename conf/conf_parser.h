/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of one parse, and how it speaks to the user. Internal to conf/.
 */
#ifndef WGDP_CONF_PARSER_H
#define WGDP_CONF_PARSER_H

#include "conf.h"
#include "conf_index.h"
#include "conf_text.h"

enum conf_section {
	CONF_SECTION_NONE,	/* before the first */
	CONF_SECTION_INTERFACE,
	CONF_SECTION_PEER,
	CONF_SECTION_DATAPLANE,
	CONF_SECTION_UNKNOWN,	/* reported; what it holds is passed over */
};

/* Which settings of the [Peer] being read were written. */
struct conf_written {
	bool public_key;	/* and is one */
	bool preshared_key;
	bool endpoint;
	bool persistent_keepalive;
};

struct conf_parser {
	struct conf *conf;
	FILE *diag;
	const char *path;
	struct conf_lines lines;
	unsigned int line;	/* where faults are now; 0: the file as a whole */
	enum conf_section section;
	struct conf_peer *peer;	/* the last of conf->peers while section is PEER, else NULL */
	struct conf_written written;
	struct conf_text comment;	/* the peer's name, if another key follows; empty: none yet */
	struct conf_index index;
	unsigned int outer_line, lan_line;	/* where the Outer and Lan that count are written; 0: nowhere */
	bool private_key_written;	/* right or wrong */
	bool warned_dns;
	bool warned_save;
	bool failed;
	bool no_memory;		/* reading stops */
};

/*
 * Parses as conf_parse does. With an ifname, which must be valid, the interface has that, whatever the file is called, and no
 * PrivateKey is needed. conf_keep_dataplane then wipes and frees all that [Dataplane] has not said.
 */
struct conf *conf_parse_as(const char *path, const char *ifname, const char *text, size_t len, FILE *diag);
void conf_keep_dataplane(struct conf *c);

/* True if an interface can be called so; else false, and a line on diag says so. */
bool conf_check_ifname(const char *ifname, FILE *diag);

/* One line on diag, at p->line; a fault makes the parse fail. */
void conf_fault(struct conf_parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void conf_warn(struct conf_parser *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The fault "out of memory", once. */
void conf_fault_memory(struct conf_parser *p);

/*
 * Text of the user's, fit to be shown between quotes: what is not printable ASCII escaped,
 * shortened, and not at all if any of it could be a key, for keys get pasted into wrong places.
 */
struct conf_quote {
	char s[96];
};

const char *conf_quote(struct conf_quote *quote, struct conf_text t);

#endif
