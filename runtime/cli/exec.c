/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/exec-process.h"
#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/phase/exec-join.h"
#include "runtime/plan/plan-make.h"
#include "runtime/plan/plan-seccomp.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define AT(member) offsetof(struct exec_call, member)

static const struct option_row rows[] = {
	{ "process", 'p', OPTION_STRING, AT(process), "FILE", "process object (JSON) to run" },
	{ "detach", 'd', OPTION_FLAG, AT(detach), NULL, "return as soon as the program runs" },
	{ "pid-file", 0, OPTION_STRING, AT(pid_file), "FILE", "write the process's pid there" },
	{ "console-socket", 0, OPTION_STRING, AT(console_socket), "SOCKET",
	  "unix socket that receives the terminal" },
	{ "pidfd-socket", 0, OPTION_STRING, AT(pidfd_socket), "SOCKET",
	  "unix socket that receives a pidfd of the process" },
	{ "tty", 't', OPTION_FLAG, AT(tty), NULL, "with a terminal" },
	{ "cwd", 0, OPTION_STRING, AT(cwd), "DIR", "working directory in the container" },
	{ "env", 'e', OPTION_STRINGS, AT(env), "NAME=VALUE", "set an environment variable" },
	{ "user", 'u', OPTION_STRING, AT(user), "USER[:GROUP]",
	  "numbers, or names from the container's passwd and group files" },
	{ "additional-gids", 'g', OPTION_STRINGS, AT(gids), "GID", "a further group" },
	{ "cap", 'c', OPTION_STRINGS, AT(caps), "CAP", "a further capability" },
	{ "no-new-privs", 0, OPTION_FLAG, AT(no_new_privs), NULL, "set no_new_privs" },
	{ "apparmor", 0, OPTION_STRING, AT(apparmor), "PROFILE", "AppArmor profile" },
	{ "process-label", 0, OPTION_STRING, AT(label), "LABEL", "SELinux label" },
	{ "preserve-fds", 0, OPTION_U32, AT(preserve_fds), "N", "pass descriptors 3 to 3+N-1 on" },
	{ "cgroup", 0, OPTION_STRING, AT(cgroup), "[CONTROLLER:]PATH",
	  "join this cgroup below the container's" },
	{ "ignore-paused", 0, OPTION_FLAG, AT(ignore_paused), NULL,
	  "enter a paused container, too (it runs when resumed)" },
	{ "no-new-keyring", 0, OPTION_FLAG, AT(no_new_keyring), NULL,
	  "keep the caller's session keyring" },
};

/* "cpu,memory:a/b" or "/a/b"; without: what run.oci.delegate-cgroup said at create. */
static int choose_cgroup(struct call *call, const struct exec_call *o, const struct container *c,
			 struct cgroup_set *set, struct err *e)
{
	const char *path = o->cgroup ? o->cgroup : c->state.exec_below;
	uint32_t controllers = 0;

	if (!path) {
		*set = c->state.cgroup;
		return 0;
	}
	const char *colon = strchr(path, ':');
	if (colon) {
		const char *names = arena_memdup(call->arena, path, (size_t)(colon - path));
		if (!names)
			return arena_check(call->arena, e);
		controllers = cgroup_controllers_parse(names, ",");
		path = colon + 1;
	}
	while (*path == '/')
		path++;
	if (!*path) {
		*set = c->state.cgroup;
		return 0;
	}
	return cgroup_set_below(&c->state.cgroup, controllers, path, call->arena, set, e);
}

/* What counts for groups is the container's user namespace, not ours. */
static void read_setgroups(const struct container *c, struct host *host)
{
	char path[64], text[16];

	text_format(path, sizeof path, "/proc/%u/setgroups", c->state.pid);
	if (c->state.namespaces & CLONE_NEWUSER &&
	    io_read_at(AT_FDCWD, path, text, sizeof text) >= 0)
		host->setgroups_denied = text_equal(text, "deny");
}

static int make_plan(struct call *call, const struct exec_call *o, const struct container *c,
		     struct host *host, struct plan *plan, struct err *e)
{
	struct spec *spec = NULL;
	struct spec_process *process;
	struct plan_request request = {
		.host = host,
		.arena = call->arena,
		.id = c->state.id,
		.no_new_keyring = true, /* joined by name below, where init made one */
		.preserve_fds = o->preserve_fds.set ? o->preserve_fds.value : 0,
	};

