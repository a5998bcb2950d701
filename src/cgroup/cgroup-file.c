/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

int cgroup_file_open(const struct cgroup_place *place, const char *file, int flags)
{
	char path[PATH_MAX];
	size_t n = text_format(path, sizeof path, "%s/%s", place->dir, file);

	if (text_cut(n, sizeof path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

ssize_t cgroup_file_read_fd(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buffer, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	while (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

ssize_t cgroup_file_read(const struct cgroup_place *place, const char *file, char *buffer,
			 size_t size)
{
	CLEAN_FD int fd = cgroup_file_open(place, file, O_RDONLY);

	if (fd < 0)
		return -1;
	return cgroup_file_read_fd(fd, buffer, size);
}

ssize_t cgroup_file_read_at(int dirfd, const char *file, char *buffer, size_t size)
{
	CLEAN_FD int fd = openat(dirfd, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -1;
	return cgroup_file_read_fd(fd, buffer, size);
}

int cgroup_file_write(const struct cgroup_place *place, const char *file, const char *text)
{
	char path[PATH_MAX];
	size_t n = text_format(path, sizeof path, "%s/%s", place->dir, file);

	if (text_cut(n, sizeof path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return io_write_at(AT_FDCWD, path, text);
}

uint64_t cgroup_text_u64(const char *text)
{
	uint64_t value = 0;

	for (; *text >= '0' && *text <= '9'; text++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value))
			return UINT64_MAX;
	return value;
}

int cgroup_file_read_u64(const struct cgroup_place *place, const char *file, uint64_t *value)
{
	char text[64];

	if (cgroup_file_read(place, file, text, sizeof text) < 0)
		return -1;
	if (strcmp(text, "max") == 0) {
		*value = UINT64_MAX;
		return 0;
	}
	if (*text < '0' || *text > '9') {
		errno = EPROTO;
		return -1;
	}
	*value = cgroup_text_u64(text);
	return 0;
}

int cgroup_text_find(const char *text, const char *key, uint64_t *value)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, length) == 0 && line[length] == ' ') {
			*value = cgroup_text_u64(line + length + 1);
			return 0;
		}
	}
	return -1;
}

int cgroup_each_below(int dirfd, int (*visit)(int dirfd, const char *name, void *data), void *data)
{
	/* A fresh open file description: fdopendir() moves the offset and takes the descriptor. */
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *entry;

	if (!dir) {
		if (copy >= 0)
			close(copy);
		return -1;
	}
	while (errno = 0, (entry = readdir(dir))) {
		/* cgroup file systems always say what an entry is. */
		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		int ret = visit(dirfd, entry->d_name, data);
		if (ret)
			return ret;
	}
	return errno && errno != ENOENT ? -1 : 0;
}

void cgroup_close_all(const int *fds, unsigned count)
{
	int saved = errno;

	for (unsigned i = 0, next; i < count; i = next) {
		next = i + 1;
		if (fds[i] < 0)
			continue;
		while (next < count && fds[next] == fds[next - 1] + 1)
			next++;
		if (next - i == 1 ||
		    kernel_close_range((unsigned)fds[i], (unsigned)fds[next - 1], 0) < 0)
			for (unsigned k = i; k < next; k++)
				close(fds[k]);
	}
	errno = saved;
}

void cgroup_sleep_usec(unsigned usec)
{
	struct timespec ts = { .tv_sec = usec / 1000000, .tv_nsec = usec % 1000000 * 1000L };

	nanosleep(&ts, NULL);
}
