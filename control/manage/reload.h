/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Re-reads an interface's file and applies the difference to what is running: keys, port, mark, peers (also against what wg(8) has changed
 * since), addresses, MTU, routes. Sessions of unchanged peers live on. A file with a fault, or one that asks for what only a restart can do
 * (Outer, cores, Aead, Poll, Table), changes nothing. PostUp is not run again; PreDown and PostDown are the new file's. Control thread.
 */
#ifndef WGDP_RELOAD_H
#define WGDP_RELOAD_H

#include <stdio.h>

struct iface;

/* 0, or -errno with nothing changed: why stands on `diag`, a line each, as conf_read writes them. An interface without a file: -ENOENT. */
int reload_iface(struct iface *i, FILE *diag);

#endif
