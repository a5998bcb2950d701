/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/seccomp.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"

static const struct json_field arg_fields[] = {
	/* System calls have six arguments. */
	JSON_U32_ROW(struct spec_seccomp_arg, index, "index", .flags = JSON_REQUIRED, .max = 5),
	JSON_U64_ROW(struct spec_seccomp_arg, value, "value", .flags = JSON_REQUIRED),
	JSON_U64_ROW(struct spec_seccomp_arg, value_two, "valueTwo"),
	JSON_ENUM_ROW(struct spec_seccomp_arg, op, "op", spec_seccomp_ops, .flags = JSON_REQUIRED),
};
static const struct json_table arg_table = JSON_TABLE(struct spec_seccomp_arg, arg_fields);

static const struct json_field syscall_fields[] = {
	JSON_STRINGS_ROW(struct spec_seccomp_syscall, names, "names", .flags = JSON_REQUIRED),
	JSON_ENUM_ROW(struct spec_seccomp_syscall, action, "action", spec_seccomp_actions,
		      .flags = JSON_REQUIRED),
	JSON_OPT_U32_ROW(struct spec_seccomp_syscall, errno_ret, "errnoRet"),
	JSON_LIST_ROW(struct spec_seccomp_syscall, args, "args", arg_table),
};
static const struct json_table syscall_table =
	JSON_TABLE(struct spec_seccomp_syscall, syscall_fields);

static const struct json_field seccomp_fields[] = {
	JSON_ENUM_ROW(struct spec_seccomp, default_action, "defaultAction", spec_seccomp_actions,
		      .flags = JSON_REQUIRED),
	JSON_OPT_U32_ROW(struct spec_seccomp, default_errno_ret, "defaultErrnoRet"),
	JSON_ENUM_LIST_ROW(struct spec_seccomp, architectures, "architectures", spec_seccomp_archs),
	JSON_FLAGS_ROW(struct spec_seccomp, flags, "flags", spec_seccomp_flags),
	JSON_STRING_ROW(struct spec_seccomp, listener_path, "listenerPath",
			.flags = JSON_EMPTY_UNSET),
	JSON_STRING_ROW(struct spec_seccomp, listener_metadata, "listenerMetadata",
			.flags = JSON_EMPTY_UNSET),
	JSON_LIST_ROW(struct spec_seccomp, syscalls, "syscalls", syscall_table),
};
const struct json_table spec_seccomp_table = JSON_TABLE(struct spec_seccomp, seccomp_fields);

/* ---------------------------------------------------------------- rules */

/* Errno values the kernel passes on (MAX_ERRNO), and what fits into a filter's return value. */
#define ERRNO_MAX 4095
#define TRACE_MAX 65535

static int check_errno(struct spec_check *c, uint32_t action, const struct opt_u32 *value)
{
	if (!value->set)
		return 0;
	if (action != SECCOMP_RET_ERRNO && action != SECCOMP_RET_TRACE)
		return spec_check_fail(c,
				       "%s returns no errno: only SCMP_ACT_ERRNO and "
				       "SCMP_ACT_TRACE do",
				       json_enum_name(&spec_seccomp_actions, action));
	uint32_t max = action == SECCOMP_RET_ERRNO ? ERRNO_MAX : TRACE_MAX;
	if (value->value > max)
		return spec_check_fail(c, "%u is out of range: 0 to %u", value->value, max);
	return 0;
}

static int check_syscall(struct spec_check *c, const struct spec_seccomp_syscall *call, size_t i)
{
	if (call->names.count == 0)
		return spec_check_fail(spec_check_at(c, "linux.seccomp.syscalls[%zu].names", i),
				       "must name at least one system call");
	for (size_t k = 0; k < call->names.count; k++) {
		if (!call->names.items[k][0])
			return spec_check_fail(
				spec_check_at(c, "linux.seccomp.syscalls[%zu].names[%zu]", i, k),
				"must not be empty");
	}
	if (call->errno_ret.set)
		spec_check_at(c, "linux.seccomp.syscalls[%zu].errnoRet", i);
	return check_errno(c, call->action, &call->errno_ret);
}

