/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_STALE_H
#define HUSK_CLI_SANDBOX_STALE_H

#include "runtime/cli/cli.h"
#include "src/cgroup/cgroup.h"

/*
 * Control groups of sandboxes without a name whose husk was killed: nothing runs in them, as their first
 * process was tied to it, and nobody else will remove them. Only those are touched that carry the mark
 * of such a sandbox under the same --root, and whose creator (pid and start time) is gone; nothing is
 * killed. Looked for beside @set, or where the next one would be made (NULL). No failure is worth a word.
 */
void sandbox_stale_remove(struct call *call, const struct cgroup_set *set);

#endif
