/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SANDBOX_SANDBOX_REPORT_H
#define HUSK_SANDBOX_SANDBOX_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/err.h"

/* How a run ended. What the supervisor or a limit did counts more than what the program made of it.
 */
enum sandbox_verdict {
	SANDBOX_EXITED,
	SANDBOX_SIGNALLED,
	SANDBOX_WALL_TIME,
	SANDBOX_CPU_TIME,
	SANDBOX_MEMORY,
	SANDBOX_OUTPUT,
	SANDBOX_PIDS,
	SANDBOX_POLICY,
	SANDBOX_SETUP_FAILED,
	SANDBOX_MACHINE_LOST, /* its virtual machine ended before the program did */
};

extern const struct json_enum sandbox_verdict_enum;

/* Of a sandbox in a virtual machine. */
struct sandbox_report_vm {
	const char *backend, *kernel;
	bool reduced; /* the backend is no boundary in its makers' words */
	uint64_t memory_bytes, boot_usec;
	const char *end; /* how the machine ended, as vm_end_name(); NULL: it did not start */
};

struct sandbox_report {
	enum sandbox_verdict verdict;
	bool ended;        /* wait_status is the program's */
	int wait_status;   /* as of waitpid(2) */
	const char *error; /* SANDBOX_SETUP_FAILED */
	uint64_t wall_usec, cpu_usec, cpu_user_usec, cpu_system_usec;
	uint64_t memory_peak_bytes, oom_kills, pids_refused;
	bool has_oom; /* oom_kills is known: there was a control group */
	uint64_t voluntary_switches, forced_switches;
	uint64_t read_bytes, written_bytes; /* of block devices */
	bool has_output;
	uint64_t output_bytes;
	/* SANDBOX_POLICY: the call that was refused, where it is known. */
	const char *syscall_name, *syscall_arch;
	uint64_t syscall_args[6], syscall_address;
	uint32_t network; /* enum sandbox_network; of @sandbox are its lists */
	const struct sandbox *sandbox;
	const struct sandbox_weakened *weakened;
	const struct sandbox_report_vm *vm; /* or NULL */
};

const char *sandbox_verdict_name(enum sandbox_verdict verdict);

/* The report as JSON, or as text for people. NUL-terminated, ends in a newline, in @a. */
int sandbox_report_print(const struct sandbox_report *r, enum sandbox_format format,
			 struct arena *a, const char **text, size_t *length, struct err *e);

#endif
