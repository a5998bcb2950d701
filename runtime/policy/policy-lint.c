/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* Calls that open much: whoever allows them whatever their arguments should have said why. */
static const char *const dangerous[] = {
	"bpf",   "clone",  "execve",  "execveat", "ioctl",   "kill",
	"mmap",  "mmap2",  "mount",   "mprotect", "prctl",   "ptrace",
	"setns", "socket", "swapoff", "swapon",   "unshare",
};

static bool is_dangerous(const char *name)
{
	for (size_t i = 0; i < sizeof dangerous / sizeof *dangerous; i++)
		if (text_equal(dangerous[i], name))
			return true;
	return false;
}

static bool allows_always(const struct policy_statement *s)
{
	const struct policy_filter *f = &s->filters[s->filters_count - 1];

	return s->filters_count == 1 && !f->clauses_count && f->action == SECCOMP_RET_ALLOW;
}

/* The first statement that names @call, or NULL. */
static const struct policy_statement *find(const struct policy_text *t, const char *call)
{
	for (const struct policy_statement *s = t->first; s; s = s->next)
		for (size_t i = 0; i < s->calls_count; i++)
			if (text_equal(s->calls[i].name, call))
				return s;
	return NULL;
}

static bool on_an_arch(const struct policy *p, const struct policy_call *call)
{
	struct seccomp_call found;

	if (*call->name >= '0' && *call->name <= '9')
		return true;
	for (size_t i = 0; i < p->seccomp.archs_count; i++) {
		seccomp_names_call(seccomp_names_arch(p->seccomp.archs[i]), call->name, &found);
		if (found.direct)
			return true;
	}
	return false;
}

static void lint_statement(struct policy_text *t, const struct policy *p,
			   const struct policy_statement *s)
{
	bool nowhere = true;

	/* Lists name calls for every architecture; one that means nothing at all is a mistake. */
	for (size_t i = 0; i < s->calls_count && nowhere; i++)
		nowhere = !s->calls[i].archs && !on_an_arch(p, &s->calls[i]);
	if (nowhere)
		policy_note(t, &s->place, "%s is no system call of this architecture",
			    s->calls[0].name);
	for (size_t i = 0; i < s->calls_count; i++) {
		const struct policy_call *call = &s->calls[i];
		bool grouped = memchr(call->place.source->text + call->place.offset, '@',
				      call->place.length);
		if (!grouped && allows_always(s) && !s->commented && is_dangerous(call->name))
			policy_note(t, &call->place,
				    "%s is allowed whatever its arguments: say why in a comment, "
				    "or look at them",
				    call->name);
	}
	if (s->bare && t->options->dialect == POLICY_DIALECT_AUTO && !t->denylist)
		policy_note(t, &s->place,
			    "read as minijail0 does: allowed where it holds, else the errno; "
			    "compile_seccomp_policy.py means the opposite: write \"{ ...; allow, "
			    "return E }\"");
}

/*
 * glibc tries clone3 first, whose flags are in memory that no filter sees, and falls back to
 * clone on ENOSYS only.
 */
static void lint_clone3(struct policy_text *t)
{
	const struct policy_statement *clone = find(t, "clone"), *clone3 = find(t, "clone3");

	if (clone3 && allows_always(clone3) && clone && !allows_always(clone))
		policy_note(t, &clone3->place,
			    "clone3 does what clone is kept from, and its flags cannot be seen: "
			    "\"clone3: return ENOSYS\" makes libc use clone");
	if (clone && !clone3 && !t->newer && !t->denylist)
		policy_note(
			t, &clone->place,
			"libc tries clone3 first: \"clone3: return ENOSYS\" makes it use clone");
}

void policy_lint(struct policy_text *t, const struct policy_source *source, const struct policy *p)
{
	const struct policy_place start = { .source = source };

	if (!t->first)
		policy_note(t, &start, "no system call is named: %s",
			    t->denylist ? "all are allowed" : "none can be made");
	for (const struct policy_statement *s = t->first; s; s = s->next)
		lint_statement(t, p, s);
	lint_clone3(t);
}
