/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/policy-cli.h"
#include "runtime/policy/policy-compare.h"
#include "runtime/policy/policy-export.h"
#include "src/base/text.h"

/* The highest call that the rules name on @arch: what is newer the formats treat in their own ways.
 */
static uint32_t highest_named(const struct policy *p, const struct seccomp_arch *arch)
{
	struct seccomp_call call;
	uint32_t highest = 0;

	for (size_t i = 0; i < p->seccomp.rules_count; i++)
		for (size_t k = 0; k < p->seccomp.rules[i].names_count; k++) {
			seccomp_names_call(arch, p->seccomp.rules[i].names[k], &call);
			if (call.direct && call.number > highest)
				highest = call.number;
		}
	return highest;
}

static int verify(struct call *call, const struct policy *from,
		  const struct seccomp_program *program, const struct seccomp_program *result,
		  const char *format, bool low_only, struct err *e)
{
	struct policy_difference *found;
	char name[64], a[POLICY_ACTION_MAX], b[POLICY_ACTION_MAX];
	bool newer = false;
	size_t count;

	for (size_t i = 0; i < from->seccomp.archs_count; i++) {
		const struct seccomp_arch *arch = policy_cli_arch(from, i);
		uint32_t highest = highest_named(from, arch);
		if (policy_compare(program, result, arch, low_only, call->arena, &found, &count,
				   e) < 0)
			return -1;
		for (size_t k = 0; k < count; k++) {
			const struct policy_difference *d = &found[k];
			if (d->number > highest) {
				newer = true;
				continue;
			}
			policy_cli_name(arch, d->number, name, sizeof name);
			policy_action_print(d->a, a, sizeof a);
			policy_action_print(d->b, b, sizeof b);
			return err_set(
				e, ERR_UNSUPPORTED, 0,
				"%s: the policy is not the same as %s: %s on %s, with 0x%llx "
				"as the first argument, would be \"%s\" and not \"%s\"",
				from->path, format, name, arch->name,
				(unsigned long long)d->args[0], b, a);
		}
	}
	if (newer)
		fprintf(stderr,
			"%s: note: calls that are newer than the policy are treated "
			"differently by %s\n",
			from->path, format);
	return 0;
}

struct conversion {
	const struct policy_cli *options;
	const struct policy *policy;
	const struct seccomp_program *program;
};

static int to_oci(struct call *call, const struct conversion *io, struct err *e)
{
	struct policy result = { .kind = POLICY_OCI, .path = io->policy->path };
	struct seccomp_program program;
	struct json_writer w;
	size_t length;

	if (policy_export_oci(io->policy, call->arena, &result.seccomp, e) < 0 ||
	    policy_program(&result, call->arena, &program, e) < 0 ||
	    verify(call, io->policy, io->program, &program, "an OCI profile", false, e) < 0)
		return -1;
	json_write_init(&w, true);
	policy_export_print(&w, &result.seccomp);
	const char *text = json_write_finish(&w, &length, e);
	char *line = text ? arena_alloc(call->arena, length + 1) : NULL;
	if (line) {
		memcpy(line, text, length);
		line[length] = '\n';
	}
	json_write_free(&w);
	if (!line)
		return text ? arena_check(call->arena, e) : -1;
	return policy_cli_write(io->options, line, length + 1, e);
}

static int to_text(struct call *call, const struct conversion *io, struct err *e)
{
	struct policy_options options = { .default_set = true };
	struct seccomp_program program;
	struct policy result;
	size_t length;
	char *text;

	options.default_action = io->policy->seccomp.default_action;
	if (policy_export_text(io->policy, call->arena, &text, &length, e) < 0)
		return -1;
	if (policy_parse("result", text, length, &options, call->arena, &result, e) < 0 ||
	    policy_program(&result, call->arena, &program, e) < 0 ||
	    verify(call, io->policy, io->program, &program, "the text",
		   io->policy->kind == POLICY_OCI, e) < 0)
		return -1;
	return policy_cli_write(io->options, text, length, e);
}

int policy_convert_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
			struct err *e)
{
	struct seccomp_program program;
	struct policy policy;
	struct conversion io = { o, &policy, &program };

	(void)argc;
	if (o->format && !text_equal(o->format, "oci") && !text_equal(o->format, "text"))
		return err_set(e, ERR_USAGE, 0, "--format: \"%s\" is neither oci nor text",
			       o->format);
	if (policy_cli_program(call, o, argv[0], &policy, &program, e) < 0)
		return -1;
	if (policy.kind == POLICY_BPF)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "%s: a BPF program cannot be converted, only explained",
			       policy.path);
	bool oci = o->format ? text_equal(o->format, "oci") : policy.kind == POLICY_TEXT;
	return oci ? to_oci(call, &io, e) : to_text(call, &io, e);
}
