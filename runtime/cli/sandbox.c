/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox: options to a spec, and from there as every container goes, watched until its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/cli/sandbox-bundle.h"
#include "runtime/cli/sandbox-filter.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-options.h"
#include "runtime/cli/sandbox-run.h"
#include "runtime/cli/sandbox-scope.h"
#include "runtime/cli/sandbox-stale.h"
#include "runtime/cli/sandbox-supervise.h"
#include "runtime/cli/sandbox-vm.h"
#include "runtime/cli/verbs.h"
#include "runtime/plan/plan-make.h"
#include "runtime/plan/plan-print.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/json/json-write.h"
#include "src/tty/tty-console.h"

static int print_text(const char *text, size_t length, struct err *e)
{
	return fwrite(text, 1, length, stdout) == length ? 0
							 : err_sys(e, "write to standard output");
}

static int print_config(struct run *r, struct err *e)
{
	const char *text;
	size_t length;

	if (sandbox_print(&r->sandbox, r->call->arena, &text, &length, e) < 0)
		return -1;
	if (print_text(text, length, e) < 0)
		return -1;
	return print_text("\n", length && text[length - 1] == '\n' ? 0 : 1, e);
}

/* ---- what there is ---- */

/* Where the directory of a sandbox would be made. */
static bool can_make_groups(const struct host *h, const char *parent)
{
	const struct cgroup_host *c = &h->cgroup;
	char path[4096];

	for (unsigned i = 0; i < c->count; i++) {
		const struct cgroup_hierarchy *own = &c->hierarchies[i];
		if (own->v2 != (c->mode == CGROUP_MODE_V2) ||
		    (!own->v2 && !(own->controllers & CGROUP_MEMORY)))
			continue;
		bool top = h->euid == 0 && h->initial_userns;
		const char *slash = strrchr(own->own, '/');
		int n = top                ? 0
			: own->v2 && slash ? (int)(slash - own->own)
					   : (int)strlen(own->own);
		if (parent)
			text_format(path, sizeof path, "%s%s", own->mount, parent);
		else
			text_format(path, sizeof path, "%s%.*s", own->mount, n, own->own);
		return access(path, W_OK) == 0;
	}
	return false;
}

int run_read_host(struct run *r, bool groups, struct err *e)
{
	unsigned wanted = HOST_CAPS_KNOWN | HOST_LANDLOCK;

	groups = groups && container_cgroup_manager(r->call, NULL) == 0;
	if (groups)
		wanted |= HOST_CGROUPS;
	if (host_read(wanted, r->call->arena, &r->facts, e) < 0)
		return -1;
	int settled = groups ? sandbox_scope_settle(&r->facts, e) : 0;
	if (settled < 0 || (settled && host_read(wanted, r->call->arena, &r->facts, e) < 0))
		return -1;
	const char *parent = r->sandbox.limits.cgroup_parent;
	if (groups && r->facts.euid != 0 && !parent && !can_make_groups(&r->facts, NULL) &&
	    sandbox_scope_execute(r->call, e) < 0)
		return -1;
	if (sandbox_host_read(r->sandbox.best_effort, r->call->arena, &r->host, e) < 0 ||
	    sandbox_network_host(&r->sandbox, r->call->arena, &r->host, e) < 0)
		return -1;
	if (sandbox_ids_reserve(&r->sandbox, r->call->arena, &r->host, e) < 0)
		return -1;
	r->host.landlock = r->facts.landlock;
	r->host.privileged = r->facts.euid == 0 && r->facts.initial_userns;
	r->host.cgroup_v2 = r->facts.cgroup.mode == CGROUP_MODE_V2;
	r->host.cgroup = groups && can_make_groups(&r->facts, parent);
	return 0;
}

int run_make_plan(struct run *r, struct err *e)
{
	struct arena *a = r->call->arena;
	struct plan_request request = { .host = &r->facts, .arena = a, .bundle = "/" };

	if (sandbox_bundle_resolve(&r->sandbox, a, e) < 0 ||
	    run_read_host(r, sandbox_wants_group(&r->sandbox), e) < 0 ||
	    run_claim_descriptors(r, e) < 0 ||
	    sandbox_spec_make(&r->sandbox, &r->host, a, &r->made, e) < 0)
		return -1;
	request.id = r->name ? r->name : container_make_id("sandbox", a);
	request.spec = r->made.spec;
	request.cgroup_disabled = !r->made.cgroup;
	/* No keys but what it makes itself; the policy keeps it from making any. */
	r->plan = arena_new(a, struct plan);
	if (!r->plan)
		return arena_check(a, e);
	if (sandbox_filter_make(&r->sandbox, a, &request.filter, e) < 0 ||
	    plan_make(&request, r->plan, e) < 0)
		return -1;
	for (size_t i = 0; i < r->plan->warnings_count; i++)
		log_warning_text(r->plan->warnings[i]);
	for (size_t i = 0; r->sandbox.best_effort && i < r->made.weakened.count; i++)
		log_warning_text(r->made.weakened.items[i]);
	return 0;
}

