/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/minijail/minijail.h"
#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define ETC_POLICY       "/etc/security/minijail/v0.bin"
#define PRESERVE_FDS_MAX 256

int minijail_host_read(struct arena *a, struct minijail_host *h, struct err *e)
{
	char cwd[PATH_MAX];
	CLEAN_FD int procfd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	*h = (struct minijail_host){
		.uid = geteuid(),
		.gid = getegid(),
		.environ = environ,
		.passwd = "/etc/passwd",
		.groups = "/etc/group",
		.etc_policy = access(ETC_POLICY, F_OK) == 0 ? ETC_POLICY : NULL,
		.dev_log = access("/dev/log", F_OK) == 0,
		.cwd = getcwd(cwd, sizeof cwd) && *cwd == '/' ? arena_strdup(a, cwd) : NULL,
	};
	if (procfd < 0)
		return err_sys(e, "open /proc");
	if (cred_caps_read(procfd, &h->caps, e) < 0 ||
	    cred_caps_known(procfd, &h->caps_known, e) < 0)
		return -1;
	return arena_check(a, e);
}

char *minijail_absolute(struct minijail_builder *b, const char *path)
{
	if (*path == '/')
		return arena_strdup(b->arena, path);
	return arena_format(b->arena, "%s/%s", b->host->cwd ? b->host->cwd : "", path);
}

bool minijail_has_policy(const struct minijail_builder *b)
{
	return b->made->policy || b->jail->strict_mode;
}

bool minijail_gains_nothing(const struct minijail_builder *b)
{
	return b->spec->process->no_new_privileges;
}

/* ---- environment ---- */

static bool same_name(const char *a, const char *b)
{
	size_t n = strcspn(a, "=");

	return strncmp(a, b, n) == 0 && b[n] == '=';
}

/* The last one of a name counts. */
static void put_env(struct str_list *env, const char *entry)
{
	for (size_t i = 0; i < env->count; i++) {
		if (same_name(entry, env->items[i])) {
			env->items[i] = (char *)entry;
			return;
		}
	}
	env->items[env->count++] = (char *)entry;
}

static int make_env(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct str_list *env = &b->spec->process->env;
	size_t count = 0;

	while (!m->clear_environment && b->host->environ[count])
		count++;
	env->items = arena_new_array(b->arena, count + m->environment.count + 1, char *);
	if (!env->items)
		return arena_check(b->arena, e);
	memcpy(env->items, b->host->environ, count * sizeof *env->items);
	env->count = count;
	for (size_t i = 0; i < m->environment.count; i++) {
		const char *entry = m->environment.items[i];
		if (*entry == '=' || !strchr(entry, '='))
			return err_set(e, ERR_USAGE, 0, "--env-add %s: is not <name>=<value>",
				       entry);
		put_env(env, entry);
	}
	b->spec->sandbox->inherit.environment = true;
	return 0;
}

/* ---- namespaces ---- */

static void add_namespace(struct spec_linux *l, bool wanted, unsigned long type, char *path)
{
	if (!wanted)
		return;
	l->namespaces[l->namespaces_count++] = (struct spec_namespace){ type, path };
	l->namespace_types |= type;
}

static int make_namespaces(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_linux *l = b->spec->linux_config;
	char *net = m->net.value ? minijail_absolute(b, m->net.value) : NULL;
	char *mounts =
		m->mount_namespace_path ? minijail_absolute(b, m->mount_namespace_path) : NULL;

	l->namespaces = arena_new_array(b->arena, 8, struct spec_namespace);
	if (!l->namespaces)
		return arena_check(b->arena, e);
	add_namespace(l, m->user_namespace, CLONE_NEWUSER, NULL);
	add_namespace(l, m->mount_namespace || mounts, CLONE_NEWNS, mounts);
	add_namespace(l, m->pid, CLONE_NEWPID, NULL);
	add_namespace(l, m->net.given, CLONE_NEWNET, net);
	add_namespace(l, m->ipc, CLONE_NEWIPC, NULL);
	add_namespace(l, m->uts.given, CLONE_NEWUTS, NULL);
	add_namespace(l, m->cgroup, CLONE_NEWCGROUP, NULL);
	b->new_mounts = m->mount_namespace;
	if (m->uts.value && (!*m->uts.value || strlen(m->uts.value) > 64))
		return err_set(e, ERR_USAGE, 0, "--uts=%s: a host name has 1 to 64 letters",
			       m->uts.value);
	b->spec->hostname = m->uts.value ? arena_strdup(b->arena, m->uts.value) : NULL;
	return 0;
}

/* ---- the process ---- */

static int make_rlimits(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_process *p = b->spec->process;
	struct spec_rlimit limit;

	p->rlimits = arena_new_array(b->arena, m->rlimits.count + 1, struct spec_rlimit);
	if (!p->rlimits)
		return arena_check(b->arena, e);
	for (size_t i = 0; i < m->rlimits.count; i++) {
		size_t at = 0;
		if (minijail_rlimit_parse(m->rlimits.items[i], b->arena, &limit, e) < 0)
			return -1;
		while (at < p->rlimits_count && p->rlimits[at].resource != limit.resource)
			at++;
		p->rlimits[at] = limit;
		p->rlimits_count += at == p->rlimits_count;
	}
	return 0;
}

