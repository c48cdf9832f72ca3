/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Machines made up of files: a folder with /sys, /proc, /dev and driver libraries in it, what is found out of that,
 * what `wgdp devices` shows of it, and what the start of DPDK says is missing.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "devices.h"
#include "eal_plan.h"

#define PCI "/sys/bus/pci/devices/"
#define MEMORY (256ul << 20)

static char root[] = "/tmp/wgdp-devices.XXXXXX";
static char pmds[64];

/* Folders on the way to `path` under the root. */
static void make_folders(const char *path)
{
	char s[512];

	snprintf(s, sizeof(s), "%s%s", root, path);
	for (char *slash = strchr(s + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		cr_assert(mkdir(s, 0755) == 0 || errno == EEXIST, "%s: %m", s);
		*slash = '/';
	}
}

static void put_bytes(const char *path, const char *data, size_t len)
{
	char s[512];
	FILE *f;

	make_folders(path);
	snprintf(s, sizeof(s), "%s%s", root, path);
	f = fopen(s, "w");
	cr_assert(f, "%s: %m", s);
	fwrite(data, 1, len, f);
	fclose(f);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	char s[512];

	make_folders(path);
	snprintf(s, sizeof(s), "%s%s", root, path);
	unlink(s);
	cr_assert_eq(symlink(target, s), 0, "%s: %m", s);
}

static void drop(const char *path)
{
	char s[512];

	snprintf(s, sizeof(s), "%s%s", root, path);
	cr_assert_eq(unlink(s), 0, "%s: %m", s);
}

static char *at(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *at(const char *format, ...)
{
	static char s[4][512];
	static int k;
	va_list args;

	k = (k + 1) % 4;
	va_start(args, format);
	vsnprintf(s[k], sizeof(s[k]), format, args);
	va_end(args);
	return s[k];
}

/* "" for no driver, no group. */
static void put_device(const char *addr, const char *class, const char *ids, const char *driver, const char *group)
{
	put(at(PCI "%s/class", addr), class);
	put(at(PCI "%s/vendor", addr), at("0x%.4s\n", ids));
	put(at(PCI "%s/device", addr), at("0x%.4s\n", ids + 5));
	put(at(PCI "%s/subsystem_vendor", addr), "0x0000\n");
	put(at(PCI "%s/subsystem_device", addr), "0x0000\n");
	put(at(PCI "%s/numa_node", addr), "1\n");
	if (*driver)
		put_link(at(PCI "%s/driver", addr), at("../../../bus/pci/drivers/%s", driver));
	if (*group) {
		put(at("/sys/kernel/iommu_groups/%s/devices/%s", group, addr), "");
		put_link(at(PCI "%s/iommu_group", addr), at("../../../../kernel/iommu_groups/%s", group));
	}
}

static const char libraries[] =
	"\x7f" "ELF junk\0PMD_INFO_STRING= {\"name\": \"net_nic\", \"kmod\": \"* igb_uio | uio_pci_generic | vfio-pci\", "
	"\"pci_ids\": [[32902, 4307, 65535, 65535], [32902, 1, 2, 3]]}\0more\0"
	"PMD_INFO_STRING= {\"name\": \"net_broken\", \"pci_ids\": [[\0PMD_INFO_STRING= \0"
	"PMD_INFO_STRING= {\"name\": \"net_none\", \"pci_ids\": []}\0"
	"PMD_INFO_STRING= {\"name\": \"net_beside\", \"kmod\": \"* ib_uverbs & mlx5_core & mlx5_ib\", \"pci_ids\": [[5555, 4119, 65535, 65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_uio\", \"kmod\": \"* igb_uio | uio_pci_generic\", \"pci_ids\": [[1, 1, 65535, 65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_old\", \"kmod\": \"* igb_uio | vfio\", \"pci_ids\": [[1, 2, 65535, 65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_silent\", \"pci_ids\": [[1, 3, 65535, 65535]]}\0"
	"PMD_INFO_STRING= {\"name\": \"net_cut\", \"pci_ids\": [[1, 4, 65535, 65535]]}";

static void put_hugepages(int node, unsigned int kib, int total, int unused)
{
	put(at("/sys/devices/system/node/node%d/hugepages/hugepages-%ukB/nr_hugepages", node, kib), at("%d\n", total));
	put(at("/sys/devices/system/node/node%d/hugepages/hugepages-%ukB/free_hugepages", node, kib), at("%d\n", unused));
}

static void put_all_hugepages(unsigned int kib, int total, int unused, int reserved)
{
	put(at("/sys/kernel/mm/hugepages/hugepages-%ukB/nr_hugepages", kib), at("%d\n", total));
	put(at("/sys/kernel/mm/hugepages/hugepages-%ukB/free_hugepages", kib), at("%d\n", unused));
	put(at("/sys/kernel/mm/hugepages/hugepages-%ukB/resv_hugepages", kib), at("%d\n", reserved));
}

static void setup(void)
{
	cr_assert(mkdtemp(root));
	snprintf(pmds, sizeof(pmds), "%s/pmds", root);
	put_bytes("/pmds/librte_net_nic.so.23.0", libraries, sizeof(libraries) - 1);
	put_link("/pmds/librte_net_nic.so", "librte_net_nic.so.23.0");
	put("/pmds/librte_crypto_x.so.23.0", "PMD_INFO_STRING= {\"name\": \"crypto_x\", \"pci_ids\": [[9, 9, 65535, 65535]]}");
	put("/proc/meminfo", "MemTotal: 1 kB\nHugepagesize:       2048 kB\n");
	put("/usr/sbin/driverctl", "");
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	cr_assert_eq(system(command), 0);
}

TestSuite(devices, .init = setup, .fini = teardown);

Test(devices, drivers_say_what_they_take)
{
	struct pmds *p = pmds_read(pmds);
	const struct pmd *nic, *beside, *uio, *old, *silent;

	cr_assert(p);
	nic = pmds_find(p, 0x8086, 0x10d3, 7, 8);
	beside = pmds_find(p, 0x15b3, 0x1017, 0, 0);
	uio = pmds_find(p, 1, 1, 0, 0);
	old = pmds_find(p, 1, 2, 0, 0);
	silent = pmds_find(p, 1, 3, 0, 0);
	cr_assert(nic && beside && uio && old && silent);
	cr_assert_str_eq(nic->name, "net_nic");
	cr_expect(pmds_find(p, 0x8086, 1, 2, 3) == nic);
	cr_expect(!pmds_find(p, 0x8086, 1, 2, 4));
	cr_expect(!pmds_find(p, 1, 4, 0, 0), "a string without an end");
	cr_expect(!pmds_find(p, 9, 9, 0, 0), "no network driver");
	cr_expect(pmd_wants_binding(nic) && pmd_works_with(nic, "vfio-pci") && pmd_works_with(nic, "igb_uio") && !pmd_works_with(nic, "vfio"));
	cr_expect(!pmd_works_with(nic, "uio_pci") && !pmd_works_with(nic, "e1000e"));
	cr_expect(!pmd_wants_binding(beside) && pmd_works_with(beside, "mlx5_core") && !pmd_works_with(beside, "vfio-pci"));
	cr_expect(pmd_wants_binding(uio) && !pmd_works_with(uio, "vfio-pci"));
	cr_expect(pmd_wants_binding(old) && pmd_works_with(old, "vfio-pci") && !pmd_works_with(old, "uio_pci_generic"));
	cr_expect(pmd_wants_binding(silent) && pmd_works_with(silent, "vfio-pci") && !pmd_works_with(silent, "e1000e"));
	pmds_free(p);

	p = pmds_read("/no/such/folder");
	cr_assert(p && pmds_find(p, 9, 9, 9, 9), "a DPDK without a folder of drivers may have any");
	pmds_free(p);
}

Test(devices, the_bus_is_read)
{
	struct pci_device *all, d;

	put_device("0000:03:00.1", "0x020000\n", "8086:10d3", "e1000e", "12");
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "", "");
	put_device("0000:00:02.0", "0x030000\n", "8086:1234", "i915", "");
	put(PCI "0000:03:00.1/net/eth1/flags", "0x1003\n");
	put(PCI "0000:03:00.0/virtio7/net/eth0/flags", "0x1002\n");
	put("/proc/net/route", "Iface\tDestination\tGateway \tFlags\n"
			       "eth1\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\neth0\t00000000\t010011AC\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
	cr_assert_eq(pci_list(&all, root), 2);
	cr_expect_str_eq(all[0].addr, "0000:03:00.0");
	cr_expect_str_eq(all[1].addr, "0000:03:00.1");
	cr_expect(all[1].vendor == 0x8086 && all[1].device == 0x10d3 && all[1].node == 1);
	cr_expect_str_eq(all[1].driver, "e1000e");
	cr_expect_str_eq(all[1].iommu_group, "12");
	cr_expect(all[1].n_netdevs == 1 && all[1].netdev[0].up && !all[1].netdev[0].default_route);
	cr_expect(all[0].n_netdevs == 1 && !all[0].netdev[0].up && all[0].netdev[0].default_route && !*all[0].driver);
	free(all);
	put("/proc/net/route", "");
	put("/proc/net/ipv6_route", "00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 "
				    "00000400 00000001 00000000 00000003     eth1\n");
	cr_assert(pci_read(&d, root, "0000:03:00.1"));
	cr_expect(d.netdev[0].default_route);
	cr_expect(!pci_read(&d, root, "0000:03:00.2") && !pci_read(&d, root, "0000:03:00.2/../../0000:03:00.1"));
}

Test(devices, hugepages_of_all_sizes)
{
	char command[HUGEPAGES_COMMAND_LEN];
	struct hugepages *all;

	cr_assert_eq(hugepages_list(&all, root), 0);
	cr_assert_eq(hugepages_free(root, -1), 0);
	hugepages_command(command, root, MEMORY);
	cr_expect_str_eq(command, "echo 128 >/proc/sys/vm/nr_hugepages");
	put_all_hugepages(2048, 10, 6, 2);
	put_all_hugepages(1048576, 1, 1, 0);
	cr_assert_eq(hugepages_list(&all, root), 2);
	cr_expect(all[0].size == 2 << 20 && all[0].node == -1 && all[0].total == 10 && all[0].free == 4);
	free(all);
	cr_expect_eq(hugepages_free(root, -1), (1024ul + 8) << 20);
	put_hugepages(1, 2048, 10, 5);
	put_hugepages(0, 1048576, 1, 1);
	cr_assert_eq(hugepages_list(&all, root), 2);
	cr_expect(all[0].node == 1 && all[0].free == 5 && all[1].node == 0 && all[1].size == 1 << 30);
	free(all);
	cr_expect_eq(hugepages_free(root, 0), 1ul << 30);
	cr_expect_eq(hugepages_free(root, 1), 10ul << 20);
	put_all_hugepages(1048576, 0, 0, 0);
	hugepages_command(command, root, MEMORY + 1);
	cr_expect_str_eq(command, "echo 135 >/proc/sys/vm/nr_hugepages", "%s", command);	/* 10, and 125 for 248 MiB and a byte */
	put("/proc/meminfo", "Hugepagesize: 1048576 kB\n");
	hugepages_command(command, root, MEMORY);
	cr_expect_str_eq(command, "echo 1 >/proc/sys/vm/nr_hugepages", "%s", command);
}

static struct machine machine;

static struct advice advise(const char *addr)
{
	struct pci_device d;
	struct advice a;

	machine_free(&machine);
	cr_assert(machine_read(&machine, root, pmds, "/bin:/usr/sbin"));
	cr_assert(pci_read(&d, root, addr));
	advice_make(&a, &machine, &d);
	return a;
}

#define COMMANDS(a, ...)								\
	do {										\
		static const char *const want_[] = { __VA_ARGS__ };			\
		cr_expect_eq((a).n_commands, sizeof(want_) / sizeof(want_[0]));		\
		for (size_t k_ = 0; k_ < (a).n_commands; k_++)				\
			cr_expect_str_eq((a).command[k_], want_[k_]);			\
	} while (0)

Test(devices, a_nic_of_the_kernels)
{
	struct advice a;

	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "e1000e", "12");
	put(PCI "0000:03:00.0/net/eth1/flags", "0x1003\n");
	a = advise("0000:03:00.0");
	cr_expect_eq(a.state, ADVICE_NOT_BOUND);
	cr_expect_str_eq(a.why, "has the kernel's driver e1000e, and has to be given to vfio-pci");
	cr_expect_str_eq(a.warning, "eth1 is up, and its addresses and routes go with it");
	COMMANDS(a, "modprobe vfio-pci", "ip link set eth1 down", "driverctl set-override 0000:03:00.0 vfio-pci");
	cr_expect(a.n_back == 1 && strcmp(a.back[0], "driverctl unset-override 0000:03:00.0") == 0);

	/* the other tool */
	drop("/usr/sbin/driverctl");
	put("/usr/sbin/dpdk-devbind.py", "");
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	put(PCI "0000:03:00.0/net/eth1/flags", "0x1002\n");
	a = advise("0000:03:00.0");
	COMMANDS(a, "dpdk-devbind.py -b vfio-pci 0000:03:00.0");
	cr_expect(a.n_back == 1 && strcmp(a.back[0], "dpdk-devbind.py -b e1000e 0000:03:00.0") == 0 && !*a.warning);
}

Test(devices, without_an_iommu)
{
	struct utsname u;
	struct advice a;

	uname(&u);
	/* a kernel whose vfio cannot do without, as Debian's */
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "", "");
	a = advise("0000:03:00.0");
	cr_expect_str_eq(a.why, "has no driver, and has to be given to uio_pci_generic");
	COMMANDS(a, "modprobe uio_pci_generic", "driverctl set-override 0000:03:00.0 uio_pci_generic");
	put(at("/boot/config-%s", u.release), "CONFIG_UIO=m\n# CONFIG_VFIO_NOIOMMU is not set\n");
	a = advise("0000:03:00.0");
	cr_expect(a.n_commands == 2);
	put_device("0000:04:00.0", "0x020000\n", "0001:0002", "ixgbe", "");
	a = advise("0000:04:00.0");
	cr_expect(a.state == ADVICE_NOT_BOUND && a.n_commands == 0 && a.n_back == 0);
	cr_expect(strstr(a.why, "needs vfio-pci, and that an IOMMU, which is off"), "%s", a.why);
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "uio_pci_generic", "");
	cr_expect_eq(advise("0000:03:00.0").state, ADVICE_READY);
	drop(PCI "0000:03:00.0/driver");
	/* one whose vfio can */
	put(at("/boot/config-%s", u.release), "CONFIG_VFIO_NOIOMMU=y\n");
	a = advise("0000:03:00.0");
	cr_expect_str_eq(a.why, "has no driver, and has to be given to vfio-pci");
	cr_expect(strstr(a.warning, "intel_iommu=on"));
	COMMANDS(a, "modprobe vfio", "echo 1 >/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "modprobe vfio-pci",
		 "driverctl set-override 0000:03:00.0 vfio-pci");
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "N\n");
	cr_expect_eq(advise("0000:03:00.0").n_commands, 4);
	put("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	put("/sys/bus/pci/drivers/vfio-pci/bind", "");
	a = advise("0000:03:00.0");
	COMMANDS(a, "driverctl set-override 0000:03:00.0 vfio-pci");
	cr_expect_str_eq(a.warning, "");
	/* vfio makes a group up then, which is no IOMMU's */
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "vfio-pci", "0");
	put("/sys/kernel/iommu_groups/0/name", "vfio-noiommu\n");
	a = advise("0000:03:00.0");
	cr_expect(a.state == ADVICE_READY && !machine.iommu && machine.no_iommu);
	/* a driver that knows nothing of vfio */
	put_device("0000:04:00.0", "0x020000\n", "0001:0001", "vfio-pci", "");
	a = advise("0000:04:00.0");
	COMMANDS(a, "modprobe uio_pci_generic", "driverctl set-override 0000:04:00.0 uio_pci_generic");
}

