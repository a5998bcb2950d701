/* SPDX-License-Identifier: Apache-2.0 */
/* From limits to writes: what exactly is written where, on v1, on v2 and on a hybrid host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup-limits.h"

#define V1_SOME (CGROUP_CPU | CGROUP_CPUACCT)

static const struct cgroup_set v1 = {
	.count = 9,
	.places = { { .controllers = V1_SOME, .dir = "/cpu" },
		    { .controllers = CGROUP_CPUSET, .dir = "/cpuset" },
		    { .controllers = CGROUP_MEMORY, .dir = "/memory" },
		    { .controllers = CGROUP_DEVICES, .dir = "/devices" },
		    { .controllers = CGROUP_BLKIO, .dir = "/blkio" },
		    { .controllers = CGROUP_PIDS, .dir = "/pids" },
		    { .controllers = CGROUP_HUGETLB, .dir = "/hugetlb" },
		    { .controllers = CGROUP_NET_CLS | CGROUP_NET_PRIO, .dir = "/net" },
		    { .controllers = CGROUP_RDMA, .dir = "/rdma" } },
};

static const struct cgroup_set v2 = {
	.count = 1,
	.places = { { .v2 = true,
		      .controllers = CGROUP_V2_DEFAULT | CGROUP_HUGETLB | CGROUP_RDMA | CGROUP_MISC,
		      .dir = "/v2" } },
};

static const struct cgroup_set hybrid = {
	.count = 2,
	.places = { { .v2 = true, .controllers = CGROUP_HUGETLB, .dir = "/v2" },
		    { .controllers = CGROUP_MEMORY, .dir = "/memory" } },
};

static const struct cgroup_set nothing = { 0 };

/*
 * The plan as text: a line per write, with a letter per flag (Optional, Retry, or-Next, Period,
 * Check, Late); an error as "! text".
 */
static const char *planned(const struct cgroup_limits *l, const struct cgroup_set *set, bool update,
			   struct cgroup_limits_plan *plan)
{
	static const char letters[] = "ORNPCL";
	static char text[8192];
	static struct arena a;
	size_t used = 0;
	struct err e;

	arena_free(&a);
	text[0] = '\0';
	if (cgroup_limits_plan(l, set, update, &a, plan, &e) < 0) {
		text_format(text, sizeof text, "! %s", e.msg);
		return text;
	}
	for (size_t i = 0; i < plan->writes_count; i++) {
		const struct cgroup_write *w = &plan->writes[i];
		used += text_format(text + used, sizeof text - used, "%s/%s=%s ",
				    set->places[w->place].dir, w->file, w->value);
		for (int k = 0; letters[k]; k++)
			if (w->flags & 1 << k)
				text[used++] = letters[k];
		if (text[used - 1] == ' ')
			used--;
		text[used++] = '\n';
		text[used] = '\0';
	}
	return text;
}

struct golden {
	const char *name;
	bool update;
	struct cgroup_limits limits;
	const char *v1, *v2;
};

#define SET(number)                                                                                \
	{                                                                                          \
		true, number                                                                       \
	}

static const struct cgroup_device_value sda_weight[] = { { 8, 0, 500 }, { 8, 16, 10 } };
static const struct cgroup_device_value sda_rate[] = { { 8, 0, 1048576 }, { 8, 16, 0 } };
static const struct cgroup_hugetlb huge[] = { { "2MB", 4194304 }, { "1GB", UINT64_MAX } };
static const struct cgroup_hugetlb huge_bad[] = { { "2MB/../x", 1 } };
static const struct cgroup_net_priority priorities[] = { { "eth0", 5 }, { "lo", 7 } };
static const struct cgroup_rdma rdma[] = { { "mlx5_0", SET(2), SET(2000) },
					   { "mlx5_1", { false, 0 }, SET(3) } };
static const struct cgroup_named_value unified[] = { { "memory.high", "1000000" },
						     { "io.max", "8:0 rbps=1\n8:16 wbps=2\n" },
						     { "cgroup.max.depth", "3" },
						     { "misc.max", "" } };
