/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PLAN_MAKE_H
#define HUSK_PLAN_MAKE_H

#include "runtime/plan/plan-host.h"
#include "runtime/plan/plan.h"
#include "runtime/spec/spec.h"

/* What is planned from. Nothing of it is changed, and strings of the spec are shared, not copied. */
struct plan_request {
	const struct spec *spec;
	const struct host *host;
	struct arena *arena;
	const char *id, *bundle;    /* the bundle as an absolute path */
	struct plan_filter *filter; /* compiled, or NULL */
	bool no_pivot, no_new_keyring;
	bool cgroup_disabled;
	unsigned preserve_fds;
	unsigned listen_fds;       /* LISTEN_FDS of the caller, 0: none */
	const char *notify_socket; /* NOTIFY_SOCKET of the caller, or NULL */
};

/* Pure: no system call. 0 or -1 with ERR_CONFIG or ERR_UNSUPPORTED naming the property. */
int plan_make(const struct plan_request *r, struct plan *plan, struct err *e);

/* A process alone, for "exec". @in_user_ns: it will run in another user namespace. */
int plan_process_make(const struct plan_request *r, const struct spec_process *s, bool in_user_ns,
		      struct plan *plan, struct err *e);
/* The hooks alone, for "start" and "delete". */
int plan_hooks_make(const struct plan_request *r, struct plan_hooks *hooks, struct err *e);

/* Parts, each in its own file. */
int plan_namespaces_make(const struct plan_request *r, struct plan *plan, struct err *e);
int plan_mounts_make(const struct plan_request *r, struct plan *plan, struct err *e);
int plan_devices_make(const struct plan_request *r, struct plan *plan, struct err *e);
int plan_cgroup_make(const struct plan_request *r, struct plan *plan, struct err *e);
/* What spec.sandbox asks for, after everything else. */
int plan_sandbox_make(const struct plan_request *r, struct plan *plan, struct err *e);
/* When the filter takes effect. Needs plan->process.filter. */
int plan_gate_make(const struct plan_request *r, struct plan *plan, struct err *e);

/* Add a sentence to plan->warnings. */
void plan_warn(struct plan *plan, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True when the container's processes live in another user namespace than husk's caller. */
bool plan_in_userns(const struct plan *plan);

#endif
