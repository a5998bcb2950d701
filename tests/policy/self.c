/* SPDX-License-Identifier: Apache-2.0 */
/* What husk's own processes are held to is what policies/self says. TAP on standard output. */
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "runtime/phase/reaper-filter.h"
#include "runtime/phase/supervisor-filter.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"
#include "vm-shim/vmm/filter.h"

/* Beyond the last number of any architecture, x32 included. */
#define NUMBERS 0x40000400u
#define CODE_MAX 256

static size_t vcpu_make(struct sock_filter *code)
{
	return filter_make(FILTER_VCPU, code);
}

static size_t monitor_make(struct sock_filter *code)
{
	return filter_make(FILTER_MONITOR, code);
}

static const struct {
	const char *name;
	size_t (*make)(struct sock_filter *code);
} filters[] = {
	{ "reaper", reaper_filter_make },
	{ "supervisor", supervisor_filter_make },
	{ "vm-vcpu", vcpu_make },
	{ "vm-monitor", monitor_make },
};
#define FILTERS (sizeof filters / sizeof *filters)

_Static_assert(CODE_MAX >= REAPER_FILTER_MAX && CODE_MAX >= SUPERVISOR_FILTER_MAX &&
		       CODE_MAX >= FILTER_MAX, "room for all");

/* For each of the first three arguments: what filters ask about, and neighbours of that. */
static const uint64_t values[] = {
	0,
	1,
	2,
	3,
	4,
	5,
	7,
	KVM_RUN,
	KVM_CREATE_VM,
	0x400454d0,
	0x400454d1,
	KVM_RUN | 1ull << 32,
	BLKDISCARD,
	BLKZEROOUT,
	PROT_EXEC,
	PROT_READ | PROT_WRITE,
	O_CREAT,
	O_TMPFILE,
	O_PATH,
	O_RDWR,
	O_TRUNC,
	O_DIRECTORY,
	O_CREAT | 1ull << 32,
	TCGETS,
	TCSETS,
	TCSETSW,
	TCGETS | 1ull << 32,
	0x802c542a,
	0x402c542b,
	TIOCGWINSZ,
	TIOCSWINSZ,
	TIOCGPTPEER,
	TIOCSTI,
	TIOCLINUX,
	0xc0502100,
	0xc0182101,
	INT32_MAX,
	UINT32_MAX,
	1ull << 32,
	UINT64_MAX,
};
#define VALUES (sizeof values / sizeof *values)

static unsigned compare_one(const struct seccomp_program *text, const struct sock_filter *code,
			    size_t count, struct seccomp_data *data)
{
	unsigned different = 0;

	for (int foreign = 0; foreign < 2; foreign++) {
		data->arch ^= foreign ? 1 : 0;
		uint32_t said = seccomp_simulate(text->code, text->count, data, NULL);
		uint32_t done = seccomp_simulate(code, count, data, NULL);
		/* Both kill, for the policy's part by thread or by process. */
		if (said != done && !(foreign && done == SECCOMP_RET_KILL_PROCESS &&
				      said != SECCOMP_RET_ALLOW)) {
			printf("# call %d (%llx, %llx, %llx): %x, and not %x\n", data->nr,
			       (unsigned long long)data->args[0],
			       (unsigned long long)data->args[1],
			       (unsigned long long)data->args[2], done, said);
			different++;
		}
	}
	data->arch ^= 1;
	return different;
}

static unsigned compare(const struct seccomp_program *text, const struct sock_filter *code,
			size_t count)
{
	unsigned different = 0;

	for (uint32_t nr = 0; nr < NUMBERS; nr = nr == 1024 ? 0x40000000u : nr + 1) {
		for (unsigned argument = 0; argument < 3; argument++) {
			for (size_t i = 0; i < VALUES; i++) {
				struct seccomp_data data = { .nr = (int)nr,
							     .arch = seccomp_names_native() };
				data.args[argument] = values[i];
				different += compare_one(text, code, count, &data);
			}
		}
	}
	return different;
}

static int check(size_t index)
{
	const char *name = filters[index].name;
	struct sock_filter code[CODE_MAX];
	size_t count = filters[index].make(code);
	struct seccomp_program program;
	struct policy policy;
	struct arena arena;
	char path[512];
	struct err e;

	snprintf(path, sizeof path, "%s/self/%s.policy", POLICY_DIRECTORY, name);
	arena_init(&arena, 0);
	if (policy_load(path, NULL, &arena, &policy, &e) < 0 ||
	    policy_program(&policy, &arena, &program, &e) < 0) {
		printf("not ok - %s: the policy compiles\n# %s\n", name, e.msg);
		return 1;
	}
	int taken = seccomp_simulate_check(code, count, &e) == 0;
	printf("%sok %zu - %s: the kernel would take the instructions\n", taken ? "" : "not ",
	       index * 2 + 1, name);
	unsigned different = compare(&program, code, count);
	printf("%sok %zu - %s: they answer every call as the policy does\n",
	       different ? "not " : "", index * 2 + 2, name);
	arena_free(&arena);
	return !taken || different;
}

int main(void)
{
	int failed = 0;

	printf("1..%zu\n", 2 * FILTERS);
	for (size_t i = 0; i < FILTERS; i++)
		failed |= check(i);
	return failed;
}
