/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control thread's side of wgdp_xdp.bpf.c, around the life of DPDK's af_xdp driver: xdp_open,
 * the driver is started with the path, xdp_bind, xdp_set and xdp_set_local as often as things
 * change, the driver is closed, xdp_close.
 *
 * The driver attaches the program without a bpf_link, so that it outlives a killed process: packets
 * then all pass, but the driver would refuse to start again. Whether a program of ours is such
 * a leftover, or belongs to a running process, is decided by an abstract socket that lives as long
 * as the process and is seen by all of them in this network namespace.
 */
#include "xdp.h"

#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "wgdp_xdp_object.h"
#include "xdp_conf.h"

#define PROGRAM "wgdp_xdp"

enum { XDP_MAPS = 3 };

void xdp_init(struct xdp *x)
{
	*x = (struct xdp){ .lock = -1, .object = -1, .conf = -1, .local = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int xdp_claim(struct xdp *x)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int len = snprintf(name.sun_path + 1, sizeof(name.sun_path) - 1, "wgdp-xdp-%u", x->ifindex);

	x->lock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (x->lock < 0 || bind(x->lock, (const struct sockaddr *)&name,
				(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0)
		return -errno;
	return 0;
}

/* The program attached to the netdev: its fd, with *info; -ENOENT: none. */
static int xdp_attached(uint32_t ifindex, struct bpf_prog_info *info)
{
	__u32 id = 0, len = sizeof(*info);
	int rc = bpf_xdp_query_id((int)ifindex, 0, &id), fd;

	if (rc < 0)
		return rc;
	if (!id)
		return -ENOENT;
	fd = bpf_prog_get_fd_by_id(id);
	if (fd < 0)
		return -errno;
	if (bpf_obj_get_info_by_fd(fd, info, &len) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

static int xdp_take_off_leftover(const struct xdp *x, const char *ifname, char err[PORT_ERRLEN])
{
	struct bpf_prog_info info = { 0 };
	int fd = xdp_attached(x->ifindex, &info), rc;

	if (fd == -ENOENT)
		return 0;
	if (fd < 0) {
		snprintf(err, PORT_ERRLEN, "cannot ask %s for its XDP program: %s", ifname,
			 strerror(-fd));
		return fd;
	}
	if (strcmp(info.name, PROGRAM) != 0) {
		snprintf(err, PORT_ERRLEN, "%s runs the XDP program '%s': take it off (ip link set "
			 "dev %s xdp off), or use net_af_packet", ifname, info.name, ifname);
		rc = -EBUSY;
	} else {
		LIBBPF_OPTS(bpf_xdp_attach_opts, opts, .old_prog_fd = fd);

		rc = bpf_xdp_detach((int)x->ifindex, 0, &opts);
		if (rc < 0)
			snprintf(err, PORT_ERRLEN, "cannot take a left over XDP program off %s: %s",
				 ifname, strerror(-rc));
	}
	close(fd);
	return rc;
}

static int xdp_write_object(struct xdp *x)
{
	x->object = memfd_create(PROGRAM, MFD_CLOEXEC);
	if (x->object < 0)
		return -errno;
	if (write(x->object, wgdp_xdp_object, sizeof(wgdp_xdp_object)) !=
	    (ssize_t)sizeof(wgdp_xdp_object))
		return errno ? -errno : -EIO;
	return 0;
}

int xdp_open(struct xdp *x, const char *ifname, uint32_t ifindex, char path[XDP_PATHLEN],
	     char err[PORT_ERRLEN])
{
	int rc;

	x->ifindex = ifindex;
	rc = xdp_claim(x);
	if (rc == -EADDRINUSE)
		snprintf(err, PORT_ERRLEN, "%s has an AF_XDP port of wgdp already: use "
			 "net_af_packet for this one", ifname);
	else if (rc < 0)
		snprintf(err, PORT_ERRLEN, "cannot claim %s: %s", ifname, strerror(-rc));
	if (rc < 0)
		return rc;
	rc = xdp_take_off_leftover(x, ifname, err);
	if (rc < 0)
		return rc;
	rc = xdp_write_object(x);
	if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "cannot store the XDP program: %s", strerror(-rc));
		return rc;
	}
	snprintf(path, XDP_PATHLEN, "/proc/self/fd/%d", x->object);
	return 0;
}

static void xdp_keep_map(struct xdp *x, __u32 id)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) < 0)
		close_fd(&fd);
	else if (strcmp(info.name, "wgdp_conf") == 0 && x->conf < 0)
		x->conf = fd;
	else if (strcmp(info.name, "wgdp_local") == 0 && x->local < 0)
		x->local = fd;
	else
		close_fd(&fd);
}

int xdp_bind(struct xdp *x, char err[PORT_ERRLEN])
{
	__u32 maps[XDP_MAPS] = { 0 };
	struct bpf_prog_info info = { .nr_map_ids = XDP_MAPS, .map_ids = (uintptr_t)maps };
	int fd = xdp_attached(x->ifindex, &info);

	close_fd(&x->object);
	if (fd < 0) {
		snprintf(err, PORT_ERRLEN, "cannot find the XDP program that was just attached: %s",
			 strerror(-fd));
		return fd;
	}
	for (__u32 i = 0; i < info.nr_map_ids && i < XDP_MAPS; i++)
		xdp_keep_map(x, maps[i]);
	close(fd);
	if (x->conf >= 0 && x->local >= 0)
		return 0;
	snprintf(err, PORT_ERRLEN, "the XDP program '%s' was attached in place of ours", info.name);
	return -EBUSY;
}

int xdp_set(const struct xdp *x, const uint8_t mac[6], uint16_t port, uint16_t also)
{
	struct xdp_conf conf = { .port = htons(port), .also = htons(also ? also : port) };
	const __u32 zero = 0;

	memcpy(conf.mac, mac, sizeof(conf.mac));
	return bpf_map_update_elem(x->conf, &zero, &conf, BPF_ANY) < 0 ? -errno : 0;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct in6_addr));
}

/* Takes out of the map whatever is not in the sorted array. */
static int xdp_drop_others(int map, const struct in6_addr *sorted, size_t n)
{
	struct in6_addr key, next;
	int more = bpf_map_get_next_key(map, NULL, &next);

	while (more == 0) {
		key = next;
		more = bpf_map_get_next_key(map, &key, &next);
		if (!bsearch(&key, sorted, n, sizeof(key), compare) &&
		    bpf_map_delete_elem(map, &key) < 0)
			return -errno;
	}
	return 0;
}

int xdp_set_local(const struct xdp *x, const struct in6_addr *addrs, size_t n)
{
	struct in6_addr *sorted;
	const __u8 one = 1;
	int rc = 0;

	if (n > XDP_LOCAL_MAX)
		return -E2BIG;
	sorted = calloc(n + 1, sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	if (n)
		memcpy(sorted, addrs, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), compare);

	for (size_t i = 0; rc == 0 && i < n; i++)
		if (bpf_map_update_elem(x->local, &sorted[i], &one, BPF_ANY) < 0)
			rc = -errno;
	if (rc == 0)
		rc = xdp_drop_others(x->local, sorted, n);
	free(sorted);
	return rc;
}

void xdp_close(struct xdp *x)
{
	close_fd(&x->object);
	close_fd(&x->conf);
	close_fd(&x->local);
	close_fd(&x->lock);
}
