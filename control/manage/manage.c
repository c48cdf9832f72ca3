/* SPDX-License-Identifier: BSD-3-Clause */
#include "manage.h"

#include <stdlib.h>

#include "telemetry.h"

struct manage {
	struct metrics *metrics;
	struct telemetry *telemetry;
};

static bool open_socket(struct iface *i)
{
	char err[UAPI_ERRLEN];

	i->managed->uapi = uapi_create(i, err);
	if (i->managed->uapi)
		return true;
	if (i->bare) {
		log_line(LOG_ERR, i->name, "%s", err);
		return false;
	}
	/* As where another namespace has an interface of this name: the tunnel works even so. */
	log_line(LOG_WARN, i->name, "wg(8) cannot see this interface: %s", err);
	return true;
}

static bool show_metrics(struct iface *i)
{
	char err[METRICS_ERRLEN];

	if (metrics_add(i->managed->metrics, i, err) == 0)
		return true;
	log_line(LOG_ERR, i->name, "Metrics: %s", err);
	return false;
}

static bool starts(struct iface *i)
{
	struct manage *m = i->manager_arg;

	i->managed = calloc(1, sizeof(*i->managed));
	if (!i->managed) {
		log_line(LOG_ERR, i->name, "no memory");
		return false;
	}
	i->managed->metrics = m->metrics;
	if (!open_socket(i) || !show_metrics(i))
		return false;
	if (telemetry_add(m->telemetry, i))
		log_line(LOG_WARN, i->name, "no memory to show it on DPDK's telemetry socket");
	return true;
}

/* Who started us as wireguard-go ends us as that, too: by removing the socket. */
static void look_at_socket(struct iface *i)
{
	if (!i->bare || i->state == IFACE_GONE || i->state == IFACE_ENDING || !uapi_removed(i->managed->uapi))
		return;
	log_line(LOG_NOTICE, i->name, "the management socket was removed");
	i->state = IFACE_GONE;
}

static uint64_t tick(struct iface *i, uint64_t now)
{
	uint64_t next;

	if (!i->managed || !i->managed->uapi)
		return UINT64_MAX;
	next = uapi_tick(i->managed->uapi, now);
	look_at_socket(i);
	return next;
}

static void changes(struct iface *i)
{
	if (i->managed)
		uapi_before_change(i->managed->uapi);
}

static void ends(struct iface *i)
{
	struct manage *m = i->manager_arg;

	if (!i->managed)
		return;
	telemetry_remove(m->telemetry, i);
	metrics_remove(m->metrics, i);
	uapi_destroy(i->managed->uapi);
	free(i->managed);
	i->managed = NULL;
}

const struct iface_manager manage_ifaces = {
	.starts = starts,
	.tick = tick,
	.changes = changes,
	.ends = ends,
};

struct manage *manage_create(struct loop *l)
{
	struct manage *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->metrics = metrics_create(l);
	m->telemetry = telemetry_create(l);
	if (m->metrics && m->telemetry)
		return m;
	manage_destroy(m);
	return NULL;
}

void manage_destroy(struct manage *m)
{
	if (!m)
		return;
	telemetry_destroy(m->telemetry);
	metrics_destroy(m->metrics);
	free(m);
}

uint64_t manage_tick(struct manage *m, uint64_t now)
{
	return metrics_tick(m->metrics, now);
}
