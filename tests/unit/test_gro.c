/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bursts merged into super-packets. Whatever is merged is cut again (gso.h, which test_gso.c holds against a plain implementation), and has
 * to be the packets that went in, in order within each flow (merge_and_cut); on top of that come tables of what is merged and what is not.
 */
#include <criterion/criterion.h>
#include <stdio.h>

#include "offload_oracle.h"

enum { N = GRO_BURST, SIZE = 500 };

static const struct spec tcp4 = { .ttl = 64, .flags = ACK, .window = 500, .address = 0x0a000001, .id = 0xfffe, .seq = 0xfffffe00, .payload = SIZE };

struct burst {
	struct iovec packet[N];
	unsigned int n, state;
};

static uint8_t *add(struct burst *b, const struct spec *s)
{
	struct iovec *v = &b->packet[b->n++];

	v->iov_len = spec_len(s);
	v->iov_base = malloc(v->iov_len);
	spec_build(s, v->iov_base, &b->state);
	return v->iov_base;
}

/* The same flow's next packet. */
static void step(struct spec *s)
{
	s->seq += s->udp ? 0 : s->payload;
	s->id++;
}

/* Ends the burst. The sizes of what is written have to be those in `want`, as in "3 1". NULL: any. */
static void expect(struct burst *b, const char *want, bool udp, const char *name)
{
	char got[4 * N + 1] = "";
	struct merged merged;
	const char *wrong = merge_and_cut(b->packet, b->n, udp, &merged);

	cr_assert(wrong == NULL, "%s: %s", name, wrong);
	for (unsigned int i = 0; i < merged.n; i++)
		sprintf(got + strlen(got), i ? " %u" : "%u", merged.size[i]);
	cr_expect(!want || strcmp(got, want) == 0, "%s: %s instead of %s", name, got, want);
	for (unsigned int i = 0; i < b->n; i++)
		free(b->packet[i].iov_base);
	memset(b, 0, sizeof(*b));
}

Test(gro, whole_bursts)
{
	struct burst b = { .n = 0 };

	expect(&b, "", true, "nothing");
	for (unsigned int i = 0; i < 16; i++) {
		struct spec s = tcp4;

		s.v6 = i & 1;
		s.udp = i & 2;
		s.no_df = i & 4;
		s.tcp_options = i & 8 ? 12 : 0;
		s.tos = 0xb9;
		s.label = 0xabcde;
		for (unsigned int k = 0; k < N; k++, step(&s))
			add(&b, &s);
		expect(&b, "64", true, "one flow");

		for (unsigned int k = 0; k < N; k++, step(&s)) {
			s.payload = k == N - 1 ? 1 : 1368;
			add(&b, &s);
		}
		expect(&b, "47 17", true, "more than 64 KiB");
	}
}

/* Flows that take turns are merged each for itself. */
Test(gro, interleaved)
{
	struct burst b = { .n = 0 };
	struct spec s[4] = { tcp4, tcp4, tcp4, tcp4 };

	s[1].sport = 1;
	s[2].udp = true;
	s[3].v6 = true;
	for (unsigned int k = 0; k < N; k++) {
		add(&b, &s[k % 4]);
		step(&s[k % 4]);
	}
	expect(&b, "16 16 16 16", true, "four flows");
	for (unsigned int k = 0; k < N; k++) {
		s[0].address = 0x0a000001 + k / 2 * 0x01010101;
		add(&b, &s[0]);
		step(&s[0]);
	}
	expect(&b, "2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2 2", true, "many flows");
}

/* A flow whose super-packet has ended is in no other's way, wherever it was among them. */
Test(gro, one_flow_ends)
{
	struct burst b = { .n = 0 };

	for (unsigned int ends = 0; ends < 3; ends++) {
		struct spec s[3] = { tcp4, tcp4, tcp4 };

		s[1].sport = 1;
		s[2].v6 = true;
		for (unsigned int k = 0; k < 12; k++) {
			s[k % 3].flags = k == 3 + ends ? ACK | PSH : ACK;
			add(&b, &s[k % 3]);
			step(&s[k % 3]);
		}
		expect(&b, ends == 0 ? "2 4 4 2" : ends == 1 ? "4 2 4 2" : "4 4 2 2", true, "one ends");
	}
}

