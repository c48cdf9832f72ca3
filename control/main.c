/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * wgdp's command line: which of its commands is meant, its options, and the configuration files, all of which are read, and all their faults
 * said, before anything else happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "background.h"
#include "cli.h"
#include "daemon.h"
#include "keytool.h"
#include "log.h"

#define CONF_FOLDER "/etc/wgdp"

enum { TIME_SCALE_MAX = 1000, EXIT_USAGE = 2 };

static void usage(FILE *out)
{
	fputs("usage: wgdp --conf FILE [--conf FILE ...]   run WireGuard interfaces until SIGINT or SIGTERM\n"
	      "       wgdp --check --conf FILE ...         only read the files and say what is wrong with them\n"
	      "       wgdp [-f] NAME                       make an interface for wg(8) and wg-quick(8) to configure, as\n"
	      "                                            wireguard-go does: in the background, or with -f not\n"
	      "       wgdp show [NAME ...] [--json]        peers, traffic, drops, cores\n"
	      "       wgdp top [NAME]                      the same live\n"
	      "       wgdp reload NAME                     read its file again, as SIGHUP does, and say what is wrong with it\n"
	      "       wgdp devices [--json]                NICs that DPDK could own, and what makes them usable\n"
	      "       wgdp genkey | pubkey | genpsk        make keys, as wg(8) does\n"
	      "options:\n"
	      "  -f, --foreground  NAME stays in the foreground\n"
	      "  --verbose         say more\n"
	      "  --time-scale N    for tests: the protocol's timers run N times faster\n"
	      "  --help, --version\n"
	      "FILE is a wg-quick(8) configuration; the interface has its name without .conf. SIGHUP reads it again, SIGUSR1 prints the state.\n"
	      "NAME has its [Dataplane] settings from " CONF_FOLDER "/NAME.conf, or else " CONF_FOLDER "/default.conf.\n",
	      out);
}

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "show", show_main },
	{ "top", top_main },
	{ "reload", reload_main },
	{ "devices", devices_main },
};

struct options {
	const char *files[DAEMON_IFACES_MAX];
	unsigned int n_files, time_scale;
	bool check, foreground, verbose;
	const char *name;	/* NULL: --conf */
};

static void free_confs(struct daemon_conf *dc)
{
	while (dc->n_conf)
		conf_free(dc->conf[--dc->n_conf]);
}

/* A device string without its arguments. */
static bool same_device(const char *a, const char *b)
{
	const size_t len = strcspn(a, ",");

	return strcspn(b, ",") == len && !strncmp(a, b, len);
}

/* The device or the mirror of `c` that `other` has already. NULL: none. Sockets and what the host keeps can be shared. */
static const char *shared(const struct conf *c, const struct conf *other)
{
	const char *device[] = { *c->outer_mirror ? c->outer : NULL, c->lan };
	const char *mirror[] = { c->outer_mirror, c->lan_mirror };
	const char *others[] = { *other->outer_mirror ? other->outer : NULL, other->lan };

	for (int k = 0; k < 4; k++)
		if (device[k / 2] && others[k % 2] && same_device(device[k / 2], others[k % 2]))
			return device[k / 2];
	for (int k = 0; k < 2; k++)
		if (*mirror[k] && (!strcmp(mirror[k], other->outer_mirror) || !strcmp(mirror[k], other->lan_mirror) ||
				   !strcmp(mirror[k], other->ifname)))
			return mirror[k];
	return !strcmp(c->ifname, other->outer_mirror) || !strcmp(c->ifname, other->lan_mirror) ? c->ifname : NULL;
}

/* Whether two files can be run together; else a line says why not. */
static bool go_together(const struct conf *c, const struct conf *before)
{
	const char *both;

	if (!strcmp(before->ifname, c->ifname)) {
		fprintf(stderr, "%s: interface %s is configured by %s already\n", c->path, c->ifname, before->path);
		return false;
	}
	both = shared(c, before);
	if (both)
		fprintf(stderr, "%s: %s has %s already, and only one interface can have it\n", c->path, before->path, both);
	return !both;
}

static bool read_files(struct daemon_conf *dc, const struct options *o)
{
	bool ok = true;

	for (unsigned int k = 0; k < o->n_files; k++) {
		struct conf *c = dc->conf[dc->n_conf++] = conf_read(o->files[k], stderr);

		ok = ok && c;
		for (unsigned int j = 0; c && j < k; j++)
			if (dc->conf[j])
				ok = go_together(c, dc->conf[j]) && ok;
	}
	return ok;
}

