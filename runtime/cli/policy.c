/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "runtime/cli/policy-cli.h"
#include "runtime/cli/verbs.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define AT(member) offsetof(struct policy_cli, member)

static const struct option_row rows[] = {
	{ "arch", 'a', OPTION_STRINGS, AT(archs), "ARCH",
	  "for this architecture, or \"all\"; repeatable" },
	{ "default-action", 0, OPTION_STRING, AT(default_action), "ACTION",
	  "instead of the policy's own, such as log" },
	{ "denylist", 0, OPTION_FLAG, AT(denylist), NULL, "the policy must be a @denylist" },
	{ "dialect", 0, OPTION_STRING, AT(dialect), "NAME",
	  "how \"EXPRESSION; return E\" is read: c or python" },
	{ "format", 0, OPTION_STRING, AT(format), "FORMAT",
	  "of the output: bpf, c, asm (compile); text, oci (convert)" },
	{ "groups", 0, OPTION_FLAG, AT(groups), NULL, "list groups of system calls" },
	{ "include-depth", 0, OPTION_U32, AT(include_depth), "N", "how deep includes nest (10)" },
	{ "output", 'o', OPTION_STRING, AT(output), "FILE", "write there" },
	{ "policy", 'p', OPTION_STRING, AT(policy), "POLICY", "the one to explain (default)" },
	{ "skip-unknown", 0, OPTION_FLAG, AT(skip_unknown), NULL,
	  "leave out names that no architecture has" },
	{ "strict", 0, OPTION_FLAG, AT(strict), NULL, "notes are errors" },
	{ "use-ret-log", 0, OPTION_FLAG, AT(use_ret_log), NULL,
	  "let through and log what would be refused" },
};
#define ROWS_COUNT (sizeof rows / sizeof *rows)

#define LOADING "arch default-action denylist dialect include-depth skip-unknown use-ret-log"

static const struct sub_verb {
	const char *name, *arguments;
	int min, max;
	const char *options;
	policy_verb *run;
} sub_verbs[] = {
	{ "check", "POLICY...", 1, 64, LOADING " strict", policy_check_verb },
	{ "compile", "POLICY", 1, 1, LOADING " format output", policy_compile_verb },
	{ "convert", "POLICY", 1, 1, LOADING " format output", policy_convert_verb },
	{ "diff", "POLICY POLICY", 2, 2, LOADING, policy_diff_verb },
	{ "explain", "SYSCALL [ARG...]", 1, 7, LOADING " policy", policy_explain_verb },
	{ "list", "", 0, 0, "groups", policy_list_verb },
	{ "show", "NAME", 1, 1, "", policy_show_verb },
	{ "simulate", "POLICY [SYSCALL [ARG...]]", 1, 8, LOADING, policy_simulate_verb },
};
#define VERBS_COUNT (sizeof sub_verbs / sizeof *sub_verbs)

static const struct sub_verb *find_verb(const char *name)
{
	for (size_t i = 0; i < VERBS_COUNT; i++)
		if (text_equal(sub_verbs[i].name, name))
			return &sub_verbs[i];
	return NULL;
}

static bool is_set(const struct option_row *row, const struct policy_cli *o)
{
	const char *at = (const char *)o + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		return *(const bool *)at;
	case OPTION_STRINGS:
		return ((const struct option_list *)at)->count;
	case OPTION_U32:
		return ((const struct opt_u32 *)at)->set;
	default:
		return *(const char *const *)at;
	}
}

static bool takes(const struct sub_verb *v, const char *option)
{
	size_t length = strlen(option);

	for (const char *p = v->options; (p = strstr(p, option)); p += length)
		if ((p == v->options || p[-1] == ' ') && (!p[length] || p[length] == ' '))
			return true;
	return false;
}

static int policy_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct policy_cli o = *(const struct policy_cli *)options;
	const struct sub_verb *v = find_verb(argv[0]);
	int index = 1;

	if (!v)
		return err_set(e, ERR_USAGE, 0,
			       "policy: unknown verb \"%s\" (\"husk policy --help\" lists them)",
			       argv[0]);
	for (int i = 1; i < argc && !text_equal(argv[i], "--"); i++)
		if (text_equal(argv[i], "--help") || text_equal(argv[i], "-h")) {
			help_print(&verb_policy);
			return 0;
		}
	if (options_parse(rows, ROWS_COUNT, &o, false, argc, argv, &index, e) < 0)
		return err_prefix(e, "policy %s", v->name);
	for (size_t i = 0; i < ROWS_COUNT; i++)
		if (is_set(&rows[i], &o) && !takes(v, rows[i].name))
			return err_set(
				e, ERR_USAGE, 0,
				"policy %s: --%s is for other verbs (\"husk policy --help\")",
				v->name, rows[i].name);
	argc -= index;
	argv += index;
	if (argc < v->min || argc > v->max)
		return err_set(e, ERR_USAGE, 0,
			       "policy %s: usage: husk policy %s %s (\"husk policy --help\")",
			       v->name, v->name, v->arguments);
	return v->run(call, &o, argc, argv, e);
}

/* ---------------------------------------------------------------- common */

static const uint32_t all_archs[] = { AUDIT_ARCH_X86_64,  AUDIT_ARCH_I386, SECCOMP_ARCH_X32,
				      AUDIT_ARCH_AARCH64, AUDIT_ARCH_ARM,  AUDIT_ARCH_RISCV64 };
#define ALL_COUNT (sizeof all_archs / sizeof *all_archs)

