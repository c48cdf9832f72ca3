/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From one conf to another while the interface runs. begin reckons what differs and adds, in the order of netif_up: MTU, addresses,
 * routes, default routes. What came with the new addresses by itself is then there to be seen, and routes that it makes
 * unnecessary, or whose own such route goes, are reckoned with it. commit and abort take away, in the reverse order.
 *
 * Two things the kernel does when an address goes are made good: other IPv4 addresses of its network can go with it, and with the
 * last IPv4 address all IPv4 routes of the interface go. Called by the control thread.
 */
#include "netif_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const int families[] = { AF_INET, AF_INET6 };

struct netif_update {
	struct netif *n;
	const struct conf *old, *new;
	uint32_t table; /* of plain routes */
	uint32_t old_fwmark, old_mtu, new_mtu;
	bool here; /* the interface can be asked */
	bool work; /* more than the MTU differs */

	struct netif_prefixes addrs_add, addrs_gone; /* as the confs have it */
	struct netif_prefixes addrs_added, addrs_swapped; /* done: added, and removed to make room for them */
	struct netif_prefixes onlink; /* with the new addresses */
	struct netif_prefixes routes_old, routes_new, routes_gone;
	struct netif_prefixes routes_added; /* done */
	bool default_added[2], nft_changed[2]; /* done */
	bool mtu_set; /* done */
};

static void update_free(struct netif_update *u)
{
	netif_prefixes_free(&u->addrs_add);
	netif_prefixes_free(&u->addrs_gone);
	netif_prefixes_free(&u->addrs_added);
	netif_prefixes_free(&u->addrs_swapped);
	netif_prefixes_free(&u->onlink);
	netif_prefixes_free(&u->routes_old);
	netif_prefixes_free(&u->routes_new);
	netif_prefixes_free(&u->routes_gone);
	netif_prefixes_free(&u->routes_added);
	free(u);
}

static bool addresses_of(const struct conf *c, struct netif_prefixes *list, char *err)
{
	char text[NETIF_PREFIX_STRLEN];

	for (size_t i = 0; i < c->n_addresses; i++)
		netif_prefixes_add(list, &c->addresses[i]);
	if (list->no_memory)
		return netif_fail(err, "out of memory");
	netif_prefixes_sort(list);
	for (size_t i = 1; i < list->n; i++)
		if (!netif_prefix_cmp(&list->p[i - 1], &list->p[i]))
			return netif_fail(err, "cannot add Address %s: it is there twice",
					  netif_prefix(&list->p[i], text));
	return true;
}

/* Below an MTU of 1280 there is no IPv6 on an interface: the kernel has dropped all of it, or will. */
static bool plan_addresses(struct netif_update *u, bool v6_was, char *err)
{
	struct netif_prefixes old = { 0 }, new = { 0 };
	bool ok = addresses_of(u->old, &old, err) && addresses_of(u->new, &new, err);

	if (!v6_was)
		netif_prefixes_drop_family(&old, AF_INET6);
	if (u->new_mtu < NETIF_MTU_MIN)
		netif_prefixes_drop_family(&new, AF_INET6);
	netif_prefixes_minus(&u->addrs_add, &new, &old);
	netif_prefixes_minus(&u->addrs_gone, &old, &new);
	netif_prefixes_free(&old);
	netif_prefixes_free(&new);
	if (ok && (u->addrs_add.no_memory || u->addrs_gone.no_memory))
		return netif_fail(err, "out of memory");
	return ok;
}

static bool has_family(const struct netif_prefixes *list, int family)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->p[i].family == family)
			return true;
	return false;
}

/* Where somebody else has set an MTU too small for IPv6, there is nothing to be done about its routes. */
static bool routes_wanted_new(struct netif_update *u, const struct netif_prefixes *onlink, struct netif_prefixes *list,
			      char *err)
{
	if (!netif_routes_wanted(u->new, onlink, list, err))
		return false;
	if (u->new_mtu >= NETIF_MTU_MIN)
		return true;
	if (u->new_mtu != u->old_mtu && (has_family(list, AF_INET6) || netif_wants_default(u->new, AF_INET6)))
		return netif_fail(err, "MTU %u is too small for the AllowedIPs of IPv6, which needs %d", u->new_mtu,
				  NETIF_MTU_MIN);
	netif_prefixes_drop_family(list, AF_INET6);
	return true;
}

