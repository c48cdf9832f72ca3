/* SPDX-License-Identifier: BSD-3-Clause */
/* Each test is a process of its own (as root), whose capabilities it reads from /proc. */
#include <cap-ng.h>
#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf.h"
#include "privileges.h"

#define BIT(c) (1ULL << (c))
#define BASE (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW) | BIT(CAP_NET_BIND_SERVICE))

static uint64_t set_from(FILE *f, const char *name)
{
	char line[256];
	uint64_t v = 0;

	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, name, strlen(name)))
			sscanf(line + strlen(name), ":\t%lx", &v);
	return v;
}

/* One of this thread's sets, such as CapEff. */
static uint64_t set_of(const char *name)
{
	FILE *f = fopen("/proc/thread-self/status", "re");
	uint64_t v = set_from(f, name);

	fclose(f);
	return v;
}

/* The same of a command that we start, as PostUp would be. */
static uint64_t set_of_child(const char *name)
{
	FILE *f = popen("cat /proc/self/status", "re");
	uint64_t v = set_from(f, name);

	pclose(f);
	return v;
}

static unsigned int needs_of(const char *outer, const char *path)
{
	char text[512];
	struct conf *c;
	unsigned int needs;

	snprintf(text, sizeof(text), "[Interface]\nPrivateKey = SCwQk0AqBTFsp1ojSxRD2WB44LHF91o7v5xnG3S5pG0=\n[Dataplane]\nOuter = %s\n",
		 outer);
	c = conf_parse(path, text, strlen(text), stderr);
	cr_assert(c);
	needs = privileges_needs(c);
	conf_free(c);
	return needs;
}

Test(privileges, needs_follow_the_port)
{
	uint64_t before = set_of("CapEff");

	cr_assert(needs_of("kernel", "wg0.conf") == 0);
	cr_assert(needs_of("kernel,iface=eth0", "wg0.conf") == 0);
	cr_assert(needs_of("net_af_packet0,iface=eth0", "wg0.conf") == PRIVILEGES_DEVICE);
	cr_assert(needs_of("net_af_xdp0,iface=eth0", "wg0.conf") == (PRIVILEGES_DEVICE | PRIVILEGES_AF_XDP));
	cr_assert(needs_of("net_af_xdp0,iface=eth0 as wan0", "wg0.conf") == (PRIVILEGES_DEVICE | PRIVILEGES_AF_XDP));
	cr_assert(needs_of("net_memif0 as wan0", "wg0.conf") == PRIVILEGES_DEVICE);
	cr_assert(needs_of("kernel\nLan = net_memif0 as lan0", "wg0.conf") == PRIVILEGES_DEVICE);
	cr_assert(needs_of("kernel\nLan = net_af_xdp0,iface=eth0 as lan0", "wg0.conf") == (PRIVILEGES_DEVICE | PRIVILEGES_AF_XDP));
	cr_assert(needs_of("ffff:ff:1f.7 as wan0", "wg0.conf") == PRIVILEGES_DEVICE, "a NIC that is not there");
	cr_assert(set_of("CapEff") == before);
}

Test(privileges, somebody_elses_file_needs_a_capability)
{
	char path[] = "/tmp/wgXXXXXX.conf";
	uint64_t before = set_of("CapEff");
	unsigned int ours, others;
	char err[PRIVILEGES_ERRLEN];
	int fd = mkstemps(path, 5);

	cr_assert(fd >= 0);
	cr_assert(fchmod(fd, 0600) == 0);
	cr_assert(fchown(fd, 0, 0) == 0);
	ours = needs_of("kernel", path);
	cr_assert(fchown(fd, 65534, 65534) == 0);
	others = needs_of("kernel", path);
	close(fd);
	cr_expect(ours == 0);
	cr_expect(others == PRIVILEGES_READ_FILES);
	cr_expect(set_of("CapEff") == before, "what was tried without is not back");
	cr_expect(privileges_drop(others, err), "%s", err);
	fd = open(path, O_RDONLY);
	cr_expect(fd >= 0, "cannot be read after the drop");
	cr_expect(open(path, O_WRONLY) < 0, "can even be written");
	close(fd);
	unlink(path);
}

