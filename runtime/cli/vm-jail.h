/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_VM_JAIL_H
#define HUSK_CLI_VM_JAIL_H

#include "runtime/cli/sandbox-run.h"

/*
 * A program of the host that serves a virtual machine, QEMU or virtiofsd, in a sandbox of its own: the same
 * plan and the same phases that hold the programs of "husk sandbox". It sees the system's libraries and what
 * is in @places, has a user, mount, pid, network, ipc, uts and control group namespace of its own, and ends
 * with this process.
 */
#define VM_JAIL_PLACES_MAX 1200
#define VM_JAIL_KEPT_MAX   16

struct vm_jail {
	const char *what; /* for messages and control groups */
	struct sandbox sandbox;
	struct sandbox_place *places;
	size_t places_count;
	uint64_t capabilities; /* in its user namespace; 1 << CAP_* */
	uint32_t kept[VM_JAIL_KEPT_MAX];
	size_t kept_count;
	/* Filled in by vm_jail_start(): */
	struct sandbox_host host;
	struct sandbox_made made;
	struct plan plan;
	struct parent parent;
	struct parent_options options;
	bool running;
};

/* An empty jail with the system's libraries, /proc and /dev. @j is zeroed, in @r's arena. */
int vm_jail_init(struct vm_jail *j, const char *what, const struct run *r, struct err *e);
/* NULL-safe for nothing: @source and @destination live as long as @j. */
void vm_jail_place(struct vm_jail *j, uint32_t kind, const char *source, const char *destination);
/* It keeps this descriptor under its number. */
void vm_jail_keep(struct vm_jail *j, int fd);
/* Execute j->sandbox.command in it, with its standard error to @words. Nothing is left when it fails. */
int vm_jail_start(struct vm_jail *j, struct run *r, int words, struct err *e);
/* Has it ended? Then *status is its wait status (of its first process when that is all there is). */
bool vm_jail_ended(struct vm_jail *j, int *status);
/* Kill what is left of it, and take it away. */
void vm_jail_end(struct vm_jail *j, struct run *r);

/*
 * In a jail for virtiofsd, below VM_VIEW, what of the host the sandbox of @made can see, and nothing else:
 * the sources of its mounts at their own paths, writable where one of them is, with what is hidden covered.
 */
#define VM_VIEW "/view"
int vm_view_make(struct vm_jail *j, const struct sandbox_made *made, const struct sandbox *s,
		 const struct sandbox_host *host, struct arena *a, struct err *e);

#endif
