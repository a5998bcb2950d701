/* SPDX-License-Identifier: Apache-2.0 */
/* Scheduling, memory policy, limits: the parsers, then the calls in forked children. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "src/cred/cred-sched.h"
#include "tests/unit/in-child.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void names(void **state)
{
	(void)state;
	assert_int_equal(cred_sched_policy_parse("SCHED_OTHER"), SCHED_OTHER);
	assert_int_equal(cred_sched_policy_parse("SCHED_FIFO"), SCHED_FIFO);
	assert_int_equal(cred_sched_policy_parse("SCHED_RR"), SCHED_RR);
	assert_int_equal(cred_sched_policy_parse("SCHED_BATCH"), SCHED_BATCH);
	assert_int_equal(cred_sched_policy_parse("SCHED_ISO"), 4);
	assert_int_equal(cred_sched_policy_parse("SCHED_IDLE"), SCHED_IDLE);
	assert_int_equal(cred_sched_policy_parse("SCHED_DEADLINE"), 6);
	assert_int_equal(cred_sched_policy_parse("sched_other"), -1);
	assert_int_equal(cred_sched_policy_parse("SCHED_EXT"), -1);
	assert_string_equal(cred_sched_policy_name(6), "SCHED_DEADLINE");
	assert_null(cred_sched_policy_name(7));
	assert_int_equal(cred_sched_flag_parse("SCHED_FLAG_RESET_ON_FORK"), 1);
	assert_int_equal(cred_sched_flag_parse("SCHED_FLAG_UTIL_CLAMP_MAX"), 0x40);
	assert_int_equal(cred_sched_flag_parse("RESET_ON_FORK"), -1);
	assert_int_equal(cred_ioprio_class_parse("IOPRIO_CLASS_RT"), 1);
	assert_int_equal(cred_ioprio_class_parse("IOPRIO_CLASS_BE"), 2);
	assert_int_equal(cred_ioprio_class_parse("IOPRIO_CLASS_IDLE"), 3);
	assert_int_equal(cred_ioprio_class_parse("IOPRIO_CLASS_NONE"), -1);
	assert_int_equal(cred_personality_parse("LINUX"), 0);
	assert_int_equal(cred_personality_parse("LINUX32"), 8);
	assert_int_equal(cred_personality_parse("LINUX64"), -1);
	assert_int_equal(cred_mempolicy_mode_parse("MPOL_DEFAULT"), 0);
	assert_int_equal(cred_mempolicy_mode_parse("MPOL_BIND"), MPOL_BIND);
	assert_int_equal(cred_mempolicy_mode_parse("MPOL_WEIGHTED_INTERLEAVE"), 6);
	assert_int_equal(cred_mempolicy_mode_parse("bind"), -1);
	assert_int_equal(cred_mempolicy_flag_parse("MPOL_F_STATIC_NODES"), MPOL_F_STATIC_NODES);
	assert_int_equal(cred_mempolicy_flag_parse("MPOL_F_NODE"), -1);
	assert_int_equal(cred_rlimit_parse("RLIMIT_NOFILE"), RLIMIT_NOFILE);
	assert_int_equal(cred_rlimit_parse("NOFILE"), -1);
	/* Each of the kernel's resources has a name, and the name leads back. */
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		assert_non_null(cred_rlimit_name(i));
		assert_int_equal(cred_rlimit_parse(cred_rlimit_name(i)), i);
	}
	assert_null(cred_rlimit_name(RLIM_NLIMITS));
}

static void set_parse(void **state)
{
	static const struct {
		const char *text;
		int ok;
		unsigned highest;
		unsigned long first_word;
	} table[] = {
		{ "0", 1, 0, 1 },
		{ "0-3,5", 1, 5, 0x2f },
		{ "3,1,2-2", 1, 3, 0xe },
		{ "0-63", 1, 63, ~0ul },
		{ "64", 1, 64, 0 },
		{ "8191", 1, 8191, 0 },
		{ " 1 , 2\n", 1, 2, 6 },
		{ ",1,,2,", 1, 2, 6 },
		{ "", 0 },
		{ ",", 0 },
		{ " ", 0 },
		{ "8192", 0 },
		{ "99999999999999999999", 0 },
		{ "3-1", 0 },
		{ "1,3-1", 0 },
		{ "1-", 0 },
		{ "-1", 0 },
		{ "1-2-3", 0 },
		{ "1 2", 0 },
		{ "1,x", 0 },
		{ "+1", 0 },
		{ "0x1", 0 },
		{ "0-8:2", 0 },
		{ "all", 0 },
	};
	struct cred_set set;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		int rc = cred_set_parse(table[i].text, "cpus", &set, &e);
		if ((rc == 0) != table[i].ok)
			fail_msg("\"%s\": %d", table[i].text, rc);
		if (rc < 0) {
			assert_int_equal(strncmp(e.msg, "cpus \"", 6), 0);
			continue;
		}
		assert_int_equal(set.highest, table[i].highest);
		assert_int_equal(set.words[0], table[i].first_word);
		assert_int_equal(set.words[set.highest / 64] >> set.highest % 64, 1);
	}
}

