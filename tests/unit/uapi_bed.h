/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * As much of an interface as UAPI reads: an identity, peers, allowed IPs; no cores, no ports. Link with --wrap=outer_listen_port.
 */
#ifndef WGDP_TEST_UAPI_BED_H
#define WGDP_TEST_UAPI_BED_H

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "hex.h"
#include "iface.h"
#include "protocol.h"
#include "rcu.h"

static struct iface bed;
static struct allowedips *bed_table;
static uint16_t bed_port;

uint16_t __wrap_outer_listen_port(const struct outer *o);

uint16_t __wrap_outer_listen_port(const struct outer *o)
{
	(void)o;
	return bed_port;
}

static inline void bed_begin(void)
{
	uint8_t key[WG_KEY_LEN];

	rcu_register_thread();
	bed.name = "uabed";
	bed_port = 51820;
	bytes_run(key, sizeof(key), 0x10);
	cr_assert(noise_identity_set(&bed.identity, key));
	bed_table = allowedips_create();
	cr_assert(bed_table && peers_init(&bed.peers) == 0);
}

static inline void bed_end(void)
{
	for (struct peer *p; (p = peers_next(&bed.peers, NULL));) {
		allowedips_remove_owner(bed_table, &p->allowedips);
		peers_unlink(&bed.peers, p);
		synchronize_rcu();
		memset(p, 0xee, sizeof(*p));	/* whoever still goes there finds nothing */
		free(p);
	}
	allowedips_destroy(bed_table);
	peers_fini(&bed.peers);
	heap_fini(&bed.deadlines);
	rcu_unregister_thread();
}

/* Peer number n: its key is n, lowest byte first, and zeros. */
static inline struct peer *bed_add_peer(uint32_t n)
{
	uint8_t key[WG_KEY_LEN] = { (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24) };
	struct peer *p = peers_add(&bed.peers, &bed, key);

	cr_assert_not_null(p);
	return p;
}

static inline void bed_add_ip(struct peer *p, const char *addr, uint8_t cidr)
{
	int family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	uint8_t bytes[16];

	cr_assert_eq(inet_pton(family, addr, bytes), 1);
	cr_assert_eq(allowedips_insert(bed_table, family, bytes, cidr, &p->dp, &p->allowedips), 0);
}

/* How many lines begin so. (With ASan's strict checks strchr and the like take time for all of the text, each time.) */
static inline unsigned int bed_count_lines(const char *text, const char *begin)
{
	const char *const end = text + strlen(text);
	const size_t len = strlen(begin);
	unsigned int n = 0;

	for (const char *eol; (eol = memchr(text, '\n', (size_t)(end - text))); text = eol + 1)
		n += (size_t)(eol - text) >= len && memcmp(text, begin, len) == 0;
	return n;
}

#endif
