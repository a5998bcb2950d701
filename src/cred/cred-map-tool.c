/* SPDX-License-Identifier: Apache-2.0 */
/*
 * newuidmap(1) and newgidmap(1): the setuid helpers that map the ranges of /etc/subuid and
 * /etc/subgid for a user who may not write such a map. Runs in the parent, before any container
 * is joined.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

/* Add "%u" of @number to the pool and to argv. */
static int add_number(const char **argv, size_t argv_size, size_t *argc, char *text, size_t size,
		      size_t *used, uint32_t number)
{
	size_t n = text_format(text + *used, size - *used, "%u", number);

	if (text_cut(n, size - *used) || *argc + 1 >= argv_size) {
		errno = ENOSPC;
		return -1;
	}
	argv[(*argc)++] = text + *used;
	*used += n + 1;
	return 0;
}

int cred_map_argv(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		  const char **argv, size_t argv_size, char *text, size_t text_size, struct err *e)
{
	size_t argc = 0, used = 0;

	if (argv_size < CRED_MAP_ARGV_SIZE(n) || text_size < CRED_MAP_ARGV_TEXT(n))
		return err_set(e, ERR_SYSTEM, ENOSPC, "arguments of %s for %zu mappings", tool, n);
	argv[argc++] = tool;
	int failed = add_number(argv, argv_size, &argc, text, text_size, &used, (uint32_t)pid);
	for (size_t i = 0; i < n && failed == 0; i++) {
		const uint32_t three[] = { maps[i].id_container, maps[i].id_host, maps[i].count };
		for (size_t k = 0; k < 3 && failed == 0; k++)
			failed = add_number(argv, argv_size, &argc, text, text_size, &used,
					    three[k]);
	}
	if (failed < 0)
		return err_sys(e, "arguments of %s for %zu mappings", tool, n);
	argv[argc] = NULL;
	return 0;
}

/* Start @argv with its stderr on a pipe; the pid and the pipe's reading end. An errno, or 0. */
static int spawn_tool(const char *const *argv, pid_t *pid, int *output)
{
	CLEAN_FD int read_end = -1;
	CLEAN_FD int write_end = -1;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;
	int ends[2], rc;

	*pid = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	read_end = ends[0];
	write_end = ends[1];
	rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	/* The caller blocks signals for its signalfd: the tool must still be killable. */
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, write_end, 1);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, write_end, 2);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv,
				  environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (rc == 0)
		*output = take_fd(&read_end);
	return rc;
}

static int wait_tool(pid_t pid, int *status)
{
	pid_t rc;

	do
		rc = waitpid(pid, status, 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -1 : 0;
}

int cred_map_run_tool(const char *tool, pid_t pid, const struct cred_id_map *maps, size_t n,
		      struct err *e)
{
	CLEAN_FREE const char **argv = malloc(CRED_MAP_ARGV_SIZE(n) * sizeof *argv);
	CLEAN_FREE char *text = malloc(CRED_MAP_ARGV_TEXT(n));
	char said[300], rest[256];
	CLEAN_FD int output = -1;
	pid_t child;
	int status;

	if (!argv || !text)
		return err_set(e, ERR_NO_MEMORY, ENOMEM, "run %s", tool);
	if (cred_map_argv(tool, pid, maps, n, argv, CRED_MAP_ARGV_SIZE(n), text,
			  CRED_MAP_ARGV_TEXT(n), e) < 0)
		return -1;
	int rc = spawn_tool(argv, &child, &output);
	if (rc == ENOENT)
		return err_set(e, ERR_UNSUPPORTED, rc,
			       "run %s (from the package uidmap; it must be in PATH)", tool);
	if (rc)
		return err_set(e, ERR_SYSTEM, rc, "run %s", tool);
	ssize_t length = io_read_full(output, said, sizeof said - 1);
	/* A tool that talks more than that must not block on a full pipe. */
	while (length == (ssize_t)sizeof said - 1 && io_read_full(output, rest, sizeof rest) > 0)
		;
	if (wait_tool(child, &status) < 0)
		return err_sys(e, "wait for %s", tool);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (length < 0)
		length = 0;
	while (length > 0 && said[length - 1] == '\n')
		length--;
	said[length] = '\0';
	if (WIFSIGNALED(status))
		return err_set(e, ERR_SYSTEM, 0, "%s for process %d: killed by signal %d: %s", tool,
			       pid, WTERMSIG(status), said);
	return err_set(e, ERR_SYSTEM, 0, "%s for process %d: exit status %d: %s", tool, pid,
		       WEXITSTATUS(status), said);
}
