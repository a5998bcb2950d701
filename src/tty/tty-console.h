/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TTY_CONSOLE_H
#define HUSK_TTY_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/err.h"

/*
 * The container's terminal. Both ends are only ever handled as descriptors: the path of the slave
 * is under the container's control (CVE-2025-52565).
 */

struct tty_pair {
	int master, slave; /* close-on-exec */
};

/*
 * [init] A new pair in the devpts instance of which @devptsfd is the root directory (O_PATH will
 * do, detached or not). Both ends are checked to be of that instance.
 */
int tty_open(int devptsfd, struct tty_pair *out, struct err *e);

/* [init] 0 if @fd is a pty slave: a character device of major 136 to 143 in a devpts. */
int tty_check_slave(int fd, struct err *e);

/* [init] TIOCSWINSZ; both 0 is no error and does nothing. */
int tty_set_size(int fd, uint16_t rows, uint16_t columns, struct err *e);

/* Give the terminal @to the size of the terminal @from. Nothing happens if @from is none. */
void tty_copy_size(int from, int to);

/*
 * [init] Give an own, new slave to the program's user: fchown(2) and mode 0620 as login does, after
 * tty_check_slave(). @gid (gid_t)-1 leaves the group, which devpts' gid= option has set.
 */
int tty_set_owner(int slave, uid_t uid, gid_t gid, struct err *e);

/*
 * [init] setsid(2) unless @in_new_session says that the caller has, make @slave the controlling
 * terminal, put it on descriptors 0 to 2. @slave stays open (close-on-exec) unless it is one of
 * these.
 */
int tty_attach(int slave, bool in_new_session, struct err *e);

/*
 * Connect to a console socket (AF_UNIX, SOCK_STREAM) at @path, of any length: sun_path holds 108
 * bytes, so longer ones go through a descriptor of their directory. fd or -1. Parent.
 */
int tty_socket_connect(const char *path, struct err *e);

/*
 * [init] Send @master over @sock as callers of --console-socket expect it: one message with the
 * name "/dev/ptmx" as its data and one descriptor.
 */
int tty_socket_send(int sock, int master, struct err *e);

#endif