enum what {
	NEW_TOS, NEW_TTL, NEW_LABEL, NEW_NO_DF, NEW_FLAGS, NEW_ACKED, NEW_WINDOW, NEW_URGENT, NEW_RESERVED, NEW_OPTIONS, NEW_OPTION_FILL,
	NEW_SEQ_GAP, NEW_SEQ_BACK, NEW_ID_GAP, NEW_ID_STAYS, NEW_PAYLOAD, NEW_SPORT, NEW_ADDRESS, NEW_IP_OPTIONS, NEW_EXTENSION,
	NEW_FRAGMENT, NEW_MORE_FRAGMENTS, NEW_NO_CHECKSUM, BAD_L4, BAD_IP, BAD_DATA, BAD_LENGTH, L4_FFFF, L4_ZERO,
	TRAILER,
	CHANGES,
};

/* What a change makes of a packet, before it is built and after. */
static void change(struct spec *s, enum what what, uint32_t value)
{
	switch (what) {
	case NEW_TOS: s->tos ^= value; break;
	case NEW_TTL: s->ttl ^= value; break;
	case NEW_LABEL: s->label ^= value; break;
	case NEW_NO_DF: s->no_df ^= true; break;
	case NEW_FLAGS: s->flags ^= value; break;
	case NEW_ACKED: s->ack += value; break;
	case NEW_WINDOW: s->window += value; break;
	case NEW_URGENT: s->urgent += value; break;
	case NEW_RESERVED: s->reserved ^= value; break;
	case NEW_OPTIONS: s->tcp_options = value; break;
	case NEW_OPTION_FILL: s->option_fill ^= value; break;
	case NEW_SEQ_GAP: s->seq += value; break;
	case NEW_SEQ_BACK: s->seq -= value; break;
	case NEW_ID_GAP: s->id += value; break;
	case NEW_ID_STAYS: s->id--; break;
	case NEW_PAYLOAD: s->payload = value; break;
	case NEW_SPORT: s->sport ^= value; break;
	case NEW_ADDRESS: s->address ^= value; break;
	case NEW_IP_OPTIONS: s->ip_options = value; break;
	case NEW_EXTENSION: s->extension = value; break;
	case NEW_FRAGMENT: s->fragment = value; break;
	case NEW_MORE_FRAGMENTS: s->more_fragments = true; break;
	case NEW_NO_CHECKSUM: s->no_checksum = true; break;
	default: break;
	}
}

static void damage(struct iovec *v, const struct spec *s, enum what what, uint32_t value)
{
	uint8_t *p = v->iov_base, *check = p + spec_l4(s) + (s->udp ? 6 : 16);

	switch (what) {
	case BAD_L4:
		put16(check, get16(check) ^ value);
		break;
	case BAD_IP:
		p[s->v6 ? 5 : 10] ^= value;	/* IPv6: no checksum, but a length */
		break;
	case BAD_DATA:
		p[v->iov_len - 1] ^= value;
		break;
	case BAD_LENGTH:	/* UDP's own, with the right checksum */
		if (!s->udp)
			break;
		put16(p + spec_l4(s) + 4, 8 + s->payload - value);
		put16(check, naive_fold(get16(check) + value));
		break;
	case L4_FFFF:		/* another way to write 0 */
	case L4_ZERO:
		if (s->payload < 2 || s->payload % 2)
			break;
		put16(p + v->iov_len - 2, naive_fold(get16(p + v->iov_len - 2) + get16(check)));
		put16(check, what == L4_ZERO ? 0 : 0xffff);
		break;
	case TRAILER:
		v->iov_base = realloc(p, ++v->iov_len);
		((uint8_t *)v->iov_base)[v->iov_len - 1] = 0;
		break;
	default:
		break;
	}
}

/* Six packets of one flow; the third is different. */
struct row {
	const char *name, *want;
	struct spec base;	/* what is not 0 in here is changed in all packets: udp, v6, no_df, tcp_options */
	enum what what;
	uint32_t value;
	bool stays;		/* so are those that follow */
};

