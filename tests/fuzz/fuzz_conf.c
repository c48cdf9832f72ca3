/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target for conf_parse. Besides not crashing: either a result without faults, whose
 * every field is in its range, or faults and no result; no private key in any message; and what a
 * result says, written out again as a file, parses without a word to the same result. Single
 * thread, no files.
 */
#include "conf.h"

#include <arpa/inet.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition) do { if (!(condition)) abort(); } while (0)

struct said {
	char *text;
	size_t len;
};

static struct conf *parse(const char *text, size_t len, struct said *said)
{
	FILE *diag = open_memstream(&said->text, &said->len);
	struct conf *c;

	CHECK(diag);
	c = conf_parse("fuzz0.conf", text, len, diag);
	fclose(diag);
	return c;
}

/* Whole lines, each of them this file's; without a result at least one that is no warning. */
static void said_check(const struct said *said, bool result)
{
	size_t faults = 0;

	CHECK(memchr(said->text, '\0', said->len) == NULL);
	for (const char *s = said->text; *s; s = strchr(s, '\n') + 1) {
		const char *head = s + strlen("fuzz0.conf:");
		const char *end = strchr(s, '\n');

		CHECK(end && end - s < 400);
		CHECK(strncmp(s, "fuzz0.conf:", strlen("fuzz0.conf:")) == 0);
		for (const char *at = s; at < end; at++)
			CHECK(*at >= ' ' && *at <= '~');
		head += strspn(head, "0123456789:");
		if (strncmp(head, " warning: ", strlen(" warning: ")) != 0)
			faults++;
	}
	CHECK(result == (faults == 0));
}

static void prefixes_check(const struct conf_prefix *prefix, size_t n, bool masked)
{
	for (size_t i = 0; i < n; i++) {
		unsigned int bits = prefix[i].family == AF_INET ? 32 : 128;

		CHECK(prefix[i].family == AF_INET || prefix[i].family == AF_INET6);
		CHECK(prefix[i].cidr <= bits);
		for (unsigned int bit = prefix[i].cidr; masked && bit < bits; bit++)
			CHECK((prefix[i].addr.bytes[bit / 8] & 0x80 >> bit % 8) == 0);
	}
}

static void cores_check(const struct conf_cores *cores)
{
	bool seen[1024] = { false };

	CHECK((cores->n == 0) == (cores->core == NULL));
	for (size_t i = 0; i < cores->n; i++) {
		CHECK(cores->core[i] < 1024 && !seen[cores->core[i]]);
		seen[cores->core[i]] = true;
	}
}

static void strings_check(const struct conf_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		CHECK(strings->s[i][0] != '\0' && !strpbrk(strings->s[i], "\n#") &&
		      !strstr(strings->s[i], "%i"));
}

/* Printable as far as a byte can tell, and what a label of metrics and a line of JSON can hold; mbsrtowcs knows UTF-8. */
static void name_check(const char *name)
{
	uint8_t key[CONF_KEY_LEN];

	if (!name)
		return;
	CHECK(*name && strlen(name) <= CONF_NAME_LEN && *name != ' ' && name[strlen(name) - 1] != ' ');
	CHECK(mbsrtowcs(NULL, &(const char *){ name }, 0, &(mbstate_t){ 0 }) != (size_t)-1);
	for (const char *s = name; *s; s++)
		CHECK((unsigned char)*s >= ' ' && *s != 0x7f);
	CHECK(!conf_key_decode(key, name, strlen(name)));
}

static void dataplane_check(const struct conf *c)
{
	struct in6_addr address;

	CHECK(c->outer && *c->outer);
	CHECK((c->lan != NULL) == (*c->lan_mirror != '\0'));
	CHECK(strlen(c->outer_mirror) <= CONF_IFNAME_LEN && strlen(c->lan_mirror) <= CONF_IFNAME_LEN);
	CHECK(!*c->outer_mirror || (strcmp(c->outer_mirror, c->ifname) && strcmp(c->outer_mirror, c->lan_mirror)));
	CHECK(!c->lan || (*c->lan && strcmp(c->lan, c->outer) && strcmp(c->lan_mirror, c->ifname)));
	CHECK(*c->outer_mirror || !strncmp(c->outer, "kernel", 6) || !strncasecmp(c->outer, "net_af_", 7));
	CHECK(strcmp(c->aead, "auto") == 0 || strcmp(c->aead, "openssl") == 0 ||
	      strcmp(c->aead, "ipsec-mb") == 0);
	cores_check(&c->rx_cores);
	cores_check(&c->worker_cores);
	CHECK((c->metrics.host == NULL) == (c->metrics.port == 0));
	CHECK(!c->metrics.host || strchr(c->metrics.host, ':') ||
	      inet_pton(AF_INET, c->metrics.host, &address) == 1);
}

