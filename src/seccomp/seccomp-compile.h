/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_COMPILE_H
#define HUSK_SECCOMP_COMPILE_H

#include "src/base/arena.h"
#include "src/base/err.h"
#include "src/seccomp/seccomp-policy.h"

/*
 * Count up when the program of any policy changes: a part of cache keys (seccomp-cache.h), so
 * that a fixed compiler never gets its predecessor's output.
 */
#define SECCOMP_COMPILER_REVISION 2

/*
 * The classic BPF program for @policy, in memory of @arena, for any machine whatever the build
 * machine. Pure: no files, no kernel.
 *
 * The program tests the architecture, then searches the call number in a tree, and loads
 * arguments only in the branch of a call that needs them: calls that are allowed whatever their
 * arguments stay in the kernel's action cache (kernel/seccomp.c, seccomp_is_const_allow).
 *
 * Errors: ERR_CONFIG (unknown action, operator, argument or architecture; unknown name with
 * strict_names; more than 4096 instructions), ERR_UNSUPPORTED (libseccomp knows none of the
 * architectures), ERR_NO_MEMORY.
 */
int seccomp_compile(const struct seccomp_policy *policy, struct arena *arena,
		    struct seccomp_program *out, struct err *e);

/* True if @code can return SECCOMP_RET_USER_NOTIF. */
bool seccomp_compile_notifies(const struct sock_filter *code, size_t count);
/* Whether it kills, or sends SIGSYS. */
bool seccomp_compile_signals(const struct sock_filter *code, size_t count);

#endif
