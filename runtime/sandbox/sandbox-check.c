/* SPDX-License-Identifier: Apache-2.0 */
/* What can be wrong with a sandbox whatever the host is. */
#include <string.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/text.h"
#include "src/cred/cred-sched.h"

int sandbox_rlimit_parse(const char *name)
{
	char full[32];
	int resource = cred_rlimit_parse(name);

	if (resource >= 0)
		return resource;
	/* One that is cut here is longer than all there are. */
	text_format(full, sizeof full, "RLIMIT_%s", name);
	for (char *c = full; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
	}
	return cred_rlimit_parse(full);
}

/* What each operation needs. */
static const struct {
	bool source, content, mode, lowers;
} needs[] = {
	[SANDBOX_BIND] = { .source = true },
	[SANDBOX_RO_BIND] = { .source = true },
	[SANDBOX_DEV_BIND] = { .source = true },
	[SANDBOX_FILE] = { .content = true },
	[SANDBOX_DATA] = { .content = true },
	[SANDBOX_SYMLINK] = { .source = true },
	[SANDBOX_OVERLAY] = { .source = true, .lowers = true },
	[SANDBOX_TMP_OVERLAY] = { .lowers = true },
	[SANDBOX_RO_OVERLAY] = { .lowers = true },
	[SANDBOX_CHMOD] = { .mode = true },
	[SANDBOX_HIDE] = { false },
};

static int check_descriptor(const struct sandbox_place *p, size_t index, struct err *e)
{
	if (!p->descriptor.set)
		return 0;
	if (p->kind != SANDBOX_BIND && p->kind != SANDBOX_RO_BIND)
		return err_config(e, "places[%zu].descriptor: is for bind and ro-bind", index);
	if (p->source)
		return err_config(e, "places[%zu].descriptor: and a source exclude each other",
				  index);
	if (text_equal(p->destination, "/"))
		return err_config(e,
				  "places[%zu].descriptor: the root has to be given by its path "
				  "(--ro-bind PATH /)",
				  index);
	return 0;
}

static int check_place(const struct sandbox_place *p, size_t index, struct err *e)
{
	const char *name = sandbox_place_name(p->kind);

	if (*p->destination != '/')
		return err_config(e, "places[%zu].destination (%s): \"%s\" is not an absolute path",
				  index, name, p->destination);
	if (check_descriptor(p, index, e) < 0)
		return -1;
	if (needs[p->kind].source && !p->source && !p->descriptor.set)
		return err_config(e, "places[%zu].source: is missing; %s needs it", index, name);
	if (needs[p->kind].content && !p->content)
		return err_config(e, "places[%zu].content: is missing; %s needs it", index, name);
	if (needs[p->kind].mode && !p->mode.set)
		return err_config(e, "places[%zu].mode: is missing; %s needs it", index, name);
	if (needs[p->kind].lowers && !p->lowers.count)
		return err_config(
			e,
			"places[%zu].lowers: is missing; %s needs directories to lay over "
			"each other (--overlay-src)",
			index, name);
	if (p->kind == SANDBOX_OVERLAY && !p->work)
		return err_config(e, "places[%zu].work: is missing; overlay needs it", index);
	bool memory = p->kind == SANDBOX_TMPFS || p->kind == SANDBOX_TMP_OVERLAY;
	if ((p->size_bytes.set || p->inodes.set) && !memory)
		return err_config(e, "places[%zu] (%s): a size is for tmpfs and tmp-overlay", index,
				  name);
	return 0;
}

