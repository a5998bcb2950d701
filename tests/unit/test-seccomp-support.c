/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test-seccomp-support.h"

#include <byteswap.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

/* ------------------------------------------------------------- oracle */

static int add_compares(scmp_filter_ctx ctx, const struct seccomp_rule *rule, int number,
			const struct seccomp_compare *compares, size_t count)
{
	struct scmp_arg_cmp args[SECCOMP_ARGUMENTS];

	for (size_t i = 0; i < count; i++)
		args[i] =
			(struct scmp_arg_cmp){ compares[i].index, (enum scmp_compare)compares[i].op,
					       compares[i].value, compares[i].value_two };
	return seccomp_rule_add_array(ctx, rule->action, number, (unsigned)count, args);
}

static int add_rule(scmp_filter_ctx ctx, const struct seccomp_rule *rule, const char *name)
{
	int number = seccomp_syscall_resolve_name(name), result = 0;
	unsigned seen = 0, repeated = 0;

	if (number == __NR_SCMP_ERROR)
		return 0;
	for (size_t i = 0; i < rule->compares_count; i++) {
		repeated |= seen & 1u << rule->compares[i].index;
		seen |= 1u << rule->compares[i].index;
	}
	if (!repeated)
		return add_compares(ctx, rule, number, rule->compares, rule->compares_count);
	for (size_t i = 0; i < rule->compares_count && !result; i++)
		result = add_compares(ctx, rule, number, &rule->compares[i], 1);
	return result;
}

static int fill(scmp_filter_ctx ctx, const struct seccomp_policy *policy, int optimize)
{
	seccomp_arch_remove(ctx, SCMP_ARCH_NATIVE);
	for (size_t i = 0; i < policy->archs_count; i++) {
		int result = seccomp_arch_add(ctx, policy->archs[i]);
		if (result && result != -EEXIST)
			return result;
	}
	seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, (uint32_t)optimize);
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct seccomp_rule *rule = &policy->rules[i];
		if (rule->action == policy->default_action)
			continue;
		for (size_t j = 0; j < rule->names_count; j++) {
			int result = add_rule(ctx, rule, rule->names[j]);
			if (result)
				return result;
		}
	}
	return 0;
}

/* In a child: the program to @fd. Exit status 0, or 1 where libseccomp refuses a rule. */
static void run_oracle(const struct seccomp_policy *policy, int optimize, int fd)
{
	/* 0.3 s of processor time: it takes milliseconds, or for ever. */
	struct itimerval limit = { .it_value.tv_usec = 300000 };
	scmp_filter_ctx ctx = seccomp_init(policy->default_action);

	signal(SIGVTALRM, SIG_DFL);
	setitimer(ITIMER_VIRTUAL, &limit, NULL);
	if (!ctx || fill(ctx, policy, optimize) || seccomp_export_bpf(ctx, fd))
		_exit(1);
	_exit(0);
}

static int read_program(int fd, struct arena *arena, struct seccomp_program *out)
{
	static char bytes[1 << 20];
	ssize_t length = pread(fd, bytes, sizeof bytes, 0);

	if (length <= 0)
		return -EIO;
	out->count = (size_t)length / sizeof(struct sock_filter);
	out->code = (struct sock_filter *)arena_memdup(arena, bytes, (size_t)length);
	return out->code ? 0 : -ENOMEM;
}

