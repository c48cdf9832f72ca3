/* SPDX-License-Identifier: BSD-3-Clause */
/* set=1's lines into a change. The tables say what wireguard-go 0.0.20220316 answered to the same lines, but where they say otherwise. */
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "change_text.h"
#include "uapi_set.h"

#define HEX_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEX_MIXED "00112233445566778899aAbBcCdDeEfF00112233445566778899aAbBcCdDeEfF"
#define PEER "public_key=" HEX_B "\n"

static struct uapi_set s;

/* All of it at once. What was taken. */
static size_t feed(const char *text, size_t len)
{
	size_t n = uapi_set_feed(&s, text, len);

	cr_assert(n <= len);
	return n;
}

static int parse(const char *text)
{
	uapi_set_init(&s);
	cr_assert_eq(feed(text, strlen(text)), strlen(text));
	return s.rc;
}

static int parse_line(const char *before, const char *line)
{
	char text[1024];

	snprintf(text, sizeof(text), "%s%s\n\n", before, line);
	return parse(text);
}

struct row {
	const char *line;
	int rc;
};

static const struct row interface_rows[] = {
	{ "listen_port=0", 0 }, { "listen_port=65535", 0 }, { "listen_port=65536", -EINVAL }, { "listen_port=-1", -EINVAL },
	{ "listen_port=+1", -EINVAL }, { "listen_port=0x10", -EINVAL }, { "listen_port=", -EINVAL },
	{ "listen_port=00000051820", 0 }, { "listen_port=51_820", -EINVAL }, { "listen_port= 5", -EINVAL },
	{ "listen_port=5 ", -EINVAL }, { " listen_port=5", -EINVAL }, { "listen_port=1=2", -EINVAL },
	{ "listen_port=99999999999999999999999999999999999", -EINVAL },
	{ "fwmark=", -EINVAL }, { "fwmark=0x12", -EINVAL }, { "fwmark=4294967295", 0 }, { "fwmark=4294967296", -EINVAL },
	{ "fwmark=0", 0 }, { "fwmark=18446744073709551617", -EINVAL },
	{ "private_key=" HEX_A, 0 }, { "private_key=" HEX_MIXED, 0 }, { "private_key=" HEX_A "a", -EINVAL },
	{ "private_key=" HEX_A "aa", -EINVAL }, { "private_key=", -EINVAL }, { "private_key=aa", -EINVAL },
	{ "private_key=gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa`aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "private_key=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xe1" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL },
	{ "replace_peers=true", 0 }, { "replace_peers=false", -EINVAL }, { "replace_peers=1", -EINVAL }, { "replace_peers=", -EINVAL },
	{ "replace_peers=true ", -EINVAL }, { "bogus=1", -EINVAL }, { "bogus", -EPROTO }, { "=", -EINVAL }, { "=1", -EINVAL },
	{ "private_ke=" HEX_A, -EINVAL }, { "private_key_=" HEX_A, -EINVAL }, { "PRIVATE_KEY=" HEX_A, -EINVAL },
	/* a peer's, but no peer yet */
	{ "endpoint=1.2.3.4:5", -EINVAL }, { "preshared_key=" HEX_A, -EINVAL }, { "remove=true", -EINVAL },
	{ "allowed_ip=1.2.3.4/32", -EINVAL }, { "protocol_version=1", -EINVAL }, { "update_only=true", -EINVAL },
	{ "public_key=" HEX_A, 0 }, { "public_key=", -EINVAL }, { "public_key=zz", -EINVAL }, { "public_key=" HEX_A "\r", -EINVAL },
};

static const struct row peer_rows[] = {
	{ "preshared_key=" HEX_A, 0 }, { "preshared_key=", -EINVAL }, { "preshared_key=00", -EINVAL },
	{ "endpoint=1.2.3.4:5", 0 }, { "endpoint=1.2.3.4:0", 0 }, { "endpoint=1.2.3.4", -EINVAL }, { "endpoint=1.2.3.4:", -EINVAL },
	{ "endpoint=1.2.3.4:65535", 0 }, { "endpoint=1.2.3.4:65536", -EINVAL }, { "endpoint=1.2.3.4:000000005", 0 },
	{ "endpoint=1.2.3.4:+5", -EINVAL }, { "endpoint=[::1]:5", 0 }, { "endpoint=::1:5", -EINVAL }, { "endpoint=[::1]5", -EINVAL },
	{ "endpoint=[::1]:", -EINVAL }, { "endpoint=[::1]", -EINVAL }, { "endpoint=[::1:5", -EINVAL }, { "endpoint=::1]:5", -EINVAL },
	{ "endpoint=[]:5", -EINVAL }, { "endpoint=[:5", -EINVAL }, { "endpoint=:5", -EINVAL }, { "endpoint=:", -EINVAL },
	{ "endpoint=[fe80::1%lo]:5", 0 }, { "endpoint=[fe80::1%1]:5", 0 }, { "endpoint=[fe80::1%999]:5", 0 },
	{ "endpoint=[fe80::1%nonexist]:5", -EINVAL }, { "endpoint=[fe80::1%]:5", -EINVAL }, { "endpoint=[2001:db8::1%lo]:5", 0 },
	{ "endpoint=[2001:db8::1%nonex]:5", -EINVAL }, { "endpoint=1.2.3.4%lo:5", -EINVAL }, { "endpoint=[fe80::1]:77", 0 },
	{ "endpoint=[::ffff:1.2.3.4]:5", 0 }, { "endpoint=[::ffff:1.2.3.4%lo]:5", 0 }, { "endpoint=[1.2.3.4]:5", -EINVAL },
	{ "endpoint=[::1]:05", 0 }, { "endpoint=", -EINVAL }, { "endpoint=host:5", -EINVAL }, { "endpoint=01.2.3.4:5", -EINVAL },
	{ "endpoint=0.0.0.0:9", 0 }, { "endpoint=255.255.255.255:9", 0 }, { "endpoint=[::]:9", 0 }, { "endpoint=1.2.3:5", -EINVAL },
	{ "persistent_keepalive_interval=0", 0 }, { "persistent_keepalive_interval=65535", 0 },
	{ "persistent_keepalive_interval=65536", -EINVAL }, { "persistent_keepalive_interval=-1", -EINVAL },
	{ "persistent_keepalive_interval=off", -EINVAL }, { "persistent_keepalive_interval=", -EINVAL },
	{ "allowed_ip=1.2.3.4/32", 0 }, { "allowed_ip=1.2.3.4", -EINVAL }, { "allowed_ip=1.2.3.4/33", -EINVAL },
	{ "allowed_ip=1.2.3.4/8", 0 }, { "allowed_ip=0.0.0.0/0", 0 }, { "allowed_ip=::/0", 0 }, { "allowed_ip=::1/128", 0 },
	{ "allowed_ip=::1/129", -EINVAL }, { "allowed_ip=", -EINVAL }, { "allowed_ip=/", -EINVAL }, { "allowed_ip=/8", -EINVAL },
	{ "allowed_ip=1.2.3.4/", -EINVAL }, { "allowed_ip=::ffff:1.2.3.4/120", 0 }, { "allowed_ip=fe80::1%lo/64", -EINVAL },
	{ "allowed_ip=1.2.3.4/08", 0 }, { "allowed_ip=01.2.3.4/8", -EINVAL }, { "allowed_ip=1.2.3/8", -EINVAL },
	{ "allowed_ip=0x1.2.3.4/8", -EINVAL }, { "allowed_ip=1.2.3.4/8/8", -EINVAL }, { "allowed_ip=+1.2.3.0/24", -EINVAL },
	/* its successors take the first; the others it takes by accident */
	{ "allowed_ip=-1.2.3.0/24", 0 }, { "allowed_ip=--1.2.3.0/24", -EINVAL }, { "allowed_ip=-", -EINVAL },
	{ "allowed_ip=1.2.3.4/+8", -EINVAL }, { "allowed_ip=1.2.3.4/-0", -EINVAL },
	{ "replace_allowed_ips=true", 0 }, { "replace_allowed_ips=false", -EINVAL }, { "update_only=true", 0 },
	{ "update_only=false", -EINVAL }, { "update_only=1", -EINVAL }, { "remove=true", 0 }, { "remove=false", -EINVAL },
	{ "remove=true\nremove=false", -EINVAL }, { "update_only=true\nremove=true", 0 }, { "remove=true\nendpoint=foo", -EINVAL },
	{ "remove=true\nbogus=1", -EINVAL }, { "protocol_version=1", 0 }, { "protocol_version=2", -EINVAL },
	{ "protocol_version=", -EINVAL }, { "protocol_version=01", -EINVAL }, { "public_key=" HEX_A, 0 }, { "public_key=", -EINVAL },
	{ "public_key=zz", -EINVAL }, { "bogus=1", -EINVAL }, { "bogus", -EPROTO },
	/* the interface's, behind a peer */
	{ "listen_port=5", -EINVAL }, { "private_key=" HEX_A, -EINVAL }, { "fwmark=1", -EINVAL }, { "replace_peers=true", -EINVAL },
	/* what only get says */
	{ "last_handshake_time_sec=1", -EINVAL }, { "rx_bytes=1", -EINVAL },
};

Test(uapi_set, answers_of_wireguard_go)
{
	for (size_t i = 0; i < sizeof(interface_rows) / sizeof(interface_rows[0]); i++) {
		cr_expect_eq(parse_line("", interface_rows[i].line), interface_rows[i].rc, "%s: %d", interface_rows[i].line, s.rc);
		cr_expect(s.done && !s.broken);
		uapi_set_fini(&s);
	}
	for (size_t i = 0; i < sizeof(peer_rows) / sizeof(peer_rows[0]); i++) {
		cr_expect_eq(parse_line(PEER, peer_rows[i].line), peer_rows[i].rc, "%s: %d", peer_rows[i].line, s.rc);
		cr_expect(s.done && !s.broken);
		uapi_set_fini(&s);
	}
}

/* A NUL is a character like others, which no value has. */
Test(uapi_set, nul)
{
	static const char *const text[] = { "listen_port=12", "public_key=" HEX_A "\nendpoint=1.2.3.4", "public_key=" HEX_A "\nallowed_ip=1.2.3.4/8" };
	char line[256];

	for (size_t i = 0; i < 3; i++) {
		size_t len = strlen(text[i]);

		memcpy(line, text[i], len);
		memcpy(line + len, "\0:5\n\n", 5);
		uapi_set_init(&s);
		feed(line, len + 5);
		cr_expect_eq(s.rc, -EINVAL, "%s", line);
		uapi_set_fini(&s);
	}
	uapi_set_init(&s);
	feed("public_key=" HEX_A "\nallowed_ip=1.2.3.4\0/8\n\n", 11 + 64 + 1 + 22 + 1);
	cr_expect_eq(s.rc, -EINVAL);
	uapi_set_fini(&s);
}

static const char whole[] =
	"private_key=" HEX_MIXED "\nlisten_port=51820\nfwmark=4294967295\nreplace_peers=true\n"
	"public_key=" HEX_A "\npreshared_key=" HEX_MIXED "\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n"
	"replace_allowed_ips=true\nallowed_ip=10.1.2.3/8\nallowed_ip=-2001:db8::ffff/33\nallowed_ip=0.0.0.0/0\n"
	"public_key=" HEX_B "\nremove=true\n"
	"public_key=" HEX_A "\nupdate_only=true\nendpoint=[fe80::1%1]:1\nprotocol_version=1\nallowed_ip=1.2.3.4/31\n\n";

static const char as_printed[] =
	"private_key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"listen_port=51820\nfwmark=4294967295\nreplace_peers=true\n"
	"public_key=" HEX_A "\npreshared_key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"endpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\n"
	"replace_allowed_ips=true\nallowed_ip=10.0.0.0/8\nallowed_ip=-2001:db8::/33\nallowed_ip=0.0.0.0/0\n"
	"public_key=" HEX_B "\nremove=true\n"
	"public_key=" HEX_A "\nupdate_only=true\nendpoint=[fe80::1%1]:1\nallowed_ip=1.2.3.4/31\n\n";

static void expect_change(const char *expected, const char *what)
{
	char *text = change_print(&s.change);

	cr_expect_str_eq(text, expected, "%s: %s", what, text);
	free(text);
}

Test(uapi_set, whole_request)
{
	cr_assert_eq(parse(whole), 0);
	expect_change(as_printed, "at once");
	cr_expect_eq(s.change.peers[0].endpoint.local_ifindex, 0);
	uapi_set_fini(&s);
	/* and again what has been written */
	cr_assert_eq(parse(as_printed), 0);
	expect_change(as_printed, "again");
	uapi_set_fini(&s);
}

/* However it is cut, and what lies behind it is not taken. */
Test(uapi_set, cut_anywhere)
{
	const size_t len = sizeof(whole) - 1;
	char text[sizeof(whole) + 8];

	memcpy(text, whole, len);
	memcpy(text + len, "get=1\n\n", 7);
	for (size_t a = 0; a <= len; a++) {
		uapi_set_init(&s);
		cr_assert_eq(feed(text, a), a);
		cr_assert_eq(s.done, a == len);
		cr_assert_eq(feed(text + a, len + 7 - a), len - a);
		cr_assert(s.done && !s.rc);
		expect_change(as_printed, "cut in two");
		uapi_set_fini(&s);
	}
	for (size_t n = 1; n < 40; n++) {
		uapi_set_init(&s);
		for (size_t at = 0; at < len; at += n)
			feed(text + at, at + n < len ? n : len - at);
		cr_assert(s.done && !s.rc);
		expect_change(as_printed, "in pieces");
		uapi_set_fini(&s);
	}
}

Test(uapi_set, nothing)
{
	cr_assert_eq(parse("\n"), 0);
	cr_assert(s.done);
	expect_change("\n", "empty");
	uapi_set_fini(&s);
}

/* From the first fault on it is only looked for the end, and nothing is kept. */
Test(uapi_set, after_a_fault)
{
	static const char text[] = PEER "allowed_ip=1.2.3.4/32\nremove=no\nthis is skipped\npublic_key=" HEX_A "\nx=y\n\nget=1\n\n";

	uapi_set_init(&s);
	cr_assert_eq(feed(text, sizeof(text) - 1), sizeof(text) - 1 - 7);
	cr_assert(s.done && !s.broken);
	cr_assert_eq(s.rc, -EINVAL);
	cr_assert_str_eq(s.key, "remove");
	expect_change("\n", "faulty");
	uapi_set_fini(&s);
}

/* The log is told a name of ours, whatever the line was. */
Test(uapi_set, no_value_is_told)
{
	parse("private_key=secret\n\n");
	cr_expect_str_eq(s.key, "private_key");
	uapi_set_fini(&s);
	parse(HEX_A "=1\n\n");
	cr_expect_str_eq(s.key, "an unknown key of the interface");
	uapi_set_fini(&s);
	parse(PEER HEX_A "=1\n\n");
	cr_expect_str_eq(s.key, "an unknown key of a peer");
	uapi_set_fini(&s);
	parse(HEX_A "\n\n");
	cr_expect_str_eq(s.key, "a line without =");
	uapi_set_fini(&s);
}

/* replace_allowed_ips also clears what stands before it; update_only holds for all of the peer. */
Test(uapi_set, order_within_a_peer)
{
	cr_assert_eq(parse(PEER "allowed_ip=1.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=2.0.0.0/8\n"
			   "update_only=true\nreplace_allowed_ips=true\npublic_key=" HEX_A "\nallowed_ip=3.0.0.0/8\n\n"), 0);
	expect_change(PEER "update_only=true\nallowed_ip=1.0.0.0/8\n"
		      PEER "update_only=true\nreplace_allowed_ips=true\nallowed_ip=2.0.0.0/8\n"
		      PEER "update_only=true\nreplace_allowed_ips=true\n"
		      "public_key=" HEX_A "\nallowed_ip=3.0.0.0/8\n\n", "replaced");
	uapi_set_fini(&s);
	cr_assert_eq(parse(PEER "remove=true\nallowed_ip=1.0.0.0/8\nreplace_allowed_ips=true\n\n"), 0);
	expect_change(PEER "remove=true\nallowed_ip=1.0.0.0/8\n" PEER "remove=true\nreplace_allowed_ips=true\n\n", "removed");
	uapi_set_fini(&s);
	cr_assert_eq(parse(PEER "replace_allowed_ips=true\nreplace_allowed_ips=true\nallowed_ip=1.0.0.0/8\n\n"), 0);
	expect_change(PEER "replace_allowed_ips=true\nallowed_ip=1.0.0.0/8\n\n", "twice");
	uapi_set_fini(&s);
}

/* A line of so many characters, that would be good if it was not for its length. */
static size_t long_line(char *out, size_t len)
{
	memcpy(out, "fwmark=", 7);
	memset(out + 7, '0', len - 7);
	memcpy(out + len, "\n\n", 2);
	return len + 2;
}

Test(uapi_set, length_of_a_line)
{
	static char text[2 * UAPI_LINE_MAX];

	for (size_t cut = 0; cut < 5000; cut += cut == 0 || (cut > 4090 && cut < 4100) ? 1 : 4090) {
		size_t n = long_line(text, UAPI_LINE_MAX);

		uapi_set_init(&s);
		if (cut < n)
			feed(text, cut);
		feed(text + (cut < n ? cut : 0), cut < n ? n - cut : n);
		cr_expect(!s.rc && s.done && !s.broken, "%zu", cut);
		uapi_set_fini(&s);
		n = long_line(text, UAPI_LINE_MAX + 1);
		uapi_set_init(&s);
		if (cut < n)
			feed(text, cut);
		feed(text + (cut < n ? cut : 0), cut < n ? n - cut : n);
		cr_expect(s.rc == -EIO && s.done && s.broken, "%zu", cut);
		uapi_set_fini(&s);
	}
	/* and it need not end */
	memset(text, 'x', sizeof(text));
	uapi_set_init(&s);
	feed(text, sizeof(text));
	cr_expect(s.rc == -EIO && s.done && s.broken);
	uapi_set_fini(&s);
}

/* As many lines as there may be, then as many bytes; those after a fault count too. */
static void flood(const char *first, const char *line, size_t line_len, size_t most)
{
	static char many[1024 * 1024];
	size_t each = sizeof(many) / line_len, n = 0;

	uapi_set_init(&s);
	feed(first, strlen(first));
	for (size_t i = 0; i < each; i++)
		memcpy(many + i * line_len, line, line_len);
	while (!s.done && n <= most + each) {
		feed(many, each * line_len);
		n += each;
	}
	cr_expect(s.done && s.broken && n > most - each, "%zu", n);
}

Test(uapi_set, limits)
{
	static char line[UAPI_LINE_MAX + 1];

	flood("", "fwmark=1\n", 9, UAPI_SET_LINES_MAX);
	cr_expect_eq(s.rc, -E2BIG);
	uapi_set_fini(&s);
	flood("bad\n", "x\n", 2, UAPI_SET_LINES_MAX);
	cr_expect_eq(s.rc, -EPROTO, "the first fault");
	uapi_set_fini(&s);
	memset(line, '0', sizeof(line));
	memcpy(line, "fwmark=", 7);
	line[UAPI_LINE_MAX] = '\n';
	flood("", line, sizeof(line), UAPI_SET_BYTES_MAX / sizeof(line));
	cr_expect_eq(s.rc, -E2BIG);
	uapi_set_fini(&s);
}

/* More than a few pages of each. */
Test(uapi_set, many)
{
	enum { PEERS = 5000, IPS = 20 };
	char line[128];

	uapi_set_init(&s);
	for (unsigned int p = 0; p < PEERS; p++) {
		feed(line, (size_t)snprintf(line, sizeof(line), "public_key=%064x\n", p));
		for (unsigned int a = 0; a < IPS; a++)
			feed(line, (size_t)snprintf(line, sizeof(line), "allowed_ip=10.%u.%u.%u/32\n", p / 256, p % 256, a));
	}
	feed("\n", 1);
	cr_assert(s.done && !s.rc);
	cr_assert_eq(s.change.n_peers, PEERS);
	cr_assert_eq(s.change.n_ips, PEERS * IPS);
	for (unsigned int p = 0; p < PEERS; p++) {
		const struct change_peer *peer = &s.change.peers[p];

		cr_assert(peer->public_key[30] == p / 256 && peer->public_key[31] == p % 256);
		cr_assert(peer->first_ip == p * IPS && peer->n_ips == IPS);
		cr_assert_eq(s.change.ips[peer->first_ip + 7].addr[3], 7);
		cr_assert_eq(s.change.ips[peer->first_ip + 7].addr[2], p % 256);
	}
	uapi_set_fini(&s);
}
