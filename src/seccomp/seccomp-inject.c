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
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

void seccomp_inject_close(struct seccomp_inject *i)
{
	drop_fd(&i->mem);
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
	*i = (struct seccomp_inject){ .pid = pid, .mem = -1 };
	return refuse(e);
}

bool seccomp_inject_hit(const struct seccomp_inject *i)
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
#define RED_ZONE      256u /* below the stack pointer: the ABI's own has 128 */

/* One byte for the breakpoint; two each for the ways into the kernel. */
static const unsigned char breakpoint[] = { 0xcc };
static const unsigned char wide_call[] = { 0x0f, 0x05 };   /* syscall */
static const unsigned char narrow_call[] = { 0xcd, 0x80 }; /* int 0x80 */
#define CALL_BYTES    2

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

static int find_entry(struct seccomp_inject *i, struct err *e)
{
	char pairs[1024] = { 0 };
	ssize_t n = read_proc(i->pid, "auxv", pairs, sizeof pairs, e);

	if (n < 0)
		return errno == EACCES || errno == EPERM
			       ? err_append(e, " (its file is not readable by its user; the strict "
					       "gate needs no reading)")
			       : -1;
	size_t size = i->narrow ? sizeof(uint32_t) : sizeof(uint64_t);
	for (size_t at = 0; at + 2 * size <= (size_t)n; at += 2 * size) {
		uint64_t type = 0, value = 0;
		/* Little-endian: a narrow one is the low half. */
		memcpy(&type, pairs + at, size);
		memcpy(&value, pairs + at + size, size);
		if (type == AT_ENTRY)
			i->entry = value;
	}
	if (!i->entry)
		return err_set(e, ERR_SYSTEM, 0, "entry gate: the program has no entry point");
	return 0;
}

/* Overwrite what is at the entry point; NULL: as it was. */
static int patch(const struct seccomp_inject *i, const unsigned char *bytes, size_t count,
		 struct err *e)
{
	long word = i->word;

	if (bytes)
		memcpy((char *)&word + (i->entry - i->place), bytes, count);
	if (ptrace(PTRACE_POKETEXT, i->pid, i->place, word) < 0)
		return err_sys(e, "entry gate: write to the program's entry point");
	return 0;
}

int seccomp_inject_arm(struct seccomp_inject *i, pid_t pid, struct err *e)
{
	*i = (struct seccomp_inject){ .pid = pid, .mem = -1 };
	if (ptrace(PTRACE_GETREGS, pid, 0, &i->regs) < 0)
		return err_sys(e, "entry gate: read registers");
	i->narrow = i->regs.cs == NARROW_CS;
	if (find_entry(i, e) < 0)
		return -1;
	/* The word must not reach into the next page, which may not be there. */
	i->place = i->entry;
	if (i->entry % PAGE_BYTES > PAGE_BYTES - sizeof i->word)
		i->place = (i->entry / PAGE_BYTES + 1) * PAGE_BYTES - sizeof i->word;
	if (i->entry - i->place > sizeof i->word - CALL_BYTES)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "entry gate: the program's entry point is the last byte of a page");
	errno = 0;
	i->word = ptrace(PTRACE_PEEKTEXT, pid, i->place, 0);
	if (errno)
		return err_sys(e, "entry gate: read the program's entry point");
	return patch(i, breakpoint, sizeof breakpoint, e);
}

bool seccomp_inject_hit(const struct seccomp_inject *i)
{
	struct user_regs_struct now;

	return ptrace(PTRACE_GETREGS, i->pid, 0, &now) == 0 &&
	       now.rip == i->entry + sizeof breakpoint;
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

/* How many filters it has. Linux 5.9 and newer say so. */
static int count_filters(const struct seccomp_inject *i, unsigned *count, struct err *e)
{
	char status[8192];
	ssize_t n = read_proc(i->pid, "status", status, sizeof status - 1, e);

	if (n < 0)
		return -1;
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
	char path[64];
	unsigned char head[16] = { 0 };
	uint16_t length = (uint16_t)count;
	size_t head_bytes = i->narrow ? 8 : 16, code_bytes = count * sizeof *code;

	i->stack_bytes = head_bytes + code_bytes;
	i->stack = (i->regs.rsp - RED_ZONE - i->stack_bytes) & ~UINT64_C(15);
	uint64_t behind = i->stack + head_bytes;
	memcpy(head, &length, sizeof length);
	/* Little-endian: the low half is the narrow pointer. */
	memcpy(head + head_bytes / 2, &behind, head_bytes / 2);
	text_format(path, sizeof path, "/proc/%d/mem", i->pid);
	i->mem = open(path, O_RDWR | O_CLOEXEC);
	if (i->mem < 0)
		return err_sys(e, "entry gate: open the program's memory");
	if (pwrite(i->mem, head, head_bytes, (off_t)i->stack) != (ssize_t)head_bytes ||
	    pwrite(i->mem, code, code_bytes, (off_t)behind) != (ssize_t)code_bytes)
		return err_sys(e, "entry gate: write %zu bytes below the program's stack",
			       i->stack_bytes);
	return 0;
}

int seccomp_inject_begin(struct seccomp_inject *i, const struct sock_filter *code, size_t count,
			 unsigned flags, struct err *e)
{
	/* SIGTRAP ends the step; a blocked one would lose its handler. */
	uint64_t mask = ~(UINT64_C(1) << (SIGTRAP - 1));

	if (count_filters(i, &i->filters, e) < 0)
		return -1;
	if (ptrace(PTRACE_GETREGS, i->pid, 0, &i->regs) < 0 ||
	    ptrace(PTRACE_GETSIGMASK, i->pid, sizeof i->blocked, &i->blocked) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, i->pid, sizeof mask, &mask) < 0)
		return err_sys(e, "entry gate: read registers and block signals");
	if (write_stack(i, code, count, e) < 0 ||
	    patch(i, i->narrow ? narrow_call : wide_call, CALL_BYTES, e) < 0)
		return -1;
	struct user_regs_struct now = i->regs;
	now.rip = i->entry;
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
	if (patch(i, NULL, 0, e) < 0)
		return -1;
	if (ptrace(PTRACE_SETREGS, i->pid, 0, &i->regs) < 0 ||
	    ptrace(PTRACE_SETSIGMASK, i->pid, sizeof i->blocked, &i->blocked) < 0)
		return err_sys(e, "entry gate: restore registers and signals");
	seccomp_inject_close(i);
	return 0;
}

int seccomp_inject_end(struct seccomp_inject *i, struct err *e)
{
	struct user_regs_struct now;

	if (ptrace(PTRACE_GETREGS, i->pid, 0, &now) < 0)
		return err_sys(e, "entry gate: read registers");
	if (now.rip == i->entry)
		return 1;
	if (now.rip != i->entry + CALL_BYTES)
		return err_set(e, ERR_SYSTEM, 0, "entry gate: the program went astray");
	return check_installed(i, now.rax, e) < 0 ? -1 : restore(i, e);
}

#endif
