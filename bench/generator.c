/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sends packets through wgdp at a steady rate, and says what became of them: of bench/pktgen. dpdk-testpmd, which bench/pktgen uses beside
 * it, knows no rates, no sequence numbers and no time, and nothing of sessions; this has all that.
 *
 *   --lan, --outer     the ends of wgdp's LAN and outer ports. On the outer side are N clients, each with a session:
 *                      seal   packets into the LAN port, their ciphertext counted on the outer side
 *                      open   messages that the clients have sealed ahead, the packets counted on the LAN side
 *                      both   the two at once
 *   --outer alone      the clients shake hands, for another generator
 *   --from, --to       any two ports: what goes into one comes out of the other
 *
 * Which points are to be measured is read from stdin, a line each ("seal 64"), so that its caller can look at wgdp between them; the answers
 * are lines of JSON (generator_search.h). Ends at the end of its input.
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "conf.h"
#include "generator_search.h"
#include "imix.h"

enum { EAL_MIB = 192, MIB = 1 << 20 };

static const char help[] =
	"generator [OPTION...] --lan DEVICE --outer DEVICE --key KEY    reads lines 'seal|open|both SIZE'\n"
	"generator [OPTION...] --from DEVICE --to DEVICE                reads lines 'NAME SIZE'\n"
	"generator [OPTION...] --outer DEVICE --key KEY                 handshakes alone: with the first line it reads\n"
	"generator keys N                                               prints the public keys of N far ends\n"
	"\n"
	"  DEVICE             a vdev, as DPDK names it: net_memif0,role=client,socket=/run/x,socket-abstract=no,...\n"
	"  SIZE               bytes of an IP packet, 64 to 9000, or imix (7 of 64, 4 of 570, 1 of 1420)\n"
	"  --key KEY          wgdp's public key\n"
	"  --tunnels N        far ends, or flows: 1 to 50000 (1)\n"
	"  --ipv6             inside and outside; IPv4 without\n"
	"  --hops N           routers between --from and --to (0)\n"
	"  --largest N        largest size that will be asked for (1500)\n"
	"  --seconds N        of a trial, 0.05 to 60 (2)\n"
	"  --resolution N     of the rate without loss, percent (1)\n"
	"  --loss N           percent that may be lost (0)\n"
	"  --retries N        times that a rate which lost is tried again (1)\n"
	"  --full             full speed alone: no search, no latency\n"
	"  --tape N           MiB for what is sealed ahead (1024)\n"
	"With two CPUs (taskset) it sends on the first and receives on the second.\n";

struct options {
	const char *lan, *outer, *from, *to, *key;
	unsigned int tunnels, hops, largest, tape;
	bool v6;
	struct search search;
};

struct generator {
	struct options o;
	struct generator_port port[PORTS_MAX];	/* outer, lan; or to, from */
	struct generator_far far;
	struct tape tape;
	struct stream to_outer, to_lan, through;
	struct trial trial;
};

__attribute__((noreturn)) static void usage(const char *what, const char *arg)
{
	if (what)
		fprintf(stderr, "generator: %s: %s\n", what, arg);
	fputs(help, stderr);
	exit(2);
}

static double number(const char *option, const char *text, double min, double max)
{
	char *end;
	const double v = strtod(text, &end);

	if (end == text || *end || !(v >= min && v <= max))
		usage(option, text);
	return v;
}

static void options_read(struct options *o, int argc, char **argv)
{
	enum { LAN, OUTER, FROM, TO, KEY, TUNNELS, IPV6, HOPS, LARGEST, SECONDS, RESOLUTION, LOSS, RETRIES, FULL, TAPE, HELP };
	static const struct option known[] = {
		{ "lan", 1, 0, LAN }, { "outer", 1, 0, OUTER }, { "from", 1, 0, FROM }, { "to", 1, 0, TO }, { "key", 1, 0, KEY },
		{ "tunnels", 1, 0, TUNNELS }, { "ipv6", 0, 0, IPV6 }, { "hops", 1, 0, HOPS }, { "largest", 1, 0, LARGEST },
		{ "seconds", 1, 0, SECONDS }, { "resolution", 1, 0, RESOLUTION }, { "loss", 1, 0, LOSS }, { "retries", 1, 0, RETRIES },
		{ "full", 0, 0, FULL }, { "tape", 1, 0, TAPE }, { "help", 0, 0, HELP }, { 0, 0, 0, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) >= 0) {
		switch (c) {
		case LAN: o->lan = optarg; break;
		case OUTER: o->outer = optarg; break;
		case FROM: o->from = optarg; break;
		case TO: o->to = optarg; break;
		case KEY: o->key = optarg; break;
		case TUNNELS: o->tunnels = number("--tunnels", optarg, 1, FRAME_FLOWS_MAX); break;
		case IPV6: o->v6 = true; break;
		case HOPS: o->hops = number("--hops", optarg, 0, 32); break;
		case LARGEST: o->largest = number("--largest", optarg, FRAME_SIZE_MIN, FRAME_SIZE_MAX); break;
		case SECONDS: o->search.seconds = number("--seconds", optarg, 0.05, 60); break;
		case RESOLUTION: o->search.resolution = number("--resolution", optarg, 0.1, 50) / 100; break;
		case LOSS: o->search.loss = number("--loss", optarg, 0, 50) / 100; break;
		case RETRIES: o->search.retries = number("--retries", optarg, 0, 20); break;
		case FULL: o->search.full_only = true; break;
		case TAPE: o->tape = number("--tape", optarg, 1, 1 << 20); break;
		case HELP: fputs(help, stdout); exit(0);
		default: usage(NULL, NULL);
		}
	}
	if (optind < argc)
		usage("what is this", argv[optind]);
	if (!(o->outer && o->key && !o->from && !o->to) && !(o->from && o->to && !o->lan && !o->outer && !o->key))
		usage("needed", "--outer and --key, with --lan or without; or --from and --to");
}

