/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a file lists against what is running: the change that makes an interface's keys, port, mark and peers those of a conf. At the start
 * nothing is there yet, so that it is all of the conf. Control thread.
 */
#ifndef WGDP_LISTING_H
#define WGDP_LISTING_H

#include "change.h"
#include "conf.h"

struct iface;

/*
 * Fills c (as after change_init) with the difference from i to conf. An endpoint counts only where the file says another than it did
 * before: where a peer has been found since is better known than the file does. A peer that is not in the file goes, whoever made it.
 * fwmark: what the sockets shall have. c points into conf. False: no memory.
 */
bool listing_change(struct change *c, struct iface *i, const struct conf *conf, uint32_t fwmark);

/* After c was applied: conf is the file that i's peers come from. Its keys are wiped, for i has them now. */
void listing_adopt(struct iface *i, struct conf *conf);

#endif
