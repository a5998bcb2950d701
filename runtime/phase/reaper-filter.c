/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/reaper-filter.h"

#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "src/seccomp/seccomp-install.h"
#include "src/seccomp/seccomp-names.h"

static const uint16_t allowed[] = {
	SYS_wait4,
	SYS_restart_syscall,
	SYS_kill,
	SYS_write,
	SYS_exit,
	SYS_exit_group,
#ifdef SYS_rt_sigtimedwait
	SYS_rt_sigtimedwait,
#endif
#ifdef SYS_rt_sigtimedwait_time64
	SYS_rt_sigtimedwait_time64,
#endif
};

#define COUNT (sizeof allowed / sizeof *allowed)

size_t reaper_filter_make(struct sock_filter code[REAPER_FILTER_MAX])
{
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, seccomp_names_native(),
						 0, COUNT + 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < COUNT; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i],
							 (uint8_t)(COUNT - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return n;
}

void reaper_filter_enter(void)
{
	struct sock_filter code[REAPER_FILTER_MAX];
	struct err ignored;

	(void)seccomp_install(code, reaper_filter_make(code), 0, &ignored);
}
