/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers of a process as texts, for tests of cli/. */
#ifndef WGDP_TEST_REMOTE_TEXT_H
#define WGDP_TEST_REMOTE_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "remote.h"

#define KEY_OF(pair) pair pair pair pair pair pair pair pair pair pair pair pair pair pair pair pair \
	pair pair pair pair pair pair pair pair pair pair pair pair pair pair pair pair

#define GET_DEVICE "private_key=" KEY_OF("61") "\nlisten_port=51820\nfwmark=51966\n"
#define GET_PEER_A "public_key=" KEY_OF("aa") "\n" GET_PEER_A_REST
#define GET_PEER_A_REST "preshared_key=" KEY_OF("62") "\nprotocol_version=1\nendpoint=192.0.2.1:40000\n" \
	"last_handshake_time_sec=1000000\nlast_handshake_time_nsec=5\ntx_bytes=1023\nrx_bytes=1048576\n" \
	"persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n"
#define GET_PEER_B "public_key=" KEY_OF("bb") "\npreshared_key=" KEY_OF("00") "\nprotocol_version=1\nendpoint=[2001:db8::1]:51820\n" \
	"last_handshake_time_sec=1000060\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\n" \
	"persistent_keepalive_interval=0\nallowed_ip=192.0.2.128/25\n"
#define GET_PEER_C "public_key=" KEY_OF("cc") "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n" \
	"tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
#define NAME_A "J\303\274rgen \346\227\245\346\234\254"	/* an umlaut, two that are wide */
#define PEERS_WHOLE GET_DEVICE "public_key=" KEY_OF("aa") "\nname=" NAME_A "\n" GET_PEER_A_REST GET_PEER_B GET_PEER_C "errno=0\n\n"
#define GET_WHOLE GET_DEVICE GET_PEER_A GET_PEER_B GET_PEER_C "errno=0\n\n"

#define STATS_IFACE "name=wg0\nup=1\npid=77\nversion=0.1.0\nuptime_ns=3661000000000\npublic_key=" KEY_OF("dd") \
	"\nlisten_port=51820\nfwmark=51966\nmtu=1420\nouter=kernel\naead=openssl\ntsc_hz=1000\npeers=3\nconnected=2\nstaged=4\n" \
	"allowed_ips=3\nwork_used=3\nwork_size=1024\nmbufs_used=900\nmbufs_size=1000\ncontrol_initiations_sent=2\n" \
	"control_changes=0\ndrop_no_peer=9\ndrop_replayed=10\ndrop_from_the_future=1\ndrop_no_mbuf=0\n"
#define STATS_ROUTES "routes_prefixes=1000000\nroutes_hosts=31\nroutes_judged=32\nroutes_resyncs=33\n"
#define STATS_PORT_OUTER "port=wan0\nport_role=outer\nport_device=0000:03:00.0\nport_driver=net_ixgbe\nport_mirror=wan0\nport_numa=1\n" \
	"port_queues=4\nport_mtu=9000\nport_mac=02:00:00:00:ab:01\nport_link=up\nport_speed_mbps=10000\n" \
	"port_offloads=rss,udp_checksum\nport_rx_packets=11\nport_rx_bytes=1024\nport_rx_missed=13\nport_rx_errors=14\n" \
	"port_rx_no_mbuf=15\nport_tx_packets=16\nport_tx_bytes=1048576\nport_tx_errors=18\n"
#define STATS_PORT_LAN "port=net_memif0\nport_role=lan\nport_device=net_memif0,role=client\nport_driver=net_memif\nport_queues=1\n" \
	"port_mtu=1500\nport_mac=02:00:00:00:ab:02\nport_link=down\nport_speed_mbps=0\nport_rx_packets=21\nport_rx_bytes=0\n" \
	"port_rx_missed=0\nport_rx_errors=0\nport_rx_no_mbuf=0\nport_tx_packets=0\nport_tx_bytes=0\nport_tx_errors=0\n"
#define STATS_CORE_LAN "core=4\nroles=rx\nouter_rx=0\nouter_tx=0\ninner_rx=0\ninner_tx=0\nlan_rx=91\nlan_tx=92\nhost_rx=93\nhost_tx=94\n"
#define STATS_PORTS STATS_IFACE STATS_ROUTES STATS_PORT_OUTER STATS_PORT_LAN STATS_CORE_0 STATS_CORE_1 STATS_CORE_LAN "errno=0\n\n"
#define STATS_CORE_0 "core=0\nroles=rx,worker\nouter_rx=100\nouter_tx=50\ninner_rx=50\ninner_tx=100\nbatches=10\nbatched=150\n" \
	"sleeps=6\nwakes=7\nfifo_used=1\nfifo_size=32\nstage_rx=100\nstage_aead=150\nstage_rest=750\ncore_drop_no_peer=9\n"
#define STATS_CORE_1 "core=2\nroles=worker\nouter_rx=0\nouter_tx=0\ninner_rx=0\ninner_tx=0\nbatches=0\nbatched=0\n" \
	"sleeps=0\nwakes=0\nstage_rx=0\nstage_aead=900\nstage_rest=100\n"
#define STATS_WHOLE STATS_IFACE STATS_CORE_0 STATS_CORE_1 "errno=0\n\n"

/* Feeds a whole answer in pieces of `piece` bytes. */
static inline enum answer_state remote_feed(struct remote_iface *i, bool stats, const char *text, size_t len, size_t piece, const char **why)
{
	struct answer *a = malloc(sizeof(*a));
	enum answer_state state = ANSWER_MORE;

	answer_begin(a, stats ? remote_stats_line : remote_get_line, i);
	for (size_t at = 0, n; at < len && state == ANSWER_MORE; at += n) {
		size_t room;
		char *space = answer_space(a, &room);

		n = len - at < piece ? len - at : piece;
		n = n < room ? n : room;
		memcpy(space, text + at, n);
		state = answer_filled(a, n);
	}
	if (why)
		*why = a->why;
	answer_wipe(a);
	free(a);
	return state;
}

/* An interface from both answers; stats NULL: of a process that does not know them. */
static inline bool remote_make(struct remote_iface *i, const char *get, const char *stats)
{
	remote_init(i, "wg0");
	i->has_stats = stats;
	return (!stats || remote_feed(i, true, stats, strlen(stats), 1000, NULL) == ANSWER_DONE) &&
	       remote_feed(i, false, get, strlen(get), 1000, NULL) == ANSWER_DONE;
}

#endif
