/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SECCOMP_NAMES_H
#define HUSK_SECCOMP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Architectures and system call numbers. libseccomp supplies the numbers; what is newer
 * than the oldest supported libseccomp (2.5.4) is supplemented here.
 */

struct seccomp_arch {
	const char *name;     /* as libseccomp spells it: "x86_64" */
	const char *oci_name; /* as the OCI specification does: "SCMP_ARCH_X86_64" */
	uint32_t token;       /* AUDIT_ARCH_*, or SECCOMP_ARCH_X32 */
	uint32_t audit;       /* what the kernel puts into struct seccomp_data.arch */
	uint32_t base;        /* added to the numbers that all architectures share (424 and up) */
	bool wide;            /* 64-bit arguments are compared */
	bool big_endian;      /* position of the low word of an argument */
};

/* The architecture of a token, or NULL. */
const struct seccomp_arch *seccomp_names_arch(uint32_t token);
/* The architecture of a name in either spelling, or NULL. */
const struct seccomp_arch *seccomp_names_arch_parse(const char *name);
/* Those of the OCI specification and parisc's, in its order; NULL past the end. */
const struct seccomp_arch *seccomp_names_arch_at(size_t index);
/* The token of the architecture that this program was built for. */
uint32_t seccomp_names_native(void);
/* False where the linked libseccomp is too old for @arch (2.5.4: loongarch64, m68k, sh). */
bool seccomp_names_resolvable(const struct seccomp_arch *arch);

/*
 * The numbers of one name. "multiplexed" means that the architecture has the call also, or only, as
 * a function of socketcall(2) or ipc(2), chosen by argument 0.
 */
struct seccomp_call {
	bool known; /* at least one architecture has it */
	bool direct, multiplexed;
	uint32_t number;     /* if direct */
	uint32_t mux_number; /* if multiplexed: of socketcall or ipc */
	uint32_t mux_value;  /* if multiplexed: the function, SYS_SOCKET ... or SEMOP ... */
};

void seccomp_names_call(const struct seccomp_arch *arch, const char *name,
			struct seccomp_call *out);

/* The name of a number in @out, cut to @size. 0, or -1 when it has none. */
int seccomp_names_of(const struct seccomp_arch *arch, uint32_t number, char *out, size_t size);

/* "2.5.4" of the linked libseccomp in @out: a part of cache keys. */
void seccomp_names_version(char *out, size_t size);

#endif