static void conf_check(const struct conf *c)
{
	CHECK(strcmp(c->path, "fuzz0.conf") == 0 && strcmp(c->ifname, "fuzz0") == 0);
	CHECK(c->has_private_key && (c->has_fwmark || c->fwmark == 0));
	CHECK(c->mtu == 0 || c->mtu >= 68);
	CHECK((c->table == CONF_TABLE_NUMBER) == (c->table_number != 0));
	prefixes_check(c->addresses, c->n_addresses, false);
	strings_check(&c->pre_up);
	strings_check(&c->post_up);
	strings_check(&c->pre_down);
	strings_check(&c->post_down);
	for (size_t i = 0; i < c->n_peers; i++) {
		const struct conf_peer *peer = &c->peers[i];

		CHECK(peer->line > 0 && (i == 0 || peer->line > c->peers[i - 1].line));
		name_check(peer->name);
		CHECK((peer->endpoint.host == NULL) == (peer->endpoint.port == 0));
		CHECK(!peer->endpoint.host ||
		      (*peer->endpoint.host && strlen(peer->endpoint.host) <= 253));
		prefixes_check(peer->allowed_ips, peer->n_allowed_ips, true);
		for (size_t j = 0; j < i && i < 50; j++)
			CHECK(memcmp(c->peers[j].public_key, peer->public_key, CONF_KEY_LEN) != 0);
	}
	dataplane_check(c);
}

static void write_key(FILE *f, const char *name, const uint8_t key[CONF_KEY_LEN])
{
	char text[CONF_KEY_B64_LEN + 1];

	conf_key_encode(text, key);
	fprintf(f, "%s = %s\n", name, text);
}

static void write_prefixes(FILE *f, const char *name, const struct conf_prefix *prefix, size_t n)
{
	char text[INET6_ADDRSTRLEN];

	for (size_t i = 0; i < n; i++) {
		inet_ntop(prefix[i].family, prefix[i].addr.bytes, text, sizeof(text));
		fprintf(f, "%s = %s/%u\n", name, text, prefix[i].cidr);
	}
}

static void write_strings(FILE *f, const char *name, const struct conf_strings *strings)
{
	for (size_t i = 0; i < strings->n; i++)
		fprintf(f, "%s = %s\n", name, strings->s[i]);
}

static void write_cores(FILE *f, const char *name, const struct conf_cores *cores)
{
	if (cores->n == 0)
		return;
	fprintf(f, "%s = ", name);
	for (size_t i = 0; i < cores->n; i++)
		fprintf(f, "%s%u", i > 0 ? "," : "", cores->core[i]);
	fputc('\n', f);
}

static void write_peer(FILE *f, const struct conf_peer *peer)
{
	fprintf(f, "[Peer]\n");
	if (peer->name)
		fprintf(f, "# Name = %s\n", peer->name);
	write_key(f, "PublicKey", peer->public_key);
	write_key(f, "PresharedKey", peer->preshared_key);
	if (peer->endpoint.host && strchr(peer->endpoint.host, ':'))
		fprintf(f, "Endpoint = [%s]:%u\n", peer->endpoint.host, peer->endpoint.port);
	else if (peer->endpoint.host)
		fprintf(f, "Endpoint = %s:%u\n", peer->endpoint.host, peer->endpoint.port);
	fprintf(f, "PersistentKeepalive = %u\n", peer->persistent_keepalive);
	write_prefixes(f, "AllowedIPs", peer->allowed_ips, peer->n_allowed_ips);
}

