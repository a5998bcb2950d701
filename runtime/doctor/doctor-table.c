/* SPDX-License-Identifier: Apache-2.0 */
/* All checks, in the order in which they are printed. */
#include "runtime/doctor/doctor-checks.h"
#include "src/base/kernel.h"

const struct doctor_check doctor_checks[] = {
	{ "kernel", "what husk was made for", DOCTOR_KERNEL, false, PROBE_VERSION, 0 },
	{ "clone3", "processes that are born in their namespaces and control group", DOCTOR_KERNEL,
	  true, PROBE_CALL, CALL_CLONE3 },
	{ "openat2", "paths that cannot lead out of a root file system", DOCTOR_KERNEL, true,
	  PROBE_CALL, CALL_OPENAT2 },
	{ "pidfd", "signals that reach the right process", DOCTOR_KERNEL, true, PROBE_CALL,
	  CALL_PIDFD },
	{ "ptrace", "husk learn: reading paths and addresses of the program", DOCTOR_KERNEL, false,
	  PROBE_PTRACE, 0 },

	{ "user", "rights inside without rights outside", DOCTOR_NAMESPACES, true, PROBE_USER, 0 },
	{ "mnt", "a file system view of its own", DOCTOR_NAMESPACES, true, PROBE_NAMESPACE,
	  CLONE_NEWNS },
	{ "pid", "processes that see only each other", DOCTOR_NAMESPACES, true, PROBE_NAMESPACE,
	  CLONE_NEWPID },
	{ "net", "a network of its own", DOCTOR_NAMESPACES, true, PROBE_NAMESPACE, CLONE_NEWNET },
	{ "ipc", "shared memory and message queues of its own", DOCTOR_NAMESPACES, true,
	  PROBE_NAMESPACE, CLONE_NEWIPC },
	{ "uts", "a host name of its own", DOCTOR_NAMESPACES, true, PROBE_NAMESPACE, CLONE_NEWUTS },
	{ "cgroup-ns", "control groups that look like all there are", DOCTOR_NAMESPACES, true,
	  PROBE_NAMESPACE, CLONE_NEWCGROUP },
	{ "time", "clocks with an offset, for configurations that ask for it", DOCTOR_NAMESPACES,
	  false, PROBE_NAMESPACE, CLONE_NEWTIME },

	{ "mount-api", "the read-only view of the system", DOCTOR_MOUNTS, true, PROBE_MOUNT_API,
	  0 },
	{ "tmpfs", "private directories", DOCTOR_MOUNTS, true, PROBE_MOUNT, MOUNT_TMPFS },
	{ "proc", "a /proc of the sandbox's own processes", DOCTOR_MOUNTS, true, PROBE_MOUNT,
	  MOUNT_PROC },
	{ "devpts", "terminals of its own", DOCTOR_MOUNTS, true, PROBE_MOUNT, MOUNT_DEVPTS },
	{ "mqueue", "husk sandbox --mqueue", DOCTOR_MOUNTS, false, PROBE_MOUNT, MOUNT_MQUEUE },
	{ "overlay", "husk sandbox --overlay, --tmp-overlay and --ro-overlay", DOCTOR_MOUNTS, false,
	  PROBE_OVERLAY, 0 },
	{ "idmap", "mounts with other owners, for configurations that ask for it", DOCTOR_MOUNTS,
	  false, PROBE_IDMAP, 0 },

	{ "seccomp", "policies for system calls", DOCTOR_WALLS, true, PROBE_SECCOMP, 0 },
	{ "seccomp-notify", "husk learn, and reports that name the call that was killed for",
	  DOCTOR_WALLS, false, PROBE_NOTIFY, NOTIFY_ANY },
	{ "seccomp-sync", "husk learn, ten times faster", DOCTOR_WALLS, false, PROBE_NOTIFY,
	  NOTIFY_SYNC },
	{ "seccomp-killable", "profiles with SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", DOCTOR_WALLS,
	  false, PROBE_NOTIFY, NOTIFY_KILLABLE },
	{ "landlock", "a second wall around files", DOCTOR_WALLS, false, PROBE_LANDLOCK, 0 },
	{ "apparmor", "profiles that a configuration names", DOCTOR_WALLS, false, PROBE_APPARMOR,
	  0 },
	{ "selinux", "labels that a configuration names", DOCTOR_WALLS, false, PROBE_SELINUX, 0 },

	{ "cgroup", "limits on all processes together", DOCTOR_GROUPS, false, PROBE_CGROUP, 0 },
	{ "cgroup-memory", "husk sandbox --memory", DOCTOR_GROUPS, false, PROBE_CONTROLLER,
	  CGROUP_MEMORY },
	{ "cgroup-pids", "husk sandbox --pids, of all together", DOCTOR_GROUPS, false,
	  PROBE_CONTROLLER, CGROUP_PIDS },
	{ "cgroup-cpu", "husk sandbox --cpus", DOCTOR_GROUPS, false, PROBE_CONTROLLER, CGROUP_CPU },
	{ "systemd", "a part of the control groups for a normal user", DOCTOR_GROUPS, false,
	  PROBE_SYSTEMD, 0 },

	{ "capabilities", "what root can give to a container", DOCTOR_USER, false,
	  PROBE_CAPABILITIES, 0 },
	{ "subids", "more than one id inside, without being root", DOCTOR_USER, false, PROBE_MAPS,
	  0 },
	{ "state", "containers that outlive the command that made them", DOCTOR_USER, false,
	  PROBE_STATE, 0 },

	{ "pasta", "a user's network that reaches out", DOCTOR_PROGRAMS, false, PROBE_PROGRAM,
	  PROGRAM_PASTA },
	{ "nft", "lists of addresses that may be reached", DOCTOR_PROGRAMS, false, PROBE_NFT, 0 },
	{ "umoci", "images as root file systems", DOCTOR_PROGRAMS, false, PROBE_PROGRAM,
	  PROGRAM_UMOCI },

	{ "kvm", "husk vm", DOCTOR_MACHINES, false, PROBE_KVM, 0 },
	{ "qemu", "husk's own tests on other kernels", DOCTOR_MACHINES, false, PROBE_PROGRAM,
	  PROGRAM_QEMU },
	{ "virtiofsd", "directories of the host in virtual machines", DOCTOR_MACHINES, false,
	  PROBE_PROGRAM, PROGRAM_VIRTIOFSD },
};
const size_t doctor_checks_count = sizeof doctor_checks / sizeof *doctor_checks;

