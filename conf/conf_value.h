/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Parsers of single values. Each returns NULL and fills `out`, or says what is wrong in words that
 * go behind the quoted value ("is not a prefix") and leaves `out` alone. White space inside a value
 * is ignored where wg(8) ignores it. Internal to conf/.
 */
#ifndef WGDP_CONF_VALUE_H
#define WGDP_CONF_VALUE_H

#include "conf.h"
#include "conf_text.h"

/* What those that allocate return when they cannot; to be compared by address. */
extern const char conf_no_memory[];

/* A key in base64, into out[CONF_KEY_LEN], which is zeros on failure. The copy made on the way is
 * wiped. */
bool conf_value_key(struct conf_text t, uint8_t *out);

const char *conf_value_port(struct conf_text t, uint16_t *out);		/* 0 to 65535 */
const char *conf_value_fwmark(struct conf_text t, uint32_t *out);	/* "off" is 0 */
const char *conf_value_keepalive(struct conf_text t, uint16_t *out);	/* seconds; "off" is 0 */
const char *conf_value_mtu(struct conf_text t, uint16_t *out);
const char *conf_value_bool(struct conf_text t, bool *out);		/* true or false */

/* off, auto, a number, or one of the three tables every Linux has: main, local, default. */
const char *conf_value_table(struct conf_text t, enum conf_table *out, uint32_t *number);

/* An address, alone or with /bits; host bits are kept. */
const char *conf_value_prefix(struct conf_text t, struct conf_prefix *out);

/* Clears the host bits; true if there were any. */
bool conf_value_mask(struct conf_prefix *prefix);

/* HOST:PORT, split at the last colon as wg(8) does; HOST may stand in brackets. Allocates
 * out->host. */
const char *conf_value_endpoint(struct conf_text t, struct conf_endpoint *out);

/* "0-3,5": a list without parentheses. Allocates out->core. */
const char *conf_value_cores(struct conf_text t, struct conf_cores *out);

/* A new string. */
const char *conf_value_aead(struct conf_text t, char **out);

/* auto is false, always is true. */
const char *conf_value_poll(struct conf_text t, bool *always);

/* ADDRESS:PORT with a numeric address, or "off": host is NULL then. Allocates out->host. */
const char *conf_value_metrics(struct conf_text t, struct conf_endpoint *out);

const char *conf_value_switch(struct conf_text t, bool *on);		/* on or off */

/* Whether Linux lets an interface be called so, as far as a config can write it. */
bool conf_value_netdev_valid(struct conf_text name);

/* Whether wg-quick(8) does, too. */
bool conf_value_ifname_valid(struct conf_text name);

/* The name of an interface out of the path of its file; `out` is empty on failure. */
bool conf_value_ifname(const char *path, char out[CONF_IFNAME_LEN + 1]);

#endif
