/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/gate.h"
#include "runtime/phase/notify.h"
#include "runtime/phase/program.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-caps.h"
#include "src/cred/cred-ids.h"
#include "src/cred/cred-keyring.h"
#include "src/cred/cred-sched.h"
#include "src/cred/cred-user.h"
#include "src/lsm/lsm-apparmor.h"
#include "src/lsm/lsm-selinux.h"
#include "src/ns/ns-proc.h"
#include "src/seccomp/seccomp-install.h"
#include "src/tty/tty-console.h"

int process_limits_apply(const struct plan_process *p, pid_t pid, struct err *e)
{
	for (size_t i = 0; i < p->rlimits_count; i++) {
		const struct plan_rlimit *r = &p->rlimits[i];
		if (cred_rlimit_apply(pid, r->resource, r->value.rlim_cur, r->value.rlim_max, e) <
		    0)
			return -1;
	}
	if (p->scheduler && cred_sched_apply(pid, p->scheduler, e) < 0)
		return -1;
	if (p->ioprio_class && cred_ioprio_apply(pid, p->ioprio_class, p->ioprio_priority, e) < 0)
		return -1;
	return 0;
}

bool process_limits_rise(const struct plan_process *p)
{
	struct rlimit now;

	for (size_t i = 0; i < p->rlimits_count; i++) {
		if (getrlimit((__rlimit_resource_t)p->rlimits[i].resource, &now) < 0 ||
		    p->rlimits[i].value.rlim_max > now.rlim_max)
			return true;
	}
	return false;
}

int process_session(struct process *p, struct err *e)
{
	if (p->plan->same_session)
		return 0;
	if (!p->plan->terminal) {
		if (setsid() < 0 && errno != EPERM) /* EPERM: is a leader already */
			return err_sys(e, "start a session");
		return 0;
	}
	return tty_attach(p->console_slave, false, e);
}

int process_keyring(struct process *p, struct err *e)
{
	if (!p->plan->new_keyring)
		return 0;
	if (p->plan->selinux_label) {
		CLEAN_FD int procfd = ns_proc_open(true, e);
		if (procfd < 0 || lsm_selinux_keycreate(procfd, p->plan->selinux_label, e) < 0)
			return -1;
	}
	int search = p->keyring_exists ? CRED_KEYRING_AS_IT_IS
		     : p->in_user_ns   ? CRED_KEYRING_ALL
				       : CRED_KEYRING_OWNER;
	return cred_keyring_join(p->keyring_name, search, e) < 0 ? -1 : 0;
}

int process_tuning(struct process *p, struct err *e)
{
	const struct plan_process *plan = p->plan;

	if (plan->affinity_reset)
		cred_affinity_reset();
	if (plan->affinity_final && cred_affinity_apply(plan->affinity_final, e) < 0)
		return -1;
	if (plan->mempolicy && cred_mempolicy_apply(plan->mempolicy, e) < 0)
		return -1;
	if (plan->personality.set && cred_personality_apply(plan->personality.value, e) < 0)
		return -1;
	return 0;
}

/* Point the placeholder entry for @name (made by the planner) at @text. */
static void fill_env(char **env, const char *name, char *text)
{
	size_t n = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=' && !(*env)[n + 1])
			*env = text;
	}
}

int process_environment(struct process *p, struct err *e)
{
	static char home[PATH_MAX + 8], listen_pid[32];
	static struct cred_passwd entry;

	(void)e;
	p->env = p->plan->env;
	if (p->plan->listen_fds) {
		text_format(listen_pid, sizeof listen_pid, "LISTEN_PID=%d", getpid());
		fill_env(p->env, "LISTEN_PID", listen_pid);
	}
	if (!p->plan->set_home)
		return 0;
	const char *dir = "/";
	/* The current directory is still the new root, in which links cannot leave it. */
	CLEAN_FD int passwd = cred_user_open(AT_FDCWD, "etc/passwd");
	if (passwd >= 0 && cred_passwd_by_uid(passwd, p->plan->uid, &entry) > 0 && entry.home[0])
		dir = entry.home;
	text_format(home, sizeof home, "HOME=%s", dir);
	fill_env(p->env, "HOME", home);
	return 0;
}

