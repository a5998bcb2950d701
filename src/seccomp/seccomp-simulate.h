/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_SIMULATE_H
#define HUSK_SECCOMP_SIMULATE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * The kernel's classic BPF machine for seccomp, in user space: the same checks, the same results.
 */

/*
 * Would the kernel take this program (bpf_check_classic() and check_load_and_stores() in
 * net/core/filter.c, seccomp_check_filter() in kernel/seccomp.c)? 0, or -1 with the first fault.
 */
int seccomp_simulate_check(const struct sock_filter *code, size_t count, struct err *e);

/*
 * What the program returns for @data: SECCOMP_RET_* with its data. @steps, unless NULL, gets the
 * number of instructions that ran. The program must have passed seccomp_simulate_check().
 *
 * On a machine of the other byte order than this one, arguments lie differently in memory;
 * that is the case to simulate when data->arch says so, and it is.
 */
uint32_t seccomp_simulate(const struct sock_filter *code, size_t count,
			  const struct seccomp_data *data, uint32_t *steps);

/*
 * Is the call in the kernel's cache of calls that are always allowed (Linux 5.11,
 * seccomp_is_const_allow())? Such calls cost a bit test; all others run every filter of the task.
 */
bool seccomp_simulate_cached(const struct sock_filter *code, size_t count, uint32_t arch,
			     uint32_t number);

/*
 * Is the answer the same whatever the arguments, as far as the program's way there shows: it loads
 * none. Then *result is the answer.
 */
bool seccomp_simulate_constant(const struct sock_filter *code, size_t count, uint32_t arch,
			       uint32_t number, uint32_t *result);

#endif