static void sched_check(void **state)
{
	static const struct {
		struct cred_sched s;
		const char *says; /* NULL: fine */
	} table[] = {
		{ { .policy = 0 }, NULL },
		{ { .policy = 0, .nice = -20 }, NULL },
		{ { .policy = 0, .nice = 19 }, NULL },
		{ { .policy = 0, .nice = 20 }, "nice 20" },
		{ { .policy = 0, .nice = -21 }, "nice -21" },
		{ { .policy = 0, .priority = 1 }, "priority 1: SCHED_OTHER takes none" },
		{ { .policy = 1 }, "priority 0: SCHED_FIFO takes 1 to 99" },
		{ { .policy = 1, .priority = 1 }, NULL },
		{ { .policy = 2, .priority = 99 }, NULL },
		{ { .policy = 2, .priority = 100 }, "priority 100: SCHED_RR" },
		{ { .policy = 4 }, "SCHED_ISO" },
		{ { .policy = 7 }, "no such policy" },
		{ { .policy = 3, .runtime_nsec = 1 }, "only SCHED_DEADLINE" },
		{ { .policy = 6, .runtime_nsec = 1023, .deadline_nsec = 2000 }, "1024 ns" },
		{ { .policy = 6, .runtime_nsec = 3000, .deadline_nsec = 2000 }, "deadline 2000" },
		{ { .policy = 6, .runtime_nsec = 2000, .deadline_nsec = 3000 }, NULL },
		{ { .policy = 6, .runtime_nsec = 2000, .deadline_nsec = 3000, .period_nsec = 2500 },
		  "longer than the period" },
		{ { .policy = 6, .priority = 1, .runtime_nsec = 2000, .deadline_nsec = 3000 },
		  "takes none" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct err e = { 0 };
		int rc = cred_sched_check(&table[i].s, &e);
		assert_int_equal(rc, table[i].says ? -1 : 0);
		if (table[i].says && !strstr(e.msg, table[i].says))
			fail_msg("\"%s\" has no \"%s\"", e.msg, table[i].says);
	}
}

static void mempolicy_check(void **state)
{
	const unsigned fixed = MPOL_F_STATIC_NODES, relative = MPOL_F_RELATIVE_NODES;
	const struct {
		struct cred_mempolicy m;
		const char *says;
	} table[] = {
		{ { .mode = MPOL_DEFAULT }, NULL },
		{ { .mode = MPOL_LOCAL }, NULL },
		{ { .mode = MPOL_PREFERRED }, NULL },
		{ { .mode = MPOL_BIND, .has_nodes = 1 }, NULL },
		{ { .mode = MPOL_BIND, .has_nodes = 1, .flags = fixed }, NULL },
		{ { .mode = MPOL_DEFAULT, .has_nodes = 1 }, "MPOL_DEFAULT takes none" },
		{ { .mode = MPOL_LOCAL, .flags = fixed }, "MPOL_LOCAL takes none" },
		{ { .mode = MPOL_BIND }, "MPOL_BIND needs" },
		{ { .mode = MPOL_INTERLEAVE }, "MPOL_INTERLEAVE needs" },
		{ { .mode = MPOL_BIND, .has_nodes = 1, .flags = fixed | relative }, "exclude" },
		{ { .mode = MPOL_PREFERRED, .flags = fixed }, "need nodes" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		struct err e = { 0 };
		int rc = cred_mempolicy_check(&table[i].m, &e);
		assert_int_equal(rc, table[i].says ? -1 : 0);
		if (table[i].says)
			assert_non_null(strstr(e.msg, table[i].says));
	}
}

static void sched_body(void *arg)
{
	struct cred_sched s = { .policy = SCHED_BATCH, .nice = 5 };
	struct err e;

	(void)arg;
	CHECK_OK(cred_sched_apply(0, &s, &e), e);
	CHECK(sched_getscheduler(0) == SCHED_BATCH);
	CHECK(getpriority(PRIO_PROCESS, 0) == 5);
	s = (struct cred_sched){ .policy = SCHED_IDLE, .flags = 1 };
	CHECK_OK(cred_sched_apply(getpid(), &s, &e), e);
	CHECK(sched_getscheduler(0) == (SCHED_IDLE | SCHED_RESET_ON_FORK));
	CHECK_OK(cred_ioprio_apply(0, IOPRIO_CLASS_BE, 7, &e), e);
	CHECK(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0) ==
	      IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7));
	CHECK_OK(cred_personality_apply(PER_LINUX32, &e), e);
	CHECK(personality(0xffffffff) == PER_LINUX32);
#ifdef __x86_64__
	struct utsname u;
	CHECK(uname(&u) == 0 && strcmp(u.machine, "i686") == 0);
#endif
	/* Bits that the kernel does not know are EINVAL, with words about it. */
	CHECK(cred_ioprio_apply(0, 7, 7, &e) == -1 && e.errnum == EINVAL);
}

