/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_OUTPUT_H
#define HUSK_CLI_OUTPUT_H

#include "runtime/state/state.h"
#include "src/json/json-write.h"

/* Finish @w, print it and a newline to standard output, free it. 0 or -1. */
int output_json(struct json_writer *w, struct err *e);

/* The members that "state" prints and "list --format json" has for each container. */
void output_state(struct json_writer *w, const struct state *s, enum state_status status);

#endif
