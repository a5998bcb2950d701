/* SPDX-License-Identifier: Apache-2.0 */
/* What the host may want of the guest as a whole. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "runtime/cli/guest-init.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup.h"
#include "src/json/json-write.h"

#define GROUPS_DIR "/sys/fs/cgroup"
#define RANDOM_MAX 512

int guest_system_time(uint64_t nsec, struct err *e)
{
	const struct timespec now = { (time_t)(nsec / 1000000000u), (long)(nsec % 1000000000u) };

	return clock_settime(CLOCK_REALTIME, &now) < 0 ? err_sys(e, "set the clock") : 0;
}

/* Credited, because the host is trusted with everything else as well. A clone of a snapshot must not say
 * the same as its twin, so the generator takes it at once. */
int guest_system_reseed(const void *bytes, size_t count, struct err *e)
{
	CLEAN_FD int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	/* struct rand_pool_info: the bits, the bytes, and the content. */
	uint32_t pool[2 + RANDOM_MAX / 4] = { (uint32_t)count * 8, (uint32_t)count };

	if (fd < 0)
		return err_sys(e, "open /dev/urandom");
	if (count > RANDOM_MAX)
		return err_set(e, ERR_PROTOCOL, 0, "reseed: more than %d bytes", RANDOM_MAX);
	memcpy(pool + 2, bytes, count);
	if (ioctl(fd, RNDADDENTROPY, pool) < 0 || ioctl(fd, RNDRESEEDCRNG) < 0)
		return err_sys(e, "reseed the random generator");
	explicit_bzero(pool, sizeof pool);
	return 0;
}

/* All groups but the root, in which only this process and the kernel's own are. */
int guest_system_pause(bool pause, struct err *e)
{
	CLEAN_DIR DIR *dir = opendir(GROUPS_DIR);
	char path[512];

	if (!dir)
		return err_sys(e, "open " GROUPS_DIR);
	for (struct dirent *d; (d = readdir(dir));) {
		if (d->d_type != DT_DIR || d->d_name[0] == '.')
			continue;
		text_format(path, sizeof path, GROUPS_DIR "/%s", d->d_name);
		const struct cgroup_set set = { .count = 1,
						.places = { { .v2 = true, .dir = path } } };
		if ((pause ? cgroup_freeze(&set, e) : cgroup_thaw(&set, e)) < 0)
			return -1;
	}
	return 0;
}

static uint64_t available_bytes(void)
{
	char text[4096], digits[24];
	uint64_t kib;

	if (io_read_at(AT_FDCWD, "/proc/meminfo", text, sizeof text) < 0)
		return 0;
	const char *at = strstr(text, "MemAvailable:");
	if (!at)
		return 0;
	at += strcspn(at, "0123456789");
	text_format(digits, sizeof digits, "%.*s", (int)strspn(at, "0123456789"), at);
	return text_parse_u64(digits, &kib) < 0 ? 0 : kib * 1024;
}

size_t guest_system_stats(bool paused, unsigned processes, char *out, size_t size)
{
	struct sysinfo info = { 0 };
	struct json_writer w;
	struct timespec up;
	struct err ignored;
	size_t length = 0;

	sysinfo(&info);
	clock_gettime(CLOCK_BOOTTIME, &up);
	json_write_init_fixed(&w, out, size, false);
	json_write_object_begin(&w, NULL);
	json_write_u64(&w, "uptimeMsec",
		       (uint64_t)up.tv_sec * 1000 + (uint64_t)up.tv_nsec / 1000000);
	json_write_u64(&w, "memoryBytes", (uint64_t)info.totalram * info.mem_unit);
	json_write_u64(&w, "memoryFreeBytes", (uint64_t)info.freeram * info.mem_unit);
	json_write_u64(&w, "memoryAvailableBytes", available_bytes());
	json_write_double(&w, "load", (double)info.loads[0] / (1 << SI_LOAD_SHIFT));
	json_write_u64(&w, "tasks", info.procs);
	json_write_u64(&w, "processes", processes);
	json_write_bool(&w, "paused", paused);
	json_write_object_end(&w);
	return json_write_finish(&w, &length, &ignored) ? length : 0;
}
