/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the kernel port's sockets are opened. The pair of the first queue decides: it finds out
 * whether the port is free and whether the host has IPv6; the pairs of the other queues join it.
 * Control thread; the data cores may run already, and then find other sockets under the numbers that
 * they know (udp_sockets_replace), or another firewall mark on them.
 */
#include "udp_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_common.h>

enum {
	SOCKET_BUFFER = 4 << 20,	/* bytes, each way */
	FREE_PORT_TRIES = 32,		/* until one is free in both families */
};

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* As large as may be: past the host's limit with CAP_NET_ADMIN, else up to it. */
static void set_buffers(int fd)
{
	if (set_int(fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) < 0)
		set_int(fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
	if (set_int(fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) < 0)
		set_int(fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
}

static int set_family(int fd, int family)
{
	static const struct { int level, option, value; } set[UDP_FAMILIES][4] = {
		[V4] = {
			{ IPPROTO_IP, IP_PKTINFO, 1 },
			{ IPPROTO_IP, IP_RECVTOS, 1 },
			{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
		},
		[V6] = {
			{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
			{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
			{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
			{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
		},
	};
	int r = 0;

	for (unsigned int i = 0; r == 0 && i < RTE_DIM(set[0]) && set[family][i].option; i++)
		r = set_int(fd, set[family][i].level, set[family][i].option, set[family][i].value);
	return r;
}

static int set_device(int fd, const char *device)
{
	return setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)) < 0 ? -errno : 0;
}

static int set_options(int fd, int family, const struct port_kernel_conf *conf,
		       char err[PORT_ERRLEN])
{
	int r = set_family(fd, family);

	if (r < 0) {
		snprintf(err, PORT_ERRLEN, "cannot set up a UDP socket: %s", strerror(-r));
		return r;
	}
	set_buffers(fd);
	set_int(fd, SOL_UDP, UDP_GRO, 1);	/* since Linux 5.0; without it, each datagram comes alone */

	r = conf->fwmark ? set_int(fd, SOL_SOCKET, SO_MARK, conf->fwmark) : 0;
	if (r < 0) {
		snprintf(err, PORT_ERRLEN, "cannot set the firewall mark 0x%x: %s%s", conf->fwmark,
			 strerror(-r), r == -EPERM ? "; run as root or with CAP_NET_ADMIN" : "");
		return r;
	}
	r = conf->bind_device ? set_device(fd, conf->bind_device) : 0;
	if (r < 0)
		snprintf(err, PORT_ERRLEN, "cannot bind UDP sockets to device '%s': %s",
			 conf->bind_device, r == -ENODEV ? "there is none" : strerror(-r));
	return r;
}

static int bind_any(int fd, int family, uint16_t port, char err[PORT_ERRLEN])
{
	const struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int r;

	r = family == V4 ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4))
			 : bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	if (r == 0)
		return 0;
	r = -errno;
	if (r == -EADDRINUSE)
		snprintf(err, PORT_ERRLEN, "port %u is in use: %s", port, strerror(-r));
	else
		snprintf(err, PORT_ERRLEN, "cannot bind %s UDP port %u: %s",
			 family == V4 ? "IPv4" : "IPv6", port, strerror(-r));
	return r;
}

/* A bound socket, or -errno and a line in err. `share`: others of ours have the port already. */
static int open_socket(int family, const struct port_kernel_conf *conf, uint16_t port, bool share,
		       char err[PORT_ERRLEN])
{
	const int fd = socket(family == V4 ? AF_INET : AF_INET6,
			      SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		r = -errno;
		snprintf(err, PORT_ERRLEN, "cannot open a UDP socket: %s", strerror(-r));
		return r;
	}
	r = set_options(fd, family, conf, err);
	if (r == 0 && share) {
		r = set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1);
		if (r < 0)
			snprintf(err, PORT_ERRLEN, "cannot share a UDP port: %s", strerror(-r));
	}
	if (r == 0)
		r = bind_any(fd, family, port, err);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

void udp_sockets_init(struct udp_sockets *s)
{
	s->fd[V4] = -1;
	s->fd[V6] = -1;
	s->segments = false;
}

static bool knows_segments(int fd)
{
	int size;
	socklen_t len = sizeof(size);

	return getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len) == 0;
}

void udp_sockets_close(struct udp_sockets *s)
{
	for (int family = 0; family < UDP_FAMILIES; family++)
		if (s->fd[family] >= 0)
			close(s->fd[family]);
	udp_sockets_init(s);
}

static int open_family(struct udp_sockets *s, int family, const struct port_kernel_conf *conf,
		       uint16_t port, bool share, char err[PORT_ERRLEN])
{
	const int r = open_socket(family, conf, port, share, err);

	if (r < 0)
		return r;
	s->fd[family] = r;
	s->segments = knows_segments(r);
	return 0;
}

static int open_pair(struct udp_sockets *s, const struct port_kernel_conf *conf, uint16_t *port,
		     char err[PORT_ERRLEN])
{
	struct sockaddr_in bound = { .sin_port = 0 };
	socklen_t len = sizeof(bound);
	int r;

	r = open_family(s, V4, conf, conf->listen_port, false, err);
	if (r < 0)
		return r;
	getsockname(s->fd[V4], (struct sockaddr *)&bound, &len);
	*port = ntohs(bound.sin_port);

	r = open_family(s, V6, conf, *port, false, err);
	if (r == -EAFNOSUPPORT || r == -EADDRNOTAVAIL)
		return 0;	/* no IPv6 on this host */
	return r;
}

int udp_sockets_first(struct udp_sockets *s, const struct port_kernel_conf *conf, uint16_t *port,
		      char err[PORT_ERRLEN])
{
	int r = 0;

	/* What is free for IPv4 may be taken for IPv6. */
	for (unsigned int i = 0; i < FREE_PORT_TRIES; i++) {
		r = open_pair(s, conf, port, err);
		if (r != -EADDRINUSE || conf->listen_port)
			break;
		udp_sockets_close(s);
	}

	/*
	 * Bound without SO_REUSEPORT: the port was nobody else's, whatever options they set. From
	 * now on with it, so that the other queues can join.
	 */
	for (int family = 0; r == 0 && family < UDP_FAMILIES && conf->n_queues > 1; family++) {
		if (s->fd[family] < 0)
			continue;
		r = set_int(s->fd[family], SOL_SOCKET, SO_REUSEPORT, 1);
		if (r < 0)
			snprintf(err, PORT_ERRLEN, "cannot share a UDP port: %s", strerror(-r));
	}
	return r;
}

int udp_sockets_join(struct udp_sockets *s, const struct udp_sockets *first,
		     const struct port_kernel_conf *conf, uint16_t port, char err[PORT_ERRLEN])
{
	const int r = open_family(s, V4, conf, port, true, err);

	if (r < 0 || first->fd[V6] < 0)
		return r;
	return open_family(s, V6, conf, port, true, err);
}

int udp_sockets_stand_in(struct udp_sockets *s, char err[PORT_ERRLEN])
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int r = fd < 0 ? -errno : 0;

	if (r < 0)
		snprintf(err, PORT_ERRLEN, "cannot open a UDP socket: %s", strerror(-r));
	s->fd[V6] = fd;
	return r;
}

void udp_sockets_replace(struct udp_sockets *s, struct udp_sockets *with)
{
	for (int family = 0; family < UDP_FAMILIES; family++) {
		const int fd = with->fd[family];

		if (fd < 0)
			continue;
		if (s->fd[family] < 0) {
			__atomic_store_n(&s->fd[family], fd, __ATOMIC_RELAXED);
			continue;
		}
		while (dup3(fd, s->fd[family], O_CLOEXEC) < 0 && (errno == EINTR || errno == EBUSY))
			;
		close(fd);
	}
	s->segments = with->segments;	/* the kernel's, the same for all sockets */
	udp_sockets_init(with);
}

int udp_sockets_set_fwmark(const struct udp_sockets *s, uint32_t fwmark)
{
	int r = 0;

	for (int family = 0; family < UDP_FAMILIES; family++) {
		const int rc = s->fd[family] >= 0 ? set_int(s->fd[family], SOL_SOCKET, SO_MARK, (int)fwmark) : 0;

		if (r == 0)
			r = rc;
	}
	return r;
}
