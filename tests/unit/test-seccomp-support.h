/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TEST_SECCOMP_SUPPORT_H
#define HUSK_TEST_SECCOMP_SUPPORT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "src/base/arena.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-policy.h"

struct seccomp_data;

/*
 * The program that libseccomp makes of @policy when it is called the way runc and crun call it,
 * in this machine's byte order; @optimize as SCMP_FLTATR_CTL_OPTIMIZE. 0, or negative where
 * libseccomp refuses, crashes or hangs (2.5.4 can do all of it), for which it has its own process.
 */
int oracle_compile(const struct seccomp_policy *policy, int optimize, struct arena *arena,
		   struct seccomp_program *out);

/* A policy of the shape of Docker's default one: some 350 names and rules for clone, personality,
 * socket. */
void make_docker_like(struct arena *arena, struct seccomp_policy *out);

/* All names of @arch that libseccomp knows; NULL-terminated. */
const char **all_names(struct arena *arena, const struct seccomp_arch *arch, size_t *count);

/* One line per instruction on standard error, for a failure. */
void print_program(const char *title, const struct sock_filter *code, size_t count);
void print_policy(const struct seccomp_policy *policy);

/* husk's program, checked; the test fails if there is none. */
void must_compile(const struct seccomp_policy *policy, struct arena *arena,
		  struct seccomp_program *out);

/*
 * For a call to which both programs of @policy answer differently: print what is left of the policy
 * when all rules are left out that do not matter, and both programs.
 */
void explain_difference(const struct seccomp_policy *policy, const struct seccomp_data *data);

#endif
