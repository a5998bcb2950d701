/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-sched.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/cred/cred-names.h"

/* Numbers of <linux/sched.h>: glibc's header hides some of them. */
static const struct cred_name policies[] = {
	{ "SCHED_OTHER", 0 }, { "SCHED_FIFO", 1 }, { "SCHED_RR", 2 },       { "SCHED_BATCH", 3 },
	{ "SCHED_ISO", 4 },   { "SCHED_IDLE", 5 }, { "SCHED_DEADLINE", 6 },
};

static const struct cred_name sched_flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", 0x01 },  { "SCHED_FLAG_RECLAIM", 0x02 },
	{ "SCHED_FLAG_DL_OVERRUN", 0x04 },     { "SCHED_FLAG_KEEP_POLICY", 0x08 },
	{ "SCHED_FLAG_KEEP_PARAMS", 0x10 },    { "SCHED_FLAG_UTIL_CLAMP_MIN", 0x20 },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", 0x40 },
};

enum { POLICY_FIFO = 1, POLICY_RR = 2, POLICY_ISO = 4, POLICY_DEADLINE = 6 };

int cred_sched_policy_parse(const char *name)
{
	return cred_name_find(policies, CRED_COUNT(policies), name);
}

int64_t cred_sched_flag_parse(const char *name)
{
	return cred_name_find(sched_flags, CRED_COUNT(sched_flags), name);
}

const char *cred_sched_policy_name(uint32_t policy)
{
	return policy > INT32_MAX ? NULL
				  : cred_name_of(policies, CRED_COUNT(policies), (int)policy);
}

int cred_sched_check(const struct cred_sched *s, struct err *e)
{
	const char *policy = cred_sched_policy_name(s->policy);
	bool real_time = s->policy == POLICY_FIFO || s->policy == POLICY_RR;
	bool deadline = s->policy == POLICY_DEADLINE;

	if (!policy)
		return err_config(e, "scheduler policy %u: no such policy", s->policy);
	/* The number is reserved; no Linux has ever had the policy. */
	if (s->policy == POLICY_ISO)
		return err_set(e, ERR_UNSUPPORTED, 0, "policy SCHED_ISO: Linux has not got it");
	if (s->nice < -20 || s->nice > 19)
		return err_config(e, "nice %d: not within -20 to 19", s->nice);
	if (real_time && (s->priority < 1 || s->priority > 99))
		return err_config(e, "priority %u: %s takes 1 to 99", s->priority, policy);
	if (!real_time && s->priority)
		return err_config(e, "priority %u: %s takes none, only SCHED_FIFO and SCHED_RR do",
				  s->priority, policy);
	if (!deadline && (s->runtime_nsec || s->deadline_nsec || s->period_nsec))
		return err_config(e,
				  "runtime, deadline and period: %s takes none, only "
				  "SCHED_DEADLINE does",
				  policy);
	/* sched(7): 1024 ns <= runtime <= deadline <= period, where period 0 is the deadline. */
	if (deadline && s->runtime_nsec < 1024)
		return err_config(e, "runtime %llu: SCHED_DEADLINE takes 1024 ns or more",
				  (unsigned long long)s->runtime_nsec);
	if (deadline && s->runtime_nsec > s->deadline_nsec)
		return err_config(e, "runtime %llu: longer than the deadline %llu",
				  (unsigned long long)s->runtime_nsec,
				  (unsigned long long)s->deadline_nsec);
	if (deadline && s->period_nsec && s->deadline_nsec > s->period_nsec)
		return err_config(e, "deadline %llu: longer than the period %llu",
				  (unsigned long long)s->deadline_nsec,
				  (unsigned long long)s->period_nsec);
	return 0;
}