/* The IOMMU, which knows nothing of UIO, keeps the NIC from all memory, or from none. */
Test(devices, uio_behind_an_iommu)
{
	struct advice a;

	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "uio_pci_generic", "12");
	put("/sys/kernel/iommu_groups/12/type", "DMA-FQ\n");
	a = advise("0000:03:00.0");
	cr_expect_eq(a.state, ADVICE_NOT_BOUND);
	cr_expect_str_eq(a.why, "has uio_pci_generic, and has to be given to vfio-pci");
	put("/sys/kernel/iommu_groups/12/type", "identity\n");
	cr_expect_eq(advise("0000:03:00.0").state, ADVICE_READY);
}

Test(devices, a_nic_of_dpdks)
{
	struct utsname u;
	struct advice a;

	uname(&u);
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "vfio-pci", "12");
	put_device("0000:00:1c.0", "0x060400\n", "8086:1111", "pcieport", "12");
	a = advise("0000:03:00.0");
	cr_expect(a.state == ADVICE_READY && !*a.why && a.n_commands == 0 && a.n_back == 1 && machine.iommu);
	put("/proc/77/comm", "dpdk-testpmd\n");
	put_link("/proc/77/fd/12", "/dev/vfio/12");
	put_link("/proc/76/fd/12", "/dev/vfio/1");
	a = advise("0000:03:00.0");
	cr_expect(a.state == ADVICE_IN_USE && a.user == 77);
	cr_expect_str_eq(a.user_name, "dpdk-testpmd");
	put_link("/proc/77/exe", "/usr/sbin/wgdp");
	a = advise("0000:03:00.0");
	cr_expect_str_eq(a.user_name, "wgdp");
	/* its kernel driver is looked up where it is not known any more */
	drop("/usr/sbin/driverctl");
	put("/usr/sbin/dpdk-devbind.py", "");
	put(PCI "0000:03:00.0/modalias", "pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00\n");
	a = advise("0000:03:00.0");
	cr_expect_str_eq(a.back[0], "dpdk-devbind.py -u 0000:03:00.0 && echo 0000:03:00.0 >/sys/bus/pci/drivers_probe");
	put(at("/lib/modules/%s/modules.alias", u.release), "alias usb:v1 x\nalias pci:v00008086d000010D4sv*sd*bc*sc*i* y\nalias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n");
	a = advise("0000:03:00.0");
	cr_expect_str_eq(a.back[0], "dpdk-devbind.py -b e1000e 0000:03:00.0");
	/* the group's other half */
	put_device("0000:03:00.1", "0x020000\n", "8086:10d3", "e1000e", "12");
	a = advise("0000:03:00.0");
	cr_expect_eq(a.state, ADVICE_NOT_BOUND);
	cr_expect(strstr(a.why, "shares IOMMU group 12 with 0000:03:00.1, which has the driver e1000e"), "%s", a.why);
	COMMANDS(a, "dpdk-devbind.py -b vfio-pci 0000:03:00.1");
}

