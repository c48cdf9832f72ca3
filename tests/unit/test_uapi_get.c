/* SPDX-License-Identifier: BSD-3-Clause */
/* get=1's and peers=1's answer: letter by letter, and the same in pieces of any size. */
#include "uapi_bed.h"

#include "uapi_get.h"
#include "uapi_text.h"

TestSuite(uapi_get, .init = bed_begin, .fini = bed_end, .timeout = 120);

/* All of it, in pieces of `size`; the caller frees it. */
static char *get_in_pieces(size_t size, bool names)
{
	char *piece = malloc(size), *text = NULL;
	size_t len = 0, n;
	FILE *out = open_memstream(&text, &len);
	struct uapi_get g;

	uapi_get_init(&g, &bed, names);
	while ((n = uapi_get_piece(&g, piece, size))) {
		cr_assert(n <= size && piece[n - 1] == '\n');
		fwrite(piece, 1, n, out);
	}
	cr_assert_eq(uapi_get_piece(&g, piece, size), 0, "the end is the end");
	fclose(out);
	free(piece);
	return text;
}

static void expect_of(bool names, const char *expected)
{
	for (size_t size = UAPI_GET_MIN; size < 4000; size += 97) {
		char *text = get_in_pieces(size, names);

		cr_assert_str_eq(text, expected);
		free(text);
	}
}

static void expect(const char *expected)
{
	expect_of(false, expected);
}

static void expect_line(const char *line)
{
	char *text = get_in_pieces(8192, false);

	cr_assert_not_null(strstr(text, line), "%s", text);
	free(text);
}

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define ZEROS_62 "00000000000000000000000000000000000000000000000000000000000000"
/* the run 10 11 12 ..., clamped */
#define PRIVATE "101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e6f"

Test(uapi_get, bare)
{
	bed.identity.valid = false;
	bed_port = 0;
	expect("errno=0\n\n");
}

Test(uapi_get, interface)
{
	bed.fwmark = 4294967295;
	expect("private_key=" PRIVATE "\nlisten_port=51820\nfwmark=4294967295\nerrno=0\n\n");
}

Test(uapi_get, peers)
{
	struct peer *p = bed_add_peer(0x01020304), *q = bed_add_peer(0xff);

	bytes_run(p->remote.preshared_key, WG_KEY_LEN, 0xe8);
	p->endpoint.remote.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(5), .sin_addr.s_addr = htonl(0xc0000201) };
	p->last_handshake = (struct timespec){ 1700000000, 999999999 };
	p->dp.tx_bytes = UINT64_MAX;
	p->dp.rx_bytes = 10;
	p->timers.persistent_interval = 65535 * WG_NS_PER_SEC;
	bed_add_ip(p, "255.255.255.255", 32);
	bed_add_ip(p, "0.0.0.0", 0);
	bed_add_ip(p, "2001:db8::", 32);
	bed_add_ip(p, "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 128);
	bed_add_ip(p, "10.20.100.0", 23);
	expect("private_key=" PRIVATE "\nlisten_port=51820\n"
	       "public_key=0403020100000000000000000000000000000000000000000000000000000000\n"
	       "preshared_key=e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff0001020304050607\nprotocol_version=1\n"
	       "endpoint=192.0.2.1:5\nlast_handshake_time_sec=1700000000\nlast_handshake_time_nsec=999999999\n"
	       "tx_bytes=18446744073709551615\nrx_bytes=10\npersistent_keepalive_interval=65535\n"
	       "allowed_ip=255.255.255.255/32\nallowed_ip=0.0.0.0/0\nallowed_ip=2001:db8::/32\n"
	       "allowed_ip=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128\nallowed_ip=10.20.100.0/23\n"
	       "public_key=ff00000000000000000000000000000000000000000000000000000000000000\n"
	       "preshared_key=" ZEROS "\nprotocol_version=1\nlast_handshake_time_sec=0\nlast_handshake_time_nsec=0\n"
	       "tx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\nerrno=0\n\n");
	q->endpoint.remote.v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(65535), .sin6_scope_id = 4294967295 };
	memset(&q->endpoint.remote.v6.sin6_addr, 0xfe, 16);
	expect_line("\nendpoint=[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe%4294967295]:65535\n");
	q->endpoint.remote.v6.sin6_scope_id = 0;
	expect_line("\nendpoint=[fefe:fefe:fefe:fefe:fefe:fefe:fefe:fefe]:65535\n");
}

