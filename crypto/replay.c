/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <string.h>

#include "protocol.h"

void replay_init(struct replay *r)
{
	memset(r, 0, sizeof(*r));	/* generation 0, nothing seen */
}

/* A monotonic maximum. Never overflows: counter is below WG_REJECT_AFTER_MESSAGES. */
static void newest_raise(struct replay *r, uint64_t counter)
{
	uint64_t newest = __atomic_load_n(&r->newest, __ATOMIC_RELAXED);

	while (newest < counter + 1) {
		if (__atomic_compare_exchange_n(&r->newest, &newest, counter + 1, true,
						__ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return;
	}
}

/*
 * `newest` is raised before a slot is taken over, and read after a slot is: the acquire on the
 * slot pairs with the release of whoever wrote it, so `newest` is then at least that writer's
 * counter. Hence a counter that passes the test against `newest` (64 bits, exact) is never older
 * than the slot's block: a slot of another generation is an older one, free to be taken over, and
 * the 32 bits need only be compared for equality.
 */
bool replay_accept(struct replay *r, uint64_t counter)
{
	uint64_t *slot = &r->slot[counter / REPLAY_BLOCK % REPLAY_SLOTS];
	uint64_t generation = (uint64_t)(uint32_t)(counter / REPLAY_BITS) << 32;
	uint64_t bit = UINT64_C(1) << counter % REPLAY_BLOCK;
	uint64_t seen, word;

	if (counter >= WG_REJECT_AFTER_MESSAGES)
		return false;
	newest_raise(r, counter);

	seen = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
	do {
		/* Raised above, so `newest` is over the counter and this cannot underflow. */
		uint64_t behind = __atomic_load_n(&r->newest, __ATOMIC_RELAXED) - 1 - counter;

		if (behind >= REPLAY_WINDOW)
			return false;
		word = seen >> 32 == generation >> 32 ? seen : generation;
		if (word & bit)
			return false;
	} while (!__atomic_compare_exchange_n(slot, &seen, word | bit, true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	return true;
}