Test(devices, beside_the_kernels_driver)
{
	struct advice a;

	put_device("0000:05:00.0", "0x020000\n", "15b3:1017", "mlx5_core", "12");
	put(PCI "0000:05:00.0/net/ens5/flags", "0x1003\n");
	a = advise("0000:05:00.0");
	COMMANDS(a, "modprobe ib_uverbs");
	put("/sys/module/ib_uverbs/refcnt", "1\n");
	a = advise("0000:05:00.0");
	cr_expect(a.state == ADVICE_READY && a.n_back == 0 && !*a.warning);
	put_device("0000:05:00.0", "0x020000\n", "15b3:1017", "vfio-pci", "12");
	a = advise("0000:05:00.0");
	cr_expect_eq(a.state, ADVICE_NOT_BOUND);
	COMMANDS(a, "driverctl unset-override 0000:05:00.0");
}

Test(devices, no_driver)
{
	struct advice a;

	put_device("0000:05:00.0", "0x020000\n", "dead:beef", "tg3", "12");
	a = advise("0000:05:00.0");
	cr_expect_eq(a.state, ADVICE_NO_DRIVER);
	cr_expect_str_eq(a.why, "no driver of DPDK's for dead:beef is installed; Debian has all there are in librte-meta-net");
	COMMANDS(a, "apt install librte-meta-net");
}