	if ((c->state.exec_config || !o->process) && container_spec(call, c, &spec, e) < 0)
		return -1;
	if (exec_process_make(call, o, c, spec, &process, e) < 0)
		return -1;
	request.spec = spec;
	read_setgroups(c, host);
	if (spec && plan_seccomp_cached(spec, false, call->arena, &request.filter, e) < 0)
		return -1;
	request.no_new_keyring = o->no_new_keyring;
	*plan = (struct plan){ .arena = call->arena, .id = c->state.id };
	plan->namespaces.types = c->state.namespaces;
	if (plan_process_make(&request, process, c->state.namespaces & CLONE_NEWUSER, plan, e) < 0)
		return -1;
	plan->process.affinity_reset = c->state.cgroup_enabled && !plan->process.affinity_initial;
	return 0;
}

static int check_status(const struct exec_call *o, const struct container *c, struct err *e)
{
	unsigned wanted = 1u << STATE_RUNNING | 1u << STATE_CREATED;

	/* Its limits, policy and walls are its supervisor's to give. */
	if (named_is(&c->state))
		return err_set(e, ERR_STATE, 0,
			       "exec \"%s\": is a sandbox (husk sandbox exec %s ...)", c->state.id,
			       c->state.id);
	if (o->ignore_paused)
		wanted |= 1u << STATE_PAUSED;
	if (c->status == STATE_PAUSED && !o->ignore_paused)
		return err_set(
			e, ERR_STATE, 0,
			"exec \"%s\": the container is paused (resume it, or --ignore-paused)",
			c->state.id);
	return container_expect(c, wanted, "exec", e);
}

/* Without a mount namespace of its own, the root is init's root directory. */
static int open_root(const struct container *c, int *root, struct err *e)
{
	char path[64];

	*root = -1;
	if (c->state.namespaces & CLONE_NEWNS)
		return 0;
	text_format(path, sizeof path, "/proc/%u/root", c->state.pid);
	*root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *root < 0 ? err_sys(e, "open %s", path) : 0;
}

static int exec_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	struct exec_call o = *(const struct exec_call *)options;
	struct container c;
	struct host host;
	struct plan *plan = arena_new(call->arena, struct plan);
	struct cgroup_set set;
	struct exec_join x;

	o.id = argv[0];
	int skipped = argc > 1 && text_equal(argv[1], "--") ? 2 : 1;
	o.args = argv + skipped;
	o.args_count = (size_t)(argc - skipped);
	if (!plan)
		return arena_check(call->arena, e);
	if (container_check_descriptors(o.preserve_fds.set ? o.preserve_fds.value : 0, e) < 0 ||
	    container_open(call, o.id, false, &c, e) < 0 || check_status(&o, &c, e) < 0 ||
	    host_read(HOST_LSM | HOST_CAPS_KNOWN, call->arena, &host, e) < 0 ||
	    make_plan(call, &o, &c, &host, plan, e) < 0)
		return -1;
	if (plan->process.terminal && o.detach && !o.console_socket)
		return err_set(e, ERR_USAGE, 0,
			       "exec: a detached process with a terminal needs --console-socket");
	for (size_t i = 0; i < plan->warnings_count; i++)
		log_warning_text(plan->warnings[i]);
	const struct exec_options join_options = {
		.pid_file = o.pid_file,
		.console_socket = o.console_socket,
		.pidfd_socket = o.pidfd_socket,
		.detach = o.detach,
		.middle = c.state.namespaces & CLONE_NEWUSER && !host_has_cap(&host, CAP_SYS_ADMIN),
	};
	exec_join_init(&x);
	if (open_root(&c, &x.root, e) < 0 || choose_cgroup(call, &o, &c, &set, e) < 0)
		return -1;
	x.plan = plan;
	x.options = &join_options;
	x.state = &c.state;
	x.arena = call->arena;
	x.cgroup = c.state.cgroup_enabled ? &set : NULL;
	x.keyring_name = state_keyring_name(&c.state, call->arena);
	x.target = c.pidfd;
	x.procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!o.detach)
		foreground_prepare();
	if (exec_join_run(&x, e) < 0)
		return -1;
	return o.detach ? 0 : foreground_wait(x.pid, x.pidfd, x.console_master, e);
}

const struct verb verb_exec = {
	.name = "exec",
	.arguments = "CONTAINER [COMMAND [ARG...]]",
	.about = "Run a further program in a running container",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct exec_call),
	.arguments_min = 1,
	.arguments_max = 65535,
	.stop_at_argument = true,
	.run = exec_verb,
};
