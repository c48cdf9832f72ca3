/* SPDX-License-Identifier: BSD-3-Clause */
/* wgdp genkey | pubkey | genpsk, as in wg(8). */
#ifndef WGDP_KEYTOOL_H
#define WGDP_KEYTOOL_H

/* Runs the command of that name. -1: there is none; otherwise the exit status. */
int keytool_run(const char *command);

#endif
