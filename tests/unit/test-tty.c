/* SPDX-License-Identifier: Apache-2.0 */
/* Terminals: pairs from an own devpts, console sockets, and the relay for the foreground. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>

#include "src/base/io.h"
#include "src/tty/tty-console.h"
#include "src/tty/tty-relay.h"
#include "tests/unit/in-child.h"

/* A devpts of our own, attached nowhere, as init has it for the container. */
static int own_devpts(void)
{
	int context = fsopen("devpts", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	int fd = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
	close(context);
	return fd;
}

static void pair_body(void *arg)
{
	struct winsize size = { 0 };
	struct tty_pair pair;
	struct stat st;
	struct err e;
	char text[8];

	(void)arg;
	int devpts = own_devpts();
	CHECK(devpts >= 0);
	CHECK_OK(tty_open(devpts, &pair, &e), e);
	CHECK(fcntl(pair.master, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(pair.slave, F_GETFD) == FD_CLOEXEC);
	CHECK_OK(tty_check_slave(pair.slave, &e), e);
	/* The first slave of a new instance: it is the container's, not the host's. */
	CHECK(fstat(pair.slave, &st) == 0 && minor(st.st_rdev) == 0);
	CHECK(fstatat(devpts, "0", &st, 0) == 0);
	CHECK(write(pair.master, "hello\n", 6) == 6 && read(pair.slave, text, 8) == 6);

	CHECK_OK(tty_set_size(pair.slave, 0, 0, &e), e);
	CHECK_OK(tty_set_size(pair.slave, 25, 80, &e), e);
	CHECK(ioctl(pair.master, TIOCGWINSZ, &size) == 0 && size.ws_row == 25);
	CHECK(size.ws_col == 80);
	CHECK_OK(tty_set_owner(pair.slave, 1000, 5, &e), e);
	CHECK(fstat(pair.slave, &st) == 0 && st.st_uid == 1000 && st.st_gid == 5);
	CHECK((st.st_mode & 07777) == 0620);
	CHECK_OK(tty_set_owner(pair.slave, 1001, (gid_t)-1, &e), e);
	CHECK(fstat(pair.slave, &st) == 0 && st.st_uid == 1001 && st.st_gid == 5);

	CHECK_OK(tty_attach(pair.slave, false, &e), e);
	CHECK(getsid(0) == getpid() && tcgetsid(0) == getpid());
	for (int fd = 0; fd <= 2; fd++)
		CHECK(isatty(fd) && fcntl(fd, F_GETFD) == 0);
	CHECK(open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0);
	/* A session that has a terminal cannot get another one. */
	CHECK(tty_attach(pair.slave, false, &e) == -1 && strstr(e.msg, "start a session"));
}

/* The slave is descriptor 0 already: it must not stay close-on-exec. */
static void attach_low_body(void *arg)
{
	struct tty_pair pair;
	struct err e;

	(void)arg;
	CHECK_OK(tty_open(own_devpts(), &pair, &e), e);
	CHECK(dup3(pair.slave, 0, O_CLOEXEC) == 0);
	CHECK(setsid() > 0);
	CHECK_OK(tty_attach(0, true, &e), e);
	for (int fd = 0; fd <= 2; fd++)
		CHECK(isatty(fd) && fcntl(fd, F_GETFD) == 0);
}

/*
 * CVE-2025-52565: what stands at the slave's path does not matter, and nothing but a pty slave
 * passes as one, so that it is never bound over /dev/console or given away.
 */
static void slave_attacks_body(void *arg)
{
	static const char *const others[] = { "/dev/null", "/dev/ptmx", "/proc/self/status",
					      "/proc/sysrq-trigger", "/tmp" };
	struct tty_pair pair;
	struct stat before, after;
	struct err e;

	(void)arg;
	CHECK(unshare(CLONE_NEWNS) == 0);
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	int devpts = own_devpts();
	CHECK(move_mount(devpts, "", AT_FDCWD, "/mnt", MOVE_MOUNT_F_EMPTY_PATH) == 0);
	/* The container puts another file over the slave that it will get: number 0. */
	struct tty_pair first;
	CHECK_OK(tty_open(devpts, &first, &e), e);
	CHECK(mount("/proc/version", "/mnt/0", NULL, MS_BIND, NULL) == 0);
	int by_path = open("/mnt/0", O_RDONLY | O_CLOEXEC);
	CHECK(tty_check_slave(by_path, &e) == -1); /* control: a path leads to the trap */
	CHECK_OK(tty_check_slave(first.slave, &e), e);
	CHECK_OK(tty_open(devpts, &pair, &e), e);
	/* A trap in place of ptmx itself is refused. */
	CHECK(mount("/dev/null", "/mnt/ptmx", NULL, MS_BIND, NULL) == 0);
	int root = open("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(tty_open(root, &pair, &e) == -1 && e.errnum == EXDEV);
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		int fd = open(others[i], O_PATH | O_CLOEXEC);
		if (fd < 0)
			continue;
		CHECK(fstat(fd, &before) == 0);
		CHECK(tty_check_slave(fd, &e) == -1 && strstr(e.msg, "not a pty slave"));
		CHECK(tty_set_owner(fd, 12345, 12345, &e) == -1);
		CHECK(fstat(fd, &after) == 0 && after.st_uid == before.st_uid);
		CHECK(after.st_mode == before.st_mode);
	}
	/* A node with a slave's number, made somewhere else. */
	CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	CHECK(mknod("/tmp/0", S_IFCHR | 0600, makedev(136, 0)) == 0);
	CHECK(tty_check_slave(open("/tmp/0", O_PATH | O_CLOEXEC), &e) == -1);
	/* A directory that is no devpts, with a regular file or a link as ptmx. */
	CHECK(mount("none", "/mnt", "tmpfs", 0, NULL) == 0);
	int fake = open("/mnt", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(tty_open(fake, &pair, &e) == -1 && e.errnum == ENOENT);
	CHECK(close(open("/mnt/ptmx", O_CREAT | O_RDWR | O_CLOEXEC, 0600)) == 0);
	CHECK(tty_open(fake, &pair, &e) == -1 && e.errnum == ENXIO);
	CHECK(unlink("/mnt/ptmx") == 0 && symlink("/dev/ptmx", "/mnt/ptmx") == 0);
	CHECK(tty_open(fake, &pair, &e) == -1);
}

static void pairs(void **state)
{
	(void)state;
	need_root();
	child_result(pair_body, NULL);
	child_result(attach_low_body, NULL);
	child_result(slave_attacks_body, NULL);
}

/* Some hosts let only root and the group tty open /dev/ptmx. */
static bool no_pty(void)
{
	int master, slave;

	if (openpty(&master, &slave, NULL, NULL, NULL) < 0) {
		print_message("# skip: openpty: %s\n", strerror(errno));
		return true;
	}
	close(master);
	close(slave);
	return false;
}

#define need_pty()                                                                                 \
	do {                                                                                       \
		if (no_pty())                                                                      \
			skip();                                                                    \
	} while (0)

/* Listen at @path below a descriptor of its directory, since bind(2) has the same limit. */
static int listen_at(const char *dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", fd, name);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(sock, 1), 0);
	close(fd);
	return sock;
}

static void console_socket(void **state)
{
	char dir[400] = "/tmp/husk-test-XXXXXX", path[500], data[100];
	struct err e;
	size_t nfds = 2;
	int fds[2], master, slave;

	(void)state;
	need_pty();
	assert_non_null(mkdtemp(dir));
	for (int i = 0; i < 4; i++) {
		/* Short first, then far beyond the 108 bytes of sun_path. */
		int listener = listen_at(dir, "console.sock");
		snprintf(path, sizeof path, "%s/console.sock", dir);
		int sock = tty_socket_connect(path, &e);
		if (sock < 0)
			fail_msg("%s", e.msg);
		assert_int_equal(fcntl(sock, F_GETFD), FD_CLOEXEC);
		int peer = accept(listener, NULL, NULL);
		assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
		assert_int_equal(tty_socket_send(sock, master, &e), 0);
		assert_int_equal(io_recv_fds(peer, data, sizeof data, fds, &nfds), 9);
		assert_memory_equal(data, "/dev/ptmx", 9);
		assert_int_equal(nfds, 1);
		assert_int_equal(write(slave, "x", 1), 1);
		assert_int_equal(read(fds[0], data, 1), 1);
		close(fds[0]);
		close(peer);
		close(sock);
		close(master);
		close(slave);
		close(listener);
		/* Nobody listens now. */
		assert_int_equal(tty_socket_connect(path, &e), -1);
		assert_int_equal(e.errnum, ECONNREFUSED);
		unlink(path);
		assert_int_equal(tty_socket_connect(path, &e), -1);
		assert_non_null(strstr(e.msg, path));
		nfds = 2;
		size_t n = strlen(dir);
		memset(dir + n, '/', 1);
		memset(dir + n + 1, 'a' + i, 60);
		dir[n + 61] = '\0';
		assert_int_equal(mkdir(dir, 0700), 0);
	}
	while (strlen(dir) > 21) {
		assert_int_equal(rmdir(dir), 0);
		*strrchr(dir, '/') = '\0';
	}
	assert_int_equal(rmdir(dir), 0);
	/* A name that no address can hold, even below its directory. */
	memset(path, 'n', 200);
	memcpy(path, "/tmp/", 5);
	path[200] = '\0';
	assert_int_equal(tty_socket_connect(path, &e), -1);
	assert_int_equal(e.errnum, ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(console_socket),
	};

	return cmocka_run_group_tests_name("tty", tests, NULL, NULL);
}