static void write_dataplane(FILE *f, const struct conf *c)
{
	fprintf(f, "[Dataplane]\nOuter = %s%s%s\nAead = %s\nPoll = %s\nMetricsPeers = %s\n", c->outer,
		*c->outer_mirror ? " as " : "", c->outer_mirror, c->aead, c->poll_always ? "always" : "auto",
		c->metrics_peers ? "on" : "off");
	if (c->lan)
		fprintf(f, "Lan = %s as %s\n", c->lan, c->lan_mirror);
	if (!c->metrics.host)
		fprintf(f, "Metrics = off\n");
	else if (strchr(c->metrics.host, ':'))
		fprintf(f, "Metrics = [%s]:%u\n", c->metrics.host, c->metrics.port);
	else
		fprintf(f, "Metrics = %s:%u\n", c->metrics.host, c->metrics.port);
	write_cores(f, "RxCores", &c->rx_cores);
	write_cores(f, "WorkerCores", &c->worker_cores);
}

static struct said conf_write(const struct conf *c)
{
	struct said out;
	FILE *f = open_memstream(&out.text, &out.len);

	CHECK(f);
	fprintf(f, "[Interface]\n");
	write_key(f, "PrivateKey", c->private_key);
	fprintf(f, "ListenPort = %u\n", c->listen_port);
	if (c->has_fwmark)
		fprintf(f, "FwMark = 0x%x\n", c->fwmark);
	write_prefixes(f, "Address", c->addresses, c->n_addresses);
	if (c->mtu)
		fprintf(f, "MTU = %u\n", c->mtu);
	if (c->table == CONF_TABLE_NUMBER)
		fprintf(f, "Table = %u\n", c->table_number);
	else
		fprintf(f, "Table = %s\n", c->table == CONF_TABLE_OFF ? "off" : "auto");
	write_strings(f, "PreUp", &c->pre_up);
	write_strings(f, "PostUp", &c->post_up);
	write_strings(f, "PreDown", &c->pre_down);
	write_strings(f, "PostDown", &c->post_down);
	for (size_t i = 0; i < c->n_peers; i++)
		write_peer(f, &c->peers[i]);
	write_dataplane(f, c);
	fclose(f);
	return out;
}

/* The section alone: the same faults and the same settings, and nothing else. */
static void dataplane_alone(const char *text, size_t size, const struct conf *whole)
{
	struct said said, first, second;
	FILE *diag = open_memstream(&said.text, &said.len);
	FILE *a = open_memstream(&first.text, &first.len), *b = open_memstream(&second.text, &second.len);
	struct conf *c;

	CHECK(diag && a && b);
	c = conf_parse_dataplane("fuzz0.conf", "other", text, size, diag);
	fclose(diag);
	said_check(&said, c != NULL);
	CHECK(c || !whole);
	if (c) {
		CHECK(strcmp(c->ifname, "other") == 0 && !c->has_private_key && c->n_peers == 0 && c->n_addresses == 0);
		CHECK(c->post_up.n == 0 && c->mtu == 0 && c->listen_port == 0);
		dataplane_check(c);
		write_dataplane(a, c);
	}
	if (whole)
		write_dataplane(b, whole);
	fclose(a);
	fclose(b);
	CHECK(!whole || (first.len == second.len && memcmp(first.text, second.text, first.len) == 0));
	free(said.text);
	free(first.text);
	free(second.text);
	conf_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct said said, again, first, second;
	struct conf *copy, *c;

	CHECK(setlocale(LC_CTYPE, "C.UTF-8"));
	c = parse((const char *)data, size, &said);

	said_check(&said, c != NULL);
	dataplane_alone((const char *)data, size, c);
	if (c) {
		char key[CONF_KEY_B64_LEN + 1];

		conf_check(c);
		conf_key_encode(key, c->private_key);
		CHECK(!strstr(said.text, key));
		first = conf_write(c);
		copy = parse(first.text, first.len, &again);
		CHECK(copy && again.len == 0);
		conf_check(copy);
		second = conf_write(copy);
		CHECK(first.len == second.len && memcmp(first.text, second.text, first.len) == 0);
		free(first.text);
		free(second.text);
		conf_free(copy);
	} else {
		copy = parse((const char *)data, size, &again);
		CHECK(!copy && said.len == again.len &&
		      memcmp(said.text, again.text, said.len) == 0);
	}
	free(said.text);
	free(again.text);
	conf_free(c);
	return 0;
}
