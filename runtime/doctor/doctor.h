/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_DOCTOR_DOCTOR_H
#define HUSK_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runtime/plan/plan-host.h"
#include "src/base/arena.h"
#include "src/base/err.h"

/*
 * What this host gives this user. Each check is a trial, in a process of its own which is killed at its
 * deadline: namespaces are made, file systems mounted in them, filters installed, control groups made
 * and removed again. Versions and settings are only read to say why something is refused.
 *
 * The table is without pointers to texts: it costs a container's start nothing.
 */

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_LIMITED, /* there, but with less than husk can use */
	DOCTOR_MISSING,
};
const char *doctor_state_name(uint32_t state);

/* Comes through a pipe, so it is plain data. */
struct doctor_result {
	uint32_t state;   /* enum doctor_state */
	char detail[256]; /* what was found */
	char remedy[320]; /* what to do; empty: nothing, or nothing is known */
};

/* What all checks are told. */
struct doctor {
	struct arena *arena;
	struct host host;
	const char *state_root; /* --root, or NULL */
	pid_t pid;              /* of the process that asks: in the names of what is made */
};

enum doctor_group {
	DOCTOR_KERNEL,
	DOCTOR_NAMESPACES,
	DOCTOR_MOUNTS,
	DOCTOR_WALLS,
	DOCTOR_GROUPS,
	DOCTOR_USER,
	DOCTOR_PROGRAMS,
	DOCTOR_MACHINES,
	DOCTOR_GROUP_COUNT,
};
const char *doctor_group_name(uint32_t group);

struct doctor_check {
	char name[20];
	char gives[92];
	uint8_t group;     /* enum doctor_group */
	bool needed;       /* "husk sandbox" does not work without it */
	uint8_t probe;     /* enum doctor_probe of doctor-checks.h */
	uint32_t argument; /* the probe's own */
};
extern const struct doctor_check doctor_checks[];
extern const size_t doctor_checks_count;

const struct doctor_check *doctor_find(const char *name);

/* Read the facts about the host. @d->arena and @d->state_root are given. */
int doctor_prepare(struct doctor *d, struct err *e);

/* Try. A check that does not answer in time is missing. 0, or -1 where not even that can be said. */
int doctor_run(const struct doctor *d, const struct doctor_check *check, struct doctor_result *r,
	       struct err *e);

#endif
