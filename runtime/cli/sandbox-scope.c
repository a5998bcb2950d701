/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-scope.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

/* Names the scope, for the husk that runs in it; systemd-run hands the environment on. */
#define MARK "HUSK_SANDBOX_SCOPE"

/* Longer command lines than the kernel takes for one execve(2) do not exist. */
#define COMMAND_LINE_MAX (6u << 20)

/* A manager that has ended leaves its socket behind, so only an answer counts. */
static bool somebody_listens(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || strlen(path) >= sizeof address.sun_path)
		return false;
	memcpy(address.sun_path, path, strlen(path) + 1);
	/* EAGAIN: more callers wait for it than it lets wait. */
	return connect(fd, (struct sockaddr *)&address, sizeof address) == 0 || errno == EAGAIN;
}

/* The manager's own socket, by which systemd-run speaks to it without a bus. */
static bool has_manager(uid_t uid, struct arena *a)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	/* su(1) and the like do not set it, and systemd-run does not work without it. */
	if (!dir || !*dir) {
		dir = arena_format(a, "/run/user/%u", uid);
		if (!dir || stat(dir, &st) < 0 || st.st_uid != uid ||
		    setenv("XDG_RUNTIME_DIR", dir, 1) < 0)
			return false;
	}
	const char *path = arena_format(a, "%s/systemd/private", dir);
	return path && stat(path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == uid &&
	       somebody_listens(path);
}

/* The words of the command line, with room for @before in front of them. */
static char **command_line(struct arena *a, size_t before, struct err *e)
{
	CLEAN_FD int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	char *text;
	size_t length, count = 0;

	if (fd < 0) {
		err_sys(e, "open /proc/self/cmdline");
		return NULL;
	}
	if (io_read_file(fd, "/proc/self/cmdline", COMMAND_LINE_MAX, a, &text, &length, e) < 0)
		return NULL;
	for (size_t i = 0; i < length; i++)
		count += text[i] == '\0';
	char **words = arena_new_array(a, before + count + 1, char *);
	if (!words) {
		arena_check(a, e);
		return NULL;
	}
	for (size_t i = before; i < before + count; i++) {
		words[i] = text;
		text += strlen(text) + 1;
	}
	words[before + count] = NULL;
	return words;
}

int sandbox_scope_execute(const struct call *call, struct err *e)
{
	const char *front[] = { "systemd-run", "--user",    "--scope",
				"--quiet",     "--collect", "--property=Delegate=yes",
				NULL,          "--" };
	const size_t count = sizeof front / sizeof *front;
	struct arena *a = call->arena;

	if (getenv(MARK) || !has_manager(geteuid(), a))
		return 0;
	/* Process ids come again while the manager still remembers the unit. */
	struct timespec now;
	clock_gettime(CLOCK_BOOTTIME, &now);
	char *unit = arena_format(a, "husk-%d-%lx%lx.scope", getpid(), (unsigned long)now.tv_sec,
				  (unsigned long)now.tv_nsec);
	char *option = arena_format(a, "--unit=%s", unit);
	if (arena_check(a, e) < 0)
		return -1;
	char **words = command_line(a, count, e);
	if (!words)
		return -1;
	front[count - 2] = option;
	memcpy(words, front, sizeof front);
	if (setenv(MARK, unit, 1) < 0)
		return err_sys(e, "set %s", MARK);
	execvp(words[0], words);
	int errnum = errno;
	unsetenv(MARK);
	/* A manager without its tools: a minimal container image. */
	if (errnum == ENOENT)
		return 0;
	return err_set(e, ERR_SYSTEM, errnum,
		       "execute systemd-run, for a control group of this user's "
		       "service manager");
}

int sandbox_scope_keep(int fd, const void *data, size_t length, struct err *e)
{
	/* Root needs no scope, and in one there is no other. */
	if (geteuid() == 0 || getenv(MARK))
		return 0;
	CLEAN_FD int copy = memfd_create("husk", MFD_CLOEXEC);
	if (copy < 0 || io_write_full(copy, data, length) < 0 || lseek(copy, 0, SEEK_SET) < 0 ||
	    dup2(copy, fd) < 0)
		return err_sys(e, "keep what was read from descriptor %d", fd);
	return 0;
}

int sandbox_scope_settle(const struct host *host, struct err *e)
{
	const char *unit = getenv(MARK);
	const struct cgroup_hierarchy *own = &host->cgroup.hierarchies[0];
	char path[4096];

	if (!unit || host->cgroup.mode != CGROUP_MODE_V2)
		return 0;
	/* What anybody can set is only believed where it is true. */
	const char *last = strrchr(own->own, '/');
	if (!last || !text_equal(last + 1, unit))
		return 0;
	unsetenv(MARK);
	text_format(path, sizeof path, "%s%s/supervisor", own->mount, own->own);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_sys(e, "make control group %s", path);
	text_format(path, sizeof path, "%s%s/supervisor/cgroup.procs", own->mount, own->own);
	CLEAN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) < 0)
		return err_sys(e, "enter control group %s", path);
	return 1;
}
