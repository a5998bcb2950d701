/* SPDX-License-Identifier: Apache-2.0 */
/* From what was asked for to a spec, which goes the way of every container. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define DEFAULT_MOUNTS      48 /* more than sandbox-view.c and --dev can make of one entry */
#define PLACE_MOUNTS        12
#define MOUNTINFO_BYTES_MAX (16u << 20)
#define DEFAULT_MASKS       48

static const char *const system_dirs[SANDBOX_SYSTEM_DIRS] = {
	"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32",
};

/* The mount point is the fifth word of a line. An empty directory that waits to be mounted hides
 * nothing. */
static int read_covered(struct arena *a, struct sandbox_host *h, struct err *e)
{
	CLEAN_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	char *text, *line;
	size_t length;

	if (fd < 0)
		return err_sys(e, "open /proc/self/mountinfo");
	if (io_read_file(fd, "/proc/self/mountinfo", MOUNTINFO_BYTES_MAX, a, &text, &length, e) < 0)
		return -1;
	for (line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		const char *word = line;
		for (int i = 0; i < 4 && word; i++) {
			word = strchr(word, ' ');
			word += word != NULL;
		}
		if (word && text_starts(word, "/proc/") &&
		    !text_starts(word, "/proc/sys/fs/binfmt_misc"))
			h->proc_covered = true;
	}
	return 0;
}

/* Engines let their containers set names only with CAP_SYS_ADMIN, by a filter, which holds for the
 * containers' own namespaces, too. It can only be tried. */
static bool read_names_fixed(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		bool fixed = unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0 && sethostname("x", 1) < 0;
		_exit(fixed);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status);
}

int sandbox_host_read(bool best_effort, struct arena *a, struct sandbox_host *h, struct err *e)
{
	char text[PATH_MAX];
	struct sysinfo info;
	struct stat st;

	h->uid = geteuid();
	h->gid = getegid();
	h->environ = environ;
	h->home = getenv("HOME");
	if (best_effort && read_covered(a, h, e) < 0)
		return -1;
	h->names_fixed = best_effort && read_names_fixed();
	if (!getcwd(text, sizeof text))
		return err_sys(e, "read working directory");
	h->cwd = arena_strdup(a, text);
	h->swap = sysinfo(&info) == 0 && info.totalswap;
	for (size_t i = 0; i < SANDBOX_SYSTEM_DIRS; i++) {
		struct sandbox_system_dir *d = &h->dirs[i];
		d->path = system_dirs[i];
		d->exists = lstat(d->path, &st) == 0;
		if (!d->exists || !S_ISLNK(st.st_mode))
			continue;
		ssize_t n = readlink(d->path, text, sizeof text - 1);
		if (n < 0)
			return err_sys(e, "read symlink %s", d->path);
		d->link = arena_memdup(a, text, (size_t)n);
	}
	return arena_check(a, e);
}

void sandbox_note(struct sandbox_builder *b, const char *text)
{
	struct sandbox_weakened *w = &b->made->weakened;

	if (w->count < SANDBOX_WEAKENED_MAX)
		w->items[w->count++] = arena_strdup(b->arena, text);
}

int sandbox_weaken(struct sandbox_builder *b, struct err *e, const char *format, ...)
{
	char text[ERR_MSG_MAX];
	va_list args;

	va_start(args, format);
	text_vformat(text, sizeof text, format, args);
	va_end(args);
	if (!b->sandbox->best_effort) {
		err_set(e, ERR_UNSUPPORTED, 0, "%s", text);
		return err_append(e, "; --best-effort goes on without it");
	}
	sandbox_note(b, text);
	return 0;
}

/* ---- environment ---- */

/* What programs need to find their way, and nothing that lets anybody in. */
static const char *const kept_names[] = {
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLORTERM", "LANG", "LANGUAGE", "TZ",
};

static bool is_listed(const struct str_list *list, const char *name, size_t length)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strlen(list->items[i]) == length && memcmp(list->items[i], name, length) == 0)
			return true;
	}
	return false;
}

static bool is_kept(const struct sandbox *s, const char *name, size_t length)
{
	if (is_listed(&s->keep_environment, name, length))
		return true;
	if (s->clear_environment)
		return false;
	if (length > 3 && memcmp(name, "LC_", 3) == 0)
		return true;
	for (size_t i = 0; i < sizeof kept_names / sizeof *kept_names; i++) {
		if (strlen(kept_names[i]) == length && memcmp(kept_names[i], name, length) == 0)
			return true;
	}
	return false;
}

static bool is_set(const struct sandbox *s, const char *name, size_t length)
{
	for (size_t i = 0; i < s->environment_count; i++) {
		const char *key = s->environment[i].key;
		if (strlen(key) == length && memcmp(key, name, length) == 0)
			return true;
	}
	return false;
}

static int make_env(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox *s = b->sandbox;
	struct str_list *env = &b->spec->process->env;
	size_t count = 0;

	while (b->host->environ[count])
		count++;
	env->items = arena_new_array(b->arena, count + s->environment_count + 1, char *);
	if (!env->items)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < count; i++) {
		char *entry = b->host->environ[i];
		size_t length = strcspn(entry, "=");
		if (length && entry[length] && is_kept(s, entry, length) &&
		    !is_listed(&s->unset_environment, entry, length) && !is_set(s, entry, length))
			env->items[env->count++] = entry;
	}
	for (size_t i = 0; i < s->environment_count; i++) {
		const struct key_value *kv = &s->environment[i];
		if (!is_listed(&s->unset_environment, kv->key, strlen(kv->key)))
			env->items[env->count++] =
				arena_format(b->arena, "%s=%s", kv->key, kv->value);
	}
	return arena_check(b->arena, e);
}

