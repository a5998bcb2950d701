/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_NS_NS_SWAP_H
#define HUSK_NS_NS_SWAP_H

/*
 * Make the binary that this process runs from, /proc/self/exe, the same file on another mount,
 * without executing it: @file is that file, opened for reading on a detached clone (open_tree(2)) of its
 * mount. Another file, such as a newer version of the binary, is noticed and refused. Every mapping of the binary is replaced by one of that file,
 * then the kernel is told, which it only accepts when no mapping of the old one is left.
 *
 * It costs about a quarter of what execve(2) and another start of libc do (0.16 of 0.57 ms).
 *
 * For the start of main only: @argv must be what the kernel laid out, no second thread may run,
 * and breakpoints that a debugger has set in the program before this call are lost.
 *
 * Returns 1 when done. Returns 0 where it cannot be done (sanitizers, valgrind, no
 * CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, a kernel without CONFIG_CHECKPOINT_RESTORE, an image
 * of another shape): then the process can run on and execute itself again, it is still the old
 * program for the kernel. Where the kernel ran out of memory in the middle and a part of the
 * program is gone, the process ends with status 126. @file is not closed.
 */
int ns_swap(int file, char **argv);

#endif
