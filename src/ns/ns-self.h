/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NS_NS_SELF_H
#define HUSK_NS_NS_SELF_H

#include "src/base/err.h"

/*
 * The running binary must never be writable from a container: /proc/PID/exe of husk's processes
 * inside one leads to it (CVE-2019-5736). So husk moves, as the first thing in main, to the same
 * file on a read-only clone of its mount that nobody can remount: by a swap of its mappings
 * (ns-swap.h), or where that is not possible by executing itself once more from there, or where a
 * clone is refused from a sealed copy in memory. Returns 0 where that is done, where this process
 * runs from such a place already, and where nobody with the caller's ids could write the file
 * anyway. On success of the re-execution it does not return. @argv must be main's.
 *
 * As long as somebody has the clone open, mount_setattr(2) on /proc/PID/exe can take the attribute
 * back; after that the mount is in no namespace, and EINVAL for everybody. But whoever closes it last
 * waits for the kernel to take its namespace apart, 50 us. So *@held, if @held is not NULL, is a
 * descriptor that the caller has to close when it has the time, or -1: before any process that a
 * container may control can see this one, and in every child, too.
 *
 * libc and the loader stay what they are, the host's files on the host's mount, in each of the
 * three ways. What leads to them is /proc/PID/map_files, whose links the kernel only follows for
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE in the initial user namespace
 * (proc_map_files_get_link() in fs/proc/base.c). A container that is given these without a user
 * namespace, and may also trace husk's process, can write to them; no other.
 */
int ns_self_seal(char **argv, char **env, int *held, struct err *e);

#endif
