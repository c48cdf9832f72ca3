/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wg show` would say of an interface, and its counters, on stderr: on SIGUSR1. Control thread. */
#ifndef WGDP_STATUS_H
#define WGDP_STATUS_H

struct iface;

void status_print(const struct iface *i);

#endif
