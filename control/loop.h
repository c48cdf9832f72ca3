/* SPDX-License-Identifier: BSD-3-Clause */
/* Which descriptors the control thread waits on, and what it calls when one is ready. */
#ifndef WGDP_LOOP_H
#define WGDP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct loop *loop_create(void);		/* NULL: errno */
void loop_destroy(struct loop *l);	/* with descriptors still in it or not */

/*
 * Calls cb(arg) in loop_wait whenever fd is readable, until loop_remove. 0, or -errno. A callback may add and remove any descriptor, its
 * own too. One that was put in another's place within the same wait may be called once with nothing to read.
 */
int loop_add(struct loop *l, int fd, void (*cb)(void *arg), void *arg);
void loop_remove(struct loop *l, int fd);

/*
 * What fd, which is in the loop, is waited for from now on: data (as after loop_add), room to write, both or nothing. When the other side
 * has hung up it is called whatever it waits for.
 */
void loop_want(struct loop *l, int fd, bool readable, bool writable);

/*
 * One round of the whole control thread, waiting included, as loop_set_round has set it: for who must wait for something while
 * everything else goes on. Not from within a callback of loop_wait.
 */
void loop_set_round(struct loop *l, void (*round)(void *arg), void *arg);
void loop_round(struct loop *l);

/* Somebody wants an end (a signal): counted, for whoever waits in loop_wait to see. */
void loop_stop(struct loop *l);
unsigned int loop_stops(const struct loop *l);

/*
 * Waits until something is ready or the monotonic time `until_ns` has come (UINT64_MAX: for ever; 0: not at all), then calls
 * what is to be called. RCU-offline while it waits.
 */
void loop_wait(struct loop *l, uint64_t until_ns);

#endif
