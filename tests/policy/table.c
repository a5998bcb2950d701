/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What husk's own policies answer. NAME.table belongs to the policy NAME; its lines are
 *
 *   ARCH SYSCALL [ARG...] = ACTION          ARCH may be "*" for all six that husk is about
 *
 * Every policy must have a table, compile without notes for all six, and keep the calls cached that
 * it always allows. TAP on standard output.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-install.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint32_t archs[] = { AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386, SECCOMP_ARCH_X32,
				  AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,  AUDIT_ARCH_RISCV64 };

static unsigned done, failed, lives;

static void result(bool ok, const char *policy, const char *what, const char *detail)
{
	done++;
	failed += !ok;
	printf("%sok %u - %s: %s\n", ok ? "" : "not ", done, policy, what);
	if (!ok)
		printf("# %s\n", detail);
}

static int make_call(const struct seccomp_arch *arch, char **words, size_t count,
		     struct seccomp_data *data, struct err *e)
{
	struct seccomp_call call;
	uint32_t number;

	*data = (struct seccomp_data){ .arch = arch->audit };
	seccomp_names_call(arch, words[0], &call);
	if (text_parse_u32(words[0], &number) == 0)
		data->nr = (int)number;
	else if (call.direct)
		data->nr = (int)call.number;
	else
		return call.known ? 0 : err_config(e, "unknown call %s", words[0]);
	for (size_t i = 1; i < count && i < 7; i++) {
		uint64_t value;
		if (policy_value_parse(words[i], arch->token, &value, e) < 0)
			return -1;
		data->args[i - 1] = value;
	}
	return 1;
}

/* ---------------------------------------------------------------- live */

/* In a child under the filter: the call, and whether it ended as it should. */
static void child(const struct seccomp_program *p, const struct seccomp_data *d, uint32_t action)
{
	const struct rlimit no_core = { 0 };
	struct err e = { 0 };

	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    seccomp_install(p->code, p->count, 0, &e) < 0)
		_exit(2);
	long got = syscall(d->nr, d->args[0], d->args[1], d->args[2], d->args[3], d->args[4],
			   d->args[5]);
	_exit(got == -1 && errno == (int)(action & SECCOMP_RET_DATA) ? 0 : 1);
}

/*
 * The kernel's own answer, where it is a refusal: what is allowed might do something. True where it
 * is @action, too.
 */
static bool live(const struct seccomp_program *p, const struct seccomp_data *d, uint32_t action)
{
	uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
	int status;

	if (kind != SECCOMP_RET_ERRNO && kind != SECCOMP_RET_KILL_PROCESS)
		return true;
	/* Nothing that is buffered may be written twice. */
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		child(p, d, action);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	lives++;
	if (kind == SECCOMP_RET_KILL_PROCESS)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* @return how many architectures have the call, or -1. */
static int ask(const struct seccomp_program *p, char **words, size_t count, const char *wanted,
	       char *detail, size_t size)
{
	bool all = text_equal(words[0], "*");
	uint32_t token = policy_arch_parse(words[0]);
	char got[POLICY_ACTION_MAX];
	struct err e = { 0 };
	int asked = 0;

	for (size_t i = 0; i < COUNT(archs); i++) {
		const struct seccomp_arch *arch = seccomp_names_arch(archs[i]);
		struct seccomp_data data;
		if (!all && archs[i] != token)
			continue;
		int made = make_call(arch, words + 1, count - 1, &data, &e);
		if (made < 0) {
			snprintf(detail, size, "%s", e.msg);
			return -1;
		}
		if (!made)
			continue;
		asked++;
		uint32_t action = seccomp_simulate(p->code, p->count, &data, NULL);
		policy_action_print(action, got, sizeof got);
		if (!text_equal(got, wanted)) {
			snprintf(detail, size, "%s on %s", got, arch->name);
			return -1;
		}
		if (archs[i] == seccomp_names_native() && !live(p, &data, action)) {
			snprintf(detail, size, "not %s by this kernel", got);
			return -1;
		}
	}
	snprintf(detail, size, "no architecture has it");
	return asked;
}

static void take_line(const char *policy, const struct seccomp_program *p, char *line)
{
	char *words[10], detail[1024], what[512];
	char *equals = strstr(line, " = ");
	size_t count = 0;

	line[strcspn(line, "#\n")] = 0;
	if (!line[strspn(line, " \t")])
		return;
	snprintf(what, sizeof what, "%s", line);
	if (!equals) {
		result(false, policy, what, "no \"=\"");
		return;
	}
	*equals = 0;
	char *wanted = equals + 3;
	for (size_t n = strlen(wanted); n && wanted[n - 1] == ' '; n--)
		wanted[n - 1] = 0;
	for (char *save, *w = strtok_r(line, " \t", &save); w && count < 10;
	     w = strtok_r(NULL, " \t", &save))
		words[count++] = w;
	result(count > 1 && ask(p, words, count, wanted, detail, sizeof detail) > 0, policy, what,
	       detail);
}

/* No call that is always allowed may run the filter: whoever tests an argument too early loses all.
 */
static void check_cache(const char *name, const struct seccomp_program *p)
{
	static const char *const calls[] = { "read", "write",  "close",	       "futex",	   "lseek",
					     "brk",  "getpid", "rt_sigreturn", "epoll_ctl" };
	const struct seccomp_arch *arch = seccomp_names_arch(AUDIT_ARCH_X86_64);
	const char *slow = NULL;

	for (size_t i = 0; i < COUNT(calls); i++) {
		struct seccomp_call call;
		seccomp_names_call(arch, calls[i], &call);
		if (!seccomp_simulate_cached(p->code, p->count, arch->audit, call.number))
			slow = calls[i];
	}
	result(!slow, name, "common calls are in the kernel's cache", slow ? slow : "");
}

static void check_policy(const char *name, const char *tables)
{
	struct policy_options options = { .archs = archs, .archs_count = COUNT(archs) };
	struct seccomp_program program;
	struct policy policy;
	struct arena arena;
	struct err e = { 0 };
	char path[8192], *line = NULL;
	size_t size = 0;

	arena_init(&arena, 0);
	bool good = policy_load(name, &options, &arena, &policy, &e) == 0 &&
		    policy_program(&policy, &arena, &program, &e) == 0;
	result(good, name, "compiles", e.msg);
	if (!good)
		exit(1);
	result(!policy.notes_count, name, "has no notes",
	       policy.notes_count ? policy.notes[0].text : "");
	check_cache(name, &program);
	snprintf(path, sizeof path, "%s/%s.table", tables, name);
	FILE *f = fopen(path, "re");
	result(f, name, "has a table", path);
	while (f && getline(&line, &size, f) >= 0)
		take_line(name, &program, line);
	if (f)
		fclose(f);
	free(line);
	arena_free(&arena);
}

int main(void)
{
	const char *srcdir = getenv("srcdir");
	char dir[4096], name[256];
	struct dirent **names;

	snprintf(dir, sizeof dir, "%s/profiles", policy_directory);
	int count = scandir(dir, &names, NULL, alphasort);
	snprintf(dir, sizeof dir, "%s/tests/policy", srcdir ? srcdir : ".");
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "%s", names[i]->d_name);
		if (text_ends(name, ".policy")) {
			name[strlen(name) - strlen(".policy")] = 0;
			check_policy(name, dir);
		}
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	printf("1..%u\n# %u calls were refused by the kernel\n", done, lives);
	return failed || count < 3;
}
