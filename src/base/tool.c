/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/base/text.h"

void tool_said_add(struct tool_said *s, const char *data, size_t size)
{
	size_t most = sizeof s->text - 1;

	if (s->last) {
		text_keep_last(s->text, sizeof s->text, &s->length, data, size);
		return;
	}
	if (size > most - s->length)
		size = most - s->length;
	memcpy(s->text + s->length, data, size);
	s->length += size;
	s->text[s->length] = '\0';
}

static void trim(struct tool_said *s)
{
	while (s->length && s->text[s->length - 1] == '\n')
		s->text[--s->length] = '\0';
}

const char *tool_said_line(struct tool_said *s)
{
	trim(s);
	if (!s->last) {
		s->text[strcspn(s->text, "\n")] = '\0';
		return s->text;
	}
	const char *end = strrchr(s->text, '\n');
	return end ? end + 1 : s->text;
}

void tool_said_read(struct tool_said *s, int fd)
{
	char part[512];
	ssize_t n;

	while ((n = read(fd, part, sizeof part)) > 0 || (n < 0 && errno == EINTR))
		tool_said_add(s, part, n > 0 ? (size_t)n : 0);
}

/* An errno, or 0. */
static int spawn(const char *const *argv, int output, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none;

	int rc = posix_spawn_file_actions_init(&actions);
	if (rc)
		return rc;
	rc = posix_spawnattr_init(&attr);
	if (rc) {
		posix_spawn_file_actions_destroy(&actions);
		return rc;
	}
	/* The caller may block signals for its signalfd: the program must still be killable. */
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, output, 1);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, output, 2);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv,
				  environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	return rc;
}

int tool_run(const char *const *argv, struct tool_said *said, struct err *e)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	CLEAN_FD int in = ends[0];
	CLEAN_FD int out = ends[1];
	int rc = spawn(argv, out, &pid);
	if (rc)
		return err_set(e, rc == ENOENT ? ERR_NO_PROGRAM : ERR_SYSTEM, rc, "run %s",
			       argv[0]);
	drop_fd(&out);
	tool_said_read(said, in);
	trim(said);
	int status = pid_reap(pid);
	return status < 0 ? err_sys(e, "wait for %s", argv[0]) : status;
}

int tool_check(const char *what, int status, const char *words, struct err *e)
{
	if (status == 0)
		return 0;
	if (status < 0)
		return err_sys(e, "wait for %s", what);
	return err_set(e, ERR_SYSTEM, 0, "%s: %s %d: %s", what,
		       WIFSIGNALED(status) ? "killed by signal" : "exit status",
		       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), words);
}
