/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_POLICY_CLI_H
#define HUSK_CLI_POLICY_CLI_H

#include "runtime/cli/cli.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-names.h"

/* "husk policy VERB": the options of all of them are in one table; each verb takes some. */
struct policy_cli {
	struct option_list archs;
	const char *default_action, *dialect, *format, *output, *policy;
	struct opt_u32 include_depth;
	bool denylist, groups, skip_unknown, strict, use_ret_log;
};

/* Status of husk, or -1. */
typedef int policy_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
			struct err *e);
policy_verb policy_check_verb, policy_compile_verb, policy_convert_verb, policy_diff_verb,
	policy_explain_verb, policy_list_verb, policy_show_verb, policy_simulate_verb;

/* Load @name as the options say. */
int policy_cli_load(struct call *call, const struct policy_cli *o, const char *name,
		    struct policy *out, struct err *e);
/* Load and compile. */
int policy_cli_program(struct call *call, const struct policy_cli *o, const char *name,
		       struct policy *policy, struct seccomp_program *program, struct err *e);

/* The call @words[0] with its arguments on @arch; words may be numbers and constants. 0 or -1. */
int policy_cli_call(const struct seccomp_arch *arch, int count, char **words,
		    struct seccomp_data *data, struct err *e);
/* The name of a call's number, or the number, in @out. */
void policy_cli_name(const struct seccomp_arch *arch, uint32_t number, char *out, size_t size);

/* Architectures of a policy: its own, or for a BPF program those that it can be asked about. */
const struct seccomp_arch *policy_cli_arch(const struct policy *policy, size_t index);

/* Write to --output, or to standard output. */
int policy_cli_write(const struct policy_cli *o, const void *data, size_t size, struct err *e);

#endif
