/* SPDX-License-Identifier: Apache-2.0 */
#include "src/ns/ns-self.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"
#include "src/ns/ns-swap.h"

#define SELF "/proc/self/exe"

/* Below the 64 that a table of descriptors has room for without growing (NR_OPEN_DEFAULT). */
#define HELD_AT_LEAST 60

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif
#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

/*
 * One call tells the usual cases apart: EROFS is a read-only mount (ours after the re-execution, or
 * the administrator's), EACCES a file that these ids cannot write, ETXTBSY never comes from access.
 */
static int is_writable(struct err *e)
{
	struct stat st;

	if (faccessat(AT_FDCWD, SELF, W_OK, AT_EACCESS) == 0)
		return 1;
	if (errno == EROFS)
		return 0;
	if (errno == ENOENT)
		return err_set(e, ERR_SYSTEM, errno, "open %s (is /proc mounted?)", SELF);
	if (errno != EACCES && errno != EPERM)
		return err_sys(e, "access %s", SELF);
	/* Its owner could make it writable first. A memory copy is not owned by anyone's files. */
	if (stat(SELF, &st) < 0)
		return err_sys(e, "stat %s", SELF);
	return st.st_uid == geteuid() && st.st_nlink > 0;
}

/* A detached read-only clone of the mount of @path, with that as its root. */
static int clone_mount(const char *path)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	CLEAN_FD int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 || mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0)
		return -1;
	return take_fd(&fd);
}

/*
 * The swap with the directory that husk was executed from cloned, in which the file is opened by its
 * name: a third of the time that two links of /proc/self take. A name that leads elsewhere by now is no
 * harm, since another file is refused.
 */
static bool swap_by_name(char **argv, int *held)
{
	const char *path = (const char *)getauxval(AT_EXECFN);
	const char *slash = path ? strrchr(path, '/') : NULL;
	char dir[PATH_MAX];

	if (!slash || slash == path)
		return false;
	text_format(dir, sizeof dir, "%.*s", (int)(slash - path), path);
	CLEAN_FD int tree = clone_mount(dir);
	CLEAN_FD int file =
		tree < 0 ? -1 : openat(tree, slash + 1, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (file < 0 || !ns_swap(file, argv))
		return false;
	/* Not among the low numbers, which options may speak of. */
	if (held)
		*held = fcntl(tree, F_DUPFD_CLOEXEC, HELD_AT_LEAST);
	return true;
}

/* What open_tree(2) returns is a place (O_PATH), it cannot be mapped. */
static bool swap_by_tree(int tree, char **argv)
{
	char path[PATH_FD_MAX];
	CLEAN_FD int file = open(path_of_fd(tree, path), O_RDONLY | O_CLOEXEC);

	return file >= 0 && ns_swap(file, argv);
}

/* A sealed memory file cannot be written whatever rights one has; its pages are charged to us. */
static int copy_to_memory(struct err *e)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	CLEAN_FD int in = open(SELF, O_RDONLY | O_CLOEXEC);
	CLEAN_FD int fd = memfd_create("husk", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
	ssize_t n;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("husk", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (in < 0 || fd < 0)
		return err_sys(e, "copy %s to memory", SELF);
	while ((n = sendfile(fd, in, NULL, 1 << 30)) > 0)
		;
	if (n < 0 || fcntl(fd, F_ADD_SEALS, seals) < 0)
		return err_sys(e, "copy %s to sealed memory", SELF);
	return take_fd(&fd);
}

/* A sealed copy reports mode 0777 and our own id: recognise it by its seals. */
static int is_sealed_copy(void)
{
	CLEAN_FD int fd = open(SELF, O_RDONLY | O_CLOEXEC);
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	return seals >= 0 && seals & F_SEAL_WRITE;
}

int ns_self_seal(char **argv, char **env, int *held, struct err *e)
{
	int writable = is_writable(e);

	if (held)
		*held = -1;
	if (writable <= 0)
		return writable;
	if (swap_by_name(argv, held))
		return 0;
	CLEAN_FD int fd = clone_mount(SELF);
	if (fd >= 0 && swap_by_tree(fd, argv))
		return 0;
	if (fd < 0) {
		if (is_sealed_copy())
			return 0;
		fd = copy_to_memory(e);
	}
	if (fd < 0)
		return -1;
	syscall(SYS_execveat, fd, "", argv, env, AT_EMPTY_PATH);
	return err_sys(e, "execute the protected copy of husk");
}
