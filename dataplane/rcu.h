/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RCU for wgdp: liburcu's QSBR flavour under its short names (rcu_register_thread, call_rcu, ...).
 *
 * Who registers. Every data core and the control thread call rcu_register_thread() before they
 * first touch a shared pointer, and rcu_unregister_thread() before they end. call_rcu() and
 * synchronize_rcu() are the control thread's; who calls call_rcu() is registered.
 *
 * Who is quiescent when. A registered thread holds up every grace period until it calls
 * rcu_quiescent_state(); a pointer got by rcu_load() is good until the thread's own next one. A
 * data core has one at the end of each round of its loop ("rest"), the control thread one a round
 * of its event loop and one every few hundred updates of a long run (a conf being loaded): nothing
 * replaced is freed before. A thread that may block (poll, sleep, join) is offline meanwhile:
 * rcu_thread_offline(), block, rcu_thread_online(). synchronize_rcu() counts as a quiescent state
 * of its caller.
 *
 * How objects die. Unpublish, then call_rcu(&object->rcu, xxx_free_rcu) where the object can wait,
 * or synchronize_rcu() where the caller can. xxx_free_rcu() runs in liburcu's own thread: it opens
 * with rcu_callback() and touches the object and free(), nothing of the control thread's. At exit,
 * rcu_barrier() waits for all of them. liburcu's thread does not outlive a fork(): fork before it
 * starts, or fork only to exec.
 */
#ifndef WGDP_RCU_H
#define WGDP_RCU_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RCU_TSAN
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define RCU_TSAN
#endif

#if !defined(_LGPL_SOURCE) && !defined(RCU_TSAN)
#define _LGPL_SOURCE	/* the quiescent state inline; each such function is under ten lines */
#endif
#ifndef URCU_API_MAP
#define URCU_API_MAP	/* short names */
#endif
#include <urcu/urcu-qsbr.h>

/*
 * The pointer in `p` (an lvalue, read once), and what it points to as it was when published. Any
 * registered thread. Consume: gcc and clang make it an acquire, free on x86.
 */
#define rcu_load(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)

/* Stores `v` in `p` (an lvalue), after everything written before. The single writer of `p` only. */
#define rcu_publish(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

#ifndef RCU_TSAN

/* The first statement of each function given to call_rcu(). */
static inline void rcu_callback(void)
{
}

/* The last one, where what it has done is looked at after rcu_barrier(). */
static inline void rcu_callback_end(void)
{
}

#else

/*
 * liburcu is not built for ThreadSanitizer, which thus sees no grace period. Tell it: what a thread
 * did before its quiescent state comes before what follows a grace period.
 */
#include <sanitizer/tsan_interface.h>

#define RCU_TSAN_GRACE ((void *)&rcu_flavor)	/* an address, the same everywhere */

static inline void rcu_callback(void)
{
	__tsan_acquire(RCU_TSAN_GRACE);
}

static inline void rcu_callback_end(void)
{
	__tsan_release(RCU_TSAN_GRACE);
}

static inline void rcu_tsan_barrier(void)
{
	urcu_qsbr_barrier();
	__tsan_acquire(RCU_TSAN_GRACE);
}

static inline void rcu_tsan_quiescent_state(void)
{
	__tsan_release(RCU_TSAN_GRACE);
	urcu_qsbr_quiescent_state();
}

static inline void rcu_tsan_thread_offline(void)
{
	__tsan_release(RCU_TSAN_GRACE);
	urcu_qsbr_thread_offline();
}

static inline void rcu_tsan_unregister_thread(void)
{
	__tsan_release(RCU_TSAN_GRACE);
	urcu_qsbr_unregister_thread();
}

static inline void rcu_tsan_synchronize(void)
{
	__tsan_release(RCU_TSAN_GRACE);
	urcu_qsbr_synchronize_rcu();
	__tsan_acquire(RCU_TSAN_GRACE);
}

static inline void rcu_tsan_call(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	__tsan_release(RCU_TSAN_GRACE);
	urcu_qsbr_call_rcu(head, func);
}

#define urcu_qsbr_quiescent_state rcu_tsan_quiescent_state
#define urcu_qsbr_thread_offline rcu_tsan_thread_offline
#define urcu_qsbr_unregister_thread rcu_tsan_unregister_thread
#define urcu_qsbr_synchronize_rcu rcu_tsan_synchronize
#define urcu_qsbr_call_rcu rcu_tsan_call
#define urcu_qsbr_barrier rcu_tsan_barrier

#endif

#endif
