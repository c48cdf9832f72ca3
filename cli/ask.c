/* SPDX-License-Identifier: BSD-3-Clause */
#include "ask.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "ask_conn.h"

bool ask_name_ok(const char *name)
{
	const size_t len = strlen(name);

	if (len == 0 || len > CONF_IFNAME_LEN || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t k = 0; k < len; k++)
		if (!isalnum((unsigned char)name[k]) && !strchr("_=+.-", name[k]))
			return false;
	return true;
}

static bool print_message(void *arg, char *key, char *value)
{
	FILE *messages = arg;

	if (!strcmp(key, "message"))
		fprintf(messages, "%s\n", value);
	return true;
}

static enum ask_conn_state ask_and_wait(struct ask_conn *c, int *code, char err[ASK_ERRLEN])
{
	enum ask_conn_state state;

	while ((state = ask_conn_step(c, code, err)) == ASK_CONN_MORE) {
		struct pollfd p;
		int wait_ms;

		ask_conn_poll(c, &p.fd, &p.events, &wait_ms);
		poll(&p, 1, wait_ms);
	}
	return state;
}

int ask_command(const char *dir, const char *name, const char *request, FILE *messages, bool *said,
			char err[ASK_ERRLEN])
{
	struct ask_conn *c = malloc(sizeof(*c));
	int code = ENOMEM;

	*said = false;
	if (!c) {
		snprintf(err, ASK_ERRLEN, "%s: %s", name, strerror(ENOMEM));
		return -ENOMEM;
	}
	ask_conn_init(c, dir, name);
	c->wait_ms = ASK_COMMAND_WAIT_MS;
	ask_conn_ask(c, request, print_message, messages);
	switch (ask_and_wait(c, &code, err)) {
	case ASK_CONN_DONE:
		code = c->answer.err;
		*said = true;
		if (code)
			snprintf(err, ASK_ERRLEN, "%s: its process says: %s", name, strerror(code));
		break;
	case ASK_CONN_CLOSED:
		code = EOPNOTSUPP;
		snprintf(err, ASK_ERRLEN, "%s: its process does not know this request: it is not wgdp, or an older one", name);
		break;
	default:
		break;
	}
	ask_conn_close(c);
	free(c);
	return -code;
}

static int is_socket_name(const struct dirent *e)
{
	const size_t len = strlen(e->d_name), end = strlen(".sock");
	char name[CONF_IFNAME_LEN + 1];

	if (len <= end || len - end > CONF_IFNAME_LEN || strcmp(e->d_name + len - end, ".sock"))
		return 0;
	memcpy(name, e->d_name, len - end);
	name[len - end] = '\0';
	return ask_name_ok(name);
}

int ask_list(const char *dir, char ***names, size_t *n, char err[ASK_ERRLEN])
{
	struct dirent **found;
	int count = scandir(dir, &found, is_socket_name, versionsort), rc = 0;

	*names = NULL;
	*n = 0;
	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		rc = -errno;
		snprintf(err, ASK_ERRLEN, rc == -EACCES ? "no permission to read %s: run this as root" : "cannot read %s: %m", dir);
		return rc;
	}
	*names = calloc((size_t)count + 1, sizeof(**names));
	for (int k = 0; k < count; k++) {
		char *name = *names ? strndup(found[k]->d_name, strlen(found[k]->d_name) - strlen(".sock")) : NULL;

		if (name)
			(*names)[(*n)++] = name;
		else
			rc = -ENOMEM;
		free(found[k]);
	}
	free(found);
	if (rc) {
		ask_list_free(*names, *n);
		snprintf(err, ASK_ERRLEN, "%s: %s", dir, strerror(-rc));
	}
	return rc;
}

void ask_list_free(char **names, size_t n)
{
	for (size_t k = 0; k < n; k++)
		free(names[k]);
	free(names);
}
