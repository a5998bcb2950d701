/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NS_NS_EARLY_H
#define HUSK_NS_NS_EARLY_H

#include <stdbool.h>

/*
 * The swap of ns-self.h before anything of libc runs, where husk is linked statically: the linker makes
 * ns_early_entry the first instruction of the program (HUSK_LINK_LIBC in build-aux/husk-flags.m4). Nothing is
 * relocated and no page written by then, so that five system calls replace the mappings, where later
 * 23 pages have to be copied and all others fetched once more: 0.04 ms instead of 0.2.
 *
 * What cannot be done, or is refused, is left to ns_self_seal().
 */

/* Whether it was done; then *held is as that of ns_self_seal(). */
bool ns_early_done(int *held);

#endif
