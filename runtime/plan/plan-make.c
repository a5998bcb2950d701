/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan/plan-make.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/ns/ns-proc.h"

#define WARNINGS_MAX 32

void plan_warn(struct plan *plan, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (!plan->warnings)
		plan->warnings = arena_new_array(plan->arena, WARNINGS_MAX, const char *);
	if (!plan->warnings || plan->warnings_count == WARNINGS_MAX)
		return;
	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	plan->warnings[plan->warnings_count++] = arena_strdup(plan->arena, text);
}

bool plan_in_userns(const struct plan *plan)
{
	return plan->namespaces.types & CLONE_NEWUSER;
}

/* One list of hooks. Strings are shared with the spec. */
static void copy_hooks(const struct plan_request *r, const struct spec_hook_list *from,
		       struct plan_hook_list *to)
{
	to->items = arena_new_array(r->arena, from->count + 1, struct plan_hook);
	if (!to->items)
		return;
	to->count = from->count;
	for (size_t i = 0; i < from->count; i++) {
		const struct spec_hook *h = &from->items[i];
		to->items[i] = (struct plan_hook){
			.path = h->path,
			.args = h->args.count ? h->args.items : NULL,
			.env = h->env.count ? h->env.items : NULL,
			.timeout_sec = h->timeout_sec.set ? h->timeout_sec.value : 0,
		};
	}
}

int plan_hooks_make(const struct plan_request *r, struct plan_hooks *hooks, struct err *e)
{
	const struct spec_hooks *h = &r->spec->hooks;

	copy_hooks(r, &h->prestart, &hooks->prestart);
	copy_hooks(r, &h->create_runtime, &hooks->create_runtime);
	copy_hooks(r, &h->create_container, &hooks->create_container);
	copy_hooks(r, &h->start_container, &hooks->start_container);
	copy_hooks(r, &h->poststart, &hooks->poststart);
	copy_hooks(r, &h->poststop, &hooks->poststop);
	hooks->stdout_path = r->spec->extensions.hooks_stdout;
	hooks->stderr_path = r->spec->extensions.hooks_stderr;
	return arena_check(r->arena, e);
}

static int plan_rootfs(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec *s = r->spec;
	char path[4096];
	const char *root = s->root ? s->root->path : NULL;

	if (s->sandbox && s->sandbox->root_options) {
		plan->rootfs.tmpfs_data = s->sandbox->root_options;
		plan->rootfs.readonly = s->root && s->root->readonly;
		plan->rootfs.masked_paths = s->linux_config->masked_paths;
		plan->rootfs.readonly_paths = s->linux_config->readonly_paths;
		plan->rootfs.parent_source = plan_in_userns(plan) && host_can_clone_mounts(r->host);
		return 0;
	}
	if (!root && s->sandbox && s->sandbox->inherit.root &&
	    !(plan->namespaces.made & CLONE_NEWNS))
		return 0;
	if (!root)
		return err_config(e, "root: is missing; a container needs a root file system");
	if (*root != '/')
		root = arena_format(r->arena, "%s/%s", r->bundle, root);
	if (!root)
		return arena_check(r->arena, e);
	if (path_clean(root, path, sizeof path) < 0)
		return err_sys(e, "root.path %s", root);
	plan->rootfs.tree_attrs = s->sandbox ? s->sandbox->root_attrs : 0;
	plan->rootfs.alone = s->sandbox && s->sandbox->root_alone;
	if (text_equal(path, "/") && !s->sandbox)
		return err_config(e,
				  "root.path: \"/\" of the host cannot be pivoted to; bind it to "
				  "another directory");
	plan->rootfs.path = arena_strdup(r->arena, path);
	plan->rootfs.readonly = s->root->readonly;
	plan->rootfs.propagation = s->linux_config->rootfs_propagation;
	plan->rootfs.no_pivot = r->no_pivot;
	plan->rootfs.masked_paths = s->linux_config->masked_paths;
	plan->rootfs.readonly_paths = s->linux_config->readonly_paths;
	/* The parent has more rights than a mapped root: it can reach what init cannot. */
	plan->rootfs.parent_source = plan_in_userns(plan) && host_can_clone_mounts(r->host);
	return arena_check(r->arena, e);
}