/* As far as it shows before the new addresses are there. */
static bool plan_routes(struct netif_update *u, bool v6_was, char *err)
{
	struct netif_prefixes wanted = { 0 };
	bool ok = netif_routes_wanted(u->old, &u->n->onlink, &u->routes_old, err) &&
		  routes_wanted_new(u, &u->n->onlink, &wanted, err);

	if (!v6_was)
		netif_prefixes_drop_family(&u->routes_old, AF_INET6);
	u->work = u->addrs_add.n || u->addrs_gone.n || !netif_prefixes_equal(&u->routes_old, &wanted);
	for (int i = 0; i < 2; i++)
		u->work |= netif_wants_default(u->old, families[i]) != netif_wants_default(u->new, families[i]) ||
			   (netif_wants_default(u->new, families[i]) && netif_nft_differs(u->old, u->new, families[i]));
	netif_prefixes_free(&wanted);
	return ok;
}

/* The mark that the sockets still have keeps the search for a way to endpoints out of the tunnel. */
static bool plan_mtu(struct netif_update *u, const struct netif_conf *nc, char *err)
{
	struct netif_conf conf = *nc;

	u->new_mtu = u->old_mtu;
	if (nc->conf->mtu ? nc->conf->mtu == u->old->mtu : !u->here)
		return true;
	if (netif_has_default(u->old))
		conf.fwmark = u->n->fwmark;
	conf.ifindex = u->n->ifindex;
	return netif_mtu_choose(&u->n->nl, &conf, &u->new_mtu, err);
}

static bool plan(struct netif_update *u, const struct netif_conf *nc, char *err)
{
	struct netif *n = u->n;
	struct netif_link link = { .mtu = n->mtu };
	bool v6_was;

	if (netif_has_default(u->old) && netif_has_default(u->new) && nc->fwmark != n->fwmark)
		return netif_fail(err, "the mark 0x%x of the default route cannot become 0x%x while it stands", n->fwmark,
				  nc->fwmark);
	u->here = !n->gone && netif_link_get(&n->nl, n->ifindex, &link) == 0;
	u->old_mtu = link.mtu;
	v6_was = link.mtu >= NETIF_MTU_MIN;
	if (!plan_mtu(u, nc, err) || !plan_addresses(u, v6_was, err) || !plan_routes(u, v6_was, err))
		return false;
	if (!u->here && (u->work || u->new_mtu != u->old_mtu))
		return netif_fail(err, "%s is not in this network namespace any more: its addresses, MTU and routes "
				       "cannot be changed", n->ifname);
	if (u->work && !link.up)
		return netif_fail(err, "%s is down: its addresses and routes cannot be changed; do first: ip link set %s up",
				  link.name, link.name);
	return true;
}

/* Of IPv6 there is an address only once, whatever its prefix length. The same address in old, or NULL. */
static const struct conf_prefix *same_v6(const struct netif_prefixes *list, const struct conf_prefix *p)
{
	for (size_t i = 0; p->family == AF_INET6 && i < list->n; i++)
		if (list->p[i].family == AF_INET6 && !memcmp(list->p[i].addr.bytes, p->addr.bytes, 16))
			return &list->p[i];
	return NULL;
}

static bool address_swap(struct netif_update *u, const struct conf_prefix *old, const struct conf_prefix *new, char *err)
{
	netif_prefixes_add(&u->addrs_swapped, old);
	if (u->addrs_swapped.no_memory)
		return netif_fail(err, "out of memory");
	return netif_address_delete(u->n, old, err) && netif_address_add(u->n, new, err) == 0;
}

/* In the order of the conf, which says what is the first of a network. One that is there already is fine. */
static bool addresses_add(struct netif_update *u, char *err)
{
	for (size_t i = 0; i < u->new->n_addresses; i++) {
		const struct conf_prefix *p = &u->new->addresses[i], *other;
		struct netif_prefixes present = { 0 };
		int rc;

		if (!netif_prefixes_has(&u->addrs_add, p))
			continue;
		rc = netif_address_add(u->n, p, err);
		if (rc && rc != -EEXIST)
			return false;
		if (rc) {
			bool there = netif_addresses(u->n, &present, err) && netif_prefixes_has(&present, p);

			netif_prefixes_free(&present);
			other = same_v6(&u->addrs_gone, p);
			if (there)
				continue;
			if (!other || !address_swap(u, other, p, err))
				return false;
		}
		netif_prefixes_add(&u->addrs_added, p);
		if (u->addrs_added.no_memory) {
			netif_address_delete(u->n, p, NULL);
			return netif_fail(err, "out of memory");
		}
	}
	return true;
}

