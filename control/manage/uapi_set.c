/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each line is KEY=VALUE; two tables say what is known, one for the interface and one, from the first public_key on, for a peer. A handler
 * reads the value into the change, or refuses it. The first fault ends that: the change is dropped at once, and lines are only counted
 * until the empty one.
 *
 * Lines are parsed where they lie; only one that is cut off by the end of a piece is copied. Control thread.
 */
#include "uapi_set.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

#include "uapi_text.h"

struct value {
	const char *s;
	size_t len;
};

struct keyword {
	const char *name;
	int (*set)(struct uapi_set *s, struct value v);	/* 0, or -errno */
};

static int check(bool good)
{
	return good ? 0 : -EINVAL;
}

static bool is(struct value v, const char *word)
{
	return v.len == strlen(word) && memcmp(v.s, word, v.len) == 0;
}

static struct change_peer *last_peer(struct uapi_set *s)
{
	return &s->change.peers[s->change.n_peers - 1];
}

/* The interface. */

static int set_private_key(struct uapi_set *s, struct value v)
{
	s->change.has_private_key = true;
	return check(uapi_read_key(v.s, v.len, s->change.private_key));
}

static int set_listen_port(struct uapi_set *s, struct value v)
{
	uint32_t n;

	if (!uapi_read_number(v.s, v.len, UINT16_MAX, &n))
		return -EINVAL;
	s->change.has_listen_port = true;
	s->change.listen_port = (uint16_t)n;
	return 0;
}

static int set_fwmark(struct uapi_set *s, struct value v)
{
	uint32_t n;

	if (!uapi_read_number(v.s, v.len, UINT32_MAX, &n))
		return -EINVAL;
	s->change.has_fwmark = true;
	s->change.fwmark = n;
	return 0;
}

static int set_replace_peers(struct uapi_set *s, struct value v)
{
	s->change.replace_peers = true;
	return check(is(v, "true"));
}

/* A peer. */

static int set_public_key(struct uapi_set *s, struct value v)
{
	uint8_t key[WG_KEY_LEN];

	if (!uapi_read_key(v.s, v.len, key))
		return -EINVAL;
	s->in_peer = true;
	s->first_edit = s->change.n_peers;
	return change_add_peer(&s->change, key) ? 0 : -ENOMEM;
}

static int set_flag(struct uapi_set *s, struct value v, unsigned int flag)
{
	last_peer(s)->flags |= flag;
	return check(is(v, "true"));
}

static int set_remove(struct uapi_set *s, struct value v)
{
	return set_flag(s, v, CHANGE_REMOVE);
}

/* Of all edits since the public_key line: those before the last have it if that has it. */
static int set_update_only(struct uapi_set *s, struct value v)
{
	if (!(last_peer(s)->flags & CHANGE_UPDATE_ONLY))
		for (size_t i = s->first_edit; i < s->change.n_peers; i++)
			s->change.peers[i].flags |= CHANGE_UPDATE_ONLY;
	return set_flag(s, v, CHANGE_UPDATE_ONLY);
}

/* Prefixes that were named before it go as well, also from whom they were taken: an edit of its own, after theirs. */
static int set_replace_allowed_ips(struct uapi_set *s, struct value v)
{
	const struct change_peer *before = last_peer(s);
	struct change_peer *p;

	if (before->n_ips) {
		uint8_t key[WG_KEY_LEN];
		unsigned int flags = before->flags & (CHANGE_REMOVE | CHANGE_UPDATE_ONLY);

		memcpy(key, before->public_key, sizeof(key));
		p = change_add_peer(&s->change, key);
		if (!p)
			return -ENOMEM;
		p->flags = flags;
	}
	return set_flag(s, v, CHANGE_REPLACE_ALLOWED_IPS);
}

static int set_preshared_key(struct uapi_set *s, struct value v)
{
	struct change_peer *p = last_peer(s);

	p->flags |= CHANGE_PRESHARED_KEY;
	return check(uapi_read_key(v.s, v.len, p->preshared_key));
}

static int set_endpoint(struct uapi_set *s, struct value v)
{
	struct change_peer *p = last_peer(s);

	p->flags |= CHANGE_ENDPOINT;
	return check(uapi_read_endpoint(v.s, v.len, &p->endpoint));
}

static int set_keepalive(struct uapi_set *s, struct value v)
{
	struct change_peer *p = last_peer(s);
	uint32_t n;

	if (!uapi_read_number(v.s, v.len, UINT16_MAX, &n))
		return -EINVAL;
	p->flags |= CHANGE_KEEPALIVE;
	p->keepalive = (uint16_t)n;
	return 0;
}