int spec_check_seccomp(struct spec_check *c, const struct spec *s)
{
	const struct spec_seccomp *p = s->linux_config->seccomp;
	bool notify = false;

	if (!p)
		return 0;
	if (p->default_errno_ret.set)
		spec_check_at(c, "linux.seccomp.defaultErrnoRet");
	if (check_errno(c, p->default_action, &p->default_errno_ret) < 0)
		return -1;
	for (size_t i = 0; i < p->syscalls_count; i++) {
		if (check_syscall(c, &p->syscalls[i], i) < 0)
			return -1;
		notify = notify || p->syscalls[i].action == SECCOMP_RET_USER_NOTIF;
	}
	/* Nothing could run: not even the step that passes the listener on. */
	if (p->default_action == SECCOMP_RET_USER_NOTIF)
		return spec_check_fail(
			spec_check_at(c, "linux.seccomp.defaultAction"),
			"SCMP_ACT_NOTIFY cannot be the default: name the system calls");
	if (p->listener_metadata && !p->listener_path)
		return spec_check_fail(spec_check_at(c, "linux.seccomp.listenerMetadata"),
				       "needs listenerPath, which is absent");
	if (p->listener_path &&
	    spec_check_absolute(c, p->listener_path, "linux.seccomp.listenerPath") < 0)
		return -1;
	if (notify && !p->listener_path && !s->extensions.seccomp_receiver)
		return spec_check_fail(spec_check_at(c, "linux.seccomp"),
				       "SCMP_ACT_NOTIFY needs listenerPath, the socket of the "
				       "agent that decides");
	return 0;
}

/* ----------------------------------------------------------- on its own */

/* Docker's own format has rules for some capabilities and kernels only, which an engine resolves.
 */
static int refuse_conditions(const struct json_doc *doc, struct err *e)
{
	static const char *const keys[] = { "includes", "excludes" };
	const struct json_node *calls = json_tree_member(doc->root, "syscalls");

	for (const struct json_node *n = calls && calls->kind == JSON_ARRAY ? calls->first : NULL;
	     n; n = n->next)
		for (size_t i = 0; i < 2; i++) {
			const struct json_node *m = json_tree_member(n, keys[i]);
			if (m && m->kind == JSON_OBJECT && m->first)
				return err_set(e, ERR_UNSUPPORTED, 0,
					       "%s:%zu: \"%s\" belongs to an engine's profile: "
					       "take linux.seccomp from a config.json that it made",
					       doc->name, json_tree_line(doc, m->offset), keys[i]);
		}
	return 0;
}

int spec_seccomp_parse(const char *name, const char *text, size_t length, struct arena *a,
		       struct spec_seccomp **out, struct err *e)
{
	struct json_doc doc = { .name = name, .text = text, .length = length };
	struct spec_check c = { .doc = &doc, .where = "", .err = e };
	struct spec_seccomp *p = arena_new(a, struct spec_seccomp);

	if (!p)
		return arena_check(a, e);
	if (json_tree_parse(&doc, a, e) < 0)
		return -1;
	struct json_node *whole = doc.root;
	const struct json_node *inner =
		json_tree_member(json_tree_member(whole, "linux"), "seccomp");
	if (inner)
		doc.root = (struct json_node *)inner;
	if (refuse_conditions(&doc, e) < 0 ||
	    json_decode(&doc, &spec_seccomp_table, false, p, a, e) < 0 || arena_check(a, e) < 0)
		return -1;
	doc.root = whole;
	if (p->default_errno_ret.set)
		spec_check_at(&c, "defaultErrnoRet");
	if (check_errno(&c, p->default_action, &p->default_errno_ret) < 0)
		return -1;
	for (size_t i = 0; i < p->syscalls_count; i++)
		if (check_syscall(&c, &p->syscalls[i], i) < 0)
			return -1;
	*out = p;
	return 0;
}
