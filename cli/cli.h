/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that talk to running processes over /var/run/wireguard/NAME.sock. argv[0] is the command's own name ("show"); each returns the
 * process's exit status: 0, 1 (it could not be done, said on stderr), 2 (wrong usage). They own the process: signals, terminal, locale.
 */
#ifndef WGDP_CLI_H
#define WGDP_CLI_H

/* wgdp show [NAME ... | all | interfaces] [--json] */
int show_main(int argc, char **argv);

/* wgdp top [NAME] [-d SECONDS] [-s SORT] [--once | -b N] */
int top_main(int argc, char **argv);

/* wgdp reload NAME */
int reload_main(int argc, char **argv);

/* wgdp devices [--json]: talks to nobody, reads sysfs alone */
int devices_main(int argc, char **argv);

#endif
