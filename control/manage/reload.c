/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reload: the file is read and checked; the host's side gets what is new in it (netif_update_begin), the interface changes as one
 * (change_apply), then the host loses what is not wanted any more. Whichever of them fails takes back what came before it.
 */
#include "reload.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "change.h"
#include "iface.h"
#include "listing.h"
#include "manage.h"
#include "notify.h"

static bool same_cores(const struct conf_cores *a, const struct conf_cores *b)
{
	return a->n == b->n && (!a->n || memcmp(a->core, b->core, a->n * sizeof(a->core[0])) == 0);
}

/* The setting that differs and needs a restart, NULL: none. */
static const char *needs_restart(const struct conf *old, const struct conf *new)
{
	if (strcmp(old->outer, new->outer) != 0 || strcmp(old->outer_mirror, new->outer_mirror) != 0)
		return "Outer";
	if (!old->lan != !new->lan || (old->lan && strcmp(old->lan, new->lan) != 0) || strcmp(old->lan_mirror, new->lan_mirror) != 0)
		return "Lan";
	if (!same_cores(&old->rx_cores, &new->rx_cores))
		return "RxCores";
	if (!same_cores(&old->worker_cores, &new->worker_cores))
		return "WorkerCores";
	if (strcmp(old->aead, new->aead) != 0)
		return "Aead";
	if (old->poll_always != new->poll_always)
		return "Poll";
	if (old->table != new->table || old->table_number != new->table_number)
		return "Table";
	return NULL;
}

/* The mark that the sockets shall have: a default route that stays keeps the one it was made with. */
static int choose_fwmark(const struct iface *i, const struct conf *new, uint32_t *fwmark, FILE *diag)
{
	const bool was = netif_has_default(i->conf), is = netif_has_default(new);
	char err[NETIF_ERRLEN];

	if (was && is) {
		*fwmark = netif_mark(i->netif);	/* of the policy rules; wg(8) may have given the sockets another */
		if (!new->fwmark || new->fwmark == *fwmark)
			return 0;
		fprintf(diag, "%s: FwMark cannot change while there is a default route into the tunnel; restart wgdp\n", new->path);
		return -EBUSY;
	}
	if (netif_fwmark(new, fwmark, err) == 0)
		return 0;
	fprintf(diag, "%s: %s\n", new->path, err);
	return -EIO;
}

static struct netif_update *begin_host(struct iface *i, const struct conf *new, uint32_t fwmark, FILE *diag)
{
	struct sockaddr_storage *endpoints = calloc(i->peers.n + 1, sizeof(*endpoints));
	struct netif_conf nc = iface_netif_conf(i, new, fwmark, endpoints);
	char err[NETIF_ERRLEN] = "no memory";
	struct netif_update *u = endpoints ? netif_update_begin(i->netif, i->conf, &nc, err) : NULL;

	free(endpoints);
	if (!u)
		fprintf(diag, "%s: %s\n", new->path, err);
	return u;
}

static int apply(struct iface *i, const struct conf *new, uint32_t fwmark, FILE *diag)
{
	struct change c;
	int rc = -ENOMEM;

	change_init(&c);
	if (listing_change(&c, i, new, fwmark))
		rc = change_apply(i, &c);
	change_fini(&c);
	if (rc == -EADDRINUSE)
		fprintf(diag, "%s: ListenPort = %u belongs to another process\n", new->path, new->listen_port);
	else if (rc)
		fprintf(diag, "%s: cannot be applied: %s\n", new->path, strerror(-rc));
	return rc;
}

/* The sockets' mark alone. The reason of a failure is logged. */
static int set_mark(struct iface *i, uint32_t fwmark)
{
	struct change c;
	int rc;

	change_init(&c);
	c.has_fwmark = true;
	c.fwmark = fwmark;
	rc = change_apply(i, &c);
	change_fini(&c);
	return rc;
}