/* Names are in the answer to peers=1, and there alone; the longest lines there are fit. */
Test(uapi_get, names)
{
#define NUMBERS "last_handshake_time_sec=0\nlast_handshake_time_nsec=0\ntx_bytes=0\nrx_bytes=0\npersistent_keepalive_interval=0\n"
#define LONGEST "1234567890123456789012345678901234567890123456789012345678901234"
	static const char *const peers[] = { "private_key=" PRIVATE "\nlisten_port=51820\n",
		"public_key=01" ZEROS_62 "\n", "name=J\303\274rgen's phone\n", "preshared_key=" ZEROS "\nprotocol_version=1\n" NUMBERS,
		"public_key=02" ZEROS_62 "\n", "", "preshared_key=" ZEROS "\nprotocol_version=1\n" NUMBERS,
		"public_key=03" ZEROS_62 "\n", "name=" LONGEST "\n", "preshared_key=" ZEROS "\nprotocol_version=1\n" NUMBERS, "errno=0\n\n" };
	char with[2048] = "", without[2048] = "";
	struct peer *p = bed_add_peer(1), *q;

	bed_add_peer(2);
	q = bed_add_peer(3);
	p->label = strdup("J\303\274rgen's phone");
	q->label = strdup(LONGEST);
	for (size_t k = 0; k < sizeof(peers) / sizeof(peers[0]); k++) {
		strcat(with, peers[k]);
		if (strncmp(peers[k], "name=", 5) != 0)
			strcat(without, peers[k]);
	}
	expect_of(true, with);
	expect_of(false, without);
	free(p->label);
	free(q->label);
	p->label = q->label = NULL;
	expect_of(true, without);
}

/* The same endpoint as endpoint_format has it, and back. */
Test(uapi_get, endpoints)
{
	static const char *const text[] = { "0.0.0.0:0", "1.22.133.255:65535", "[::]:0", "[::1]:51820", "[fe80::1%1]:7",
		"[fe80::1%4294967295]:7", "[::ffff:1.2.3.4]:9", "[2001:db8::ff00:42:8329]:443" };

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		char out[ENDPOINT_STRLEN], formatted[ENDPOINT_STRLEN];
		struct endpoint ep;

		cr_assert(uapi_read_endpoint(text[i], strlen(text[i]), &ep));
		*uapi_put_endpoint(out, &ep) = '\0';
		cr_assert_str_eq(out, text[i]);
		cr_assert_str_eq(endpoint_format(&ep, formatted), text[i]);
	}
}

/* Every byte there is, both ways. */
Test(uapi_get, keys)
{
	for (unsigned int first = 0; first < 256; first++) {
		uint8_t key[WG_KEY_LEN], back[WG_KEY_LEN];
		char text[UAPI_KEY_LEN + 1], expected[3];

		bytes_run(key, sizeof(key), (uint8_t)first);
		*uapi_put_key(text, key) = '\0';
		snprintf(expected, sizeof(expected), "%02x", first);
		cr_assert(memcmp(text, expected, 2) == 0);
		cr_assert(uapi_read_key(text, UAPI_KEY_LEN, back));
		cr_assert_arr_eq(key, back, WG_KEY_LEN);
	}
	for (unsigned int c = 0; c < 256; c++) {
		char text[] = ZEROS;
		uint8_t key[WG_KEY_LEN] = { 1 };
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');

		text[c % UAPI_KEY_LEN] = (char)c;
		cr_assert_eq(uapi_read_key(text, UAPI_KEY_LEN, key), digit, "%c", c);
		cr_assert(digit || key[0] == 1, "left alone");
	}
}

/* All that one peer can have that is not an address by itself: 130,560 of IPv4. */
Test(uapi_get, many_prefixes)
{
	struct peer *p = bed_add_peer(1);
	char line[64], *text;
	size_t n = 0;

	for (unsigned int a = 0; a < 255; a++)
		for (unsigned int b = 0; b < 256; b++)
			for (unsigned int half = 0; half < 2; half++) {
				snprintf(line, sizeof(line), "10.%u.%u.%u", a, b, 128 * half);
				bed_add_ip(p, line, 25);
				n++;
			}
	cr_assert_eq(n, 130560);
	bed_add_peer(2);
	text = get_in_pieces(65536, false);
	cr_assert_eq(bed_count_lines(text, "allowed_ip=10."), 130560);
	cr_assert_not_null(strstr(text, "\nallowed_ip=10.254.255.128/25\npublic_key=02000000"));
	cr_assert_eq(bed_count_lines(text, "errno=0"), 1);
	free(text);
}

/* Places that differ are not the same, and each is met again by one who goes unit by unit. */
Test(uapi_get, places)
{
	char out[UAPI_GET_MIN];
	struct uapi_get a, b;
	unsigned int units = 0;

	for (uint32_t n = 0; n < 3; n++) {
		struct peer *p = bed_add_peer(n);
		char addr[16];

		snprintf(addr, sizeof(addr), "10.%u.0.0", n);
		for (uint8_t k = 0; k < n; k++)
			bed_add_ip(p, addr, (uint8_t)(20 + k));
	}
	for (uapi_get_init(&a, &bed, true); a.state != UAPI_GET_DONE; units++) {
		unsigned int same = 0, at = 0, where = 0;

		for (uapi_get_init(&b, &bed, true); b.state != UAPI_GET_DONE; at++) {
			if (uapi_get_same(&a, &b)) {
				same++;
				where = at;
			}
			uapi_get_piece(&b, out, sizeof(out));
		}
		cr_assert(same == 1 && where == units);
		uapi_get_piece(&a, out, sizeof(out));
	}
	cr_assert_eq(units, 1 + 3 + 3 + 1);
	uapi_get_init(&a, &bed, false);
	uapi_get_init(&b, &bed, true);
	cr_assert_not(uapi_get_same(&a, &b), "the same place, but another text");
}
