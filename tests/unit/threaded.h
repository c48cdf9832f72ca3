/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Criterion for tests with threads. Criterion maps memory where ThreadSanitizer allows none and
 * aborts, so under TSan the few words of it that such a test uses are here: each Test() runs in
 * turn in the one process, the first that fails aborts it. Build that without libcriterion. A
 * program is one file that includes this.
 */
#ifndef WGDP_THREADED_H
#define WGDP_THREADED_H

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREADED_ALONE
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define THREADED_ALONE
#endif

#ifndef THREADED_ALONE

#include <criterion/criterion.h>

#else

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	const char *name;
	void (*run)(void);
} threaded_test[32];
static unsigned int n_threaded_tests;

/* Further arguments (.timeout = ...) are Criterion's. */
#define Test(suite, test, ...) \
	static void suite##_##test(void); \
	__attribute__((constructor)) static void suite##_##test##_add(void) \
	{ \
		threaded_test[n_threaded_tests].name = #suite "::" #test; \
		threaded_test[n_threaded_tests++].run = suite##_##test; \
	} \
	static void suite##_##test(void)

/* The test's own message is left out; file and line say which. */
#define cr_assert(condition, ...) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)
#define cr_assert_not(c, ...) cr_assert(!(c))
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b))
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b))
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b))
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b))
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b))
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b))
#define cr_assert_null(p, ...) cr_assert(!(p))
#define cr_assert_not_null(p, ...) cr_assert(p)
#define cr_assert_arr_eq(a, b, n, ...) cr_assert(memcmp(a, b, n) == 0)

/* rcu_barrier() allocates what liburcu's thread frees, both out of TSan's sight. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:urcu_qsbr_barrier\n";
}

int main(void)
{
	for (unsigned int i = 0; i < n_threaded_tests; i++) {
		printf("%s\n", threaded_test[i].name);
		fflush(stdout);
		threaded_test[i].run();
	}
	printf("%u passed, 0 failed\n", n_threaded_tests);
	return 0;
}

#endif

#endif
