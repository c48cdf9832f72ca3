/* SPDX-License-Identifier: BSD-3-Clause */
/* Between ethdev_fragments.c and ethdev_fragments_cut.c. */
#ifndef WGDP_ETHDEV_FRAGMENTS_INTERNAL_H
#define WGDP_ETHDEV_FRAGMENTS_INTERNAL_H

#include <stdint.h>

#include <rte_ip_frag.h>

#include "counters.h"

struct fragments {
	struct rte_mempool *pool;
	struct rte_ip_frag_tbl *table;
	uint32_t room;		/* of the pool's buffers, behind the headroom */
	uint32_t held;		/* mbufs in the table */
	struct rte_ip_frag_death_row dead;	/* empty between calls */
};

/* Frees m, which is, or came from, n frames. */
void fragments_drop(struct rte_mbuf *m, uint32_t n, struct counters *c);

#endif
