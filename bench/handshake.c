/* SPDX-License-Identifier: BSD-3-Clause */
#include "handshake_rows.h"

#include <stdio.h>

#include "log.h"
#include "rcu.h"

enum { PEERS = 10000, QUICK_PEERS = 500 };

static const char help[] =
	"usage: handshake [--quick]\n"
	"Handshakes a second of one core, against what its X25519 operations alone would allow.\n"
	"CSV on stdout: what,per_second,ns_each,ceiling_per_second,ratio,seconds,peers,lost,p99_us,note\n";

void row_print(const struct row *r)
{
	printf("%s,%.0f,%.0f,", r->what, r->per_second, r->ns_each);
	if (r->ceiling > 0)
		printf("%.0f,%.3f,", r->ceiling, r->ratio);
	else
		fputs(",,", stdout);
	if (r->seconds > 0)
		printf("%.3f,%u,", r->seconds, r->peers);
	else
		fputs(",,", stdout);
	if (r->lost >= 0)
		printf("%ld,%.0f,", r->lost, r->p99_us);
	else
		fputs(",,", stdout);
	printf("%s\n", r->note);
}

int main(int argc, char **argv)
{
	struct bench b;

	bench_begin(&b, argc, argv, help);
	bench_cpus();
	b.points = STEPS_POINTS + 2;
	bench_eal(256);
	log_set_level(LOG_ERR);
	rcu_register_thread();
	puts("what,per_second,ns_each,ceiling_per_second,ratio,seconds,peers,lost,p99_us,note");
	steps_run(&b);
	for (unsigned int cores = 1; cores <= 2; cores++)
		reconnect_run(&b, b.quick ? QUICK_PEERS : PEERS, cores);
	rcu_unregister_thread();
	return bench_end(&b);
}
