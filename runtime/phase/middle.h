/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_MIDDLE_H
#define HUSK_PHASE_MIDDLE_H

#include "runtime/phase/init.h"

/*
 * A process between parent and init, where one is needed: namespaces that belong to another user
 * namespace can only be joined, and made, from inside of it, and a pid or time namespace takes effect
 * on the next child only. It enters them, forks init with CLONE_PARENT, tells the parent its pid
 * and exits.
 */
extern const struct phase middle_phase;
_Noreturn void middle_main(struct init *c);

/* Join c->joins of the types in @types; joined ones are closed. Used by the parent for pid and
 * time namespaces, too. */
int middle_join(struct init *c, uint64_t types, struct err *e);
/*
 * clone3(2) with @flags and CLONE_PARENT, telling the parent over @sync the child's pid before the
 * child goes on: its own messages must not be there first. 0 in the child, its pid, or -1.
 */
pid_t middle_clone_sibling(int sync, uint64_t flags, struct err *e);

/* unshare(2) a time namespace for the next child and set its offsets. */
int middle_time_namespace(const struct plan_namespaces *ns, struct err *e);

#endif