int process_labels(struct process *p, struct err *e)
{
	CLEAN_FD int procfd = ns_proc_open(true, e);

	if (procfd < 0)
		return -1;
	if (p->plan->apparmor_profile &&
	    lsm_apparmor_exec(procfd, p->plan->apparmor_profile, e) < 0)
		return -1;
	if (p->plan->selinux_label && lsm_selinux_exec(procfd, p->plan->selinux_label, e) < 0)
		return -1;
	return 0;
}

/*
 * CVE-2024-21626: a leaked descriptor of the host and a working directory of /proc/self/fd/N gave a
 * cwd outside of the root. The kernel says so when asked for the name.
 */
static int change_directory(const char *cwd, struct err *e)
{
	char now[PATH_MAX];

	if (chdir(cwd) < 0)
		return err_set(e, ERR_SYSTEM, errno, "change to working directory \"%s\"", cwd);
	/* getcwd(2) itself: glibc's wrapper hides the kernel's "(unreachable)". */
	long n = syscall(SYS_getcwd, now, sizeof now);
	if (n < 0 && errno == ENOENT)
		return err_set(e, ERR_SYSTEM, errno, "working directory \"%s\" was removed", cwd);
	if (n < 0)
		return err_sys(e, "read working directory \"%s\"", cwd);
	if (now[0] != '/')
		return err_set(e, ERR_CONFIG, EACCES,
			       "working directory \"%s\" is outside of the container's root", cwd);
	return 0;
}

#define KEEPING_BITS (SECBIT_NO_SETUID_FIXUP | SECBIT_KEEP_CAPS)