/* They become part of a policy's text. */
static int check_calls(const struct str_list *calls, struct err *e)
{
	for (size_t i = 0; i < calls->count; i++) {
		const char *c = calls->items[i];
		size_t n = strspn(c, "abcdefghijklmnopqrstuvwxyz_0123456789-@");
		/* Whether there is such a number is for the policy's compiler to say. */
		if (n && c[n] == ':' && c[n + 1])
			n += 1 + strspn(c + n + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
		if (!n || c[n])
			return err_config(
				e,
				"protect.denyCalls[%zu]: \"%s\" is neither the name of a "
				"system call nor a group such as mount@husk, perhaps with an "
				"error such as :ENOSYS",
				i, c);
	}
	return 0;
}

static int check_root(const struct sandbox *s, struct err *e)
{
	if ((s->rootfs != NULL) + (s->bundle != NULL) + (s->image != NULL) > 1)
		return err_config(e, "rootfs, bundle, image: only one of them can be the root");
	if (s->empty_root && (s->rootfs || s->bundle || s->image || sandbox_root_of(s)))
		return err_config(e,
				  "emptyRoot: there is another root, too (rootfs, bundle, image, "
				  "or a bind at /)");
	if (s->empty_root && s->terminal && !sandbox_has_dev(s))
		return err_config(e,
				  "terminal: an empty root has no pseudo terminals (--dev /dev)");
	if (s->image_cache && *s->image_cache != '/')
		return err_config(e, "imageCache: \"%s\" is not an absolute path", s->image_cache);
	return 0;
}

static int check_identity(const struct sandbox *s, struct err *e)
{
	const char *id = s->machine_id;
	uint64_t caps;

	if (s->auto_ids.set && (s->uid_ranges_count || s->gid_ranges_count))
		return err_config(e, "autoIds: and ranges of one's own exclude each other");
	if (sandbox_caps_parse(&s->capabilities, &caps, e) < 0)
		return -1;
	if (s->auto_ids.set && !s->auto_ids.value)
		return err_config(e, "autoIds: must be more than 0");
	if (id && !text_equal(id, "random") && (strspn(id, "0123456789abcdef") != 32 || id[32]))
		return err_config(
			e, "machineId: \"%s\" is neither 32 digits (0-9, a-f) nor \"random\"", id);
	return 0;
}

static int check_handshake(const struct sandbox *s, struct err *e)
{
	if (s->sync_fd.set && s->block_fd.set && s->sync_fd.value == s->block_fd.value)
		return err_config(e, "blockFd: descriptor %u is syncFd, too", s->block_fd.value);
	if (s->lock_files.count > SANDBOX_LOCKS_MAX)
		return err_config(e, "lockFiles: more than %d", SANDBOX_LOCKS_MAX);
	for (size_t i = 0; i < s->lock_files.count; i++) {
		if (*s->lock_files.items[i] != '/')
			return err_config(e, "lockFiles[%zu]: \"%s\" is not an absolute path", i,
					  s->lock_files.items[i]);
	}
	return 0;
}

static int check_vm(const struct sandbox_vm *vm, struct err *e)
{
	const char *b = vm->backend;

	if (!b && (vm->kernel || vm->memory_bytes.set || vm->cpus.set))
		return err_config(e, "vm: a kernel, memory or processors without a machine (--vm)");
	if (b && !text_equal(b, "auto") && !text_equal(b, "kvm") && !text_equal(b, "qemu"))
		return err_config(e, "vm.backend: \"%s\" is none of auto, kvm, qemu", b);
	if (vm->cpus.set && (vm->cpus.value < 1 || vm->cpus.value > 32))
		return err_config(e, "vm.cpus: must be from 1 to 32");
	return 0;
}

int sandbox_check(const struct sandbox *s, struct err *e)
{
	const struct sandbox_limits *l = &s->limits;

	for (size_t i = 0; i < s->places_count; i++) {
		if (check_place(&s->places[i], i, e) < 0)
			return -1;
	}
	for (size_t i = 0; i < l->rlimits_count; i++) {
		const struct sandbox_rlimit *r = &l->rlimits[i];
		if (sandbox_rlimit_parse(r->type) < 0)
			return err_config(e, "limits.rlimits[%zu].type: unknown resource \"%s\"", i,
					  r->type);
		if (r->hard.set && (!r->soft.set || r->soft.value > r->hard.value))
			return err_config(e, "limits.rlimits[%zu].soft: is above the hard limit",
					  i);
	}
	if (check_root(s, e) < 0 || check_identity(s, e) < 0 || check_handshake(s, e) < 0 ||
	    check_calls(&s->protect.deny_calls, e) < 0 || check_vm(&s->vm, e) < 0)
		return -1;
	for (size_t i = 0; i < s->environment_count; i++) {
		const char *key = s->environment[i].key;
		if (!*key || strchr(key, '='))
			return err_config(e, "environment: \"%s\" is no name of a variable", key);
	}
	if (sandbox_network_check(s, e) < 0)
		return -1;
	if (s->directory && *s->directory != '/')
		return err_config(e, "directory: \"%s\" is not an absolute path", s->directory);
	if (l->cgroup_parent && (*l->cgroup_parent != '/' || !l->cgroup_parent[1]))
		return err_config(e,
				  "limits.cgroupParent: \"%s\" is not an absolute path of a group",
				  l->cgroup_parent);
	if (l->wall_msec.set && !l->wall_msec.value)
		return err_config(e, "limits.wallTimeMsec: must be more than 0");
	if (l->cpu_msec.set && !l->cpu_msec.value)
		return err_config(e, "limits.cpuTimeMsec: must be more than 0");
	if (l->cpu_millis.set && l->cpu_millis.value < 1)
		return err_config(e, "limits.cpuMillis: must be more than 0");
	if (l->cpu_share.set && (l->cpu_share.value < 2 || l->cpu_share.value > 262144))
		return err_config(e, "limits.cpuShare: must be from 2 to 262144");
	if (l->oom_score.set && (l->oom_score.value < -1000 || l->oom_score.value > 1000))
		return err_config(e, "limits.oomScoreAdj: must be from -1000 to 1000");
	if (l->swap_bytes.set && !l->memory_bytes.set)
		return err_config(e, "limits.swapBytes: needs memoryBytes, too (--memory)");
	if (s->terminal && l->output_bytes.set)
		return err_config(e, "limits.outputBytes: cannot be counted on a terminal");
	if (s->no_report && s->report)
		return err_config(e, "report: was asked for, and noReport too");
	return 0;
}
