/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calls: what the default policy costs a system call, and its making a start.
 *
 *   calls [-n CALLS] [-r ROUNDS]
 *
 * Prints one JSON object. "calls" has nanoseconds per call, with the kernel's entry and exit, for
 * no filter, one that is a single RET_ALLOW, husk's, and what libseccomp makes of the same rules by
 * default. One process has each filter; they take turns, and what is printed is the least of the
 * rounds: a call has a cost, and everything else comes on top.
 *
 * getppid is allowed whatever its arguments (and answered from the kernel's cache), personality
 * and socket for some values. The socket is of no type, so that none is made.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-install.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

enum { FILTER_NONE, FILTER_ONE, FILTER_HUSK, FILTER_LIBSECCOMP, FILTERS };
enum { CALL_GETPPID, CALL_PERSONALITY, CALL_SOCKET, CALLS };
static const char *const filter_names[] = { "none", "one", "husk", "libseccomp" };
static const char *const call_names[] = { "getppid", "personality", "socket" };

static unsigned long calls = 200000, rounds = 15;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "calls: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_nsec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double measure(int call)
{
	double start = now_nsec();

	for (unsigned long i = 0; i < calls; i++) {
		if (call == CALL_GETPPID)
			syscall(SYS_getppid);
		else if (call == CALL_PERSONALITY)
			syscall(SYS_personality, 0xffffffff);
		else
			syscall(SYS_socket, AF_UNIX, 15, 0);
	}
	return (now_nsec() - start) / (double)calls;
}

/* ---- filters ---- */

static void load_default(struct arena *a, struct policy *p)
{
	struct err e;

	if (policy_load_default(NULL, a, p, &e) < 0) {
		fprintf(stderr, "calls: %s\n", e.msg);
		exit(1);
	}
}

static void install_husk(void)
{
	struct seccomp_program program;
	struct policy policy;
	struct arena a;
	struct err e;

	arena_init(&a, 0);
	load_default(&a, &policy);
	if (policy_program(&policy, &a, &program, &e) < 0 ||
	    seccomp_install(program.code, program.count, 0, &e) < 0) {
		fprintf(stderr, "calls: %s\n", e.msg);
		exit(1);
	}
}

static void install_one(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct err e;

	if (seccomp_install(&allow, 1, 0, &e) < 0)
		die("install a filter");
}

/* The first rule without conditions hides all others of a call in libseccomp: only for calls that have
 * no other. Conditions that it cannot say (more than one for an argument) are left out with their rule. */
static void add_rule(scmp_filter_ctx ctx, const struct seccomp_policy *p, const struct seccomp_rule *r,
		     const char *name)
{
	struct scmp_arg_cmp compares[SECCOMP_ARGUMENTS];
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR || r->action == p->default_action ||
	    r->compares_count > COUNT(compares))
		return;
	for (size_t i = 0; !r->compares_count && i < p->rules_count; i++) {
		const struct seccomp_rule *other = &p->rules[i];
		for (size_t k = 0; other->compares_count && k < other->names_count; k++) {
			if (strcmp(other->names[k], name) == 0 && other->action == SECCOMP_RET_ALLOW)
				return;
		}
	}
	for (size_t i = 0; i < r->compares_count; i++) {
		const struct seccomp_compare *c = &r->compares[i];
		if (c->op > SECCOMP_OP_MASKED_EQ)
			return;
		compares[i] = (struct scmp_arg_cmp){ c->index, (enum scmp_compare)c->op, c->value,
						     c->value_two };
		if (c->narrow && c->op == SECCOMP_OP_EQ)
			compares[i] = (struct scmp_arg_cmp){ c->index, SCMP_CMP_MASKED_EQ, 0xffffffff,
							     c->value };
	}
	(void)seccomp_rule_add_array(ctx, r->action, nr, (unsigned)r->compares_count, compares);
}

static void install_libseccomp(void)
{
	struct policy policy;
	struct arena a;

	arena_init(&a, 0);
	load_default(&a, &policy);
	const struct seccomp_policy *p = &policy.seccomp;
	scmp_filter_ctx ctx = seccomp_init(p->default_action);
	if (!ctx)
		die("seccomp_init");
	for (size_t i = 0; i < p->rules_count; i++) {
		for (size_t k = 0; k < p->rules[i].names_count; k++) {
			if (!p->rules[i].arch || p->rules[i].arch == seccomp_arch_native())
				add_rule(ctx, p, &p->rules[i], p->rules[i].names[k]);
		}
	}
	if (seccomp_load(ctx) < 0)
		die("seccomp_load");
}

