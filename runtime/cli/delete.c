/* SPDX-License-Identifier: Apache-2.0 */
/* delete, and with --force everything that an interrupted husk may have left on the host. */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/log.h"
#include "runtime/cli/select.h"
#include "runtime/phase/finish.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

/* How long --force lets a create go on that is at work. */
#define CREATE_GRACE_MSEC 300

struct delete_options {
	bool force, regex;
};

static const struct option_row rows[] = {
	{ "force", 'f', OPTION_FLAG, offsetof(struct delete_options, force), NULL,
	  "kill what still runs; an unknown container is no error" },
	{ "regex", 'r', OPTION_FLAG, offsetof(struct delete_options, regex), NULL,
	  "CONTAINER is a regular expression" },
};

/* The mark that parent_cgroup() leaves: "ROOT:ID:CREATOR.START". */
struct mark {
	const char *root, *id;
};

static bool mark_matches(const char *mark, void *data)
{
	const struct mark *m = data;
	size_t root = strlen(m->root), id = strlen(m->id);

	return strncmp(mark, m->root, root) == 0 && mark[root] == ':' &&
	       strncmp(mark + root + 1, m->id, id) == 0 && mark[root + 1 + id] == ':';
}

/* True while the process in the mark's last part is alive: a create that is just at work. */
static bool creator_at_work(const char *mark)
{
	const char *last = strrchr(mark, ':'), *dot = last ? strchr(last, '.') : NULL;
	char pid[16];
	uint32_t creator;
	uint64_t ticks;

	if (!dot ||
	    text_cut(text_format(pid, sizeof pid, "%.*s", (int)(dot - last - 1), last + 1),
		     sizeof pid) ||
	    text_parse_u32(pid, &creator) < 0 || text_parse_u64(dot + 1, &ticks) < 0)
		return false;
	int pidfd = pid_open_exact(AT_FDCWD, (pid_t)creator, ticks);
	if (pidfd >= 0)
		close(pidfd);
	return pidfd >= 0;
}

static bool mark_is_orphan(const char *mark, void *data)
{
	return mark_matches(mark, data) && !creator_at_work(mark);
}

/* The state directory is gone, or says nothing: look for cgroups that carry the container's mark. */
static int remove_marked(struct call *call, const char *root, const char *id, struct err *e)
{
	struct cgroup_host host;
	struct mark mark = { root, id };
	int found;

	if (cgroup_host_read(call->arena, &host, e) < 0)
		return -1;
	for (int rounds = 0; rounds < 64; rounds++) {
		struct cgroup_set set;
		struct cgroup_created created;
		found = cgroup_find_marked(&host, mark_is_orphan, &mark, call->arena, &set,
					   &created, e);
		if (found <= 0)
			return found;
		if (cgroup_kill(&set, e) < 0 ||
		    cgroup_remove(&set, &created, CGROUP_REMOVE_KILL | CGROUP_REMOVE_PARENTS, e) <
			    0)
			return -1;
	}
	return 0;
}

/*
 * A directory without a recorded init: either "create" is at work (then it holds the lock and this
 * one waited for it), or it was killed. Its init is tied to it and dead by now.
 */
int container_remove_interrupted(struct call *call, const struct container *c, const char *id,
				 struct err *e)
{
	const struct cgroup_created all = { .made = (1u << c->state.cgroup.count) - 1 };

	if (remove_marked(call, c->root.path, id, e) < 0)
		return -1;
	/* Killed between making the first directory and marking it: the intent names it. What is not
	 * empty belongs to somebody else, so nothing is killed for it and a refusal is right. */
	if (c->state.cgroup_enabled)
		(void)cgroup_remove(&c->state.cgroup, &all, 0, NULL);
	return state_dir_remove(&c->root, id, e);
}

static int remove_forced_unknown(struct call *call, const char *id, struct err *e)
{
	const char *root;

	if (state_root_path(call->global.root, call->arena, &root, e) < 0)
		return -1;
	return remove_marked(call, root, id, e);
}

static int finish(struct call *call, struct container *c, bool force, struct err *e)
{
	struct plan_hooks hooks;
	struct err why;
	struct finisher f = {
		.arena = call->arena,
		.root = &c->root,
		.state = &c->state,
		.hooks = &hooks,
		.force = force,
		.pidfd = c->pidfd,
		.warn = log_warning,
	};

	/* A configuration that can no longer be read must not keep the container here for ever. */
	if (container_hooks(call, c, &hooks, &why) < 0) {
		log_warning(&why);
		f.hooks = NULL;
	}
	return finish_run(&f, e);
}

/*
 * A create that hangs (in a hook, on a socket) holds the lock for as long as it likes. By force it is
 * ended: its init and its hook are tied to it and go with it.
 */
static void end_creator(struct call *call, const char *id)
{
	struct container c;
	struct err ignored;

	for (int waited = 0; waited < CREATE_GRACE_MSEC; waited += 20) {
		bool waits = container_open(call, id, false, &c, &ignored) == 0 &&
			     c.status == STATE_CREATING;
		container_close(&c);
		if (!waits)
			return;
		poll(NULL, 0, 20);
	}
	int pidfd = pid_open_exact(AT_FDCWD, (pid_t)c.state.creator, c.state.creator_start_ticks);
	if (pidfd < 0)
		return;
	(void)kernel_pidfd_send_signal(pidfd, SIGKILL);
	(void)pid_wait_end(pidfd, -1);
	close(pidfd);
}

static int delete_one(struct call *call, const char *id, const void *data, struct err *e)
{
	const struct delete_options *o = data;
	struct container c;

	if (o->force)
		end_creator(call, id);
	if (container_open(call, id, true, &c, e) < 0) {
		if (o->force && e->kind == ERR_NOT_FOUND)
			return remove_forced_unknown(call, id, e);
		/* The directory is there and locked, but says nothing that could be read. */
		if (o->force && c.locked)
			return container_remove_interrupted(call, &c, id, e);
		return -1;
	}
	if (c.status == STATE_CREATING) {
		if (!o->force)
			return err_set(
				e, ERR_STATE, 0,
				"delete \"%s\": its create was interrupted (--force removes what "
				"is left)",
				id);
		return container_remove_interrupted(call, &c, id, e);
	}
	if (!o->force && container_expect(&c, 1u << STATE_STOPPED, "delete", e) < 0)
		return err_append(e, " (kill it first, or delete --force)");
	/* Processes that init left behind in a shared pid namespace go with the container. */
	bool force = o->force || !(c.state.namespaces & CLONE_NEWPID);
	return finish(call, &c, force, e);
}

static int delete_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct delete_options *o = options;

	(void)argc;
	if (!o->regex && state_id_check(argv[0], e) < 0)
		return -1;
	return select_containers(call, argv[0], o->regex, delete_one, o, e);
}

const struct verb verb_delete = {
	.name = "delete",
	.arguments = "CONTAINER",
	.about = "Remove a stopped container and all that was made for it",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct delete_options),
	.arguments_min = 1,
	.arguments_max = 1,
	.run = delete_verb,
};
