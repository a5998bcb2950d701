/* SPDX-License-Identifier: Apache-2.0 */
/* Modules that a distribution keeps compressed. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "vm-shim/guest/initramfs.h"

/* The program for the end of a name; NULL: it is not packed. */
static const char *program_for(const char *path)
{
	return text_ends(path, ".xz")    ? "xz"
	       : text_ends(path, ".zst") ? "zstd"
	       : text_ends(path, ".gz")  ? "gzip"
					 : NULL;
}

static int spawn(const char *program, int in, int out, pid_t *pid)
{
	char *argv[] = { (char *)(uintptr_t)program, (char *)(uintptr_t) "-dc", NULL };
	posix_spawn_file_actions_t actions;

	int error = posix_spawn_file_actions_init(&actions);
	if (error)
		return error;
	error = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!error)
		error = posix_spawnp(pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int initramfs_unpack(const char *path, struct err *e)
{
	const char *program = program_for(path);
	int status = 0;
	pid_t pid;

	if (!program)
		return -2;
	CLEAN_FD int in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return err_sys(e, "open %s", path);
	CLEAN_FD int out = memfd_create("husk-module", MFD_CLOEXEC);
	if (out < 0)
		return err_sys(e, "create memory for %s", path);
	int error = spawn(program, in, out, &pid);
	/* Kernels of distributions that pack their modules can unpack them as well. */
	if (error == ENOENT)
		return -2;
	if (error)
		return err_set(e, ERR_SYSTEM, error, "execute %s for %s", program, path);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return err_sys(e, "wait for %s", program);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, ERR_SYSTEM, 0, "%s -dc <%s: failed (status %d)", program, path,
			       status);
	if (lseek(out, 0, SEEK_SET) < 0)
		return err_sys(e, "rewind %s", path);
	return take_fd(&out);
}
