/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which peer has a public key: a hash table of numbers into an array of peers that the caller owns
 * and passes in, and that may move. Internal to conf/.
 */
#ifndef WGDP_CONF_INDEX_H
#define WGDP_CONF_INDEX_H

#include "conf.h"

struct conf_index {
	uint32_t *slot;		/* 0: free, else a peer's number plus one */
	size_t n_slots;		/* a power of two, or 0 */
	size_t n_used;		/* at most half of them */
};

/*
 * Makes `number`, an element of peers, the peer of its key. *old is the number that it replaces, or
 * SIZE_MAX. False: no memory, nothing has changed.
 */
bool conf_index_put(struct conf_index *index, const struct conf_peer *peers, size_t number,
		    size_t *old);

void conf_index_free(struct conf_index *index);

#endif
