/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoint names to addresses, without ever blocking the caller. Names go to a few worker threads
 * that call getaddrinfo(3); more names wait their turn. (glibc's own getaddrinfo_a cannot take back
 * a request that runs, and its memory must outlive it.)
 *
 * Like wg(8), it asks for both families with no flags and takes the first answer: getaddrinfo puts
 * them in the order of RFC 6724, in which an address that this host cannot reach comes last. So
 * AI_ADDRCONFIG, which would hide a family before looking whether there is a way, is not used.
 *
 * All functions are for one thread, the control thread; a struct resolver serves any number of
 * interfaces.
 */
#ifndef WGDP_RESOLVER_H
#define WGDP_RESOLVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	RESOLVER_THREADS = 4, /* names asked for at the same time */
};

struct resolver;

/* NULL with errno. Threads are made when first needed. */
struct resolver *resolver_create(void);

/* For epoll: readable while resolver_next has an answer. */
int resolver_fd(const struct resolver *r);

/*
 * Asks for `host` (copied). `cookie` comes back with the answer; one cookie may have several
 * requests. `port` in host order. 0, or -errno (-ENOMEM, -EAGAIN: no thread to be had); then there
 * will be no answer.
 */
int resolver_submit(struct resolver *r, void *cookie, const char *host, uint16_t port);

/*
 * Takes one answer; false if there is none yet. *gai_error is 0, and *ss the address with its port,
 * all else zero; or it is an EAI_* value (gai_strerror(3)) and *ss is AF_UNSPEC.
 */
bool resolver_next(struct resolver *r, void **cookie, struct sockaddr_storage *ss, int *gai_error);

/* No answer for this cookie will come any more, whether its requests wait, run, or are done. */
void resolver_cancel(struct resolver *r, void *cookie);

/*
 * At once, whatever is under way: a running getaddrinfo cannot be stopped, so its thread goes on
 * alone, touching only what is its own, and ends when it returns. NULL is allowed.
 */
void resolver_destroy(struct resolver *r);

/*
 * A numeric IPv4 or IPv6 address, the latter without brackets, link-local ones with their zone
 * ("fe80::1%eth0"). Asks nobody. False: it is none (a name, or a zone that does not exist); *ss is
 * AF_UNSPEC then.
 */
bool resolver_numeric(const char *host, uint16_t port, struct sockaddr_storage *ss);

#endif
