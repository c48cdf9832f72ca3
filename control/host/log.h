/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines on stderr, or in syslog: "wgdp: IFNAME: text". Never a key in them but a public key in short form. Control thread.
 */
#ifndef WGDP_LOG_H
#define WGDP_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "messages.h"

enum log_level { LOG_ERR, LOG_WARN, LOG_NOTICE, LOG_DEBUG };

/* Lines above this level are not written; LOG_NONE: none at all. Set once, at the start. */
enum { LOG_NONE = -1 };
void log_set_level(int max);

/* From now on lines go to syslog(3), without "wgdp: ": for a process in the background. */
void log_to_syslog(void);

/* `name`: the interface's, or NULL. A newline is added. */
__attribute__((format(printf, 3, 4))) void log_line(enum log_level level, const char *name, const char *fmt, ...);

/*
 * What an attacker can cause is said at most `LOG_BURST` times at once and then once a second, by each kind of line and interface; what
 * was held back is counted and said with the next.
 */
enum { LOG_BURST = 10 };

struct log_limit {
	uint64_t last_ns;
	uint32_t tokens;
	uint32_t held_back;
	bool started;
};

__attribute__((format(printf, 5, 6))) void log_limited(struct log_limit *limit, uint64_t now_ns, enum log_level level,
						       const char *name, const char *fmt, ...);

/* A public key for people: its first and last four characters of base64, "uoYk…SXXQ". Returns out. */
enum { LOG_KEY_LEN = 16 };
const char *log_key(char out[LOG_KEY_LEN], const uint8_t public_key[WG_KEY_LEN]);

#endif
