/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/sandbox/sandbox-report.h"

#include <string.h>
#include <sys/wait.h>

#include "src/base/text.h"
#include "src/json/json-decode.h"
#include "src/json/json-write.h"

static const struct json_name verdict_names[] = {
	{ "exited", SANDBOX_EXITED },
	{ "signalled", SANDBOX_SIGNALLED },
	{ "wall-time", SANDBOX_WALL_TIME },
	{ "cpu-time", SANDBOX_CPU_TIME },
	{ "memory", SANDBOX_MEMORY },
	{ "output", SANDBOX_OUTPUT },
	{ "pids", SANDBOX_PIDS },
	{ "policy", SANDBOX_POLICY },
	{ "setup-failed", SANDBOX_SETUP_FAILED },
	{ "machine-lost", SANDBOX_MACHINE_LOST },
	{ NULL, 0 },
};
const struct json_enum sandbox_verdict_enum = { "verdict", verdict_names };

const char *sandbox_verdict_name(enum sandbox_verdict verdict)
{
	return json_enum_name(&sandbox_verdict_enum, verdict);
}

/* "SIGSEGV", also for the real-time ones. */
static const char *signal_name(int sig, char *out, size_t size)
{
	const char *name = sigabbrev_np(sig);

	if (name)
		text_format(out, size, "SIG%s", name);
	else
		text_format(out, size, "SIG%d", sig);
	return out;
}

static void print_end(struct json_writer *w, const struct sandbox_report *r)
{
	char name[32];

	if (r->ended && WIFEXITED(r->wait_status))
		json_write_i64(w, "exitCode", WEXITSTATUS(r->wait_status));
	if (r->ended && WIFSIGNALED(r->wait_status)) {
		json_write_i64(w, "signal", WTERMSIG(r->wait_status));
		json_write_string(w, "signalName",
				  signal_name(WTERMSIG(r->wait_status), name, sizeof name));
	}
	if (r->error)
		json_write_string(w, "error", r->error);
}

static void print_call(struct json_writer *w, const struct sandbox_report *r)
{
	char number[96];

	if (!r->syscall_name)
		return;
	json_write_object_begin(w, "systemCall");
	json_write_string(w, "name", r->syscall_name);
	json_write_string(w, "architecture", r->syscall_arch);
	json_write_array_begin(w, "arguments");
	for (size_t i = 0; i < 6; i++) {
		text_format(number, sizeof number, "0x%llx",
			    (unsigned long long)r->syscall_args[i]);
		json_write_string(w, NULL, number);
	}
	json_write_array_end(w);
	text_format(number, sizeof number, "0x%llx", (unsigned long long)r->syscall_address);
	json_write_string(w, "instruction", number);
	text_format(number, sizeof number, "%s: allow", r->syscall_name);
	json_write_string(w, "policyLine", number);
	json_write_object_end(w);
}

static void print_network(struct json_writer *w, const struct sandbox_report *r)
{
	const struct sandbox *s = r->sandbox;

	if (!s || r->verdict == SANDBOX_SETUP_FAILED)
		return;
	json_write_object_begin(w, "network");
	json_write_string(w, "mode", sandbox_network_name(r->network));
	if (s->network_path)
		json_write_string(w, "path", s->network_path);
	if (s->bridge)
		json_write_string(w, "bridge", s->bridge);
	if (s->addresses.count)
		json_write_strings(w, "addresses", &s->addresses);
	if (s->publish.count)
		json_write_strings(w, "publish", &s->publish);
	if (s->allow.count)
		json_write_strings(w, "allow", &s->allow);
	json_write_object_end(w);
}

static void print_vm(struct json_writer *w, const struct sandbox_report_vm *vm)
{
	if (!vm)
		return;
	json_write_object_begin(w, "vm");
	json_write_string(w, "backend", vm->backend);
	json_write_string(w, "kernel", vm->kernel);
	json_write_string(w, "isolation", vm->reduced ? "reduced" : "full");
	json_write_u64(w, "memoryBytes", vm->memory_bytes);
	json_write_u64(w, "bootTimeUsec", vm->boot_usec);
	if (vm->end)
		json_write_string(w, "end", vm->end);
	json_write_object_end(w);
}

static void print_json(struct json_writer *w, const struct sandbox_report *r)
{
	json_write_object_begin(w, NULL);
	json_write_string(w, "verdict", sandbox_verdict_name(r->verdict));
	print_end(w, r);
	print_call(w, r);
	json_write_u64(w, "wallTimeUsec", r->wall_usec);
	json_write_u64(w, "cpuTimeUsec", r->cpu_usec);
	json_write_u64(w, "userTimeUsec", r->cpu_user_usec);
	json_write_u64(w, "systemTimeUsec", r->cpu_system_usec);
	json_write_u64(w, "peakMemoryBytes", r->memory_peak_bytes);
	if (r->has_oom)
		json_write_u64(w, "oomKills", r->oom_kills);
	json_write_u64(w, "pidsRefused", r->pids_refused);
	json_write_u64(w, "voluntaryContextSwitches", r->voluntary_switches);
	json_write_u64(w, "involuntaryContextSwitches", r->forced_switches);
	json_write_u64(w, "blockReadBytes", r->read_bytes);
	json_write_u64(w, "blockWrittenBytes", r->written_bytes);
	if (r->has_output)
		json_write_u64(w, "outputBytes", r->output_bytes);
	print_network(w, r);
	print_vm(w, r->vm);
	if (r->weakened && r->weakened->count) {
		json_write_array_begin(w, "weakened");
		for (size_t i = 0; i < r->weakened->count; i++)
			json_write_string(w, NULL, r->weakened->items[i]);
		json_write_array_end(w);
	}
	json_write_object_end(w);
}