static int make_fds(struct minijail_builder *b, struct err *e)
{
	const struct minijail_list *list = &b->jail->preserve_fds;
	uint32_t *fds = arena_new_array(b->arena, list->count + 1, uint32_t);
	struct spec_sandbox *s = b->spec->sandbox;

	if (!fds)
		return arena_check(b->arena, e);
	if (list->count > PRESERVE_FDS_MAX)
		return err_set(e, ERR_USAGE, 0, "--preserve-fd: more than %d", PRESERVE_FDS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		if (text_parse_u32(list->items[i], &fds[s->kept_fds_count]) < 0 ||
		    fds[s->kept_fds_count] > INT_MAX)
			return err_set(e, ERR_USAGE, 0, "--preserve-fd %s: is not a number",
				       list->items[i]);
		/* The first three stay open anyway. */
		s->kept_fds_count += fds[s->kept_fds_count] > 2;
	}
	s->kept_fds = fds;
	return 0;
}

static void choose_policy(struct minijail_builder *b)
{
	const struct minijail *m = b->jail;
	struct minijail_made *made = b->made;

	made->policy = m->policy ? m->policy : m->policy_binary;
	made->policy_binary = m->policy_binary;
	/* What every jail gets where the administrator, and whoever calls, said nothing else. */
	bool own = made->policy || m->strict_mode;
	if (!own && !m->no_default_runtime && b->host->etc_policy) {
		made->policy = b->host->etc_policy;
		made->policy_binary = true;
	}
	b->spec->process->no_new_privileges =
		m->no_new_privs || (!m->policy && !m->policy_binary && !m->no_default_runtime);
}

/* Without the right to install a filter it is too late to say so when everything else is done. */
static int check_policy(const struct minijail_builder *b, struct err *e)
{
	bool admin = b->host->caps.effective >> CAP_SYS_ADMIN & 1 || b->jail->user_namespace;

	if (!minijail_has_policy(b) || minijail_gains_nothing(b) || admin)
		return 0;
	return err_set(e, ERR_USAGE, 0, "%s: needs -n, unless the caller has CAP_SYS_ADMIN",
		       b->jail->policy        ? "-S"
		       : b->jail->strict_mode ? "-s"
					      : "--seccomp-bpf-binary");
}

static int make_process(struct minijail_builder *b, struct err *e)
{
	const struct minijail *m = b->jail;
	struct spec_process *p = b->spec->process;
	struct spec_inherit *inherit = &b->spec->sandbox->inherit;

	p->args.items = m->command;
	while (m->command[p->args.count])
		p->args.count++;
	inherit->directory = !m->chroot && !m->pivot && !m->profile;
	p->cwd = arena_strdup(b->arena, inherit->directory && b->host->cwd ? b->host->cwd : "/");
	inherit->session = m->no_new_session;
	inherit->signals = true;
	if (make_env(b, e) < 0 || make_rlimits(b, e) < 0 || make_fds(b, e) < 0)
		return -1;
	return 0;
}

/* The program's process has CAP_SYS_ADMIN after its execve, too. */
static bool keeps_admin(const struct minijail_builder *b)
{
	const struct minijail *m = b->jail;
	uint64_t caps = 0;
	struct err ignored;
	bool root = b->spec->sandbox->inherit.uid ? b->host->uid == 0 && !m->user_namespace
						  : b->spec->process->user.uid == 0;

	if (m->caps)
		return minijail_caps_parse(m->caps, b->host->caps_known, &caps, &ignored) == 0 &&
		       caps & CRED_CAP_BIT(CAP_SYS_ADMIN);
	return root;
}

static void choose_gate(struct minijail_builder *b, bool is_static)
{
	b->made->at_entry = minijail_has_policy(b) && !is_static;
	b->spec->sandbox->gate = b->made->at_entry ? SPEC_GATE_ENTRY : SPEC_GATE_STRICT;
	/* At its entry the program is who it shall be, and has no other right to a filter than this;
	 * and so it is with Landlock, which comes after the last path that is looked at as root. */
	if ((b->made->at_entry || b->spec->sandbox->landlock_rules_count) && !keeps_admin(b))
		b->spec->process->no_new_privileges = true;
}

static int allocate(struct minijail_builder *b, struct err *e)
{
	struct arena *a = b->arena;
	struct spec *s = arena_new(a, struct spec);

	if (!s)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "allocate memory");
	b->spec = b->made->spec = s;
	s->oci_version = arena_strdup(a, SPEC_OCI_VERSION_MAX);
	s->process = arena_new(a, struct spec_process);
	s->linux_config = arena_new(a, struct spec_linux);
	s->sandbox = arena_new(a, struct spec_sandbox);
	return arena_check(a, e);
}

int minijail_spec_make(const struct minijail *m, const struct minijail_host *h, struct arena *a,
		       struct minijail_made *made, struct err *e)
{
	struct minijail_builder b = { .jail = m, .host = h, .arena = a, .made = made };
	bool is_static;

	*made = (struct minijail_made){ 0 };
	if (!m->command[0])
		return err_set(e, ERR_USAGE, 0, "there is no program to run");
	if (allocate(&b, e) < 0)
		return -1;
	choose_policy(&b);
	b.spec->sandbox->reaper = m->pid && !m->run_as_init;
	/* What is left to itself on purpose has no parent to die with. */
	b.spec->sandbox->die_with_parent = !m->background && !m->no_forward;
	if (check_policy(&b, e) < 0 || make_namespaces(&b, e) < 0 || make_process(&b, e) < 0 ||
	    minijail_users_make(&b, e) < 0 || minijail_mounts_make(&b, e) < 0 ||
	    minijail_landlock_make(&b, e) < 0)
		return -1;
	is_static =
		m->elf_type ? text_equal(m->elf_type, "static") : minijail_program_is_static(&b);
	choose_gate(&b, is_static);
	if (minijail_caps_make(&b, is_static, e) < 0)
		return -1;
	return arena_check(a, e);
}
