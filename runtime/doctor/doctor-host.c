/* SPDX-License-Identifier: Apache-2.0 */
/* The caller, and what else the kernel has. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined __x86_64__ || defined __i386__
#include <cpuid.h>
#endif

#include "runtime/doctor/doctor-checks.h"
#include "runtime/state/state.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "vm-shim/vm.h"

void probe_capabilities(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	uint64_t missing = d->host.caps_known & ~d->host.caps.effective;
	char names[1024];

	(void)argument;
	if (d->host.euid != 0) {
		doctor_say(r, DOCTOR_OK, "a normal user, who needs none for a sandbox");
		return;
	}
	if (!missing) {
		doctor_say(r, DOCTOR_OK, "root with all of them%s",
			   d->host.initial_userns ? "" : ", in a user namespace");
		return;
	}
	cred_caps_print(missing, names, sizeof names);
	doctor_say(r, DOCTOR_LIMITED, "root without %s", names);
	doctor_advise(
		r, "what started this process took them away; what needs them is refused (without "
		   "CAP_SYS_RESOURCE: limits above its own)");
}

/* Make a directory where containers and named sandboxes are recorded, and take it away again. */
static int try_state(const struct doctor *d, const char *path, struct err *e)
{
	struct state_root root;
	struct stat st;
	bool there = stat(path, &st) == 0;
	char id[32];

	if (state_root_open(path, true, &root, e) < 0)
		return -1;
	text_format(id, sizeof id, "doctor-%d", d->pid);
	CLEAN_FD int dir = state_dir_create(&root, id, e);
	int result = dir < 0 ? -1 : state_dir_remove(&root, id, e);
	close(root.fd);
	if (!there)
		(void)rmdir(path);
	return result;
}

void probe_state(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	const char *path = "";
	struct err e;

	(void)argument;
	if (state_root_path(d->state_root, d->arena, &path, &e) == 0 &&
	    try_state(d, path, &e) == 0) {
		doctor_say(r, DOCTOR_OK, "%s", path);
		return;
	}
	doctor_say(r, DOCTOR_MISSING, "%s", e.msg);
	doctor_advise(r, *path ? "a directory of your own: husk --root DIR"
			       : "log in so that XDG_RUNTIME_DIR is set, or husk --root DIR");
}

void probe_apparmor(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	char label[128];

	(void)argument;
	if (!d->host.apparmor) {
		doctor_say(r, DOCTOR_MISSING, "not enabled");
		doctor_advise(r, "only where configurations name profiles: boot with apparmor=1 "
				 "security=apparmor");
		return;
	}
	if (io_read_at(AT_FDCWD, "/proc/self/attr/apparmor/current", label, sizeof label) < 0 &&
	    io_read_at(AT_FDCWD, "/proc/self/attr/current", label, sizeof label) < 0)
		text_format(label, sizeof label, "unknown");
	doctor_say(r, DOCTOR_OK, "enabled; this process is %s", label);
}

void probe_selinux(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	(void)argument;
	doctor_say(r, d->host.selinux ? DOCTOR_OK : DOCTOR_MISSING,
		   d->host.selinux ? "enabled" : "not enabled");
	if (!d->host.selinux)
		doctor_advise(r,
			      "only where configurations name labels: boot with security=selinux");
}

/* ---- KVM ---- */

/* Whether this machine is one itself, and whose: leaf 0x40000000 of hypervisors. */
static void hypervisor(char out[13])
{
	*out = '\0';
#if defined __x86_64__ || defined __i386__
	unsigned a, b, c, x;
	if (!__get_cpuid(1, &a, &b, &c, &x) || !(c & 1u << 31))
		return;
	__cpuid(0x40000000, a, b, c, x);
	memcpy(out, &b, 4);
	memcpy(out + 4, &c, 4);
	memcpy(out + 8, &x, 4);
	out[12] = '\0';
#endif
}

static void advise_kvm(const struct vm_probe *p, const char *maker, struct doctor_result *r)
{
	if (p->verdict == VM_PROBE_FORBIDDEN)
		doctor_advise(r, "usermod --append --groups kvm USER, and log in again");
	else if (p->verdict == VM_PROBE_EMULATED)
		doctor_advise(
			r, "this host's KVM is made for other guests; husk vm --backend qemu runs "
			   "without it");
	else if (*maker)
		doctor_advise(r,
			      "this is a virtual machine (%s): its host has to allow nested ones",
			      maker);
	else
		doctor_advise(r, "enable virtualization in the firmware; modprobe kvm_intel or "
				 "kvm_amd");
}

void probe_kvm(const struct doctor *d, uint32_t argument, struct doctor_result *r)
{
	char maker[13];
	struct vm_probe p;

	(void)d;
	(void)argument;
	hypervisor(maker);
	vm_probe_kvm(&p);
	switch (p.verdict) {
	case VM_PROBE_USABLE:
		if (!*maker)
			doctor_say(r, DOCTOR_OK, "a machine ran");
		else
			doctor_say(r, DOCTOR_LIMITED, "works, nested in a virtual machine (%s)",
				   maker);
		break;
	case VM_PROBE_SLOW:
		doctor_say(r, DOCTOR_LIMITED, "%s, on a processor that is emulated itself",
			   p.reason);
		doctor_advise(r, "right for tests; everything takes tens of times as long");
		break;
	default:
		doctor_say(r, DOCTOR_MISSING, "%s", p.reason);
		advise_kvm(&p, maker, r);
	}
}
