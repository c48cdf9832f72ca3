/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text to value, one function for each kind of value. Called by conf_keyword.c for each key of a
 * file; pure functions, any thread. A value that must be short is first copied without white space
 * into a buffer on the stack, so that the numbers and addresses below see plain terminated strings.
 */
#include "conf_value.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf_mem.h"

enum {
	SHORT_MAX = 64,		/* a number, a prefix */
	HOST_MAX = 253,		/* RFC 1035 2.3.4, in text */
	LABEL_MAX = 63,
	MTU_MIN = 68,		/* what Linux lets a tun device have */
	MTU_MAX = 65535,
};

const char conf_no_memory[] = "out of memory";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Digits of `base` (10 or 16) and nothing else, up to `max`. */
static bool digits_parse(const char *s, unsigned int base, uint32_t max, uint32_t *out)
{
	uint64_t v = 0;

	if (*s == '\0')
		return false;
	for (; *s; s++) {
		char c = (char)(*s | 0x20);
		unsigned int digit;

		if (is_digit(*s))
			digit = (unsigned int)(*s - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a' + 10);
		else
			return false;
		v = v * base + digit;
		if (v > max)
			return false;
	}
	*out = (uint32_t)v;
	return true;
}

static bool number_parse(struct conf_text t, uint32_t max, uint32_t *out)
{
	char s[SHORT_MAX];

	return conf_text_squeeze(s, sizeof(s), t) && digits_parse(s, 10, max, out);
}

/* Decimal, or hexadecimal behind 0x. */
static bool number_parse_hex(struct conf_text t, uint32_t *out)
{
	char s[SHORT_MAX];

	if (!conf_text_squeeze(s, sizeof(s), t))
		return false;
	if (s[0] == '0' && (s[1] | 0x20) == 'x')
		return digits_parse(s + 2, 16, UINT32_MAX, out);
	return digits_parse(s, 10, UINT32_MAX, out);
}

bool conf_value_key(struct conf_text t, uint8_t *out)
{
	char s[CONF_KEY_B64_LEN + 1];
	bool ok;

	if (!conf_text_squeeze(s, sizeof(s), t)) {
		explicit_bzero(out, CONF_KEY_LEN);
		return false;
	}
	ok = conf_key_decode(out, s, strlen(s));
	explicit_bzero(s, sizeof(s));
	return ok;
}

const char *conf_value_port(struct conf_text t, uint16_t *out)
{
	uint32_t v;

	if (!number_parse(t, UINT16_MAX, &v))
		return "is not a port from 0 to 65535";
	*out = (uint16_t)v;
	return NULL;
}

const char *conf_value_fwmark(struct conf_text t, uint32_t *out)
{
	uint32_t v = 0;

	if (!conf_text_is(t, "off") && !number_parse_hex(t, &v))
		return "is neither off nor a number from 0 to 0xffffffff";
	*out = v;
	return NULL;
}

const char *conf_value_keepalive(struct conf_text t, uint16_t *out)
{
	uint32_t v = 0;

	if (!conf_text_is(t, "off") && !number_parse(t, UINT16_MAX, &v))
		return "is neither off nor a number of seconds from 0 to 65535";
	*out = (uint16_t)v;
	return NULL;
}

const char *conf_value_mtu(struct conf_text t, uint16_t *out)
{
	uint32_t v;

	if (!number_parse(t, MTU_MAX, &v) || v < MTU_MIN)
		return "is not an MTU; a tun interface takes 68 to 65535";
	*out = (uint16_t)v;
	return NULL;
}

const char *conf_value_bool(struct conf_text t, bool *out)
{
	if (!conf_text_is(t, "true") && !conf_text_is(t, "false"))
		return "is neither true nor false";
	*out = conf_text_is(t, "true");
	return NULL;
}

const char *conf_value_table(struct conf_text t, enum conf_table *out, uint32_t *number)
{
	/* rtnetlink(7): RT_TABLE_DEFAULT, RT_TABLE_MAIN, RT_TABLE_LOCAL */
	static const struct { const char *name; uint32_t number; } known[] = {
		{ "default", 253 }, { "main", 254 }, { "local", 255 },
	};
	enum conf_table table = CONF_TABLE_NUMBER;
	uint32_t v = 0;

	if (conf_text_is(t, "off")) {
		table = CONF_TABLE_OFF;
	} else if (conf_text_is(t, "auto")) {
		table = CONF_TABLE_AUTO;
	} else if (!number_parse_hex(t, &v) || v == 0) {
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			if (conf_text_is(t, known[i].name))
				v = known[i].number;
		}
		if (v == 0)
			return "is neither off, auto, nor the number of a routing table";
	}
	*out = table;
	*number = v;
	return NULL;
}

