/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/audit.h>
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* What architectures are called elsewhere: by minijail, uname(2), Debian. */
static const struct {
	const char *name;
	uint32_t token;
} aliases[] = {
	{ "amd64", AUDIT_ARCH_X86_64 },  { "x86-64", AUDIT_ARCH_X86_64 },
	{ "i386", AUDIT_ARCH_I386 },     { "i686", AUDIT_ARCH_I386 },
	{ "arm64", AUDIT_ARCH_AARCH64 }, { "armhf", AUDIT_ARCH_ARM },
	{ "armv7", AUDIT_ARCH_ARM },     { "armv7l", AUDIT_ARCH_ARM },
};

uint32_t policy_arch_parse(const char *name)
{
	const struct seccomp_arch *arch = seccomp_names_arch_parse(name);

	if (arch)
		return arch->token;
	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
		if (text_equal(aliases[i].name, name))
			return aliases[i].token;
	return 0;
}

/* ---------------------------------------------------------------- actions */

int policy_action_parse(const char *text, uint32_t *action, struct err *e)
{
	struct policy_options options = { 0 };
	struct arena arena;
	struct policy policy;
	struct err why;
	/* The words stand in a table; the rest is the parser's. */
	if (policy_action_word(text, strlen(text), action) == 0)
		return 0;
	arena_init(&arena, 1 << 20);
	char *statement = strpbrk(text, "\n#\\{};&|") ? NULL : arena_format(&arena, "0: %s", text);
	bool known = statement && text_starts(text, "return ") &&
		     policy_parse("action", statement, strlen(statement), &options, &arena, &policy,
				  &why) == 0;
	if (known)
		*action = policy.seccomp.rules[0].action;
	arena_free(&arena);
	if (known)
		return 0;
	return err_set(e, ERR_USAGE, 0,
		       "\"%s\" is no action: allow, log, kill-process, kill-thread, trap, trace, "
		       "user-notify, \"return ERRNO\"",
		       text);
}

uint32_t policy_action_logged(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
	case SECCOMP_RET_TRACE:
	case SECCOMP_RET_USER_NOTIF:
		return action;
	default:
		return SECCOMP_RET_LOG;
	}
}

static const char *const errnos[] = {
	[1] = "EPERM",   [2] = "ENOENT",  [3] = "ESRCH",       [4] = "EINTR",
	[5] = "EIO",     [6] = "ENXIO",   [9] = "EBADF",       [11] = "EAGAIN",
	[12] = "ENOMEM", [13] = "EACCES", [14] = "EFAULT",     [16] = "EBUSY",
	[17] = "EEXIST", [19] = "ENODEV", [22] = "EINVAL",     [25] = "ENOTTY",
	[30] = "EROFS",  [38] = "ENOSYS", [95] = "EOPNOTSUPP", [97] = "EAFNOSUPPORT",
};

void policy_action_print(uint32_t action, char *out, size_t size)
{
	uint32_t data = action & SECCOMP_RET_DATA;
	const char *name;

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ALLOW:
		name = "allow";
		break;
	case SECCOMP_RET_LOG:
		name = "log";
		break;
	case SECCOMP_RET_TRAP:
		name = "trap";
		break;
	case SECCOMP_RET_USER_NOTIF:
		name = "user-notify";
		break;
	case SECCOMP_RET_KILL_PROCESS:
		name = "kill-process";
		break;
	case SECCOMP_RET_KILL_THREAD:
		name = "kill-thread";
		break;
	case SECCOMP_RET_TRACE:
		text_format(out, size, data ? "trace %u" : "trace", data);
		return;
	case SECCOMP_RET_ERRNO:
		if (data < sizeof errnos / sizeof *errnos && errnos[data])
			text_format(out, size, "return %s", errnos[data]);
		else
			text_format(out, size, "return %u", data);
		return;
	default:
		text_format(out, size, "0x%08x", action);
		return;
	}
	text_format(out, size, "%s", name);
}