/* What wg(8) does not read: the data path's settings, from the interface's own file or the one for all. */
static bool read_settings(struct daemon_conf *dc, const char *name)
{
	char path[2][64 + CONF_IFNAME_LEN];

	dc->conf[0] = conf_default(name, stderr);	/* also checks the name, which becomes part of a path */
	if (!dc->conf[0])
		return false;
	dc->n_conf = 1;
	snprintf(path[0], sizeof(path[0]), CONF_FOLDER "/%s.conf", name);
	snprintf(path[1], sizeof(path[1]), CONF_FOLDER "/default.conf");
	for (int k = 0; k < 2; k++) {
		if (access(path[k], F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
			continue;
		conf_free(dc->conf[0]);
		dc->conf[0] = conf_read_dataplane(path[k], name, stderr);
		return dc->conf[0];
	}
	return true;
}

/* Where wireguard-go's callers look for the name of what was made. */
static bool write_name_file(const char *name)
{
	const char *path = getenv("WG_TUN_NAME_FILE");
	FILE *f;

	if (!path || !*path)
		return true;
	f = fopen(path, "we");
	if (f && fprintf(f, "%s\n", name) > 0 && fclose(f) == 0)
		return true;
	fprintf(stderr, "wgdp: WG_TUN_NAME_FILE=%s: cannot be written: %s\n", path, strerror(errno));
	return false;
}

/* LOG_LEVEL as wireguard-go understands it. */
static void set_log_level(const struct options *o)
{
	const char *level = o->name ? getenv("LOG_LEVEL") : NULL;

	if (o->verbose || (level && (!strcmp(level, "verbose") || !strcmp(level, "debug"))))
		log_set_level(LOG_DEBUG);
	else if (level && !strcmp(level, "error"))
		log_set_level(LOG_ERR);
	else if (level && !strcmp(level, "silent"))
		log_set_level(LOG_NONE);
}

static bool wants_background(const struct options *o)
{
	const char *foreground = getenv("WG_PROCESS_FOREGROUND");	/* wireguard-go's other way to say -f */

	return o->name && !o->foreground && !(foreground && !strcmp(foreground, "1"));
}

static int run_interfaces(const struct options *o)
{
	struct daemon_conf dc = { .bare = o->name, .time_scale = o->time_scale };
	bool ok = o->name ? read_settings(&dc, o->name) : read_files(&dc, o);

	if (!ok || o->check) {
		free_confs(&dc);
		return ok ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	set_log_level(o);
	dc.background = wants_background(o);
	if (dc.background && !background_start()) {
		fprintf(stderr, "wgdp: cannot go into the background: %s\n", strerror(errno));
		free_confs(&dc);
		return EXIT_FAILURE;
	}
	if (o->name && !write_name_file(o->name)) {
		free_confs(&dc);
		return EXIT_FAILURE;
	}
	return daemon_run(&dc);
}

static bool parse_number(const char *text, unsigned int max, unsigned int *n)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	*n = (unsigned int)v;
	return *text >= '0' && *text <= '9' && !*end && v >= 1 && v <= max;
}

/* -1: go on; otherwise the exit status. */
static int parse_options(struct options *o, int argc, char **argv)
{
	static const struct option options[] = {
		{ "conf", required_argument, NULL, 'c' },	{ "check", no_argument, NULL, 'k' },
		{ "foreground", no_argument, NULL, 'f' },	{ "time-scale", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			if (o->n_files == DAEMON_IFACES_MAX) {
				fprintf(stderr, "wgdp: at most %d --conf\n", DAEMON_IFACES_MAX);
				return EXIT_USAGE;
			}
			o->files[o->n_files++] = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'f':
			o->foreground = true;
			break;
		case 't':
			if (parse_number(optarg, TIME_SCALE_MAX, &o->time_scale))
				break;
			fprintf(stderr, "wgdp: --time-scale: a number from 1 to %d expected\n", TIME_SCALE_MAX);
			return EXIT_USAGE;
		case 'v':
			o->verbose = true;
			break;
		case 'h':
			usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			puts("wgdp " WGDP_VERSION);
			return EXIT_SUCCESS;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc)
		o->name = argv[optind++];
	if (optind == argc && (o->name ? !o->n_files && !o->check : o->n_files > 0))
		return -1;
	usage(stderr);
	return EXIT_USAGE;
}

/* A standard descriptor that is closed would be given to a file of ours, and what is said to the user written into that. */
static void open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct options o = { .time_scale = 1 };
	int rc;

	open_standard_descriptors();
	if (argc == 2 && (rc = keytool_run(argv[1])) >= 0)
		return rc;
	for (size_t k = 0; argc > 1 && k < sizeof(commands) / sizeof(commands[0]); k++)
		if (!strcmp(argv[1], commands[k].name))
			return commands[k].run(argc - 1, argv + 1);
	rc = parse_options(&o, argc, argv);
	return rc >= 0 ? rc : run_interfaces(&o);
}
