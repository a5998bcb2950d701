/* SPDX-License-Identifier: Apache-2.0 */
/* mounts[]: which kind each is, who can do it, and what mount(2) and mount_setattr(2) are given. */
#include <string.h>

#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"
#include "src/lsm/lsm-selinux.h"

/* MOUNT_ATTR_* that mount(2) has a flag for. */
static const struct {
	uint64_t attr;
	unsigned long flag;
} ms_of_attr[] = {
	{ MOUNT_ATTR_RDONLY, MS_RDONLY },         { MOUNT_ATTR_NOSUID, MS_NOSUID },
	{ MOUNT_ATTR_NODEV, MS_NODEV },           { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
	{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME }, { MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW },
};

static unsigned long ms_flags_of(const struct spec_mount *s)
{
	unsigned long flags = s->super_set;

	for (size_t i = 0; i < sizeof ms_of_attr / sizeof *ms_of_attr; i++) {
		if (s->attr_set & ms_of_attr[i].attr)
			flags |= ms_of_attr[i].flag;
	}
	if (s->attr_clear & MOUNT_ATTR__ATIME || s->attr_set & MOUNT_ATTR__ATIME) {
		uint64_t mode = s->attr_set & MOUNT_ATTR__ATIME;
		flags |= mode == MOUNT_ATTR_NOATIME       ? MS_NOATIME
			 : mode == MOUNT_ATTR_STRICTATIME ? MS_STRICTATIME
							  : MS_RELATIME;
	}
	return flags;
}

static const char *map_text(struct arena *a, const struct id_mapping *maps, size_t count)
{
	struct cred_id_map *copy = arena_new_array(a, count + 1, struct cred_id_map);
	char text[CRED_MAP_LINES_MAX * CRED_MAP_LINE_BYTES];

	for (size_t i = 0; copy && i < count; i++)
		copy[i] =
			(struct cred_id_map){ maps[i].container_id, maps[i].host_id, maps[i].size };
	ssize_t n = copy ? cred_map_print(copy, count, text, sizeof text) : -1;
	return n < 0 ? NULL : arena_memdup(a, text, (size_t)n);
}

static int add_idmap(const struct plan_request *r, const struct plan *plan,
		     const struct spec_mount *s, struct plan_mount *m, struct err *e)
{
	if (s->idmap == SPEC_IDMAP_NONE && !s->uid_mappings_count)
		return 0;
	if (!host_can_clone_mounts(r->host))
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"mount %s: id-mapped mounts need CAP_SYS_ADMIN over the source's file "
			"system and this mount namespace",
			s->destination);
	m->idmap_recursive = s->idmap == SPEC_IDMAP_RECURSIVE;
	m->parent_source = true;
	if (s->uid_mappings_count) {
		m->idmap_uid = map_text(r->arena, s->uid_mappings, s->uid_mappings_count);
		m->idmap_gid = map_text(r->arena, s->gid_mappings, s->gid_mappings_count);
		return arena_check(r->arena, e);
	}
	if (!plan_in_userns(plan))
		return err_config(
			e,
			"mount %s: idmap without uidMappings and gidMappings needs a user "
			"namespace",
			s->destination);
	m->idmap_container = true;
	return 0;
}

static int plan_bind(const struct plan_request *r, const struct plan *plan,
		     const struct spec_mount *s, struct plan_mount *m, struct err *e)
{
	m->kind = s->extra & SPEC_MOUNT_COPY_SYMLINK ? PLAN_MOUNT_SYMLINK : PLAN_MOUNT_BIND;
	if (!s->source)
		return err_config(e, "mount %s: a bind mount needs a source", s->destination);
	m->source = *s->source == '/' ? s->source
				      : arena_format(r->arena, "%s/%s", r->bundle, s->source);
	m->recursive = s->bind_recursive;
	m->source_held = s->source_held;
	m->source_device = s->source_device;
	m->source_inode = s->source_inode;
	m->source_nofollow = s->extra & SPEC_MOUNT_SRC_NOFOLLOW;
	/* What is not mentioned stays as the source has it: also what a user namespace has locked. */
	m->attrs = (struct mount_attrs){ s->attr_set, s->attr_clear, 0, -1 };
	/* A copy that is still shared with the host would show it the container's mounts. */
	if (!s->propagation_count)
		m->rec_attrs.propagation = MS_PRIVATE;
	m->parent_source = plan->rootfs.parent_source;
	return add_idmap(r, plan, s, m, e);
}