static int plan_sysctls(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;
	char path[512];

	plan->sysctls = arena_new_array(r->arena, l->sysctl_count + 1, struct plan_sysctl);
	if (!plan->sysctls)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < l->sysctl_count; i++) {
		if (ns_proc_sysctl_path(l->sysctl[i].key, path, sizeof path, e) < 0)
			return -1;
		plan->sysctls[i].path = arena_strdup(r->arena, path);
		plan->sysctls[i].value = l->sysctl[i].value;
	}
	plan->sysctls_count = l->sysctl_count;
	return arena_check(r->arena, e);
}

static int plan_net_devices(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec_linux *l = r->spec->linux_config;

	plan->net_devices =
		arena_new_array(r->arena, l->net_devices_count + 1, struct plan_net_device);
	if (!plan->net_devices)
		return arena_check(r->arena, e);
	for (size_t i = 0; i < l->net_devices_count; i++) {
		plan->net_devices[i].host_name = l->net_devices[i].host_name;
		plan->net_devices[i].name = l->net_devices[i].name;
	}
	plan->net_devices_count = l->net_devices_count;
	/* A new network namespace has its loopback down; nothing in it works without. */
	plan->loopback_up = plan->namespaces.made & CLONE_NEWNET;
	return 0;
}

static int plan_check_lsm(const struct plan_request *r, const struct spec_process *p, struct err *e)
{
	if (p && p->apparmor_profile && !r->host->apparmor &&
	    !text_equal(p->apparmor_profile, "unconfined"))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "process.apparmorProfile: \"%s\" was asked for, but AppArmor is not "
			       "enabled on this host",
			       p->apparmor_profile);
	if (p && p->selinux_label && !r->host->selinux)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"process.selinuxLabel: \"%s\" was asked for, but SELinux is not enabled "
			"on this host",
			p->selinux_label);
	if (r->spec->linux_config->mount_label && !r->host->selinux)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"linux.mountLabel: was asked for, but SELinux is not enabled on this host");
	return 0;
}

/* What can only be done to mounts that are the container's own. */
static int check_without_mount_namespace(const struct plan_request *r, const struct plan *plan,
					 struct err *e)
{
	const struct spec *s = r->spec;

	if (plan->namespaces.made & CLONE_NEWNS)
		return 0;
	if (s->mounts_count || s->linux_config->masked_paths.count ||
	    s->linux_config->readonly_paths.count || (s->root && s->root->readonly) ||
	    s->linux_config->devices_count)
		return err_config(
			e, "linux.namespaces: mounts, devices, maskedPaths, readonlyPaths and "
			   "root.readonly need a new mount namespace");
	return 0;
}

int plan_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec *s = r->spec;

	*plan = (struct plan){
		.arena = r->arena,
		.id = r->id,
		.bundle = r->bundle,
		.oci_version = s->oci_version,
		.annotations = s->annotations,
		.annotations_count = s->annotations_count,
		.hostname = s->hostname,
		.domainname = s->domainname,
		.pidfd_receiver = s->extensions.pidfd_receiver,
		.seccomp_receiver = s->extensions.seccomp_receiver,
	};
	if (s->vm)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"vm: virtual machines are not supported by this version; without the "
			"section the container runs on the host's kernel");
	if (s->extensions.handler)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "annotations[\"run.oci.handler\"]: there is no handler \"%s\" here",
			       s->extensions.handler);
	if (plan_check_lsm(r, s->process, e) < 0 || plan_namespaces_make(r, plan, e) < 0 ||
	    plan_rootfs(r, plan, e) < 0 || check_without_mount_namespace(r, plan, e) < 0 ||
	    plan_cgroup_make(r, plan, e) < 0 || plan_mounts_make(r, plan, e) < 0 ||
	    plan_devices_make(r, plan, e) < 0 || plan_sysctls(r, plan, e) < 0 ||
	    plan_net_devices(r, plan, e) < 0 || plan_hooks_make(r, &plan->hooks, e) < 0)
		return -1;
	if (s->process && plan_process_make(r, s->process, plan_in_userns(plan), plan, e) < 0)
		return -1;
	plan->has_process = s->process != NULL;
	/* execCPUAffinity is for processes that "exec" starts. */
	plan->process.affinity_initial = plan->process.affinity_final = NULL;
	plan->process.affinity_reset = plan->cgroup.enabled;
	if (s->sandbox && plan_sandbox_make(r, plan, e) < 0)
		return -1;
	return arena_check(r->arena, e);
}
