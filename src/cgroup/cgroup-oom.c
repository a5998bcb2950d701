/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-stats.h"

/* Has memory run out? */

static const struct cgroup_place *memory_place(const struct cgroup_set *set, struct err *e)
{
	int i = cgroup_set_find(set, CGROUP_MEMORY);

	if (i >= 0)
		return &set->places[i];
	err_set(e, ERR_UNSUPPORTED, 0, "the container has no memory cgroup");
	return NULL;
}

static int read_facts(const struct cgroup_place *place, struct cgroup_oom *oom)
{
	const char *file = place->v2 ? "memory.events" : "memory.oom_control";
	uint64_t value;
	char text[512];

	*oom = (struct cgroup_oom){ 0 };
	if (cgroup_file_read(place, file, text, sizeof text) < 0)
		return -1;
	cgroup_text_find(text, "oom", &oom->oom); /* v2 */
	cgroup_text_find(text, "oom_kill", &oom->oom_kill);
	oom->under_oom = cgroup_text_find(text, "under_oom", &value) == 0 && value;
	oom->kill_disabled = cgroup_text_find(text, "oom_kill_disable", &value) == 0 && value;
	return 0;
}

int cgroup_oom_read(const struct cgroup_set *set, struct cgroup_oom *oom, struct err *e)
{
	const struct cgroup_place *place = memory_place(set, e);

	*oom = (struct cgroup_oom){ 0 };
	if (!place)
		return -1;
	if (read_facts(place, oom) < 0)
		return err_sys(e, "read the OOM facts of %s", place->dir);
	return 0;
}

/* ---- notification ---- */

/* v1: an eventfd that the kernel signals, registered by "EVENTFD FILE" in cgroup.event_control. */
static int watch_v1(const struct cgroup_place *place, struct err *e)
{
	CLEAN_FD int control = cgroup_file_open(place, "memory.oom_control", O_RDONLY);
	CLEAN_FD int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];

	if (control < 0 || event < 0)
		return err_sys(e, "watch %s/memory.oom_control", place->dir);
	text_format(text, sizeof text, "%d %d", event, control);
	if (cgroup_file_write(place, "cgroup.event_control", text) < 0)
		return err_sys(e, "write to %s/cgroup.event_control", place->dir);
	return take_fd(&event);
}

/* v2: memory.events changes with every OOM, cgroup.events when the last process is gone. */
static int watch_v2(const struct cgroup_place *place, struct err *e)
{
	CLEAN_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	static const char *const files[] = { "memory.events", "cgroup.events" };
	char path[PATH_MAX];

	for (int i = 0; fd >= 0 && i < 2; i++) {
		text_format(path, sizeof path, "%s/%s", place->dir, files[i]);
		if (inotify_add_watch(fd, path, IN_MODIFY) < 0)
			return err_sys(e, "watch %s", path);
	}
	return fd < 0 ? err_sys(e, "watch %s", place->dir) : take_fd(&fd);
}

int cgroup_oom_watch(const struct cgroup_set *set, struct cgroup_oom_watch *watch, struct err *e)
{
	const struct cgroup_place *place = memory_place(set, e);
	struct cgroup_oom oom;

	*watch = (struct cgroup_oom_watch){ .fd = -1 };
	if (!place)
		return -1;
	watch->v2 = place->v2;
	watch->dir = place->dir;
	watch->fd = place->v2 ? watch_v2(place, e) : watch_v1(place, e);
	if (watch->fd < 0)
		return -1;
	/* Read after the watch is set, so that nothing falls between. */
	if (read_facts(place, &oom) == 0)
		watch->seen = place->v2 ? oom.oom_kill : 0;
	return 0;
}

static int gone(struct err *e)
{
	return err_set(e, ERR_SYSTEM, ENODEV, "the memory cgroup is gone");
}

int cgroup_oom_next(struct cgroup_oom_watch *watch, struct err *e)
{
	const struct cgroup_place place = { .v2 = watch->v2, .dir = watch->dir };
	struct cgroup_oom oom;
	uint64_t populated;
	char drain[4096];
	ssize_t n;

	/* All that is pending is one question: what is true now? */
	while ((n = read(watch->fd, drain, sizeof drain)) > 0 || (n < 0 && errno == EINTR))
		;
	if (read_facts(&place, &oom) < 0)
		return gone(e);
	/* v1's eventfd is also signalled when the cgroup goes, which the read has ruled out. */
	if (!watch->v2)
		return 1;
	bool rose = oom.oom_kill > watch->seen;
	watch->seen = oom.oom_kill;
	if (rose)
		return 1;
	if (cgroup_file_read(&place, "cgroup.events", drain, sizeof drain) < 0 ||
	    (cgroup_text_find(drain, "populated", &populated) == 0 && !populated))
		return gone(e);
	return 0;
}
