/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What flows: mbufs, see traffic.h. Source and sink are called by the data core's thread; everything else by it
 * or, before it starts and after it has ended, by the control thread.
 *
 * A packet: an IPv4 header between the peer's address and one of ours, a number, and bytes that follow from the
 * number in a run where whole packets are looked at.
 */
#include "traffic.h"

#include <assert.h>
#include <endian.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

/* A packet's first bytes, all within a cache line. */
struct head {
	struct iphdr ip;
	uint64_t number;
} __attribute__((packed));

enum { ORDER_MIN = 4096, OPS = 64 };

static uint32_t random_below(uint64_t *state, uint32_t n)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % n;
}

/* Shuffled rounds of all peers: no peer comes twice before all others have come, or nearly. */
static void order_fill(struct traffic *t)
{
	const unsigned int n = t->far->n;
	uint64_t state = 42;

	for (unsigned int first = 0; first < t->n_order; first += n) {
		uint32_t *round = t->order + first;

		for (unsigned int i = 0; i < n; i++) {
			unsigned int k = random_below(&state, i + 1);

			round[i] = round[k];
			round[k] = i;
		}
	}
}

static uint64_t *numbers(unsigned int n)
{
	uint64_t *v = calloc(n, sizeof(*v));

	if (!v)
		bench_fail("no memory for the numbers of %u peers", n);
	return v;
}

void traffic_init(struct traffic *t, enum traffic_direction direction, uint32_t size, uint32_t mtu, struct far_side *far,
		  struct rte_mbuf **m, unsigned int n_slots)
{
	assert(n_slots <= TRAFFIC_SLOTS_MAX && (n_slots & (n_slots - 1)) == 0 && (size == IMIX || size >= sizeof(struct head)));
	memset(t, 0, sizeof(*t));
	t->direction = direction;
	t->size = size;
	t->mtu = mtu;
	t->far = far;
	t->n_slots = n_slots;
	t->n_order = (ORDER_MIN + far->n - 1) / far->n * far->n;
	t->order = malloc(t->n_order * sizeof(t->order[0]));
	if (!t->order)
		bench_fail("no memory for the order of %u peers", far->n);
	order_fill(t);
	t->expected = numbers(far->n);
	t->last = numbers(far->n);
	for (unsigned int i = 0; i < n_slots; i++) {
		t->slot[i].m = m[i];
		t->slot[i].data = (uint8_t *)m[i]->buf_addr + PKT_HEADROOM;	/* the mbuf need not be read for it */
		m[i]->hash.usr = i;	/* the data path has no use for it */
		t->free[i] = i;
	}
}

void traffic_fini(struct traffic *t)
{
	free(t->order);
	free(t->expected);
	free(t->last);
}

uint32_t traffic_padded(const struct traffic *t, uint32_t len)
{
	uint32_t padded = (len + WG_PADDING - 1) / WG_PADDING * WG_PADDING;

	return padded <= t->mtu ? padded : len > t->mtu ? len : t->mtu;
}

/* The slot that is handed out k-th from now. */
static struct slot *slot_at(struct traffic *t, uint64_t k)
{
	return &t->slot[t->free[(t->in + k) & (t->n_slots - 1)]];
}

/* Which packet that slot carries next. */
static void slot_assign(struct traffic *t, struct slot *s, uint64_t k)
{
	s->peer = t->order[t->next];
	t->next = t->next + 1 < t->n_order ? t->next + 1 : 0;
	s->len = imix_size(t->size, t->in + k);
}

static void mbuf_reset(struct rte_mbuf *m, uint32_t len)
{
	m->data_off = PKT_HEADROOM;
	m->data_len = len;
	m->pkt_len = len;
}

static uint8_t pattern(uint64_t number, uint32_t at)
{
	return number * 31 + at;
}

/* The packet of s, at `data`. */
static void packet_write(const struct traffic *t, const struct slot *s, uint8_t *data)
{
	struct head *h = (struct head *)data;

	h->ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htobe16(s->len), .ttl = 64, .protocol = IPPROTO_UDP };
	if (t->direction == TRAFFIC_SEAL)
		h->ip.daddr = far_side_address(s->peer);
	else
		h->ip.saddr = far_side_address(s->peer);
	h->number = s->number;
	for (uint32_t k = sizeof(*h); t->whole && k < s->len; k++)
		data[k] = pattern(s->number, k);
}

/* Whether `data` is what packet_write has written for s. */
static bool packet_same(const struct traffic *t, const struct slot *s, const uint8_t *data)
{
	const struct head *h = (const struct head *)data;
	uint32_t address = t->direction == TRAFFIC_SEAL ? h->ip.daddr : h->ip.saddr;
	bool same = h->number == s->number && address == far_side_address(s->peer) && h->ip.version == 4 && h->ip.ihl == 5 &&
		    h->ip.tot_len == htobe16(s->len) && h->ip.tos == 0;

	for (uint32_t k = sizeof(*h); same && t->whole && k < s->len; k++)
		same = data[k] == pattern(s->number, k);
	return same;
}

static uint16_t source_plain(struct traffic *t, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct slot *s = slot_at(t, i);

		slot_assign(t, s, i);
		s->number = t->in + i;
		m[i] = s->m;
		mbuf_reset(s->m, s->len);
		packet_write(t, s, s->data);
	}
	t->in += n;
	return n;
}

