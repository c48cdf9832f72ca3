/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Called by machine_read (advice.c) once a process, before anything runs. A library is mapped and searched for
 * "PMD_INFO_STRING= {...}", a JSON object that ends with a zero byte; its "pci_ids" are lists of vendor, device,
 * subvendor, subdevice, of which 65535 is any.
 */
#include "pmd.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "sysfs.h"

#define MARK "PMD_INFO_STRING= "

enum { ANY_ID = 0xffff, FILE_MAX = 64 << 20, PATH_LEN = 4096 };

struct entry {
	struct pmd pmd;
	json_t *info;		/* owns the strings */
	struct entry *next;
};

struct pmds {
	struct entry *first;
	bool known;		/* there is a folder of them */
};

static const struct pmd any = { .name = "", .kernel = "" };

static const char *const user_space[] = { "vfio-pci", "uio_pci_generic", "igb_uio" };

static bool add(struct pmds *p, const char *text, size_t len)
{
	json_t *info = json_loadb(text, len, 0, NULL);
	const char *name = json_string_value(json_object_get(info, "name"));
	const char *kernel = json_string_value(json_object_get(info, "kmod"));
	struct entry *e;

	if (!name || !json_array_size(json_object_get(info, "pci_ids"))) {
		json_decref(info);
		return true;
	}
	e = calloc(1, sizeof(*e));
	if (!e) {
		json_decref(info);
		return false;
	}
	*e = (struct entry){ .pmd = { .name = name, .kernel = kernel ? kernel : "" }, .info = info, .next = p->first };
	p->first = e;
	return true;
}

static bool search(struct pmds *p, const char *data, size_t len)
{
	const char *end = data + len, *at = data;

	while ((at = memmem(at, (size_t)(end - at), MARK, strlen(MARK)))) {
		const char *text = at + strlen(MARK);
		const char *zero = memchr(text, '\0', (size_t)(end - text));

		if (zero && !add(p, text, (size_t)(zero - text)))
			return false;
		at = text;
	}
	return true;
}

static bool read_library(struct pmds *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	bool ok = true;
	void *map;

	if (fd < 0)
		return true;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size <= FILE_MAX) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (map != MAP_FAILED) {
			ok = search(p, map, (size_t)st.st_size);
			munmap(map, (size_t)st.st_size);
		}
	}
	close(fd);
	return ok;
}

struct pmds *pmds_read(const char *folder)
{
	struct sysfs_names *names = sysfs_list(folder, "/");
	struct pmds *p = calloc(1, sizeof(*p));
	bool ok = names && p;
	char path[PATH_LEN];
	struct stat st;

	if (ok)
		p->known = *folder && access(folder, F_OK) == 0;
	for (size_t k = 0; ok && k < names->n; k++) {
		if (fnmatch("librte_net_*.so*", names->name[k], 0) != 0 ||
		    snprintf(path, sizeof(path), "%s/%s", folder, names->name[k]) >= (int)sizeof(path))
			continue;
		if (lstat(path, &st) == 0 && S_ISREG(st.st_mode))	/* its other names are links */
			ok = read_library(p, path);
	}
	sysfs_names_free(names);
	if (ok)
		return p;
	pmds_free(p);
	return NULL;
}

void pmds_free(struct pmds *p)
{
	struct entry *e, *next;

	for (e = p ? p->first : NULL; e; e = next) {
		next = e->next;
		json_decref(e->info);
		free(e);
	}
	free(p);
}

static bool id_is(const json_t *ids, size_t at, uint16_t id)
{
	json_int_t v = json_integer_value(json_array_get(ids, at));

	return v == id || v == ANY_ID;
}

const struct pmd *pmds_find(const struct pmds *p, uint16_t vendor, uint16_t device, uint16_t subvendor, uint16_t subdevice)
{
	for (const struct entry *e = p->first; e; e = e->next) {
		const json_t *all = json_object_get(e->info, "pci_ids");

		for (size_t k = 0; k < json_array_size(all); k++) {
			const json_t *ids = json_array_get(all, k);

			if (json_array_size(ids) == 4 && id_is(ids, 0, vendor) && id_is(ids, 1, device) &&
			    id_is(ids, 2, subvendor) && id_is(ids, 3, subdevice))
				return &e->pmd;
		}
	}
	return p->known ? NULL : &any;
}

/* Whether `word` is one of the words of `text`; what DPDK calls vfio is vfio-pci. */
static bool has_word(const char *text, const char *word)
{
	static const char separators[] = "* |&,";
	size_t len;

	for (text += strspn(text, separators); *text; text += strspn(text, separators)) {
		len = strcspn(text, separators);
		if ((len == strlen(word) && strncmp(text, word, len) == 0) ||
		    (len == strlen("vfio") && strncmp(text, "vfio", len) == 0 && strcmp(word, "vfio-pci") == 0))
			return true;
		text += len;
	}
	return false;
}

bool pmd_is_user_space(const char *kernel_driver)
{
	for (size_t k = 0; k < sizeof(user_space) / sizeof(user_space[0]); k++)
		if (strcmp(kernel_driver, user_space[k]) == 0)
			return true;
	return false;
}

bool pmd_wants_binding(const struct pmd *p)
{
	for (size_t k = 0; k < sizeof(user_space) / sizeof(user_space[0]); k++)
		if (has_word(p->kernel, user_space[k]))
			return true;
	return !*p->kernel;
}

bool pmd_works_with(const struct pmd *p, const char *kernel_driver)
{
	return *p->kernel ? has_word(p->kernel, kernel_driver) : pmd_is_user_space(kernel_driver);
}
