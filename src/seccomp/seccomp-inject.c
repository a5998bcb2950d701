/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-inject.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

void seccomp_inject_close(struct seccomp_inject *i)
{
	drop_fd(&i->mem);
	drop_fd(&i->status);
}

#ifndef __x86_64__

static int refuse(struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, 0, "the entry gate is made for x86-64 only");
}

bool seccomp_inject_supported(void)
{
	return false;
}

int seccomp_inject_arm(struct seccomp_inject *i, pid_t pid, struct err *e)
{
	*i = (struct seccomp_inject){ .pid = pid, .mem = -1, .status = -1 };
	return refuse(e);
}

void seccomp_inject_prepare(struct seccomp_inject *i)
{
	(void)i;
}

bool seccomp_inject_hit(struct seccomp_inject *i)
{
	(void)i;
	return false;
}

int seccomp_inject_begin(struct seccomp_inject *i, const struct sock_filter *code, size_t count,
			 unsigned flags, struct err *e)
{
	(void)i, (void)code, (void)count, (void)flags;
	return refuse(e);
}

int seccomp_inject_end(struct seccomp_inject *i, struct err *e)
{
	(void)i;
	return refuse(e);
}

#else

#define NARROW_CS     0x23 /* the code segment of 32-bit programs (asm/segment.h) */
#define NARROW_NUMBER 354  /* seccomp(2) there */
#define PAGE_BYTES    4096u
#define FILTERS_MAX   64   /* that are worth counting one by one */
#define RED_ZONE      256u /* below the stack pointer: the ABI's own has 128 */

/* What is put at the entry point: one byte that stops, and behind it the way into the kernel. */
static const unsigned char wide_trap[] = { 0xcc, 0x0f, 0x05 };   /* int3, syscall */
static const unsigned char narrow_trap[] = { 0xcc, 0xcd, 0x80 }; /* int3, int 0x80 */
#define TRAP_BYTES    3
#define STOP_BYTES    1

bool seccomp_inject_supported(void)
{
	return true;
}

static ssize_t read_proc(pid_t pid, const char *name, void *out, size_t size, struct err *e)
{
	char path[64];

	text_format(path, sizeof path, "/proc/%d/%s", pid, name);
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : io_read_full(fd, out, size);
	if (n < 0)
		err_sys(e, "entry gate: read %s of the program", name);
	return n;
}

/* Pairs of numbers of the program's width. Little-endian: a narrow one is the low half. */
static bool scan_pairs(struct seccomp_inject *i, const char *pairs, size_t bytes)
{
	size_t size = i->narrow ? sizeof(uint32_t) : sizeof(uint64_t);

	for (size_t at = 0; at + 2 * size <= bytes; at += 2 * size) {
		uint64_t type = 0, value = 0;
		memcpy(&type, pairs + at, size);
		memcpy(&value, pairs + at + size, size);
		if (type == AT_NULL)
			break;
		if (type == AT_ENTRY)
			i->entry = value;
	}
	return i->entry != 0;
}

/*
 * The kernel has put them on the new program's stack a moment ago, behind its arguments and environment;
 * to read them there takes a third of the time that /proc does. False: not within its first pages.
 */
static bool scan_stack(struct seccomp_inject *i)
{
	static char top[4 * PAGE_BYTES];
	size_t size = i->narrow ? sizeof(uint32_t) : sizeof(uint64_t), at = size;
	struct iovec here = { top, sizeof top }, there[4];
	uint64_t from = i->regs.rsp, first = PAGE_BYTES - from % PAGE_BYTES;

	/* By pages: what lies behind the last one is not there, and nothing of its piece would be read. */
	for (size_t n = 0; n < 4; n++) {
		there[n].iov_base = (void *)(uintptr_t)from;
		there[n].iov_len = n ? PAGE_BYTES : first;
		from += there[n].iov_len;
	}
	ssize_t n = process_vm_readv(i->pid, &here, 1, there, 4, 0);
	/* Two lists that end with a 0. */
	for (int lists = 0; lists < 2; at += size) {
		uint64_t word = 0;
		if (n < 0 || at + size > (size_t)n)
			return false;
		memcpy(&word, top + at, size);
		lists += !word;
	}
	return scan_pairs(i, top + at, (size_t)n - at);
}

static int find_entry(struct seccomp_inject *i, struct err *e)
{
	char pairs[1024] = { 0 };

	if (scan_stack(i))
		return 0;
	ssize_t n = read_proc(i->pid, "auxv", pairs, sizeof pairs, e);
	if (n < 0)
		return errno == EACCES || errno == EPERM
			       ? err_append(e, " (its file is not readable by its user; the strict "
					       "gate needs no reading)")
			       : -1;
	if (!scan_pairs(i, pairs, (size_t)n))
		return err_set(e, ERR_SYSTEM, 0, "entry gate: the program has no entry point");
	return 0;
}