doctor_probe_function *doctor_probe_of(uint32_t probe)
{
	static doctor_probe_function *const functions[PROBE_COUNT] = {
		[PROBE_VERSION] = probe_version,
		[PROBE_CALL] = probe_call,
		[PROBE_PTRACE] = probe_ptrace,
		[PROBE_USER] = probe_user,
		[PROBE_NAMESPACE] = probe_namespace,
		[PROBE_MAPS] = probe_maps,
		[PROBE_MOUNT_API] = probe_mount_api,
		[PROBE_MOUNT] = probe_mount,
		[PROBE_OVERLAY] = probe_overlay,
		[PROBE_IDMAP] = probe_idmap,
		[PROBE_SECCOMP] = probe_seccomp,
		[PROBE_NOTIFY] = probe_notify,
		[PROBE_LANDLOCK] = probe_landlock,
		[PROBE_APPARMOR] = probe_apparmor,
		[PROBE_SELINUX] = probe_selinux,
		[PROBE_CGROUP] = probe_cgroup,
		[PROBE_CONTROLLER] = probe_controller,
		[PROBE_SYSTEMD] = probe_systemd,
		[PROBE_CAPABILITIES] = probe_capabilities,
		[PROBE_STATE] = probe_state,
		[PROBE_PROGRAM] = probe_program,
		[PROBE_NFT] = probe_nft,
		[PROBE_KVM] = probe_kvm,
	};

	return functions[probe];
}
