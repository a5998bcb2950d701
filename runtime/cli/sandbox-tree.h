/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_TREE_H
#define HUSK_CLI_SANDBOX_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/err.h"

/*
 * Files and directories as a stream of records, for copying into and out of a sandbox. Every record
 * has one name without slashes, so a path cannot lead anywhere: directories are entered and left by
 * records of their own, and nothing is made or opened through a symbolic link. The side that receives
 * from a sandbox trusts nothing that comes.
 *
 * Kept: contents, symbolic links as such, permissions without set-user-ID and the like, times of
 * modification. Owners become the receiver's. Devices, sockets and pipes are refused.
 */

/* Send the file or directory at @path; a symbolic link at its end is followed, others are kept. */
int sandbox_tree_send(int sock, const char *path, struct err *e);
/* Receive one tree: into @path if that is a directory, else under that name. The sender's error
 * becomes @e. */
int sandbox_tree_receive(int sock, const char *path, struct err *e);

/* Say how receiving went; wait for that. */
void sandbox_tree_conclude(int sock, const struct err *why);
int sandbox_tree_await(int sock, struct err *e);

/* In the sandbox, over the stream socket @sock: receive (@put) or send @path. The exit status. */
int sandbox_tree_serve(bool put, const char *path, int sock);

#endif