static int choose_archs(struct call *call, const struct policy_cli *o, struct policy_options *out,
			struct err *e)
{
	uint32_t *archs = arena_new_array(call->arena, o->archs.count + ALL_COUNT, uint32_t);

	if (!archs)
		return arena_check(call->arena, e);
	for (size_t i = 0; i < o->archs.count; i++) {
		if (text_equal(o->archs.items[i], "all")) {
			out->archs = all_archs;
			out->archs_count = ALL_COUNT;
			return 0;
		}
		archs[i] = policy_arch_parse(o->archs.items[i]);
		if (!archs[i])
			return err_set(e, ERR_USAGE, 0,
				       "--arch: \"%s\" is unknown (x86_64, x86, x32, arm64, arm, "
				       "riscv64, all)",
				       o->archs.items[i]);
	}
	out->archs = archs;
	out->archs_count = o->archs.count;
	return 0;
}

static int make_options(struct call *call, const struct policy_cli *o, struct policy_options *out,
			struct err *e)
{
	*out = (struct policy_options){
		.denylist = o->denylist,
		.skip_unknown = o->skip_unknown,
		.log = o->use_ret_log,
		.include_depth = o->include_depth.value,
	};
	if (o->default_action) {
		out->default_set = true;
		if (policy_action_parse(o->default_action, &out->default_action, e) < 0)
			return err_prefix(e, "--default-action");
	} else if (o->use_ret_log) {
		out->default_set = true;
		out->default_action = SECCOMP_RET_LOG;
	}
	if (o->dialect && text_equal(o->dialect, "c"))
		out->dialect = POLICY_DIALECT_C;
	else if (o->dialect && text_equal(o->dialect, "python"))
		out->dialect = POLICY_DIALECT_PYTHON;
	else if (o->dialect)
		return err_set(e, ERR_USAGE, 0, "--dialect: \"%s\" is neither c nor python",
			       o->dialect);
	return choose_archs(call, o, out, e);
}

int policy_cli_load(struct call *call, const struct policy_cli *o, const char *name,
		    struct policy *out, struct err *e)
{
	struct policy_options options;

	if (make_options(call, o, &options, e) < 0)
		return -1;
	return policy_load(name, &options, call->arena, out, e);
}

int policy_cli_program(struct call *call, const struct policy_cli *o, const char *name,
		       struct policy *policy, struct seccomp_program *program, struct err *e)
{
	if (policy_cli_load(call, o, name, policy, e) < 0)
		return -1;
	return policy_program(policy, call->arena, program, e);
}

const struct seccomp_arch *policy_cli_arch(const struct policy *policy, size_t index)
{
	if (policy->kind == POLICY_BPF)
		return index < ALL_COUNT ? seccomp_names_arch(all_archs[index]) : NULL;
	return index < policy->seccomp.archs_count
		       ? seccomp_names_arch(policy->seccomp.archs[index])
		       : NULL;
}

int policy_cli_call(const struct seccomp_arch *arch, int count, char **words,
		    struct seccomp_data *data, struct err *e)
{
	struct seccomp_call call;
	uint32_t number;

	*data = (struct seccomp_data){ .arch = arch->audit };
	seccomp_names_call(arch, words[0], &call);
	if (text_parse_u32(words[0], &number) == 0)
		data->nr = (int)number;
	else if (!call.known)
		return err_config(e, "unknown system call \"%s\"", words[0]);
	else if (!call.direct)
		return err_config(e, "%s has no system call %s", arch->name, words[0]);
	else
		data->nr = (int)call.number;
	if (count > 7)
		return err_config(e, "system calls have up to six arguments");
	for (int i = 1; i < count; i++) {
		uint64_t value;
		if (policy_value_parse(words[i], arch->token, &value, e) < 0)
			return -1;
		data->args[i - 1] = value;
	}
	return 0;
}

void policy_cli_name(const struct seccomp_arch *arch, uint32_t number, char *out, size_t size)
{
	if (seccomp_names_of(arch, number, out, size) < 0)
		text_format(out, size, "%u", number);
}

int policy_cli_write(const struct policy_cli *o, const void *data, size_t size, struct err *e)
{
	CLEAN_FD int fd = -1;

	if (!o->output) {
		if (fwrite(data, 1, size, stdout) != size)
			return err_sys(e, "write to standard output");
		return 0;
	}
	fd = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(e, "create %s", o->output);
	if (io_write_full(fd, data, size) < 0)
		return err_sys(e, "write %s", o->output);
	return 0;
}

const struct verb verb_policy = {
	.name = "policy",
	.arguments = "VERB [ARG...]",
	.about = "Check, compile, explain and compare policies for system calls",
	.more = "verbs:\n"
		"  check POLICY...             find mistakes, and what is probably one\n"
		"  compile POLICY              make a filter, for this or other architectures\n"
		"  explain SYSCALL [ARG...]    what --policy says about a call, and where\n"
		"  simulate POLICY [SYSCALL [ARG...]]\n"
		"                              what the filter answers to a call, or to lines of "
		"input\n"
		"  diff POLICY POLICY          calls that two policies treat differently\n"
		"  convert POLICY              to the profile of an OCI configuration, or from it\n"
		"  list                        policies that husk brings along\n"
		"  show NAME                   one of them\n"
		"\n"
		"A POLICY is a file's path with a slash, or the name of one of husk's own.\n",
	.options = rows,
	.options_count = ROWS_COUNT,
	.size = sizeof(struct policy_cli),
	.arguments_min = 1,
	.arguments_max = 1u << 20,
	.stop_at_argument = true,
	.run = policy_run,
};
