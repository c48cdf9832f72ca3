/* SPDX-License-Identifier: BSD-3-Clause */
/* The words of the language: sections, keys, and what each key does. Internal to conf/. */
#ifndef WGDP_CONF_KEYWORD_H
#define WGDP_CONF_KEYWORD_H

#include "conf_parser.h"

/*
 * The section of that name; CONF_SECTION_UNKNOWN: none. *suggestion is then the name of one that is
 * spelled nearly so, with the section in *near, or NULL.
 */
enum conf_section conf_keyword_section(struct conf_text name, const char **suggestion,
				       enum conf_section *near);

/* Does what a line `name = value` says in p->section, or reports why not. */
void conf_keyword_apply(struct conf_parser *p, struct conf_text name, struct conf_text value);

/* Whether `name` is the key PublicKey. */
bool conf_keyword_is_public_key(struct conf_text name);

#endif
