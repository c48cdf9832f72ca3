/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process that goes into the background as soon as it is ready: whoever started it waits until then, sees what it says meanwhile, and
 * gets its exit status if it never becomes ready. Main thread, before there is any other.
 */
#ifndef WGDP_BACKGROUND_H
#define WGDP_BACKGROUND_H

#include <stdbool.h>

/* Goes on in a child, in a session of its own. The parent does not return from this. False: no child, errno. */
bool background_start(void);

/* Ready: the parent ends with 0; stdin, stdout and stderr are /dev/null. Without background_start: nothing. */
void background_ready(void);

#endif
