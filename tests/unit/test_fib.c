/* SPDX-License-Identifier: BSD-3-Clause */
/* The fib's prefixes, against the linear search that they stand for. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "failing_alloc.h"
#include "fib.h"

static struct fib f;

static void setup(void)
{
	rcu_register_thread();
	cr_assert_eq(fib_init(&f), 0);
}

static void teardown(void)
{
	fib_fini(&f);
	rcu_barrier();
	rcu_unregister_thread();
}

TestSuite(fib, .init = setup, .fini = teardown);

static const uint8_t *addr(const char *text)
{
	static uint8_t a[16];

	memset(a, 0, sizeof(a));
	cr_assert_eq(inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, a), 1, "%s", text);
	return a;
}

Test(fib, longest_match)
{
	struct fib_entry net, sub, host, six;

	cr_expect_null(fib_lookup(&f, AF_INET, addr("10.0.0.1")));
	cr_assert_eq(fib_insert(&f, AF_INET, addr("10.0.0.99"), 8, &net), 0);
	cr_assert_eq(fib_insert(&f, AF_INET, addr("10.1.0.0"), 16, &sub), 0);
	cr_assert_eq(fib_insert(&f, AF_INET, addr("10.1.2.3"), 32, &host), 0);
	cr_assert_eq(fib_insert(&f, AF_INET6, addr("a01::"), 16, &six), 0);
	cr_expect_eq(fib_lookup(&f, AF_INET, addr("10.2.0.1")), &net);
	cr_expect_eq(fib_lookup(&f, AF_INET, addr("10.1.2.4")), &sub);
	cr_expect_eq(fib_lookup(&f, AF_INET, addr("10.1.2.3")), &host);
	cr_expect_eq(fib_lookup(&f, AF_INET6, addr("a01:203::1")), &six);
	cr_expect_null(fib_lookup(&f, AF_INET, addr("11.0.0.1")));

	cr_expect_eq(fib_at(&f, AF_INET, addr("10.1.77.77"), 16), &sub);
	cr_expect_null(fib_at(&f, AF_INET, addr("10.1.0.0"), 15));
	cr_expect_null(fib_at(&f, AF_INET6, addr("10:1::"), 16));
	cr_expect_eq(fib_above(&f, AF_INET, addr("10.1.2.3"), 32), &sub);
	cr_expect_eq(fib_above(&f, AF_INET, addr("10.1.0.0"), 16), &net);
	cr_expect_null(fib_above(&f, AF_INET, addr("10.0.0.0"), 8));

	fib_remove(&f, AF_INET, addr("10.1.0.0"), 16);
	fib_remove(&f, AF_INET, addr("10.1.0.0"), 16);
	cr_expect_eq(fib_lookup(&f, AF_INET, addr("10.1.2.4")), &net);
	cr_expect_eq(fib_above(&f, AF_INET, addr("10.1.2.3"), 32), &net);
}

Test(fib, refuses)
{
	struct fib_entry e;

	cr_expect_eq(fib_insert(&f, AF_INET, addr("10.0.0.0"), 33, &e), -EINVAL);
	cr_expect_eq(fib_insert(&f, AF_UNIX, addr("10.0.0.0"), 8, &e), -EINVAL);
	fail_one_in = 1;
	cr_expect_eq(fib_insert(&f, AF_INET, addr("10.0.0.0"), 8, &e), -ENOMEM);
	fail_one_in = 0;
	cr_expect_null(fib_lookup(&f, AF_INET, addr("10.0.0.1")));
}

Test(fib, without_memory)
{
	struct fib g;

	fail_one_in = 1;
	cr_expect_eq(fib_init(&g), -ENOMEM);
	fail_one_in = 0;
	fib_fini(&g);
	memset(&g, 0, sizeof(g));
	fib_fini(&g);
}

/* Random prefixes of all lengths, of few distinct bits so that they nest. */
enum { N = 3000 };

static struct {
	struct fib_entry e;
	int family;
	uint8_t addr[16], len;
	bool in;
} p[N];

static uint64_t rng = 88172645463325252u;

static void draw(uint8_t a[16], int family)
{
	static const uint8_t bytes[] = { 0, 1, 0x80, 0xff };

	memset(a, 0, 16);
	for (int i = 0; i < (family == AF_INET6 ? 16 : 4); i++)
		a[i] = bytes[draw_from(&rng, 4)];
}

static bool covers(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		if ((a[i / 8] ^ b[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

/* The longest of those shorter than `below`, or of just that length. */
static struct fib_entry *oracle(int family, const uint8_t *a, unsigned int below, bool exact)
{
	struct fib_entry *best = NULL;
	int len = -1;

	for (int i = 0; i < N; i++) {
		if (!p[i].in || p[i].family != family || !covers(p[i].addr, a, p[i].len))
			continue;
		if (exact ? p[i].len == below : p[i].len < below && p[i].len >= len) {
			best = &p[i].e;
			len = p[i].len;
		}
	}
	return best;
}

Test(fib, like_the_oracle)
{
	uint8_t a[16];

	for (int i = 0; i < N; i++) {
		p[i].family = draw_from(&rng, 2) ? AF_INET6 : AF_INET;
		p[i].len = (uint8_t)draw_from(&rng, p[i].family == AF_INET6 ? 129 : 33);
		draw(p[i].addr, p[i].family);
		if (fib_at(&f, p[i].family, p[i].addr, p[i].len))
			continue;
		cr_assert_eq(fib_insert(&f, p[i].family, p[i].addr, p[i].len, &p[i].e), 0);
		p[i].in = true;
	}
	for (int i = 0; i < N; i += 3)
		if (p[i].in) {
			fib_remove(&f, p[i].family, p[i].addr, p[i].len);
			p[i].in = false;
		}
	for (int i = 0; i < 3000; i++) {
		int family = i % 2 ? AF_INET6 : AF_INET;
		unsigned int max = family == AF_INET6 ? 128 : 32, len = draw_from(&rng, max + 1);

		draw(a, family);
		cr_assert_eq(fib_lookup(&f, family, a), oracle(family, a, max + 1, false));
		cr_assert_eq(fib_above(&f, family, a, (uint8_t)len), oracle(family, a, len, false));
		cr_assert_eq(fib_at(&f, family, a, (uint8_t)len), oracle(family, a, len, true));
		cr_assert_eq(fib_at(&f, p[i].family, p[i].addr, p[i].len), oracle(p[i].family, p[i].addr, p[i].len, true));
	}
}
