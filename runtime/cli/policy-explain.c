/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cli/policy-cli.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-simulate.h"

#define WORDS_MAX 8

/* What is asked about. */
struct question {
	const struct policy *policy;
	const struct seccomp_program *program;
	const struct seccomp_arch *arch;
};

static void print_origin(const struct policy *p, size_t rule)
{
	if (p->origins && rule != POLICY_NO_RULE)
		printf("  (%s:%u)", p->origins[rule].file, p->origins[rule].line);
	printf("\n");
}

static void print_rule(const struct question *q, size_t index)
{
	const struct seccomp_rule *rule = &q->policy->seccomp.rules[index];
	char action[POLICY_ACTION_MAX], text[POLICY_COMPARE_MAX];

	policy_action_print(rule->action, action, sizeof action);
	printf("    %s%s", action, rule->compares_count ? " if " : "");
	for (size_t i = 0; i < rule->compares_count; i++) {
		policy_compare_print(&rule->compares[i], q->arch->wide, text, sizeof text);
		printf("%s%s", i ? " && " : "", text);
	}
	print_origin(q->policy, index);
}

/* All rules about a call, in the order in which they are tried. */
static void print_rules(const struct question *q, const struct seccomp_data *data)
{
	char action[POLICY_ACTION_MAX];
	uint32_t number = (uint32_t)data->nr;
	bool final = false;

	for (size_t i = 0; i < q->policy->seccomp.rules_count && !final; i++) {
		if (!policy_rule_names(q->policy, i, q->arch, number))
			continue;
		print_rule(q, i);
		final = !q->policy->seccomp.rules[i].compares_count;
	}
	if (final)
		return;
	/* Conditions that cannot hold at once would do as well: what is left is the default. */
	uint32_t rest = q->policy->seccomp.default_action;
	bool newer = policy_decide(q->policy, q->arch, data) == POLICY_NO_RULE &&
		     seccomp_simulate(q->program->code, q->program->count, data, NULL) != rest;
	if (newer)
		rest = SECCOMP_RET_ERRNO | ENOSYS;
	policy_action_print(rest, action, sizeof action);
	printf("    %s  (%s)\n", action, newer ? "@newer" : "default");
}

static void print_answer(const struct question *q, const struct seccomp_data *data)
{
	char action[POLICY_ACTION_MAX];
	uint32_t steps;
	uint32_t result = seccomp_simulate(q->program->code, q->program->count, data, &steps);
	size_t rule = policy_decide(q->policy, q->arch, data);

	policy_action_print(result, action, sizeof action);
	printf("    %s", action);
	/* With --use-ret-log and @newer the program answers what no rule says. */
	if (rule != POLICY_NO_RULE && q->policy->seccomp.rules[rule].action == result)
		print_origin(q->policy, rule);
	else
		printf("\n");
}

int policy_explain_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
			struct err *e)
{
	struct seccomp_program program;
	struct seccomp_data data;
	struct policy policy;
	char name[64];

	if (policy_cli_program(call, o, o->policy ? o->policy : "default", &policy, &program, e) <
	    0)
		return -1;
	for (size_t i = 0; policy_cli_arch(&policy, i); i++) {
		struct question q = { &policy, &program, policy_cli_arch(&policy, i) };
		struct seccomp_call found;
		seccomp_names_call(q.arch, argv[0], &found);
		if (found.known && !found.direct && policy_cli_arch(&policy, 1)) {
			printf("%s: no system call of %s\n", argv[0], q.arch->name);
			continue;
		}
		if (policy_cli_call(q.arch, argc, argv, &data, e) < 0)
			return -1;
		bool cached = seccomp_simulate_cached(program.code, program.count, q.arch->audit,
						      (uint32_t)data.nr);
		policy_cli_name(q.arch, (uint32_t)data.nr, name, sizeof name);
		printf("%s, %u of %s%s:\n", name, (uint32_t)data.nr, q.arch->name,
		       cached ? ", without running the filter" : "");
		if (argc == 1 && policy.kind == POLICY_TEXT)
			print_rules(&q, &data);
		else
			print_answer(&q, &data);
	}
	return 0;
}

/* -------------------------------------------------------------- simulate */

static int simulate_words(const struct policy *policy, const struct seccomp_program *program,
			  int count, char **words, struct err *e)
{
	const struct seccomp_arch *arch = policy_cli_arch(policy, 0);
	uint32_t token = policy_arch_parse(words[0]), steps;
	char action[POLICY_ACTION_MAX];
	struct seccomp_data data;

	if (token && count > 1) {
		arch = seccomp_names_arch(token);
		words++;
		count--;
	}
	if (policy_cli_call(arch, count, words, &data, e) < 0)
		return -1;
	policy_action_print(seccomp_simulate(program->code, program->count, &data, &steps), action,
			    sizeof action);
	bool cached = seccomp_simulate_cached(program->code, program->count, arch->audit,
					      (uint32_t)data.nr);
	printf("%s\t%u\t%s\n", action, steps, cached ? "cached" : "run");
	return 0;
}

static int split(char *line, char **words)
{
	int count = 0;

	for (char *save, *word = strtok_r(line, " \t\r\n", &save); word && *word != '#';
	     word = strtok_r(NULL, " \t\r\n", &save)) {
		if (count == WORDS_MAX)
			return -1;
		words[count++] = word;
	}
	return count;
}

/* "[ARCH] SYSCALL [ARG...]" on each line of standard input; an answer for each. */
static int simulate_lines(const struct policy *policy, const struct seccomp_program *program,
			  struct err *e)
{
	char *line = NULL, *words[WORDS_MAX];
	size_t size = 0, number = 0;
	int result = 0;

	while (result == 0 && getline(&line, &size, stdin) >= 0) {
		int count = split(line, words);
		number++;
		if (count < 0)
			result = err_config(e, "line %zu: more than %d words", number, WORDS_MAX);
		else if (count > 0 && simulate_words(policy, program, count, words, e) < 0)
			result = err_prefix(e, "line %zu", number);
	}
	free(line);
	return result;
}

int policy_simulate_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
			 struct err *e)
{
	struct seccomp_program program;
	struct policy policy;

	if (policy_cli_program(call, o, argv[0], &policy, &program, e) < 0)
		return -1;
	if (argc > 1)
		return simulate_words(&policy, &program, argc - 1, argv + 1, e);
	return simulate_lines(&policy, &program, e);
}
