/* SPDX-License-Identifier: Apache-2.0 */
#include "src/seccomp/seccomp-install.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/kernel.h"

static long call(unsigned operation, unsigned flags, const void *argument)
{
	return syscall(SYS_seccomp, operation, flags, argument);
}

static const char *hint(int errnum)
{
	switch (errnum) {
	case EACCES:
		return ": without CAP_SYS_ADMIN no_new_privs must be set first";
	case EBUSY:
		return ": the process has a filter with a listener already, and the kernel allows "
		       "one";
	case EINVAL:
		return ": this kernel refuses the program or one of the flags";
	case ENOMEM:
		return ": all filters of a process together have at most 32768 instructions";
	case ENOSYS:
	case EPERM:
		return ": a seccomp filter of the surrounding container or sandbox forbids it";
	default:
		return "";
	}
}

int seccomp_install(const struct sock_filter *code, size_t count, unsigned flags, struct err *e)
{
	struct sock_fprog program = { .len = (unsigned short)count,
				      .filter = (struct sock_filter *)(uintptr_t)code };

	if (!count || count > BPF_MAXINSNS)
		return err_set(e, ERR_CONFIG, EINVAL, "install seccomp filter of %zu instructions",
			       count);
	if (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) {
		if (flags & SECCOMP_FILTER_FLAG_TSYNC)
			flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	} else {
		flags &= ~(unsigned)SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	}
	long result = call(SECCOMP_SET_MODE_FILTER, flags, &program);
	if (result < 0) {
		int saved = errno;
		err_sys(e, "install seccomp filter (%zu instructions, flags 0x%x)", count, flags);
		err_append(e, "%s", hint(saved));
		errno = saved;
		return -1;
	}
	if (result > 0 && !(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER))
		/* TSYNC without ESRCH returns the thread that could not follow. */
		return err_set(e, ERR_SYSTEM, ESRCH,
			       "install seccomp filter: thread %ld has another filter", result);
	return (int)result;
}

uint64_t seccomp_kernel_flags(void)
{
	static const unsigned flags[] = {
		SECCOMP_FILTER_FLAG_TSYNC,       SECCOMP_FILTER_FLAG_LOG,
		SECCOMP_FILTER_FLAG_SPEC_ALLOW,  SECCOMP_FILTER_FLAG_NEW_LISTENER,
		SECCOMP_FILTER_FLAG_TSYNC_ESRCH, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
	};
	uint64_t known = 0;

	for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
		unsigned asked = flags[i];
		/* Valid only together with a listener. */
		if (asked == SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
			asked |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
		if (call(SECCOMP_SET_MODE_FILTER, asked, NULL) < 0 && errno == EFAULT)
			known |= flags[i];
	}
	return known;
}

bool seccomp_kernel_has_action(uint32_t action)
{
	action &= SECCOMP_RET_ACTION_FULL;
	return call(SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}
