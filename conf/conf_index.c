/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_index.h"

#include <stdlib.h>
#include <string.h>

static uint32_t key_hash(const uint8_t key[CONF_KEY_LEN])
{
	uint64_t h = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < CONF_KEY_LEN; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, key + i, sizeof(word));
		h = (h ^ word) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	return (uint32_t)h;
}

/* The slot that holds `key`, or the free one where it belongs. */
static uint32_t *slot_find(const struct conf_index *index, const struct conf_peer *peers,
			   const uint8_t key[CONF_KEY_LEN])
{
	size_t at = key_hash(key) & (index->n_slots - 1);

	while (index->slot[at] != 0 &&
	       memcmp(peers[index->slot[at] - 1].public_key, key, CONF_KEY_LEN) != 0)
		at = (at + 1) & (index->n_slots - 1);
	return &index->slot[at];
}

static bool index_grow(struct conf_index *index, const struct conf_peer *peers)
{
	struct conf_index new = { .n_slots = index->n_slots > 0 ? 2 * index->n_slots : 16,
				  .n_used = index->n_used };

	new.slot = calloc(new.n_slots, sizeof(*new.slot));
	if (!new.slot)
		return false;
	for (size_t i = 0; i < index->n_slots; i++) {
		if (index->slot[i] != 0)
			*slot_find(&new, peers, peers[index->slot[i] - 1].public_key) =
				index->slot[i];
	}
	free(index->slot);
	*index = new;
	return true;
}

bool conf_index_put(struct conf_index *index, const struct conf_peer *peers, size_t number,
		    size_t *old)
{
	uint32_t *slot;

	if (2 * index->n_used >= index->n_slots && !index_grow(index, peers))
		return false;
	slot = slot_find(index, peers, peers[number].public_key);
	*old = *slot != 0 ? *slot - 1 : SIZE_MAX;
	if (*slot == 0)
		index->n_used++;
	*slot = (uint32_t)number + 1;
	return true;
}

void conf_index_free(struct conf_index *index)
{
	free(index->slot);
	*index = (struct conf_index){ 0 };
}