int cred_sched_apply(pid_t pid, const struct cred_sched *s, struct err *e)
{
	struct kernel_sched_attr attr = {
		.size = sizeof attr,
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime_nsec,
		.sched_deadline = s->deadline_nsec,
		.sched_period = s->period_nsec,
	};

	if (kernel_sched_setattr(pid, &attr, 0) == 0)
		return 0;
	const char *policy = cred_sched_policy_name(s->policy);
	err_sys(e, "set scheduler %s, nice %d, priority %u", policy ? policy : "?", s->nice,
		s->priority);
	if (errno == EPERM)
		err_append(e, ": this needs CAP_SYS_NICE of the initial user namespace; on cgroup "
			      "v1 the cgroup also needs a cpu.rt_runtime_us for SCHED_FIFO and RR");
	else if (errno == EBUSY)
		err_append(e, ": the deadline bandwidth of this host is used up");
	return -1;
}

static const struct cred_name io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
};

int cred_ioprio_class_parse(const char *name)
{
	return cred_name_find(io_classes, CRED_COUNT(io_classes), name);
}

int cred_ioprio_apply(pid_t pid, int io_class, int priority, struct err *e)
{
	if (kernel_ioprio_set(IOPRIO_WHO_PROCESS, pid, io_class << IOPRIO_CLASS_SHIFT | priority) ==
	    0)
		return 0;
	err_sys(e, "set I/O priority %d of class %d", priority, io_class);
	if (errno == EPERM)
		err_append(e, ": IOPRIO_CLASS_RT needs CAP_SYS_NICE or CAP_SYS_ADMIN of the "
			      "initial user namespace");
	return -1;
}

int64_t cred_personality_parse(const char *name)
{
	static const struct cred_name domains[] = { { "LINUX", PER_LINUX },
						    { "LINUX32", PER_LINUX32 } };

	return cred_name_find(domains, CRED_COUNT(domains), name);
}

int cred_personality_apply(uint64_t persona, struct err *e)
{
	if (personality((unsigned long)persona) < 0)
		return err_sys(e, "set personality %llx", (unsigned long long)persona);
	return 0;
}

static const struct cred_name rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

int cred_rlimit_parse(const char *name)
{
	return cred_name_find(rlimits, CRED_COUNT(rlimits), name);
}

const char *cred_rlimit_name(int resource)
{
	return cred_name_of(rlimits, CRED_COUNT(rlimits), resource);
}

int cred_rlimit_apply(pid_t pid, int resource, uint64_t soft, uint64_t hard, struct err *e)
{
	/* RLIM64_INFINITY is all ones, as in the configuration. */
	const struct rlimit64 limit = { soft, hard };

	if (prlimit64(pid, (enum __rlimit_resource)resource, &limit, NULL) == 0)
		return 0;
	const char *name = cred_rlimit_name(resource);
	err_sys(e, "set %s to %llu:%llu", name ? name : "resource limit", (unsigned long long)soft,
		(unsigned long long)hard);
	if (errno == EPERM)
		err_append(e, ": raising a hard limit needs CAP_SYS_RESOURCE of the initial user "
			      "namespace, and RLIMIT_NOFILE ends at fs.nr_open");
	else if (errno == EINVAL)
		err_append(e, ": the soft limit must not be above the hard one");
	return -1;
}

int cred_oom_score_apply(int procfd, pid_t pid, int score, struct err *e)
{
	char path[64], text[16], self[16];

	if (pid == 0) {
		/* "self" is a symlink, and none is followed below; it also knows the pid as
		 * that procfs counts it. */
		ssize_t n = readlinkat(procfd, "self", self, sizeof self - 1);
		if (n < 0)
			return err_sys(e, "read self in procfs");
		self[n] = '\0';
		text_format(path, sizeof path, "%s/oom_score_adj", self);
	} else {
		text_format(path, sizeof path, "%d/oom_score_adj", pid);
	}
	CLEAN_FD int fd = path_open(procfd, path, O_WRONLY,
				    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
	size_t size = text_format(text, sizeof text, "%d", score);
	if (fd >= 0 && write(fd, text, size) == (ssize_t)size)
		return 0;
	err_sys(e, "set oom_score_adj to %d", score);
	if (errno == EACCES || errno == EPERM)
		err_append(e, ": lowering it below the inherited value needs CAP_SYS_RESOURCE of "
			      "the initial user namespace");
	return -1;
}
