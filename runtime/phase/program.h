/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_PROGRAM_H
#define HUSK_PHASE_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "src/base/err.h"

/*
 * The program of a container: found as execvp(3) would, with the PATH of the container's own
 * environment, inside its root and as its user. No heap.
 *
 * ERR_NO_PROGRAM (exit status 127) and ERR_EXEC (126) texts contain what engines look for: docker
 * "executable file not found", "no such file or directory", "permission denied" next to the
 * program's name, podman the same without regard to case.
 */
int program_find(const char *name, char *const *env, char path[PATH_MAX], struct err *e);

/*
 * What can be said of @path before it is executed, by root of the container: that it is no file that
 * anybody may execute, or, with @interpreter, that the one it names is not there. 0 where only
 * execve(2) can tell: users' rights, formats that the host has handlers for.
 */
int program_check(const char *path, bool interpreter, struct err *e);

/* Why execve(2) of @path failed with @errnum: missing interpreter, wrong architecture, noexec... */
int program_explain(const char *path, int errnum, struct err *e);

#endif