/* In a user namespace some file systems are only allowed where the matching namespace is new, too. */
static void add_fallbacks(const struct plan_request *r, const struct plan *plan,
			  struct plan_mount *m)
{
	static const struct {
		const char *fstype, *source;
	} fallbacks[] = {
		{ "sysfs", "/sys" },
		{ "mqueue", "/dev/mqueue" },
		{ "cgroup2", "/sys/fs/cgroup" },
	};

	if (!plan_in_userns(plan) && r->host->initial_userns)
		return;
	for (size_t i = 0; i < sizeof fallbacks / sizeof *fallbacks; i++) {
		if (text_equal(m->fstype, fallbacks[i].fstype))
			m->fallback_source = fallbacks[i].source;
	}
	if (text_equal(m->fstype, "devpts") && m->data && strstr(m->data, "gid=")) {
		char *copy = arena_strdup(r->arena, m->data);
		char *at = copy ? strstr(copy, "gid=") : NULL;
		if (!at)
			return;
		char *end = at + strcspn(at, ",");
		if (*end)
			end++;
		else if (at > copy)
			at--;
		memmove(at, end, strlen(end) + 1);
		m->fallback_data = copy;
	}
}

static int add_label(const struct plan_request *r, struct plan_mount *m, struct err *e)
{
	static const char *const unlabelled[] = { "proc", "sysfs", "cgroup2", "cgroup" };
	const char *label = r->spec->linux_config->mount_label;
	char option[1024];

	if (!label || !r->host->selinux)
		return 0;
	for (size_t i = 0; i < sizeof unlabelled / sizeof *unlabelled; i++) {
		if (text_equal(m->fstype, unlabelled[i]))
			return 0;
	}
	if (lsm_selinux_mount_option(label, r->spec->extensions.mount_context_type, option,
				     sizeof option, e) < 0)
		return -1;
	m->data = m->data ? arena_format(r->arena, "%s,%s", m->data, option)
			  : arena_strdup(r->arena, option);
	return arena_check(r->arena, e);
}

static int plan_cgroup_mount(const struct plan_request *r, struct plan *plan, struct plan_mount *m,
			     struct err *e)
{
	bool own = plan->namespaces.types & CLONE_NEWCGROUP;

	(void)e;
	/* Without a cgroup namespace the mount shows the host's tree, or part of it: never writable
	 * (CVE-2023-25809). */
	if (!own)
		m->ms_flags |= MS_RDONLY;
	if (r->host->cgroup.mode == CGROUP_MODE_V2 || r->host->cgroup.mode == CGROUP_MODE_NONE) {
		m->kind = PLAN_MOUNT_NEW;
		m->fstype = "cgroup2";
		m->source = "cgroup";
		m->data = NULL;
		int place = cgroup_set_v2(&plan->cgroup.set);
		if (!own && place >= 0) {
			m->kind = PLAN_MOUNT_BIND;
			m->source = plan->cgroup.set.places[place].dir;
			m->attrs =
				(struct mount_attrs){ .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
							     MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
						      .userns = -1 };
			return 0;
		}
		add_fallbacks(r, plan, m);
		return 0;
	}
	m->kind = PLAN_MOUNT_CGROUP_V1;
	return 0;
}

static int plan_new(const struct plan_request *r, struct plan *plan, const struct spec_mount *s,
		    struct plan_mount *m, struct err *e)
{
	if (!s->type)
		return err_config(e, "mount %s: needs a type, or one of the options bind and rbind",
				  s->destination);
	m->kind = PLAN_MOUNT_NEW;
	m->fstype = s->type;
	m->source = s->source ? s->source : s->type;
	m->ms_flags = ms_flags_of(s);
	if (s->idmap != SPEC_IDMAP_NONE || s->uid_mappings_count)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "mount %s: id mappings are supported for bind mounts",
			       s->destination);
	if (text_equal(s->type, "cgroup") || text_equal(s->type, "cgroup2"))
		return plan_cgroup_mount(r, plan, m, e);
	if (s->extra & SPEC_MOUNT_TMPCOPYUP && !text_equal(s->type, "tmpfs"))
		return err_config(e, "mount %s: tmpcopyup is an option of tmpfs", s->destination);
	m->tmpcopyup = s->extra & SPEC_MOUNT_TMPCOPYUP;
	add_fallbacks(r, plan, m);
	return add_label(r, m, e);
}

