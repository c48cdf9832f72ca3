/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The answer to get=1 or peers=1, a line at a time: the device's lines, then each peer's, which begin with its public_key. Peers and prefixes
 * go into two arrays that double. Lines come in a fixed order: so the search for a key begins behind the one found last.
 */
#include "remote.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

/* Room for one more in an array of n elements. NULL: no memory, or more than `max`. */
static void *grow(struct remote_iface *i, void *array, size_t n, size_t *room, size_t max, size_t size)
{
	size_t want = *room ? *room * 2 : 16;
	void *more;

	if (n < *room)
		return array;
	if (n >= max)
		return NULL;
	more = reallocarray(array, want, size);
	if (more)
		*room = want;
	else
		i->no_memory = true;
	return more;
}

static bool public_of(uint8_t public_key[CONF_KEY_LEN], const uint8_t private_key[CONF_KEY_LEN])
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, private_key, CONF_KEY_LEN);
	size_t len = CONF_KEY_LEN;
	const bool ok = pkey && EVP_PKEY_get_raw_public_key(pkey, public_key, &len) == 1;

	EVP_PKEY_free(pkey);
	return ok;
}

/* True, and in *any whether it is not zero: that is, none. The text is wiped. */
static bool secret_key(uint8_t key[CONF_KEY_LEN], char *value, bool *any)
{
	const bool ok = remote_hex_key(key, value);
	uint8_t all = 0;

	OPENSSL_cleanse(value, strlen(value));
	for (size_t k = 0; k < CONF_KEY_LEN; k++)
		all |= key[k];
	*any = all != 0;
	return ok;
}

