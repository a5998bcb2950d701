/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that no other sandbox has. Who has which is said by locks on the very files that hand them out:
 * byte N of /etc/subuid stands for user N. Nothing has to be written or cleaned up, every user can do
 * it (a lock for reading needs no more than reading), and the kernel takes a lock away with its
 * process, however that ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "runtime/sandbox/sandbox.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cred/cred-ids.h"

#define LINES_MAX 64

/* A lock for reading excludes nobody. But whoever asks for a lock for writing hears of all others':
 * so it is taken first, and then looked whether it is the only one. Of two who meet both go on to
 * the next place. 1: it is ours, 0: it is somebody's, -1. */
static int try_range(int fd, const char *path, uint32_t first, uint32_t count, struct err *e)
{
	struct flock lock = {
		.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count
	};
	struct flock other = lock;

	if (fcntl(fd, F_OFD_SETLK, &lock) < 0 && errno != EAGAIN && errno != EACCES)
		return err_sys(e, "lock ids of %s", path);
	other.l_type = F_WRLCK;
	if (fcntl(fd, F_OFD_GETLK, &other) < 0)
		return err_sys(e, "look for locks of %s", path);
	if (other.l_type == F_UNLCK)
		return 1;
	lock.l_type = F_UNLCK;
	if (fcntl(fd, F_OFD_SETLK, &lock) < 0)
		return err_sys(e, "unlock ids of %s", path);
	return 0;
}

static int read_lines(int fd, const char *path, uid_t uid, struct cred_id_map *lines, struct err *e)
{
	const char *name = uid == 0 ? "root" : getenv("USER");
	int count = cred_subids_read(fd, name ? name : "", uid, lines, LINES_MAX, e);

	/* podman's convention for root: it may have any, but not those of somebody else. */
	if (count == 0 && uid == 0 && lseek(fd, 0, SEEK_SET) == 0)
		count = cred_subids_read(fd, "containers", (uid_t)-1, lines, LINES_MAX, e);
	if (count < 0)
		return err_prefix(e, "%s", path);
	return count;
}

/* The descriptor stays open, and with it the lock. */
static int reserve(const char *path, uid_t uid, uint32_t wanted, uint32_t *first, struct err *e)
{
	struct cred_id_map lines[LINES_MAX];
	bool room = false;

	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "autoIds: open %s", path);
	int count = read_lines(fd, path, uid, lines, e);
	if (count < 0)
		return -1;
	for (int i = 0; i < count; i++) {
		uint32_t places = lines[i].count / wanted;
		room |= places > 0;
		for (uint32_t k = 0; k < places; k++) {
			*first = lines[i].id_host + k * wanted;
			int got = try_range(fd, path, *first, wanted, e);
			if (got < 0)
				return -1;
			if (got) {
				(void)take_fd(&fd);
				return 0;
			}
		}
	}
	return err_set(e, ERR_UNSUPPORTED, 0,
		       room ? "autoIds: other sandboxes have all of this user's ids in %s"
			    : "autoIds: this user has no line in %s with that many ids (\"usermod "
			      "--add-subuids FIRST-LAST --add-subgids FIRST-LAST USER\" adds one)",
		       path);
}

int sandbox_ids_reserve(const struct sandbox *s, struct arena *a, struct sandbox_host *h,
			struct err *e)
{
	(void)a;
	if (!s->auto_ids.set)
		return 0;
	if (reserve("/etc/subuid", h->uid, s->auto_ids.value, &h->auto_uid, e) < 0)
		return -1;
	return reserve("/etc/subgid", h->uid, s->auto_ids.value, &h->auto_gid, e);
}
