/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_STATS_PRINT_H
#define HUSK_CLI_STATS_PRINT_H

#include "src/cgroup/cgroup-stats.h"
#include "src/json/json-write.h"

/* The "data" object of an event of type stats, with the names that runc gives its members
 * (types/events.go there), which containerd and cadvisor-like callers parse. */
void stats_print(struct json_writer *w, const struct cgroup_stats *s);

#endif
