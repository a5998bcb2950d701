/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_GATE_H
#define HUSK_SECCOMP_GATE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The one execveat(2) that a filter lets through although its rules forbid it: that of this
 * machine's own architecture whose arguments are these. Two pointers to random addresses are a
 * secret that goes with the memory of who made the call; see execve(2): "all mappings are not
 * preserved", and the registers are cleared.
 */
struct seccomp_gate {
	uint64_t path, argv;
	uint32_t dirfd, flags;
};

#define SECCOMP_GATE_INSTRUCTIONS 35

/*
 * The instructions that stand in front of a filter, in @out. All differences are collected in one
 * word that is compared once, so that the time of a wrong call does not tell how wrong it was. What
 * does not fit goes on to the filter, and for every other number the way there loads the number
 * only, so that the kernel still sees which calls are always allowed.
 */
void seccomp_gate_write(const struct seccomp_gate *g,
			struct sock_filter out[SECCOMP_GATE_INSTRUCTIONS]);

#endif
