/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_REACH_H
#define HUSK_SECCOMP_REACH_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The mildest of the answers that a program can give to call @number of @arch, whatever the
 * arguments: SECCOMP_RET_* without its data. It may be milder than any real one, where a condition
 * can never hold; never stricter. The program must have passed seccomp_simulate_check().
 */
uint32_t seccomp_reach_mildest(const struct sock_filter *code, size_t count, uint32_t arch,
			       uint32_t number);

#endif
