/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/supervisor-filter.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "src/seccomp/seccomp-install.h"
#include "src/seccomp/seccomp-names.h"

/* Of <asm/termbits.h>, which collides with <termios.h>: what later C libraries use. */
#define TERMIOS2_GET _IOC(_IOC_READ, 'T', 0x2a, 44)
#define TERMIOS2_SET _IOC(_IOC_WRITE, 'T', 0x2b, 44)

/* Where a test jumps to, until the distance is known. */
enum goal {
	NEXT = 0,
	ALLOW = 250,
	KILL,
	REFUSE,
	IF_NOTHING_IS_MADE, /* flags of open */
	IF_NOT_EXECUTABLE,  /* memory */
	IF_KNOWN_CONTROL,   /* of a terminal, or of the policy's listener */
	GOALS_END,
};

struct rule {
	uint32_t number;
	enum goal goal;
};

static const struct rule rules[] = {
	/* Waiting */
	{ SYS_ppoll, ALLOW },
	{ SYS_wait4, ALLOW },
	{ SYS_waitid, ALLOW },
	{ SYS_restart_syscall, ALLOW },
	{ SYS_rt_sigprocmask, ALLOW },
	{ SYS_rt_sigreturn, ALLOW },
	{ SYS_clock_nanosleep, ALLOW },
	{ SYS_futex, ALLOW },
#ifdef SYS_poll
	{ SYS_poll, ALLOW },
#endif
	/* The time, where the vDSO has none */
	{ SYS_clock_gettime, ALLOW },
	{ SYS_gettimeofday, ALLOW },
	/* Killing */
	{ SYS_kill, ALLOW },
	{ SYS_pidfd_open, ALLOW },
	{ SYS_pidfd_send_signal, ALLOW },
	/* Relaying output, reporting */
	{ SYS_read, ALLOW },
	{ SYS_pread64, ALLOW },
	{ SYS_write, ALLOW },
	{ SYS_writev, ALLOW },
	{ SYS_sendto, ALLOW },
	{ SYS_socket, REFUSE }, /* syslog(3), which goes on without */
	{ SYS_ftruncate, ALLOW },
	{ SYS_lseek, ALLOW },
	{ SYS_fcntl, ALLOW },
	{ SYS_ioctl, IF_KNOWN_CONTROL },
	/* Files of control groups and processes */
	{ SYS_openat, IF_NOTHING_IS_MADE },
	{ SYS_close, ALLOW },
	{ SYS_getdents64, ALLOW },
	{ SYS_newfstatat, ALLOW },
	{ SYS_fstat, ALLOW },
	{ SYS_statx, ALLOW },
	{ SYS_readlinkat, ALLOW },
	{ SYS_faccessat, ALLOW },
	{ SYS_getxattr, ALLOW },
	{ SYS_fgetxattr, ALLOW },
	{ SYS_unlinkat, ALLOW },
#ifdef SYS_readlink
	{ SYS_readlink, ALLOW },
#endif
#ifdef SYS_access
	{ SYS_access, ALLOW },
#endif
#ifdef SYS_rmdir
	{ SYS_rmdir, ALLOW },
#endif
	/* Itself */
	{ SYS_brk, ALLOW },
	{ SYS_mmap, IF_NOT_EXECUTABLE },
	{ SYS_mprotect, IF_NOT_EXECUTABLE },
	{ SYS_munmap, ALLOW },
	{ SYS_mremap, ALLOW },
	{ SYS_madvise, ALLOW },
	{ SYS_getrandom, ALLOW },
	{ SYS_sched_getaffinity, ALLOW },
	{ SYS_sysinfo, ALLOW }, /* qsort(3) */
	{ SYS_getpid, ALLOW },
	{ SYS_capget, ALLOW },
	{ SYS_exit, ALLOW },
	{ SYS_exit_group, ALLOW },
};

#define COUNT (sizeof rules / sizeof *rules)
#define GROUP                                                                                      \
	8 /* as many are tried one after the other: the kernel goes through all of it for each number */