static int patch(const struct seccomp_inject *i, long word, struct err *e)
{
	if (ptrace(PTRACE_POKETEXT, i->pid, i->place, word) < 0)
		return err_sys(e, "entry gate: write to the program's entry point");
	return 0;
}

int seccomp_inject_arm(struct seccomp_inject *i, pid_t pid, struct err *e)
{
	*i = (struct seccomp_inject){ .pid = pid, .mem = -1, .status = -1 };
	if (ptrace(PTRACE_GETREGS, pid, 0, &i->regs) < 0)
		return err_sys(e, "entry gate: read registers");
	i->narrow = i->regs.cs == NARROW_CS;
	if (find_entry(i, e) < 0)
		return -1;
	/* The word must not reach into the next page, which may not be there. */
	i->place = i->entry;
	if (i->entry % PAGE_BYTES > PAGE_BYTES - sizeof i->word)
		i->place = (i->entry / PAGE_BYTES + 1) * PAGE_BYTES - sizeof i->word;
	if (i->entry - i->place > sizeof i->word - TRAP_BYTES)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"entry gate: the program's entry point is at the very end of a page");
	errno = 0;
	i->word = ptrace(PTRACE_PEEKTEXT, pid, i->place, 0);
	if (errno)
		return err_sys(e, "entry gate: read the program's entry point");
	long word = i->word;
	memcpy((char *)&word + (i->entry - i->place), i->narrow ? narrow_trap : wide_trap,
	       TRAP_BYTES);
	return patch(i, word, e);
}

static int open_proc(pid_t pid, const char *name, int flags)
{
	char path[64];

	text_format(path, sizeof path, "/proc/%d/%s", pid, name);
	return open(path, flags | O_CLOEXEC);
}

/* Whoever ends meanwhile needs neither, and what fails otherwise will fail again, and be told. */
void seccomp_inject_prepare(struct seccomp_inject *i)
{
	if (i->mem < 0)
		i->mem = open_proc(i->pid, "mem", O_RDWR);
	if (i->status < 0)
		i->status = open_proc(i->pid, "status", O_RDONLY);
}

bool seccomp_inject_hit(struct seccomp_inject *i)
{
	return ptrace(PTRACE_GETREGS, i->pid, 0, &i->regs) == 0 &&
	       i->regs.rip == i->entry + STOP_BYTES;
}

/* A line of /proc/PID/status, or -1. */
static long status_value(const char *status, const char *name)
{
	const char *at = strstr(status, name);
	uint32_t value;
	char word[16];

	if (!at)
		return -1;
	at += strlen(name);
	text_format(word, sizeof word, "%.*s", (int)strcspn(at, "\n"), at);
	return text_parse_u32(word, &value) < 0 ? -1 : (long)value;
}

/* How many filters it has: asked of the kernel, which answers root in a tenth of the time. */
static int count_by_trace(const struct seccomp_inject *i)
{
	for (unsigned long n = 0; n < FILTERS_MAX; n++) {
		if (ptrace(PTRACE_SECCOMP_GET_FILTER, i->pid, n, NULL) < 0)
			return errno == ENOENT || (n == 0 && errno == EINVAL) ? (int)n : -1;
	}
	return -1;
}

/* Linux 5.9 and newer say it in /proc. */
static int count_filters(const struct seccomp_inject *i, unsigned *count, struct err *e)
{
	int counted = count_by_trace(i);

	if (counted >= 0) {
		*count = (unsigned)counted;
		return 0;
	}
	char status[8192];
	/* All of it at once: it is made anew for each read from its beginning. */
	ssize_t n = pread(i->status, status, sizeof status - 1, 0);

	if (n < 0)
		return err_sys(e, "entry gate: read status of the program");
	status[n] = '\0';
	long filters = status_value(status, "\nSeccomp_filters:\t");
	if (filters < 0)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "entry gate: this kernel does not tell how many filters a process "
			       "has (Linux 5.9 does)");
	*count =
		status_value(status, "\nSeccomp:\t") == SECCOMP_MODE_FILTER ? (unsigned)filters : 0;
	return 0;
}

/* struct sock_fprog of either width, and behind it the program, below the stack. */
static int write_stack(struct seccomp_inject *i, const struct sock_filter *code, size_t count,
		       struct err *e)
{
	unsigned char head[16] = { 0 };
	uint16_t length = (uint16_t)count;
	size_t head_bytes = i->narrow ? 8 : 16, code_bytes = count * sizeof *code;

