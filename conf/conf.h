/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * site.conf: the language of wg(8) and wg-quick(8), plus a [Dataplane] section, parsed into a plain
 * struct. Knows nothing but files and text. Any thread; no globals.
 */
#ifndef WGDP_CONF_H
#define WGDP_CONF_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CONF_KEY_LEN = 32, CONF_KEY_B64_LEN = 44, CONF_IFNAME_LEN = 15, CONF_NAME_LEN = 64 };

/* A prefix. Host bits are kept as written in `Address`, and cleared in `AllowedIPs`. */
struct conf_prefix {
	int family;		/* AF_INET or AF_INET6 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
		uint8_t bytes[16];
	} addr;			/* network order */
	uint8_t cidr;
};

/* Endpoint as written: a numeric address (v6 without brackets, zone id kept) or a name. Not
 * resolved here. */
struct conf_endpoint {
	char *host;		/* NULL: none given */
	uint16_t port;		/* host order, never 0 when host is given */
};

/*
 * A peer's name is the first comment of its section that can be one: behind `[Peer]` itself, or on a line of its own before
 * another key of the section (what stands behind the last key may be about the next section). `# alice`, `# Name = alice` and
 * `# friendly_name = alice` all say alice. Passed over: other comments with an equals sign, which are keys commented out; what
 * has no letter or digit; what is not printable UTF-8; and whatever could be a key.
 */
struct conf_peer {
	unsigned int line;	/* of its [Peer] */
	char *name;		/* UTF-8 of 1 to CONF_NAME_LEN bytes, printable; NULL: none */
	uint8_t public_key[CONF_KEY_LEN];
	uint8_t preshared_key[CONF_KEY_LEN];	/* zeros: none */
	struct conf_endpoint endpoint;
	uint16_t persistent_keepalive;	/* seconds, 0: off */
	struct conf_prefix *allowed_ips;
	size_t n_allowed_ips;
};

enum conf_table { CONF_TABLE_AUTO, CONF_TABLE_OFF, CONF_TABLE_NUMBER };

/* Cores as a list of numbers, in the order written. n == 0: not given. */
struct conf_cores {
	unsigned int *core;
	size_t n;
};

struct conf_strings {
	char **s;
	size_t n;
};

struct conf {
	char *path;			/* as given */
	char ifname[CONF_IFNAME_LEN + 1];	/* the file's base name without .conf */

	/* [Interface] */
	bool has_private_key;
	uint8_t private_key[CONF_KEY_LEN];	/* as written, not clamped */
	uint16_t listen_port;		/* 0: choose a free one */
	uint32_t fwmark;		/* 0: none */
	bool has_fwmark;		/* FwMark was written (off or 0 counts) */
	struct conf_prefix *addresses;
	size_t n_addresses;
	uint16_t mtu;			/* 68 to 65535, as tun; 0: by the routes to endpoints */
	enum conf_table table;
	uint32_t table_number;		/* 1 or more with CONF_TABLE_NUMBER, else 0 */
	/* with %i already replaced by ifname */
	struct conf_strings pre_up, post_up, pre_down, post_down;

	/* each public key once, in the order of their last [Peer] */
	struct conf_peer *peers;
	size_t n_peers;

	/* [Dataplane] */
	char *outer; /* "kernel", "kernel,iface=vrf1", "net_x0,k=v", "0000:03:00.0"; never NULL */
	char outer_mirror[CONF_IFNAME_LEN + 1];	/* Outer = ... as NAME: DPDK owns the device, the host has NAME; "": the host keeps the netdev */
	char *lan; /* Lan = DEVICE as NAME, like an outer that DPDK owns; NULL: none */
	char lan_mirror[CONF_IFNAME_LEN + 1];	/* "" without lan */
	struct conf_cores rx_cores, worker_cores;
	char *aead;			/* "auto", "openssl", "ipsec-mb"; never NULL */
	bool poll_always;		/* Poll = always; false: auto */
	struct conf_endpoint metrics;	/* where to answer Prometheus; a numeric address; host NULL: off */
	bool metrics_peers;		/* a page names single peers; the default */
};

/*
 * Reads `path`. Every fault becomes one line `PATH:LINE: Key: what is wrong` on `diag`, warnings
 * likewise with "warning: " after the line number; what concerns the whole file has no line number.
 * NULL if there was any fault (a warning is none), or the file cannot be read. The caller frees
 * with conf_free. No message ever holds a private or preshared key.
 */
struct conf *conf_read(const char *path, FILE *diag);

/* The same from memory, for tests and fuzzing. `path` names it in messages and gives the interface
 * its name. No file checks. */
struct conf *conf_parse(const char *path, const char *text, size_t len, FILE *diag);

/*
 * For an interface that wg(8) configures: reads `path` as conf_read does, with the same faults and warnings, but keeps [Dataplane]
 * alone. All else may be there, need not, and is wiped. The interface is called `ifname`, whatever the file is. NULL also when no
 * interface can be called so, with a line on `diag` that has no path in front.
 */
struct conf *conf_read_dataplane(const char *path, const char *ifname, FILE *diag);

/* The same from memory, as conf_parse is to conf_read. */
struct conf *conf_parse_dataplane(const char *path, const char *ifname, const char *text, size_t len, FILE *diag);

/* The same without any file: every setting is the default, path is "". */
struct conf *conf_default(const char *ifname, FILE *diag);

/* Wipes the private key and the preshared keys: for who has taken them over and wants only the rest of c. */
void conf_forget_keys(struct conf *c);

/* Wipes the keys and frees. NULL is allowed. */
void conf_free(struct conf *c);

/* 44 characters and a terminating 0 into `out`. Constant time in the key's bits. */
void conf_key_encode(char out[CONF_KEY_B64_LEN + 1], const uint8_t key[CONF_KEY_LEN]);

/* `text` must be exactly 44 characters of base64 for 32 bytes; false otherwise (key is wiped).
 * Constant time in the key's bits. */
bool conf_key_decode(uint8_t key[CONF_KEY_LEN], const char *text, size_t len);

#endif