static char *text;
static size_t text_len;

static const char *shown(bool json)
{
	FILE *out;
	struct devices d;

	free(text);
	out = open_memstream(&text, &text_len);
	cr_assert(devices_collect(&d, root, pmds, "/usr/sbin"));
	if (json)
		cr_assert(devices_print_json(out, &d));
	else
		devices_print_text(out, &d);
	fclose(out);
	devices_fini(&d);
	return text;
}

static void put_two(void)
{
	put_device("0000:03:00.0", "0x020000\n", "8086:10d3", "e1000e", "12");
	put(PCI "0000:03:00.0/net/enp3s0f0/flags", "0x1003\n");
	put_device("0000:03:00.1", "0x020000\n", "8086:10d3", "vfio-pci", "13");
	put_all_hugepages(2048, 512, 100, 0);
	put_hugepages(0, 2048, 512, 100);
	put_hugepages(0, 1048576, 0, 0);
}

Test(devices, text_for_people)
{
	const char *s;

	s = shown(false);
	cr_expect(strstr(s, "There is no Ethernet device on the PCI bus"), "%s", s);
	cr_expect(strstr(s, "hugepages    none"));
	put_two();
	s = shown(false);
	cr_expect(strstr(s, "address       interface  node  kernel driver  DPDK driver  state\n"), "%s", s);
	cr_expect(strstr(s, "0000:03:00.0  enp3s0f0   1     e1000e         net_nic      not bound\n"), "%s", s);
	cr_expect(strstr(s, "0000:03:00.1  -          1     vfio-pci       net_nic      ready\n"), "%s", s);
	cr_expect(strstr(s, "  enp3s0f0 is up, IOMMU group 12\n"));
	cr_expect(strstr(s, "NOTE: enp3s0f0 is up"));
	cr_expect(strstr(s, "    driverctl set-override 0000:03:00.0 vfio-pci\nand back again:\n    driverctl unset-override 0000:03:00.0\n"));
	cr_expect(strstr(s, "To give 0000:03:00.1 back to the kernel:\n    driverctl unset-override 0000:03:00.1\n"));
	cr_expect(strstr(s, "hugepages    of 2 MiB at node 0: 512, 100 of them free (200 MiB)\n"));
	cr_expect(strstr(s, "IOMMU        on\n") && strstr(s, "mirrors      taps"));
	put("/dev/vhost-net", "");
	put_device("0000:03:00.1", "0x020000\n", "8086:10d3", "vfio-pci", "12");
	s = shown(false);
	cr_expect(strstr(s, "0000:03:00.1 shares IOMMU group 12 with 0000:03:00.0, which has the driver"), "%s", s);
	cr_expect(strstr(s, "mirrors      by /dev/vhost-net\n"));
	for (const char *line = s; *line; line = strchr(line, '\n') + 1)
		cr_expect(strcspn(line, "\n") <= 80, "%.100s", line);
}

