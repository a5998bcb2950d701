/* SPDX-License-Identifier: Apache-2.0 */
/* The root that the host gives, in the place of the initramfs. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "vm-shim/guest/boot.h"
#include "vm-shim/guest/guest-parts.h"

#define DEVICE_TRIES     500
#define DEVICE_STEP_NSEC 10000000

static void wait_step(void)
{
	nanosleep(&(struct timespec){ 0, DEVICE_STEP_NSEC }, NULL);
}

static int mount_share(const char *tag, struct err *e)
{
	/* EINVAL: there is no device with that tag, yet. */
	for (int i = 0; i < DEVICE_TRIES; i++) {
		if (mount(tag, GUEST_ROOT, "virtiofs", 0, NULL) == 0)
			return 0;
		if (errno != EINVAL && errno != ENOENT)
			break;
		wait_step();
	}
	return err_sys(e, "mount virtiofs \"%s\" (does the host share it?)", tag);
}

static int mount_disk(const char *device, struct err *e)
{
	struct stat st;

	for (int i = 0; i < DEVICE_TRIES && stat(device, &st) < 0; i++)
		wait_step();
	if (mount(device, GUEST_LOWER, "erofs", MS_RDONLY | MS_NODEV, NULL) < 0)
		return err_sys(e, "mount erofs from %s", device);
	if (boot_mount("tmpfs", GUEST_UPPER, "tmpfs", MS_NODEV, "mode=0755", e) < 0)
		return -1;
	if (mkdir(GUEST_UPPER "/upper", 0755) < 0 || mkdir(GUEST_UPPER "/work", 0755) < 0)
		return err_sys(e, "create the upper layer");
	return boot_mount("overlay", GUEST_ROOT, "overlay", MS_NODEV,
			  "lowerdir=" GUEST_LOWER ",upperdir=" GUEST_UPPER
			  "/upper,workdir=" GUEST_UPPER "/work",
			  e);
}

/* A directory of the new root to mount on. */
static int need_directory(const char *path, struct err *e)
{
	struct stat st;

	if (mkdir(path, 0755) == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
		return 0;
	return err_sys(e, "create %s in the root that the host gave", path + strlen(GUEST_ROOT));
}

/* The host shows nothing of its own there: @path is the guest's. */
static bool is_empty(const char *path)
{
	CLEAN_DIR DIR *dir = opendir(path);

	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (!text_equal(d->d_name, ".") && !text_equal(d->d_name, ".."))
			return false;
	}
	return true;
}

static int move_in(struct err *e)
{
	static const char *const moved[] = { "/proc", "/sys", "/dev" };
	char to[64];

	for (size_t i = 0; i < sizeof moved / sizeof *moved; i++) {
		text_format(to, sizeof to, GUEST_ROOT "%s", moved[i]);
		if (need_directory(to, e) < 0)
			return -1;
		if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
			return err_sys(e, "move %s", moved[i]);
	}
	if (need_directory(GUEST_ROOT "/run", e) < 0 || need_directory(GUEST_ROOT "/tmp", e) < 0)
		return -1;
	if (boot_mount("tmpfs", GUEST_ROOT "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", e) <
	    0)
		return -1;
	/* The caller's directory may be below the host's. */
	if (is_empty(GUEST_ROOT "/tmp") && boot_mount("tmpfs", GUEST_ROOT "/tmp", "tmpfs",
						      MS_NOSUID | MS_NODEV, "mode=1777", e) < 0)
		return -1;
	return 0;
}

int boot_root(const char *what, struct err *e)
{
	if (text_starts(what, "share:")) {
		if (mount_share(what + 6, e) < 0)
			return -1;
	} else if (text_starts(what, "disk:/dev/")) {
		if (mount_disk(what + 5, e) < 0)
			return -1;
	} else {
		return err_config(e, "husk.root=%s: is neither share:TAG nor disk:/dev/NAME", what);
	}
	if (move_in(e) < 0)
		return -1;
	/* husk's own file lies here: /proc/PID/exe leads to it, and nobody may write through that. */
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return err_sys(e, "make the initramfs read-only");
	if (chdir(GUEST_ROOT) < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return err_sys(e, "change to the root that the host gave");
	return 0;
}