static const struct cgroup_named_value unified_slash[] = { { "../memory.max", "1" } };
static const struct cgroup_named_value unified_unknown[] = { { "dmem.max", "1" } };
static const struct cgroup_named_value unified_nodot[] = { { "tasks", "1" } };

static const struct golden goldens[] = {
	{ "nothing", false, { .cpus = NULL }, "", "" },
	{ "zeros, as Docker's update sends them",
	  true,
	  { .memory_limit_bytes = SET(0),
	    .memory_reservation_bytes = SET(0),
	    .cpu_shares = SET(0),
	    .cpu_quota_usec = SET(0),
	    .cpu_period_usec = SET(0),
	    .blkio_weight = SET(0),
	    .cpus = "",
	    .mems = "" },
	  "",
	  "" },
	{ "memory",
	  false,
	  { .memory_limit_bytes = SET(1000000) },
	  "/memory/memory.limit_in_bytes=1000000 R\n",
	  "/v2/memory.max=1000000\n" },
	{ "memory and swap",
	  false,
	  { .memory_limit_bytes = SET(1000),
	    .memory_swap_bytes = SET(3000),
	    .memory_reservation_bytes = SET(500) },
	  "/memory/memory.limit_in_bytes=1000 R\n"
	  "/memory/memory.memsw.limit_in_bytes=3000 R\n"
	  "/memory/memory.soft_limit_in_bytes=500\n",
	  "/v2/memory.swap.max=2000\n"
	  "/v2/memory.max=1000\n"
	  "/v2/memory.low=500\n" },
	{ "no swap at all",
	  false,
	  { .memory_limit_bytes = SET(1000), .memory_swap_bytes = SET(1000) },
	  "/memory/memory.limit_in_bytes=1000 R\n"
	  "/memory/memory.memsw.limit_in_bytes=1000 R\n",
	  "/v2/memory.swap.max=0 O\n"
	  "/v2/memory.max=1000\n" },
	{ "unlimited swap",
	  false,
	  { .memory_limit_bytes = SET(1000), .memory_swap_bytes = SET(-1) },
	  "/memory/memory.limit_in_bytes=1000 R\n"
	  "/memory/memory.memsw.limit_in_bytes=-1 OR\n",
	  "/v2/memory.swap.max=max O\n"
	  "/v2/memory.max=1000\n" },
	{ "unlimited memory lifts swap, too",
	  true,
	  { .memory_limit_bytes = SET(-1), .memory_reservation_bytes = SET(-1) },
	  "/memory/memory.limit_in_bytes=-1 OR\n"
	  "/memory/memory.memsw.limit_in_bytes=-1 OR\n"
	  "/memory/memory.soft_limit_in_bytes=-1 O\n",
	  "/v2/memory.swap.max=max O\n"
	  "/v2/memory.max=max O\n"
	  "/v2/memory.low=0 O\n" },
	{ "swap below memory",
	  false,
	  { .memory_limit_bytes = SET(1000), .memory_swap_bytes = SET(999) },
	  "! memory.swap: 999 is memory+swap and cannot be below memory.limit, 1000",
	  "! memory.swap: 999 is memory+swap and cannot be below memory.limit, 1000" },
	{ "swap alone",
	  false,
	  { .memory_swap_bytes = SET(1000) },
	  "! memory.swap: it is memory+swap and needs memory.limit",
	  "! memory.swap: it is memory+swap and needs memory.limit" },
	{ "swap alone in an update",
	  true,
	  { .memory_swap_bytes = SET(1000) },
	  "/memory/memory.memsw.limit_in_bytes=1000 R\n",
	  "! memory.swap: cgroup v2 limits swap alone, so memory.limit is needed to convert "
	  "memory+swap" },
	{ "negative memory",
	  false,
	  { .memory_limit_bytes = SET(-2) },
	  "! memory.limit: -2 is neither a size nor -1 for no limit",
	  "! memory.limit: -2 is neither a size nor -1 for no limit" },
	{ "check before update",
	  true,
	  { .memory_limit_bytes = SET(1000), .memory_check_before_update = true },
	  "/memory/memory.limit_in_bytes=1000 R\n",
	  "/v2/memory.max=1000 C\n" },
	{ "swappiness",
	  false,
	  { .memory_swappiness = SET(0) },
	  "/memory/memory.swappiness=0\n",
	  "! memory.swappiness: cgroup v2 has no such setting" },
	{ "swappiness out of range",
	  false,
	  { .memory_swappiness = SET(101) },
	  "! memory.swappiness: 101 is above 100",
	  "! memory.swappiness: 101 is above 100" },
	{ "OOM killer off",
	  false,
	  { .memory_oom_kill_disable_set = true, .memory_oom_kill_disable = true },
	  "/memory/memory.oom_control=1\n",
	  "! memory.disableOOMKiller: cgroup v2 cannot do without it" },
	{ "OOM killer on, as Docker always says",
	  false,
	  { .memory_oom_kill_disable_set = true },
	  "",
	  "" },
	{ "OOM killer on again",
	  true,
	  { .memory_oom_kill_disable_set = true },
	  "/memory/memory.oom_control=0\n",
	  "" },
	{ "hierarchical memory",
	  false,
	  { .memory_use_hierarchy_set = true, .memory_use_hierarchy = true },
	  "",
	  "" },
	{ "flat memory",
	  false,
	  { .memory_use_hierarchy_set = true },
	  "! memory.useHierarchy: kernels since 5.11 know only true",
	  "! memory.useHierarchy: kernels since 5.11 know only true" },
	{ "shares",
	  false,
	  { .cpu_shares = SET(512) },
	  "/cpu/cpu.shares=512 R\n",
	  "/v2/cpu.weight=59 R\n" },
	{ "quota and period",
	  false,
	  { .cpu_quota_usec = SET(50000), .cpu_period_usec = SET(200000) },
	  "/cpu/cpu.cfs_period_us=200000 R\n"
	  "/cpu/cpu.cfs_quota_us=50000 R\n",
	  "/v2/cpu.max=50000 200000 R\n" },
	{ "quota alone",
	  false,
	  { .cpu_quota_usec = SET(50000) },
	  "/cpu/cpu.cfs_quota_us=50000 R\n",
	  "/v2/cpu.max=50000 R\n" },
	{ "no quota",
	  true,
	  { .cpu_quota_usec = SET(-5) },
	  "/cpu/cpu.cfs_quota_us=-1 OR\n",
	  "/v2/cpu.max=max OR\n" },
	{ "period alone",
	  false,
	  { .cpu_period_usec = SET(200000) },
	  "/cpu/cpu.cfs_period_us=200000 R\n",
	  "/v2/cpu.max=max 200000\n" },
	{ "period alone in an update",
	  true,
	  { .cpu_period_usec = SET(200000) },
	  "/cpu/cpu.cfs_period_us=200000 R\n",
	  "/v2/cpu.max=200000 P\n" },
	{ "burst and idle",
	  false,
	  { .cpu_quota_usec = SET(50000), .cpu_burst_usec = SET(0), .cpu_idle = SET(1) },
	  "/cpu/cpu.cfs_quota_us=50000 R\n"
	  "/cpu/cpu.cfs_burst_us=0 R\n"
	  "/cpu/cpu.idle=1\n",
	  "/v2/cpu.max=50000 R\n"
	  "/v2/cpu.max.burst=0 R\n"
	  "/v2/cpu.idle=1\n" },
	{ "idle 2",
	  false,
	  { .cpu_idle = SET(2) },
	  "! cpu.idle: 2 is neither 0 nor 1",
	  "! cpu.idle: 2 is neither 0 nor 1" },
	{ "realtime",
	  false,
	  { .cpu_realtime_runtime_usec = SET(950), .cpu_realtime_period_usec = SET(1000) },
	  "/cpu/cpu.rt_period_us=1000 R\n"
	  "/cpu/cpu.rt_runtime_us=950 R\n",
	  "! cpu.realtimeRuntime and cpu.realtimePeriod: cgroup v2 has no limit on realtime "
	  "scheduling" },
	{ "cpuset",
	  false,
	  { .cpus = "0-1,3", .mems = "0" },
	  "/cpuset/cpuset.cpus=0-1,3\n"
	  "/cpuset/cpuset.mems=0\n",
	  "/v2/cpuset.cpus=0-1,3\n"
	  "/v2/cpuset.mems=0\n" },
	{ "block weight",
	  false,
	  { .blkio_weight = SET(500) },
	  "/blkio/blkio.weight=500 N\n"
	  "/blkio/blkio.bfq.weight=500\n",
	  "/v2/io.bfq.weight=500 N\n"
	  "/v2/io.weight=4950\n" },
	{ "block weight too low",
	  false,
	  { .blkio_weight = SET(9) },
	  "! blockIO.weight: 9 is not between 10 and 1000",
	  "! blockIO.weight: 9 is not between 10 and 1000" },
	{ "leaf weight",
	  false,
	  { .blkio_leaf_weight = SET(10) },
	  "/blkio/blkio.leaf_weight=10\n",
	  "! blockIO.leafWeight: cgroup v2 has no such setting" },
	{ "weight per device",
	  false,
	  { .blkio_weight_device = { 2, sda_weight } },
	  "/blkio/blkio.weight_device=8:0 500 N\n"
	  "/blkio/blkio.bfq.weight_device=8:0 500\n"
	  "/blkio/blkio.weight_device=8:16 10 N\n"
	  "/blkio/blkio.bfq.weight_device=8:16 10\n",
	  "/v2/io.bfq.weight=8:0 500 N\n"
	  "/v2/io.weight=8:0 4950\n"
	  "/v2/io.bfq.weight=8:16 10 N\n"
	  "/v2/io.weight=8:16 1\n" },
	{ "leaf weight per device",
	  false,
	  { .blkio_leaf_weight_device = { 1, sda_weight } },
	  "/blkio/blkio.leaf_weight_device=8:0 500\n",
	  "! blockIO.leafWeight: cgroup v2 has no such setting" },
	{ "throttle",
	  false,
	  { .blkio_read_bps = { 2, sda_rate },
	    .blkio_write_bps = { 1, sda_rate },
	    .blkio_read_iops = { 1, sda_rate },
	    .blkio_write_iops = { 1, sda_rate } },
	  "/blkio/blkio.throttle.read_bps_device=8:0 1048576\n"
	  "/blkio/blkio.throttle.read_bps_device=8:16 0\n"
	  "/blkio/blkio.throttle.write_bps_device=8:0 1048576\n"
	  "/blkio/blkio.throttle.read_iops_device=8:0 1048576\n"
	  "/blkio/blkio.throttle.write_iops_device=8:0 1048576\n",
	  "/v2/io.max=8:0 rbps=1048576\n"
	  "/v2/io.max=8:16 rbps=max\n"
	  "/v2/io.max=8:0 wbps=1048576\n"
	  "/v2/io.max=8:0 riops=1048576\n"
	  "/v2/io.max=8:0 wiops=1048576\n" },
	{ "huge pages",
	  false,
	  { .hugetlb_count = 2, .hugetlb = huge },
	  "/hugetlb/hugetlb.2MB.rsvd.limit_in_bytes=4194304 O\n"
	  "/hugetlb/hugetlb.2MB.limit_in_bytes=4194304\n"
	  "/hugetlb/hugetlb.1GB.rsvd.limit_in_bytes=18446744073709551615 O\n"
	  "/hugetlb/hugetlb.1GB.limit_in_bytes=18446744073709551615\n",
	  "/v2/hugetlb.2MB.rsvd.max=4194304 O\n"
	  "/v2/hugetlb.2MB.max=4194304\n"
	  "/v2/hugetlb.1GB.rsvd.max=18446744073709551615 O\n"
	  "/v2/hugetlb.1GB.max=18446744073709551615\n" },
	{ "huge page size as a path",
	  false,
	  { .hugetlb_count = 1, .hugetlb = huge_bad },
	  "! hugepageLimits: page size \"2MB/../x\" is not of the form 2MB or 1GB",
	  "! hugepageLimits: page size \"2MB/../x\" is not of the form 2MB or 1GB" },
	{ "network class",
	  false,
	  { .net_class_id = SET(1048577) },
	  "/net/net_cls.classid=1048577\n",
	  "! network.classID: the net_cls controller is not available on this host" },
	{ "network priorities",
	  false,
	  { .net_priorities_count = 2, .net_priorities = priorities },
	  "/net/net_prio.ifpriomap=eth0 5\n"
	  "/net/net_prio.ifpriomap=lo 7\n",
	  "! network.priorities: the net_prio controller is not available on this host" },
	{ "processes",
	  false,
	  { .pids_limit = SET(100) },
	  "/pids/pids.max=100 L\n",
	  "/v2/pids.max=100 L\n" },
	{ "no processes",
	  false,
	  { .pids_limit = SET(0) },
	  "/pids/pids.max=0 L\n",
	  "/v2/pids.max=0 L\n" },
	{ "any processes",
	  false,
	  { .pids_limit = SET(-1) },
	  "/pids/pids.max=max OL\n",
	  "/v2/pids.max=max OL\n" },
	{ "rdma",
	  false,
	  { .rdma_count = 2, .rdma = rdma },
	  "/rdma/rdma.max=mlx5_0 hca_handle=2 hca_object=2000\n"
	  "/rdma/rdma.max=mlx5_1 hca_object=3\n",
	  "/v2/rdma.max=mlx5_0 hca_handle=2 hca_object=2000\n"
	  "/v2/rdma.max=mlx5_1 hca_object=3\n" },
	{ "unified after the rest",
	  false,
	  { .memory_limit_bytes = SET(1000), .unified = { 4, unified } },
	  "! unified: this host has no cgroup v2 hierarchy",
	  "/v2/memory.max=1000\n"
	  "/v2/memory.high=1000000\n"
	  "/v2/io.max=8:0 rbps=1\n"
	  "/v2/io.max=8:16 wbps=2\n"
	  "/v2/cgroup.max.depth=3\n" },
	{ "unified with a path",
	  false,
	  { .unified = { 1, unified_slash } },
	  "! unified: this host has no cgroup v2 hierarchy",
	  "! unified: key \"../memory.max\" is not a file name of the form CONTROLLER.NAME" },
	{ "unified without a controller",
	  false,
	  { .unified = { 1, unified_nodot } },
	  "! unified: this host has no cgroup v2 hierarchy",
	  "! unified: key \"tasks\" is not a file name of the form CONTROLLER.NAME" },
	{ "unified with a missing controller",
	  false,
	  { .unified = { 1, unified_unknown } },
	  "! unified: this host has no cgroup v2 hierarchy",
	  "! unified: key \"dmem.max\": the dmem controller is not available in the cgroup v2 "
	  "hierarchy of this host" },
};

