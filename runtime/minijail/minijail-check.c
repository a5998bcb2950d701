/* SPDX-License-Identifier: Apache-2.0 */
/* What excludes what, and what implies what. */
#include <string.h>

#include "runtime/minijail/minijail.h"
#include "src/base/text.h"

static int usage(struct err *e, const char *text)
{
	return err_set(e, ERR_USAGE, 0, "%s", text);
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (text_equal(text, *words))
			return true;
	}
	return false;
}

static int check_words(const struct minijail *m, struct err *e)
{
	static const char *const modes[] = { "slave", "private", "shared", "unbindable", NULL };
	static const char *const profiles[] = { "minimalistic-mountns",
						"minimalistic-mountns-nodev", NULL };
	static const char *const places[] = { "auto", "syslog", "stderr", NULL };
	static const char *const types[] = { "static", "dynamic", NULL };

	if (m->propagation.value && !is_one_of(m->propagation.value, modes))
		return err_set(e, ERR_USAGE, 0,
			       "-K%s: is none of slave, private, shared, unbindable",
			       m->propagation.value);
	if (m->profile && !is_one_of(m->profile, profiles))
		return err_set(e, ERR_USAGE, 0,
			       "--profile %s: is none of minimalistic-mountns, "
			       "minimalistic-mountns-nodev",
			       m->profile);
	if (m->logging && !is_one_of(m->logging, places))
		return err_set(e, ERR_USAGE, 0, "--logging %s: is none of auto, syslog, stderr",
			       m->logging);
	if (m->elf_type && !is_one_of(m->elf_type, types))
		return err_set(e, ERR_USAGE, 0, "-T %s: is neither static nor dynamic",
			       m->elf_type);
	return 0;
}

static int check_policies(const struct minijail *m, struct err *e)
{
	if (m->strict_mode + (m->policy != NULL) + (m->policy_binary != NULL) > 1)
		return usage(e, "-s, -S and --seccomp-bpf-binary exclude each other");
	if (m->log && m->policy_binary)
		return usage(e, "-L: a program of --seccomp-bpf-binary is taken as it is");
	if (m->alt_syscall)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"-a %s: other tables of system calls are a patch of ChromeOS kernels "
			"(PR_ALT_SYSCALL) that no longer exists; use -S",
			m->alt_syscall);
	return 0;
}

static int check_users(const struct minijail *m, struct err *e)
{
	bool by_name = m->user && m->user[strspn(m->user, "0123456789")];

	if (m->keep_groups && m->inherit_groups)
		return usage(e, "-y and -G exclude each other");
	if (m->add_groups.count && (m->keep_groups || m->inherit_groups))
		return usage(e, "--add-suppl-group excludes -y and -G");
	if (m->inherit_groups && !by_name)
		return usage(e, "-G: needs -u with the name of a user");
	if (m->ambient && !m->caps)
		return usage(e, "--ambient: needs -c");
	return 0;
}

static int check_mounts(const struct minijail *m, struct err *e)
{
	bool binds = false, mounts = false;
	bool own = m->pivot || m->mount_namespace || m->profile;

	if (m->chroot && (m->pivot || m->profile))
		return usage(e, m->pivot ? "-C and -P exclude each other"
					 : "-C: --profile has a root of its own");
	for (size_t i = 0; i < m->mounts.count; i++) {
		binds |= *m->mounts.items[i] == 'b';
		mounts |= *m->mounts.items[i] == 'k';
	}
	if (binds && !m->chroot && !own)
		return usage(e, "-b: needs -C, -P or -v");
	/* Of what implies -v. It would be the host that gets the mount. */
	own |= m->tmp.given || m->mount_dev || m->pid || m->run_as_init || m->user_namespace ||
	       m->uid_map.given || m->gid_map.given || m->proc_readonly;
	if (mounts && !m->chroot && !own)
		return usage(e,
			     "-k: needs -v, -C or -P, or the host would have the mount for good");
	if (m->propagation.given && !m->mount_namespace)
		return usage(e, "-K: only has a meaning with -v");
	if (m->no_paths && (m->paths.count || m->default_paths))
		return usage(e, "--no-fs-restrictions excludes the options that are such");
	return 0;
}

static void imply(struct minijail *m)
{
	m->user_namespace |= m->uid_map.given || m->gid_map.given;
	m->pid |= m->user_namespace || m->run_as_init;
	m->proc_readonly |= m->pid;
	if (m->profile) {
		m->proc_readonly = true;
		m->mount_dev |= text_equal(m->profile, "minimalistic-mountns");
		m->tmp.given = true;
	}
	/* With -C minijail0 mounts in the caller's namespace, where it stays when the jail is gone. */
	m->mount_namespace |= m->pivot || m->profile || m->tmp.given || m->mount_dev ||
			      m->proc_readonly || m->mounts.count;
}

int minijail_check(struct minijail *m, struct err *e)
{
	if (check_words(m, e) < 0 || check_policies(m, e) < 0 || check_users(m, e) < 0 ||
	    check_mounts(m, e) < 0)
		return -1;
	imply(m);
	if (m->mount_namespace_path && m->mount_namespace)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"-V: together with a new mount namespace (-v, or what implies it) it "
			"is not supported; call this with nsenter --mount=%s",
			m->mount_namespace_path);
	return 0;
}