/*
 * Routes whose prefix an address brings that will go, and that are wanted after. IPv4 has a route only once, unless it is put behind
 * the other on purpose. Those made are moved from todo to made.
 */
static bool routes_take_over(struct netif_update *u, struct netif_prefixes *todo, struct netif_prefixes *made, char *err)
{
	struct netif_prefixes rest = { 0 };

	for (size_t i = 0; i < u->addrs_gone.n; i++) {
		struct conf_prefix network = netif_network(&u->addrs_gone.p[i]);
		int rc;

		if (network.family != AF_INET || !netif_prefixes_has(todo, &network) ||
		    !netif_prefixes_has(&u->n->onlink, &network))
			continue;
		rc = netif_route_append(u->n, &network, u->table);
		if (rc && rc != -EEXIST)
			return netif_fail(err, "cannot add a route: %s", u->n->nl.error);
		if (!rc)
			netif_prefixes_add(made, &network);
	}
	netif_prefixes_sort(made);
	netif_prefixes_minus(&rest, todo, made);
	netif_prefixes_free(todo);
	*todo = rest;
	return !(made->no_memory || rest.no_memory) || netif_fail(err, "out of memory");
}

static bool routes_add(struct netif_update *u, char *err)
{
	struct netif_prefixes todo = { 0 };
	bool ok;

	netif_prefixes_minus(&todo, &u->routes_new, &u->routes_old);
	netif_prefixes_minus(&u->routes_gone, &u->routes_old, &u->routes_new);
	if (todo.no_memory || u->routes_gone.no_memory)
		ok = netif_fail(err, "out of memory");
	else
		ok = routes_take_over(u, &todo, &u->routes_added, err);
	if (ok)
		ok = netif_routes_add(u->n, &todo, u->table, err);
	else
		todo.n = 0;
	for (size_t i = 0; i < todo.n; i++)
		netif_prefixes_add(&u->routes_added, &todo.p[i]);
	if (u->routes_added.no_memory) {
		netif_routes_delete(u->n, &todo, u->table, NULL);
		ok = netif_fail(err, "out of memory");
	}
	netif_prefixes_free(&todo);
	return ok;
}

static bool defaults_add(struct netif_update *u, char *err)
{
	for (int i = 0; i < 2; i++) {
		bool was = netif_wants_default(u->old, families[i]);

		if (!netif_wants_default(u->new, families[i]))
			continue;
		if (!was) {
			u->default_added[i] = true;
			if (!netif_default_add(u->n, u->new, families[i], err))
				return false;
		} else if (u->old_mtu < NETIF_MTU_MIN && u->mtu_set && families[i] == AF_INET6 &&
			   !netif_default_route(u->n, AF_INET6, err)) {
			return false;
		}
		if (was && netif_nft_differs(u->old, u->new, families[i])) {
			u->nft_changed[i] = true;
			if (!netif_nft_change(u->n, u->new, families[i], err))
				return false;
		}
	}
	return true;
}

/* IPv6 that comes back with the MTU begins with an address of the kernel's own; see netif.c. */
static bool mtu_change(struct netif_update *u, char *err)
{
	static const struct conf_prefix linklocal = { .family = AF_INET6, .addr.bytes = { 0xfe, 0x80 }, .cidr = 10 };
	struct netif_prefixes present = { 0 };
	bool ok = true;

	if (!netif_mtu_set(u->n, u->new_mtu, err))
		return false;
	u->mtu_set = true;
	if (u->old_mtu >= NETIF_MTU_MIN)
		return true;
	netif_link_no_linklocal(u->n);
	ok = netif_addresses(u->n, &present, err);
	for (size_t i = 0; i < present.n; i++)
		if (netif_covers(&linklocal, &present.p[i]))
			ok = netif_address_delete(u->n, &present.p[i], err) && ok;
	netif_prefixes_free(&present);
	return ok;
}

static bool apply(struct netif_update *u, const struct netif_conf *nc, char *err)
{
	u->n->fwmark = nc->fwmark;
	if (u->new_mtu != u->old_mtu && u->new_mtu >= NETIF_MTU_MIN && !mtu_change(u, err))
		return false;
	if (!u->work)
		return true;
	if (!addresses_add(u, err))
		return false;
	if (u->new->table != CONF_TABLE_OFF && !netif_routes_onlink(u->n, u->new, &u->onlink, err))
		return false;
	return routes_wanted_new(u, &u->onlink, &u->routes_new, err) && routes_add(u, err) && defaults_add(u, err);
}

