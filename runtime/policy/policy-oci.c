/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/policy/policy.h"
#include "runtime/spec/spec.h"
#include "src/seccomp/seccomp-names.h"

/* libseccomp's and so every runtime's errno for an ERRNO or TRACE action that names none. */
#define DEFAULT_ERRNO EPERM

static uint32_t action_value(uint32_t action, const struct opt_u32 *data)
{
	if (action == SECCOMP_RET_ERRNO || action == SECCOMP_RET_TRACE)
		return action | ((data->set ? data->value : DEFAULT_ERRNO) & SECCOMP_RET_DATA);
	return action;
}

/*
 * Calls newer than the profile get ENOSYS where the profile leaves the errno to the runtime, or
 * spells out the runtime's default, as newer versions of Docker do. (runc does it whatever
 * defaultErrnoRet says, and for other refusing default actions too.)
 */
static bool wants_enosys(const struct spec_seccomp *s)
{
	return s->default_action == SECCOMP_RET_ERRNO &&
	       (!s->default_errno_ret.set || s->default_errno_ret.value == DEFAULT_ERRNO);
}

static int copy_rule(const struct spec_seccomp_syscall *from, struct arena *a,
		     struct seccomp_rule *to, struct err *e)
{
	struct seccomp_compare *compares =
		arena_new_array(a, from->args_count, struct seccomp_compare);

	if (!compares)
		return arena_check(a, e);
	for (size_t i = 0; i < from->args_count; i++) {
		const struct spec_seccomp_arg *arg = &from->args[i];
		/* Both enumerations count as libseccomp's does. */
		compares[i] = (struct seccomp_compare){
			.index = arg->index,
			.op = (enum seccomp_op)arg->op,
			.value = arg->value,
			.value_two = arg->value_two,
		};
	}
	*to = (struct seccomp_rule){
		.names = (const char *const *)from->names.items,
		.names_count = from->names.count,
		.action = action_value(from->action, &from->errno_ret),
		.compares = compares,
		.compares_count = from->args_count,
	};
	return 0;
}

/* The native architecture is always filtered, whether it is listed or not, and tested first. */
static int copy_archs(const struct spec_seccomp *s, struct arena *a, struct seccomp_policy *p,
		      struct err *e)
{
	uint32_t *archs = arena_new_array(a, s->architectures_count + 1, uint32_t);

	if (!archs)
		return arena_check(a, e);
	archs[p->archs_count++] = seccomp_names_native();
	for (size_t i = 0; i < s->architectures_count; i++) {
		bool listed = false;
		for (size_t k = 0; k < p->archs_count; k++)
			listed = listed || archs[k] == s->architectures[i];
		if (!listed)
			archs[p->archs_count++] = s->architectures[i];
	}
	p->archs = archs;
	return 0;
}

int policy_from_oci(const struct spec_seccomp *from, bool strict_names, struct arena *a,
		    struct seccomp_policy *p, struct err *e)
{
	struct seccomp_rule *rules = arena_new_array(a, from->syscalls_count, struct seccomp_rule);

	*p = (struct seccomp_policy){
		.default_action = action_value(from->default_action, &from->default_errno_ret),
		.order = SECCOMP_ORDER_LIBSECCOMP,
		.enosys_above = wants_enosys(from),
		.strict_names = strict_names,
		.rules = rules,
		.rules_count = from->syscalls_count,
	};
	if (!rules)
		return arena_check(a, e);
	for (size_t i = 0; i < from->syscalls_count; i++)
		if (copy_rule(&from->syscalls[i], a, &rules[i], e) < 0)
			return -1;
	return copy_archs(from, a, p, e);
}
