/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The management socket of an interface: /var/run/wireguard/NAME.sock (0600 in a folder of 0700), which speaks the cross-platform
 * userspace protocol (wireguard.com/xplatform): requests end with an empty line, answers with errno=N and an empty line; several may
 * follow each other on a connection.
 *
 *   get=1     what wg(8) shows
 *   peers=1   ours: the same, with one more line behind public_key of a peer that has a name in the file: name=TEXT, 1 to 64 bytes of
 *             printable UTF-8 (CONF_NAME_LEN)
 *   set=1     a change (change.h), collected while its lines come, and applied whole at its empty line
 *   stats=1   ours: counters by core and the rest that `wgdp show` and `wgdp top` need (stats.h)
 *   reload=1  ours: re-reads the file (reload.h); what is wrong with it comes back as message=TEXT lines before errno
 *
 * Clients are served in turn, a bounded piece each a round, and none is waited for: one that stalls, sends without end or does not read
 * its answer is cut off. Control thread.
 */
#ifndef WGDP_UAPI_H
#define WGDP_UAPI_H

#include <stdbool.h>
#include <stdint.h>

struct iface;
struct uapi;

enum { UAPI_ERRLEN = 256 };

/*
 * Opens the socket and adds it to i->loop. A socket that a process left behind is replaced; one that still answers is an error. NULL:
 * one line for the user in err.
 */
struct uapi *uapi_create(struct iface *i, char err[UAPI_ERRLEN]);

/* Closes all connections and removes the socket, if it is still ours. NULL is allowed. */
void uapi_destroy(struct uapi *u);

/* Somebody has removed the socket's file (with wireguard-go that is the way to end it). */
bool uapi_removed(const struct uapi *u);

/*
 * The configuration is about to change: answers to get=1 and peers=1 that are under way are completed in memory first, so that each shows one state.
 * NULL is allowed.
 */
void uapi_before_change(struct uapi *u);

/* A round: goes on with what is under way, cuts off who is too slow. Returns when to call again (monotonic ns; now: at once). */
uint64_t uapi_tick(struct uapi *u, uint64_t now);

#endif
