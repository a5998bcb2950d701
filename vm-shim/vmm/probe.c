/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a kernel would run on /dev/kvm. What KVM says of itself does not tell: one that interprets
 * supervisor code has all capabilities, too, and needs a microsecond for each instruction. So a few
 * instructions of that kind are run, and timed by the processor time that they take.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "vm-shim/vm.h"
#include "vm-shim/vmm/boot.h"
#include "vm-shim/vmm/cpu.h"
#include "vm-shim/vmm/kvm.h"

#define ITERATIONS    5000u /* of a round; the best of them counts */
#define ROUNDS        5u
#define CPU_MSEC_MAX  300
#define WALL_MSEC_MAX 2000
/* Hardware is below one, nested in an emulation 12 to 14, interpreted supervisor code a thousand. */
#define NSEC_SLOW     4u
#define NSEC_EMULATED 200u
#define MEMORY_BYTES  0x20000u
#define CODE          0x10000u
#define PORT          0x80

static const uint8_t code[] = {
	0xb9,
	ITERATIONS & 0xff,
	ITERATIONS >> 8,
	0,
	0, /* mov $ITERATIONS, %ecx */
	0xff,
	0xc9, /* dec %ecx */
	0x75,
	0xfc, /* jnz to it */
	0xe6,
	0x80, /* out %al, $0x80 */
	0xff,
	0xcb, /* dec %ebx */
	0x75,
	0xf1, /* jnz to the start */
	0x31,
	0xc0, /* xor %eax, %eax */
	0x0f,
	0xa2, /* cpuid */
	0xb9,
	0x80,
	0x00,
	0x00,
	0xc0, /* mov $EFER, %ecx */
	0x0f,
	0x32, /* rdmsr */
	0x0f,
	0x20,
	0xd8, /* mov %cr3, %rax */
	0x0f,
	0x22,
	0xd8, /* mov %rax, %cr3 */
	0x66,
	0x0f,
	0xef,
	0xc0, /* pxor %xmm0, %xmm0 */
	0xb0,
	0x2a, /* mov $42, %al */
	0xe6,
	0x80, /* out %al, $0x80 */
	0xf4, /* hlt */
};

struct answer {
	enum vm_probe_verdict verdict;
	uint32_t nsec;
	struct err error;
};

static int64_t cpu_nsec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A machine of 128 KiB and one processor, in long mode at the code. */
static struct kvm_run *prepare(struct kvm *k, int *cpu, struct err *e)
{
	static const struct boot_entry entry = { BOOT_MODE_64, CODE, 0 };
	struct kvm_userspace_memory_region r = { .memory_size = MEMORY_BYTES };
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	uint8_t *memory = mmap(NULL, MEMORY_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		err_sys(e, "take memory");
		return NULL;
	}
	/* One huge page as it is suffices: all of the code is in the first 2 MiB. */
	uint64_t *tables = (uint64_t *)(void *)(memory + BOOT_PAGE_TABLES);
	tables[0] = (BOOT_PAGE_TABLES + 0x1000) | 3;
	tables[512] = (BOOT_PAGE_TABLES + 0x2000) | 3;
	tables[1024] = 0x83;
	memcpy(memory + CODE, code, sizeof code);
	r.userspace_addr = (uintptr_t)memory;
	k->machine = ioctl(k->device, KVM_CREATE_VM, 0);
	if (k->machine < 0) {
		err_sys(e, "make a machine");
		if (errno == EBUSY)
			err_append(e, " (another program has the processor's virtualization)");
		return NULL;
	}
	if (ioctl(k->machine, KVM_SET_USER_MEMORY_REGION, &r) < 0 ||
	    (*cpu = ioctl(k->machine, KVM_CREATE_VCPU, 0)) < 0) {
		err_sys(e, "make a processor");
		return NULL;
	}
	struct kvm_run *run = mmap(NULL, k->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, *cpu, 0);
	if (run == MAP_FAILED || ioctl(*cpu, KVM_GET_SREGS, &sregs) < 0) {
		err_sys(e, "look at a processor");
		return NULL;
	}
	cpu_entry(&entry, &regs, &sregs);
	regs.rbx = ROUNDS;
	sregs.cr4 |= 0x200; /* SSE */
	if (ioctl(*cpu, KVM_SET_SREGS, &sregs) < 0 || ioctl(*cpu, KVM_SET_REGS, &regs) < 0) {
		err_sys(e, "set up a processor");
		return NULL;
	}
	return run;
}

static int run_once(int cpu, struct err *e)
{
	while (ioctl(cpu, KVM_RUN, 0) < 0)
		if (errno != EINTR && errno != EAGAIN)
			return err_sys(e, "run a processor");
	return 0;
}

