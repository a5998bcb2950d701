/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "runtime/learn/learn.h"
#include "src/base/text.h"

/* Calls of one name, which several architectures may have. */
static bool has_earlier(struct learn_call *const *calls, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (text_equal(calls[i]->name, calls[index]->name))
			return true;
	return false;
}

static void write_compare(struct json_writer *w, const struct seccomp_compare *c)
{
	json_write_object_begin(w, NULL);
	json_write_u64(w, "index", c->index);
	if (c->op == SECCOMP_OP_MASKED_EQ) {
		json_write_u64(w, "value", c->narrow ? c->value & UINT32_MAX : c->value);
		json_write_u64(w, "valueTwo", 0);
		json_write_string(w, "op", "SCMP_CMP_MASKED_EQ");
	} else if (c->narrow) {
		/* Runtimes compare 64 bits, and callers need not clear those that nobody looks at.
		 */
		json_write_u64(w, "value", UINT32_MAX);
		json_write_u64(w, "valueTwo", c->value);
		json_write_string(w, "op", "SCMP_CMP_MASKED_EQ");
	} else {
		json_write_u64(w, "value", c->value);
		json_write_string(w, "op", "SCMP_CMP_EQ");
	}
	json_write_object_end(w);
}

/* An object with the names of one call, and conditions. */
static void write_rule(struct json_writer *w, const char *name, bool refused,
		       const struct learn_clause *clause)
{
	json_write_object_begin(w, NULL);
	json_write_array_begin(w, "names");
	json_write_string(w, NULL, name);
	json_write_array_end(w);
	json_write_string(w, "action", refused ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW");
	if (refused)
		json_write_u64(w, "errnoRet", ENOSYS);
	if (clause) {
		json_write_array_begin(w, "args");
		for (size_t i = 0; i < clause->count; i++)
			write_compare(w, &clause->compares[i]);
		json_write_array_end(w);
	}
	json_write_object_end(w);
}

/*
 * A profile cannot say for which architecture a rule is: the rules of a name are those of all. One
 * without arguments makes the others void, in libseccomp too.
 */
static void write_narrowed(struct json_writer *w, const struct learn *l, struct arena *a,
			   struct learn_call *const *calls)
{
	struct learn_clause *clauses;

	for (size_t i = 0; i < l->count; i++) {
		size_t count = learn_narrow(calls[i], a, &clauses);
		for (size_t k = 0; k < count; k++)
			write_rule(w, calls[i]->name, false, &clauses[k]);
		if (learn_is_refused(calls[i]) && !has_earlier(calls, i))
			write_rule(w, calls[i]->name, true, NULL);
	}
}

void learn_oci(const struct learn *l, struct arena *a, struct json_writer *w)
{
	struct learn_call **calls = learn_calls_sorted(l, a);
	struct learn_clause *clauses;
	uint32_t last = 0;

	if (!calls)
		return;
	json_write_object_begin(w, NULL);
	json_write_string(w, "defaultAction", "SCMP_ACT_ERRNO");
	json_write_u64(w, "defaultErrnoRet", EPERM);
	json_write_array_begin(w, "architectures");
	for (size_t i = 0; i < l->count; i++) {
		if (calls[i]->arch != last)
			json_write_string(w, NULL, seccomp_names_arch(calls[i]->arch)->oci_name);
		last = calls[i]->arch;
	}
	json_write_array_end(w);
	json_write_array_begin(w, "syscalls");
	json_write_object_begin(w, NULL);
	json_write_array_begin(w, "names");
	for (size_t i = 0; i < l->count; i++)
		if (!learn_is_refused(calls[i]) && !has_earlier(calls, i) &&
		    !learn_narrow(calls[i], a, &clauses))
			json_write_string(w, NULL, calls[i]->name);
	json_write_array_end(w);
	json_write_string(w, "action", "SCMP_ACT_ALLOW");
	json_write_object_end(w);
	write_narrowed(w, l, a, calls);
	json_write_array_end(w);
	json_write_object_end(w);
}