/* Colons part the layers and commas the options; a backslash takes both their meaning. */
static size_t add_layer(char *out, size_t used, size_t size, const char *path)
{
	for (; *path && used + 3 < size; path++) {
		if (*path == ':' || *path == ',' || *path == '\\')
			out[used++] = '\\';
		out[used++] = *path;
	}
	out[used] = '\0';
	return used;
}

static int plan_overlay(const struct plan_request *r, const struct plan *plan,
			const struct spec_mount *s, struct plan_mount *m, struct err *e)
{
	const struct spec_overlay *o = s->overlay;
	char text[PLAN_OVERLAY_DATA_MAX];
	size_t n = text_format(text, sizeof text, "lowerdir=");

	for (size_t i = 0; i < o->lowers.count; i++) {
		n += text_format(text + n, sizeof text - n, "%s", i ? ":" : "");
		n = add_layer(text, n, sizeof text, o->lowers.items[i]);
	}
	if (o->upper) {
		n += text_format(text + n, sizeof text - n, ",upperdir=");
		n = add_layer(text, n, sizeof text, o->upper);
		n += text_format(text + n, sizeof text - n, ",workdir=");
		n = add_layer(text, n, sizeof text, o->work);
	}
	/* trusted.* attributes, the default, are for the initial user namespace's root. */
	if (plan_in_userns(plan) || !r->host->initial_userns)
		n += text_format(text + n, sizeof text - n, ",userxattr");
	if (n + 64 > sizeof text)
		return err_config(e, "overlay %s: the paths of its layers are too long",
				  s->destination);
	m->kind = PLAN_MOUNT_OVERLAY;
	m->fstype = m->source = "overlay";
	m->data = arena_strdup(r->arena, text);
	m->ms_flags = MS_NOSUID | MS_NODEV | (o->readonly ? MS_RDONLY : 0);
	if (!o->upper && !o->readonly)
		m->overlay_memory = arena_format(r->arena, "mode=755,size=%llu,nr_inodes=%llu",
						 (unsigned long long)o->memory_bytes,
						 (unsigned long long)o->memory_inodes);
	return arena_check(r->arena, e);
}

static int plan_made(const struct plan_request *r, const struct plan *plan,
		     const struct spec_mount *s, struct plan_mount *m, struct err *e)
{
	static const enum plan_mount_kind kinds[] = {
		[SPEC_MAKE_DIRECTORY] = PLAN_MAKE_DIRECTORY, [SPEC_MAKE_FILE] = PLAN_MAKE_FILE,
		[SPEC_MAKE_DATA] = PLAN_MAKE_DATA,           [SPEC_MAKE_SYMLINK] = PLAN_MAKE_LINK,
		[SPEC_MAKE_MODE] = PLAN_MAKE_MODE,
	};

	m->mode_set = s->mode.set;
	m->mode = s->mode.value;
	if (s->make == SPEC_MAKE_OVERLAY)
		return plan_overlay(r, plan, s, m, e);
	m->kind = kinds[s->make];
	m->content = s->content;
	m->content_bytes = s->content_bytes;
	return 0;
}

