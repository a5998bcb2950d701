/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_FINISH_H
#define HUSK_PHASE_FINISH_H

#include "runtime/phase/step.h"
#include "runtime/plan/plan.h"
#include "runtime/state/state.h"

/* Taking a container away: the end of "run", and all of "delete". */
struct finisher {
	struct arena *arena;
	const struct state_root *root;
	const struct state *state;
	const struct plan_hooks *hooks; /* or NULL */
	bool force;                     /* kill what still runs */
	int pidfd;                      /* init, when it may still run; or -1 */
	void (*warn)(const struct err *e);
};

extern const struct phase finish_phase;

int finish_run(struct finisher *f, struct err *e);

#endif