static const struct row rows[] = {
	{ "NEW_TOS", "2 1 3", { 0 }, NEW_TOS, 4, false },
	{ "ECN", "2 1 3", { 0 }, NEW_TOS, 3, false },
	{ "ECN, from there on", "2 4", { 0 }, NEW_TOS, 3, true },
	{ "traffic class", "2 1 3", { .v6 = true }, NEW_TOS, 3, false },
	{ "NEW_TTL", "2 1 3", { 0 }, NEW_TTL, 1, false },
	{ "hop limit", "2 1 3", { .v6 = true }, NEW_TTL, 1, false },
	{ "flow label", "2 1 3", { .v6 = true }, NEW_LABEL, 1, false },
	{ "DF", "2 1 3", { 0 }, NEW_NO_DF, 0, false },
	{ "FIN", "3 3", { 0 }, NEW_FLAGS, FIN, false },
	{ "PSH", "3 3", { 0 }, NEW_FLAGS, PSH, false },
	{ "PSH and FIN", "3 3", { .v6 = true }, NEW_FLAGS, PSH | FIN, false },
	{ "PSH on all that follow", "3 1 1 1", { 0 }, NEW_FLAGS, PSH, true },
	{ "SYN", "2 1 3", { 0 }, NEW_FLAGS, SYN, false },
	{ "RST", "2 1 3", { 0 }, NEW_FLAGS, RST, false },
	{ "SYN on all that follow", "2 1 1 1 1", { 0 }, NEW_FLAGS, SYN, true },
	{ "RST on all that follow", "2 1 1 1 1", { 0 }, NEW_FLAGS, RST, true },
	{ "URG on all that follow", "2 1 1 1 1", { 0 }, NEW_FLAGS, URG, true },
	{ "URG", "2 1 3", { 0 }, NEW_FLAGS, URG, false },
	{ "CWR", "2 1 3", { 0 }, NEW_FLAGS, CWR, false },
	{ "CWR on all that follow", "2 1 1 1 1", { 0 }, NEW_FLAGS, CWR, true },
	{ "no ACK", "2 1 3", { 0 }, NEW_FLAGS, ACK, false },
	{ "ECE", "2 1 3", { 0 }, NEW_FLAGS, ECE, false },
	{ "ECE on all that follow", "2 4", { 0 }, NEW_FLAGS, ECE, true },
	{ "AE", "2 1 3", { 0 }, NEW_RESERVED, 1, false },
	{ "acknowledgement", "2 1 3", { 0 }, NEW_ACKED, 1, false },
	{ "acknowledgement, from there on", "2 4", { 0 }, NEW_ACKED, 1, true },
	{ "window", "2 1 3", { 0 }, NEW_WINDOW, 1, false },
	{ "urgent pointer", "2 1 3", { 0 }, NEW_URGENT, 1, false },
	{ "options' length", "2 1 3", { 0 }, NEW_OPTIONS, 12, false },
	{ "options", "2 1 3", { .tcp_options = 12 }, NEW_OPTION_FILL, 1, false },
	{ "a gap", "2 1 3", { 0 }, NEW_SEQ_GAP, SIZE, false },
	{ "a gap, and on from there", "2 4", { 0 }, NEW_SEQ_GAP, 1, true },
	{ "an old one", "2 1 3", { 0 }, NEW_SEQ_BACK, SIZE, false },
	{ "identification jumps", "2 4", { 0 }, NEW_ID_GAP, 7, true },
	{ "identification of one", "2 1 3", { 0 }, NEW_ID_GAP, 7, false },
	{ "IPv6 has no identification", "6", { .v6 = true }, NEW_ID_GAP, 7, true },
	{ "identification stands once", "2 4", { .no_df = true }, NEW_ID_STAYS, 0, true },
	{ "shorter", "3 3", { 0 }, NEW_PAYLOAD, 100, false },
	{ "shorter datagram", "3 3", { .udp = true }, NEW_PAYLOAD, 1, false },
	{ "longer", "2 2 2", { 0 }, NEW_PAYLOAD, SIZE + 1, false },
	{ "longer, from there on", "2 4", { 0 }, NEW_PAYLOAD, SIZE + 1, true },
	{ "no payload", "2 1 3", { 0 }, NEW_PAYLOAD, 0, false },
	{ "empty datagram", "2 1 3", { .udp = true, .v6 = true }, NEW_PAYLOAD, 0, false },
	{ "other port", "5 1", { .udp = true, .v6 = true }, NEW_SPORT, 1, false },
	{ "other address", "5 1", { .udp = true, .v6 = true }, NEW_ADDRESS, 1, false },
	{ "IPv4 options", "2 1 3", { 0 }, NEW_IP_OPTIONS, 4, false },
	{ "extension header", "2 1 3", { .v6 = true }, NEW_EXTENSION, 8, false },
	{ "fragment", "2 1 3", { 0 }, NEW_FRAGMENT, 100, false },
	{ "first fragment", "2 1 3", { .no_df = true }, NEW_MORE_FRAGMENTS, 0, false },
	{ "UDP without checksum", "2 1 3", { .udp = true }, NEW_NO_CHECKSUM, 0, false },
	{ "wrong TCP checksum", "2 1 3", { 0 }, BAD_L4, 0x0100, false },
	{ "wrong TCP checksum, IPv6", "2 1 3", { .v6 = true }, BAD_L4, 1, false },
	{ "wrong UDP checksum", "2 1 3", { .udp = true }, BAD_L4, 1, false },
	{ "wrong byte", "2 1 3", { .udp = true, .v6 = true }, BAD_DATA, 1, false },
	{ "wrong IPv4 checksum", "2 1 3", { 0 }, BAD_IP, 1, false },
	{ "all wrong from there on", "2 1 1 1 1", { 0 }, BAD_DATA, 1, true },
	{ "checksum 0xffff", "2 1 3", { 0 }, L4_FFFF, 0, false },
	{ "checksum 0xffff is UDP's own", "6", { .udp = true }, L4_FFFF, 0, false },
	{ "checksum 0 is right", "6", { 0 }, L4_ZERO, 0, false },
	{ "UDP without checksum, which would be 0", "2 1 3", { .udp = true }, L4_ZERO, 0, false },
	{ "UDP's length", "2 1 3", { .udp = true }, BAD_LENGTH, 1, false },
	{ "UDP's length, IPv6", "2 1 3", { .udp = true, .v6 = true }, BAD_LENGTH, 2, false },
	{ "a byte behind the packet", "2 1 3", { 0 }, TRAILER, 0, false },
};