Test(devices, json_for_programs)
{
	json_t *all, *nic;

	put_two();
	all = json_loads(shown(true), 0, NULL);
	cr_assert(all, "%s", text);
	nic = json_array_get(json_object_get(all, "devices"), 0);
	cr_expect_str_eq(json_string_value(json_object_get(nic, "address")), "0000:03:00.0");
	cr_expect_str_eq(json_string_value(json_object_get(nic, "state")), "not bound");
	cr_expect_str_eq(json_string_value(json_object_get(nic, "dpdk_driver")), "net_nic");
	cr_expect_eq(json_array_size(json_object_get(nic, "commands")), 3);
	nic = json_array_get(json_object_get(all, "devices"), 1);
	cr_expect(json_is_null(json_object_get(nic, "missing")) && json_array_size(json_object_get(nic, "commands_back")) == 1);
	cr_expect_eq(json_integer_value(json_object_get(json_array_get(json_object_get(all, "hugepages"), 0), "free")), 100);
	cr_expect(json_is_true(json_object_get(all, "iommu")) && json_is_false(json_object_get(all, "vhost_net")));
	json_decref(all);
}

static struct eal_plan plan;

static bool plan_for(const char *a, const char *b)
{
	const char *devices[] = { a, b };
	const struct eal_plan_conf conf = { .root = root, .pmds = pmds, .path = "/usr/sbin", .memory = MEMORY, .devices = devices,
					    .n_devices = b ? 2 : 1 };
	FILE *diag;
	bool ok;

	free(text);
	diag = open_memstream(&text, &text_len);
	ok = eal_plan(&plan, &conf, diag);
	fclose(diag);
	return ok;
}

