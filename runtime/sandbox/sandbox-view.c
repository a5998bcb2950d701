/* SPDX-License-Identifier: Apache-2.0 */
/* What a program sees of the file system when nothing was said about it. */
#include <string.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define BYTES_DEFAULT  (256ull << 20)
#define INODES_DEFAULT 65536
#define BIND_ATTRS     (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* What /etc has for root alone. As another user the kernel says no anyway, unless a group lets it.
 */
static const char *const secrets[] = {
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/ssh",
	"/etc/ssl/private",
	"/etc/krb5.keytab",
	"/etc/wireguard",
	"/etc/letsencrypt",
	"/etc/NetworkManager/system-connections",
	"/etc/security/opasswd",
	"/etc/pki/tls/private",
	"/etc/kubernetes",
};

/* To the host's root, whose id a sandbox of root has, procfs shows what nobody else can read. What
 * needs a capability on top of that is not here. */
static const char *const proc_secrets[] = {
	"/proc/kcore",      "/proc/timer_list", "/proc/slabinfo",     "/proc/vmallocinfo",
	"/proc/kpagecount", "/proc/kpageflags", "/proc/pagetypeinfo",
};

static const char *const devices[] = { "null", "zero", "full", "random", "urandom", "tty" };

struct spec_mount *sandbox_add_mount(struct sandbox_builder *b, const char *destination)
{
	struct spec *s = b->spec;

	/* Sized by the caller of all: only a failed allocation gets here. */
	if (!s->mounts || s->mounts_count == b->mounts_room) {
		b->arena->failed = 1;
		return NULL;
	}
	struct spec_mount *m = &s->mounts[s->mounts_count++];
	m->destination = arena_strdup(b->arena, destination);
	return m;
}

struct spec_mount *sandbox_add_tmpfs(struct sandbox_builder *b, const char *destination,
				     const char *mode, uint64_t attrs, const struct opt_u64 *bytes,
				     const struct opt_u64 *inodes)
{
	struct spec_mount *m = sandbox_add_mount(b, destination);

	if (!m)
		return NULL;
	m->type = m->source = arena_strdup(b->arena, "tmpfs");
	m->attr_set = attrs;
	m->data = arena_format(b->arena, "mode=%s,size=%llu,nr_inodes=%llu%s", mode,
			       (unsigned long long)(bytes->set ? bytes->value : BYTES_DEFAULT),
			       (unsigned long long)(inodes->set ? inodes->value : INODES_DEFAULT),
			       b->owner ? b->owner : "");
	return m;
}

uint64_t sandbox_tmp_bytes(const struct opt_u64 *own, const struct sandbox_limits *l)
{
	return own->set ? own->value : l->tmp_bytes.set ? l->tmp_bytes.value : BYTES_DEFAULT;
}

uint64_t sandbox_tmp_inodes(const struct opt_u64 *own, const struct sandbox_limits *l)
{
	return own->set ? own->value : l->tmp_inodes.set ? l->tmp_inodes.value : INODES_DEFAULT;
}

struct spec_mount *sandbox_add_bind(struct sandbox_builder *b, const char *source,
				    const char *destination, uint64_t attrs)
{
	struct spec_mount *m = sandbox_add_mount(b, destination);

	if (!m)
		return NULL;
	m->bind = m->bind_recursive = true;
	m->source = arena_strdup(b->arena, source);
	/* Everything below it, too: nothing is writable because it is a mount of its own. */
	m->rec_attr_set = attrs;
	return m;
}

void sandbox_add_symlink(struct sandbox_builder *b, const char *target, const char *destination)
{
	struct spec_mount *m = sandbox_add_mount(b, destination);

	if (!m)
		return;
	m->make = SPEC_MAKE_SYMLINK;
	m->content = arena_strdup(b->arena, target);
}

void sandbox_add_masked(struct sandbox_builder *b, const char *path)
{
	struct str_list *masked = &b->spec->linux_config->masked_paths;

	if (masked->count == b->masked_room) {
		b->arena->failed = 1;
		return;
	}
	masked->items[masked->count++] = arena_strdup(b->arena, path);
}

