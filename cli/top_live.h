/* SPDX-License-Identifier: BSD-3-Clause */
/* `wgdp top` on a terminal. */
#ifndef WGDP_TOP_LIVE_H
#define WGDP_TOP_LIVE_H

#include "top_data.h"
#include "top_input.h"

/*
 * Shows the interface until the user quits or a signal ends it; d has a snapshot already. The terminal is as before when this returns. Returns
 * the exit status; SIGINT, SIGTERM and SIGHUP end it with 128 and the signal's number.
 */
int top_live(const char *dir, struct top_data *d, struct top_ui *ui);

#endif