const char *conf_value_prefix(struct conf_text t, struct conf_prefix *out)
{
	static const char wrong[] = "is not a prefix";
	struct conf_prefix prefix = { .family = AF_INET };
	char s[SHORT_MAX];
	uint32_t bits;
	char *slash;

	if (!conf_text_squeeze(s, sizeof(s), t))
		return wrong;
	slash = strchr(s, '/');
	if (slash)
		*slash++ = '\0';
	if (strchr(s, ':'))
		prefix.family = AF_INET6;
	bits = prefix.family == AF_INET ? 32 : 128;
	if (slash && !digits_parse(slash, 10, bits, &bits))
		return wrong;
	if (inet_pton(prefix.family, s, prefix.addr.bytes) != 1)
		return wrong;
	prefix.cidr = (uint8_t)bits;
	*out = prefix;
	return NULL;
}

bool conf_value_mask(struct conf_prefix *prefix)
{
	unsigned int bits = prefix->family == AF_INET ? 32 : 128;
	uint8_t host = 0;

	for (unsigned int i = prefix->cidr / 8; i < bits / 8; i++) {
		uint8_t mask = i == prefix->cidr / 8 ? (uint8_t)(0xff >> prefix->cidr % 8) : 0xff;

		host |= prefix->addr.bytes[i] & mask;
		prefix->addr.bytes[i] &= (uint8_t)~mask;
	}
	return host != 0;
}

/* What the kernel takes for the name of an interface, as far as a config can write it. */
static bool ifname_valid(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > CONF_IFNAME_LEN || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
		return false;
	for (; *s; s++) {
		if (*s <= ' ' || *s > '~' || *s == '/' || *s == ':' || *s == ',')
			return false;
	}
	return true;
}

/* An IPv6 address, with a zone behind % or without. */
static bool host_is_v6(const char *host)
{
	char s[HOST_MAX + 1];
	struct in6_addr v6;
	char *zone;

	strcpy(s, host);
	zone = strchr(s, '%');
	if (zone)
		*zone++ = '\0';
	return inet_pton(AF_INET6, s, &v6) == 1 && (!zone || ifname_valid(zone));
}

/*
 * A name of the DNS (RFC 1123 2.1, and the underscore that is met in practice). One whose last
 * label is a number can only be meant as an address, then in one of the ways of inet_aton(3), of
 * which getaddrinfo(3) takes all.
 */
static bool host_is_name(const char *host)
{
	size_t label = 0, last = 0;
	bool number = true;
	struct in_addr v4;

	for (const char *s = host; *s; s++) {
		if (*s == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!is_alnum(*s) && *s != '-' && *s != '_')
			return false;
		if (label++ == 0)
			number = true;
		number = number && is_digit(*s);
		last = label;
		if (label > LABEL_MAX)
			return false;
	}
	return last > 0 && (!number || inet_aton(host, &v4) != 0);
}

const char *conf_value_endpoint(struct conf_text t, struct conf_endpoint *out)
{
	static const char wrong[] = "is not an endpoint HOST:PORT or [IPV6]:PORT";
	char s[HOST_MAX + sizeof("[]:65535")];
	char *host = s, *colon;
	struct conf_endpoint endpoint;
	uint32_t port;

	if (!conf_text_squeeze(s, sizeof(s), t))
		return wrong;
	colon = strrchr(s, ':');
	if (!colon)
		return "has no port";
	*colon = '\0';
	if (s[0] == '[') {
		size_t len = strlen(s);

		if (len < 2 || s[len - 1] != ']')
			return strchr(s, ']') ? wrong : "has no port";
		s[len - 1] = '\0';
		host = s + 1;
	}
	if (strlen(host) > HOST_MAX ||
	    (strchr(host, ':') ? !host_is_v6(host) : !host_is_name(host)))
		return wrong;
	if (colon[1] == '\0')
		return "has no port";
	if (!digits_parse(colon + 1, 10, UINT16_MAX, &port) || port == 0)
		return "has no port from 1 to 65535";
	endpoint.host = conf_mem_string(host, strlen(host));
	if (!endpoint.host)
		return conf_no_memory;
	endpoint.port = (uint16_t)port;
	*out = endpoint;
	return NULL;
}

