/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_GUARD_H
#define HUSK_SECCOMP_GUARD_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The filter that is in force while a program is traced to its entry point: a few calls are refused,
 * all others allowed. Written without the compiler, which takes as long as all of the rest.
 */

#define SECCOMP_GUARD_CALLS 80

/* One architecture's. */
struct seccomp_guard {
	uint32_t audit;
	uint32_t refused[SECCOMP_GUARD_CALLS]; /* EPERM; in any order */
	size_t refused_count;
	uint32_t clone, clone3; /* their numbers */
};

/* Two architectures of 80 calls in groups of at most 4, the tests between them, and what is around. */
#define SECCOMP_GUARD_INSTRUCTIONS 512

/*
 * The filter in @out, and its length. clone with one of the @clone_flags fails with EPERM; clone3,
 * whose flags are in memory, and the numbers of x32 with ENOSYS. Other architectures are killed.
 * @guards are put in order.
 */
size_t seccomp_guard_write(struct seccomp_guard *guards, size_t guards_count, uint32_t clone_flags,
			   struct sock_filter out[SECCOMP_GUARD_INSTRUCTIONS]);

#endif