static bool is_action(uint32_t value)
{
	static const uint32_t known[] = {
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_TRAP,  SECCOMP_RET_ERRNO,
		SECCOMP_RET_USER_NOTIF,	  SECCOMP_RET_TRACE, SECCOMP_RET_LOG,
		SECCOMP_RET_ALLOW,
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if ((value & SECCOMP_RET_ACTION_FULL) == known[i])
			return true;
	return value == SECCOMP_RET_KILL_THREAD;
}

/*
 * libseccomp writes programs for a foreign byte order in that order. Where it repeats
 * a return to keep it in reach of jumps it swaps the value twice (2.5.4, on little-endian machines
 * only).
 */
static void swap_bytes(struct seccomp_program *out)
{
	for (size_t i = 0; i < out->count; i++) {
		struct sock_filter *insn = &out->code[i];
		insn->code = bswap_16(insn->code);
		if (insn->code != (BPF_RET | BPF_K) || !is_action(insn->k))
			insn->k = bswap_32(insn->k);
	}
}

int oracle_compile(const struct seccomp_policy *policy, int optimize, struct arena *arena,
		   struct seccomp_program *out)
{
	const struct seccomp_arch *arch = seccomp_names_arch(policy->archs[0]);
	int fd = memfd_create("oracle", MFD_CLOEXEC), status = -1;

	*out = (struct seccomp_program){ 0 };
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		run_oracle(policy, optimize, fd);
	waitpid(pid, &status, 0);
	int result = status ? -EINVAL : read_program(fd, arena, out);
	close(fd);
	if (!result && arch->big_endian)
		swap_bytes(out);
	return result;
}

/* -------------------------------------------------------------- names */

/*
 * Callers of libseccomp give it this machine's number, which for foreign calls is a pseudo number,
 * and it translates back through the name: wrong where two names share one (sys_debug_setcontext).
 */
static bool translates(const char *name)
{
	int number = seccomp_syscall_resolve_name(name);
	char *back = number == __NR_SCMP_ERROR
			     ? NULL
			     : seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	bool same = back && strcmp(back, name) == 0;

	free(back);
	return same;
}

const char **all_names(struct arena *arena, const struct seccomp_arch *arch, size_t *count)
{
	const char **names = arena_new_array(arena, 600, const char *);

	*count = 0;
	for (uint32_t i = 0; i < 550; i++) {
		char name[64];
		if (!seccomp_names_of(arch, arch->base + i, name, sizeof name) && translates(name))
			names[(*count)++] = arena_strdup(arena, name);
	}
	return names;
}

/* What a container without added capabilities is not to call. */
static const char *const privileged[] = {
	"_sysctl",
	"acct",
	"add_key",
	"afs_syscall",
	"bdflush",
	"bpf",
	"break",
	"clock_adjtime",
	"clock_adjtime64",
	"clock_settime",
	"clock_settime64",
	"clone",
	"clone3",
	"create_module",
	"delete_module",
	"fanotify_init",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"ftime",
	"get_kernel_syms",
	"get_mempolicy",
	"getpmsg",
	"gtty",
	"idle",
	"init_module",
	"ioperm",
	"iopl",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lock",
	"lookup_dcookie",
	"mbind",
	"migrate_pages",
	"modify_ldt_",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"mpx",
	"nfsservctl",
	"nice_",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"personality",
	"pivot_root",
	"prof",
	"profil",
	"putpmsg",
	"query_module",
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"security",
	"set_mempolicy",
	"set_mempolicy_home_node",
	"setdomainname",
	"sethostname",
	"setns",
	"settimeofday",
	"socket",
	"stime",
	"stty",
	"swapoff",
	"swapon",
	"syslog",
	"tuxcall",
	"ulimit",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"userfaultfd",
	"ustat",
	"vhangup",
	"vm86",
	"vm86old",
	"vmsplice",
	"vserver",
};

static bool is_privileged(const char *name)
{
	for (size_t i = 0; i < sizeof privileged / sizeof *privileged; i++)
		if (strcmp(privileged[i], name) == 0)
			return true;
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static const char **names_of(struct arena *arena, const char *name)
{
	const char **names = arena_new_array(arena, 1, const char *);

	names[0] = arena_strdup(arena, name);
	return names;
}

static void add_condition(struct arena *arena, struct seccomp_policy *policy,
			  struct seccomp_rule *rules, const char *name, uint32_t action,
			  const struct seccomp_compare *compare)
{
	struct seccomp_rule *rule = &rules[policy->rules_count++];

	rule->names = names_of(arena, name);
	rule->names_count = 1;
	rule->action = action;
	if (compare) {
		rule->compares = (void *)arena_memdup(arena, compare, sizeof *compare);
		rule->compares_count = 1;
	}
}

void make_docker_like(struct arena *arena, struct seccomp_policy *out)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, SECCOMP_ARCH_X32 };
	static const uint64_t personalities[] = { 0, 8, 0x20000, 0x20008, 0xffffffff };
	struct seccomp_rule *rules = arena_new_array(arena, 16, struct seccomp_rule);
	const char **names = arena_new_array(arena, 1200, const char *);
	size_t count = 0, kept = 0;

	for (size_t i = 0; i < 2; i++) {
		size_t part_count;
		const char **part = all_names(arena, seccomp_names_arch(archs[i]), &part_count);
		for (size_t j = 0; j < part_count; j++)
			if (!is_privileged(part[j]))
				names[count++] = part[j];
	}
	qsort(names, count, sizeof *names, by_name);
	for (size_t i = 0; i < count; i++)
		if (!kept || strcmp(names[kept - 1], names[i]) != 0)
			names[kept++] = names[i];
	*out = (struct seccomp_policy){ .default_action = SECCOMP_RET_ERRNO | EPERM,
					.archs = archs,
					.archs_count = 3,
					.rules = rules,
					.rules_count = 1 };
	rules[0] = (struct seccomp_rule){ .names = names,
					  .names_count = kept,
					  .action = SECCOMP_RET_ALLOW };
	for (size_t i = 0; i < sizeof personalities / sizeof *personalities; i++)
		add_condition(arena, out, rules, "personality", SECCOMP_RET_ALLOW,
			      &(struct seccomp_compare){ 0, SECCOMP_OP_EQ, personalities[i], 0 });
	add_condition(arena, out, rules, "socket", SECCOMP_RET_ALLOW,
		      &(struct seccomp_compare){ 0, SECCOMP_OP_NE, 40, 0 });
	add_condition(arena, out, rules, "clone", SECCOMP_RET_ALLOW,
		      &(struct seccomp_compare){ 0, SECCOMP_OP_MASKED_EQ, 0x7e020000, 0 });
	add_condition(arena, out, rules, "clone3", SECCOMP_RET_ERRNO | ENOSYS, NULL);
}

