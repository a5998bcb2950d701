/* SPDX-License-Identifier: Apache-2.0 */
#include "src/tty/tty-console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/path.h"
#include "src/base/text.h"

#define DEVPTS_SUPER_MAGIC 0x1cd1

/* Majors of pty slaves, UNIX98_PTY_SLAVE_MAJOR and the seven after it (Documentation/admin-guide/
 * devices.txt). The master side, 5:2 or 128 and on, must not pass for one. */
#define SLAVE_MAJOR_FIRST 136
#define SLAVE_MAJOR_LAST  143

/* The master that opening ptmx yields: 5:2, which a bind mount over ptmx would not have. */
static bool is_ptmx(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == 5 &&
	       minor(st.st_rdev) == 2;
}

int tty_open(int devptsfd, struct tty_pair *out, struct err *e)
{
	int unlock = 0;
	/* Nothing but the node of this very instance: no link, no mount on it. */
	CLEAN_FD int master = path_open(devptsfd, "ptmx", O_RDWR | O_NOCTTY,
					RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS |
						RESOLVE_NO_MAGICLINKS);

	if (master < 0) {
		err_sys(e, "open ptmx of the container's devpts");
		if (errno == ENOSPC)
			err_append(e, ": kernel.pty.max or the max= option of devpts is reached");
		else if (errno == EACCES)
			err_append(e, ": mount devpts with ptmxmode=0666");
		return -1;
	}
	if (!is_ptmx(master))
		return err_set(e, ERR_SYSTEM, ENXIO, "ptmx of the container's devpts is not one");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return err_sys(e, "unlock the terminal");
	/* Opens the peer of exactly this master, whatever the path of the slave says by now. */
	CLEAN_FD int slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return err_sys(e, "open the terminal's slave");
	if (tty_check_slave(slave, e) < 0)
		return -1;
	out->master = take_fd(&master);
	out->slave = take_fd(&slave);
	return 0;
}

int tty_check_slave(int fd, struct err *e)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return err_sys(e, "stat terminal");
	if (!S_ISCHR(st.st_mode) || major(st.st_rdev) < SLAVE_MAJOR_FIRST ||
	    major(st.st_rdev) > SLAVE_MAJOR_LAST || fs.f_type != DEVPTS_SUPER_MAGIC)
		return err_set(e, ERR_SYSTEM, ENOTTY,
			       "the console is not a pty slave (mode %o, device %u:%u)", st.st_mode,
			       major(st.st_rdev), minor(st.st_rdev));
	return 0;
}

int tty_set_size(int fd, uint16_t rows, uint16_t columns, struct err *e)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	if (rows == 0 && columns == 0)
		return 0;
	if (ioctl(fd, TIOCSWINSZ, &size) < 0)
		return err_sys(e, "set terminal size %ux%u", columns, rows);
	return 0;
}

int tty_set_owner(int slave, uid_t uid, gid_t gid, struct err *e)
{
	if (tty_check_slave(slave, e) < 0)
		return -1;
	if (fchown(slave, uid, gid) < 0) {
		err_sys(e, "give the terminal to user %u", uid);
		if (errno == EINVAL)
			err_append(e, ": the user is not mapped in the user namespace");
		return -1;
	}
	/* Its group, tty, may write to it (write(1), wall(1)); nobody else may. */
	if (fchmod(slave, 0620) < 0)
		return err_sys(e, "set the terminal's mode");
	return 0;
}

int tty_attach(int slave, bool in_new_session, struct err *e)
{
	if (!in_new_session && setsid() < 0)
		return err_sys(e, "start a session");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return err_sys(e, "make the terminal the controlling one");
	for (int fd = 0; fd <= 2; fd++) {
		/* dup2() of a descriptor onto itself would leave close-on-exec set. */
		int rc = fd == slave ? fcntl(fd, F_SETFD, 0) : dup2(slave, fd);
		if (rc < 0)
			return err_sys(e, "put the terminal on descriptor %d", fd);
	}
	return 0;
}

/* Open the directory of @path and put "/proc/self/fd/N/NAME" into @address. The fd or -1. */
static int shorten(const char *path, struct sockaddr_un *address, struct err *e)
{
	const char *slash = strrchr(path, '/');
	char dir[4096], link[PATH_FD_MAX];

	if (!slash || (size_t)(slash - path) >= sizeof dir)
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "console socket %s", path);
	text_format(dir, sizeof dir, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	CLEAN_FD int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open the directory of console socket %s", path);
	size_t n = text_format(address->sun_path, sizeof address->sun_path, "%s/%s",
			       path_of_fd(fd, link), slash + 1);
	if (text_cut(n, sizeof address->sun_path))
		return err_set(e, ERR_SYSTEM, ENAMETOOLONG, "console socket %s", path);
	return take_fd(&fd);
}

int tty_socket_connect(const char *path, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int dir = -1;
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc;

	if (sock < 0)
		return err_sys(e, "create a socket for console socket %s", path);
	if (strlen(path) < sizeof address.sun_path) {
		memcpy(address.sun_path, path, strlen(path) + 1);
	} else {
		dir = shorten(path, &address, e);
		if (dir < 0)
			return -1;
	}
	do
		rc = connect(sock, (const struct sockaddr *)&address, sizeof address);
	while (rc < 0 && errno == EINTR);
	if (rc < 0) {
		err_sys(e, "connect to console socket %s", path);
		if (errno == ECONNREFUSED)
			err_append(e, ": nobody listens there");
		return -1;
	}
	return take_fd(&sock);
}

int tty_socket_send(int sock, int master, struct err *e)
{
	static const char name[] = "/dev/ptmx";

	/* Receivers read the name as text of the message's length: no NUL goes with it. */
	if (io_send_fds(sock, name, sizeof name - 1, &master, 1) < 0)
		return err_sys(e, "send the terminal to the console socket");
	return 0;
}

void tty_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0 && size.ws_row)
		(void)ioctl(to, TIOCSWINSZ, &size);
}
