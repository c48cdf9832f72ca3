/* SPDX-License-Identifier: BSD-3-Clause */
/* What `wg show` would say of an interface, and its counters, on stderr: on SIGUSR1. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "iface.h"
#include "protocol.h"

static void print_key(const char *label, const uint8_t key[WG_KEY_LEN])
{
	char b64[CONF_KEY_B64_LEN + 1];

	conf_key_encode(b64, key);
	fprintf(stderr, "%s: %s\n", label, b64);
}

static void print_allowed_ips(const struct peer *p)
{
	struct allowedips_prefix *a;
	const char *comma = "";

	fprintf(stderr, "  allowed ips: %s", p->allowedips.n ? "" : "(none)");
	cds_list_for_each_entry(a, &p->allowedips.prefixes, of_owner) {
		char text[INET6_ADDRSTRLEN];

		fprintf(stderr, "%s%s/%u", comma, inet_ntop(a->family, a->addr, text, sizeof(text)), a->cidr);
		comma = ", ";
	}
	fputc('\n', stderr);
}

/* "1 day, 2 hours, 5 seconds" */
static void print_duration(uint64_t seconds)
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
		fprintf(stderr, "%s%" PRIu64 " %s%s", comma, n, unit[u].name, n == 1 ? "" : "s");
		comma = ", ";
	}
}

static void print_handshake(const struct peer *p)
{
	struct timespec now;

	if (!p->last_handshake.tv_sec)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	fputs("  latest handshake: ", stderr);
	if (now.tv_sec > p->last_handshake.tv_sec) {
		print_duration(now.tv_sec - p->last_handshake.tv_sec);
		fputs(" ago\n", stderr);
	} else {
		fputs("Now\n", stderr);
	}
}

static void print_peer(const struct peer *p)
{
	uint64_t rx = counters_read(&p->dp.rx_bytes), tx = counters_read(&p->dp.tx_bytes);
	char endpoint[ENDPOINT_STRLEN];

	fputc('\n', stderr);
	print_key("peer", p->remote.public_key);
	if (p->endpoint.remote.sa.sa_family != AF_UNSPEC)
		fprintf(stderr, "  endpoint: %s\n", endpoint_format(&p->endpoint, endpoint));
	print_allowed_ips(p);
	print_handshake(p);
	if (rx || tx)
		fprintf(stderr, "  transfer: %" PRIu64 " B received, %" PRIu64 " B sent\n", rx, tx);
	if (p->timers.persistent_interval) {
		fputs("  persistent keepalive: every ", stderr);
		print_duration(p->timers.persistent_interval / WG_NS_PER_SEC);
		fputc('\n', stderr);
	}
}

static void print_counters(const struct iface *i)
{
	struct counters sum;
	const char *comma = "";

	dataplane_counters(i->dp, &sum);
	sum.drop[DROP_STAGE_FULL] += i->staged_dropped;
	for (int r = 0; r < DROP_N; r++) {
		if (!sum.drop[r])
			continue;
		fprintf(stderr, "%s%s %" PRIu64, *comma ? comma : "drops: ", drop_name[r], sum.drop[r]);
		comma = ", ";
	}
	if (*comma)
		fputc('\n', stderr);
	fprintf(stderr, "packets: outer_rx %" PRIu64 " outer_tx %" PRIu64 " inner_rx %" PRIu64 " inner_tx %" PRIu64 "\n",
		sum.outer_rx, sum.outer_tx, sum.inner_rx, sum.inner_tx);
}

void iface_status(const struct iface *i)
{
	struct peer *p;

	fprintf(stderr, "--- status %s\ninterface: %s\n", i->name, i->name);
	print_key("  public key", i->identity.public_key);
	fprintf(stderr, "  listening port: %u\n", outer_listen_port(i->outer));
	cds_list_for_each_entry(p, &i->peers.list, of_iface)
		print_peer(p);
	fputc('\n', stderr);
	print_counters(i);
	fprintf(stderr, "--- end %s\n", i->name);
}
