/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_SCOPE_H
#define HUSK_CLI_SANDBOX_SCOPE_H

#include "runtime/cli/cli.h"
#include "runtime/plan/plan-host.h"

/*
 * Control groups for a user who may make none: shells of a login session are in a scope that belongs to
 * root, but the user's own service manager may give them away (systemd.resource-control(5), Delegate=).
 */

/*
 * Execute husk again with the same arguments, in a delegated scope of the user's manager, by
 * systemd-run(1). Descriptors, directory, environment and process id stay as they are. Returns 0 where
 * there is no such manager, or this is a scope already; -1 with @e when it could not be executed.
 */
int sandbox_scope_execute(const struct call *call, struct err *e);

/*
 * What was read from @fd while options were parsed is put back, as far as that husk could read it: it gets
 * the descriptor with a copy.
 */
int sandbox_scope_keep(int fd, const void *data, size_t length, struct err *e);

/*
 * In that scope: go one level down, because a group that has members cannot hand on controllers
 * (cgroups(7), "no internal processes"). 1: this process has moved, and @host is out of date. 0: this is no
 * such scope. -1.
 */
int sandbox_scope_settle(const struct host *host, struct err *e);

#endif
