/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime that trusts path strings does: look first, act after. For controls: the races of
 * the tests must succeed against this program, else they would find nothing.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* "Checked": no component of ROOT/PATH is a symlink. */
static bool looks_safe(const char *root, const char *path)
{
	char full[PATH_MAX], *p;
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (lstat(full, &st) == 0 && S_ISLNK(st.st_mode))
			return false;
		*p = '/';
	}
	return true;
}

static void make_directories(const char *root, const char *path)
{
	char full[PATH_MAX], *p;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (p = full + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(full, 0755);
		*p = '/';
	}
	mkdir(full, 0755);
}

/*
 * naive mkdir|mount SECONDS ROOT PATH OUT: make the directory ROOT/PATH, and with "mount" a tmpfs
 * on it, until that has happened to OUT instead, which is elsewhere. Status 0 when it has.
 */
int main(int argc, char **argv)
{
	bool mounting = argc == 6 && strcmp(argv[1], "mount") == 0;
	const char *root = argv[3], *path = argv[4], *out = argv[5];
	char full[PATH_MAX];
	struct stat st;
	double end;

	if (argc != 6)
		return 2;
	if (mounting &&
	    (unshare(CLONE_NEWNS) < 0 || mount("", "/", "", MS_REC | MS_PRIVATE, "") < 0)) {
		perror("naive");
		return 2;
	}
	snprintf(full, sizeof(full), "%s%s", root, path);
	dev_t before = stat(out, &st) == 0 ? st.st_dev : 0;
	for (end = now() + atof(argv[2]); now() < end;) {
		if (!looks_safe(root, path))
			continue;
		make_directories(root, path);
		if (mounting && mount("naive", full, "tmpfs", 0, NULL) < 0)
			continue;
		if (stat(out, &st) == 0 && st.st_dev != before) {
			printf("hit %s\n", out);
			return 0;
		}
		if (mounting)
			umount2(full, MNT_DETACH);
		else
			rmdir(full);
	}
	puts("missed");
	return 1;
}
