/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VERBS_H
#define HUSK_CLI_VERBS_H

#include "runtime/cli/cli.h"

/* One per file, runtime/cli/NAME.c. */
extern const struct verb verb_create, verb_start, verb_run, verb_exec, verb_kill, verb_delete,
	verb_state, verb_list, verb_ps, verb_pause, verb_resume, verb_update, verb_events,
	verb_spec, verb_features, verb_policy, verb_learn, verb_minijail0, verb_sandbox,
	verb_doctor, verb_vm;

#endif
