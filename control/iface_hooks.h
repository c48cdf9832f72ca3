/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of an interface's PreUp, PostUp, PreDown and PostDown. Private to iface*.c; control thread. */
#ifndef WGDP_IFACE_HOOKS_H
#define WGDP_IFACE_HOOKS_H

#include "iface.h"

/*
 * Runs them and waits, in rounds of the loop, so that everything else goes on. keep_going: also after one that has failed. False: one
 * has failed, or a signal has ended the wait; it has been logged.
 */
bool iface_run_hooks(struct iface *i, const struct conf_strings *commands, const char *name, bool keep_going);

/* Starts PostUp; at its end i->state says how it went. False: it could not be started, which has been logged. */
bool iface_post_up(struct iface *i);

/* Ends it, done or not. */
void iface_post_up_end(struct iface *i);

#endif
