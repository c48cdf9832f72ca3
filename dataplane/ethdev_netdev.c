/* SPDX-License-Identifier: BSD-3-Clause */
#include "ethdev_netdev.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ifreq request(const struct netdev *dev)
{
	struct ifreq ifr = { 0 };

	memcpy(ifr.ifr_name, dev->name, IFNAMSIZ);
	return ifr;
}

/* A netdev without channels (veth for one) has one queue as far as af_xdp goes. */
static void netdev_get_queues(struct netdev *dev, int fd)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };
	struct ifreq ifr = request(dev);

	ifr.ifr_data = (void *)&channels;
	if (ioctl(fd, SIOCETHTOOL, &ifr) < 0)
		memset(&channels, 0, sizeof(channels));
	dev->xdp_queues = channels.max_combined ? channels.combined_count : 1;
	dev->rx_queues = channels.combined_count + channels.rx_count;
	if (!dev->rx_queues)
		dev->rx_queues = 1;
}

static int netdev_ask(struct netdev *dev, int fd, uint16_t *type)
{
	struct ifreq ifr = request(dev);

	if (ioctl(fd, SIOCGIFINDEX, &ifr) < 0)
		return -errno;
	dev->ifindex = (uint32_t)ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) < 0)
		return -errno;
	memcpy(dev->mac, ifr.ifr_hwaddr.sa_data, sizeof(dev->mac));
	*type = ifr.ifr_hwaddr.sa_family;
	if (ioctl(fd, SIOCGIFMTU, &ifr) < 0)
		return -errno;
	dev->mtu = (uint32_t)ifr.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) < 0)
		return -errno;
	dev->promisc = ifr.ifr_flags & IFF_PROMISC;
	netdev_get_queues(dev, fd);
	return 0;
}

int netdev_get(struct netdev *dev, const char *name, char err[PORT_ERRLEN])
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;
	uint16_t type = 0;

	memset(dev, 0, sizeof(*dev));
	snprintf(dev->name, sizeof(dev->name), "%s", name);
	if (strlen(name) >= sizeof(dev->name))
		rc = -ENODEV;
	else
		rc = fd < 0 ? -errno : netdev_ask(dev, fd, &type);
	if (fd >= 0)
		close(fd);

	if (rc == -ENODEV) {
		snprintf(err, PORT_ERRLEN, "there is no interface '%s'", name);
	} else if (rc < 0) {
		snprintf(err, PORT_ERRLEN, "cannot look at interface '%s': %s", name,
			 strerror(-rc));
	} else if (type != ARPHRD_ETHER && type != ARPHRD_LOOPBACK) {
		snprintf(err, PORT_ERRLEN, "%s has no Ethernet frames: use Outer = kernel", name);
		rc = -EMEDIUMTYPE;
	}
	return rc;
}

int netdev_all_multicast(const struct netdev *dev)
{
	const struct packet_mreq mreq = { .mr_ifindex = (int)dev->ifindex, .mr_type = PACKET_MR_ALLMULTI };
	const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);	/* of no protocol: it hears nothing */
	int rc;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &mreq, sizeof(mreq)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

bool netdev_running(const struct netdev *dev)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = request(dev);
	bool running;

	if (fd < 0)
		return true;
	running = ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && ifr.ifr_flags & IFF_UP && ifr.ifr_flags & IFF_RUNNING;
	close(fd);
	return running;
}

void netdev_restore_promisc(const struct netdev *dev)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = request(dev);

	if (fd < 0)
		return;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) == 0 && dev->promisc != !!(ifr.ifr_flags & IFF_PROMISC)) {
		ifr.ifr_flags ^= IFF_PROMISC;
		ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
}
