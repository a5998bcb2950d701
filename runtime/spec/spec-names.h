/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SPEC_NAMES_H
#define HUSK_SPEC_NAMES_H

#include "src/json/json-decode.h"

/*
 * Names of the specification and the kernel's numbers. One table each for decoding, for messages,
 * for the command line and for "husk features".
 */
extern const struct json_enum spec_capability_names; /* value: mask, 1 << CAP_* */
extern const struct json_enum spec_namespace_names;  /* CLONE_NEW* */
extern const struct json_enum spec_rlimit_names;     /* RLIMIT_* */
extern const struct json_enum spec_scheduler_policies;
extern const struct json_enum spec_scheduler_flags;
extern const struct json_enum spec_io_classes;
extern const struct json_enum spec_memory_modes; /* MPOL_* */
extern const struct json_enum spec_memory_flags;
extern const struct json_enum spec_propagations; /* MS_* */
extern const struct json_enum spec_device_types;
extern const struct json_enum spec_rule_types; /* of the device allow-list */
extern const struct json_enum spec_personalities;
extern const struct json_enum spec_image_formats;

extern const struct json_enum spec_seccomp_actions; /* SECCOMP_RET_* */
extern const struct json_enum spec_seccomp_ops;     /* enum spec_seccomp_op */
extern const struct json_enum spec_seccomp_archs;   /* AUDIT_ARCH_*, SPEC_ARCH_X32 */
extern const struct json_enum spec_seccomp_flags;   /* SECCOMP_FILTER_FLAG_* */

#define SPEC_CAPABILITY_COUNT 41

/* Policy 4 is reserved in the kernel and implemented nowhere. */
#define SPEC_SCHED_ISO 4

#endif