static void test_goldens(void **state)
{
	struct cgroup_limits_plan plan;
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof goldens / sizeof *goldens; i++) {
		const struct golden *g = &goldens[i];
		for (int version = 1; version <= 2; version++) {
			const char *expected = version == 1 ? g->v1 : g->v2;
			const char *got =
				planned(&g->limits, version == 1 ? &v1 : &v2, g->update, &plan);
			if (strcmp(got, expected) == 0)
				continue;
			wrong++;
			print_error("%s, v%d:\n%s--- expected:\n%s", g->name, version, got,
				    expected);
		}
	}
	assert_int_equal(wrong, 0);
}

/* ---- what the plan says besides ---- */

static void test_facts(void **state)
{
	struct cgroup_limits_plan plan;

	(void)state;
	planned(&(struct cgroup_limits){ .pids_limit = SET(5), .memory_limit_bytes = SET(5) }, &v2,
		false, &plan);
	assert_int_equal(plan.require, CGROUP_PIDS | CGROUP_MEMORY);
	assert_true(plan.limited);
	planned(&(struct cgroup_limits){ .cpus = "0", .mems = "" }, &v1, false, &plan);
	assert_true(plan.cpus_given);
	assert_false(plan.mems_given);
	assert_int_equal(plan.require, 0);
	/* What is no limit needs no cgroup. */
	planned(&(struct cgroup_limits){ .pids_limit = SET(-1),
					 .memory_limit_bytes = SET(-1),
					 .memory_swap_bytes = SET(-1) },
		&v2, false, &plan);
	assert_false(plan.limited);
	assert_int_equal(plan.require, 0);
	planned(&(struct cgroup_limits){ 0 }, &v2, true, &plan);
	assert_false(plan.limited);
	assert_true(plan.update);
}

