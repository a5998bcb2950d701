/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_LOG_H
#define HUSK_CLI_LOG_H

#include "runtime/cli/cli.h"
#include "src/base/err.h"

/*
 * Where messages go: standard error always, and the file of --log, from which engines read why a
 * call failed (conmon, the containerd shim). JSON lines have level, msg and time as theirs do,
 * and kind besides.
 */
int log_open(const struct global_options *g, struct err *e);
void log_error(const struct err *e);
void log_warning(const struct err *e);
void log_warning_text(const char *text);
/* True if log_debug_text() does anything: for what costs time to find out. */
bool log_debug_wanted(void);
void log_debug_text(const char *text);

#endif
