/* SPDX-License-Identifier: Apache-2.0 */
/* What the parent writes down: the intent before the first side effect, the state at the end. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "runtime/phase/hook.h"
#include "runtime/phase/parent.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/tty/tty-console.h"

static int make_token(struct parent *p, struct err *e)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char random[(STATE_TOKEN_MAX - 1) / 2];

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_sys(e, "draw a token");
	p->state.token = arena_alloc(p->arena, STATE_TOKEN_MAX);
	if (!p->state.token)
		return arena_check(p->arena, e);
	for (size_t i = 0; i < sizeof random; i++) {
		p->state.token[2 * i] = digits[random[i] >> 4];
		p->state.token[2 * i + 1] = digits[random[i] & 15];
	}
	return 0;
}

static char *time_text(struct arena *a)
{
	struct timespec now;
	char seconds[TEXT_TIME_MAX];

	clock_gettime(CLOCK_REALTIME, &now);
	return arena_format(a, "%s.%09ldZ", text_time(now.tv_sec, seconds), now.tv_nsec);
}

static bool has_late_hooks(const struct plan_hooks *h)
{
	return h->poststart.count || h->poststop.count;
}

static int fill_state(struct parent *p, struct err *e)
{
	const struct plan *plan = p->plan;
	struct state *s = &p->state;
	struct pid_stat self;

	if (make_token(p, e) < 0)
		return -1;
	pid_t self_pid = getpid();
	if (pid_stat_read(AT_FDCWD, self_pid, &self) < 0)
		return err_sys(e, "read /proc/self/stat");
	s->id = arena_strdup(p->arena, plan->id);
	s->oci_version = arena_strdup(p->arena, plan->oci_version);
	s->bundle = arena_strdup(p->arena, plan->bundle);
	s->rootfs = arena_strdup(p->arena, plan->rootfs.path);
	s->created = time_text(p->arena);
	s->owner = pid_own_euid();
	s->creator = (uint32_t)self_pid;
	s->creator_start_ticks = self.start_ticks;
	s->namespaces = plan->namespaces.types;
	s->terminal = plan->process.terminal;
	s->has_process = plan->has_process;
	s->exec_config = plan->process.filter || plan->process.personality.set ||
			 plan->process.mempolicy || plan->process.groups_mode == CRED_GROUPS_KEEP;
	s->has_hooks = has_late_hooks(&plan->hooks);
	s->cgroup_enabled = plan->cgroup.enabled;
	s->cgroup = plan->cgroup.set;
	/* As the intent: after a kill, "delete" may remove what it finds there and is marked. */
	s->exec_below = arena_strdup(p->arena, plan->cgroup.exec_below);
	s->annotations = plan->annotations;
	s->annotations_count = plan->annotations_count;
	if (plan->process.filter && plan->process.filter->notify) {
		s->listener_path = arena_strdup(p->arena, plan->process.filter->listener_path);
		s->listener_metadata =
			arena_strdup(p->arena, plan->process.filter->listener_metadata);
	}
	return arena_check(p->arena, e);
}

/* First side effect of all: from here on "delete --force" finds what there is to remove. */
int parent_intent(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	const struct parent_options *o = p->options;

	if (fill_state(p, e) < 0)
		return -1;
	if (o->no_state)
		return 0;
	p->state_dir = state_dir_create(&p->root, o->id, e);
	if (p->state_dir < 0)
		return -1;
	return state_write_intent(p->state_dir, &p->state, e);
}

static void poststop(struct parent *p)
{
	const struct plan_hooks *hooks = &p->plan->hooks;
	struct hook_context context = {
		.kind = "poststop",
		.cwd = p->plan->bundle,
		.stdout_path = hooks->stdout_path,
		.stderr_path = hooks->stderr_path,
	};
	char *text;

	if (!hooks->poststop.count || state_oci_print(&p->state, "stopped", 0, p->arena, &text,
						      &context.state_length, NULL) < 0)
		return;
	context.state = text;
	hook_list_run_all(&hooks->poststop, &context, p->options->warn);
}