/* ---- reports ---- */

/* "fd:N", or a file. Opened before anything else happens: a report that cannot be written is no
 * report. */
int run_open_report(struct run *r, struct err *e)
{
	const char *where = r->sandbox.report;
	uint32_t fd;

	r->report_fd = r->status_fd = -1;
	if (r->sandbox.status_fd.set) {
		r->status_fd = fcntl((int)r->sandbox.status_fd.value, F_DUPFD_CLOEXEC, 3);
		if (r->status_fd < 0)
			return err_sys(e, "--status-fd: descriptor %u", r->sandbox.status_fd.value);
	}
	if (!where || r->sandbox.no_report)
		return 0;
	if (text_starts(where, "fd:")) {
		if (text_parse_u32(where + 3, &fd) < 0)
			return err_config(e, "report: \"%s\" is not fd:N", where);
		r->report_fd = fcntl((int)fd, F_DUPFD_CLOEXEC, 3);
		return r->report_fd < 0 ? err_sys(e, "report: descriptor %u", fd) : 0;
	}
	r->report_fd = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	return r->report_fd < 0 ? err_sys(e, "open report %s", where) : 0;
}

/* In a directory that the program may write to it could have put a report of its own in the place of
 * this one, or text behind it. */
static int check_report(const struct run *r, struct err *e)
{
	struct stat own, there;

	if (text_starts(r->sandbox.report, "fd:"))
		return 0;
	if (fstat(r->report_fd, &own) < 0)
		return err_sys(e, "write report %s", r->sandbox.report);
	if (!S_ISREG(own.st_mode))
		return 0;
	if (stat(r->sandbox.report, &there) < 0 || there.st_dev != own.st_dev ||
	    there.st_ino != own.st_ino)
		return err_set(e, ERR_SYSTEM, 0,
			       "write report %s: it was replaced while the program ran",
			       r->sandbox.report);
	return ftruncate(r->report_fd, 0) < 0 ? err_sys(e, "empty report %s", r->sandbox.report)
					      : 0;
}

int run_write_report(struct run *r, struct err *e)
{
	const char *text;
	size_t length;

	if (r->report_fd < 0)
		return 0;
	r->report.weakened = &r->made.weakened;
	r->report.network = r->made.network;
	r->report.sandbox = &r->sandbox;
	if (sandbox_report_print(&r->report,
				 r->sandbox.report_format ? r->sandbox.report_format
							  : SANDBOX_FORMAT_JSON,
				 r->call->arena, &text, &length, e) < 0)
		return -1;
	if (check_report(r, e) < 0)
		return -1;
	return io_write_full(r->report_fd, text, length) < 0
		       ? err_sys(e, "write report %s", r->sandbox.report)
		       : 0;
}

/* A reader that is gone is not worth a program's end. */
static void write_event(struct run *r, struct json_writer *w)
{
	struct err ignored;
	size_t length;
	const char *text = json_write_finish(w, &length, &ignored);

	if (text && io_write_full(r->status_fd, text, length) == 0)
		(void)io_write_full(r->status_fd, "\n", 1);
	json_write_free(w);
}

static void tell_event(struct run *r, const char *event)
{
	static const char *const names[] = { "mnt", "pid", "net", "ipc", "uts", "user", "cgroup" };
	struct json_writer w;
	struct stat st;
	char path[64];

	if (r->status_fd < 0)
		return;
	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "event", event);
	json_write_i64(&w, "pid", r->parent.pid);
	json_write_object_begin(&w, "namespaces");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		text_format(path, sizeof path, "/proc/%d/ns/%s", r->parent.pid, names[i]);
		if (stat(path, &st) == 0)
			json_write_u64(&w, names[i], st.st_ino);
	}
	json_write_object_end(&w);
	json_write_object_end(&w);
	write_event(r, &w);
}

void run_tell_started(struct run *r)
{
	tell_event(r, "started");
}

void run_tell_created(struct run *r)
{
	tell_event(r, "created");
}

static void tell_exited(struct run *r, int status)
{
	struct json_writer w;

	if (r->status_fd < 0)
		return;
	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "event", "exited");
	json_write_string(&w, "verdict", sandbox_verdict_name(r->report.verdict));
	json_write_i64(&w, "exitStatus", status);
	json_write_object_end(&w);
	write_event(r, &w);
}

/* ---- doing it ---- */