/* ---- process and namespaces ---- */

int sandbox_process_make(struct sandbox_builder *b, struct err *e)
{
	const struct sandbox *s = b->sandbox;
	struct spec_process *p = b->spec->process;

	p->args = s->command;
	p->cwd = (char *)sandbox_directory(b);
	p->user.uid = s->uid.set ? s->uid.value : b->host->uid;
	p->user.gid = s->gid.set ? s->gid.value : b->host->gid;
	p->no_new_privileges = true;
	p->terminal = s->terminal;
	return sandbox_caps_make(b, e) < 0 ? -1 : make_env(b, e);
}

static int make_namespaces(struct sandbox_builder *b, struct err *e)
{
	static const unsigned long types[] = {
		CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNS,     CLONE_NEWNET,
		CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP,
	};
	const struct sandbox *s = b->sandbox;
	struct spec_linux *l = b->spec->linux_config;

	l->namespaces =
		arena_new_array(b->arena, sizeof types / sizeof *types + 1, struct spec_namespace);
	if (!l->namespaces)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		bool net = types[i] == CLONE_NEWNET;
		if (net && s->network == SANDBOX_NET_HOST)
			continue;
		l->namespaces[l->namespaces_count++] = (struct spec_namespace){
			types[i], net && s->network == SANDBOX_NET_JOIN ? s->network_path : NULL
		};
		l->namespace_types |= types[i];
	}
	if (s->time_offset.set) {
		l->namespaces[l->namespaces_count++] =
			(struct spec_namespace){ CLONE_NEWTIME, NULL };
		l->namespace_types |= CLONE_NEWTIME;
		l->monotonic_offset = l->boottime_offset =
			(struct spec_time_offset){ .set = true, .sec = s->time_offset.value };
	}
	return 0;
}

static void make_walls(struct sandbox_builder *b)
{
	/* The second wall is a gift where the kernel has it: without it the first one stands as
	 * well. */
	if (!b->host->landlock && !b->sandbox->no_landlock)
		sandbox_note(b, "Landlock: this kernel has none");
	b->spec->sandbox->landlock = !b->sandbox->no_landlock;
}

static int allocate(struct sandbox_builder *b, struct err *e)
{
	struct arena *a = b->arena;
	struct spec *s = arena_new(a, struct spec);

	if (!s)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "allocate memory");
	b->spec = b->made->spec = s;
	b->mounts_room = DEFAULT_MOUNTS + b->sandbox->places_count * PLACE_MOUNTS;
	b->masked_room = DEFAULT_MASKS + b->sandbox->places_count;
	s->oci_version = arena_strdup(a, SPEC_OCI_VERSION_MAX);
	s->process = arena_new(a, struct spec_process);
	s->linux_config = arena_new(a, struct spec_linux);
	s->sandbox = arena_new(a, struct spec_sandbox);
	s->mounts = arena_new_array(a, b->mounts_room, struct spec_mount);
	if (!s->process || !s->linux_config || !s->sandbox || !s->mounts)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "allocate memory");
	s->linux_config->masked_paths.items = arena_new_array(a, b->masked_room + 1, char *);
	return arena_check(a, e);
}

static enum spec_gate gate_of(const struct sandbox *s)
{
	switch (s->gate) {
	case SANDBOX_GATE_NONE:
		return SPEC_GATE_NONE;
	case SANDBOX_GATE_ENTRY:
		return SPEC_GATE_ENTRY;
	default:
		return SPEC_GATE_STRICT;
	}
}

int sandbox_spec_make(const struct sandbox *s, const struct sandbox_host *h, struct arena *a,
		      struct sandbox_made *made, struct err *e)
{
	struct sandbox_builder b = { .sandbox = s, .host = h, .arena = a, .made = made };

	*made = (struct sandbox_made){ 0 };
	if (!s->command.count)
		return err_config(e, "command: is missing, there is nothing to run");
	if (sandbox_check(s, e) < 0 || allocate(&b, e) < 0)
		return -1;
	b.spec->sandbox->reaper = true;
	b.spec->sandbox->argv0 = s->argv0;
	b.spec->sandbox->held_fd = s->sync_fd;
	b.spec->sandbox->lock_files = s->lock_files;
	b.spec->sandbox->die_with_parent = true;
	b.spec->sandbox->gate = gate_of(s);
	if (h->names_fixed)
		sandbox_note(&b, "hostname: that of the container around, which forbids another");
	else
		b.spec->hostname = s->hostname ? s->hostname : arena_strdup(a, "sandbox");
	if (sandbox_process_make(&b, e) < 0 || make_namespaces(&b, e) < 0 ||
	    sandbox_identity_make(&b, e) < 0 || sandbox_view_make(&b, e) < 0 ||
	    sandbox_protect_make(&b, e) < 0 || sandbox_machine_id_make(&b, e) < 0 ||
	    sandbox_network_make(&b, e) < 0 || sandbox_places_make(&b, e) < 0 ||
	    sandbox_limits_make(&b, e) < 0)
		return -1;
	make_walls(&b);
	return arena_check(a, e);
}
