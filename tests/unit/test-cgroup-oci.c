/* SPDX-License-Identifier: Apache-2.0 */
/* From the resources of an OCI configuration to the writes, through every layer between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "runtime/plan/plan-cgroup.h"
#include "src/base/text.h"

static const struct cgroup_set v1 = {
	.count = 9,
	.places = { { .controllers = CGROUP_CPU | CGROUP_CPUACCT, .dir = "/cpu" },
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
		      .controllers = CGROUP_V2_DEFAULT | CGROUP_HUGETLB | CGROUP_RDMA,
		      .dir = "/v2" } },
};

/* Every property that both versions have. */
static const char common[] =
	"{\"memory\":{\"limit\":1000,\"reservation\":500,\"swap\":3000,\"kernel\":7,"
	"\"disableOOMKiller\":false,\"useHierarchy\":true,\"checkBeforeUpdate\":true},"
	"\"cpu\":{\"shares\":1024,\"quota\":50000,\"burst\":10,\"period\":100000,\"idle\":0,"
	"\"cpus\":\"0-1\",\"mems\":\"0\"},"
	"\"pids\":{\"limit\":0},"
	"\"blockIO\":{\"weight\":500,"
	"\"weightDevice\":[{\"major\":8,\"minor\":0,\"weight\":10}],"
	"\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}],"
	"\"throttleWriteBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":2}],"
	"\"throttleReadIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":3}],"
	"\"throttleWriteIOPSDevice\":[{\"major\":8,\"minor\":0,\"rate\":4}]},"
	"\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}],"
	"\"rdma\":{\"mlx5_0\":{\"hcaHandles\":3,\"hcaObjects\":5}}}";

static const char common_v1[] = "/memory/memory.limit_in_bytes=1000\n"
				"/memory/memory.memsw.limit_in_bytes=3000\n"
				"/memory/memory.soft_limit_in_bytes=500\n"
				"/cpu/cpu.shares=1024\n"
				"/cpu/cpu.cfs_period_us=100000\n"
				"/cpu/cpu.cfs_quota_us=50000\n"
				"/cpu/cpu.cfs_burst_us=10\n"
				"/cpu/cpu.idle=0\n"
				"/cpuset/cpuset.cpus=0-1\n"
				"/cpuset/cpuset.mems=0\n"
				"/blkio/blkio.weight=500\n"
				"/blkio/blkio.bfq.weight=500\n"
				"/blkio/blkio.weight_device=8:0 10\n"
				"/blkio/blkio.bfq.weight_device=8:0 10\n"
				"/blkio/blkio.throttle.read_bps_device=8:0 1\n"
				"/blkio/blkio.throttle.write_bps_device=8:0 2\n"
				"/blkio/blkio.throttle.read_iops_device=8:0 3\n"
				"/blkio/blkio.throttle.write_iops_device=8:0 4\n"
				"/hugetlb/hugetlb.2MB.rsvd.limit_in_bytes=4\n"
				"/hugetlb/hugetlb.2MB.limit_in_bytes=4\n"
				"/rdma/rdma.max=mlx5_0 hca_handle=3 hca_object=5\n"
				"/pids/pids.max=0\n";

static const char common_v2[] = "/v2/memory.swap.max=2000\n"
				"/v2/memory.max=1000\n"
				"/v2/memory.low=500\n"
				"/v2/cpu.weight=100\n"
				"/v2/cpu.max=50000 100000\n"
				"/v2/cpu.max.burst=10\n"
				"/v2/cpu.idle=0\n"
				"/v2/cpuset.cpus=0-1\n"
				"/v2/cpuset.mems=0\n"
				"/v2/io.bfq.weight=500\n"
				"/v2/io.weight=4950\n"
				"/v2/io.bfq.weight=8:0 10\n"
				"/v2/io.weight=8:0 1\n"
				"/v2/io.max=8:0 rbps=1\n"
				"/v2/io.max=8:0 wbps=2\n"
				"/v2/io.max=8:0 riops=3\n"
				"/v2/io.max=8:0 wiops=4\n"
				"/v2/hugetlb.2MB.rsvd.max=4\n"
				"/v2/hugetlb.2MB.max=4\n"
				"/v2/rdma.max=mlx5_0 hca_handle=3 hca_object=5\n"
				"/v2/pids.max=0\n";

static struct arena arena;

static struct spec_resources *parse(const char *json)
{
	struct spec_resources *r = NULL;
	struct err e;

	if (spec_resources_parse("test", json, strlen(json), &arena, &r, &e) < 0)
		fail_msg("%s", e.msg);
	return r;
}

static const char *writes(const char *json, const struct cgroup_set *set,
			  struct cgroup_limits_plan *plan)
{
	static char text[8192];
	struct cgroup_limits limits = { 0 };
	struct err e;
	size_t used = 0;

	text[0] = '\0';
	assert_int_equal(plan_cgroup_limits(parse(json), &arena, &limits, &e), 0);
	if (cgroup_limits_plan(&limits, set, false, &arena, plan, &e) < 0) {
		text_format(text, sizeof text, "! %s", e.msg);
		return text;
	}
	for (size_t i = 0; i < plan->writes_count; i++)
		used += text_format(text + used, sizeof text - used, "%s/%s=%s\n",
				    set->places[plan->writes[i].place].dir, plan->writes[i].file,
				    plan->writes[i].value);
	return text;
}

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void test_common(void **state)
{
	struct cgroup_limits_plan plan;

	(void)state;
	assert_string_equal(writes(common, &v1, &plan), common_v1);
	assert_true(plan.cpus_given && plan.mems_given && plan.limited);
	assert_string_equal(writes(common, &v2, &plan), common_v2);
	assert_int_equal(plan.require, CGROUP_V2_DEFAULT | CGROUP_HUGETLB | CGROUP_RDMA);
}

