/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec-print.h"

#include <stddef.h>

#include "runtime/spec/spec.h"

/*
 * What "crun spec" and "runc spec" of Debian 12 write, so that what is said about theirs (and
 * measured with it) holds for ours. They also list ambient capabilities, which without inheritable
 * ones are none (capabilities(7)).
 */

/* The newest version that Debian 12's crun takes as well: 1.8.1 refuses 1.2.0. */
#define OCI_VERSION "1.1.0"

static void print_list(struct json_writer *w, const char *key, const char *const *items)
{
	json_write_array_begin(w, key);
	for (; *items; items++)
		json_write_string(w, NULL, *items);
	json_write_array_end(w);
}

static void print_process(struct json_writer *w)
{
	static const char *const args[] = { "sh", NULL };
	static const char *const env[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm",
		NULL
	};
	static const char *const caps[] = { "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE",
					    NULL };
	/* Inheritable and ambient ones would be given to programs that never asked for them. */
	static const char *const sets[] = { "bounding", "effective", "permitted" };

	json_write_object_begin(w, "process");
	json_write_bool(w, "terminal", true);
	json_write_object_begin(w, "user");
	json_write_u64(w, "uid", 0);
	json_write_u64(w, "gid", 0);
	json_write_object_end(w);
	print_list(w, "args", args);
	print_list(w, "env", env);
	json_write_string(w, "cwd", "/");
	json_write_object_begin(w, "capabilities");
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		print_list(w, sets[i], caps);
	json_write_object_end(w);
	json_write_array_begin(w, "rlimits");
	json_write_object_begin(w, NULL);
	json_write_string(w, "type", "RLIMIT_NOFILE");
	json_write_u64(w, "hard", 1024);
	json_write_u64(w, "soft", 1024);
	json_write_object_end(w);
	json_write_array_end(w);
	json_write_bool(w, "noNewPrivileges", true);
	json_write_object_end(w);
}

static void print_mount(struct json_writer *w, const char *destination, const char *type,
			const char *source, const char *const *options)
{
	json_write_object_begin(w, NULL);
	json_write_string(w, "destination", destination);
	json_write_string(w, "type", type);
	json_write_string(w, "source", source);
	if (options)
		print_list(w, "options", options);
	json_write_object_end(w);
}

static void print_mounts(struct json_writer *w, bool rootless)
{
	static const char *const dev[] = { "nosuid", "strictatime", "mode=755", "size=65536k",
					   NULL };
	static const char *const pts[] = { "nosuid",    "noexec", "newinstance", "ptmxmode=0666",
					   "mode=0620", "gid=5",  NULL };
	/* Group 5 (tty) has no id in a user namespace of one. */
	static const char *const pts_rootless[] = { "nosuid",        "noexec",    "newinstance",
						    "ptmxmode=0666", "mode=0620", NULL };
	static const char *const shm[] = { "nosuid",    "noexec",      "nodev",
					   "mode=1777", "size=65536k", NULL };
	static const char *const mqueue[] = { "nosuid", "noexec", "nodev", NULL };
	static const char *const sys[] = { "nosuid", "noexec", "nodev", "ro", NULL };
	static const char *const cgroup[] = { "nosuid", "noexec", "nodev", "relatime", "ro", NULL };

	json_write_array_begin(w, "mounts");
	print_mount(w, "/proc", "proc", "proc", NULL);
	print_mount(w, "/dev", "tmpfs", "tmpfs", dev);
	print_mount(w, "/dev/pts", "devpts", "devpts", rootless ? pts_rootless : pts);
	print_mount(w, "/dev/shm", "tmpfs", "shm", shm);
	print_mount(w, "/dev/mqueue", "mqueue", "mqueue", mqueue);
	print_mount(w, "/sys", "sysfs", "sysfs", sys);
	print_mount(w, "/sys/fs/cgroup", "cgroup", "cgroup", cgroup);
	json_write_array_end(w);
}

static void print_namespace(struct json_writer *w, const char *type)
{
	json_write_object_begin(w, NULL);
	json_write_string(w, "type", type);
	json_write_object_end(w);
}

static void print_mapping(struct json_writer *w, const char *key, uint32_t host)
{
	json_write_array_begin(w, key);
	json_write_object_begin(w, NULL);
	json_write_u64(w, "containerID", 0);
	json_write_u64(w, "hostID", host);
	json_write_u64(w, "size", 1);
	json_write_object_end(w);
	json_write_array_end(w);
}

/* Deny all devices but the default ones. A rootless caller cannot load that rule. */
static void print_resources(struct json_writer *w)
{
	json_write_object_begin(w, "resources");
	json_write_array_begin(w, "devices");
	json_write_object_begin(w, NULL);
	json_write_bool(w, "allow", false);
	json_write_string(w, "access", "rwm");
	json_write_object_end(w);
	json_write_array_end(w);
	json_write_object_end(w);
}

static void print_linux(struct json_writer *w, const struct spec_default *o)
{
	static const char *const namespaces[] = { "pid", "network", "ipc", "uts", "mount" };
	static const char *const masked[] = { "/proc/acpi",
					      "/proc/asound",
					      "/proc/kcore",
					      "/proc/keys",
					      "/proc/latency_stats",
					      "/proc/timer_list",
					      "/proc/timer_stats",
					      "/proc/sched_debug",
					      "/sys/firmware",
					      "/proc/scsi",
					      NULL };
	static const char *const readonly[] = { "/proc/bus",           "/proc/fs",
						"/proc/irq",           "/proc/sys",
						"/proc/sysrq-trigger", NULL };

	json_write_object_begin(w, "linux");
	if (o->rootless) {
		print_mapping(w, "uidMappings", o->uid_host);
		print_mapping(w, "gidMappings", o->gid_host);
	} else {
		print_resources(w);
	}
	json_write_array_begin(w, "namespaces");
	for (size_t i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
		print_namespace(w, namespaces[i]);
	if (o->rootless)
		print_namespace(w, "user");
	if (o->cgroup_namespace)
		print_namespace(w, "cgroup");
	json_write_array_end(w);
	print_list(w, "maskedPaths", masked);
	print_list(w, "readonlyPaths", readonly);
	json_write_object_end(w);
}

void spec_default_print(struct json_writer *w, const struct spec_default *o)
{
	json_write_object_begin(w, NULL);
	json_write_string(w, "ociVersion", OCI_VERSION);
	print_process(w);
	json_write_object_begin(w, "root");
	json_write_string(w, "path", "rootfs");
	json_write_bool(w, "readonly", true);
	json_write_object_end(w);
	json_write_string(w, "hostname", "husk");
	print_mounts(w, o->rootless);
	print_linux(w, o);
	json_write_object_end(w);
}