void sandbox_add_proc(struct sandbox_builder *b, const char *destination)
{
	if (b->host->proc_covered && b->sandbox->best_effort) {
		sandbox_note(
			b, "/proc: the one of the container around, where its processes are seen");
		sandbox_add_bind(b, "/proc", destination,
				 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC | BIND_ATTRS);
		return;
	}
	struct spec_mount *m = sandbox_add_mount(b, destination);

	if (!m)
		return;
	m->type = m->source = arena_strdup(b->arena, "proc");
	m->attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	const struct sandbox_protect *p = &b->sandbox->protect;
	if (p->proc || p->proc_subset)
		m->data = arena_format(b->arena, "hidepid=%u%s", p->proc,
				       p->proc_subset ? ",subset=pid" : "");
}

int sandbox_add_dev(struct sandbox_builder *b, const char *destination)
{
	struct opt_u64 bytes = { true, 65536 }, inodes = { true, 64 };
	struct arena *a = b->arena;
	bool usual = text_equal(destination, "/dev");

	sandbox_add_tmpfs(b, destination, "755", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, &bytes,
			  &inodes);
	struct spec_mount *m = sandbox_add_mount(b, arena_format(a, "%s/pts", destination));
	if (!m)
		return -1;
	m->type = m->source = arena_strdup(a, "devpts");
	m->attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	m->data = arena_strdup(a, "newinstance,ptmxmode=0666,mode=0620");
	sandbox_add_tmpfs(b, arena_format(a, "%s/shm", destination), "1777",
			  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
			  &b->sandbox->limits.tmp_bytes, &b->sandbox->limits.tmp_inodes);
	/* The planner fills in the usual one, as for every container. */
	for (size_t i = 0; !usual && i < sizeof devices / sizeof *devices; i++)
		sandbox_add_bind(b, arena_format(a, "/dev/%s", devices[i]),
				 arena_format(a, "%s/%s", destination, devices[i]),
				 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	if (!usual) {
		sandbox_add_symlink(b, "/proc/self/fd", arena_format(a, "%s/fd", destination));
		sandbox_add_symlink(b, "pts/ptmx", arena_format(a, "%s/ptmx", destination));
	}
	return 0;
}

static bool is_shown(const struct sandbox_builder *b, const char *path)
{
	for (size_t i = 0; i < SANDBOX_SYSTEM_DIRS; i++) {
		const struct sandbox_system_dir *d = &b->host->dirs[i];
		if (d->exists && path_is_within(path, d->path))
			return true;
	}
	return false;
}

/* A home that is worth hiding: its own directory, and not part of what is shown anyway. */
const char *sandbox_home(const struct sandbox_builder *b)
{
	const char *home = b->host->home;

	return home && *home == '/' && home[1] && !is_shown(b, home) ? home : NULL;
}

/* The working directory is shown, but never by it what is hidden or what is the sandbox's own. */
static bool cwd_is_hidden(const struct sandbox_builder *b)
{
	static const char *const own[] = { "/proc", "/dev", "/sys" };
	const char *home = sandbox_home(b), *cwd = b->host->cwd;

	if (home && path_is_within(home, cwd))
		return true;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
		if (path_is_within(cwd, own[i]))
			return true;
	}
	return text_equal(cwd, "/") || text_equal(cwd, "/tmp") || text_equal(cwd, "/run") ||
	       text_equal(cwd, "/var") || text_equal(cwd, "/var/tmp") || text_equal(cwd, "/home");
}

const struct sandbox_place *sandbox_root_of(const struct sandbox *s)
{
	for (size_t i = 0; i < s->places_count; i++) {
		const struct sandbox_place *p = &s->places[i];
		bool bind = p->kind == SANDBOX_BIND || p->kind == SANDBOX_RO_BIND ||
			    p->kind == SANDBOX_DEV_BIND;
		if (bind && text_equal(p->destination, "/"))
			return p;
	}
	return NULL;
}

bool sandbox_has_dev(const struct sandbox *s)
{
	for (size_t i = 0; i < s->places_count; i++) {
		if (s->places[i].kind == SANDBOX_DEV &&
		    text_equal(s->places[i].destination, "/dev"))
			return true;
	}
	return false;
}

const char *sandbox_directory(const struct sandbox_builder *b)
{
	const char *home = sandbox_home(b), *cwd = b->host->cwd;

	if (b->sandbox->directory)
		return b->sandbox->directory;
	if (b->sandbox->rootfs || b->sandbox->empty_root)
		return "/";
	if (sandbox_root_of(b->sandbox))
		return cwd;
	if (!cwd_is_hidden(b) || text_equal(cwd, "/tmp"))
		return cwd;
	return home && text_equal(cwd, home) ? home : "/";
}

