/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-names.h"

#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/seccomp/seccomp-policy.h"

/* Both names without their prefix, the token, the base of numbers, width and order of words. */
#define ARCH(name, oci, token, base, wide, big)                                                    \
	{                                                                                          \
		name, "SCMP_ARCH_" oci, token, token, base, wide, big                              \
	}

static const struct seccomp_arch archs[] = {
	ARCH("x86_64", "X86_64", AUDIT_ARCH_X86_64, 0, true, false),
	ARCH("x86", "X86", AUDIT_ARCH_I386, 0, false, false),
	/* Its registers are 64 bits wide, but libseccomp compares 32, and so do profiles. */
	{ "x32", "SCMP_ARCH_X32", SECCOMP_ARCH_X32, AUDIT_ARCH_X86_64, SECCOMP_X32_BIT, false,
	  false },
	ARCH("aarch64", "AARCH64", AUDIT_ARCH_AARCH64, 0, true, false),
	ARCH("arm", "ARM", AUDIT_ARCH_ARM, 0, false, false),
	ARCH("riscv64", "RISCV64", AUDIT_ARCH_RISCV64, 0, true, false),
	ARCH("loongarch64", "LOONGARCH64", AUDIT_ARCH_LOONGARCH64, 0, true, false),
	ARCH("m68k", "M68K", AUDIT_ARCH_M68K, 0, false, true),
	ARCH("mips", "MIPS", AUDIT_ARCH_MIPS, 4000, false, true),
	ARCH("mips64", "MIPS64", AUDIT_ARCH_MIPS64, 5000, true, true),
	ARCH("mips64n32", "MIPS64N32", AUDIT_ARCH_MIPS64N32, 6000, false, true),
	ARCH("mipsel", "MIPSEL", AUDIT_ARCH_MIPSEL, 4000, false, false),
	ARCH("mipsel64", "MIPSEL64", AUDIT_ARCH_MIPSEL64, 5000, true, false),
	ARCH("mipsel64n32", "MIPSEL64N32", AUDIT_ARCH_MIPSEL64N32, 6000, false, false),
	ARCH("ppc", "PPC", AUDIT_ARCH_PPC, 0, false, true),
	ARCH("ppc64", "PPC64", AUDIT_ARCH_PPC64, 0, true, true),
	ARCH("ppc64le", "PPC64LE", AUDIT_ARCH_PPC64LE, 0, true, false),
	ARCH("s390", "S390", AUDIT_ARCH_S390, 0, false, true),
	ARCH("s390x", "S390X", AUDIT_ARCH_S390X, 0, true, true),
	ARCH("sh", "SH", AUDIT_ARCH_SHEL, 0, false, false),
	ARCH("sheb", "SHEB", AUDIT_ARCH_SH, 0, false, true),
	ARCH("parisc", "PARISC", AUDIT_ARCH_PARISC, 0, false, true),
	ARCH("parisc64", "PARISC64", AUDIT_ARCH_PARISC64, 0, true, true),
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

/*
 * Calls that libseccomp 2.5.4 (as Debian 12 patches it, up to futex_requeue) does not know, up to
 * Linux 7.0. From 424 on a number is the same on every architecture but alpha
 * (scripts/syscall.tbl of the kernel); rows with a token belong to that architecture only.
 */
static const struct {
	const char *name;
	uint32_t number;
	uint32_t token;
} supplement[] = {
	{ "cachestat", 451, 0 },
	{ "fchmodat2", 452, 0 },
	{ "futex_wake", 454, 0 },
	{ "futex_wait", 455, 0 },
	{ "futex_requeue", 456, 0 },
	{ "statmount", 457, 0 },
	{ "listmount", 458, 0 },
	{ "lsm_get_self_attr", 459, 0 },
	{ "lsm_set_self_attr", 460, 0 },
	{ "lsm_list_modules", 461, 0 },
	{ "mseal", 462, 0 },
	{ "setxattrat", 463, 0 },
	{ "getxattrat", 464, 0 },
	{ "listxattrat", 465, 0 },
	{ "removexattrat", 466, 0 },
	{ "open_tree_attr", 467, 0 },
	{ "file_getattr", 468, 0 },
	{ "file_setattr", 469, 0 },
	{ "listns", 470, 0 },
	{ "rseq_slice_yield", 471, 0 },
	/* x32 has no shadow stacks; the others reserve the number. */
	{ "map_shadow_stack", 453, AUDIT_ARCH_X86_64 },
	{ "map_shadow_stack", 453, AUDIT_ARCH_I386 },
	{ "map_shadow_stack", 453, AUDIT_ARCH_AARCH64 },
	{ "map_shadow_stack", 453, AUDIT_ARCH_ARM },
	{ "map_shadow_stack", 453, AUDIT_ARCH_RISCV64 },
	{ "uretprobe", 335, AUDIT_ARCH_X86_64 },
	{ "uprobe", 336, AUDIT_ARCH_X86_64 },
	{ "riscv_hwprobe", 258, AUDIT_ARCH_RISCV64 },
};

/*
 * Functions of socketcall(2) (1 to 20) and ipc(2) (1 to 24), and the numbers of the same
 * calls where an architecture has them on their own too; 0: it has not. libseccomp resolves these
 * names to a pseudo number only, -100 or -200 minus the function, so the direct numbers stand here;
 * test-seccomp-names compares them with libseccomp's way back from number to name.
 */
static const struct mux_call {
	const char *name;
	uint16_t x86, mips, ppc, s390;
	uint16_t wide; /* on the 64-bit ones of ppc and s390 only */
} mux_calls[] = {
	{ "accept", 0, 168, 330, 0, 0 },
	{ "accept4", 364, 334, 344, 364, 0 },
	{ "bind", 361, 169, 327, 361, 0 },
	{ "connect", 362, 170, 328, 362, 0 },
	{ "getpeername", 368, 171, 332, 368, 0 },
	{ "getsockname", 367, 172, 331, 367, 0 },
	{ "getsockopt", 365, 173, 340, 365, 0 },
	{ "listen", 363, 174, 329, 363, 0 },
	{ "msgctl", 402, 402, 402, 402, 0 },
	{ "msgget", 399, 399, 399, 399, 0 },
	{ "msgrcv", 401, 401, 401, 401, 0 },
	{ "msgsnd", 400, 400, 400, 400, 0 },
	{ "recv", 0, 175, 336, 0, 0 },
	{ "recvfrom", 371, 176, 337, 371, 0 },
	{ "recvmmsg", 337, 335, 343, 357, 0 },
	{ "recvmsg", 372, 177, 342, 372, 0 },
	{ "semctl", 394, 394, 394, 394, 0 },
	{ "semget", 393, 393, 393, 393, 0 },
	{ "semop", 0, 0, 0, 0, 0 },
	{ "semtimedop", 0, 0, 0, 0, 392 },
	{ "send", 0, 178, 334, 0, 0 },
	{ "sendmmsg", 345, 343, 349, 358, 0 },
	{ "sendmsg", 370, 179, 341, 370, 0 },
	{ "sendto", 369, 180, 335, 369, 0 },
	{ "setsockopt", 366, 181, 339, 366, 0 },
	{ "shmat", 397, 397, 397, 397, 0 },
	{ "shmctl", 396, 396, 396, 396, 0 },
	{ "shmdt", 398, 398, 398, 398, 0 },
	{ "shmget", 395, 395, 395, 395, 0 },
	{ "shutdown", 373, 182, 338, 373, 0 },
	{ "socket", 359, 183, 326, 359, 0 },
	{ "socketpair", 360, 184, 333, 360, 0 },
};

const struct seccomp_arch *seccomp_names_arch(uint32_t token)
{
	for (size_t i = 0; i < COUNT(archs); i++)
		if (archs[i].token == token)
			return &archs[i];
	return NULL;
}

const struct seccomp_arch *seccomp_names_arch_parse(const char *name)
{
	for (size_t i = 0; i < COUNT(archs); i++)
		if (text_equal(archs[i].name, name) || text_equal(archs[i].oci_name, name))
			return &archs[i];
	return NULL;
}

const struct seccomp_arch *seccomp_names_arch_at(size_t index)
{
	return index < COUNT(archs) ? &archs[index] : NULL;
}

uint32_t seccomp_names_native(void)
{
	return seccomp_arch_native();
}

bool seccomp_names_resolvable(const struct seccomp_arch *arch)
{
	/* Every architecture has getpid; -1 is what an unknown token gives. */
	return seccomp_syscall_resolve_name_arch(arch->token, "getpid") != __NR_SCMP_ERROR;
}

static const struct mux_call *find_mux(const char *name)
{
	size_t low = 0, high = COUNT(mux_calls);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, mux_calls[middle].name);
		if (!order)
			return &mux_calls[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static uint32_t mux_direct(const struct seccomp_arch *arch, const struct mux_call *call)
{
	switch (arch->token) {
	case AUDIT_ARCH_I386:
		return call->x86;
	case AUDIT_ARCH_MIPS:
	case AUDIT_ARCH_MIPSEL:
		return call->mips;
	case AUDIT_ARCH_PPC:
		return call->ppc;
	case AUDIT_ARCH_PPC64:
	case AUDIT_ARCH_PPC64LE:
		return call->wide ? call->wide : call->ppc;
	case AUDIT_ARCH_S390:
		return call->s390;
	case AUDIT_ARCH_S390X:
		return call->wide ? call->wide : call->s390;
	default:
		/* m68k and sh, with a libseccomp that knows them: only through socketcall. */
		return 0;
	}
}

/* @pseudo is libseccomp's number of a name that it treats as a function of socketcall or ipc. */
static void resolve_mux(const struct seccomp_arch *arch, const char *name, int pseudo,
			struct seccomp_call *out)
{
	bool ipc = pseudo <= -200;
	int number = seccomp_syscall_resolve_name_arch(arch->token, ipc ? "ipc" : "socketcall");
	const struct mux_call *call = find_mux(name);
	uint32_t direct = call ? mux_direct(arch, call) : 0;

	/* On x86-64 and others "send" has such a pseudo number too, but nothing behind it. */
	if (number < 0)
		return;
	out->multiplexed = true;
	out->mux_number = (uint32_t)number;
	out->mux_value = (uint32_t)-pseudo % (ipc ? 200 : 100);
	if (direct) {
		out->direct = true;
		out->number = arch->base + direct;
	}
}

static void resolve_supplement(const struct seccomp_arch *arch, const char *name,
			       struct seccomp_call *out)
{
	for (size_t i = 0; i < COUNT(supplement); i++) {
		if (!text_equal(supplement[i].name, name))
			continue;
		out->known = true;
		if (supplement[i].token && supplement[i].token != arch->token)
			continue;
		out->direct = true;
		out->number = arch->base + supplement[i].number;
		return;
	}
}

void seccomp_names_call(const struct seccomp_arch *arch, const char *name, struct seccomp_call *out)
{
	int number = seccomp_syscall_resolve_name_arch(arch->token, name);

	*out = (struct seccomp_call){ .known = number != __NR_SCMP_ERROR };
	if (number >= 0) {
		out->direct = true;
		out->number = (uint32_t)number;
	} else if (number == __NR_SCMP_ERROR) {
		resolve_supplement(arch, name, out);
	} else if (number <= -100 && number >= -299) {
		resolve_mux(arch, name, number, out);
	}
}

int seccomp_names_of(const struct seccomp_arch *arch, uint32_t number, char *out, size_t size)
{
	char *name = seccomp_syscall_resolve_num_arch(arch->token, (int)number);

	if (name) {
		text_format(out, size, "%s", name);
		free(name);
		return 0;
	}
	for (size_t i = 0; i < COUNT(supplement); i++) {
		if (arch->base + supplement[i].number != number)
			continue;
		if (supplement[i].token && supplement[i].token != arch->token)
			continue;
		text_format(out, size, "%s", supplement[i].name);
		return 0;
	}
	return -1;
}

void seccomp_names_version(char *out, size_t size)
{
	const struct scmp_version *v = seccomp_version();

	text_format(out, size, "%u.%u.%u", v->major, v->minor, v->micro);
}
