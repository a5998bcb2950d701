/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_EXEC_PARENT_H
#define HUSK_PHASE_EXEC_PARENT_H

#include "runtime/phase/exec-join.h"

/* The child's main; in exec-join.c. */
_Noreturn void exec_child(struct exec_join *x);

#endif