static int set_allowed_ip(struct uapi_set *s, struct value v)
{
	bool remove = v.len && v.s[0] == '-';
	uint8_t addr[16], cidr;
	int family;

	if (!uapi_read_prefix(v.s + remove, v.len - remove, &family, addr, &cidr))
		return -EINVAL;
	return change_add_ip(&s->change, family, addr, cidr, remove) ? 0 : -ENOMEM;
}

static int set_protocol_version(struct uapi_set *s, struct value v)
{
	(void)s;
	return check(is(v, "1"));
}

static const struct keyword interface_keywords[] = {
	{ "private_key", set_private_key }, { "listen_port", set_listen_port }, { "fwmark", set_fwmark },
	{ "replace_peers", set_replace_peers }, { "public_key", set_public_key }, { NULL, NULL },
};

/* The most frequent first. */
static const struct keyword peer_keywords[] = {
	{ "allowed_ip", set_allowed_ip }, { "public_key", set_public_key }, { "endpoint", set_endpoint },
	{ "preshared_key", set_preshared_key }, { "persistent_keepalive_interval", set_keepalive },
	{ "replace_allowed_ips", set_replace_allowed_ips }, { "update_only", set_update_only }, { "remove", set_remove },
	{ "protocol_version", set_protocol_version }, { NULL, NULL },
};

/* Lines. */

void uapi_set_init(struct uapi_set *s)
{
	memset(s, 0, sizeof(*s));
	change_init(&s->change);
}

void uapi_set_fini(struct uapi_set *s)
{
	change_fini(&s->change);
	OPENSSL_cleanse(s, sizeof(*s));
}

void uapi_set_fail(struct uapi_set *s, int rc, const char *why)
{
	if (s->rc)
		return;
	s->rc = rc;
	s->key = why;
	change_fini(&s->change);
}

/* The end of the request cannot be told, or is not worth waiting for. */
static void give_up(struct uapi_set *s, int rc, const char *why)
{
	uapi_set_fail(s, rc, why);
	s->done = s->broken = true;
}

static void parse_pair(struct uapi_set *s, const char *line, size_t len)
{
	const char *equals = memchr(line, '=', len);
	const struct keyword *k = s->in_peer ? peer_keywords : interface_keywords;
	struct value name, value;
	int rc;

	if (!equals) {
		uapi_set_fail(s, -EPROTO, "a line without =");
		return;
	}
	name = (struct value){ line, (size_t)(equals - line) };
	value = (struct value){ equals + 1, len - name.len - 1 };
	while (k->name && !is(name, k->name))
		k++;
	if (!k->name) {
		uapi_set_fail(s, -EINVAL, s->in_peer ? "an unknown key of a peer" : "an unknown key of the interface");
		return;
	}
	rc = k->set(s, value);
	if (rc)
		uapi_set_fail(s, rc, k->name);
}

/* A whole line, without its newline. */
static void parse_line(struct uapi_set *s, const char *line, size_t len)
{
	s->n_bytes += len + 1;
	if (!len)
		s->done = true;
	else if (len > UAPI_LINE_MAX)
		give_up(s, -EIO, "a line that is too long");
	else if (++s->n_lines > UAPI_SET_LINES_MAX || s->n_bytes > UAPI_SET_BYTES_MAX)
		give_up(s, -E2BIG, "too many lines");
	else if (!s->rc)
		parse_pair(s, line, len);
}

/* Keeps the beginning of a line for the piece that has the rest. */
static void keep(struct uapi_set *s, const char *data, size_t len)
{
	if (len > UAPI_LINE_MAX - s->len) {
		give_up(s, -EIO, "a line that is too long");
		return;
	}
	memcpy(s->line + s->len, data, len);
	s->len += len;
}

size_t uapi_set_feed(struct uapi_set *s, const char *data, size_t len)
{
	size_t at = 0;

	while (at < len && !s->done) {
		const char *end = memchr(data + at, '\n', len - at);
		size_t n = end ? (size_t)(end - data) - at : len - at;

		if (!end || s->len)
			keep(s, data + at, n);
		if (!end)
			return len;
		if (s->done)
			break;
		if (s->len) {
			parse_line(s, s->line, s->len);
			OPENSSL_cleanse(s->line, s->len);
			s->len = 0;
		} else {
			parse_line(s, data + at, n);
		}
		at += n + 1;
	}
	return at;
}
