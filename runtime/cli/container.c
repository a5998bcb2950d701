/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/container.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "runtime/plan/plan-make.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define CONFIG_BYTES_MAX (16u << 20)

static int open_root(struct call *call, struct state_root *root, struct err *e)
{
	const char *path;

	if (state_root_path(call->global.root, call->arena, &path, e) < 0)
		return -1;
	return state_root_open(path, false, root, e);
}

ssize_t container_list(struct call *call, char ***ids, struct err *e)
{
	struct state_root root;

	if (open_root(call, &root, e) < 0)
		return -1;
	ssize_t count = state_list(&root, call->arena, ids, e);
	if (root.fd >= 0)
		close(root.fd);
	return count;
}

int container_open(struct call *call, const char *id, bool lock, struct container *c, struct err *e)
{
	*c = (struct container){ .root.fd = -1, .dir = -1, .pidfd = -1 };
	if (open_root(call, &c->root, e) < 0)
		return -1;
	c->dir = state_dir_open(&c->root, id, e);
	if (c->dir < 0)
		return -1;
	if (lock && state_dir_lock(c->dir, id, STATE_LOCK_TIMEOUT_MSEC, e) < 0)
		return -1;
	c->locked = lock;
	if (state_read(c->dir, id, call->arena, &c->state, e) < 0)
		return -1;
	c->status = state_status(&c->state, c->dir, AT_FDCWD, &c->pidfd);
	return 0;
}

void container_close(struct container *c)
{
	drop_fd(&c->dir);
	drop_fd(&c->root.fd);
	drop_fd(&c->pidfd);
}

const char *container_make_id(const char *prefix, struct arena *a)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return arena_format(a, "%s-%d-%lx", prefix, getpid(),
			    (unsigned long)now.tv_sec << 20 ^ (unsigned long)now.tv_nsec);
}

int container_expect(const struct container *c, unsigned wanted, const char *verb, struct err *e)
{
	if (wanted & 1u << c->status)
		return 0;
	/* go-runc and the shims look for these words. */
	if (c->status == STATE_STOPPED)
		return err_set(e, ERR_STATE, 0, "%s \"%s\": container not running (it is stopped)",
			       verb, c->state.id);
	err_set(e, ERR_STATE, 0, "%s \"%s\": the container is %s", verb, c->state.id,
		state_status_name(c->status));
	return wanted == 1u << STATE_PAUSED ? err_append(e, ", not paused") : -1;
}

int container_spec(struct call *call, const struct container *c, struct spec **spec, struct err *e)
{
	CLEAN_FD int fd = openat(c->dir, "config.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text;
	size_t length;

	if (fd < 0)
		return err_sys(e, "open config.json of container \"%s\"", c->state.id);
	if (state_check_owner(fd, "config.json", e) < 0 ||
	    io_read_file(fd, "config.json", CONFIG_BYTES_MAX, call->arena, &text, &length, e) < 0)
		return -1;
	return spec_parse("config.json", text, length, call->arena, spec, e);
}

int container_hooks(struct call *call, const struct container *c, struct plan_hooks *hooks,
		    struct err *e)
{
	struct spec *spec;
	struct plan_request request = { .arena = call->arena };

	*hooks = (struct plan_hooks){ 0 };
	if (!c->state.has_hooks)
		return 0;
	if (container_spec(call, c, &spec, e) < 0)
		return -1;
	request.spec = spec;
	return plan_hooks_make(&request, hooks, e);
}

int container_cgroup_manager(const struct call *call, struct err *e)
{
	const char *manager = call->global.cgroup_manager;

	if (call->global.systemd_cgroup || (manager && text_equal(manager, "systemd")))
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"cgroup manager systemd: is not supported; use --cgroup-manager cgroupfs "
			"(podman: --cgroup-manager=cgroupfs, docker: "
			"native.cgroupdriver=cgroupfs, containerd: SystemdCgroup = false)");
	if (!manager || text_equal(manager, "cgroupfs"))
		return 0;
	if (text_equal(manager, "disabled"))
		return 1;
	return err_set(e, ERR_USAGE, 0,
		       "--cgroup-manager: \"%s\" is none of cgroupfs, disabled, systemd", manager);
}

int container_check_descriptors(unsigned count, struct err *e)
{
	for (unsigned fd = 3; fd < 3 + count; fd++) {
		int flags = fcntl((int)fd, F_GETFD);
		if (flags < 0 || flags & FD_CLOEXEC)
			return err_set(e, ERR_USAGE, 0,
				       "--preserve-fds: descriptor %u was not passed by the caller",
				       fd);
	}
	return 0;
}