Test(devices, a_plan_without_nics)
{
	cr_assert(plan_for("kernel", NULL));
	cr_expect(!plan.hugepages && !plan.single_file && plan.n_nics == 0 && plan.node == -1);
	put_all_hugepages(2048, 129, 129, 0);
	cr_assert(plan_for("net_af_packet0,iface=eth0", "net_memif0,zero-copy=no"));
	cr_expect(plan.hugepages && !plan.single_file);
	put_all_hugepages(2048, 129, 129, 1);
	cr_assert(plan_for("net_virtio_user0,path=/x", NULL));
	cr_expect(!plan.hugepages && plan.single_file);
	cr_assert(plan_for("kernel", "net_memif0,role=client,zero-copy=yes"));
	cr_expect(plan.single_file);
	cr_expect_str_eq(text, "");
}

Test(devices, a_plan_says_all_that_is_missing)
{
	put_device("0000:00:02.0", "0x030000\n", "8086:1234", "i915", "");
	cr_assert(!plan_for("0000:03:00.0,x=y", "0000:00:02.0"));
	cr_expect_str_eq(text, "0000:03:00.0: there is no such PCI device; there is no Ethernet device on the PCI bus; wgdp devices says more\n"
			 "0000:00:02.0: is no Ethernet device (8086:1234, of class 0300); there is no Ethernet device on the PCI bus; wgdp devices "
			 "says more\n"
			 "no hugepages, which NICs need: 258 MiB needed, 0 MiB free; run: echo 129 >/proc/sys/vm/nr_hugepages\n");
	put_two();
	put_device("0000:05:00.0", "0x020000\n", "dead:beef", "", "12");
	cr_assert(!plan_for("0000:04:00.0", "0000:05:00.0"));
	cr_expect(strstr(text, "the Ethernet devices on the PCI bus are 0000:03:00.0 (enp3s0f0), 0000:03:00.1, 0000:05:00.0; "), "%s", text);
	cr_expect(strstr(text, "0000:05:00.0: no driver of DPDK's for dead:beef is installed; "), "%s", text);
	cr_expect(strstr(text, "too few hugepages, which NICs need: 258 MiB needed, 200 MiB free; run: echo 541 >"), "%s", text);
	put_all_hugepages(2048, 512, 200, 0);
	put_hugepages(1, 2048, 300, 100);
	cr_assert(!plan_for("0000:03:00.0", "0000:03:00.1"));
	cr_expect(strstr(text, "0000:03:00.0: has the kernel's driver e1000e, and has to be given to vfio-pci; run: modprobe vfio-pci && ip link "
			       "set enp3s0f0 down && driverctl set-override 0000:03:00.0 vfio-pci; but note that enp3s0f0 is up"), "%s", text);
	cr_expect(strstr(text, "0000:03:00.1: /dev/vfio/13 cannot be opened: No such file or directory\n"), "%s", text);
	put("/dev/vfio/13", "");
	cr_assert(plan_for("0000:03:00.1,x=y", NULL));
	cr_expect(plan.hugepages && plan.n_nics == 1 && plan.node == 1);
	cr_expect_str_eq(plan.nic[0], "0000:03:00.1,x=y");
	cr_expect(strncmp(text, "warning: 0000:03:00.1,x=y is at NUMA node 1, where only 200 MiB", 60) == 0, "%s", text);
	put("/proc/77/comm", "wgdp\n");
	put_link("/proc/77/fd/12", "/dev/vfio/13");
	cr_assert(!plan_for("0000:03:00.1,x=y", NULL));
	cr_expect(strstr(text, "0000:03:00.1: is in use by process 77 (wgdp); end that first\n"), "%s", text);
}
