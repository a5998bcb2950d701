/* SPDX-License-Identifier: Apache-2.0 */
/* From the command line to a created container: load, plan, run the parent's phase. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/log.h"
#include "runtime/plan/plan-make.h"
#include "runtime/plan/plan-seccomp.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

#define CONFIG_BYTES_MAX (16u << 20)

/* The configuration's text is kept: later edits of the file must not reach the container. */
struct source {
	const char *bundle; /* absolute */
	char *text;
	size_t length;
	struct spec *spec;
};

static int load_spec(struct call *call, const struct create_options *o, struct source *s,
		     struct err *e)
{
	const char *given = o->bundle ? o->bundle : ".";
	const char *name = o->config ? o->config : "config.json";
	char *bundle = realpath(given, NULL);

	if (!bundle)
		return err_sys(e, "bundle %s", given);
	s->bundle = arena_strdup(call->arena, bundle);
	free(bundle);
	CLEAN_FD int dir = open(given, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open bundle %s", given);
	CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && !o->config && errno == ENOENT)
		return err_set(e, ERR_CONFIG, errno,
			       "open config.json in bundle %s (\"husk spec\" makes one)",
			       s->bundle);
	if (fd < 0)
		return err_sys(e, "open %s", name);
	if (io_read_file(fd, name, CONFIG_BYTES_MAX, call->arena, &s->text, &s->length, e) < 0)
		return -1;
	return spec_parse(name, s->text, s->length, call->arena, &s->spec, e);
}

static int listen_fds(unsigned *count, struct err *e)
{
	const char *text = getenv("LISTEN_FDS");

	*count = 0;
	if (!text || !*text)
		return 0;
	if (text_parse_u32(text, count) < 0 || *count > 1024)
		return err_set(e, ERR_USAGE, 0, "LISTEN_FDS: \"%s\" is not a number of descriptors",
			       text);
	return 0;
}

/* sd_notify(3) itself says nothing when nobody listens: a stale variable stops no container. */
static const char *notify_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");

	if (!path || *path != '/' || access(path, F_OK) == 0)
		return path;
	log_warning_text("NOTIFY_SOCKET: names a socket that does not exist, and is ignored");
	return NULL;
}

static unsigned facts_wanted(const struct spec *s, bool cgroups_disabled)
{
	unsigned wanted = cgroups_disabled ? 0 : HOST_CGROUPS;

	if (s->linux_config->namespace_types & CLONE_NEWUSER)
		wanted |= HOST_CAPS_KNOWN;
	else if (pid_own_euid() != 0)
		wanted |= HOST_CAPS_KNOWN | HOST_SUBIDS;
	if (s->linux_config->mount_label ||
	    (s->process && (s->process->apparmor_profile || s->process->selinux_label)))
		wanted |= HOST_LSM;
	return wanted;
}

static int make_plan(struct call *call, const struct create_options *o, const char *id,
		     bool disabled, const struct source *source, struct plan *plan, struct err *e)
{
	struct host *host = arena_new(call->arena, struct host);
	struct plan_request request = {
		.spec = source->spec,
		.host = host,
		.arena = call->arena,
		.id = id,
		.bundle = source->bundle,
		.no_pivot = o->no_pivot,
		.no_new_keyring = o->no_new_keyring,
		.cgroup_disabled = disabled,
		.preserve_fds = o->preserve_fds.set ? o->preserve_fds.value : 0,
		.notify_socket = notify_socket(),
	};

	if (!host)
		return arena_check(call->arena, e);
	if (listen_fds(&request.listen_fds, e) < 0)
		return -1;
	/* What is passed on by its number is the caller's. */
	if (request.preserve_fds + request.listen_fds)
		drop_fd(&call->seal);
	if (container_check_descriptors(request.preserve_fds + request.listen_fds, e) < 0 ||
	    host_read(facts_wanted(source->spec, disabled), call->arena, host, e) < 0 ||
	    plan_seccomp_cached(source->spec, log_debug_wanted(), call->arena, &request.filter, e) <
		    0)
		return -1;
	return plan_make(&request, plan, e);
}

static int check_console(const struct create_options *o, const struct plan *plan, bool run,
			 struct err *e)
{
	bool terminal = plan->has_process && plan->process.terminal;

	if (o->console_socket && !terminal)
		return err_set(
			e, ERR_USAGE, 0,
			"--console-socket: process.terminal is false, there is no terminal to "
			"send");
	if (terminal && !o->console_socket && (!run || o->detach))
		return err_set(
			e, ERR_USAGE, 0,
			"process.terminal is true: a detached container needs --console-socket "
			"to send its terminal to");
	return 0;
}

int container_create(struct call *call, const struct create_options *o, const char *id, bool run,
		     struct parent *p, struct err *e)
{
	struct source source = { 0 };
	struct plan *plan = arena_new(call->arena, struct plan);
	struct parent_options *options = arena_new(call->arena, struct parent_options);
	const char *root;

	if (!plan || !options)
		return arena_check(call->arena, e);
	/* First what the caller can change on the command line, then what is in the file. */
	int disabled = container_cgroup_manager(call, e);
	if (disabled < 0 || state_id_check(id, e) < 0 || load_spec(call, o, &source, e) < 0 ||
	    make_plan(call, o, id, disabled > 0, &source, plan, e) < 0)
		return -1;
	if (run && !plan->has_process)
		return err_config(e, "process: is missing, there is nothing to run");
	if (check_console(o, plan, run, e) < 0 ||
	    state_root_path(call->global.root, call->arena, &root, e) < 0)
		return -1;
	for (size_t i = 0; i < plan->warnings_count; i++)
		log_warning_text(plan->warnings[i]);
	const struct plan_filter *filter = plan->process.filter;
	for (size_t i = 0; filter && i < filter->notes_count; i++)
		log_debug_text(filter->notes[i]);
	*options = (struct parent_options){
		.id = id,
		.pid_file = o->pid_file,
		.console_socket = o->console_socket,
		.pidfd_socket = o->pidfd_socket,
		.config_text = source.text,
		.config_length = source.length,
		.run = run,
		.detach = o->detach,
		.warn = log_warning,
	};
	parent_init(p, plan, options, call->arena);
	parent_hold_seal(p, take_fd(&call->seal));
	if (state_root_open(root, true, &p->root, e) < 0)
		return -1;
	return parent_create(p, e);
}
