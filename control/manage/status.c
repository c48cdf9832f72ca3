/* SPDX-License-Identifier: BSD-3-Clause */
#include "status.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "iface.h"
#include "protocol.h"
#include "stats.h"

static void print_key(FILE *out, const char *label, const uint8_t key[WG_KEY_LEN])
{
	char b64[CONF_KEY_B64_LEN + 1];

	conf_key_encode(b64, key);
	fprintf(out, "%s: %s\n", label, b64);
}

static void print_allowed_ips(FILE *out, const struct peer *p)
{
	struct allowedips_prefix *a;
	const char *comma = "";

	fprintf(out, "  allowed ips: %s", p->allowedips.n ? "" : "(none)");
	cds_list_for_each_entry(a, &p->allowedips.prefixes, of_owner) {
		char text[INET6_ADDRSTRLEN];

		fprintf(out, "%s%s/%u", comma, inet_ntop(a->family, a->addr, text, sizeof(text)), a->cidr);
		comma = ", ";
	}
	fputc('\n', out);
}

/* "1 day, 2 hours, 5 seconds" */
static void print_duration(FILE *out, uint64_t seconds)
{
	static const struct {
		uint64_t seconds;
		const char *name;
	} unit[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	const char *comma = "";

	for (size_t u = 0; u < sizeof(unit) / sizeof(unit[0]); u++) {
		uint64_t n = seconds / unit[u].seconds;

		seconds %= unit[u].seconds;
		if (!n)
			continue;
		fprintf(out, "%s%" PRIu64 " %s%s", comma, n, unit[u].name, n == 1 ? "" : "s");
		comma = ", ";
	}
}

static void print_handshake(FILE *out, const struct peer *p)
{
	struct timespec now;

	if (!p->last_handshake.tv_sec)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	fputs("  latest handshake: ", out);
	if (now.tv_sec > p->last_handshake.tv_sec) {
		print_duration(out, now.tv_sec - p->last_handshake.tv_sec);
		fputs(" ago\n", out);
	} else {
		fputs("Now\n", out);
	}
}

static void print_peer(FILE *out, const struct peer *p)
{
	uint64_t rx = counters_read(&p->dp.rx_bytes), tx = counters_read(&p->dp.tx_bytes);
	char endpoint[ENDPOINT_STRLEN];

	fputc('\n', out);
	print_key(out, "peer", p->remote.public_key);
	if (p->endpoint.remote.sa.sa_family != AF_UNSPEC)
		fprintf(out, "  endpoint: %s\n", endpoint_format(&p->endpoint, endpoint));
	print_allowed_ips(out, p);
	print_handshake(out, p);
	if (rx || tx)
		fprintf(out, "  transfer: %" PRIu64 " B received, %" PRIu64 " B sent\n", rx, tx);
	if (p->timers.persistent_interval) {
		fputs("  persistent keepalive: every ", out);
		print_duration(out, p->timers.persistent_interval / WG_NS_PER_SEC);
		fputc('\n', out);
	}
}

static void print_counters(FILE *out, const struct iface *i)
{
	struct stats s;
	const char *comma = "";

	stats_collect(i, &s);
	for (int r = 0; r < DROP_N; r++) {
		if (!s.sum.drop[r])
			continue;
		fprintf(out, "%s%s %" PRIu64, *comma ? comma : "drops: ", drop_name[r], s.sum.drop[r]);
		comma = ", ";
	}
	if (*comma)
		fputc('\n', out);
	fprintf(out, "packets: outer_rx %" PRIu64 " outer_tx %" PRIu64 " inner_rx %" PRIu64 " inner_tx %" PRIu64 "\n",
		s.sum.outer_rx, s.sum.outer_tx, s.sum.inner_rx, s.sum.inner_tx);
	for (unsigned int k = 0; k < s.n_ports; k++) {
		const struct port_info *p = &s.port[k].info;

		fprintf(out, "port %s: %s, link %s, received %" PRIu64 ", sent %" PRIu64 ", missed %" PRIu64 "\n", s.port[k].name, s.port[k].role,
			p->link_up ? "up" : "down", p->rx_packets, p->tx_packets, p->rx_missed);
	}
	if (s.n_ports)
		fprintf(out, "beside the tunnel: lan_rx %" PRIu64 " lan_tx %" PRIu64 " host_rx %" PRIu64 " host_tx %" PRIu64 "\n", s.sum.lan_rx,
			s.sum.lan_tx, s.sum.host_rx, s.sum.host_tx);
	fprintf(out, "cores: sleeps %" PRIu64 " wakes %" PRIu64 "\n", s.sum.sleeps, s.sum.wakes);
}

/* Put together first, and written at once: a line at a time would keep handshakes waiting. */
void status_print(const struct iface *i)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	if (!out)
		return;
	fprintf(out, "--- status %s\ninterface: %s\n", i->name, i->name);
	print_key(out, "  public key", i->identity.public_key);
	fprintf(out, "  listening port: %u\n", outer_listen_port(i->outer));
	for (struct peer *p = NULL; (p = peers_next(&i->peers, p));)
		print_peer(out, p);
	fputc('\n', out);
	print_counters(out, i);
	fprintf(out, "--- end %s\n", i->name);
	if (fclose(out) == 0)
		fwrite(text, 1, len, stderr);
	free(text);
}
