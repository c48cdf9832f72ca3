/* SPDX-License-Identifier: BSD-3-Clause */
#include "remote.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void remote_init(struct remote_iface *i, const char *name)
{
	memset(i, 0, sizeof(*i));
	snprintf(i->name, sizeof(i->name), "%s", name);
}

void remote_fini(struct remote_iface *i)
{
	free(i->peers);
	free(i->prefixes);
	free(i->stats.core);
	memset(i, 0, sizeof(*i));
}

bool remote_number(const char *text, uint64_t max, uint64_t *n)
{
	uint64_t v = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		const unsigned int digit = (unsigned int)(*text - '0');

		if (digit > 9 || v > (max - digit) / 10)
			return false;
		v = v * 10 + digit;
	}
	*n = v;
	return true;
}

/* 0 to 15, or a number with higher bits for what is no digit. */
static uint32_t hex_digit(uint32_t c)
{
	const uint32_t number = c - '0', letter = (c | 32) - 'a';
	const uint32_t is_number = 0u - ((number - 10) >> 31 & ~number >> 31);
	const uint32_t is_letter = 0u - ((letter - 6) >> 31 & ~letter >> 31);

	return (is_number & number) | (is_letter & (letter + 10)) | (~(is_number | is_letter) & 256);
}

bool remote_hex_key(uint8_t key[CONF_KEY_LEN], const char *text)
{
	uint32_t bad = 0;

	if (strlen(text) != 2 * CONF_KEY_LEN)
		return false;
	for (size_t i = 0; i < CONF_KEY_LEN; i++) {
		const uint32_t high = hex_digit((unsigned char)text[2 * i]), low = hex_digit((unsigned char)text[2 * i + 1]);

		bad |= high | low;
		key[i] = (uint8_t)(high << 4 | low);
	}
	return bad < 16;
}

uint64_t remote_counter(const struct remote_counters *c, const char *name, unsigned int hint)
{
	if (hint < c->n && !strcmp(c->c[hint].name, name))
		return c->c[hint].value;
	for (unsigned int i = 0; i < c->n; i++)
		if (!strcmp(c->c[i].name, name))
			return c->c[i].value;
	return 0;
}

struct remote_packets remote_packets(const struct remote_stats *s)
{
	struct remote_packets sum = { 0 };

	for (unsigned int k = 0; k < s->n_cores; k++) {
		const struct remote_packets *p = &s->core[k].packets;

		sum.outer_rx += p->outer_rx;
		sum.outer_tx += p->outer_tx;
		sum.inner_rx += p->inner_rx;
		sum.inner_tx += p->inner_tx;
		sum.lan_rx += p->lan_rx;
		sum.lan_tx += p->lan_tx;
		sum.host_rx += p->host_rx;
		sum.host_tx += p->host_tx;
	}
	return sum;
}

double remote_core_load(const struct remote_core *c)
{
	double all = 0, rest = (double)remote_counter(&c->stages, "rest", 0);

	for (unsigned int i = 0; i < c->stages.n; i++)
		all += (double)c->stages.c[i].value;
	return all > 0 ? 1 - rest / all : 0;
}

const char *remote_prefix_text(char text[REMOTE_TEXT], const struct remote_prefix *p)
{
	char addr[INET6_ADDRSTRLEN];

	inet_ntop(p->family, p->addr, addr, sizeof(addr));
	snprintf(text, REMOTE_TEXT, "%s/%u", addr, p->cidr);
	return text;
}