int process_credentials(struct process *p, struct err *e)
{
	const struct plan_process *plan = p->plan;
	/* With SECBIT_NO_SETUID_FIXUP or _KEEP_CAPS nothing is lost, and they may be locked. */
	bool keep = plan->caps_set && plan->uid != 0 && !(plan->securebits & KEEPING_BITS);

	if (plan->caps_set &&
	    cred_caps_drop_bounding(plan->caps_held.bounding, plan->caps.bounding, e) < 0)
		return -1;
	if (plan->caps_set && plan->caps_held.ambient && cred_caps_clear_ambient(e) < 0)
		return -1;
	if (plan->securebits && prctl(PR_SET_SECUREBITS, plan->securebits, 0, 0, 0) < 0)
		return err_sys(e, "set securebits (this needs CAP_SETPCAP)");
	/* A joined user namespace may deny setgroups(2); where no group is asked for, nothing is lost
	 * that could be had there. */
	struct err refused;
	if (cred_groups_set(plan->groups_mode, plan->groups, plan->groups_count, &refused) < 0 &&
	    !(refused.errnum == EPERM && p->in_user_ns && !plan->groups_count)) {
		*e = refused;
		return -1;
	}
	/* The directory is entered with the rights of before, then again as the user if that was
	 * refused: a home on a root-squashing file system is only open to its owner. */
	struct err denied;
	int entered = plan->cwd ? change_directory(plan->cwd, &denied) : 0;
	if (entered < 0 && denied.errnum == ENOENT && plan->cwd_or_root)
		entered = change_directory("/", &denied);
	if (entered < 0 && denied.errnum != EACCES) {
		*e = denied;
		return -1;
	}
	if (cred_ids_set(plan->uid, plan->gid, keep, e) < 0)
		return -1;
	if (entered < 0 && change_directory(plan->cwd, e) < 0)
		return -1;
	umask(plan->umask_set ? plan->umask : p->umask);
	if (plan->caps_set) {
		struct cred_caps now = plan->caps;
		if (!plan->no_new_privs && plan->filter)
			now = cred_caps_until_exec(&plan->caps, &plan->caps_held);
		if (cred_caps_set(&now, e) < 0 ||
		    cred_caps_raise_ambient(plan->caps.ambient, e) < 0)
			return -1;
	}
	if (plan->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	return 0;
}

/* As it was asked for: a name to look for, or a path. */
static const char *program_of(const struct plan_process *plan)
{
	return plan->program ? plan->program : plan->args[0];
}

int process_look_up(struct process *p, struct err *e)
{
	static char path[PATH_MAX];
	if (program_find(program_of(p->plan), p->env, path, e) < 0)
		return -1;
	p->path = path;
	/* A relative path depends on a working directory that is not entered yet. */
	if (*path != '/' || faccessat(AT_FDCWD, path, F_OK, AT_EACCESS) == 0 || errno != ENOENT)
		return 0;
	return program_explain(path, errno, e);
}

int process_program(struct process *p, struct err *e)
{
	/* With a slash in its name the program needs no search. */
	if (!strchr(program_of(p->plan), '/') && process_look_up(p, e) < 0)
		return -1;
	if (!p->path)
		p->path = program_of(p->plan);
	/* A filter may forbid everything that an explanation needs: look before it is in force. */
	if (p->plan->filter && faccessat(AT_FDCWD, p->path, X_OK, AT_EACCESS) < 0)
		return program_explain(p->path, errno, e);
	return 0;
}

static int preserve(unsigned fd, struct err *e)
{
	int flags = fcntl((int)fd, F_GETFD);

	if (flags < 0 || fcntl((int)fd, F_SETFD, flags & ~FD_CLOEXEC) < 0)
		return err_sys(e, "preserve descriptor %u", fd);
	return 0;
}

/* Preserved descriptors follow 0 to 2; everything else closes itself at execve. */
static int prepare_descriptors(const struct plan_process *plan, struct err *e)
{
	for (unsigned fd = 3; fd < 3 + plan->preserve_fds; fd++) {
		if (preserve(fd, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < plan->kept_fds_count; i++) {
		if (preserve(plan->kept_fds[i], e) < 0)
			return -1;
	}
	return 0;
}

int process_install(struct process *p, const struct plan_filter *filter, struct err *e)
{
	const struct plan_process *plan = p->plan;

	if (p->meeting) {
		if (notify_meeting_install(p->meeting, filter, e) < 0)
			return -1;
	} else if (filter->notify) {
		struct notify_send send = {
			.sock = p->notify_sock,
			.body = p->notify_body,
			.length = p->notify_length,
		};
		if (notify_install(filter, &send, e) < 0)
			return -1;
	} else if (seccomp_install(filter->code, filter->count, filter->flags, e) < 0) {
		return -1;
	}
	if (!plan->caps_set || plan->no_new_privs)
		return 0;
	/* Of what another user than root has, execve keeps the ambient ones alone: the filter need not
	 * allow one more call for that. */
	if (plan->uid != 0 && plan->uid != UINT32_MAX)
		return 0;
	struct cred_caps before = cred_caps_until_exec(&plan->caps, &plan->caps_held);
	return memcmp(&before, &plan->caps, sizeof before) != 0 ? cred_caps_set(&plan->caps, e) : 0;
}

int process_execute(struct process *p, struct err *e)
{
	const struct plan_process *plan = p->plan;
	sigset_t none;

	if (kernel_close_range(3 + plan->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return err_sys(e, "mark descriptors close-on-exec");
	if (prepare_descriptors(plan, e) < 0)
		return -1;
	for (int sig = 1; sig <= 64; sig++) {
		if (plan->reset_signals >> (sig - 1) & 1)
			signal(sig, SIG_DFL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (plan->filter && plan->exec_keyed)
		return gate_execute(p, e);
	const struct plan_filter *filter =
		plan->gate == PLAN_GATE_ENTRY ? plan->base : plan->filter;
	if (filter && process_install(p, filter, e) < 0)
		return -1;
	if (plan->gate == PLAN_GATE_ENTRY && gate_await_tracer(p->tracer, e) < 0)
		return -1;
	execve(p->path, plan->args, p->env);
	return program_explain(p->path, errno, e);
}
