/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/mount.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"

/*
 * Mount options that do not go to the file system, sorted by name for the binary search. Sources:
 * runtime-spec 1.3.0 config.md "Linux mount options", mount(8), and crun's extras (copy-symlink,
 * dest-nofollow, src-nofollow). What is not here is data for the file system.
 */
#define SET(name, attr)                                                                            \
	{                                                                                          \
		name, OPTION_SET, false, attr                                                      \
	}
#define CLEAR(name, attr)                                                                          \
	{                                                                                          \
		name, OPTION_CLEAR, false, attr                                                    \
	}
#define REC_SET(name, attr)                                                                        \
	{                                                                                          \
		name, OPTION_SET, true, attr                                                       \
	}
#define REC_CLEAR(name, attr)                                                                      \
	{                                                                                          \
		name, OPTION_CLEAR, true, attr                                                     \
	}
#define SUPER(name, flag)                                                                          \
	{                                                                                          \
		name, OPTION_SUPER_SET, false, flag                                                \
	}
#define NO_SUPER(name, flag)                                                                       \
	{                                                                                          \
		name, OPTION_SUPER_CLEAR, false, flag                                              \
	}
#define PROPAGATE(name, flag)                                                                      \
	{                                                                                          \
		name, OPTION_PROPAGATE, false, flag                                                \
	}
#define EXTRA(name, flag)                                                                          \
	{                                                                                          \
		name, OPTION_EXTRA, false, flag                                                    \
	}
#define REFUSE(name)                                                                               \
	{                                                                                          \
		name, OPTION_REFUSE, true, 0                                                       \
	}

const struct spec_option spec_options[] = {
	NO_SUPER("async", MS_SYNCHRONOUS),
	{ "atime", OPTION_NOT_ATIME, false, MOUNT_ATTR_NOATIME },
	{ "bind", OPTION_BIND, false, 0 },
	EXTRA("copy-symlink", SPEC_MOUNT_COPY_SYMLINK),
	{ "defaults", OPTION_NOTHING, false, 0 },
	EXTRA("dest-nofollow", SPEC_MOUNT_DEST_NOFOLLOW),
	CLEAR("dev", MOUNT_ATTR_NODEV),
	CLEAR("diratime", MOUNT_ATTR_NODIRATIME),
	SUPER("dirsync", MS_DIRSYNC),
	CLEAR("exec", MOUNT_ATTR_NOEXEC),
	{ "idmap", OPTION_IDMAP, false, SPEC_IDMAP },
	SUPER("iversion", MS_I_VERSION),
	SUPER("lazytime", MS_LAZYTIME),
	NO_SUPER("loud", MS_SILENT),
	SUPER("mand", MS_MANDLOCK),
	{ "noatime", OPTION_ATIME, false, MOUNT_ATTR_NOATIME },
	SET("nodev", MOUNT_ATTR_NODEV),
	SET("nodiratime", MOUNT_ATTR_NODIRATIME),
	SET("noexec", MOUNT_ATTR_NOEXEC),
	NO_SUPER("noiversion", MS_I_VERSION),
	NO_SUPER("nolazytime", MS_LAZYTIME),
	NO_SUPER("nomand", MS_MANDLOCK),
	/* relatime is the kernel's default since 2.6.30: without it one gets the same. */
	{ "norelatime", OPTION_NOTHING, false, 0 },
	{ "nostrictatime", OPTION_NOT_ATIME, false, MOUNT_ATTR_STRICTATIME },
	SET("nosuid", MOUNT_ATTR_NOSUID),
	SET("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	PROPAGATE("private", MS_PRIVATE),
	REFUSE("rasync"),
	{ "ratime", OPTION_NOT_ATIME, true, MOUNT_ATTR_NOATIME },
	{ "rbind", OPTION_BIND, false, 1 },
	REC_CLEAR("rdev", MOUNT_ATTR_NODEV),
	REC_CLEAR("rdiratime", MOUNT_ATTR_NODIRATIME),
	REFUSE("rdirsync"),
	{ "relatime", OPTION_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "remount", OPTION_REMOUNT, false, 0 },
	REC_CLEAR("rexec", MOUNT_ATTR_NOEXEC),
	{ "ridmap", OPTION_IDMAP, true, SPEC_IDMAP_RECURSIVE },
	REFUSE("rmand"),
	{ "rnoatime", OPTION_ATIME, true, MOUNT_ATTR_NOATIME },
	REC_SET("rnodev", MOUNT_ATTR_NODEV),
	REC_SET("rnodiratime", MOUNT_ATTR_NODIRATIME),
	REC_SET("rnoexec", MOUNT_ATTR_NOEXEC),
	REFUSE("rnomand"),
	{ "rnorelatime", OPTION_NOTHING, true, 0 },
	{ "rnostrictatime", OPTION_NOT_ATIME, true, MOUNT_ATTR_STRICTATIME },
	REC_SET("rnosuid", MOUNT_ATTR_NOSUID),
	REC_SET("rnosymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	SET("ro", MOUNT_ATTR_RDONLY),
	PROPAGATE("rprivate", MS_PRIVATE | MS_REC),
	{ "rrelatime", OPTION_ATIME, true, MOUNT_ATTR_RELATIME },
	REC_SET("rro", MOUNT_ATTR_RDONLY),
	REC_CLEAR("rrw", MOUNT_ATTR_RDONLY),
	PROPAGATE("rshared", MS_SHARED | MS_REC),
	PROPAGATE("rslave", MS_SLAVE | MS_REC),
	{ "rstrictatime", OPTION_ATIME, true, MOUNT_ATTR_STRICTATIME },
	REC_CLEAR("rsuid", MOUNT_ATTR_NOSUID),
	REC_CLEAR("rsymfollow", MOUNT_ATTR_NOSYMFOLLOW),
	REFUSE("rsync"),
	PROPAGATE("runbindable", MS_UNBINDABLE | MS_REC),
	CLEAR("rw", MOUNT_ATTR_RDONLY),
	PROPAGATE("shared", MS_SHARED),
	SUPER("silent", MS_SILENT),
	PROPAGATE("slave", MS_SLAVE),
	EXTRA("src-nofollow", SPEC_MOUNT_SRC_NOFOLLOW),
	{ "strictatime", OPTION_ATIME, false, MOUNT_ATTR_STRICTATIME },
	CLEAR("suid", MOUNT_ATTR_NOSUID),
	CLEAR("symfollow", MOUNT_ATTR_NOSYMFOLLOW),
	SUPER("sync", MS_SYNCHRONOUS),
	EXTRA("tmpcopyup", SPEC_MOUNT_TMPCOPYUP),
	PROPAGATE("unbindable", MS_UNBINDABLE),
};
const size_t spec_options_count = sizeof spec_options / sizeof *spec_options;
