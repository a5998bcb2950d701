/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CGROUP_CGROUP_MARK_H
#define HUSK_CGROUP_CGROUP_MARK_H

#include "src/cgroup/cgroup.h"

/* Internal to src/cgroup/: the extended attribute that says whose a directory is. */

/*
 * Write the mark of the places in @made to the first of them: the caller's text, then a line per
 * directory, so that one attribute (8 us) finds all of them (80 us if every directory had its own).
 * A file system without attributes is no error: only cgroup_find_marked() needs them.
 */
void cgroup_mark_write(const struct cgroup_set *set, uint32_t made, const char *mark);

#endif
