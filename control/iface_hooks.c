/* SPDX-License-Identifier: BSD-3-Clause */
#include "iface_hooks.h"

static void hook_ended(void *arg)
{
	(void)arg;	/* it ends the wait in iface_run_hooks, which looks */
}

bool iface_run_hooks(struct iface *i, const struct conf_strings *commands, const char *name, bool keep_going)
{
	struct hooks_conf conf = { .commands = commands, .kind = name, .ifname = i->name, .keep_going = keep_going };
	const unsigned int stops = loop_stops(i->loop);
	enum hooks_state state = HOOKS_FAILED;
	struct hooks *h;

	if (!commands->n)
		return true;
	h = hooks_create(&conf);
	if (h && loop_add(i->loop, hooks_fd(h), hook_ended, NULL) == 0) {
		/* A signal that comes meanwhile ends them. */
		while ((state = hooks_step(h)) == HOOKS_RUNNING && loop_stops(i->loop) == stops)
			loop_round(i->loop);	/* the other interfaces go on */
		loop_remove(i->loop, hooks_fd(h));
	}
	if (state == HOOKS_RUNNING)
		log_line(LOG_NOTICE, i->name, "%s: interrupted", name);
	else if (!h)
		log_line(LOG_ERR, i->name, "%s: no memory", name);
	else if (state == HOOKS_FAILED && !keep_going)	/* otherwise each has been said */
		log_line(LOG_ERR, i->name, "%s", *hooks_error(h) ? hooks_error(h) : "too many descriptors");
	hooks_destroy(h);
	return state == HOOKS_DONE;
}

void iface_post_up_end(struct iface *i)
{
	loop_remove(i->loop, hooks_fd(i->post_up));
	hooks_destroy(i->post_up);
	i->post_up = NULL;
}

static void post_up_ready(void *arg)
{
	struct iface *i = arg;

	switch (hooks_step(i->post_up)) {
	case HOOKS_RUNNING:
		return;
	case HOOKS_DONE:
		i->state = IFACE_UP;
		log_line(LOG_NOTICE, i->name, "up");
		break;
	case HOOKS_FAILED:
		i->state = IFACE_FAILED;
		log_line(LOG_ERR, i->name, "%s", hooks_error(i->post_up));
		break;
	}
	iface_post_up_end(i);
}

bool iface_post_up(struct iface *i)
{
	struct hooks_conf conf = { .commands = &i->conf->post_up, .kind = "PostUp", .ifname = i->name };

	i->post_up = hooks_create(&conf);
	if (!i->post_up || loop_add(i->loop, hooks_fd(i->post_up), post_up_ready, i)) {
		log_line(LOG_ERR, i->name, "cannot run PostUp: %m");
		return false;
	}
	post_up_ready(i);
	return true;
}
