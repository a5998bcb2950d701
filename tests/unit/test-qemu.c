/* SPDX-License-Identifier: Apache-2.0 */
/* QEMU's command line for configurations, word by word, and how its end is understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "src/base/text.h"
#include "vm-shim/qemu.h"

static void check(const struct vm_config *c, uint64_t tsc_khz, const char *const *wanted)
{
	struct arena a;
	struct err e;
	char **argv;
	size_t i;

	arena_init(&a, 0);
	assert_int_equal(qemu_argv_make(c, "/usr/bin/qemu", tsc_khz, &a, &argv, &e), 0);
	for (i = 0; argv[i] && wanted[i]; i++)
		assert_string_equal(argv[i], wanted[i]);
	assert_null(argv[i]);
	assert_null(wanted[i]);
	arena_free(&a);
}

#define FIXED                                                                                      \
	"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none",    \
		"-sandbox",                                                                        \
		"on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",         \
		"-global", "virtio-mmio.force-legacy=false"

static void test_smallest(void **state)
{
	const struct vm_config c = { .kernel_fd = 5,
				     .initrd_fd = -1,
				     .memory_bytes = 96 << 20,
				     .vcpus = 1,
				     .console_fd = -1 };
	static const char *const wanted[] = {
		"/usr/bin/qemu",
		"-machine",
		"microvm,auto-kernel-cmdline=off,usb=off,pcie=off,mem-merge=off",
		"-accel",
		"tcg,thread=multi",
		"-cpu",
		"max,la57=off",
		"-smp",
		"1",
		"-m",
		"96M",
		FIXED,
		"-kernel",
		"/proc/self/fd/5",
		"-append",
		"console=ttyS0 8250.nr_uarts=1 reboot=t panic=-1 quiet",
		"-serial",
		"null",
		"-device",
		"virtio-serial-device,max_ports=1",
		"-object",
		"rng-builtin,id=rng",
		"-device",
		"virtio-rng-device,rng=rng",
		NULL
	};

	(void)state;
	check(&c, 0, wanted);
}

static void test_everything(void **state)
{
	const struct vm_share share = { "ho,st", 20 };
	const struct vm_config c = {
		.name = "a,b",
		.kernel_fd = 5,
		.initrd_fd = 6,
		.cmdline = "husk.role=guest",
		.memory_bytes = (256 << 20) + 1,
		.vcpus = 3,
		.prealloc = true,
		.mergeable = true,
		.verbose = true,
		.console_fd = 7,
		.disks = { { 8, true, "one" }, { 9, false, "" } },
		.disks_count = 2,
		.ports = { { "husk.ctl.0", 10 }, { "husk.data.0", 11 } },
		.ports_count = 2,
		.nets = { { VM_NET_TAP, 12, { 2, 0, 0, 0, 0, 1 }, 1400, false },
			  { VM_NET_STREAM, 13, { 2, 0, 0, 0, 0, 0xff }, 0, false } },
		.nets_count = 2,
		.share = &share,
		.balloon = true,
	};
	static const char *const wanted[] = {
		"/usr/bin/qemu",
		"-name",
		"a,,b",
		"-machine",
		"microvm,auto-kernel-cmdline=off,usb=off,pcie=off,mem-merge=on,memory-backend=ram",
		"-accel",
		"tcg,thread=multi",
		"-cpu",
		"max,la57=off",
		"-smp",
		"3",
		"-m",
		"257M",
		"-object",
		"memory-backend-memfd,id=ram,size=257M,share=on,prealloc=on",
		FIXED,
		"-kernel",
		"/proc/self/fd/5",
		"-initrd",
		"/proc/self/fd/6",
		"-append",
		"console=ttyS0 8250.nr_uarts=1 reboot=t panic=-1 tsc_early_khz=2596000 "
		"husk.role=guest",
		"-chardev",
		"file,id=console,path=/proc/self/fd/7,append=on,mux=on",
		"-serial",
		"chardev:console",
		"-add-fd",
		"fd=8,set=1",
		"-drive",
		"if=none,id=disk0,file=/dev/fdset/1,format=raw,readonly=on,auto-read-only=off",
		"-device",
		"virtio-blk-device,drive=disk0,serial=one",
		"-add-fd",
		"fd=9,set=2",
		"-drive",
		"if=none,id=disk1,file=/dev/fdset/2,format=raw,readonly=off,auto-read-only=off",
		"-device",
		"virtio-blk-device,drive=disk1",
		"-device",
		"virtio-serial-device,max_ports=3",
		"-device",
		"virtconsole,chardev=console,nr=0",
		"-chardev",
		"socket,id=port0,fd=10",
		"-device",
		"virtserialport,chardev=port0,nr=1,name=husk.ctl.0",
		"-chardev",
		"socket,id=port1,fd=11",
		"-device",
		"virtserialport,chardev=port1,nr=2,name=husk.data.0",
		"-netdev",
		"tap,id=net0,fd=12",
		"-device",
		"virtio-net-device,netdev=net0,mac=02:00:00:00:00:01,host_mtu=1400",
		"-netdev",
		"stream,id=net1,server=off,addr.type=fd,addr.str=13",
		"-device",
		"virtio-net-device,netdev=net1,mac=02:00:00:00:00:ff",
		"-chardev",
		"socket,id=share,fd=20",
		"-device",
		"vhost-user-fs-device,chardev=share,tag=ho,,st",
		"-device",
		"virtio-balloon-device",
		"-object",
		"rng-builtin,id=rng",
		"-device",
		"virtio-rng-device,rng=rng",
		NULL
	};

	(void)state;
	check(&c, 2596000, wanted);
}

static void test_refused(void **state)
{
	const struct vm_config c = {
		.initrd_fd = -1,
		.console_fd = -1,
		.vcpus = 1,
		.nets = { { .link_down = true } },
		.nets_count = 1,
	};
	struct arena a;
	struct err e;
	char **argv;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(qemu_argv_make(&c, "qemu", 0, &a, &argv, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	arena_free(&a);
}

static void test_judge(void **state)
{
	(void)state;
	assert_int_equal(qemu_judge(0, "[ 1.2] reboot: Power down\n"), VM_POWERED_OFF);
	assert_int_equal(qemu_judge(0, ""), VM_POWERED_OFF);
	assert_int_equal(qemu_judge(0, "[ 1.2] reboot: Restarting system\n"), VM_RESET);
	assert_int_equal(
		qemu_judge(0, "Kernel panic - not syncing: x\n[ 1.2] reboot: machine restart\n"),
		VM_PANICKED);
	assert_int_equal(qemu_judge(1 << 8, "qemu: no such option\n"), VM_BROKEN);
	assert_int_equal(qemu_judge(9, ""), VM_KILLED);
	assert_true(vm_backend_qemu.judge == qemu_judge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_judge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
