/* SPDX-License-Identifier: Apache-2.0 */
/* Programs of others that husk calls: found in PATH, and run once. */
#include <errno.h>
#include <sys/wait.h>

#include "runtime/doctor/doctor-checks.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/base/tool.h"

int doctor_run_program(const char *const *argv, char *line, size_t size, struct err *e)
{
	struct tool_said said = { 0 };
	int status = tool_run(argv, &said, e);

	text_format(line, size, "%s", tool_said_line(&said));
	if (status < 0)
		return e->errnum == ENOENT ? 127 : e->errnum == EACCES ? 126 : -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const struct program {
	char name[24], elsewhere[32], package[24];
} programs[] = {
	[PROGRAM_PASTA] = { "pasta", "", "passt" },
	[PROGRAM_UMOCI] = { "umoci", "", "umoci" },
#ifdef __aarch64__
	[PROGRAM_QEMU] = { "qemu-system-aarch64", "", "qemu-system-arm" },
#else
	[PROGRAM_QEMU] = { "qemu-system-x86_64", "", "qemu-system-x86" },
#endif
	/* Debian's was of QEMU, and is of Rust since. */
	[PROGRAM_VIRTIOFSD] = { "/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd", "virtiofsd" },
};

void probe_program(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	const struct program *p = &programs[argument];
	char line[160];
	char name[32];
	const char *argv[] = { name, "--version", NULL };
	struct err e;

	(void)d;
	text_format(name, sizeof name, "%s", p->name);
	int status = doctor_run_program(argv, line, sizeof line, &e);
	if (status == 127 && *p->elsewhere) {
		text_format(name, sizeof name, "%s", p->elsewhere);
		status = doctor_run_program(argv, line, sizeof line, &e);
	}
	if (status == 0) {
		doctor_say(r, DOCTOR_OK, "%s", *line ? line : "runs");
		return;
	}
	if (status < 0)
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
	else if (status == 127 ||
		 status == 126) /* 126 also where a directory of PATH may not be searched */
		doctor_say(r, DOCTOR_MISSING, "not found in PATH");
	else
		doctor_say(r, DOCTOR_MISSING, "%s --version: exit status %d: %s", name, status,
			   line);
	doctor_advise(r, "install the package %s", p->package);
}

/* Rules in a network namespace of one's own. */
void probe_nft(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	static const char *const version[] = { "nft", "--version", NULL };
	static const char *const add[] = { "nft", "add table inet husk", NULL };
	char line[160], said[160];
	struct err e;

	(void)argument;
	int status = doctor_run_program(version, line, sizeof line, &e);
	if (status != 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", status < 0 ? e.msg : "not found in PATH");
		doctor_advise(r, "install the package nftables; it must be in PATH (/usr/sbin)");
		return;
	}
	if (doctor_enter(d, CLONE_NEWNET, &e) < 0) {
		doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
		doctor_advise(r, "see \"user\" and \"net\"");
		return;
	}
	status = doctor_run_program(add, said, sizeof said, &e);
	if (status == 0) {
		doctor_say(r, DOCTOR_OK, "%s", line);
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "add a table: %s", status < 0 ? e.msg : said);
	doctor_advise(r, "modprobe nf_tables");
}