	i->stack_bytes = head_bytes + code_bytes;
	i->stack = (i->regs.rsp - RED_ZONE - i->stack_bytes) & ~UINT64_C(15);
	uint64_t behind = i->stack + head_bytes;
	memcpy(head, &length, sizeof length);
	/* Little-endian: the low half is the narrow pointer. */
	memcpy(head + head_bytes / 2, &behind, head_bytes / 2);
	struct iovec parts[] = { { head, head_bytes }, { (void *)(uintptr_t)code, code_bytes } };
	if (pwritev(i->mem, parts, 2, (off_t)i->stack) != (ssize_t)i->stack_bytes)
		return err_sys(e, "entry gate: write %zu bytes below the program's stack",
			       i->stack_bytes);
	return 0;
}

int seccomp_inject_begin(struct seccomp_inject *i, const struct sock_filter *code, size_t count,
			 unsigned flags, struct err *e)
{
	/* SIGTRAP ends the step; a blocked one would lose its handler. */
	uint64_t mask = ~(UINT64_C(1) << (SIGTRAP - 1));

	seccomp_inject_prepare(i);
	if (i->mem < 0 || i->status < 0)
		return err_sys(e, "entry gate: open the program's memory and status");
	if (count_filters(i, &i->filters, e) < 0)
		return -1;
	if (ptrace(PTRACE_GETSIGMASK, i->pid, sizeof i->blocked, &i->blocked) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, i->pid, sizeof mask, &mask) < 0)
		return err_sys(e, "entry gate: block signals");
	if (write_stack(i, code, count, e) < 0)
		return -1;
	/* It stands before the call, where the breakpoint has left it. */
	struct user_regs_struct now = i->regs;
	now.orig_rax = ~0ull; /* nothing is to be restarted */
	now.rax = i->narrow ? NARROW_NUMBER : SYS_seccomp;
	now.rdi = now.rbx = SECCOMP_SET_MODE_FILTER;
	now.rsi = now.rcx = flags | SECCOMP_FILTER_FLAG_TSYNC;
	now.rdx = i->stack;
	if (ptrace(PTRACE_SETREGS, i->pid, 0, &now) < 0)
		return err_sys(e, "entry gate: write registers");
	return 0;
}

/* What the call said is not believed alone: a filter of the program's own may have answered it. */
static int check_installed(const struct seccomp_inject *i, uint64_t answer, struct err *e)
{
	int64_t result = i->narrow ? (int32_t)answer : (int64_t)answer;
	unsigned filters;

	if (result < 0)
		return err_set(e, ERR_SYSTEM, (int)-result,
			       "entry gate: install the policy in the program");
	if (result > 0)
		return err_set(e, ERR_SYSTEM, 0,
			       "entry gate: install the policy in the program: thread %lld has "
			       "another filter",
			       (long long)result);
	if (count_filters(i, &filters, e) < 0)
		return -1;
	if (filters != i->filters + 1)
		return err_set(e, ERR_SYSTEM, 0,
			       "entry gate: the policy is not in force: a filter of the program's "
			       "own pretends so");
	return 0;
}

static int restore(struct seccomp_inject *i, struct err *e)
{
	static const char zeros[BPF_MAXINSNS * sizeof(struct sock_filter) + 16];

	i->regs.rip = i->entry;
	i->regs.orig_rax = ~0ull;
	if (pwrite(i->mem, zeros, i->stack_bytes, (off_t)i->stack) != (ssize_t)i->stack_bytes)
		return err_sys(e, "entry gate: clear the program's stack");
	if (patch(i, i->word, e) < 0)
		return -1;
	if (ptrace(PTRACE_SETREGS, i->pid, 0, &i->regs) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, i->pid, sizeof i->blocked, &i->blocked) < 0)
		return err_sys(e, "entry gate: restore registers and signals");
	return 0;
}

int seccomp_inject_end(struct seccomp_inject *i, struct err *e)
{
	struct user_regs_struct now;

	if (ptrace(PTRACE_GETREGS, i->pid, 0, &now) < 0)
		return err_sys(e, "entry gate: read registers");
	if (now.rip == i->entry + STOP_BYTES)
		return 1;
	if (now.rip != i->entry + TRAP_BYTES)
		return err_set(e, ERR_SYSTEM, 0, "entry gate: the program went astray");
	return check_installed(i, now.rax, e) < 0 ? -1 : restore(i, e);
}

#endif
