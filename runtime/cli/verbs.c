/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <string.h>

#include "src/base/text.h"

#define AT(member) offsetof(struct global_options, member)

const struct option_row global_rows[] = {
	{ "root", 0, OPTION_STRING, AT(root), "DIR",
	  "where the state of containers is kept (default: /run/husk)" },
	{ "log", 0, OPTION_STRING, AT(log), "DEST",
	  "log to FILE, file:FILE, syslog:TAG, journald:TAG" },
	{ "log-format", 0, OPTION_STRING, AT(log_format), "FORMAT", "text (default) or json" },
	{ "log-level", 0, OPTION_STRING, AT(log_level), "LEVEL",
	  "error, warning (default) or debug" },
	{ "debug", 0, OPTION_FLAG, AT(debug), NULL, "log every step with its time" },
	{ "systemd-cgroup", 's', OPTION_FLAG, AT(systemd_cgroup), NULL,
	  "use systemd for cgroups (refused: not supported)" },
	{ "cgroup-manager", 0, OPTION_STRING, AT(cgroup_manager), "NAME",
	  "cgroupfs (default) or disabled" },
	{ "rootless", 0, OPTION_STRING, AT(rootless), "MODE",
	  "true, false or auto; accepted, rights are looked at themselves" },
	{ "version", 'v', OPTION_FLAG, AT(version), NULL,
	  "print version, commit and specification" },
	{ "help", 'h', OPTION_FLAG, AT(help), NULL, "print this" },
};
const size_t global_rows_count = sizeof global_rows / sizeof *global_rows;

const struct verb *const verbs[] = {
	&verb_sandbox, &verb_create, &verb_start,     &verb_run,      &verb_exec,   &verb_kill,
	&verb_delete,  &verb_state,  &verb_list,      &verb_ps,       &verb_pause,  &verb_resume,
	&verb_update,  &verb_events, &verb_spec,      &verb_features, &verb_policy, &verb_learn,
	&verb_doctor,  &verb_vm,     &verb_minijail0, NULL,
};

const struct verb *verb_find(const char *name)
{
	for (size_t i = 0; verbs[i]; i++) {
		if (text_equal(verbs[i]->name, name))
			return verbs[i];
	}
	return NULL;
}
