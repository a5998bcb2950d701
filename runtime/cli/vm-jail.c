/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/vm-jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/log.h"
#include "runtime/cli/sandbox-filter.h"
#include "runtime/cli/sandbox-stale.h"
#include "runtime/plan/plan-make.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

static char *shared(const char *text)
{
	return (char *)(uintptr_t)text;
}

void vm_jail_place(struct vm_jail *j, uint32_t kind, const char *source, const char *destination)
{
	if (j->places_count == VM_JAIL_PLACES_MAX)
		return;
	j->places[j->places_count++] = (struct sandbox_place){
		.kind = kind,
		.source = shared(source),
		.destination = shared(destination),
	};
}

void vm_jail_keep(struct vm_jail *j, int fd)
{
	if (fd >= 0 && j->kept_count < VM_JAIL_KEPT_MAX)
		j->kept[j->kept_count++] = (uint32_t)fd;
}

int vm_jail_init(struct vm_jail *j, const char *what, const struct run *r, struct err *e)
{
	struct arena *a = r->call->arena;

	j->what = what;
	j->places = arena_new_array(a, VM_JAIL_PLACES_MAX, struct sandbox_place);
	if (!j->places)
		return arena_check(a, e);
	j->sandbox.empty_root = true;
	j->sandbox.clear_environment = true;
	j->sandbox.directory = shared("/");
	j->sandbox.hostname = shared("husk-vm");
	/* Programs of the host and their libraries; nothing that says anything about it. */
	for (size_t i = 0; i < SANDBOX_SYSTEM_DIRS; i++) {
		const struct sandbox_system_dir *d = &r->host.dirs[i];
		if (!d->exists || text_equal(d->path, "/etc"))
			continue;
		if (d->link)
			vm_jail_place(j, SANDBOX_SYMLINK, d->link, d->path);
		else
			vm_jail_place(j, SANDBOX_RO_BIND, d->path, d->path);
	}
	vm_jail_place(j, SANDBOX_PROC, NULL, "/proc");
	vm_jail_place(j, SANDBOX_DEV, NULL, "/dev");
	return 0;
}

static int make_plan(struct vm_jail *j, struct run *r, struct err *e)
{
	struct arena *a = r->call->arena;
	struct plan_request request = { .host = &r->facts, .arena = a, .bundle = "/" };
	struct spec_capabilities *caps;

	j->sandbox.places = j->places;
	j->sandbox.places_count = j->places_count;
	j->host = r->host;
	j->host.cwd = "/";
	j->host.home = NULL;
	if (sandbox_spec_make(&j->sandbox, &j->host, a, &j->made, e) < 0)
		return -1;
	caps = j->made.spec->process->capabilities;
	caps->bounding = caps->effective = caps->permitted = j->capabilities;
	caps->inheritable = caps->ambient = j->capabilities;
	j->made.spec->sandbox->kept_fds = j->kept;
	j->made.spec->sandbox->kept_fds_count = j->kept_count;
	request.id = container_make_id(j->what, a);
	request.spec = j->made.spec;
	request.cgroup_disabled = !j->made.cgroup;
	if (sandbox_filter_make(&j->sandbox, a, &request.filter, e) < 0)
		return -1;
	return plan_make(&request, &j->plan, e);
}

/* What is made from now on has these as its own; the caller's come back afterwards. */
struct standard {
	int saved[3];
};

static int standard_replace(struct standard *s, int words, struct err *e)
{
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		s->saved[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(words, 2) < 0)
		return err_sys(e, "put other descriptors in the place of the standard ones");
	return 0;
}

static void standard_restore(struct standard *s)
{
	for (int fd = 0; fd < 3; fd++) {
		if (s->saved[fd] >= 0)
			dup2(s->saved[fd], fd);
		drop_fd(&s->saved[fd]);
	}
}

static int create(struct vm_jail *j, struct run *r, struct err *e)
{
	struct err ignored;

	j->options = (struct parent_options){
		.id = j->plan.id,
		.run = true,
		.no_state = true,
		.warn = log_warning,
	};
	parent_init(&j->parent, &j->plan, &j->options, r->call->arena);
	if (state_root_path(r->call->global.root, r->call->arena, &j->parent.root.path, &ignored) <
	    0)
		j->parent.root.path = "";
	return parent_create(&j->parent, e);
}

int vm_jail_start(struct vm_jail *j, struct run *r, int words, struct err *e)
{
	struct standard standard;
	struct err ignored;

	if (make_plan(j, r, e) < 0)
		return err_prefix(e, "%s", j->what);
	int result = standard_replace(&standard, words, e);
	if (result == 0)
		result = create(j, r, e);
	standard_restore(&standard);
	if (result < 0)
		return err_prefix(e, "%s", j->what);
	if (parent_start(&j->parent, e) < 0) {
		parent_remove(&j->parent, true, &ignored);
		return err_prefix(e, "%s", j->what);
	}
	j->running = true;
	return 0;
}

bool vm_jail_ended(struct vm_jail *j, int *status)
{
	int said;

	if (!j->running)
		return false;
	pid_t p = waitpid(j->parent.pid, status, WNOHANG);
	if (p != j->parent.pid)
		return false;
	j->running = false;
	j->parent.reaped = true;
	if (io_read_full(j->parent.result, &said, sizeof said) == (ssize_t)sizeof said)
		*status = said;
	return true;
}

void vm_jail_end(struct vm_jail *j, struct run *r)
{
	struct err ignored;

	if (j->running) {
		(void)kernel_pidfd_send_signal(j->parent.pidfd, SIGKILL);
		(void)pid_reap(j->parent.pid);
		j->running = false;
		j->parent.reaped = true;
	}
	if (!j->parent.reaped)
		return;
	(void)parent_remove(&j->parent, false, &ignored);
	if (j->parent.state.cgroup_enabled)
		sandbox_stale_remove(r->call, &j->parent.state.cgroup);
	j->parent.reaped = false;
}