static int create(struct run *r, struct err *e)
{
	struct err ignored;

	r->options = (struct parent_options){
		.id = r->plan->id,
		.run = true,
		/* Everything ends with this process, except for control groups, and the next
		 * sandbox or "delete --force" find those by their marks. */
		.no_state = !r->named,
		.keep_namespaces = r->named,
		.hold = r->sandbox.block_fd.set,
		.config_text = r->config,
		.config_length = r->config_length,
		.warn = log_warning,
	};
	parent_init(&r->parent, r->plan, &r->options, r->call->arena);
	parent_hold_seal(&r->parent, take_fd(&r->call->seal));
	if (state_root_path(r->call->global.root, r->call->arena, &r->parent.root.path, &ignored) <
	    0)
		r->parent.root.path = "";
	if (r->named &&
	    (state_root_path(r->call->global.root, r->call->arena, &r->parent.root.path, e) < 0 ||
	     state_root_open(r->parent.root.path, true, &r->parent.root, e) < 0))
		return -1;
	return parent_create(&r->parent, e);
}

static int take_away(struct run *r, bool force, struct err *e)
{
	net_pasta_end(&r->parent.pasta);
	return parent_remove(&r->parent, force, e);
}

/* From nothing to a running program; nothing is left when it fails. */
int run_begin(struct run *r, struct err *e)
{
	const struct opt_u64 *limit = &r->sandbox.limits.output_bytes;
	struct err ignored;
	int result = 0;

	foreground_prepare();
	supervise_init(&r->supervisor, &r->parent, &r->sandbox, &r->output, &r->report);
	if (r->named) {
		r->supervisor.agents = &r->agents;
		r->agents.output = &r->output;
	}
	if (limit->set)
		result = sandbox_output_begin(&r->output, limit->value, e);
	if (result == 0)
		result = create(r, e);
	sandbox_output_restore(&r->output);
	if (result < 0)
		return -1;
	if (r->parent.console_master >= 0)
		tty_copy_size(STDIN_FILENO, r->parent.console_master);
	if (run_await_descriptor(r, e) == 0 && parent_start(&r->parent, e) == 0 &&
	    (!r->named || named_listen(&r->agents, &r->parent, e) == 0)) {
		/* Whoever called "start" leaves now. */
		if (r->named)
			drop_fd(&r->supervisor.caller);
		/* Until now it was husk that took the time. */
		r->supervisor.start_usec = clock_now_usec();
		return 0;
	}
	take_away(r, true, &ignored);
	return -1;
}

/* Until its end, and its removal. The program's status, or -1. */
int run_watch(struct run *r, struct err *e)
{
	struct err ignored;
	int status = supervise_run(&r->supervisor, e);
	if (status < 0) {
		take_away(r, true, &ignored);
		return -1;
	}
	tell_exited(r, status);
	if (take_away(r, false, e) < 0)
		return -1;
	if (r->parent.state.cgroup_enabled)
		sandbox_stale_remove(r->call, &r->parent.state.cgroup);
	return status;
}

static int run_plan(struct run *r, struct err *e)
{
	if (run_begin(r, e) < 0)
		return -1;
	run_tell_started(r);
	return run_watch(r, e);
}

static int dry_run(struct run *r, struct err *e)
{
	char *text;
	size_t length;

	if (run_make_plan(r, e) < 0 || plan_print(r->plan, r->call->arena, &text, &length, e) < 0)
		return -1;
	return print_text(text, length, e);
}

struct run *run_new(struct call *call, struct err *e)
{
	struct run *r = arena_new(call->arena, struct run);

	if (!r) {
		arena_check(call->arena, e);
		return NULL;
	}
	r->call = call;
	r->report_fd = r->status_fd = r->agents.listener = -1;
	sandbox_output_init(&r->output);
	return r;
}

/* What was said, as far as it can be known without the host. The one who runs it, or NULL. */
struct run *run_prepare(struct call *call, const void *options, int argc, char **argv,
			struct err *e)
{
	struct run *r = run_new(call, e);
	struct sandbox_options *o;

	/* What the table filled in points into itself, so it is used where it is. */
	memcpy(&o, &options, sizeof o);
	if (!r)
		return NULL;
	r->name = o->name;
	if (r->name && state_id_check(r->name, e) < 0)
		return NULL;
	return sandbox_options_finish(o, argc, argv, call->arena, &r->sandbox, e) < 0 ? NULL : r;
}

int run_end(struct run *r, int status, struct err *e)
{
	struct err ignored;

	if (status < 0) {
		r->report.verdict = SANDBOX_SETUP_FAILED;
		r->report.error = e->msg;
		(void)run_write_report(r, &ignored);
		return -1;
	}
	return run_write_report(r, e) < 0 ? -1 : status;
}

int sandbox_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct sandbox_options *o = options;
	struct run *r = run_prepare(call, options, argc, argv, e);

	if (!r)
		return -1;
	if (o->print_config)
		return print_config(r, e);
	if (r->sandbox.vm.backend)
		return sandbox_vm_run(r, o->dry_run, e);
	if (o->dry_run)
		return dry_run(r, e);
	if (run_open_report(r, e) < 0)
		return -1;
	return run_end(r, run_make_plan(r, e) < 0 ? -1 : run_plan(r, e), e);
}