static int print_keys(unsigned int n)
{
	uint8_t key[WG_KEY_LEN];
	char text[CONF_KEY_B64_LEN + 1];

	for (unsigned int k = 0; k < n; k++) {
		generator_far_key(k, key);
		conf_key_encode(text, key);
		puts(text);
	}
	return 0;
}

static void open_ports(struct generator *g)
{
	struct rte_mempool *pool = generator_pool(g->o.largest + FRAME_OVERHEAD_MAX);

	const char *device[PORTS_MAX] = { g->o.outer ? g->o.outer : g->o.to, g->o.outer ? g->o.lan : g->o.from };

	g->trial.n_ports = device[1] ? 2 : 1;
	for (unsigned int p = g->trial.n_ports; p-- > 0;) {	/* the first of a pair of memifs is the server */
		generator_port_open(&g->port[p], device[p], pool);
		g->trial.port[p] = &g->port[p];
	}
	for (unsigned int p = 0; p < g->trial.n_ports; p++)
		generator_port_wait(&g->port[p]);
}

static void open_streams(struct generator *g)
{
	struct generator_port *outer = &g->port[0], *lan = &g->port[1];
	uint8_t key[WG_KEY_LEN];

	stream_init(&g->to_outer, g->o.tunnels);
	stream_init(&g->to_lan, g->o.tunnels);
	stream_init(&g->through, g->o.tunnels);
	g->through.name = "through";
	g->through.tx = lan;
	g->through.rx = outer;
	g->through.hops = g->o.hops;
	if (!g->o.key)
		return;
	if (!conf_key_decode(key, g->o.key, strlen(g->o.key)))
		usage("--key", "44 characters of base64");
	tape_init(&g->tape, (size_t)g->o.tape * MIB);
	generator_far_init(&g->far, g->o.tunnels, g->o.v6, key, outer);
	g->to_outer.name = "seal";
	g->to_outer.tx = lan;
	g->to_outer.rx = outer;
	g->to_outer.opens = &g->far;
	g->to_outer.hops = 1;
	g->to_lan.name = "open";
	g->to_lan.tx = outer;
	g->to_lan.rx = lan;
	g->to_lan.seals = &g->far;
	g->to_lan.tape = &g->tape;
	g->to_lan.way = FRAME_TO_LAN;
	g->to_lan.hops = 1;
}

static void set_streams(struct generator *g, const char *name)
{
	struct trial *t = &g->trial;
	const bool both = strcmp(name, "both") == 0;

	t->n_streams = 0;
	if (!g->o.key) {
		t->stream[t->n_streams++] = &g->through;
		return;
	}
	if (both || strcmp(name, "seal") == 0)
		t->stream[t->n_streams++] = &g->to_outer;
	if (both || strcmp(name, "open") == 0)
		t->stream[t->n_streams++] = &g->to_lan;
	if (!t->n_streams)
		bench_fail("'%s' is none of seal, open, both", name);
}

/* A line: "seal 64". */
static void point(struct generator *g, const char *line)
{
	char name[32], text[16];
	uint32_t size;

	if (g->trial.n_ports < 2) {
		generator_far_connect(&g->far);
		printf("{\"kind\":\"connected\",\"flows\":%u}\n", g->far.n);
		fflush(stdout);
		return;
	}
	if (sscanf(line, "%31s %15s", name, text) != 2)
		bench_fail("'%s' is no case and size", line);
	size = strcmp(text, "imix") == 0 ? IMIX : (uint32_t)atoi(text);
	if (size != IMIX && (size < FRAME_SIZE_MIN || size > g->o.largest))
		bench_fail("size %s: %u to %u, or imix", text, FRAME_SIZE_MIN, g->o.largest);
	set_streams(g, name);
	search_point(&g->o.search, &g->trial, name, size);
}

static void close_all(struct generator *g)
{
	for (unsigned int p = 0; p < g->trial.n_ports; p++)
		generator_port_close(&g->port[p]);
	stream_fini(&g->to_outer);
	stream_fini(&g->to_lan);
	stream_fini(&g->through);
	if (!g->o.key)
		return;
	generator_far_fini(&g->far);
	tape_fini(&g->tape);
}

int main(int argc, char **argv)
{
	static struct generator g = { .o = {
		.tunnels = 1, .largest = 1500, .tape = 1024, .search = { .seconds = 2, .resolution = 0.01, .retries = 1 },
	} };
	char line[64];

	if (argc == 3 && strcmp(argv[1], "keys") == 0)
		return print_keys(number("keys", argv[2], 1, FRAME_FLOWS_MAX));
	options_read(&g.o, argc, argv);
	g.trial.receiver_cpu = bench_cpus() > 1 ? 1 : -1;
	g.trial.v6 = g.o.v6;
	g.trial.n_flows = g.o.tunnels;
	bench_eal(EAL_MIB);
	bench_pin(0);
	open_ports(&g);
	open_streams(&g);
	printf("{\"kind\":\"ready\"}\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		point(&g, line);
	}
	close_all(&g);
	return ferror(stdout) ? 1 : 0;
}