/* In a process of its own: SIGPROF ends it when the processor time is used up. */
static void try_machine(struct answer *a)
{
	struct kvm k;
	int cpu = -1;

	a->verdict = VM_PROBE_BROKEN;
	if (kvm_open(&k, &a->error) < 0) {
		if (a->error.errnum == ENOENT || a->error.errnum == ENXIO ||
		    a->error.errnum == ENODEV)
			a->verdict = VM_PROBE_MISSING;
		if (a->error.errnum == EACCES || a->error.errnum == EPERM)
			a->verdict = VM_PROBE_FORBIDDEN;
		return;
	}
	struct kvm_run *run = prepare(&k, &cpu, &a->error);
	if (!run)
		return;
	uint64_t best = UINT64_MAX;
	for (unsigned round = 0; round <= ROUNDS; round++) {
		int64_t start = cpu_nsec();
		if (run_once(cpu, &a->error) < 0)
			return;
		uint64_t took = (uint64_t)(cpu_nsec() - start);
		/* The last one has the other instructions. */
		best = round < ROUNDS && took < best ? took : best;
		if (run->exit_reason == KVM_EXIT_IO && run->io.port == PORT)
			continue;
		/* That it was slow until then says what it is. */
		a->nsec = (uint32_t)(best / ITERATIONS);
		a->verdict = run->exit_reason == KVM_EXIT_INTERNAL_ERROR || a->nsec > NSEC_EMULATED
				     ? VM_PROBE_EMULATED
				     : VM_PROBE_BROKEN;
		err_set(&a->error, ERR_UNSUPPORTED, 0,
			"a processor stops with exit %u in the place of its output",
			run->exit_reason);
		return;
	}
	a->nsec = (uint32_t)(best / ITERATIONS);
	a->verdict = a->nsec > NSEC_EMULATED ? VM_PROBE_EMULATED
		     : a->nsec >= NSEC_SLOW  ? VM_PROBE_SLOW
					     : VM_PROBE_USABLE;
}

static _Noreturn void run_child(int fd)
{
	struct itimerval cpu = { .it_value.tv_usec = CPU_MSEC_MAX * 1000L };
	struct itimerval wall = { .it_value.tv_sec = WALL_MSEC_MAX / 1000 };
	struct answer a;
	sigset_t none;

	memset(&a, 0, sizeof a);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	signal(SIGPROF, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (setitimer(ITIMER_PROF, &cpu, NULL) == 0 && setitimer(ITIMER_REAL, &wall, NULL) == 0)
		try_machine(&a);
	else
		err_sys(&a.error, "set a timer");
	(void)io_write_full(fd, &a, sizeof a);
	_exit(0);
}

static void explain(struct vm_probe *p, const struct answer *a)
{
	p->verdict = a->verdict;
	p->nsec_per_iteration = a->nsec;
	switch (a->verdict) {
	case VM_PROBE_USABLE:
		text_format(p->reason, sizeof p->reason, "it works");
		break;
	case VM_PROBE_SLOW:
		text_format(p->reason, sizeof p->reason,
			    "it works, slowly: %u ns for two instructions", a->nsec);
		break;
	case VM_PROBE_EMULATED:
		if (a->nsec)
			text_format(
				p->reason, sizeof p->reason,
				"it interprets kernel code, %u ns for two instructions: no kernel "
				"gets through its start",
				a->nsec);
		else
			text_format(
				p->reason, sizeof p->reason,
				"it interprets kernel code: a few thousand instructions were not "
				"done after %d ms of work",
				CPU_MSEC_MAX);
		break;
	case VM_PROBE_MISSING:
	case VM_PROBE_FORBIDDEN:
	case VM_PROBE_BROKEN:
		text_format(p->reason, sizeof p->reason, "%s", a->error.msg);
		break;
	}
}

void vm_probe_kvm(struct vm_probe *p)
{
	struct answer a;
	int pipes[2];

	memset(p, 0, sizeof *p);
	memset(&a, 0, sizeof a);
	p->verdict = VM_PROBE_BROKEN;
	if (pipe2(pipes, O_CLOEXEC) < 0) {
		text_format(p->reason, sizeof p->reason, "make a pipe: %s", text_errno(errno));
		return;
	}
	CLEAN_FD int reader = pipes[0], writer = pipes[1];
	pid_t child = fork();
	if (child < 0) {
		text_format(p->reason, sizeof p->reason, "fork: %s", text_errno(errno));
		return;
	}
	if (child == 0)
		run_child(writer);
	drop_fd(&writer);
	ssize_t n = io_read_full(reader, &a, sizeof a);
	int status = pid_reap(child);
	if (n != sizeof a) {
		/* A signal: it used up its time. */
		memset(&a, 0, sizeof a);
		a.verdict = WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF ||
						    WTERMSIG(status) == SIGALRM)
				    ? VM_PROBE_EMULATED
				    : VM_PROBE_BROKEN;
		err_set(&a.error, ERR_UNSUPPORTED, 0,
			"the process that tried it ended with status %x", (unsigned)status);
	}
	explain(p, &a);
}
