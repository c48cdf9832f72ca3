/* SPDX-License-Identifier: BSD-3-Clause */
#include "log_syslog.h"

#include <syslog.h>

void log_syslog_open(void)
{
	openlog("wgdp", LOG_PID, LOG_DAEMON);
}

void log_syslog_line(unsigned int level, const char *line, int n)
{
	static const int priority[] = { LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

	syslog(priority[level], "%.*s", n, line);
}
