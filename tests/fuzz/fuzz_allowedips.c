/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: bytes to operations on the allowed-IPs trie, each lookup compared with an array
 * searched from end to end. One thread. A node that was replaced is freed at once, so that
 * AddressSanitizer sees the writer if it goes back to one; and allocations fail when the input says
 * so. Link with -Wl,--wrap=pool_alloc,--wrap=calloc,--wrap=urcu_qsbr_call_rcu.
 *
 * An operation is four bytes: what to do; the length; which byte of the address to change; to what.
 * The address is the family's last one with that change, so that prefixes nest and meet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "allowedips.h"
#include "allowedips_pool.h"
#include "rcu.h"

enum {
	N_PEERS = 4,
	N_ORACLE = 512,
	OP_FAMILY = 0x80,
	OP_NO_MEMORY = 0x40,
	OP_PEER = 0x30,		/* shifted by 4 */
	OP_WHAT = 0x0f,
};

struct entry {
	int family;
	uint8_t addr[16];
	unsigned int cidr;
	unsigned int peer;
};

static struct entry entry[N_ORACLE];
static unsigned int n_entries;
static struct allowedips_owner owner[N_PEERS];
static char peer_tag[N_PEERS];
static bool no_memory;

void *__real_pool_alloc(struct pool *p, size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_pool_alloc(struct pool *p, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_urcu_qsbr_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void *__wrap_pool_alloc(struct pool *p, size_t size)
{
	return no_memory ? NULL : __real_pool_alloc(p, size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

void __wrap_urcu_qsbr_call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	func(head);
}

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_allowedips: %s\n", what);
	abort();
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned int n)
{
	unsigned int rest = n % 8;

	if (memcmp(a, b, n / 8))
		return false;
	return !rest || !((a[n / 8] ^ b[n / 8]) >> (8 - rest));
}

static struct entry *oracle_find(int family, const uint8_t *addr, unsigned int cidr)
{
	for (unsigned int i = 0; i < n_entries; i++)
		if (entry[i].family == family && entry[i].cidr == cidr &&
		    same_bits(entry[i].addr, addr, cidr))
			return &entry[i];
	return NULL;
}

static const void *oracle_lookup(int family, const uint8_t *addr)
{
	const struct entry *best = NULL;

	for (unsigned int i = 0; i < n_entries; i++)
		if (entry[i].family == family && same_bits(entry[i].addr, addr, entry[i].cidr) &&
		    (!best || entry[i].cidr > best->cidr))
			best = &entry[i];
	return best ? &peer_tag[best->peer] : NULL;
}

static void op_insert(struct allowedips *t, int family, const uint8_t *addr, unsigned int cidr,
		      unsigned int peer)
{
	struct entry *e = oracle_find(family, addr, cidr);
	int rc;

	if (!e && n_entries == N_ORACLE)
		return;
	rc = allowedips_insert(t, family, addr, cidr, &peer_tag[peer], &owner[peer]);
	if (cidr > (family == AF_INET ? 32 : 128)) {
		check(rc == -EINVAL, "a length too long was taken");
		return;
	}
	if (!e && no_memory) {
		check(rc == -ENOMEM, "insert without memory");
		return;
	}
	check(rc == 0, "insert failed");
	if (!e) {
		e = &entry[n_entries++];
		e->family = family;
		e->cidr = cidr;
		memcpy(e->addr, addr, 16);
	}
	e->peer = peer;
}

static void op_remove(struct allowedips *t, int family, const uint8_t *addr, unsigned int cidr,
		      unsigned int peer)
{
	struct entry *e = oracle_find(family, addr, cidr);
	int rc = allowedips_remove(t, family, addr, cidr, &owner[peer]);

	if (!e || e->peer != peer) {
		check(rc == -ENOENT, "removed what is not there");
		return;
	}
	check(rc == 0, "remove failed");
	*e = entry[--n_entries];
}

static void op_remove_owner(struct allowedips *t, unsigned int peer)
{
	unsigned int kept = 0;

	allowedips_remove_owner(t, &owner[peer]);
	check(owner[peer].n == 0 && cds_list_empty(&owner[peer].prefixes), "owner not empty");
	for (unsigned int i = 0; i < n_entries; i++)
		if (entry[i].peer != peer)
			entry[kept++] = entry[i];
	n_entries = kept;
}

/* Both families' last addresses, twice in a row and by turns, at once. */
static void check_bulk(const struct allowedips *t, uint8_t last[2][16])
{
	struct allowedips_query q[5];

	for (int i = 0; i < 5; i++) {
		bool is6 = i == 1 || i == 2;

		q[i] = (struct allowedips_query){ .addr = last[is6], .is6 = is6, .peer = entry };
	}
	allowedips_lookup_bulk(t, q, 5);
	for (int i = 0; i < 5; i++)
		check(q[i].peer == oracle_lookup(q[i].is6 ? AF_INET6 : AF_INET, q[i].addr), "wrong bulk lookup");
}

static void op_run(struct allowedips *t, const uint8_t op[4], uint8_t last[2][16])
{
	int family = op[0] & OP_FAMILY ? AF_INET6 : AF_INET;
	unsigned int len = family == AF_INET ? 4 : 16, peer = (op[0] & OP_PEER) >> 4;
	uint8_t *addr = last[family == AF_INET6];

	addr[op[2] % len] = op[3];
	no_memory = op[0] & OP_NO_MEMORY;
	switch (op[0] & OP_WHAT) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6:
		op_insert(t, family, addr, op[1], peer);
		break;
	case 7: case 8: case 9: case 10:
		op_remove(t, family, addr, op[1], peer);
		break;
	case 11:
		op_remove_owner(t, peer);
		break;
	default:
		break;
	}
	no_memory = false;
	check(oracle_lookup(family, addr) == (family == AF_INET ? allowedips_lookup4(t, addr) :
					      allowedips_lookup6(t, addr)), "wrong lookup");
	check_bulk(t, last);
	check(allowedips_count(t) == n_entries, "wrong count");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool registered;
	uint8_t last[2][16] = { { 0 } };
	struct allowedips *t;
	size_t empty;

	if (!registered)
		rcu_register_thread();
	registered = true;
	t = allowedips_create();
	check(t, "no memory");
	empty = allowedips_memory(t);
	n_entries = 0;
	for (int i = 0; i < N_PEERS; i++)
		allowedips_owner_init(&owner[i]);

	for (; size >= 4; data += 4, size -= 4)
		op_run(t, data, last);

	for (unsigned int i = size % (N_PEERS + 1); i > 0; i--)	/* others: allowedips_destroy() */
		op_remove_owner(t, i - 1);
	if (!n_entries)
		check(allowedips_memory(t) == empty, "memory left");
	allowedips_destroy(t);
	for (int i = 0; i < N_PEERS; i++)
		check(owner[i].n == 0 && cds_list_empty(&owner[i].prefixes), "owner not emptied");
	return 0;
}
