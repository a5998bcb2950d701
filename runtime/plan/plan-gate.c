/* SPDX-License-Identifier: Apache-2.0 */
/* When the filter of a sandbox takes effect. */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/seccomp/seccomp-gate.h"
#include "src/seccomp/seccomp-guard.h"
#include "src/seccomp/seccomp-inject.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-reach.h"
#include "src/seccomp/seccomp-simulate.h"

/* A child that no tracer of its parent gets to see. No library uses it. */
#define UNTRACED 0x00800000u
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	 CLONE_NEWPID | CLONE_NEWNET)

/*
 * What reaches beyond a process, or into parts of the kernel where most of its holes have been: not
 * even a program that never gets to its entry point shall call these, unless its policy lets it. The
 * answer of a policy that refuses them, too, comes first, whatever that is: the kernel takes the
 * strictest, and of two errno values that of the filter which was installed last.
 */
static const char guarded[][24] = {
	"acct",
	"add_key",
	"adjtimex",
	"bpf",
	"chroot",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"fanotify_init",
	"fanotify_mark",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mbind",
	"migrate_pages",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pidfd_getfd",
	"pivot_root",
	"process_madvise",
	"process_vm_readv",
	"process_vm_writev",
	"ptrace",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"setdomainname",
	"sethostname",
	"setns",
	"settimeofday",
	"stime",
	"swapoff",
	"swapon",
	"syslog",
	"umount",
	"umount2",
	"unshare",
	"userfaultfd",
	"vhangup",
};
#define GUARDED_COUNT (sizeof guarded / sizeof *guarded)
_Static_assert(GUARDED_COUNT <= SECCOMP_GUARD_CALLS, "a guard has room for them");

static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
#define ARCHS_COUNT (sizeof archs / sizeof *archs)

/* Can the call be made at all? Where a supervisor is asked, it kills. */
static bool may_call(const struct plan_filter *f, uint32_t arch, uint32_t number)
{
	uint32_t least = f->supervised ? SECCOMP_RET_TRACE : SECCOMP_RET_USER_NOTIF;
	uint32_t mildest;

	if (!seccomp_simulate_constant(f->code, f->count, arch, number, &mildest))
		mildest = seccomp_reach_mildest(f->code, f->count, arch, number);
	return (int32_t)(mildest & SECCOMP_RET_ACTION_FULL) >= (int32_t)least;
}

/* The program is started by an execve(2) that only the strict gate lets through. */
static int check_none(const struct plan_filter *f, uint32_t arch, struct err *e)
{
	if (may_call(f, arch, SYS_execve))
		return 0;
	return err_config(
		e, "gate: \"none\", but the policy forbids execve, by which the program is "
		   "started: \"strict\" lets that one call through, \"entry\" comes after it");
}

static bool needs_key(const struct plan_filter *f, uint32_t arch)
{
	/* What program_explain() and a last message to the parent take. */
	static const uint32_t numbers[] = {
		SYS_execve, SYS_openat,     SYS_read,    SYS_pread64,
		SYS_close,  SYS_newfstatat, SYS_sendmsg, SYS_exit_group,
	};

	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (!seccomp_simulate_cached(f->code, f->count, arch, numbers[i]))
			return true;
	}
	return false;
}

static int check_strict(const struct plan_filter *f, struct err *e)
{
	if (f->count <= BPF_MAXINSNS - SECCOMP_GATE_INSTRUCTIONS)
		return 0;
	return err_config(
		e,
		"gate: the policy forbids what starting the program takes, and its filter of %zu "
		"instructions leaves no room for the %d of the strict gate (together at most %d)",
		f->count, SECCOMP_GATE_INSTRUCTIONS, BPF_MAXINSNS);
}

/* ---- what is in force until the entry point, and after it ---- */

static uint32_t number_of(const struct seccomp_arch *arch, const char *name)
{
	struct seccomp_call call;

	seccomp_names_call(arch, name, &call);
	return call.direct ? call.number : UINT32_MAX;
}

static int make_base(const struct plan_request *r, struct plan_process *p, struct err *e)
{
	struct seccomp_guard guards[ARCHS_COUNT] = { 0 };
	bool unshares = may_call(p->filter, archs[0], SYS_unshare);

	p->base = arena_new(r->arena, struct plan_filter);
	if (!p->base)
		return arena_check(r->arena, e);
	p->base->code = arena_new_array(r->arena, SECCOMP_GUARD_INSTRUCTIONS, struct sock_filter);
	if (!p->base->code)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < ARCHS_COUNT; i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(archs[i]);
		struct seccomp_guard *g = &guards[i];
		g->audit = arch->audit;
		g->clone = number_of(arch, "clone");
		g->clone3 = number_of(arch, "clone3");
		for (size_t k = 0; k < GUARDED_COUNT; k++) {
			uint32_t number = number_of(arch, guarded[k]);
			if (number != UINT32_MAX && !may_call(p->filter, arch->audit, number))
				g->refused[g->refused_count++] = number;
		}
	}
	p->base->count =
		seccomp_guard_write(guards, ARCHS_COUNT, UNTRACED | (unshares ? 0 : NEW_NAMESPACES),
				    p->base->code);
	return 0;
}

static int plan_entry(const struct plan_request *r, struct plan_process *p, struct err *e)
{
	if (!seccomp_inject_supported())
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "gate: \"entry\" is made for x86-64 only; \"strict\" is for all");
	if (p->filter->notify)
		return err_config(e, "gate: \"entry\", but the policy asks a supervisor, which "
				     "cannot get its listener then");
	/* Without it the program could not install a filter, and could become somebody else. */
	p->no_new_privs = true;
	return make_base(r, p, e);
}

int plan_gate_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	struct plan_process *p = &plan->process;
	const struct plan_filter *f = p->filter;

	if (!f)
		return 0;
	uint32_t arch = seccomp_names_arch(seccomp_names_native())->audit;
	switch (r->spec->sandbox->gate) {
	case SPEC_GATE_STRICT:
		p->gate = PLAN_GATE_STRICT;
		p->exec_keyed = needs_key(f, arch);
		return p->exec_keyed ? check_strict(f, e) : 0;
	case SPEC_GATE_ENTRY:
		p->gate = PLAN_GATE_ENTRY;
		return plan_entry(r, p, e);
	default:
		return check_none(f, arch, e);
	}
}