static void run_row(const struct row *r)
{
	struct burst b = { .state = 1 };
	struct spec s = tcp4;

	s.v6 = r->base.v6;
	s.udp = r->base.udp;
	s.no_df = r->base.no_df;
	s.tcp_options = r->base.tcp_options;
	for (unsigned int k = 0; k < 6; k++) {
		struct spec this = s;

		if (k == 2 || (k > 2 && r->stays && r->what >= BAD_L4))
			change(&this, r->what, r->value);
		if (k == 2 && r->stays)
			s = this;
		add(&b, &this);
		if (k == 2 || (k > 2 && r->stays))
			damage(&b.packet[b.n - 1], &this, r->what, r->value);
		/* Those behind go on from the packet that came, if it is longer or shorter. */
		s.seq += s.udp ? 0 : this.payload;
		s.id++;
	}
	expect(&b, r->want, true, r->name);
}

Test(gro, one_difference)
{
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		run_row(&rows[i]);
}

/* Where DF makes an identification meaningless, it may stand still, from the first packet to the last. */
Test(gro, identification_that_stands)
{
	struct burst b = { .n = 0 };
	struct spec s = tcp4;

	for (unsigned int i = 0; i < 8; i++, s.seq += s.payload)
		add(&b, &s);
	expect(&b, "8", true, "DF");
	s.no_df = true;
	for (unsigned int i = 0; i < 8; i++, s.seq += s.payload)
		add(&b, &s);
	expect(&b, "1 1 1 1 1 1 1 1", true, "no DF");
	s.no_df = false;
	for (unsigned int i = 0; i < 8; i++, s.seq += s.payload) {
		s.id += i >= 4;
		add(&b, &s);
	}
	expect(&b, "4 4", true, "stands, then counts");
	for (unsigned int i = 0; i < 8; i++, s.seq += s.payload) {
		s.id += i < 4;
		add(&b, &s);
	}
	expect(&b, "4 4", true, "counts, then stands");
}