void parent_intent_undo(void *ctx)
{
	struct parent *p = ctx;

	/* Only what this process made: without the descriptor the id belongs to another container. */
	if (p->state_dir < 0)
		return;
	/* OCI: what failed after the container came into being ends with its poststop hooks. */
	if (p->pid > 0)
		poststop(p);
	/* Its removal needs a descriptor, and those may be what ran out. */
	drop_fd(&p->state_dir);
	if (!p->keep_state)
		(void)state_dir_remove(&p->root, p->options->id, NULL);
	drop_fd(&p->state_dir);
}

/*
 * Everything that will be known about the container is known: the configuration, and the state file
 * under another name. Written while init is at work, so that its being created is one rename(2).
 */
int parent_draft(void *ctx, struct err *e)
{
	struct parent *p = ctx;
	struct pid_stat stat;

	p->state.pid = (uint32_t)p->pid;
	cgroup_created_settle(&p->state.cgroup, &p->state.cgroup_created);
	if (!p->state.cgroup.count)
		p->state.cgroup_enabled = false;
	if (p->options->no_state)
		return 0;
	CLEAN_FD int fd =
		openat(p->state_dir, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || io_write_full(fd, p->options->config_text, p->options->config_length) < 0)
		return err_sys(e, "write config.json of the state");
	if (pid_stat_read(p->procfd, p->pid, &stat) < 0) {
		err_sys(e, "read state of init, process %d", p->pid);
		return parent_blame_init(p, e);
	}
	p->state.recorded = true;
	p->state.pid_start_ticks = stat.start_ticks;
	return state_write_next(p->state_dir, &p->state, e);
}

/* runc's --pidfd-socket and crun's run.oci.pidfd_receiver: one message, one descriptor. */
static int send_pidfd(const struct parent *p, const char *path, struct err *e)
{
	CLEAN_FD int sock = tty_socket_connect(path, e);

	if (sock < 0)
		return -1;
	if (io_send_fds(sock, "pidfd", 5, &p->pidfd, 1) < 0)
		return err_sys(e, "send pidfd to %s", path);
	return 0;
}

/*
 * The container becomes official. After SYNC_RECORDED it outlives this process, so everything that
 * a caller reads (pid file, pidfd) is written before.
 */
int parent_record(void *ctx, struct err *e)
{
	struct parent *p = ctx;

	if (!p->options->no_state && state_publish(p->state_dir, e) < 0)
		return -1;
	if (p->options->pid_file && pid_file_write(p->options->pid_file, p->pid, e) < 0)
		return -1;
	if (p->options->pidfd_socket && send_pidfd(p, p->options->pidfd_socket, e) < 0)
		return -1;
	if (p->plan->pidfd_receiver && send_pidfd(p, p->plan->pidfd_receiver, e) < 0)
		return -1;
	if (parent_tell(p, SYNC_RECORDED, NULL, 0, NULL, 0, e) < 0)
		return -1;
	/* Other verbs may work on it now; "run" takes the lock again when it removes it. */
	if (!p->options->no_state && flock(p->state_dir, LOCK_UN) < 0)
		return err_sys(e, "unlock the state directory");
	return 0;
}

/*
 * Until init has let go of its tie, the end of this process would kill it. It says so by closing
 * its end; if it died instead, it died as a created container does, which "state" shows.
 */
int parent_release(void *ctx, struct err *e)
{
	struct parent *p = ctx;

	return sync_wait(p->sync, SYNC_ERROR, NULL, NULL, NULL, e) == SYNC_EOF ? 0 : -1;
}

void parent_record_undo(void *ctx)
{
	struct parent *p = ctx;

	if (p->options->pid_file)
		(void)unlink(p->options->pid_file);
}