static uint16_t source_sealed(struct traffic *t, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		m[i] = slot_at(t, i)->m;
	t->in += n;
	return n;
}

uint16_t traffic_source(struct traffic *t, struct rte_mbuf **m, uint16_t n)
{
	uint64_t idle = t->direction == TRAFFIC_SEAL ? t->n_slots - (t->in - t->out) : t->sealed - t->in;

	if (n > idle)
		n = idle;
	return t->direction == TRAFFIC_SEAL ? source_plain(t, m, n) : source_sealed(t, m, n);
}

/* What of a sealed packet can be seen without a key; NULL: all right. */
static const char *message_check(struct traffic *t, const struct slot *s, const struct rte_mbuf *m)
{
	const struct wg_data *d = rte_pktmbuf_mtod(m, const struct wg_data *);

	if (m->data_len != sizeof(*d) + traffic_padded(t, s->len) + WG_TAG_LEN || m->pkt_len != m->data_len)
		return "a message has another length";
	if (d->type != htole32(WG_DATA))
		return "a message is of another type";
	if (d->receiver != htole32(FAR_SIDE_INDEX + s->peer))
		return "a message goes to another peer";
	if (d->counter != htole64(t->expected[s->peer]))
		return "a message's counter does not follow the last one of its session";
	t->expected[s->peer]++;
	return NULL;
}

/* Opens it and looks inside. */
static const char *message_open(struct traffic *t, const struct slot *s)
{
	uint32_t padded = traffic_padded(t, s->len);
	const uint8_t *data;

	if (!far_side_open(t->far, s->m, s->peer))
		return "a message is not authentic";
	data = rte_pktmbuf_mtod(s->m, const uint8_t *);
	if (!packet_same(t, s, data))
		return "a message does not hold its packet";
	for (uint32_t k = s->len; k < padded; k++)
		if (data[k])
			return "padding is not zeros";
	if (s->number < t->last[s->peer])
		return "a peer's messages do not have the order of its packets";
	t->last[s->peer] = s->number + 1;
	return NULL;
}

static const char *packet_check(struct traffic *t, const struct slot *s, const struct rte_mbuf *m)
{
	if (m->data_len != s->len || m->pkt_len != s->len)
		return "a packet has another length";
	if (!packet_same(t, s, rte_pktmbuf_mtod(m, const uint8_t *)))
		return "a packet is not what was sealed";
	if (s->number != t->expected[s->peer])
		return "a packet's number does not follow its peer's last one";
	t->expected[s->peer]++;
	return NULL;
}

void traffic_sink(struct traffic *t, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		uint32_t at = m[i]->hash.usr;
		const struct slot *s = &t->slot[at];
		const char *error;

		if (at >= t->n_slots || s->m != m[i] || t->out >= t->in) {
			t->error = "a packet came back that was not sent";
			return;
		}
		error = t->direction == TRAFFIC_OPEN ? packet_check(t, s, m[i]) : message_check(t, s, m[i]);
		if (!error && t->whole && t->direction == TRAFFIC_SEAL)
			error = message_open(t, s);
		if (error)
			t->error = error;
		t->free[t->out++ & (t->n_slots - 1)] = at;
	}
}

static void sealed_fill(struct traffic *t, struct slot *s, bool advance, struct aead_op *op)
{
	const struct rewrite *way = &t->far->peer[s->peer].way;
	uint32_t padded = traffic_padded(t, s->len);
	uint8_t *data;

	mbuf_reset(s->m, sizeof(struct wg_data) + padded + WG_TAG_LEN);
	pkt_of(s->m)->ep = way->ep;
	pkt_of(s->m)->ds = 0;
	data = s->data + sizeof(struct wg_data);
	s->number = t->far->counter[s->peer];
	packet_write(t, s, data);
	memset(data + s->len, 0, padded - s->len);
	far_side_message(t->far, s->m, s->peer, padded, advance, op);
}

/* Seals a packet in each slot. */
static void seal_all(struct traffic *t, bool advance)
{
	struct aead_op ops[OPS];

	assert(t->in == t->out);
	for (unsigned int first = 0; first < t->n_slots; first += OPS) {
		for (unsigned int i = 0; i < OPS; i++) {
			struct slot *s = slot_at(t, first + i);

			slot_assign(t, s, first + i);
			sealed_fill(t, s, advance, &ops[i]);
		}
		far_side_seal(t->far, ops, OPS);
	}
}

void traffic_seal_ahead(struct traffic *t)
{
	seal_all(t, true);
	t->sealed = t->in + t->n_slots;
}

void traffic_ops(struct traffic *t, struct aead_op *ops)
{
	unsigned int next = t->next;

	if (t->direction == TRAFFIC_OPEN)
		seal_all(t, false);
	t->next = next;
	for (unsigned int i = 0; i < t->n_slots; i++) {
		struct slot *s = slot_at(t, i);
		const struct session *session;

		slot_assign(t, s, i);
		session = t->far->peer[s->peer].session;
		ops[i] = (struct aead_op){
			.key = t->direction == TRAFFIC_SEAL ? session->send_key : session->receive_key,
			.counter = t->direction == TRAFFIC_SEAL ? i : t->far->counter[s->peer],
			.data = t->direction == TRAFFIC_SEAL ? s->data : s->data + sizeof(struct wg_data),
			.len = traffic_padded(t, s->len),
		};
	}
	t->next = next;
}