/* "3" or "3-5". */
static bool core_range(struct conf_text t, uint32_t *first, uint32_t *last)
{
	struct conf_text head;

	if (!conf_text_cut(&t, '-', &head))
		t = head;
	return number_parse(head, UINT32_MAX, first) && number_parse(t, UINT32_MAX, last) &&
	       *first <= *last;
}

const char *conf_value_cores(struct conf_text t, struct conf_cores *out)
{
	enum { CORES = 1024 };
	bool seen[CORES] = { false };
	unsigned int order[CORES];
	struct conf_text item;
	uint32_t first, last;
	size_t n = 0;
	bool more;

	do {
		more = conf_text_cut(&t, ',', &item);
		if (!core_range(item, &first, &last))
			return "is not a list of cores such as 0-3,5";
		if (last >= CORES)
			return "names a core above 1023";
		for (; first <= last; first++) {
			if (seen[first])
				return "names a core twice";
			seen[first] = true;
			order[n++] = first;
		}
	} while (more);

	*out = (struct conf_cores){ 0 };
	for (size_t i = 0; i < n; i++) {
		unsigned int *core = conf_mem_append(&out->core, &out->n, sizeof(*core));

		if (!core) {
			conf_mem_free(out->core, out->n * sizeof(*core));
			*out = (struct conf_cores){ 0 };
			return conf_no_memory;
		}
		*core = order[i];
	}
	return NULL;
}

const char *conf_value_aead(struct conf_text t, char **out)
{
	static const char *const names[] = { "auto", "openssl", "ipsec-mb" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char *s;

		if (!conf_text_is(t, names[i]))
			continue;
		s = conf_mem_string(names[i], strlen(names[i]));
		if (!s)
			return conf_no_memory;
		*out = s;
		return NULL;
	}
	return "is neither auto, openssl nor ipsec-mb";
}

const char *conf_value_poll(struct conf_text t, bool *always)
{
	if (!conf_text_is(t, "auto") && !conf_text_is(t, "always"))
		return "is neither auto nor always";
	*always = conf_text_is(t, "always");
	return NULL;
}

const char *conf_value_metrics(struct conf_text t, struct conf_endpoint *out)
{
	static const char wrong[] = "is neither off nor a numeric address and port such as 127.0.0.1:9586 or [::1]:9586";
	struct conf_endpoint endpoint = { 0 };
	struct in_addr v4;
	const char *why;

	if (conf_text_is(t, "off")) {
		*out = endpoint;
		return NULL;
	}
	why = conf_value_endpoint(t, &endpoint);
	if (why)
		return why == conf_no_memory ? why : wrong;
	/* Without brackets, the last group of an IPv6 address may have been meant. */
	if (inet_pton(AF_INET, endpoint.host, &v4) != 1 && (!strchr(endpoint.host, ':') || t.s[0] != '[')) {
		free(endpoint.host);
		return wrong;
	}
	*out = endpoint;
	return NULL;
}

const char *conf_value_switch(struct conf_text t, bool *on)
{
	if (!conf_text_is(t, "on") && !conf_text_is(t, "off"))
		return "is neither on nor off";
	*on = conf_text_is(t, "on");
	return NULL;
}

bool conf_value_netdev_valid(struct conf_text name)
{
	char s[CONF_IFNAME_LEN + 1] = "";

	if (name.len > CONF_IFNAME_LEN || memchr(name.s, '\0', name.len))
		return false;
	memcpy(s, name.s, name.len);
	return ifname_valid(s);
}

bool conf_value_ifname_valid(struct conf_text name)
{
	char s[CONF_IFNAME_LEN + 1] = "";

	if (name.len == 0 || name.len > CONF_IFNAME_LEN)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (name.s[i] == '\0' || (!is_alnum(name.s[i]) && !strchr("_=+.-", name.s[i])))
			return false;
	}
	memcpy(s, name.s, name.len);
	return ifname_valid(s);
}

bool conf_value_ifname(const char *path, char out[CONF_IFNAME_LEN + 1])
{
	static const char suffix[] = ".conf";
	const char *name = strrchr(path, '/');
	size_t len;

	name = name ? name + 1 : path;
	len = strlen(name);
	memset(out, 0, CONF_IFNAME_LEN + 1);
	if (len < sizeof(suffix) || strcmp(name + len - (sizeof(suffix) - 1), suffix) != 0)
		return false;
	len -= sizeof(suffix) - 1;
	if (!conf_value_ifname_valid((struct conf_text){ name, len }))
		return false;
	memcpy(out, name, len);
	return true;
}