static void test_v1_only(void **state)
{
	static const char json[] =
		"{\"memory\":{\"swappiness\":60,\"disableOOMKiller\":true},"
		"\"cpu\":{\"realtimeRuntime\":950,\"realtimePeriod\":1000},"
		"\"blockIO\":{\"leafWeight\":10,"
		"\"weightDevice\":[{\"major\":8,\"minor\":0,\"leafWeight\":20}]},"
		"\"network\":{\"classID\":1048577,\"priorities\":[{\"name\":\"eth0\",\"priority\":"
		"5}]}}";
	struct cgroup_limits_plan plan;

	(void)state;
	assert_string_equal(writes(json, &v1, &plan), "/memory/memory.swappiness=60\n"
						      "/memory/memory.oom_control=1\n"
						      "/cpu/cpu.rt_period_us=1000\n"
						      "/cpu/cpu.rt_runtime_us=950\n"
						      "/blkio/blkio.leaf_weight=10\n"
						      "/blkio/blkio.leaf_weight_device=8:0 20\n"
						      "/net/net_cls.classid=1048577\n"
						      "/net/net_prio.ifpriomap=eth0 5\n");
	assert_int_equal(*writes(json, &v2, &plan), '!');
}

static void test_unified(void **state)
{
	struct cgroup_limits_plan plan;

	(void)state;
	assert_string_equal(writes("{\"unified\":{\"memory.high\":\"5\"}}", &v2, &plan),
			    "/v2/memory.high=5\n");
	assert_int_equal(*writes("{\"unified\":{\"memory.high\":\"5\"}}", &v1, &plan), '!');
}

static void test_devices(void **state)
{
	struct cgroup_limits_plan plan;

	(void)state;
	/* The list that `spec` prints, and one more rule of the user's. */
	assert_string_equal(writes("{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},"
				   "{\"allow\":true,\"type\":\"c\",\"major\":10,\"minor\":229,"
				   "\"access\":\"rw\"}]}",
				   &v1, &plan),
			    "/devices/devices.deny=a\n"
			    "/devices/devices.allow=c 10:229 rw\n"
			    "/devices/devices.allow=c *:* m\n"
			    "/devices/devices.allow=b *:* m\n"
			    "/devices/devices.allow=c 1:3 rwm\n"
			    "/devices/devices.allow=c 1:8 rwm\n"
			    "/devices/devices.allow=c 1:7 rwm\n"
			    "/devices/devices.allow=c 5:0 rwm\n"
			    "/devices/devices.allow=c 1:5 rwm\n"
			    "/devices/devices.allow=c 1:9 rwm\n"
			    "/devices/devices.allow=c 5:1 rwm\n"
			    "/devices/devices.allow=c 136:* rwm\n"
			    "/devices/devices.allow=c 5:2 rwm\n"
			    "/devices/devices.allow=c 10:200 rwm\n");
	assert_false(plan.limited);
	writes("{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}", &v2, &plan);
	assert_non_null(plan.program);
	writes("{\"devices\":[]}", &v2, &plan);
	assert_null(plan.program);
}

/* What callers set before stays. */
static void test_keeps_fields(void **state)
{
	struct cgroup_limits limits = { .devices_optional = true };
	struct err e;

	(void)state;
	assert_int_equal(plan_cgroup_limits(parse("{}"), &arena, &limits, &e), 0);
	assert_true(limits.devices_optional);
}

static void test_is_limited(void **state)
{
	static const struct {
		const char *json;
		bool limited;
	} table[] = {
		{ "{}", false },
		{ "{\"devices\":[{\"allow\":false,\"access\":\"rwm\"}]}", false },
		{ "{\"pids\":{\"limit\":-1}}", false },
		{ "{\"pids\":{\"limit\":0}}", true },
		{ "{\"memory\":{\"limit\":-1,\"swap\":-1,\"disableOOMKiller\":false}}", false },
		{ "{\"memory\":{\"limit\":0}}", false },
		{ "{\"memory\":{\"limit\":4096}}", true },
		{ "{\"memory\":{\"swappiness\":0}}", true },
		{ "{\"cpu\":{\"shares\":0,\"quota\":-1}}", false },
		{ "{\"cpu\":{\"quota\":5000}}", true },
		{ "{\"cpu\":{\"cpus\":\"0\"}}", true },
		{ "{\"blockIO\":{\"weight\":0}}", false },
		{ "{\"blockIO\":{\"throttleReadBpsDevice\":[{\"major\":8,\"minor\":0,\"rate\":1}]}"
		  "}",
		  true },
		{ "{\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}]}", true },
		{ "{\"network\":{\"classID\":0}}", false },
		{ "{\"network\":{\"classID\":1}}", true },
		{ "{\"rdma\":{\"mlx5_0\":{\"hcaHandles\":3}}}", true },
		{ "{\"unified\":{\"memory.high\":\"5\"}}", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (plan_cgroup_is_limited(parse(table[i].json)) != table[i].limited)
			fail_msg("%s", table[i].json);
}

#define with(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with(test_common),  with(test_v1_only),	     with(test_unified),
		with(test_devices), with(test_keeps_fields), with(test_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
