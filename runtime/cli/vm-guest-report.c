/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says of its sandbox: the report of the husk in there, read by a table like any file. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "runtime/cli/vm-session.h"
#include "src/base/text.h"
#include "src/json/json-decode.h"

struct said_call {
	char *name, *architecture, *instruction;
	struct str_list arguments;
};

struct said {
	uint32_t verdict;
	struct opt_i32 exit_code, sig;
	char *error;
	struct said_call call;
	struct opt_u64 wall, cpu, user, sys, memory, oom, pids, voluntary, forced, read, written,
		output;
	struct str_list weakened;
};

static const struct json_field call_fields[] = {
	JSON_STRING_ROW(struct said_call, name, "name"),
	JSON_STRING_ROW(struct said_call, architecture, "architecture"),
	JSON_STRING_ROW(struct said_call, instruction, "instruction"),
	JSON_STRINGS_ROW(struct said_call, arguments, "arguments"),
	JSON_IGNORED_ROW("policyLine"),
};
static const struct json_table call_table = JSON_TABLE(struct said_call, call_fields);

static const struct json_field said_fields[] = {
	JSON_ENUM_ROW(struct said, verdict, "verdict", sandbox_verdict_enum,
		      .flags = JSON_REQUIRED),
	JSON_OPT_I32_ROW(struct said, exit_code, "exitCode", .min = 0, .max = 255),
	JSON_OPT_I32_ROW(struct said, sig, "signal", .min = 1, .max = 64),
	JSON_IGNORED_ROW("signalName"),
	JSON_STRING_ROW(struct said, error, "error"),
	JSON_OBJECT_ROW(struct said, call, "systemCall", call_table),
	JSON_OPT_U64_ROW(struct said, wall, "wallTimeUsec"),
	JSON_OPT_U64_ROW(struct said, cpu, "cpuTimeUsec"),
	JSON_OPT_U64_ROW(struct said, user, "userTimeUsec"),
	JSON_OPT_U64_ROW(struct said, sys, "systemTimeUsec"),
	JSON_OPT_U64_ROW(struct said, memory, "peakMemoryBytes"),
	JSON_OPT_U64_ROW(struct said, oom, "oomKills"),
	JSON_OPT_U64_ROW(struct said, pids, "pidsRefused"),
	JSON_OPT_U64_ROW(struct said, voluntary, "voluntaryContextSwitches"),
	JSON_OPT_U64_ROW(struct said, forced, "involuntaryContextSwitches"),
	JSON_OPT_U64_ROW(struct said, read, "blockReadBytes"),
	JSON_OPT_U64_ROW(struct said, written, "blockWrittenBytes"),
	JSON_OPT_U64_ROW(struct said, output, "outputBytes"),
	JSON_IGNORED_ROW("network"),
	JSON_STRINGS_ROW(struct said, weakened, "weakened"),
};
static const struct json_table said_table = JSON_TABLE(struct said, said_fields);

/* It goes to terminals, too. */
static const char *plain(char *text)
{
	for (char *c = text; c && *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return text;
}

static void take_call(const struct said_call *c, struct sandbox_report *r)
{
	if (!c->name)
		return;
	r->syscall_name = plain(c->name);
	r->syscall_arch = c->architecture ? plain(c->architecture) : "unknown";
	r->syscall_address = c->instruction ? strtoull(c->instruction, NULL, 0) : 0;
	for (size_t i = 0; i < 6 && i < c->arguments.count; i++)
		r->syscall_args[i] = strtoull(c->arguments.items[i], NULL, 0);
}

int vm_report_take(const char *text, size_t length, struct sandbox_report *r,
		   struct sandbox_weakened *weakened, struct arena *a, struct err *e)
{
	struct json_doc doc = { .name = "the guest's report", .text = text, .length = length };
	struct said s = { 0 };

	if (json_tree_parse(&doc, a, e) < 0 ||
	    json_decode(&doc, &said_table, false, &s, a, e) < 0) {
		json_clean_message(e);
		return -1;
	}
	r->verdict = s.verdict;
	r->ended = s.exit_code.set || s.sig.set;
	r->wait_status = s.sig.set ? s.sig.value : s.exit_code.value << 8;
	r->error = plain(s.error);
	take_call(&s.call, r);
	r->wall_usec = s.wall.value;
	r->cpu_usec = s.cpu.value;
	r->cpu_user_usec = s.user.value;
	r->cpu_system_usec = s.sys.value;
	r->memory_peak_bytes = s.memory.value;
	r->has_oom = s.oom.set;
	r->oom_kills = s.oom.value;
	r->pids_refused = s.pids.value;
	r->voluntary_switches = s.voluntary.value;
	r->forced_switches = s.forced.value;
	r->read_bytes = s.read.value;
	r->written_bytes = s.written.value;
	r->has_output = s.output.set;
	r->output_bytes = s.output.value;
	for (size_t i = 0; i < s.weakened.count && weakened->count < SANDBOX_WEAKENED_MAX; i++)
		weakened->items[weakened->count++] = plain(s.weakened.items[i]);
	return 0;
}
