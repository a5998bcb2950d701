/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/policy/policy.h"

/* The makefiles say; this is for tools that look at the file alone. */
#ifndef POLICY_DIRECTORY
#define POLICY_DIRECTORY "/usr/local/share/husk/policies"
#endif

/* Alone in its file: a program that has its own (those of the tests do) does not get this one. */
const char policy_directory[] = POLICY_DIRECTORY;
