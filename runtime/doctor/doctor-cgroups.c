/* SPDX-License-Identifier: Apache-2.0 */
/* Control groups: which version, and who may limit what: tried where a sandbox would make them. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-limits.h"

void probe_cgroup(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	static const char names[][40] = {
		[CGROUP_MODE_NONE] = "no hierarchy is mounted",
		[CGROUP_MODE_V1] = "version 1",
		[CGROUP_MODE_HYBRID] = "version 1, with 2 beside it (hybrid)",
		[CGROUP_MODE_V2] = "version 2",
	};
	const struct cgroup_host *c = &d->host.cgroup;
	char controllers[160] = "";
	uint32_t all = 0;

	(void)argument;
	for (unsigned i = 0; i < c->count; i++)
		all |= c->hierarchies[i].controllers;
	all &= ~(uint32_t)(CGROUP_NAMED | CGROUP_OTHER);
	cgroup_controllers_print(all, c->mode == CGROUP_MODE_V2, ' ', controllers,
				 sizeof controllers);
	doctor_say(r, c->mode == CGROUP_MODE_NONE ? DOCTOR_MISSING : DOCTOR_OK, "%s%s%s",
		   names[c->mode], *controllers ? ": " : "", controllers);
	if (c->mode == CGROUP_MODE_NONE) {
		doctor_advise(r, "mount -t cgroup2 none /sys/fs/cgroup");
	} else if (c->mode != CGROUP_MODE_V2 && !(d->host.euid == 0 && d->host.initial_userns)) {
		r->state = DOCTOR_LIMITED;
		doctor_advise(r, "only version 2 lets users limit anything: boot with "
				 "systemd.unified_cgroup_hierarchy=1");
	}
}

/* ---- one limit ---- */

static const char *controller_name(uint32_t controller, char out[16])
{
	cgroup_controllers_print(controller, true, ' ', out, 16);
	return out;
}

/* The same place as for "husk sandbox", in the hierarchies that matter. */
static int plan_set(const struct doctor *d, uint32_t controller, struct cgroup_set *set,
		    struct err *e)
{
	bool top = d->host.euid == 0 && d->host.initial_userns;
	const char *path = arena_format(d->arena, "%shusk-doctor-%d", top ? "/" : "", d->pid);
	uint32_t drop = 0;

	if (!path)
		return arena_check(d->arena, e);
	if (cgroup_set_plan(&d->host.cgroup, path, d->arena, set, e) < 0)
		return -1;
	for (unsigned i = 0; i < set->count; i++)
		drop |= set->places[i].controllers & controller ? 0 : 1u << i;
	cgroup_set_drop(set, drop);
	if (set->count)
		return 0;
	return err_set(e, ERR_UNSUPPORTED, 0, "no hierarchy has this controller");
}

static int plan_limit(uint32_t controller, const struct cgroup_set *set, struct arena *a,
		      struct cgroup_limits_plan *plan, struct err *e)
{
	struct cgroup_limits limits = { .devices_optional = true };

	if (controller == CGROUP_MEMORY) {
		limits.memory_limit_bytes = (struct cgroup_s64){ true, 64 << 20 };
	} else if (controller == CGROUP_PIDS) {
		limits.pids_limit = (struct cgroup_s64){ true, 64 };
	} else {
		limits.cpu_period_usec = (struct cgroup_u64){ true, 100000 };
		limits.cpu_quota_usec = (struct cgroup_s64){ true, 50000 };
	}
	return cgroup_limits_plan(&limits, set, false, a, plan, e);
}

/* Where controllers are enabled for the children of a directory on v2: what was so before. */
struct enabled {
	char path[512], before[256];
};

static void enabled_read(const struct cgroup_set *set, struct enabled *was)
{
	*was = (struct enabled){ "", "" };
	if (!set->places[0].v2)
		return;
	const char *slash = strrchr(set->places[0].dir, '/');
	text_format(was->path, sizeof was->path, "%.*s/cgroup.subtree_control",
		    (int)(slash - set->places[0].dir), set->places[0].dir);
	if (io_read_at(AT_FDCWD, was->path, was->before, sizeof was->before) < 0)
		was->path[0] = '\0';
}

static bool has_word(const char *words, const char *word, size_t length)
{
	for (const char *p = words; (p = strstr(p, word)); p += length) {
		if ((p == words || p[-1] == ' ') && (p[length] == ' ' || !p[length]))
			return true;
	}
	return false;
}

/* Enabled by the trial: one word at a time, as one that is in use keeps the others from going. */
static void enabled_restore(const struct enabled *was)
{
	char now[256], word[64];

	if (!*was->path || io_read_at(AT_FDCWD, was->path, now, sizeof now) < 0)
		return;
	for (char *p = now; *p;) {
		size_t n = strcspn(p, " ");
		text_format(word, sizeof word, "-%.*s", (int)n, p);
		if (n && !has_word(was->before, word + 1, strlen(word + 1)))
			(void)io_write_at(AT_FDCWD, was->path, word);
		p += n + (p[n] == ' ');
	}
}