static bool take_private_key(struct remote_iface *i, char *value)
{
	uint8_t key[CONF_KEY_LEN] = { 0 };
	bool ok = secret_key(key, value, &i->has_private_key);

	if (ok && i->has_private_key)
		ok = i->has_public_key = public_of(i->public_key, key);
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

static bool take_listen_port(struct remote_iface *i, char *value)
{
	uint64_t n;

	if (!remote_number(value, UINT16_MAX, &n))
		return false;
	i->listen_port = (uint16_t)n;
	return true;
}

static bool take_fwmark(struct remote_iface *i, char *value)
{
	uint64_t n;

	if (!remote_number(value, UINT32_MAX, &n))
		return false;
	i->fwmark = (uint32_t)n;
	return true;
}

static bool take_public_key(struct remote_iface *i, char *value)
{
	struct remote_peer *peers = grow(i, i->peers, i->n_peers, &i->room_peers, REMOTE_PEERS, sizeof(*peers)), *p;

	if (!peers)
		return false;
	i->peers = peers;
	p = &peers[i->n_peers];
	memset(p, 0, sizeof(*p));
	p->first_prefix = (uint32_t)i->n_prefixes;
	if (!remote_hex_key(p->public_key, value))
		return false;
	i->n_peers++;
	return true;
}

static struct remote_peer *last_peer(struct remote_iface *i)
{
	return &i->peers[i->n_peers - 1];
}

static bool take_name(struct remote_iface *i, char *value)
{
	struct remote_peer *p = last_peer(i);
	const size_t len = strlen(value);

	if (!len || len >= sizeof(p->name))
		return false;
	memcpy(p->name, value, len + 1);
	return true;
}

static bool take_preshared_key(struct remote_iface *i, char *value)
{
	uint8_t key[CONF_KEY_LEN] = { 0 };
	const bool ok = secret_key(key, value, &last_peer(i)->has_preshared_key);

	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

/* ADDRESS:PORT or [ADDRESS%ZONE]:PORT, and kept as it is. */
static bool take_endpoint(struct remote_iface *i, char *value)
{
	struct remote_peer *p = last_peer(i);
	const bool v6 = *value == '[';
	const size_t len = strlen(value);
	char host[REMOTE_TEXT], *end, *zone;
	uint8_t addr[16];
	uint64_t port;

	if (len >= sizeof(p->endpoint))
		return false;
	memcpy(host, value, len + 1);
	end = strrchr(host, ':');
	if (!end || (v6 && (end == host || end[-1] != ']')) || !remote_number(end + 1, UINT16_MAX, &port) || !port)
		return false;
	end[v6 ? -1 : 0] = '\0';
	zone = v6 ? strchr(host, '%') : NULL;
	if (zone)
		*zone = '\0';
	if (inet_pton(v6 ? AF_INET6 : AF_INET, host + v6, addr) != 1)
		return false;
	memcpy(p->endpoint, value, len + 1);
	return true;
}

static bool take_keepalive(struct remote_iface *i, char *value)
{
	uint64_t n;

	if (!remote_number(value, UINT16_MAX, &n))
		return false;
	last_peer(i)->keepalive = (uint16_t)n;
	return true;
}

static bool take_handshake_sec(struct remote_iface *i, char *value)
{
	return remote_number(value, INT64_MAX, &last_peer(i)->handshake_sec);
}

static bool take_handshake_nsec(struct remote_iface *i, char *value)
{
	uint64_t n;

	if (!remote_number(value, 999999999, &n))
		return false;
	last_peer(i)->handshake_nsec = (uint32_t)n;
	return true;
}

static bool take_rx_bytes(struct remote_iface *i, char *value)
{
	return remote_number(value, UINT64_MAX, &last_peer(i)->rx_bytes);
}

static bool take_tx_bytes(struct remote_iface *i, char *value)
{
	return remote_number(value, UINT64_MAX, &last_peer(i)->tx_bytes);
}

static bool take_allowed_ip(struct remote_iface *i, char *value)
{
	struct remote_prefix *all = grow(i, i->prefixes, i->n_prefixes, &i->room_prefixes, REMOTE_PREFIXES, sizeof(*all)), *p;
	char *slash = strchr(value, '/');
	uint64_t cidr;

	if (!all)
		return false;
	i->prefixes = all;
	if (!slash)
		return false;
	*slash = '\0';
	p = &all[i->n_prefixes];
	memset(p, 0, sizeof(*p));
	p->family = strchr(value, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(p->family, value, p->addr) != 1 || !remote_number(slash + 1, p->family == AF_INET ? 32 : 128, &cidr))
		return false;
	p->cidr = (uint8_t)cidr;
	i->n_prefixes++;
	last_peer(i)->n_prefixes++;
	return true;
}

static const struct {
	const char *key;
	bool of_peer;
	bool (*take)(struct remote_iface *i, char *value);
} lines[] = {	/* as wireguard-go orders them */
	{ "private_key", false, take_private_key },
	{ "listen_port", false, take_listen_port },
	{ "fwmark", false, take_fwmark },
	{ "public_key", false, take_public_key },
	{ "name", true, take_name },	/* ours */
	{ "preshared_key", true, take_preshared_key },
	{ "protocol_version", true, NULL },
	{ "endpoint", true, take_endpoint },
	{ "last_handshake_time_sec", true, take_handshake_sec },
	{ "last_handshake_time_nsec", true, take_handshake_nsec },
	{ "tx_bytes", true, take_tx_bytes },
	{ "rx_bytes", true, take_rx_bytes },
	{ "persistent_keepalive_interval", true, take_keepalive },
	{ "allowed_ip", true, take_allowed_ip },
};

enum { N_LINES = sizeof(lines) / sizeof(lines[0]) };

bool remote_get_line(void *arg, char *key, char *value)
{
	struct remote_iface *i = arg;

	for (unsigned int k = 0; k < N_LINES; k++) {
		const unsigned int at = (i->hint + k) % N_LINES;

		if (strcmp(lines[at].key, key))
			continue;
		/* an allowed_ip may follow another: the hint stays on it */
		i->hint = at == N_LINES - 1 ? at : at + 1;
		if (lines[at].of_peer && !i->n_peers)
			return false;
		return !lines[at].take || lines[at].take(i, value);
	}
	return true;
}