/* -------------------------------------------------------------- print */

void print_program(const char *title, const struct sock_filter *code, size_t count)
{
	fprintf(stderr, "%s: %zu instructions\n", title, count);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, "%4zu: %04x jt %3u jf %3u k %08x\n", i, code[i].code, code[i].jt,
			code[i].jf, code[i].k);
}

void print_policy(const struct seccomp_policy *policy)
{
	static const char *const ops[] = { "?", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ" };

	fprintf(stderr, "default %08x, architectures", policy->default_action);
	for (size_t i = 0; i < policy->archs_count; i++)
		fprintf(stderr, " %s", seccomp_names_arch(policy->archs[i])->name);
	fprintf(stderr, "\n");
	for (size_t i = 0; i < policy->rules_count; i++) {
		const struct seccomp_rule *rule = &policy->rules[i];
		fprintf(stderr, "  %08x:", rule->action);
		for (size_t j = 0; j < rule->names_count && j < 8; j++)
			fprintf(stderr, " %s", rule->names[j]);
		if (rule->names_count > 8)
			fprintf(stderr, " ... (%zu)", rule->names_count);
		for (size_t j = 0; j < rule->compares_count; j++)
			fprintf(stderr, " [%u %s %#llx %#llx]", rule->compares[j].index,
				ops[rule->compares[j].op],
				(unsigned long long)rule->compares[j].value,
				(unsigned long long)rule->compares[j].value_two);
		fprintf(stderr, "\n");
	}
}

void must_compile(const struct seccomp_policy *policy, struct arena *arena,
		  struct seccomp_program *out)
{
	struct err e = { 0 };

	if (seccomp_compile(policy, arena, out, &e) < 0) {
		print_policy(policy);
		fail_msg("compile: %s", e.msg);
	}
	if (seccomp_simulate_check(out->code, out->count, &e) < 0)
		fail_msg("check: %s", e.msg);
}

static void explain(const struct seccomp_policy *policy, const struct seccomp_data *data,
		    const struct seccomp_program *ours, const struct seccomp_program *theirs)
{
	print_policy(policy);
	print_program("husk", ours->code, ours->count);
	print_program("libseccomp", theirs->code, theirs->count);
	fprintf(stderr, "arch %08x nr %d (%08x) args", data->arch, data->nr, (unsigned)data->nr);
	for (size_t i = 0; i < SECCOMP_ARGUMENTS; i++)
		fprintf(stderr, " %#llx", (unsigned long long)data->args[i]);
	fprintf(stderr, ": husk %08x, libseccomp %08x\n",
		seccomp_simulate(ours->code, ours->count, data, NULL),
		seccomp_simulate(theirs->code, theirs->count, data, NULL));
}

static bool differs(const struct seccomp_policy *policy, struct arena *arena,
		    const struct seccomp_data *data, struct seccomp_program *ours,
		    struct seccomp_program *theirs)
{
	return oracle_compile(policy, 1, arena, theirs) == 0 &&
	       seccomp_compile(policy, arena, ours, NULL) == 0 &&
	       seccomp_simulate(ours->code, ours->count, data, NULL) !=
		       seccomp_simulate(theirs->code, theirs->count, data, NULL);
}

void explain_difference(const struct seccomp_policy *policy, const struct seccomp_data *data)
{
	struct arena arena;
	struct seccomp_program ours, theirs;
	struct seccomp_policy small = *policy;

	arena_init(&arena, 0);
	for (size_t i = small.rules_count; i--;) {
		struct seccomp_policy next = small;
		struct seccomp_rule *rules =
			arena_new_array(&arena, small.rules_count, struct seccomp_rule);
		next.rules_count = 0;
		next.rules = rules;
		for (size_t j = 0; j < small.rules_count; j++)
			if (j != i)
				rules[next.rules_count++] = small.rules[j];
		if (differs(&next, &arena, data, &ours, &theirs))
			small = next;
	}
	if (differs(&small, &arena, data, &ours, &theirs))
		explain(&small, data, &ours, &theirs);
	arena_free(&arena);
}