static int try_limit(const struct doctor *d, uint32_t controller, struct err *e)
{
	struct cgroup_created created = { 0 };
	struct cgroup_limits_plan plan;
	struct cgroup_set set;
	struct enabled was;
	struct err ignored;

	if (plan_set(d, controller, &set, e) < 0 ||
	    plan_limit(controller, &set, d->arena, &plan, e) < 0)
		return -1;
	struct cgroup_create_options options = {
		.enable = controller,
		.require = plan.require,
		.cpus_given = plan.cpus_given,
		.mems_given = plan.mems_given,
	};
	enabled_read(&set, &was);
	int result = cgroup_create(&set, &options, &created, e);
	if (result == 0) {
		result = cgroup_limits_apply(&plan, &set, 0, CGROUP_APPLY_ALL, e);
		(void)cgroup_remove(&set, &created, CGROUP_REMOVE_PARENTS, &ignored);
	}
	enabled_restore(&was);
	return result;
}

/* As "husk sandbox" does where a user may make no group: ask the user's own service manager for a part. */
static bool scope_gives(const struct doctor *d, const char *controller)
{
	static const char script[] =
		"cat \"/sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup)/cgroup.controllers\"";
	static const char *const argv[] = {
		"systemd-run", "--user",    "--scope",
		"--quiet",     "--collect", "--property=Delegate=yes",
		"--",          "sh",        "-c",
		script,        NULL,
	};
	char line[256], path[64];
	struct err e;

	text_format(path, sizeof path, "/run/user/%u", d->host.euid);
	if (!getenv("XDG_RUNTIME_DIR") && setenv("XDG_RUNTIME_DIR", path, 0) < 0)
		return false;
	return doctor_run_program(argv, line, sizeof line, &e) == 0 &&
	       has_word(line, controller, strlen(controller));
}

void probe_controller(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	const struct cgroup_host *c = &d->host.cgroup;
	bool top = d->host.euid == 0 && d->host.initial_userns;
	char name[16];
	struct err e;

	if (c->mode == CGROUP_MODE_NONE) {
		doctor_say(r, DOCTOR_MISSING, "no hierarchy is mounted");
		doctor_advise(r, "see \"cgroup\"");
		return;
	}
	if (try_limit(d, argument, &e) == 0) {
		doctor_say(r, DOCTOR_OK, "a group was made and limited");
		return;
	}
	if (!top && c->mode == CGROUP_MODE_V2 && scope_gives(d, controller_name(argument, name))) {
		doctor_say(r, DOCTOR_OK, "in a scope that this user's service manager gives");
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
	if (top)
		doctor_advise(
			r,
			"mount the hierarchies writable, with the controller %s, in this container "
			"or on this host",
			controller_name(argument, name));
	else if (c->mode == CGROUP_MODE_V2)
		doctor_advise(r,
			      "a service manager of the user's own (see \"systemd\") with this "
			      "controller: "
			      "Delegate=%s in the unit user@.service; or a delegated group",
			      controller_name(argument, name));
	else
		doctor_advise(r, "on version 1 only root can; boot with "
				 "systemd.unified_cgroup_hierarchy=1");
}

void probe_controller_clean(const struct doctor *d, uint32_t argument)
{
	struct cgroup_created created = { 0 };
	struct cgroup_set set = { 0 };
	struct err ignored;

	if (plan_set(d, argument, &set, &ignored) < 0)
		return;
	created.made = (1u << set.count) - 1;
	(void)cgroup_remove(&set, &created, 0, &ignored);
}

/* The manager that can give a part of the tree away. */
void probe_systemd(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *set = getenv("XDG_RUNTIME_DIR");
	const char *dir = set ? set : arena_format(d->arena, "/run/user/%u", d->host.euid);
	bool root = d->host.euid == 0;
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)argument;
	text_format(address.sun_path, sizeof address.sun_path, "%s/systemd/private",
		    root || !dir ? "/run" : dir);
	if (sock >= 0 && connect(sock, (struct sockaddr *)&address, sizeof address) == 0) {
		doctor_say(r, DOCTOR_OK, "%s answers", address.sun_path);
		return;
	}
	if (root) {
		doctor_say(r, DOCTOR_OK, "does not run, and root makes its groups itself");
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "connect to %s: %s", address.sun_path, text_errno(errno));
	doctor_advise(
		r,
		"log in by a terminal, ssh or machinectl shell; for users who are not logged in: "
		"loginctl enable-linger");
}