/* ---- processes ---- */

struct worker {
	pid_t pid;
	int ask, answer;
};

static _Noreturn void work(int filter, int ask, int answer)
{
	char call;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	if (filter == FILTER_ONE)
		install_one();
	else if (filter == FILTER_HUSK)
		install_husk();
	else if (filter == FILTER_LIBSECCOMP)
		install_libseccomp();
	while (read(ask, &call, 1) == 1) {
		double nsec = measure(call);
		if (write(answer, &nsec, sizeof nsec) != sizeof nsec)
			_exit(1);
	}
	_exit(0);
}

static void start(struct worker *w, int filter)
{
	int ask[2], answer[2];

	if (pipe(ask) < 0 || pipe(answer) < 0)
		die("pipe");
	w->pid = fork();
	if (w->pid < 0)
		die("fork");
	if (w->pid == 0) {
		close(ask[1]);
		close(answer[0]);
		work(filter, ask[0], answer[1]);
	}
	close(ask[0]);
	close(answer[1]);
	w->ask = ask[1];
	w->answer = answer[0];
}

/* What a start pays: reading and compiling, or finding it where an earlier one has put it. */
static void print_making(void)
{
	double least = 1e18, found = 1e18;
	struct policy_cache cache;
	struct seccomp_cache_key key;
	struct seccomp_program program;
	struct policy policy;
	struct arena a;
	struct err e;
	size_t length;

	for (int i = 0; i < 50; i++) {
		double start_nsec = now_nsec();
		arena_init(&a, 0);
		load_default(&a, &policy);
		if (policy_program(&policy, &a, &program, &e) < 0)
			exit(1);
		arena_free(&a);
		double nsec = now_nsec() - start_nsec;
		least = nsec < least ? nsec : least;
	}
	arena_init(&a, 0);
	const void *bytes = policy_builtin_bytes(&length);
	bool has = policy_cache_usual(&cache, &a, &e) == 0 &&
		   seccomp_cache_key(&a, bytes, length, &key, &e) == 0;
	load_default(&a, &policy);
	if (has && policy_program(&policy, &a, &program, &e) == 0)
		policy_cache_keep(&cache, &key, &program);
	for (int i = 0; has && i < 50; i++) {
		double start_nsec = now_nsec();
		if (seccomp_cache_key(&a, bytes, length, &key, &e) < 0 ||
		    !policy_cache_find(&cache, &key, &a, &program))
			break;
		double nsec = now_nsec() - start_nsec;
		found = nsec < found ? nsec : found;
	}
	printf("\"compile_ms\":%.4f,", least / 1e6);
	if (found < 1e18)
		printf("\"cached_ms\":%.4f,", found / 1e6);
	arena_free(&a);
}

int main(int argc, char **argv)
{
	struct worker workers[FILTERS];
	double least[CALLS][FILTERS];
	int option;

	while ((option = getopt(argc, argv, "n:r:")) >= 0) {
		if (option != 'n' && option != 'r')
			return 2;
		*(option == 'n' ? &calls : &rounds) = strtoul(optarg, NULL, 10);
	}
	printf("{");
	print_making();
	fflush(stdout);
	for (int f = 0; f < FILTERS; f++)
		start(&workers[f], f);
	for (unsigned long r = 0; r < rounds; r++) {
		for (int c = 0; c < CALLS; c++) {
			for (int f = 0; f < FILTERS; f++) {
				char call = (char)c;
				double nsec;
				if (write(workers[f].ask, &call, 1) != 1 ||
				    read(workers[f].answer, &nsec, sizeof nsec) != sizeof nsec)
					die("ask a process");
				if (r == 0 || nsec < least[c][f])
					least[c][f] = nsec;
			}
		}
	}
	printf("\"calls\":{");
	for (int c = 0; c < CALLS; c++) {
		printf("%s\"%s\":{", c ? "," : "", call_names[c]);
		for (int f = 0; f < FILTERS; f++)
			printf("%s\"%s\":%.2f", f ? "," : "", filter_names[f], least[c][f]);
		printf("}");
	}
	printf("}}\n");
	for (int f = 0; f < FILTERS; f++) {
		kill(workers[f].pid, SIGKILL);
		waitpid(workers[f].pid, NULL, 0);
	}
	return 0;
}