static void add_system(struct sandbox_builder *b)
{
	for (size_t i = 0; i < SANDBOX_SYSTEM_DIRS; i++) {
		const struct sandbox_system_dir *d = &b->host->dirs[i];
		if (d->link)
			sandbox_add_symlink(b, d->link, d->path);
		else if (d->exists)
			sandbox_add_bind(b, d->path, d->path, MOUNT_ATTR_RDONLY | BIND_ATTRS);
	}
	/* Each costs a mount: what the kernel would not let this user read needs no cover. */
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
		if (access(secrets[i], R_OK) == 0)
			sandbox_add_masked(b, secrets[i]);
	}
}

/* What the host's root has, or nobody else; what needs a procfs is not there without. */
static void mask_proc(struct sandbox_builder *b)
{
	for (size_t i = 0; b->host->uid == 0 && i < sizeof proc_secrets / sizeof *proc_secrets;
	     i++) {
		if (access(proc_secrets[i], F_OK) == 0)
			sandbox_add_masked(b, proc_secrets[i]);
	}
}

static const char root_options[] = "mode=755,size=64m,nr_inodes=16384";

/* A root that has nothing: places put into it what there shall be. */
static int make_empty(struct sandbox_builder *b, struct err *e)
{
	b->spec->root->readonly = true;
	b->spec->sandbox->root_options = arena_strdup(b->arena, root_options);
	b->spec->sandbox->devices_own = !sandbox_has_dev(b->sandbox);
	mask_proc(b);
	return arena_check(b->arena, e);
}

int sandbox_view_make(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox_limits *l = &b->sandbox->limits;
	const uint64_t private = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	const struct sandbox_place *root = sandbox_root_of(b->sandbox);
	bool own = !b->sandbox->rootfs && !root;
	const char *home = sandbox_home(b);

	b->spec->root = arena_new(b->arena, struct spec_root);
	if (!b->spec->root)
		return arena_check(b->arena, e);
	if (b->sandbox->empty_root)
		return make_empty(b, e);
	b->spec->root->readonly = !root || root->kind == SANDBOX_RO_BIND ||
				  b->sandbox->protect.system == SANDBOX_SYSTEM_STRICT;
	const char *path = root ? root->source : b->sandbox->rootfs;
	if (path)
		b->spec->root->path = (char *)sandbox_absolute(b, path);
	if (!own)
		b->spec->sandbox->root_attrs =
			MOUNT_ATTR_NOSUID |
			(root && root->kind == SANDBOX_DEV_BIND ? 0u : MOUNT_ATTR_NODEV) |
			(b->spec->root->readonly ? MOUNT_ATTR_RDONLY : 0u);
	if (own) {
		b->spec->sandbox->root_options = arena_strdup(b->arena, root_options);
		add_system(b);
	}
	sandbox_add_proc(b, "/proc");
	sandbox_add_dev(b, "/dev");
	sandbox_add_tmpfs(b, "/tmp", "1777", private, &l->tmp_bytes, &l->tmp_inodes);
	sandbox_add_tmpfs(b, "/run", "755", private, &l->tmp_bytes, &l->tmp_inodes);
	if (own) {
		sandbox_add_symlink(b, "../tmp", "/var/tmp");
		sandbox_add_symlink(b, "../run", "/var/run");
	}
	if (own && home && b->sandbox->protect.home == SANDBOX_HOME_READ_ONLY)
		sandbox_add_bind(b, home, home, MOUNT_ATTR_RDONLY | BIND_ATTRS);
	else if (own && home)
		sandbox_add_tmpfs(b, home, "700", private, &l->tmp_bytes, &l->tmp_inodes);
	bool covered = path_is_within(b->host->cwd, "/tmp") || path_is_within(b->host->cwd, "/run");
	if (((own && !is_shown(b, b->host->cwd)) || (root && covered)) && !cwd_is_hidden(b))
		sandbox_add_bind(b, b->host->cwd, b->host->cwd, MOUNT_ATTR_RDONLY | BIND_ATTRS);
	mask_proc(b);
	return arena_check(b->arena, e);
}
