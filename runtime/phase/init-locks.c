/* SPDX-License-Identifier: Apache-2.0 */
/* What the first process holds while the sandbox runs. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/phase/init.h"
#include "src/base/clean.h"

bool init_wants_locks(const void *ctx)
{
	return ((const struct init *)ctx)->plan->lock_files.count > 0;
}

/*
 * Needs: the sandbox's own root. Leaves: locks that belong to open files, of which the reaper keeps one
 * descriptor each: the program's are closed when it is executed.
 */
int init_locks(void *ctx, struct err *e)
{
	struct init *c = ctx;
	const struct str_list *files = &c->plan->lock_files;

	for (size_t i = 0; i < files->count; i++) {
		const char *path = files->items[i];
		struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
		struct stat st;
		/* A pipe would wait for a writer. */
		SWEPT_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0 || fstat(fd, &st) < 0)
			return err_sys(e, "open lock file %s", path);
		if (!S_ISREG(st.st_mode))
			return err_set(e, ERR_CONFIG, 0, "lock file %s: is not a regular file",
				       path);
		int locked = fcntl(fd, F_OFD_SETLK, &lock);
		if (locked < 0 && (errno == EAGAIN || errno == EACCES))
			return err_set(e, ERR_SYSTEM, errno,
				       "lock file %s: somebody holds a lock for writing", path);
		if (locked < 0)
			return err_sys(e, "lock file %s", path);
		c->locks[c->locks_count++] = take_fd(&fd);
	}
	return 0;
}
