/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * UAPI's set=1: the lines after it, as they come in pieces of any size, into a change (change.h). Knows no interface.
 *
 * What is refused, and with which errno, is what wireguard-go 0.0.20220316 does, but for this: `allowed_ip=-PREFIX` removes (it came
 * later); BITS takes no sign; a line is at most UAPI_LINE_MAX long instead of 64 KiB. It fails with EINVAL, a line without '=' with EPROTO,
 * one that is too long with EIO. Control thread.
 */
#ifndef WGDP_UAPI_SET_H
#define WGDP_UAPI_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "change.h"

enum {
	UAPI_LINE_MAX = 4096,				/* without its newline */
	UAPI_SET_LINES_MAX = 16 * 1024 * 1024,
	UAPI_SET_BYTES_MAX = 256 * 1024 * 1024,
};

struct uapi_set {
	struct change change;	/* what has been asked for so far */
	int rc;			/* 0, or the -errno of the first fault: nothing is to be applied then */
	const char *key;	/* whose value it was, or what else was wrong, for the log; never from the request itself */
	bool done;		/* the empty line has come, or the limits are exceeded */
	bool broken;		/* the latter: where the request ends is not known */
	bool in_peer;		/* a public_key has come: what follows is of that peer */
	size_t first_edit;	/* of that peer since its public_key; most have one */
	size_t n_lines, n_bytes;
	size_t len;		/* of the line that has begun; the one before it was wiped */
	char line[UAPI_LINE_MAX];
};

void uapi_set_init(struct uapi_set *s);
/* Wipes and frees. */
void uapi_set_fini(struct uapi_set *s);

/* How many of the bytes were taken: all, or when it is done, up to its end. */
size_t uapi_set_feed(struct uapi_set *s, const char *data, size_t len);

/* Gives up the request with this error and what it has collected, but goes on to its end. */
void uapi_set_fail(struct uapi_set *s, int rc, const char *why);

#endif
