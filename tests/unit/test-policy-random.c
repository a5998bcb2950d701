/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random policies, written as text, against a naive interpreter that has never seen the text: it
 * walks the statements from which the text was made. Parser, lowering, compiler and simulator stand
 * on the other side.
 */
#include "tests/unit/test-seccomp-support.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/policy/policy.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

#define POLICIES	 2500
#define CALLS_PER_POLICY 60
#define STATEMENTS_MAX	 10
#define TEXT_MAX	 32768
#define COUNT(array)	 (sizeof(array) / sizeof *(array))

static const uint32_t tokens[] = { AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386, SECCOMP_ARCH_X32,
				   AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,	AUDIT_ARCH_RISCV64 };
static const char *const arch_names[] = { "x86_64", "x86", "x32", "arm64", "arm", "riscv64" };

/* Some with 32-bit arguments, some that an architecture has not, some beside each other. */
static const char *const names[] = {
	"read",	  "write", "openat", "open",   "ioctl",	  "socket", "mmap",  "mprotect",   "clone",
	"prctl",  "kill",  "fcntl",  "lseek",  "unshare", "getpid", "fork",  "dup2",	   "futex",
	"execve", "brk",   "mremap", "shmget", "setns",	  "statx",  "mmap2", "socketcall",
};

static const struct {
	const char *text;
	uint64_t value, arm_value; /* 0: the same */
} constants[] = {
	{ "AF_UNIX", 1, 0 },
	{ "PROT_EXEC", 4, 0 },
	{ "AT_FDCWD", (uint64_t)-100, 0 },
	{ "CLONE_NEWUSER", 0x10000000, 0 },
	{ "O_DIRECTORY", 0x10000, 0x4000 },
	{ "O_NOFOLLOW", 0x20000, 0x8000 },
	{ "TIOCSTI", 0x5412, 0 },
	{ "SIGKILL", 9, 0 },
};

static const struct {
	const char *text;
	uint32_t action;
} actions[] = {
	{ "allow", SECCOMP_RET_ALLOW },
	{ "1", SECCOMP_RET_ALLOW },
	{ "kill", SECCOMP_RET_KILL_PROCESS },
	{ "kill-process", SECCOMP_RET_KILL_PROCESS },
	{ "kill-thread", SECCOMP_RET_KILL_THREAD },
	{ "trap", SECCOMP_RET_TRAP },
	{ "trace", SECCOMP_RET_TRACE },
	{ "log", SECCOMP_RET_LOG },
	{ "user-notify", SECCOMP_RET_USER_NOTIF },
	{ "return EPERM", SECCOMP_RET_ERRNO | EPERM },
	{ "return 0x26", SECCOMP_RET_ERRNO | ENOSYS },
	{ "return 07", SECCOMP_RET_ERRNO | 7 },
};

/* A value as it is written, and what it is on an arm and elsewhere. */
struct value {
	char text[160];
	uint64_t value, arm_value;
};

enum operator{ EQ, NE, LT, LE, GT, GE, ANY, IN };
static const char *const operators[] = { "==", "!=", "<", "<=", ">", ">=", "&", "in" };

struct atom {
	unsigned index;
	enum operator op;
	struct value value;
};

struct filter {
	struct atom atoms[3][3];
	unsigned clauses, counts[3];
	size_t action;
};

struct statement {
	unsigned calls[4], calls_count;
	unsigned archs[4]; /* bits; 0: all */
	struct filter filters[4];
	unsigned filters_count;
	bool bare;
};

struct whole {
	struct statement statements[STATEMENTS_MAX];
	unsigned count, archs; /* bits of tokens */
	size_t default_action;
	bool default_set, newer;
	char text[TEXT_MAX];
	size_t length;
};

static uint64_t state = 88172645463325252u;

static unsigned below(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)((state >> 20) % n);
}

static uint64_t wide_random(void)
{
	return (uint64_t)below(0x10000) << 48 | (uint64_t)below(0x10000) << 32 |
	       (uint64_t)below(0x10000) << 16 | below(0x10000);
}

