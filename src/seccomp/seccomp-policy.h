/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_POLICY_H
#define HUSK_SECCOMP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

/*
 * What a filter shall do, without a trace of who asked: OCI profiles and husk's own
 * policies both end here. Everything is borrowed; the compiler keeps no pointer.
 */

/* Numbered as libseccomp's enum scmp_compare. */
enum seccomp_op {
	SECCOMP_OP_NE = 1,
	SECCOMP_OP_LT,
	SECCOMP_OP_LE,
	SECCOMP_OP_EQ,
	SECCOMP_OP_GE,
	SECCOMP_OP_GT,
	SECCOMP_OP_MASKED_EQ, /* (argument & value) == (value_two & value) */
	/* libseccomp has none such. */
	SECCOMP_OP_MASKED_NE, /* (argument & value) != (value_two & value) */
};

#define SECCOMP_ARGUMENTS 6
/* That a rule can have in SECCOMP_ORDER_LISTED; in the others there is one for each argument. */
#define SECCOMP_CONDITIONS_MAX 128

/*
 * One condition on one argument, unsigned. On architectures with 32-bit registers
 * (x32 too, as libseccomp has it) the low words are compared: a value that is the zero or
 * sign extension of a 32-bit one means that one, and masks are cut. Any other value cannot
 * occur there, so EQ, GE and GT never hold and NE, LT and LE always do. (libseccomp
 * cuts all values, which turns "less than 2^32" into "less than 0".)
 */
struct seccomp_compare {
	uint32_t index; /* 0 to 5 */
	enum seccomp_op op;
	uint64_t value;     /* the mask for MASKED_EQ and MASKED_NE */
	uint64_t value_two; /* only for those */
	/*
	 * Compare the low words everywhere: the kernel declares the argument as a 32-bit one and
	 * never sees the rest, with which "not TIOCSTI" could be passed (CVE-2019-10063).
	 */
	bool narrow;
};

/*
 * An action for some calls. All conditions must hold; but where two of them look at the
 * same argument, each counts as a rule of its own, so that they are alternatives (but in
 * SECCOMP_ORDER_LISTED). That is what runc has always done (libseccomp takes one condition per
 * argument) and what crun and youki copied: profiles in the field are written for it.
 *
 * A rule whose action is the policy's default is ignored, in SECCOMP_ORDER_LIBSECCOMP: libseccomp
 * refuses such rules and the runtimes therefore skip them. It still counts as naming
 * its calls for "enosys_above".
 */
struct seccomp_rule {
	const char *const *names;
	size_t names_count;
	uint32_t action; /* SECCOMP_RET_* with its data */
	const struct seccomp_compare *compares;
	size_t compares_count;
	uint32_t arch; /* only for this one of the policy's architectures; 0: for all */
};

enum seccomp_order {
	/*
	 * What libseccomp makes of several rules for one call, whatever their order (it documents
	 * a union in which a rule without conditions replaces the others): the first rule without
	 * conditions decides alone; else the conditions are tried from the highest argument and
	 * the most exact test downwards: see rank() in seccomp-rules.c.
	 */
	SECCOMP_ORDER_LIBSECCOMP,
	/* The first rule of the list that matches decides. */
	SECCOMP_ORDER_FIRST_MATCH,
	/*
	 * That, and: all conditions of a rule must hold, however many look at one argument; a name
	 * means the call of its own number only, never a function of socketcall or ipc, whose
	 * arguments a filter cannot see; and a name of digits is a number, without the base of an
	 * architecture that has one (x32).
	 */
	SECCOMP_ORDER_LISTED,
};

/* How often a call is made, relative to others; calls without an entry have 1. */
struct seccomp_weight {
	const char *name;
	uint32_t weight;
};

struct seccomp_policy {
	uint32_t default_action;  /* SECCOMP_RET_* with its data */
	uint32_t bad_arch_action; /* for other architectures; 0 is KILL_THREAD, libseccomp's default
				   */
	enum seccomp_order order;
	/*
	 * Numbers above the highest one that the rules name get ENOSYS instead of the
	 * default, for each architecture that has a named call: calls newer than the profile then
	 * look as they do on an older kernel, and libc falls back (user space takes EPERM as
	 * final).
	 */
	bool enosys_above;
	bool strict_names; /* a name that no architecture has is an error, not a note */
	/*
	 * AUDIT_ARCH_* values, SECCOMP_ARCH_X32 for x32. Put the commonest first: it is tested
	 * first. Repetitions are ignored. With only one of x86-64 and x32, the numbers of the
	 * other get bad_arch_action (but -1, which a tracer uses to skip a call, gets the default).
	 */
	const uint32_t *archs;
	size_t archs_count;
	const struct seccomp_rule *rules;
	size_t rules_count;
	const struct seccomp_weight *weights;
	size_t weights_count;
};

/* libseccomp's token: AUDIT_ARCH_X86_64 without its 64-bit mark. The kernel reports x32 as x86-64.
 */
#define SECCOMP_ARCH_X32 0x4000003eu
/* The bit that every x32 number carries. */
#define SECCOMP_X32_BIT 0x40000000u

struct seccomp_program {
	struct sock_filter *code;
	size_t count;
	bool notifies; /* can return SECCOMP_RET_USER_NOTIF, so it needs a listener */
	/* Notes for the user, not in cached programs: names that no architecture has, and ... */
	const char **unknown_names;
	size_t unknown_names_count;
	/* ... architectures of the policy that libseccomp does not know: bad_arch_action. */
	const char **unknown_archs;
	size_t unknown_archs_count;
};

#endif
