/* SPDX-License-Identifier: BSD-3-Clause */
/* syslog(3) behind names of our own: its header and log.h both have a LOG_ERR. Control thread. Private to log.c. */
#ifndef WGDP_LOG_SYSLOG_H
#define WGDP_LOG_SYSLOG_H

/* Facility daemon, with the process's number. */
void log_syslog_open(void);

/* `level`: enum log_level; n bytes of `line`. */
void log_syslog_line(unsigned int level, const char *line, int n);

#endif
