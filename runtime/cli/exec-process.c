/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/exec-process.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cred/cred-caps.h"
#include "src/cred/cred-user.h"

#define GROUPS_MAX 256

static int add_env(struct call *call, const struct exec_call *o, struct spec_process *p,
		   struct err *e)
{
	char **env = arena_new_array(call->arena, p->env.count + o->env.count + 1, char *);

	if (!env)
		return arena_check(call->arena, e);
	if (p->env.count)
		memcpy(env, p->env.items, p->env.count * sizeof *env);
	size_t count = p->env.count;
	for (size_t i = 0; i < o->env.count; i++) {
		const char *equals = strchr(o->env.items[i], '=');
		if (!equals || equals == o->env.items[i])
			return err_set(e, ERR_USAGE, 0, "--env \"%s\": is not NAME=VALUE",
				       o->env.items[i]);
		size_t name = (size_t)(equals - o->env.items[i]) + 1;
		size_t at = 0;
		while (at < count && strncmp(env[at], o->env.items[i], name) != 0)
			at++;
		env[at] = (char *)(uintptr_t)o->env.items[i];
		if (at == count)
			count++;
	}
	p->env = (struct str_list){ env, count };
	return 0;
}

/* Names come from the container's own files, read from outside with the root as a boundary. */
static int resolve_user(const struct container *c, const struct cred_user *user,
			struct spec_process *p, struct err *e)
{
	static struct cred_passwd entry;
	char path[64];

	text_format(path, sizeof path, "/proc/%u/root", c->state.pid);
	CLEAN_FD int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "open %s", path);
	if (user->user_is_name) {
		CLEAN_FD int passwd = cred_user_open(root, "etc/passwd");
		if (passwd < 0 || cred_passwd_by_name(passwd, user->user, &entry) <= 0)
			return err_set(e, ERR_CONFIG, 0,
				       "--user: the container's /etc/passwd has no user \"%s\"",
				       user->user);
		p->user.uid = entry.uid;
		if (!user->has_group)
			p->user.gid = entry.gid;
	}
	if (user->has_group && user->group_is_name) {
		gid_t gid;
		CLEAN_FD int group = cred_user_open(root, "etc/group");
		if (group < 0 || cred_group_by_name(group, user->group, &gid) <= 0)
			return err_set(e, ERR_CONFIG, 0,
				       "--user: the container's /etc/group has no group \"%s\"",
				       user->group);
		p->user.gid = gid;
	}
	return 0;
}

static int set_user(const struct exec_call *o, const struct container *c, struct spec_process *p,
		    struct err *e)
{
	struct cred_user user;

	if (cred_user_parse(o->user, &user, e) < 0)
		return err_prefix(e, "--user");
	if (!user.user_is_name)
		p->user.uid = user.uid;
	if (user.has_group && !user.group_is_name)
		p->user.gid = user.gid;
	if (user.user_is_name || (user.has_group && user.group_is_name))
		return resolve_user(c, &user, p, e);
	return 0;
}

static int add_groups(struct call *call, const struct exec_call *o, struct spec_process *p,
		      struct err *e)
{
	size_t count = p->user.additional_gids_count;
	uint32_t *gids = arena_new_array(call->arena, count + o->gids.count, uint32_t);

	if (!gids)
		return arena_check(call->arena, e);
	if (count)
		memcpy(gids, p->user.additional_gids, count * sizeof *gids);
	for (size_t i = 0; i < o->gids.count; i++) {
		if (cred_id_parse(o->gids.items[i], &gids[count]) < 0)
			return err_set(e, ERR_USAGE, 0,
				       "--additional-gids \"%s\": is not a group id",
				       o->gids.items[i]);
		count++;
	}
	p->user.additional_gids = gids;
	p->user.additional_gids_count = count;
	return 0;
}

/* Never into the inheritable set: that was CVE-2022-29162. Ambient only for a user that needs it. */
static int add_caps(struct call *call, const struct exec_call *o, struct spec_process *p,
		    struct err *e)
{
	struct spec_capabilities *caps = arena_new(call->arena, struct spec_capabilities);

	if (!caps)
		return arena_check(call->arena, e);
	if (p->capabilities)
		*caps = *p->capabilities;
	for (size_t i = 0; i < o->caps.count; i++) {
		int cap = cred_cap_parse_loose(o->caps.items[i]);
		if (cap < 0)
			return err_set(e, ERR_USAGE, 0, "--cap: there is no capability \"%s\"",
				       o->caps.items[i]);
		caps->bounding |= UINT64_C(1) << cap;
		caps->permitted |= UINT64_C(1) << cap;
		caps->effective |= UINT64_C(1) << cap;
	}
	p->capabilities = caps;
	return 0;
}

/* The configuration's process with the command and options over it. */
static int from_options(struct call *call, const struct exec_call *o, const struct container *c,
			const struct spec *spec, struct spec_process *p, struct err *e)
{
	if (!o->args_count)
		return err_set(e, ERR_USAGE, 0, "exec: a command, or --process FILE, is needed");
	if (spec->process)
		*p = *spec->process;
	p->args = (struct str_list){ o->args, o->args_count };
	p->terminal = o->tty;
	p->exec_cpu_affinity = spec->process ? spec->process->exec_cpu_affinity : NULL;
	if (o->cwd)
		p->cwd = (char *)(uintptr_t)o->cwd;
	if (!p->cwd)
		p->cwd = (char *)(uintptr_t) "/";
	if (o->no_new_privs)
		p->no_new_privileges = true;
	if (o->apparmor)
		p->apparmor_profile = (char *)(uintptr_t)o->apparmor;
	if (o->label)
		p->selinux_label = (char *)(uintptr_t)o->label;
	if (o->user && set_user(o, c, p, e) < 0)
		return -1;
	if (add_env(call, o, p, e) < 0)
		return -1;
	if (o->gids.count && add_groups(call, o, p, e) < 0)
		return -1;
	if (o->caps.count && add_caps(call, o, p, e) < 0)
		return -1;
	return spec_process_check(p, "", e);
}

int exec_process_make(struct call *call, const struct exec_call *o, const struct container *c,
		      const struct spec *spec, struct spec_process **out, struct err *e)
{
	if (o->process) {
		if (o->args_count)
			return err_set(e, ERR_USAGE, 0,
				       "exec: a command and --process exclude each other");
		if (spec_process_load(AT_FDCWD, o->process, call->arena, out, e) < 0)
			return -1;
		if (o->tty)
			(*out)->terminal = true;
		return 0;
	}
	*out = arena_new(call->arena, struct spec_process);
	if (!*out)
		return arena_check(call->arena, e);
	return from_options(call, o, c, spec, *out, e);
}