/* The page has another address: what it was is known good. */
static int move_metrics(struct iface *i, const struct conf *new, FILE *diag)
{
	char err[METRICS_ERRLEN];
	int rc;

	if (!i->managed)
		return 0;
	rc = metrics_move(i->managed->metrics, i, new, err);
	if (rc)
		fprintf(diag, "%s: Metrics: %s\n", new->path, err);
	return rc;
}

/* Host, page, interface, in this order; what has been done is undone if one fails. */
static int change_all(struct iface *i, struct conf *new, uint32_t fwmark, FILE *diag)
{
	struct netif_update *u = begin_host(i, new, fwmark, diag);
	char err[NETIF_ERRLEN];
	int rc;

	if (!u)
		return -EIO;
	/* The rules of a default route that goes are there until the end: so the mark is, too. */
	if (netif_has_default(i->conf) && !netif_has_default(new))
		fwmark = i->fwmark;
	rc = move_metrics(i, new, diag);
	if (!rc)
		rc = apply(i, new, fwmark, diag);
	if (rc) {
		if (i->managed && metrics_move(i->managed->metrics, i, i->conf, err))
			log_line(LOG_WARN, i->name, "Metrics: %s", err);
		netif_update_abort(u);
		return rc;
	}
	if (netif_update_commit(u, err))
		log_line(LOG_WARN, i->name, "%s", err);
	return 0;
}

/*
 * A default route's rules send into the tunnel what is not marked: our own packets, too, were the sockets not marked from before they come
 * until they have gone.
 */
static int change_to(struct iface *i, struct conf *new, FILE *diag)
{
	const char *fixed = needs_restart(i->conf, new);
	const uint32_t before = i->fwmark;
	uint32_t fwmark;
	int rc;

	if (fixed) {
		fprintf(diag, "%s: %s cannot change while the interface runs; restart wgdp\n", new->path, fixed);
		return -EBUSY;
	}
	iface_ignore_self(i, new);
	rc = choose_fwmark(i, new, &fwmark, diag);
	if (rc)
		return rc;
	if (netif_has_default(new))
		rc = set_mark(i, fwmark);
	if (rc) {
		fprintf(diag, "%s: FwMark cannot be set: %s\n", new->path, strerror(-rc));
		return rc;
	}
	rc = change_all(i, new, fwmark, diag);
	if (i->fwmark != (rc ? before : fwmark) && set_mark(i, rc ? before : fwmark))
		log_line(LOG_WARN, i->name, "the sockets keep the mark 0x%x", i->fwmark);
	return rc;
}

/* Nothing that would keep us waiting when it is opened, as a pipe does. */
static bool is_file(const char *path, FILE *diag)
{
	struct stat st;

	if (stat(path, &st) < 0)
		fprintf(diag, "%s: cannot be read: %m\n", path);
	else if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		fprintf(diag, "%s: is not a regular file, and cannot be read again\n", path);
	else
		return true;
	return false;
}

static int load(struct iface *i, FILE *diag)
{
	struct conf *new = is_file(i->conf->path, diag) ? conf_read(i->conf->path, diag) : NULL;
	int rc;

	if (!new)
		return -EINVAL;
	rc = change_to(i, new, diag);
	if (rc) {
		conf_free(new);
		return rc;
	}
	listing_adopt(i, new);
	conf_free(i->conf);
	i->conf = new;
	__atomic_store_n(&i->dp->mtu, netif_mtu(i->netif), __ATOMIC_RELAXED);
	log_line(LOG_NOTICE, i->name, "%s was read again: %u peers", new->path, i->peers.n);
	return 0;
}

int reload_iface(struct iface *i, FILE *diag)
{
	int rc;

	if (i->bare) {
		fprintf(diag, "%s: there is no file to read again: wg(8) configures this interface\n", i->name);
		return -ENOENT;
	}
	if (i->state != IFACE_UP) {
		fprintf(diag, "%s: is not up yet, or going down\n", i->name);
		return -EBUSY;
	}
	notify_reloading();
	rc = load(i, diag);
	notify_reloaded();
	return rc;
}
