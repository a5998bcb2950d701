/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-stale.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/plan/plan-host.h"
#include "runtime/state/state.h"
#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/base/text.h"

#define KIND       "sandbox:"
#define ROUNDS_MAX 256

/* "ROOT:ID:sandbox:PID.START" to the last two. Ids have no colon, and all is matched to the end. */
static bool parse(const char *mark, const char *root, uint32_t *pid, uint64_t *ticks)
{
	size_t n = strlen(root);
	char digits[16];

	if (strncmp(mark, root, n) != 0 || mark[n] != ':')
		return false;
	const char *kind = strchr(mark + n + 1, ':');
	if (!kind || kind == mark + n + 1 || !text_starts(kind + 1, KIND))
		return false;
	const char *number = kind + 1 + strlen(KIND), *dot = strchr(number, '.');
	if (!dot ||
	    text_cut(text_format(digits, sizeof digits, "%.*s", (int)(dot - number), number),
		     sizeof digits))
		return false;
	return text_parse_u32(digits, pid) == 0 && text_parse_u64(dot + 1, ticks) == 0;
}

static bool is_stale(const char *mark, void *data)
{
	uint32_t pid;
	uint64_t ticks;

	if (!parse(mark, data, &pid, &ticks))
		return false;
	CLEAN_FD int pidfd = pid_open_exact(AT_FDCWD, (pid_t)pid, ticks);
	return pidfd < 0;
}

static int plan_set(struct call *call, struct cgroup_set *set, struct err *e)
{
	struct host host;

	if (host_read(HOST_CGROUPS, call->arena, &host, e) < 0)
		return -1;
	return cgroup_set_plan(&host.cgroup,
			       host.euid == 0 && host.initial_userns ? "/husk-any" : "husk-any",
			       call->arena, set, e);
}

void sandbox_stale_remove(struct call *call, const struct cgroup_set *set)
{
	struct cgroup_set own, found;
	struct cgroup_created created;
	struct err ignored;
	const char *root;

	if (state_root_path(call->global.root, call->arena, &root, &ignored) < 0)
		root = "";
	if (!set && plan_set(call, &own, &ignored) < 0)
		return;
	if (!set)
		set = &own;
	for (int i = 0; i < ROUNDS_MAX; i++) {
		if (cgroup_find_marked_beside(set, "husk-", is_stale, (void *)(uintptr_t)root,
					      call->arena, &found, &created, &ignored) <= 0)
			return;
		if (cgroup_remove(&found, &created, 0, &ignored) < 0)
			return;
	}
}
