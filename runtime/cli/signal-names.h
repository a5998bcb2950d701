/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SIGNAL_NAMES_H
#define HUSK_CLI_SIGNAL_NAMES_H

#include "src/base/err.h"

/* "9", "KILL", "SIGKILL", "kill", "RTMIN+3". Number from 1, or -1. */
int signal_parse(const char *text, struct err *e);

#endif
