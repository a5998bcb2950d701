/* SPDX-License-Identifier: Apache-2.0 */
#include "vm-shim/vmm/filter.h"

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "src/seccomp/seccomp-install.h"
#include "src/seccomp/seccomp-names.h"

/* A call that is allowed; with @test only if its argument passes. */
struct row {
	uint16_t nr;
	uint8_t roles, argument;
	enum { ANY, EQUAL, WITHOUT } test;
	uint32_t value; /* WITHOUT: none of these bits of the lower half */
};

#define VCPU    (1u << FILTER_VCPU)
#define MONITOR (1u << FILTER_MONITOR)
#define BOTH    (VCPU | MONITOR)

/* Often made ones first. Those of one call stand together. */
static const struct row rows[] = {
	{ SYS_ioctl, VCPU, 1, EQUAL, KVM_RUN },
	{ SYS_ioctl, VCPU, 1, EQUAL, TUNSETOFFLOAD },
	{ SYS_ioctl, MONITOR, 1, EQUAL, BLKDISCARD },
	{ SYS_ioctl, MONITOR, 1, EQUAL, BLKZEROOUT },
	{ SYS_write, BOTH, 0, ANY, 0 },
	{ SYS_futex, BOTH, 0, ANY, 0 },
	{ SYS_read, BOTH, 0, ANY, 0 },
	{ SYS_epoll_ctl, BOTH, 0, ANY, 0 },
	{ SYS_epoll_wait, MONITOR, 0, ANY, 0 },
	{ SYS_epoll_pwait, MONITOR, 0, ANY, 0 },
	{ SYS_poll, MONITOR, 0, ANY, 0 },
	{ SYS_ppoll, MONITOR, 0, ANY, 0 },
	{ SYS_clock_gettime, BOTH, 0, ANY, 0 },
	{ SYS_gettimeofday, BOTH, 0, ANY, 0 },
	/* Disks and network devices. */
	{ SYS_readv, MONITOR, 0, ANY, 0 },
	{ SYS_writev, MONITOR, 0, ANY, 0 },
	{ SYS_pread64, MONITOR, 0, ANY, 0 },
	{ SYS_pwrite64, MONITOR, 0, ANY, 0 },
	{ SYS_preadv, MONITOR, 0, ANY, 0 },
	{ SYS_pwritev, MONITOR, 0, ANY, 0 },
	{ SYS_fdatasync, MONITOR, 0, ANY, 0 },
	{ SYS_fallocate, MONITOR, 0, ANY, 0 },
	{ SYS_timerfd_settime, BOTH, 0, ANY, 0 },
	{ SYS_getrandom, MONITOR, 0, ANY, 0 },
	/* Sockets that are there already. */
	{ SYS_sendmsg, BOTH, 0, ANY, 0 },
	{ SYS_recvmsg, BOTH, 0, ANY, 0 },
	{ SYS_sendto, BOTH, 0, ANY, 0 },
	{ SYS_recvfrom, BOTH, 0, ANY, 0 },
	{ SYS_shutdown, MONITOR, 0, ANY, 0 },
	{ SYS_close, MONITOR, 0, ANY, 0 },
	/* Memory, never of the kind that can be executed. */
	{ SYS_madvise, BOTH, 0, ANY, 0 },
	{ SYS_brk, BOTH, 0, ANY, 0 },
	{ SYS_munmap, BOTH, 0, ANY, 0 },
	{ SYS_mmap, BOTH, 2, WITHOUT, PROT_EXEC },
	{ SYS_mprotect, BOTH, 2, WITHOUT, PROT_EXEC },
	{ SYS_rt_sigprocmask, BOTH, 0, ANY, 0 },
	{ SYS_restart_syscall, BOTH, 0, ANY, 0 },
	{ SYS_exit, BOTH, 0, ANY, 0 },
	{ SYS_exit_group, BOTH, 0, ANY, 0 },
};

#define COUNT (sizeof rows / sizeof *rows)

static size_t put(struct sock_filter *code, size_t n, uint16_t op, uint8_t yes, uint8_t no,
		  uint32_t k)
{
	code[n] = (struct sock_filter)BPF_JUMP(op, k, yes, no);
	return n + 1;
}

/* One row: to the next instruction behind it unless the call is allowed. */
static size_t put_row(const struct row *r, struct sock_filter *code, size_t n)
{
	uint32_t argument = (uint32_t)(offsetof(struct seccomp_data, args) + r->argument * 8u);

	if (r->test == ANY) {
		n = put(code, n, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, r->nr);
		return put(code, n, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	}
	n = put(code, n, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, r->nr);
	n = put(code, n, BPF_LD | BPF_W | BPF_ABS, 0, 0, argument);
	if (r->test == EQUAL)
		n = put(code, n, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, r->value);
	else
		n = put(code, n, BPF_JMP | BPF_JSET | BPF_K, 1, 0, r->value);
	n = put(code, n, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
	return put(code, n, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
}

size_t filter_make(enum filter_role role, struct sock_filter code[FILTER_MAX])
{
	size_t n = 0;

	_Static_assert(COUNT * 5 + 5 <= FILTER_MAX, "room for all rows");
	n = put(code, n, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, arch));
	n = put(code, n, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, seccomp_names_native());
	n = put(code, n, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
	n = put(code, n, BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT; i++)
		if (rows[i].roles & 1u << role)
			n = put_row(&rows[i], code, n);
	return put(code, n, BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS);
}

int filter_enter(enum filter_role role, struct err *e)
{
	struct sock_filter code[FILTER_MAX];

	return seccomp_install(code, filter_make(role, code), 0, e);
}