static const uint32_t controls[] = {
	TCGETS,     TCSETS,     TERMIOS2_GET, TERMIOS2_SET,
	TIOCGWINSZ, TIOCSWINSZ, TIOCGPTPEER,  (uint32_t)SECCOMP_IOCTL_NOTIF_RECV,
};
#define CONTROLS_COUNT (sizeof controls / sizeof *controls)

struct writer {
	struct sock_filter *out;
	size_t count;
	size_t goals[GOALS_END - ALLOW];
};

static void add(struct writer *w, unsigned code, size_t jt, size_t jf, uint32_t k)
{
	w->out[w->count++] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };
}

static void load(struct writer *w, size_t offset)
{
	add(w, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)offset);
}

static void load_argument(struct writer *w, size_t index, bool low)
{
	bool second = low == (__BYTE_ORDER == __BIG_ENDIAN);

	load(w, offsetof(struct seccomp_data, args) + index * 8 + (second ? 4 : 0));
}

static void reach(struct writer *w, enum goal goal)
{
	w->goals[goal - ALLOW] = w->count;
}

static void write_tree(struct writer *w, const struct rule *sorted, size_t count)
{
	if (count > GROUP) {
		size_t half = count / 2, test = w->count;
		add(w, BPF_JMP | BPF_JGE | BPF_K, 0, 0, sorted[half].number);
		write_tree(w, sorted, half);
		w->out[test].jt = (uint8_t)(w->count - test - 1);
		write_tree(w, sorted + half, count - half);
		return;
	}
	for (size_t i = 0; i < count; i++)
		add(w, BPF_JMP | BPF_JEQ | BPF_K, sorted[i].goal, i + 1 < count ? NEXT : KILL,
		    sorted[i].number);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = ((const struct rule *)a)->number, y = ((const struct rule *)b)->number;

	return x < y ? -1 : x > y;
}

size_t supervisor_filter_make(struct sock_filter code[SUPERVISOR_FILTER_MAX])
{
	struct writer w = { .out = code };
	struct rule sorted[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		sorted[i] = rules[i];
	qsort(sorted, COUNT, sizeof *sorted, by_number);
	load(&w, offsetof(struct seccomp_data, arch));
	add(&w, BPF_JMP | BPF_JEQ | BPF_K, NEXT, KILL, seccomp_names_native());
	load(&w, offsetof(struct seccomp_data, nr));
	write_tree(&w, sorted, COUNT);
	reach(&w, IF_NOTHING_IS_MADE);
	load_argument(&w, 2, true);
	add(&w, BPF_JMP | BPF_JSET | BPF_K, KILL, ALLOW, O_CREAT | (O_TMPFILE & ~O_DIRECTORY));
	reach(&w, IF_NOT_EXECUTABLE);
	load_argument(&w, 2, false);
	add(&w, BPF_JMP | BPF_JEQ | BPF_K, NEXT, KILL, 0);
	load_argument(&w, 2, true);
	add(&w, BPF_JMP | BPF_JSET | BPF_K, KILL, ALLOW, ~(uint32_t)(PROT_READ | PROT_WRITE));
	reach(&w, IF_KNOWN_CONTROL);
	load_argument(&w, 1, true);
	for (size_t i = 0; i < CONTROLS_COUNT; i++)
		add(&w, BPF_JMP | BPF_JEQ | BPF_K, ALLOW, NEXT, controls[i]);
	reach(&w, KILL);
	add(&w, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
	reach(&w, REFUSE);
	add(&w, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM);
	reach(&w, ALLOW);
	add(&w, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < w.count; i++) {
		uint8_t *jumps[] = { &code[i].jt, &code[i].jf };
		for (size_t k = 0; k < 2; k++) {
			if (*jumps[k] >= ALLOW)
				*jumps[k] = (uint8_t)(w.goals[*jumps[k] - ALLOW] - i - 1);
		}
	}
	return w.count;
}

int supervisor_filter_enter(struct err *e)
{
	struct sock_filter code[SUPERVISOR_FILTER_MAX];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "set no_new_privs");
	return seccomp_install(code, supervisor_filter_make(code), 0, e);
}
