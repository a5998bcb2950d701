/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/policy-cli.h"
#include "src/base/text.h"

/* One instruction and its place take less. */
#define LINE_BYTES 128u

struct output {
	char *text;
	size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void put(struct output *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	out->length += text_vformat(out->text + out->length, out->size - out->length, format, args);
	va_end(args);
}

/* As the tables of <linux/filter.h> would be written in C. */
static void put_c(struct output *out, const struct sock_filter *code, size_t count)
{
	put(out, "/* Made by husk policy compile. */\n");
	put(out, "static const struct sock_filter policy[] = {\n");
	for (size_t i = 0; i < count; i++)
		put(out, "\t{ 0x%02x, %u, %u, 0x%08x },\n", code[i].code, code[i].jt, code[i].jf,
		    code[i].k);
	put(out, "};\n");
}

static void put_load(struct output *out, uint32_t offset)
{
	static const char *const words[] = { "nr", "arch", "ip.low", "ip.high" };

	if (offset < 16)
		put(out, "load  %s", words[offset / 4]);
	else
		put(out, "load  arg%u.%s", (offset - 16) / 8, offset & 4 ? "high" : "low");
}

static void put_jump(struct output *out, const struct sock_filter *i, size_t at)
{
	const char *test = BPF_OP(i->code) == BPF_JEQ   ? "=="
			   : BPF_OP(i->code) == BPF_JGE ? ">="
			   : BPF_OP(i->code) == BPF_JGT ? ">"
							: "&";

	if (BPF_OP(i->code) == BPF_JA)
		put(out, "jump  %zu", at + 1 + i->k);
	else
		put(out, "if    %s 0x%x %zu else %zu", test, i->k, at + 1 + i->jt, at + 1 + i->jf);
}

static void put_asm(struct output *out, const struct sock_filter *code, size_t count)
{
	char action[POLICY_ACTION_MAX];

	for (size_t i = 0; i < count; i++) {
		put(out, "%04zu  ", i);
		if (code[i].code == (BPF_LD | BPF_W | BPF_ABS)) {
			put_load(out, code[i].k);
		} else if (BPF_CLASS(code[i].code) == BPF_JMP && BPF_SRC(code[i].code) == BPF_K) {
			put_jump(out, &code[i], i);
		} else if (code[i].code == (BPF_RET | BPF_K)) {
			policy_action_print(code[i].k, action, sizeof action);
			put(out, "%s", action);
		} else if (code[i].code == (BPF_ALU | BPF_AND | BPF_K)) {
			put(out, "and   0x%x", code[i].k);
		} else {
			put(out, "0x%02x  %u %u 0x%x", code[i].code, code[i].jt, code[i].jf,
			    code[i].k);
		}
		put(out, "\n");
	}
}

int policy_compile_verb(struct call *call, const struct policy_cli *o, int argc, char **argv,
			struct err *e)
{
	const char *format = o->format ? o->format : "bpf";
	struct seccomp_program program;
	struct policy policy;
	struct output out = { 0 };

	(void)argc;
	if (!text_equal(format, "bpf") && !text_equal(format, "c") && !text_equal(format, "asm"))
		return err_set(e, ERR_USAGE, 0, "--format: \"%s\" is none of bpf, c, asm", format);
	if (text_equal(format, "bpf") && !o->output && isatty(STDOUT_FILENO))
		return err_set(e, ERR_USAGE, 0,
			       "a BPF program is not for terminals: use --output, or --format asm");
	if (policy_cli_program(call, o, argv[0], &policy, &program, e) < 0)
		return -1;
	if (text_equal(format, "bpf"))
		return policy_cli_write(o, program.code, program.count * sizeof *program.code, e);
	out.size = (program.count + 4) * LINE_BYTES;
	out.text = arena_alloc(call->arena, out.size);
	if (!out.text)
		return arena_check(call->arena, e);
	if (text_equal(format, "c"))
		put_c(&out, program.code, program.count);
	else
		put_asm(&out, program.code, program.count);
	return policy_cli_write(o, out.text, out.length, e);
}
