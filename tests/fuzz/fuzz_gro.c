/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer: a burst of packets, merged and cut again, has to be what it was, in order within each flow. Since nothing is merged that
 * has a wrong checksum, the input says how a packet comes from the one before it: records of a byte (how), the length of what follows
 * (16 bits), and
 *
 *   0, 1   the packet; with 1 its lengths and checksums are made right
 *   2, 3   changes (16 bits: where, a byte: what to add) to the packet that follows the last one; made right after them, or before
 *
 * The first byte of all says whether UDP is merged.
 */
#include <stdio.h>

#include "offload_oracle.h"

enum { PACKET_MAX = 3000 };

struct input {
	const uint8_t *data;
	size_t left;
};

/* Where the transport header of TCP or UDP begins; 0: there is none. */
static size_t find_l4(const uint8_t *p, size_t len, uint8_t *protocol)
{
	const size_t l4 = len < 20 ? 0 : p[0] >> 4 == 4 ? (p[0] & 15) * 4 : p[0] >> 4 == 6 && len >= 40 ? 40 : 0;

	if (l4 < 20)
		return 0;
	*protocol = p[0] >> 4 == 4 ? p[9] : p[6];
	return (*protocol == IPPROTO_TCP && l4 + 20 <= len) || (*protocol == IPPROTO_UDP && l4 + 8 <= len) ? l4 : 0;
}

static void fix(uint8_t *p, size_t len)
{
	uint8_t protocol;
	const size_t l4 = find_l4(p, len, &protocol);

	if (l4)
		naive_fix(p, len, l4, protocol);
}

/* The packet becomes the one that follows it. */
static void follow(uint8_t *p, size_t len)
{
	uint8_t protocol;
	const size_t l4 = find_l4(p, len, &protocol);

	if (!l4)
		return;
	if (p[0] >> 4 == 4)
		put16(p + 4, get16(p + 4) + 1);
	if (protocol == IPPROTO_TCP)
		put32(p + l4 + 4, get32(p + l4 + 4) + len - l4 - (p[l4 + 12] >> 4) * 4);
	fix(p, len);
}

static void change(uint8_t *p, size_t len, const uint8_t *changes, size_t n)
{
	for (; n >= 3 && len; n -= 3, changes += 3)
		p[get16(changes) % len] += changes[2];
}

/* The next packet, `last` being the one before. False: there are no more. */
static bool next(struct input *in, const struct iovec *last, struct iovec *v)
{
	uint8_t how;
	size_t n;

	if (in->left < 3)
		return false;
	how = in->data[0] & 3;
	n = get16(in->data + 1);
	in->data += 3;
	in->left -= 3;
	if (n > in->left)
		n = in->left;
	if (how < 2 && n > PACKET_MAX)
		return false;
	v->iov_len = how < 2 ? n : last->iov_len;
	v->iov_base = malloc(v->iov_len + !v->iov_len);
	if (v->iov_len)
		memcpy(v->iov_base, how < 2 ? in->data : last->iov_base, v->iov_len);
	if (how >= 2) {
		follow(v->iov_base, v->iov_len);
		change(v->iov_base, v->iov_len, in->data, n);
	}
	if (how == 1 || how == 2)
		fix(v->iov_base, v->iov_len);
	in->data += n;
	in->left -= n;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data + 1, size - 1 };
	struct iovec packet[1 + GRO_BURST] = { { 0 } };
	unsigned int n = 0;
	const char *wrong;

	if (!size)
		return 0;
	while (n < GRO_BURST && next(&in, &packet[n], &packet[1 + n]))
		n++;
	wrong = merge_and_cut(packet + 1, n, data[0] & 1, NULL);
	if (wrong) {
		fprintf(stderr, "%s\n", wrong);
		abort();
	}
	for (unsigned int i = 0; i < n; i++)
		free(packet[1 + i].iov_base);
	return 0;
}