static int plan_mount(const struct plan_request *r, struct plan *plan, const struct spec_mount *s,
		      struct plan_mount *m, struct err *e)
{
	*m = (struct plan_mount){
		.destination = s->destination,
		.fstype = "none",
		.data = s->data,
		.attrs = { .userns = -1 },
		.rec_attrs = { s->rec_attr_set, s->rec_attr_clear, 0, -1 },
		.propagation = s->propagation,
		.propagation_count = s->propagation_count,
		.dest_nofollow = s->extra & SPEC_MOUNT_DEST_NOFOLLOW,
	};
	if (s->make)
		return plan_made(r, plan, s, m, e);
	if (text_equal(s->destination, "/"))
		return err_config(e, "mount /: the root file system is given by root.path");
	if (s->remount) {
		m->kind = PLAN_MOUNT_REMOUNT;
		m->attrs = (struct mount_attrs){ s->attr_set, s->attr_clear, 0, -1 };
		/* With bind only the mount changes, without it the file system too. */
		if (!s->bind)
			m->ms_flags = ms_flags_of(s);
		else
			m->data = NULL;
		return 0;
	}
	if (s->bind)
		return plan_bind(r, plan, s, m, e);
	if (!s->type || text_equal(s->type, "none")) {
		if (!s->propagation_count)
			return err_config(e,
					  "mount %s: needs a type, or one of the options bind and "
					  "rbind",
					  s->destination);
		m->kind = PLAN_MOUNT_PROPAGATE;
		return 0;
	}
	return plan_new(r, plan, s, m, e);
}

/* sd_notify(3) through the runtime: the caller's socket appears in the container. */
static void add_notify_socket(const struct plan_request *r, struct plan *plan)
{
	struct plan_mount *m = &plan->rootfs.mounts[plan->rootfs.mounts_count];

	if (!r->notify_socket || *r->notify_socket != '/' || !(plan->namespaces.made & CLONE_NEWNS))
		return;
	*m = (struct plan_mount){
		.kind = PLAN_MOUNT_BIND,
		.destination = "/run/notify/notify.sock",
		.source = r->notify_socket,
		.fstype = "none",
		.attrs = { .userns = -1 },
		.rec_attrs = { .userns = -1 },
		.parent_source = plan->rootfs.parent_source,
	};
	plan->notify_socket = m->destination;
	plan->rootfs.mounts_count++;
}

static bool lies_below(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	return strncmp(path, dir, n) == 0 && path[n] == '/' && path[n + 1];
}

/* A read-only mount with another one inside: the mount point of that may have to be made in it. */
static void defer_readonly(struct plan_rootfs *rootfs)
{
	for (size_t i = 0; i < rootfs->mounts_count; i++) {
		struct plan_mount *m = &rootfs->mounts[i];
		bool bind = m->kind == PLAN_MOUNT_BIND && m->attrs.set & MOUNT_ATTR_RDONLY;
		bool new = m->kind == PLAN_MOUNT_NEW &&
			   m->ms_flags &MS_RDONLY &&text_equal(m->fstype, "tmpfs");
		if (!bind && !new)
			continue;
		for (size_t j = i + 1; j < rootfs->mounts_count && !m->late_readonly; j++)
			m->late_readonly =
				lies_below(rootfs->mounts[j].destination, m->destination);
		if (m->late_readonly && bind)
			m->attrs.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	}
}

int plan_mounts_make(const struct plan_request *r, struct plan *plan, struct err *e)
{
	const struct spec *s = r->spec;

	plan->rootfs.mounts = arena_new_array(r->arena, s->mounts_count + 1, struct plan_mount);
	if (!plan->rootfs.mounts)
		return arena_check(r->arena, e);
	plan->rootfs.cgroup_mount_index = s->mounts_count;
	for (size_t i = 0; i < s->mounts_count; i++) {
		struct plan_mount *m = &plan->rootfs.mounts[i];
		if (plan_mount(r, plan, &s->mounts[i], m, e) < 0)
			return err_prefix(e, "mounts[%zu]", i);
		bool cgroup = m->kind == PLAN_MOUNT_CGROUP_V1 || text_equal(m->fstype, "cgroup2");
		if (cgroup && i < plan->rootfs.cgroup_mount_index)
			plan->rootfs.cgroup_mount_index = i;
	}
	plan->rootfs.mounts_count = s->mounts_count;
	add_notify_socket(r, plan);
	/* What a sandbox binds belongs to the host: no mount point is ever made in it. */
	if (!s->sandbox)
		defer_readonly(&plan->rootfs);
	if (plan->rootfs.cgroup_mount_index == s->mounts_count)
		plan->rootfs.cgroup_mount_index = plan->rootfs.mounts_count;
	return arena_check(r->arena, e);
}
