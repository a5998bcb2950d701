/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a filter program, and as a policy. A program that the check accepts runs to its end.
 * A policy that compiles gives a program that the check accepts, the same results whatever the
 * weights of calls, and "always allowed" in the kernel's cache only where it is so.
 */
#include <errno.h>
#include <linux/audit.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t left;
};

/* Little-endian, zeros behind the end. */
static uint64_t take(struct input *in, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++, in->left -= in->left ? 1 : 0)
		value |= (uint64_t)(in->left ? *in->data++ : 0) << (8 * i);
	return value;
}

static const uint32_t tokens[] = { AUDIT_ARCH_X86_64,	   AUDIT_ARCH_I386,
				   SECCOMP_ARCH_X32,	   AUDIT_ARCH_AARCH64,
				   AUDIT_ARCH_S390X,	   AUDIT_ARCH_MIPS,
				   AUDIT_ARCH_LOONGARCH64, 0x1234 };

static const char *const names[] = {
	"read",	   "write",   "open",	   "close",  "socket", "bind",	 "semop",   "socketcall",
	"ipc",	   "clone",   "clone3",	   "mseal",  "ioctl",  "execve", "set_tls", "personality",
	"nothing", "openat2", "cachestat", "getpid", "tkill",  "futex",	 "waitpid", "send",
	"mmap",	   "prctl",   "uprobe",	   "fork",   "shmat",  "accept", "accept4", "exit_group",
};

static uint32_t take_action(struct input *in)
{
	static const uint32_t actions[] = {
		SECCOMP_RET_ALLOW,	  SECCOMP_RET_ERRNO | EPERM,
		SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD,
		SECCOMP_RET_TRAP,	  SECCOMP_RET_LOG,
		SECCOMP_RET_USER_NOTIF,	  0x12345678,
	};

	return actions[take(in, 1) % 8];
}

static void take_rule(struct input *in, struct arena *a, struct seccomp_rule *rule)
{
	struct seccomp_compare *compares = arena_new_array(a, 8, struct seccomp_compare);
	const char **list = arena_new_array(a, 4, const char *);

	if (!compares || !list)
		return;
	rule->names = list;
	rule->names_count = 1 + take(in, 1) % 4;
	for (size_t i = 0; i < rule->names_count; i++)
		list[i] = names[take(in, 1) % 32];
	rule->action = take_action(in);
	rule->compares = compares;
	rule->compares_count = take(in, 1) % 8;
	for (size_t i = 0; i < rule->compares_count; i++) {
		uint64_t kind = take(in, 1);
		compares[i].index = (uint32_t)(kind & 7);
		compares[i].op = (enum seccomp_op)(kind >> 3 & 7);
		compares[i].value = take(in, kind & 0x40 ? 8 : 1);
		compares[i].value_two = take(in, kind & 0x80 ? 8 : 1);
	}
}

static void take_policy(struct input *in, struct arena *a, struct seccomp_policy *policy)
{
	uint64_t flags = take(in, 1);
	struct seccomp_rule *rules = arena_new_array(a, 64, struct seccomp_rule);
	uint32_t *archs = arena_new_array(a, 8, uint32_t);

	if (!rules || !archs)
		return;
	*policy = (struct seccomp_policy){ .default_action = take_action(in),
					   .bad_arch_action = take_action(in),
					   .order = flags & 1 ? SECCOMP_ORDER_FIRST_MATCH
							      : SECCOMP_ORDER_LIBSECCOMP,
					   .enosys_above = flags & 2,
					   .strict_names = flags & 4,
					   .archs = archs,
					   .rules = rules };
	policy->archs_count = take(in, 1) % 5;
	for (size_t i = 0; i < policy->archs_count; i++)
		archs[i] = tokens[take(in, 1) % 8];
	while (policy->rules_count < 64 && in->left)
		take_rule(in, a, &rules[policy->rules_count++]);
}

/* Calls near the named ones, with arguments near the compared ones. */
static void make_call(uint32_t i, struct seccomp_data *data)
{
	static const uint64_t values[] = { 0, 1, 2, 0x7f, 0xffffffff, 0x100000000, ~(uint64_t)0 };

	*data = (struct seccomp_data){ .arch = tokens[i % 6] };
	data->nr = (int)(i / 6 % 480);
	if (i % 7 == 3)
		data->nr |= (int)SECCOMP_X32_BIT;
	if (i % 61 == 5)
		data->nr = -1;
	for (size_t j = 0; j < SECCOMP_ARGUMENTS; j++)
		data->args[j] = values[(i + j * (i / 7)) % 7];
}

static void check_program(const struct seccomp_program *p, const struct seccomp_program *weighted)
{
	struct seccomp_data data;

	for (uint32_t i = 0; i < 4000; i++) {
		make_call(i, &data);
		uint32_t steps, result = seccomp_simulate(p->code, p->count, &data, &steps);
		if (steps > p->count)
			abort();
		if (seccomp_simulate_cached(p->code, p->count, data.arch, (uint32_t)data.nr) &&
		    result != SECCOMP_RET_ALLOW)
			abort();
		if (weighted &&
		    result != seccomp_simulate(weighted->code, weighted->count, &data, NULL))
			abort();
	}
}

static void run_policy(struct input *in)
{
	static const struct seccomp_weight weights[] = {
		{ "read", 1000 }, { "mseal", 50 }, { "socket", 7 }, { "nothing", 3 }
	};
	struct seccomp_policy policy = { 0 };
	struct seccomp_program program, weighted;
	struct err e = { 0 };
	struct arena a;

	arena_init(&a, 0);
	take_policy(in, &a, &policy);
	if (seccomp_compile(&policy, &a, &program, &e) < 0) {
		if (e.kind == ERR_NONE || !e.msg[0])
			abort(); /* refused without saying why */
	} else {
		policy.weights = weights;
		policy.weights_count = 4;
		if (seccomp_simulate_check(program.code, program.count, NULL) < 0 ||
		    seccomp_compile(&policy, &a, &weighted, NULL) < 0)
			abort();
		check_program(&program, &weighted);
	}
	arena_free(&a);
}

static void run_program(struct input *in)
{
	struct sock_filter code[64];
	struct seccomp_program program = { .code = code };

	while (program.count < 64 && in->left) {
		struct sock_filter *insn = &code[program.count++];
		insn->code = (uint16_t)take(in, 2);
		insn->jt = (uint8_t)take(in, 1);
		insn->jf = (uint8_t)take(in, 1);
		insn->k = (uint32_t)take(in, 4);
	}
	if (seccomp_simulate_check(code, program.count, NULL) == 0)
		check_program(&program, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (take(&in, 1) & 1)
		run_policy(&in);
	else
		run_program(&in);
	return 0;
}
