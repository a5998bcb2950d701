/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_DOCTOR_DOCTOR_CHECKS_H
#define HUSK_DOCTOR_DOCTOR_CHECKS_H

#include "runtime/doctor/doctor.h"

/*
 * Inside of runtime/doctor: the trials. Each runs in a child that ends after it, so nothing that lives
 * in a process has to be taken back.
 */

/* One probe may serve several rows. The order is that of the functions in doctor-table.c. */
enum doctor_probe {
	PROBE_VERSION,
	PROBE_CALL,
	PROBE_PTRACE,
	PROBE_USER,
	PROBE_NAMESPACE,
	PROBE_MAPS,
	PROBE_MOUNT_API,
	PROBE_MOUNT,
	PROBE_OVERLAY,
	PROBE_IDMAP,
	PROBE_SECCOMP,
	PROBE_NOTIFY,
	PROBE_LANDLOCK,
	PROBE_APPARMOR,
	PROBE_SELINUX,
	PROBE_CGROUP,
	PROBE_CONTROLLER,
	PROBE_SYSTEMD,
	PROBE_CAPABILITIES,
	PROBE_STATE,
	PROBE_PROGRAM,
	PROBE_NFT,
	PROBE_KVM,
	PROBE_COUNT,
};
typedef void doctor_probe_function(const struct doctor *d, uint32_t argument,
				   struct doctor_result *r);
doctor_probe_function *doctor_probe_of(uint32_t probe);

enum { CALL_CLONE3, CALL_OPENAT2, CALL_PIDFD };
enum { NOTIFY_ANY, NOTIFY_SYNC, NOTIFY_KILLABLE };
enum { MOUNT_TMPFS, MOUNT_PROC, MOUNT_DEVPTS, MOUNT_MQUEUE };
enum { PROGRAM_PASTA, PROGRAM_UMOCI, PROGRAM_QEMU, PROGRAM_VIRTIOFSD };

doctor_probe_function probe_version, probe_call, probe_ptrace;
doctor_probe_function probe_user, probe_namespace, probe_maps;
doctor_probe_function probe_mount_api, probe_mount, probe_overlay, probe_idmap;
doctor_probe_function probe_seccomp, probe_notify, probe_landlock, probe_apparmor, probe_selinux;
doctor_probe_function probe_cgroup, probe_controller, probe_systemd;
doctor_probe_function probe_capabilities, probe_state;
doctor_probe_function probe_program, probe_nft, probe_kvm;

/* What a controller's trial may have left when it was killed. */
void probe_controller_clean(const struct doctor *d, uint32_t argument);

/* Set state and detail; the remedy stays as it is. */
void doctor_say(struct doctor_result *r, enum doctor_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_advise(struct doctor_result *r, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * This process into new namespaces, CLONE_NEW* (0: but for a user namespace), as root of a user namespace
 * that has the caller's ids only. The same for every user, as in a sandbox. With CLONE_NEWNS mounts no
 * longer reach the host. 0 or -1 with @e.
 */
int doctor_enter(const struct doctor *d, unsigned long types, struct err *e);
/* The first process of the new pid namespace goes on, others of them wait for it and end. 0 or -1. */
int doctor_enter_pids(struct err *e);

/* Exit status of @argv (127: not found), or -1 with @e. The first line of its output is in @line. */
int doctor_run_program(const char *const *argv, char *line, size_t size, struct err *e);

/* The number in a file of /proc/sys, or -1. */
int64_t doctor_sysctl(const char *path);

#endif