static void *read_effective(void *arg)
{
	*(uint64_t *)arg = set_of("CapEff");
	return NULL;
}

Test(privileges, only_what_is_needed_stays)
{
	uint64_t bounding = set_of("CapBnd"), in_thread = 0;
	char err[PRIVILEGES_ERRLEN];
	pthread_t t;

	cr_assert(privileges_drop(0, err), "%s", err);
	cr_expect(set_of("CapEff") == BASE);
	cr_expect(set_of("CapPrm") == BASE);
	cr_expect(set_of("CapBnd") == bounding);
	pthread_create(&t, NULL, read_effective, &in_thread);
	pthread_join(t, NULL);
	cr_expect(in_thread == BASE);
	cr_expect(set_of_child("CapEff") == bounding, "root's commands have less than the bounding set");
	cr_expect(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
}

Test(privileges, devices_keep_more)
{
	char err[PRIVILEGES_ERRLEN];

	cr_assert(privileges_drop(PRIVILEGES_DEVICE | PRIVILEGES_AF_XDP, err), "%s", err);
	cr_expect(set_of("CapPrm") == (BASE | BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_ADMIN)));
	cr_assert(privileges_drop(PRIVILEGES_DEVICE, err), "%s", err);
	cr_expect(set_of("CapPrm") == (BASE | BIT(CAP_IPC_LOCK)));
	cr_assert(privileges_drop(PRIVILEGES_AF_XDP, err), "%s", err);
	cr_expect(set_of("CapPrm") == BASE, "what is gone cannot come back, and is no error here");
}

Test(privileges, a_nic_without_iommu_keeps_more)
{
	char err[PRIVILEGES_ERRLEN];

	cr_assert(privileges_drop(PRIVILEGES_DEVICE | PRIVILEGES_PHYSICAL, err), "%s", err);
	cr_expect(set_of("CapPrm") == (BASE | BIT(CAP_IPC_LOCK) | BIT(CAP_SYS_ADMIN) | BIT(CAP_SYS_RAWIO)));
}

Test(privileges, without_net_admin_it_says_so)
{
	char err[PRIVILEGES_ERRLEN] = "";

	capng_get_caps_process();
	capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN);
	cr_assert(capng_apply(CAPNG_SELECT_CAPS) == 0);
	cr_assert(!privileges_drop(0, err));
	cr_assert(strstr(err, "CAP_NET_ADMIN"), "%s", err);
}

/* As systemd starts it with User= and AmbientCapabilities=. */
Test(privileges, an_ambient_capability_reaches_commands)
{
	char err[PRIVILEGES_ERRLEN];

	cr_assert(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0);
	cr_assert(setresuid(65534, 65534, 65534) == 0);
	capng_get_caps_process();
	for (int c = 0; c <= CAP_LAST_CAP; c++)
		if (capng_have_capability(CAPNG_PERMITTED, c) && c != CAP_NET_ADMIN && c != CAP_SYS_TIME)
			capng_update(CAPNG_DROP, CAPNG_EFFECTIVE | CAPNG_PERMITTED, c);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_INHERITABLE, CAP_NET_ADMIN, CAP_SYS_TIME, -1);
	cr_assert(capng_apply(CAPNG_SELECT_CAPS) == 0);
	cr_assert(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) == 0);
	cr_assert(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_TIME, 0, 0) == 0);
	cr_assert(set_of_child("CapEff") == (BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_TIME)));
	cr_assert(privileges_drop(0, err), "%s", err);
	cr_expect(set_of("CapEff") == BIT(CAP_NET_ADMIN));
	cr_expect(set_of_child("CapEff") == BIT(CAP_NET_ADMIN));
}
