/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_POLICY_POLICY_EXPORT_H
#define HUSK_POLICY_POLICY_EXPORT_H

#include "runtime/policy/policy.h"
#include "src/json/json-write.h"

/* Policies in other words. Not for POLICY_BPF. */

/* In the language of husk-policy(5), without includes and groups. In memory of @arena. */
int policy_export_text(const struct policy *p, struct arena *arena, char **text, size_t *length,
		       struct err *e);

/*
 * As rules of an OCI profile, whose order does not matter. ERR_UNSUPPORTED where they cannot say
 * it; the caller compares what comes out with the original, since a profile also has no say about
 * calls that are newer than it, and none about socketcall.
 */
int policy_export_oci(const struct policy *p, struct arena *arena, struct seccomp_policy *out,
		      struct err *e);
/* Print such rules as the profile. */
void policy_export_print(struct json_writer *w, const struct seccomp_policy *p);

#endif