static void affinity_body(void *arg)
{
	struct cred_set set;
	cpu_set_t old, now;
	struct err e;
	char text[16];
	int cpu = 0;

	(void)arg;
	CHECK(sched_getaffinity(0, sizeof old, &old) == 0);
	while (!CPU_ISSET(cpu, &old))
		cpu++;
	snprintf(text, sizeof text, "%d,8191", cpu);
	CHECK_OK(cred_set_parse(text, "cpus", &set, &e), e);
	/* Numbers beyond the machine's are passed over as long as one is left. */
	CHECK_OK(cred_affinity_apply(&set, &e), e);
	CHECK(sched_getaffinity(0, sizeof now, &now) == 0);
	CHECK(CPU_COUNT(&now) == 1 && CPU_ISSET(cpu, &now));
	CHECK_OK(cred_set_parse("8191", "cpus", &set, &e), e);
	CHECK(cred_affinity_apply(&set, &e) == -1 && e.errnum == EINVAL);
	CHECK(strstr(e.msg, "none of the CPUs"));
}

static void mempolicy_body(void *arg)
{
	struct cred_mempolicy m = { .mode = MPOL_BIND, .has_nodes = 1 };
	unsigned long nodes[CRED_SET_WORDS] = { 0 };
	struct err e;
	int mode;

	(void)arg;
	CHECK_OK(cred_set_parse("0", "nodes", &m.nodes, &e), e);
	if (cred_mempolicy_apply(&m, &e) < 0 && e.errnum == ENOSYS)
		SKIP_CHILD(e.msg);
	CHECK_OK(cred_mempolicy_apply(&m, &e), e);
	CHECK(syscall(SYS_get_mempolicy, &mode, nodes, 8192ul, NULL, 0ul) == 0);
	CHECK(mode == MPOL_BIND && nodes[0] == 1);
	CHECK_OK(cred_set_parse("63", "nodes", &m.nodes, &e), e);
	CHECK(cred_mempolicy_apply(&m, &e) == -1 && strstr(e.msg, "MPOL_BIND"));
	m = (struct cred_mempolicy){ .mode = MPOL_DEFAULT };
	CHECK_OK(cred_mempolicy_apply(&m, &e), e);
}

static void rlimit_body(void *arg)
{
	struct rlimit now;
	struct err e;

	(void)arg;
	CHECK_OK(cred_rlimit_apply(0, RLIMIT_CORE, 0, 0, &e), e);
	CHECK(getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_cur == 0 && now.rlim_max == 0);
	CHECK_OK(cred_rlimit_apply(getpid(), RLIMIT_NOFILE, 50, 60, &e), e);
	CHECK(getrlimit(RLIMIT_NOFILE, &now) == 0 && now.rlim_cur == 50 && now.rlim_max == 60);
	CHECK(cred_rlimit_apply(0, RLIMIT_NOFILE, 61, 60, &e) == -1 && e.errnum == EINVAL);
	CHECK(strstr(e.msg, "RLIMIT_NOFILE to 61:60: Invalid argument: the soft limit"));
	/* Infinite is all ones; RLIMIT_AS may be infinite already, which is no raise. */
	CHECK(getrlimit(RLIMIT_AS, &now) == 0);
	if (now.rlim_max == RLIM_INFINITY)
		CHECK_OK(cred_rlimit_apply(0, RLIMIT_AS, UINT64_MAX, UINT64_MAX, &e), e);
	CHECK(setresuid(geteuid() ? geteuid() : 1, -1, -1) == 0);
	CHECK(setuid(geteuid() ? geteuid() : 1) == 0);
	CHECK(cred_rlimit_apply(0, RLIMIT_CORE, 0, 1, &e) == -1 && e.errnum == EPERM);
	CHECK(strstr(e.msg, "CAP_SYS_RESOURCE"));
}

static void oom_body(void *arg)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	char text[16] = "";
	struct err e;

	(void)arg;
	CHECK_OK(cred_oom_score_apply(proc, 0, 321, &e), e);
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);
	CHECK(read(fd, text, sizeof text - 1) > 0 && atoi(text) == 321);
	close(fd);
	CHECK_OK(cred_oom_score_apply(proc, getpid(), 322, &e), e);
	CHECK(cred_oom_score_apply(proc, 0, 1001, &e) == -1 && e.errnum == EINVAL);
	/* A directory that is no procfs of ours gets no write. */
	CHECK(cred_oom_score_apply(open("/tmp", O_PATH | O_CLOEXEC), 0, 1, &e) == -1);
}

static void live(void **state)
{
	(void)state;
	child_result(sched_body, NULL);
	child_result(affinity_body, NULL);
	child_result(rlimit_body, NULL);
	child_result(oom_body, NULL);
}

static void mempolicy_live(void **state)
{
	(void)state;
	child_result(mempolicy_body, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),       cmocka_unit_test(set_parse),
		cmocka_unit_test(sched_check), cmocka_unit_test(mempolicy_check),
		cmocka_unit_test(live),	       cmocka_unit_test(mempolicy_live),
	};

	return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
