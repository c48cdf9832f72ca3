/* SPDX-License-Identifier: BSD-3-Clause */
/* Text from outside that is to be UTF-8 and harmless to a terminal that reads it as that. Any thread. */
#ifndef WGDP_CONF_UTF8_H
#define WGDP_CONF_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first character of the len bytes at s; returns how many bytes it has. 0: it is none (RFC 3629: shortest form, no surrogates). */
size_t conf_utf8_char(const char *s, size_t len, uint32_t *c);

/* Neither a control character nor one that turns or breaks the line it is shown in. */
bool conf_utf8_is_printable(uint32_t c);

#endif