/* ------------------------------------------------------------- writing */

__attribute__((format(printf, 2, 3))) static void put(struct whole *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	w->length += (size_t)vsnprintf(w->text + w->length, TEXT_MAX - w->length, format, args);
	va_end(args);
	assert_true(w->length < TEXT_MAX - 1024);
}

/* What may stand between any two words. */
static void blank(struct whole *w)
{
	static const char *const blanks[] = { " ", " ", " ", "  ", "\t", " \\\n ", " \\\r\n" };

	put(w, "%s", blanks[below(COUNT(blanks))]);
}

static uint64_t some_number(bool narrow_only)
{
	switch (below(6)) {
	case 0:
		return below(4);
	case 1:
		return (uint64_t)1 << below(32);
	case 2:
		return below(0x10000);
	case 3:
		return narrow_only ? 0xffffffffu : (uint64_t)1 << (32 + below(32));
	case 4:
		return narrow_only ? 0x80000000u : wide_random();
	default:
		return narrow_only ? 0x7fffffffu + below(3) : 0xffffffffffffff00u + below(256);
	}
}

static void make_number(struct value *v, bool narrow_only)
{
	uint64_t number = some_number(narrow_only);
	static const char *const forms[] = { "%llu", "0x%llx", "0%llo", "0X%llX" };

	if (below(8) == 0) {
		snprintf(v->text, sizeof v->text, "-%u", 1 + below(200));
		v->value = v->arm_value = (uint64_t)strtoll(v->text, NULL, 0);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(v->text, sizeof v->text, forms[below(4)], (unsigned long long)number);
#pragma GCC diagnostic pop
	v->value = v->arm_value = number;
}

static void make_value(struct value *v, bool narrow_only, unsigned depth)
{
	struct value a, b;

	switch (depth > 1 ? below(2) : below(6)) {
	case 0:
	case 4: {
		size_t i = below(COUNT(constants));
		snprintf(v->text, sizeof v->text, "%s", constants[i].text);
		v->value = constants[i].value;
		v->arm_value = constants[i].arm_value ? constants[i].arm_value : v->value;
		return;
	}
	case 2:
		make_value(&a, narrow_only, depth + 1);
		snprintf(v->text, sizeof v->text, "~(%.100s)", a.text);
		v->value = ~a.value;
		v->arm_value = ~a.arm_value;
		return;
	case 3:
		make_value(&a, narrow_only, depth + 1);
		make_value(&b, narrow_only, 2);
		snprintf(v->text, sizeof v->text, below(2) ? "(%.70s|%.70s)" : "%.70s | %.70s",
			 a.text, b.text);
		v->value = a.value | b.value;
		v->arm_value = a.arm_value | b.arm_value;
		return;
	default:
		make_number(v, narrow_only);
		return;
	}
}

static void make_filter(struct filter *f, bool narrow_only)
{
	f->clauses = 1 + below(3);
	f->action = below(COUNT(actions));
	for (unsigned c = 0; c < f->clauses; c++) {
		f->counts[c] = 1 + below(3);
		for (unsigned a = 0; a < f->counts[c]; a++) {
			f->atoms[c][a].index = below(below(3) ? 2 : 6);
			f->atoms[c][a].op = (enum operator)below(8);
			make_value(&f->atoms[c][a].value, narrow_only, 0);
		}
	}
}

/* Whether a call has had an action without a condition on one of these architectures. */
static bool is_final(const struct whole *w, unsigned count, unsigned call, unsigned archs)
{
	for (unsigned s = 0; s < count; s++) {
		const struct statement *st = &w->statements[s];
		bool final = st->bare || !st->filters[st->filters_count - 1].clauses;
		for (unsigned c = 0; c < st->calls_count; c++)
			if (final && st->calls[c] == call &&
			    (!st->archs[c] || !archs || (st->archs[c] & archs)))
				return true;
	}
	return false;
}

static void make_calls(struct whole *w, struct statement *s)
{
	unsigned wanted = below(3) ? 1 : 1 + below(4);

	for (unsigned tries = 0; s->calls_count < wanted && tries < 50; tries++) {
		unsigned call = below(COUNT(names)), archs = below(4) ? 0 : 1 + below(63);
		bool twice = is_final(w, w->count, call, archs);
		for (unsigned i = 0; i < s->calls_count; i++)
			twice = twice || s->calls[i] == call;
		if (twice)
			continue;
		s->calls[s->calls_count] = call;
		s->archs[s->calls_count++] = archs;
	}
}

static bool make_statement(struct whole *w, bool bares)
{
	struct statement *s = &w->statements[w->count];
	bool narrow_only = w->archs & ~(1u | 8u | 32u);

	memset(s, 0, sizeof *s);
	make_calls(w, s);
	if (!s->calls_count)
		return false;
	if (bares) {
		/* Only what minijail0 reads too. */
		s->calls_count = 1;
		s->archs[0] = 0;
		s->filters_count = 1;
		s->bare = below(3) > 0;
		if (s->bare) {
			make_filter(&s->filters[0], narrow_only);
			s->filters[0].action = 9 + below(3);
		} else {
			s->filters[0].action = below(2) ? 1 : 9 + below(3);
		}
		return true;
	}
	s->filters_count = 1 + (below(2) ? below(4) : 0);
	for (unsigned f = 0; f < s->filters_count; f++)
		make_filter(&s->filters[f], narrow_only);
	if (below(2))
		s->filters[s->filters_count - 1].clauses = 0;
	return true;
}

static void put_filter(struct whole *w, const struct filter *f)
{
	for (unsigned c = 0; c < f->clauses; c++) {
		for (unsigned a = 0; a < f->counts[c]; a++) {
			const struct atom *atom = &f->atoms[c][a];
			put(w, "arg%u", atom->index);
			blank(w);
			put(w, "%s", operators[atom->op]);
			blank(w);
			put(w, "%s", atom->value.text);
			if (a + 1 < f->counts[c])
				put(w, "%s", below(2) ? " && " : "&&");
		}
		if (c + 1 < f->clauses)
			put(w, "%s", below(2) ? " || " : "||");
	}
	if (f->clauses)
		put(w, "%s", below(2) ? "; " : " ;");
	put(w, "%s", actions[f->action].text);
}

static void put_call(struct whole *w, unsigned call, unsigned archs)
{
	put(w, "%s", names[call]);
	if (!archs)
		return;
	put(w, "[arch=");
	for (unsigned i = 0, first = 1; i < COUNT(tokens); i++)
		if (archs & 1u << i) {
			put(w, first ? "%s" : ",%s", arch_names[i]);
			first = 0;
		}
	put(w, "]");
}

static void put_statement(struct whole *w, const struct statement *s)
{
	bool braces = s->calls_count > 1 || (!s->bare && w->default_set && below(4) == 0);

	if (below(5) == 0)
		put(w, "# a comment: read { 1\n\n");
	put(w, braces ? "{ " : "");
	for (unsigned c = 0; c < s->calls_count; c++) {
		put_call(w, s->calls[c], s->archs[c]);
		if (c + 1 < s->calls_count)
			put(w, "%s", below(2) ? ", " : ",\n\t# inside\n");
	}
	put(w, braces ? " }: " : " : ");
	braces = s->filters_count > 1 || (!s->bare && s->filters[0].clauses);
	put(w, braces ? "{" : "");
	for (unsigned f = 0; f < s->filters_count; f++) {
		put_filter(w, &s->filters[f]);
		if (f + 1 < s->filters_count)
			put(w, "%s", below(2) ? ", " : ",\n\n\t");
	}
	put(w, "%s%s\n", braces ? "}" : "", below(4) ? "" : "  # why");
}

static void make_policy(struct whole *w)
{
	bool bares = below(6) == 0;
	unsigned wanted = 1 + below(STATEMENTS_MAX);

	memset(w, 0, offsetof(struct whole, text));
	w->length = 0;
	w->archs = below(3) ? 1u << below(COUNT(tokens)) : 1 + below(63);
	w->default_set = !bares && below(2);
	w->newer = !bares && below(3) == 0;
	w->default_action = 2 + below(4);
	if (w->default_set)
		put(w, "@default %s\n", actions[w->default_action].text);
	if (w->newer)
		put(w, "@newer return ENOSYS\n");
	while (w->count < wanted && make_statement(w, bares))
		put_statement(w, &w->statements[w->count++]);
}

/* --------------------------------------------------------- interpreting */

static bool compare(enum operator op, uint64_t argument, uint64_t value)
{
	switch (op) {
	case EQ:
		return argument == value;
	case NE:
		return argument != value;
	case LT:
		return argument < value;
	case LE:
		return argument <= value;
	case GT:
		return argument > value;
	case GE:
		return argument >= value;
	case ANY:
		return argument & value;
	default:
		return !(argument & ~value);
	}
}

static bool atom_holds(const struct atom *a, const char *call, const struct seccomp_arch *arch,
		       bool arm, const uint64_t *args)
{
	uint64_t value = arm ? a->value.arm_value : a->value.value, argument = args[a->index];

	if (!arch->wide)
		return compare(a->op, (uint32_t)argument, (uint32_t)value);
	if (!(policy_narrow_arguments(call) >> a->index & 1))
		return compare(a->op, argument, value);
	argument = (uint32_t)argument;
	if (a->op == ANY || a->op == IN || value >> 32 == 0)
		return compare(a->op, argument, (uint32_t)value);
	/* A negative number of 32 bits is that; anything else is more than there can be. */
	if (value >> 31 == 0x1ffffffff)
		return compare(a->op, argument, (uint32_t)value);
	return compare(a->op, argument, value);
}

static bool filter_holds(const struct filter *f, const char *call, const struct seccomp_arch *arch,
			 bool arm, const uint64_t *args)
{
	for (unsigned c = 0; c < f->clauses; c++) {
		bool all = true;
		for (unsigned a = 0; a < f->counts[c]; a++)
			all = all && atom_holds(&f->atoms[c][a], call, arch, arm, args);
		if (all)
			return true;
	}
	return !f->clauses;
}

static uint32_t interpret(const struct whole *w, unsigned call, unsigned arch_index,
			  const uint64_t *args)
{
	const struct seccomp_arch *arch = seccomp_names_arch(tokens[arch_index]);
	bool arm = arch_index == 3 || arch_index == 4;

	for (unsigned s = 0; s < w->count; s++) {
		const struct statement *st = &w->statements[s];
		for (unsigned c = 0; c < st->calls_count; c++) {
			if (st->calls[c] != call ||
			    (st->archs[c] && !(st->archs[c] & 1u << arch_index)))
				continue;
			for (unsigned f = 0; f < st->filters_count; f++) {
				bool holds =
					filter_holds(&st->filters[f], names[call], arch, arm, args);
				if (st->bare)
					return holds ? SECCOMP_RET_ALLOW
						     : actions[st->filters[f].action].action;
				if (holds)
					return actions[st->filters[f].action].action;
			}
		}
	}
	return w->default_set ? actions[w->default_action].action : SECCOMP_RET_KILL_PROCESS;
}

/* Is the number above all that the policy names on that architecture? */
static bool is_newer(const struct whole *w, unsigned arch_index, uint32_t number)
{
	struct seccomp_call call;
	bool any = false;

	for (unsigned s = 0; s < w->count; s++)
		for (unsigned c = 0; c < w->statements[s].calls_count; c++) {
			unsigned archs = w->statements[s].archs[c];
			if (archs && !(archs & 1u << arch_index))
				continue;
			seccomp_names_call(seccomp_names_arch(tokens[arch_index]),
					   names[w->statements[s].calls[c]], &call);
			any = any || call.direct;
			if (call.direct && call.number >= number)
				return false;
		}
	return any;
}

/* ------------------------------------------------------------- the test */

static uint64_t pick_argument(const struct whole *w)
{
	const struct statement *s = &w->statements[below(w->count)];
	const struct filter *f = &s->filters[below(s->filters_count)];

	if (!f->clauses || below(4) == 0)
		return some_number(false);
	unsigned c = below(f->clauses), a = below(f->counts[c]);
	uint64_t value = f->atoms[c][a].value.value;
	switch (below(8)) {
	case 0:
		return value + 1;
	case 1:
		return value - 1;
	case 2:
		return value ^ (uint64_t)1 << below(64);
	case 3:
		return value | (uint64_t)1 << 32;
	case 4:
		return (uint32_t)value;
	case 5:
		return f->atoms[c][a].value.arm_value;
	default:
		return value;
	}
}

/* False where the architecture has not the call that was picked. */
static bool check_call(const struct whole *w, const struct seccomp_program *program)
{
	unsigned arch_index = below(COUNT(tokens)), call = below(COUNT(names));
	struct seccomp_data data = { 0 };
	struct seccomp_call found;
	uint64_t args[6];

	if (w->count && below(4)) {
		const struct statement *s = &w->statements[below(w->count)];
		call = s->calls[below(s->calls_count)];
	}
	const struct seccomp_arch *arch = seccomp_names_arch(tokens[arch_index]);
	seccomp_names_call(arch, names[call], &found);
	if (!found.direct)
		return false;
	data.arch = arch->audit;
	data.nr = (int)found.number;
	for (size_t i = 0; i < 6; i++)
		data.args[i] = args[i] = pick_argument(w);
	uint32_t wanted = interpret(w, call, arch_index, args);
	if (w->newer && is_newer(w, arch_index, found.number))
		wanted = SECCOMP_RET_ERRNO | ENOSYS;
	if (!(w->archs & 1u << arch_index))
		wanted = SECCOMP_RET_KILL_PROCESS;
	uint32_t got = seccomp_simulate(program->code, program->count, &data, NULL);
	if (got != wanted)
		fail_msg("%s of %s(%#llx, %#llx, %#llx, %#llx): %08x instead of %08x\n%s",
			 names[call], arch->name, (unsigned long long)data.args[0],
			 (unsigned long long)data.args[1], (unsigned long long)data.args[2],
			 (unsigned long long)data.args[3], got, wanted, w->text);
	return true;
}

static void check_policy(struct whole *w, unsigned long *pairs)
{
	struct policy_options options = { 0 };
	struct seccomp_program program;
	uint32_t archs[COUNT(tokens)];
	struct policy policy;
	struct err e = { 0 };
	struct arena arena;

	make_policy(w);
	for (size_t i = 0; i < COUNT(tokens); i++)
		if (w->archs & 1u << i)
			archs[options.archs_count++] = tokens[i];
	options.archs = archs;
	arena_init(&arena, 0);
	if (policy_parse("random", w->text, w->length, &options, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0 ||
	    seccomp_simulate_check(program.code, program.count, &e) < 0)
		fail_msg("%s\n%s", e.msg, w->text);
	for (unsigned i = 0; i < CALLS_PER_POLICY; i++)
		*pairs += check_call(w, &program);
	arena_free(&arena);
}

static void test_random(void **unused)
{
	static struct whole w;
	unsigned long pairs = 0;
	unsigned rounds = getenv("HUSK_LONG") ? POLICIES * 20 : POLICIES;

	(void)unused;
	for (unsigned i = 0; i < rounds; i++)
		check_policy(&w, &pairs);
	print_message("# %lu pairs of policy and call\n", pairs);
	assert_true(pairs >= 100000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests_name("policy-random", tests, NULL, NULL);
}
