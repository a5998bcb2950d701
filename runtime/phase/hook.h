/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_HOOK_H
#define HUSK_PHASE_HOOK_H

#include <stddef.h>

#include "runtime/plan/plan.h"
#include "src/base/err.h"

/* Where hooks run and what they are told. */
struct hook_context {
	const char *kind;  /* "prestart", ... as config.json calls it, for errors */
	const char *state; /* the container's state as JSON, given on standard input */
	size_t state_length;
	const char *cwd; /* the bundle, or "/" inside the container */
	/* Files that the hooks' output is appended to, or NULL: husk's own standard error. */
	const char *stdout_path, *stderr_path;
};

/*
 * Run the hooks in order; the first that fails, is killed or exceeds its timeout ends the list with
 * ERR_HOOK. A hook gets its own environment and nothing else (NVIDIA CVE-2025-23266 was an inherited
 * LD_PRELOAD), the descriptors 0 to 2, default signal handling. Only the hook itself is waited
 * for: what it leaves running in the background is its own business. No heap: init calls this too.
 */
int hook_list_run(const struct plan_hook_list *hooks, const struct hook_context *context,
		  struct err *e);

/* Run all of them whatever happens; @warn is called with each failure (poststop hooks). */
void hook_list_run_all(const struct plan_hook_list *hooks, const struct hook_context *context,
		       void (*warn)(const struct err *e));

#endif