static void test_hosts(void **state)
{
	struct cgroup_limits_plan plan;
	static const struct cgroup_named_value memory_max = { "memory.max", "1" },
					       huge_max = { "hugetlb.2MB.max", "1" };

	(void)state;
	/* v1 has memory, v2 has huge pages: each goes where its controller is. */
	assert_string_equal(planned(&(struct cgroup_limits){ .memory_limit_bytes = SET(5),
							     .hugetlb_count = 1,
							     .hugetlb = huge },
				    &hybrid, false, &plan),
			    "/memory/memory.limit_in_bytes=5 R\n"
			    "/v2/hugetlb.2MB.rsvd.max=4194304 O\n"
			    "/v2/hugetlb.2MB.max=4194304\n");
	assert_int_equal(plan.require, CGROUP_HUGETLB);
	assert_string_equal(
		planned(&(struct cgroup_limits){ .unified = { 1, &memory_max } }, &hybrid, false,
			&plan),
		"! unified: key \"memory.max\": the memory controller is not available in "
		"the cgroup v2 hierarchy of this host");
	assert_string_equal(planned(&(struct cgroup_limits){ .unified = { 1, &huge_max } }, &hybrid,
				    false, &plan),
			    "/v2/hugetlb.2MB.max=1\n");
	assert_string_equal(
		planned(&(struct cgroup_limits){ .pids_limit = SET(5) }, &hybrid, false, &plan),
		"! pids.limit: the pids controller is not available on this host");
	assert_string_equal(
		planned(&(struct cgroup_limits){ .pids_limit = SET(5) }, &nothing, false, &plan),
		"! pids.limit: the pids controller is not available on this host");
	assert_string_equal(planned(&(struct cgroup_limits){ .pids_limit = SET(-1),
							     .memory_limit_bytes = SET(-1) },
				    &nothing, false, &plan),
			    "");
}

/* ---- conversions, with libm as the oracle ---- */

static void test_weights(void **state)
{
	(void)state;
	assert_int_equal(cgroup_weight_of_shares(0), 1);
	assert_int_equal(cgroup_weight_of_shares(2), 1);
	assert_int_equal(cgroup_weight_of_shares(1024), 100);
	assert_int_equal(cgroup_weight_of_shares(262144), 10000);
	assert_int_equal(cgroup_weight_of_shares(UINT64_MAX), 10000);
	for (uint64_t shares = 3; shares < 262144; shares++) {
		double l = log2((double)shares);
		uint64_t expected =
			(uint64_t)ceil(pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0) - 1e-9);
		if (cgroup_weight_of_shares(shares) != expected)
			fail_msg("%d shares: %d instead of %d", (int)shares,
				 (int)cgroup_weight_of_shares(shares), (int)expected);
	}
	assert_int_equal(cgroup_weight_of_blkio(10), 1);
	assert_int_equal(cgroup_weight_of_blkio(500), 4950);
	assert_int_equal(cgroup_weight_of_blkio(1000), 10000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goldens),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_weights),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
