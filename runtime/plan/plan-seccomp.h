/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_SECCOMP_H
#define HUSK_PLAN_SECCOMP_H

#include "runtime/plan/plan.h"
#include "runtime/spec/spec.h"

/*
 * The filter of a configuration, compiled: linux.seccomp, or the program in the annotation
 * run.oci.seccomp_bpf_data. *filter stays NULL where none is asked for. Everything is in @a.
 *
 * plan_seccomp() is pure. The others look into a cache of compiled filters first, and put there
 * what they had to compile: plan_seccomp_from() into @path below @dirfd (or AT_FDCWD; its parent
 * must exist), plan_seccomp_cached() into .filters beside the containers' state in its default
 * place. Whatever is wrong with a cache, the filter is compiled. With @notes it is compiled in any
 * case, so that it has them.
 */
int plan_seccomp(const struct spec *s, struct arena *a, struct plan_filter **filter, struct err *e);
int plan_seccomp_from(const struct spec *s, int dirfd, const char *path, struct arena *a,
		      struct plan_filter **filter, struct err *e);
int plan_seccomp_cached(const struct spec *s, bool notes, struct arena *a,
			struct plan_filter **filter, struct err *e);

#endif