/* ---- for people ---- */

struct lines {
	struct arena *a;
	char *text;
};

__attribute__((format(printf, 2, 3))) static void add(struct lines *l, const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	text_vformat(line, sizeof line, format, args);
	va_end(args);
	l->text = arena_format(l->a, "%s%s\n", l->text ? l->text : "", line);
}

static void say_end(struct lines *l, const struct sandbox_report *r)
{
	static const char *const why[] = {
		[SANDBOX_EXITED] = "ended by itself",
		[SANDBOX_SIGNALLED] = "was ended by a signal",
		[SANDBOX_WALL_TIME] = "took longer than allowed",
		[SANDBOX_CPU_TIME] = "used more processor time than allowed",
		[SANDBOX_MEMORY] = "wanted more memory than allowed",
		[SANDBOX_OUTPUT] = "wrote more output than allowed",
		[SANDBOX_PIDS] = "wanted more processes than allowed",
		[SANDBOX_POLICY] = "made a system call that its policy forbids",
		[SANDBOX_SETUP_FAILED] = "was not started",
		[SANDBOX_MACHINE_LOST] = "lost its virtual machine",
	};
	char name[32];

	add(l, "verdict       %s: the program %s", sandbox_verdict_name(r->verdict),
	    why[r->verdict]);
	if (r->error)
		add(l, "error         %s", r->error);
	if (r->ended && WIFEXITED(r->wait_status))
		add(l, "exit code     %d", WEXITSTATUS(r->wait_status));
	if (r->ended && WIFSIGNALED(r->wait_status))
		add(l, "signal        %s",
		    signal_name(WTERMSIG(r->wait_status), name, sizeof name));
	if (r->syscall_name)
		add(l, "system call   %s (%s)", r->syscall_name, r->syscall_arch);
}

static void say(struct lines *l, const struct sandbox_report *r)
{
	const unsigned long long ms = 1000, kib = 1024;

	say_end(l, r);
	add(l, "wall time     %llu ms", r->wall_usec / ms);
	add(l, "cpu time      %llu ms (%llu user, %llu system)", r->cpu_usec / ms,
	    r->cpu_user_usec / ms, r->cpu_system_usec / ms);
	add(l, "peak memory   %llu KiB", r->memory_peak_bytes / kib);
	if (r->oom_kills)
		add(l, "OOM kills     %llu", (unsigned long long)r->oom_kills);
	if (r->pids_refused)
		add(l, "forks refused %llu", (unsigned long long)r->pids_refused);
	add(l, "switches      %llu voluntary, %llu not", (unsigned long long)r->voluntary_switches,
	    (unsigned long long)r->forced_switches);
	add(l, "block I/O     %llu KiB read, %llu KiB written", r->read_bytes / kib,
	    r->written_bytes / kib);
	if (r->has_output)
		add(l, "output        %llu bytes", (unsigned long long)r->output_bytes);
	if (r->sandbox && r->verdict != SANDBOX_SETUP_FAILED)
		add(l, "network       %s%s", sandbox_network_name(r->network),
		    r->sandbox->allow.count ? ", to a list of addresses" : "");
	if (r->vm)
		add(l, "machine       %s, isolation %s, kernel %s, started in %llu ms",
		    r->vm->backend, r->vm->reduced ? "reduced" : "full", r->vm->kernel,
		    r->vm->boot_usec / ms);
	for (size_t i = 0; r->weakened && i < r->weakened->count; i++)
		add(l, "weakened      %s", r->weakened->items[i]);
}

int sandbox_report_print(const struct sandbox_report *r, enum sandbox_format format,
			 struct arena *a, const char **text, size_t *length, struct err *e)
{
	struct lines l = { .a = a };
	struct json_writer w;

	if (format == SANDBOX_FORMAT_TEXT) {
		say(&l, r);
		*text = l.text;
		*length = l.text ? strlen(l.text) : 0;
		return arena_check(a, e);
	}
	json_write_init(&w, false);
	print_json(&w, r);
	const char *made = json_write_finish(&w, length, e);
	*text = made ? arena_format(a, "%s\n", made) : NULL;
	*length += 1;
	json_write_free(&w);
	return made ? arena_check(a, e) : -1;
}