struct netif_update *netif_update_begin(struct netif *n, const struct conf *old, const struct netif_conf *nc,
					char err[NETIF_ERRLEN])
{
	struct netif_update *u = calloc(1, sizeof(*u));

	if (!u) {
		netif_fail(err, "out of memory");
		return NULL;
	}
	u->n = n;
	u->old = old;
	u->new = nc->conf;
	u->table = netif_table(old);
	u->old_fwmark = n->fwmark;
	if (!plan(u, nc, err)) {
		update_free(u);
		return NULL;
	}
	if (apply(u, nc, err))
		return u;
	netif_update_abort(u);
	return NULL;
}

/* All IPv4 routes that `stays` wants, its default route too. */
static bool routes_restore(struct netif_update *u, const struct conf *stays, const struct netif_prefixes *routes, char *err)
{
	struct netif_prefixes list = { 0 };
	bool ok;

	for (size_t i = 0; i < routes->n; i++)
		if (routes->p[i].family == AF_INET)
			netif_prefixes_add(&list, &routes->p[i]);
	ok = list.no_memory ? netif_fail(err, "out of memory") : netif_routes_add(u->n, &list, u->table, err);
	netif_prefixes_free(&list);
	if (netif_wants_default(stays, AF_INET))
		ok = netif_default_route(u->n, AF_INET, err) && ok;
	return ok;
}

/* Removes addresses, and puts back what the kernel takes along of what `stays` has. */
static bool addresses_remove(struct netif_update *u, const struct netif_prefixes *list, const struct conf *stays,
			     const struct netif_prefixes *routes, char *err)
{
	struct netif_prefixes before = { 0 }, after = { 0 };
	bool promoted, ok = true;

	if (!list->n)
		return true;
	ok = netif_addresses(u->n, &before, err);
	promoted = netif_promote_secondaries(u->n, true);
	for (size_t i = 0; i < list->n; i++)
		ok = netif_address_delete(u->n, &list->p[i], err) && ok;
	if (promoted)
		netif_promote_secondaries(u->n, false);
	ok = netif_addresses(u->n, &after, err) && ok;
	for (size_t i = 0; i < stays->n_addresses; i++) {
		const struct conf_prefix *p = &stays->addresses[i];

		if (netif_prefixes_has(&before, p) && !netif_prefixes_has(&after, p) && !netif_prefixes_has(list, p))
			ok = !netif_address_add(u->n, p, err) && ok;
	}
	if (has_family(&before, AF_INET) && !has_family(&after, AF_INET))
		ok = routes_restore(u, stays, routes, err) && ok;
	netif_prefixes_free(&before);
	netif_prefixes_free(&after);
	return ok;
}

int netif_update_commit(struct netif_update *u, char err[NETIF_ERRLEN])
{
	struct netif *n = u->n;
	bool ok = true;

	for (int i = 0; i < 2; i++)
		if (netif_wants_default(u->old, families[i]) && !netif_wants_default(u->new, families[i]))
			ok = netif_default_remove(n, families[i], u->old_fwmark, err) && ok;
	ok = netif_routes_delete(n, &u->routes_gone, u->table, err) && ok;
	ok = addresses_remove(u, &u->addrs_gone, u->new, &u->routes_new, err) && ok;
	if (u->new_mtu != u->old_mtu && !u->mtu_set)
		ok = netif_mtu_set(n, u->new_mtu, err) && ok;
	if (u->work) {
		netif_prefixes_free(&n->onlink);
		n->onlink = u->onlink;
		u->onlink = (struct netif_prefixes){ 0 };
	}
	update_free(u);
	return ok ? 0 : -1;
}

void netif_update_abort(struct netif_update *u)
{
	struct netif *n = u->n;

	for (int i = 0; i < 2; i++) {
		if (u->default_added[i])
			netif_default_remove(n, families[i], n->fwmark, NULL);
		if (u->nft_changed[i])
			netif_nft_change(n, u->old, families[i], NULL);
	}
	netif_routes_delete(n, &u->routes_added, u->table, NULL);
	n->fwmark = u->old_fwmark;
	addresses_remove(u, &u->addrs_added, u->old, &u->routes_old, NULL);
	for (size_t i = 0; i < u->addrs_swapped.n; i++)
		netif_address_add(n, &u->addrs_swapped.p[i], NULL);
	if (u->mtu_set)
		netif_mtu_set(n, u->old_mtu, NULL);
	update_free(u);
}
