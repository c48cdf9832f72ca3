/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_shadow.h"

#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* Nothing gets past the filter; what came between bind and now is thrown away. */
static int make_deaf(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	const struct sock_fprog prog = { .len = 1, .filter = &drop };
	char byte;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		return -errno;
	while (recv(fd, &byte, sizeof(byte), MSG_DONTWAIT) >= 0 || errno == EINTR)
		;
	return 0;
}

int shadow_open(struct udp_sockets *s, uint16_t listen_port, uint16_t *port, char err[PORT_ERRLEN])
{
	const struct port_kernel_conf conf = { .n_queues = 1, .listen_port = listen_port };
	int r;

	udp_sockets_init(s);
	r = udp_sockets_first(s, &conf, port, err);
	for (int family = 0; r == 0 && family < UDP_FAMILIES; family++) {
		if (s->fd[family] < 0)
			continue;
		r = make_deaf(s->fd[family]);
		if (r < 0)
			snprintf(err, PORT_ERRLEN, "cannot hold UDP port %u: %s", *port,
				 strerror(-r));
	}
	if (r < 0)
		udp_sockets_close(s);
	return r;
}
