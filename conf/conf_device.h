/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Outer and Lan: which device, whose it is, and what the host's interface on it is called. Internal to conf/.
 */
#ifndef WGDP_CONF_DEVICE_H
#define WGDP_CONF_DEVICE_H

#include "conf_parser.h"

/* The values of the keys, into p->conf or as a fault. What is written again replaces what was, mirror and all. */
void conf_device_outer(struct conf_parser *p, const char *key, struct conf_text value);
void conf_device_lan(struct conf_parser *p, const char *key, struct conf_text value);

/* At the end of the file: whether the two can be had together. */
void conf_device_check(struct conf_parser *p);

#endif