/* 0xffff in IPv4's header says what 0 does; no sender writes it, and the host would not either. */
Test(gro, ipv4_checksum_ffff)
{
	struct burst b = { .n = 0 };
	struct spec s = tcp4;
	uint8_t *p;

	for (unsigned int fff = 0; fff < 2; fff++) {
		s.address = 0x0a000000;
		add(&b, &s);
		step(&s);
		p = add(&b, &s);
		/* The address of both makes up for the second's checksum. */
		s.address += get16(p + 10);
		free(b.packet[0].iov_base);
		free(p);
		b.n = 0;
		s.seq -= s.payload;
		s.id--;
		for (unsigned int i = 0; i < 3; i++, step(&s))
			p = add(&b, &s);
		p = b.packet[1].iov_base;
		cr_assert_eq(get16(p + 10), 0);
		if (fff)
			put16(p + 10, 0xffff);
		expect(&b, fff ? "1 1 1" : "3", true, "IPv4 checksum");
	}
}

struct hashed {
	uint32_t hash, seed;
};

static int by_hash(const void *a, const void *b)
{
	const struct hashed *p = a, *q = b;

	return p->hash < q->hash ? -1 : p->hash > q->hash;
}

/* The flow that comes of a seed. */
static struct spec seeded(uint32_t seed)
{
	struct spec s = tcp4;

	s.v6 = seed & 1;
	s.udp = seed & 2;
	s.address = seed * 0x9e3779b1;
	s.sport = seed >> 3;
	s.payload = 2;
	return s;
}

/* Flows whose hashes are the same by chance are told apart. */
Test(gro, flows_with_one_hash)
{
	enum { FLOWS_N = 1 << 18 };
	struct hashed *h = calloc(FLOWS_N, sizeof(*h));
	struct burst b = { .n = 0 };
	unsigned int pairs = 0;
	struct gro g;

	for (uint32_t i = 0; i < FLOWS_N; i++) {
		const struct spec s = seeded(i);

		add(&b, &s);
		gro_burst(&g, b.packet, 1, true);
		free(b.packet[0].iov_base);
		b.n = 0;
		h[i] = (struct hashed){ g.packet[0].hash, i };
	}
	qsort(h, FLOWS_N, sizeof(*h), by_hash);
	for (uint32_t i = 1; i < FLOWS_N; i++) {
		struct spec s[2] = { seeded(h[i - 1].seed), seeded(h[i].seed) };

		if (h[i - 1].hash != h[i].hash)
			continue;
		pairs++;
		for (unsigned int k = 0; k < 6; k++) {
			add(&b, &s[k % 2]);
			step(&s[k % 2]);
		}
		expect(&b, "3 3", true, "one hash");
	}
	cr_expect(pairs > 0);
	free(h);
}

Test(gro, udp_is_optional)
{
	struct burst b = { .n = 0 };
	struct spec s = tcp4, t = tcp4;

	s.udp = true;
	for (unsigned int i = 0; i < 4; i++, step(&s), step(&t)) {
		add(&b, &s);
		add(&b, &t);
	}
	expect(&b, "1 4 1 1 1", false, "a kernel without");
}

/* What is in no flow is in no flow's way; what may be in any stops all. */
Test(gro, in_between)
{
	static const struct { uint8_t v4, v6; const char *want; } between[] = {
		{ IPPROTO_ICMP, IPPROTO_ICMPV6, "4 1 1 1" }, { IPPROTO_ESP, IPPROTO_ICMPV6, "4 1 1 1" },
	};
	struct burst b = { .n = 0 };
	struct spec s = tcp4;

	for (unsigned int k = 0; k < 2; k++)
		for (unsigned int v6 = 0; v6 < 2; v6++) {
			for (unsigned int i = 0; i < 4; i++, step(&s)) {
				s.v6 = false;
				add(&b, &s);
				s.v6 = v6;
				if (i < 3)
					add(&b, &s)[v6 ? 6 : 9] = v6 ? between[k].v6 : between[k].v4;
			}
			expect(&b, between[k].want, true, "in between");
		}
	for (unsigned int i = 0; i < 4; i++, step(&s)) {
		s.v6 = false;
		add(&b, &s);
		s.v6 = true;
		add(&b, &s)[6] = IPPROTO_FRAGMENT;
	}
	expect(&b, "1 1 1 1 1 1 1 1", true, "fragments in between");
	for (unsigned int i = 0; i < 3; i++)
		add(&b, &tcp4)[0] = i;
	expect(&b, "1 1 1", true, "not IP");
}

