/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <string.h>

#include "protocol.h"

void replay_init(struct replay *r)
{
	memset(r, 0, sizeof(*r));	/* generation 0, nothing seen */
}

/*
 * Accepts these counters (bits, not 0) of one block; returns those that it did accept.
 *
 * `newest` is raised before a slot is taken over, and read after a slot is: the acquire on the
 * slot pairs with the release of whoever wrote it, so `newest` is then at least that writer's
 * block. Hence a block that passes the test against `newest` (64 bits, exact) is never older than
 * the slot's: a slot of another generation is an older one, free to be taken over, and the 32 bits
 * need only be compared for equality.
 */
static uint32_t block_accept(struct replay *r, uint64_t block, uint32_t bits)
{
	uint64_t *slot = &r->slot[block % REPLAY_SLOTS];
	uint64_t generation = (uint64_t)(uint32_t)(block / REPLAY_SLOTS) << 32;
	uint64_t newest = __atomic_load_n(&r->newest, __ATOMIC_RELAXED), seen, word;
	uint32_t fresh;

	while (newest < block &&
	       !__atomic_compare_exchange_n(&r->newest, &newest, block, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	seen = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	do {
		/* Raised above, so `newest` is not below the block. */
		if (__atomic_load_n(&r->newest, __ATOMIC_RELAXED) - block >= REPLAY_SLOTS)
			return 0;
		word = seen >> 32 == generation >> 32 ? seen : generation;
		fresh = bits & ~(uint32_t)word;
		if (!fresh)
			return 0;
	} while (!__atomic_compare_exchange_n(slot, &seen, word | fresh, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return fresh;
}

bool replay_accept(struct replay *r, uint64_t counter)
{
	return replay_accept_burst(r, &counter, 1);
}

/* A run within one block costs one or two atomic operations together. */
uint64_t replay_accept_burst(struct replay *r, const uint64_t *counter, unsigned int n)
{
	uint64_t accepted = 0;
	unsigned int end;

	for (unsigned int i = 0; i < n; i = end) {
		const uint64_t block = counter[i] / REPLAY_BLOCK;
		uint32_t bits = 0, fresh;

		/* A run ends where one comes twice: the second time is to be refused. */
		for (end = i; end < n && counter[end] / REPLAY_BLOCK == block; end++) {
			const uint32_t bit = UINT32_C(1) << counter[end] % REPLAY_BLOCK;

			if (bits & bit || counter[end] >= WG_REJECT_AFTER_MESSAGES)
				break;
			bits |= bit;
		}
		if (!bits) {
			end = i + 1;
			continue;
		}
		fresh = block_accept(r, block, bits);
		for (unsigned int k = i; k < end; k++)
			accepted |= (uint64_t)(fresh >> counter[k] % REPLAY_BLOCK & 1) << k;
	}
	return accepted;
}
