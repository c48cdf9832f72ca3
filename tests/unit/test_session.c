/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of receiver indices: reserve, publish, release, growth, and ids that outlive their session. */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "session.h"

static uint32_t next_random;

static uint32_t counting(void)
{
	return next_random++;
}

static uint32_t scattered(void)
{
	next_random = next_random * 1664525u + 1013904223u;
	return next_random ^ next_random >> 16;
}

Test(session, an_index_finds_its_session_and_no_other)
{
	struct sessions t;
	struct session *s = session_create();
	uint32_t index;
	int owner;

	rcu_register_thread();
	next_random = 5;
	cr_assert_eq(sessions_init(&t), 0);
	index = sessions_reserve(&t, &owner, counting);
	cr_assert_eq(index, 5);
	cr_assert_eq(sessions_owner(&t, index), &owner);
	cr_assert_null(sessions_find(&t, index), "reserved, but there is no session yet");
	sessions_publish(&t, s, index);
	cr_assert_eq(sessions_find(&t, index), s);
	cr_assert_eq(sessions_get(&t, s->id), s);
	for (int bit = 0; bit < 32; bit++)
		cr_assert_null(sessions_find(&t, index ^ 1u << bit), "bit %d", bit);
	for (int bit = 0; bit < 64; bit++)
		cr_assert_null(sessions_get(&t, s->id ^ 1ull << bit), "bit %d", bit);
	sessions_release(&t, index);
	cr_assert_null(sessions_find(&t, index));
	cr_assert_null(sessions_owner(&t, index));
	session_free_rcu(s);
	rcu_barrier();
	sessions_fini(&t);
	rcu_unregister_thread();
}

Test(session, an_id_is_not_found_once_its_index_is_used_again)
{
	struct sessions t;
	struct session *a = session_create(), *b = session_create();
	uint64_t old;
	int owner;

	rcu_register_thread();
	cr_assert_eq(sessions_init(&t), 0);
	next_random = 7;
	sessions_publish(&t, a, sessions_reserve(&t, &owner, counting));
	old = a->id;
	sessions_release(&t, 7);
	next_random = 7;
	sessions_publish(&t, b, sessions_reserve(&t, &owner, counting));
	cr_assert_eq(session_index(b->id), session_index(old), "the same index");
	cr_assert_eq(sessions_get(&t, b->id), b);
	cr_assert_null(sessions_get(&t, old), "but another generation");
	sessions_release(&t, 7);
	session_free_rcu(a);
	session_free_rcu(b);
	rcu_barrier();
	sessions_fini(&t);
	rcu_unregister_thread();
}

Test(session, zero_is_never_an_index)
{
	struct sessions t;
	int owner;

	rcu_register_thread();
	cr_assert_eq(sessions_init(&t), 0);
	next_random = 0;
	cr_assert_eq(sessions_reserve(&t, &owner, counting), 1);
	sessions_release(&t, 0);
	cr_assert_eq(t.used, 1);
	sessions_fini(&t);
	rcu_unregister_thread();
}

Test(session, growth_loses_nobody)
{
	enum { N = 20000 };
	static uint32_t index[N];
	static struct session *s[N];
	struct sessions t;
	static int owner[N], shaking_hands;
	uint32_t reserved;

	rcu_register_thread();
	cr_assert_eq(sessions_init(&t), 0);
	reserved = sessions_reserve(&t, &shaking_hands, scattered);
	for (int k = 0; k < N; k++) {
		index[k] = sessions_reserve(&t, &owner[k], scattered);
		cr_assert(index[k]);
		s[k] = session_create();
		sessions_publish(&t, s[k], index[k]);
		rcu_quiescent_state();
	}
	for (int k = 0; k < N; k++) {
		cr_assert_eq(sessions_find(&t, index[k]), s[k]);
		cr_assert_eq(sessions_owner(&t, index[k]), &owner[k]);
	}
	cr_assert_eq(sessions_owner(&t, reserved), &shaking_hands, "nor a handshake that has no session yet");
	sessions_release(&t, reserved);
	for (int k = 0; k < N; k += 2)
		sessions_release(&t, index[k]);
	for (int k = 0; k < N; k++)
		cr_assert_eq(sessions_find(&t, index[k]), k % 2 ? s[k] : NULL);
	for (int k = 0; k < N; k++) {
		sessions_release(&t, k % 2 ? index[k] : 0);
		session_free_rcu(s[k]);
	}
	cr_assert_eq(t.used, 0);
	rcu_barrier();
	sessions_fini(&t);
	rcu_unregister_thread();
}
