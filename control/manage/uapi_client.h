/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One connection of UAPI: requests come, answers go, a bounded piece at a time, and nothing is read while an answer waits to be read.
 * Control thread.
 */
#ifndef WGDP_UAPI_CLIENT_H
#define WGDP_UAPI_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "uapi_get.h"
#include "uapi_set.h"

struct iface;

enum {
	UAPI_IN_LEN = 16 * 1024,
	UAPI_OUT_LEN = 64 * 1024,
	UAPI_OPERATION_LEN = 16,	/* "reload=1" and more */
};

/* A text kept in memory for whoever is still to read it. */
struct uapi_kept {
	unsigned int refs;
	size_t len, room;
	char *text;			/* pages.h */
};

/* NULL: no memory. With one reference, the caller's. */
struct uapi_kept *uapi_kept_create(void);
/* Makes room for `more` bytes behind the text. False: no memory. */
bool uapi_kept_reserve(struct uapi_kept *t, size_t more);
/* One reference less; wiped and freed with the last. NULL is allowed. */
void uapi_kept_drop(struct uapi_kept *t);

enum uapi_client_state {
	UAPI_OPERATION,		/* between requests, or in the first line of one */
	UAPI_EMPTY_LINE,	/* behind the first line of one that has no other */
	UAPI_SET,
	UAPI_CLOSING,		/* whatever comes is dropped, until the other side closes */
};

/* What one step came to. */
enum uapi_step { UAPI_MORE, UAPI_WAITS, UAPI_ENDS };

struct uapi_client {
	struct iface *iface;
	int fd;
	enum uapi_client_state state;
	bool ready;			/* the loop, or the last step, says there is something to do */
	bool wants_room;		/* the loop waits for room to write instead of data */
	bool broken;			/* there was no memory for its answer */
	bool close_after;		/* no request is taken after this answer */
	uint64_t progress_ns;		/* when a byte last went either way, or it began to close */
	size_t *collected;		/* bytes of all clients' unfinished set requests */
	size_t own_collected;		/* of which this client's */
	char operation[UAPI_OPERATION_LEN];
	size_t operation_len;
	struct uapi_set *set;		/* in UAPI_SET */
	size_t in_pos, in_len;
	/* the answer: what is left of out, then of kept, then of get */
	size_t out_pos, out_len;
	struct uapi_kept *kept;
	size_t kept_pos;
	bool getting;
	struct uapi_get get;
	char in[UAPI_IN_LEN];
	char out[UAPI_OUT_LEN];
};

/* fd: non-blocking, the client's from now on also when there is no memory (NULL). `collected` is shared by all clients. */
struct uapi_client *uapi_client_create(struct iface *i, int fd, size_t *collected, uint64_t now);
/* Wipes and closes. */
void uapi_client_destroy(struct uapi_client *c);

/* One piece of work. UAPI_WAITS: until the descriptor is readable, or, if an answer is under way, writable. */
enum uapi_step uapi_client_step(struct uapi_client *c, uint64_t now);

/* Nothing has begun that is not finished. */
bool uapi_client_is_idle(const struct uapi_client *c);
/* Is there something for it to read? */
bool uapi_client_has_answer(const struct uapi_client *c);

/* Is it in the middle of an answer to get=1 or peers=1 that depends on what peers there are? */
bool uapi_client_is_getting(const struct uapi_client *c);
/* The rest of that answer is t from `pos` on. */
void uapi_client_keep(struct uapi_client *c, struct uapi_kept *t, size_t pos);

#endif
