/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_REAPER_FILTER_H
#define HUSK_PHASE_REAPER_FILTER_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define REAPER_FILTER_MAX 20

/*
 * policies/self/reaper.policy as instructions for the architecture that husk was built for, made
 * without memory, a file or a library: init has none of them. Returns how many of @code were used.
 */
size_t reaper_filter_make(struct sock_filter code[REAPER_FILTER_MAX]);

/* Put the caller under it. It is a wall behind others: a kernel that does not take it is as good as
 * before. Needs no_new_privs. */
void reaper_filter_enter(void);

#endif