/* Every cut of a packet: nothing past its end is read (AddressSanitizer), and what is no whole packet stays alone. */
Test(gro, cut_off)
{
	struct burst b = { .n = 0 };

	for (unsigned int kind = 0; kind < 4; kind++) {
		struct spec s = tcp4;

		s.v6 = kind & 1;
		s.udp = kind & 2;
		for (size_t len = 0; len < spec_header(&s); len++)
			for (unsigned int fix = 0; fix < 2; fix++) {
				for (unsigned int i = 0; i < 3; i++) {
					uint8_t *p = add(&b, &s);

					if (fix && len >= 4)
						put16(p + (s.v6 ? 4 : 2), s.v6 ? len - 40 : len);
					b.packet[i].iov_base = realloc(p, len + !len);
					b.packet[i].iov_len = len;
				}
				expect(&b, "1 1 1", true, "cut off");
			}
	}
}

enum { FLOWS = 5 };

static uint32_t any(unsigned int *state, uint32_t n)
{
	return (rand_r(state) >> 4) % n;
}

static void random_flows(struct spec s[FLOWS], unsigned int *state)
{
	for (unsigned int i = 0; i < FLOWS; i++) {
		s[i] = tcp4;
		s[i].v6 = any(state, 2);
		s[i].udp = any(state, 3) == 0;
		s[i].no_df = any(state, 3) == 0;
		s[i].sport = any(state, 3);
		s[i].seq = rand_r(state) * 3u;
		s[i].id = any(state, 65536);
		s[i].tcp_options = any(state, 2) * 12;
		s[i].payload = any(state, 3) ? 1 + any(state, 1400) : 1 + any(state, 5);
	}
}

/* One packet of one of the flows: mostly the next one, or one with something wrong, that stays or passes. */
static void random_packet(struct burst *b, struct spec *s, unsigned int *state)
{
	const bool defect = any(state, 6) == 0, stays = any(state, 2);
	const enum what what = any(state, CHANGES);
	const uint32_t value = what == NEW_FLAGS ? 1u << any(state, 8) : what == NEW_PAYLOAD ? any(state, 2 * s->payload + 2) :
		what == NEW_OPTIONS || what == NEW_IP_OPTIONS ? 4 + any(state, 4) * 4 : what == NEW_EXTENSION ? 8 : 1 + any(state, 3);
	struct spec this = *s;

	if (defect)
		change(&this, what, value);
	if (what == NEW_EXTENSION && !this.v6)
		this.extension = 0;
	add(b, &this);
	if (defect)
		damage(&b->packet[b->n - 1], &this, what, value);
	if (defect && stays && what != NEW_FRAGMENT && what != NEW_MORE_FRAGMENTS && what != NEW_IP_OPTIONS && what != NEW_EXTENSION)
		*s = this;
	s->seq += this.udp ? 0 : this.payload;
	s->id++;
}

Test(gro, by_chance, .timeout = 120)
{
	unsigned int state = 2026;
	struct burst b = { .n = 0 };
	struct spec s[FLOWS];
	char name[32];

	for (unsigned int round = 0; round < 4000; round++) {
		const unsigned int flows = 1 + any(&state, FLOWS), n = 1 + any(&state, N);
		unsigned int flow = 0;

		random_flows(s, &state);
		b.state = round;
		for (unsigned int i = 0; i < n; i++) {
			if (any(&state, 4) == 0)
				flow = any(&state, flows);
			random_packet(&b, &s[flow], &state);
		}
		/* Two of them change places. */
		if (any(&state, 3) == 0) {
			const unsigned int i = any(&state, n), k = any(&state, n);
			const struct iovec v = b.packet[i];

			b.packet[i] = b.packet[k];
			b.packet[k] = v;
		}
		snprintf(name, sizeof(name), "round %u", round);
		expect(&b, NULL, any(&state, 4), name);
	}
}
