/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_SCHED_H
#define HUSK_CRED_SCHED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * How a process is scheduled and limited. The _parse functions are pure and resolve names while
 * planning (-1: no such name); the _apply functions are [init].
 *
 * Where a function takes a @pid, 0 is the caller. The kernel wants CAP_SYS_NICE or CAP_SYS_RESOURCE
 * of the initial user namespace for raising a hard limit, real-time policies and classes, and
 * for lowering the OOM score: with a new user namespace the parent does it for its child.
 */

/* sched_setattr(2) */
struct cred_sched {
	uint32_t policy; /* SCHED_OTHER ... */
	uint64_t flags;  /* SCHED_FLAG_* */
	int32_t nice;
	uint32_t priority;
	uint64_t runtime_nsec, deadline_nsec, period_nsec;
};

int cred_sched_policy_parse(const char *name);       /* "SCHED_OTHER" */
int64_t cred_sched_flag_parse(const char *name);     /* "SCHED_FLAG_RESET_ON_FORK" */
const char *cred_sched_policy_name(uint32_t policy); /* or NULL */

/* Pure: ranges and contradictions, so that the error can name the property. */
int cred_sched_check(const struct cred_sched *s, struct err *e);
int cred_sched_apply(pid_t pid, const struct cred_sched *s, struct err *e);

/* ioprio_set(2) */
int cred_ioprio_class_parse(const char *name); /* "IOPRIO_CLASS_BE" */
int cred_ioprio_apply(pid_t pid, int io_class, int priority, struct err *e);

/* Sets of processors or memory nodes. 8192 is the most that x86-64 kernels are built for. */
#define CRED_SET_BITS  8192
#define CRED_SET_WORDS (CRED_SET_BITS / (8 * sizeof(unsigned long)))

struct cred_set {
	unsigned highest; /* highest member */
	unsigned long words[CRED_SET_WORDS];
};

/*
 * Pure: "0-3,5" (cpuset(7), list format). Blanks around items and empty items are passed over, as
 * runc does; a list without a number, ranges that run backwards and numbers from CRED_SET_BITS on
 * are errors, which name @what.
 */
int cred_set_parse(const char *text, const char *what, struct cred_set *out, struct err *e);
/* sched_setaffinity(2) of the calling thread. */
int cred_affinity_apply(const struct cred_set *cpus, struct err *e);
/*
 * All processors of the calling thread's cpuset. Since Linux 6.2 a thread that enters a cpuset keeps the
 * affinity that it has asked for or inherited (commit da019032819a, "sched: Enforce user requested
 * affinity"). Nothing is to be done where it fails: the affinity stays as it is.
 */
void cred_affinity_reset(void);

/* set_mempolicy(2) */
struct cred_mempolicy {
	int mode;       /* MPOL_*, without flags */
	unsigned flags; /* MPOL_F_* */
	int has_nodes;
	struct cred_set nodes;
};

int cred_mempolicy_mode_parse(const char *name);     /* "MPOL_BIND" */
int64_t cred_mempolicy_flag_parse(const char *name); /* "MPOL_F_STATIC_NODES" */
int cred_mempolicy_check(const struct cred_mempolicy *m, struct err *e);
int cred_mempolicy_apply(const struct cred_mempolicy *m, struct err *e);

/* personality(2): "LINUX" or "LINUX32"; the value may be 0, no such name is -1. */
int64_t cred_personality_parse(const char *name);
int cred_personality_apply(uint64_t persona, struct err *e);

/* prlimit(2): "RLIMIT_NOFILE" */
int cred_rlimit_parse(const char *name);
const char *cred_rlimit_name(int resource); /* or NULL */
/* @soft and @hard as the kernel has them: UINT64_MAX is unlimited. EPERM is explained. */
int cred_rlimit_apply(pid_t pid, int resource, uint64_t soft, uint64_t hard, struct err *e);

/*
 * Write oom_score_adj of @pid below @procfd. Lowering it below what the process has inherited needs
 * CAP_SYS_RESOURCE; EPERM and EACCES are explained.
 */
int cred_oom_score_apply(int procfd, pid_t pid, int score, struct err *e);

#endif
