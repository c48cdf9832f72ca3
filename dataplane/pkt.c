/* SPDX-License-Identifier: BSD-3-Clause */
#include "pkt.h"

#include <rte_common.h>
#include <rte_mempool.h>

/* Caches keep mbufs from the other cores, one and a half of it each: small pools go without. */
enum { POOL_CACHE = 256, POOL_CACHE_MIN_N = 16 * POOL_CACHE };

struct rte_mempool *pkt_pool_create(const char *name, unsigned int n, uint16_t room)
{
	const uint16_t priv = RTE_ALIGN(sizeof(struct pkt), RTE_MBUF_PRIV_ALIGN);
	const unsigned int cache = n >= POOL_CACHE_MIN_N ? POOL_CACHE : 0;

	return rte_pktmbuf_pool_create(name, n, cache, priv, room ? room : PKT_ROOM, SOCKET_ID_ANY);
}

size_t pkt_pool_memory(unsigned int n, uint16_t room)
{
	/*
	 * The mempool's and the mbuf's headers, what spreads objects over memory channels; and on ordinary pages DPDK starts an
	 * object that does not fit the rest of a page on the next.
	 */
	const size_t object = 64 + sizeof(struct rte_mbuf) + sizeof(struct pkt) + (room ? room : PKT_ROOM) + 256;

	return n * RTE_ALIGN_CEIL(object, (size_t)4096) + sizeof(struct rte_mempool) +
	       RTE_MAX_LCORE * sizeof(struct rte_mempool_cache) + (size_t)n * 2 * sizeof(void *);
}

unsigned int pkt_refill(struct rte_mempool *pool, struct rte_mbuf **slot, unsigned int empty)
{
	if (empty == 0 || rte_pktmbuf_alloc_bulk(pool, slot, empty) == 0)
		return 0;

	for (; empty > 0; empty--) {
		slot[empty - 1] = rte_pktmbuf_alloc(pool);
		if (!slot[empty - 1])
			break;
	}
	return empty;
}
