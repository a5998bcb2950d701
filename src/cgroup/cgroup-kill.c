/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-pids.h"
#include "src/cgroup/cgroup-wait.h"
#include "src/cgroup/cgroup.h"

/* Which processes a container has, signals for them, and waiting for their end. */

/* cgroup.procs of a container that makes nested cgroups for ever ends here. */
#define PIDS_DEPTH   256
#define KILL_ROUNDS  30
#define SIGNAL_BATCH 128 /* pidfds open at a time */

/* The place that lists every process: v2, else the freezer (which no container can leave by
 * delegation), else any. */
static const struct cgroup_place *lister(const struct cgroup_set *set)
{
	int i = cgroup_set_v2(set);

	if (i < 0)
		i = cgroup_set_find(set, CGROUP_FREEZER);
	if (i < 0)
		i = set->count ? 0 : -1;
	return i < 0 ? NULL : &set->places[i];
}

/* ---- listing ---- */

struct pid_list {
	struct arena *a;
	pid_t *pids;
	size_t count, room;
	int depth;
};

static int add_pid(struct pid_list *list, pid_t pid)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 64;
		pid_t *bigger = arena_new_array(list->a, room, pid_t);
		if (!bigger) {
			errno = ENOMEM;
			return -1;
		}
		if (list->count)
			memcpy(bigger, list->pids, list->count * sizeof *bigger);
		list->pids = bigger;
		list->room = room;
	}
	list->pids[list->count++] = pid;
	return 0;
}

/* All of one cgroup.procs. 0 or -1 with errno. */
static int read_procs(int dirfd, struct pid_list *list)
{
	CLEAN_FD int fd = openat(dirfd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	char text[4096];
	uint64_t pid = 0;
	ssize_t n;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text, sizeof text)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		for (ssize_t i = 0; i < n; i++) {
			if (text[i] != '\n') {
				pid = pid * 10 + (uint64_t)(text[i] - '0');
				continue;
			}
			/* 0: a process outside of our pid namespace, which has no name here. */
			if (pid && add_pid(list, (pid_t)pid) < 0)
				return -1;
			pid = 0;
		}
	}
	return 0;
}

static int list_dir(int parent, const char *name, void *data)
{
	struct pid_list *list = data;
	CLEAN_FD int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -1; /* removed while we walk */
	/* EOPNOTSUPP: a threaded cgroup; its processes are listed by the domain above it. */
	if (read_procs(fd, list) < 0 && errno != EOPNOTSUPP && errno != ENODEV && errno != ENOENT)
		return -1;
	if (list->depth == PIDS_DEPTH) {
		errno = ELOOP;
		return -1;
	}
	list->depth++;
	int ret = cgroup_each_below(fd, list_dir, list);
	list->depth--;
	return ret < 0 && errno == ENOENT ? 0 : ret;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

int cgroup_pids_of(const struct cgroup_place *place, struct arena *a, pid_t **pids, struct err *e)
{
	struct pid_list list = { .a = a };
	size_t unique = 0;

	if (list_dir(AT_FDCWD, place->dir, &list) < 0)
		return err_sys(e, "list the processes of cgroup %s", place->dir);
	if (list.count)
		qsort(list.pids, list.count, sizeof *list.pids, compare_pids);
	/* A process that moves between sub-cgroups while we read is seen twice. */
	for (size_t i = 0; i < list.count; i++)
		if (!i || list.pids[i] != list.pids[i - 1])
			list.pids[unique++] = list.pids[i];
	*pids = list.pids;
	return (int)unique;
}

int cgroup_pids(const struct cgroup_set *set, struct arena *a, pid_t **pids, struct err *e)
{
	const struct cgroup_place *place = lister(set);

	*pids = NULL;
	return place ? cgroup_pids_of(place, a, pids, e) : 0;
}

/* ---- signals ---- */

/*
 * Signal up to SIGNAL_BATCH of @pids. A number that was reused between the listing and pidfd_open
 * would hit a stranger, so the list is read again after the pidfds are open: what is in it then, is
 * what the pidfd holds. Number signalled or -1.
 */
static int signal_batch(const struct cgroup_place *place, const pid_t *pids, int count, int sig,
			struct err *e)
{
	int pidfds[SIGNAL_BATCH], sent = 0;
	struct arena a;
	pid_t *again;

	for (int i = 0; i < count; i++)
		pidfds[i] = kernel_pidfd_open(pids[i], 0); /* ESRCH: gone. EINVAL: a thread */
	arena_init(&a, 0);
	int n = cgroup_pids_of(place, &a, &again, e);
	for (int i = 0; i < count; i++) {
		if (pidfds[i] < 0)
			continue;
		if (n > 0 && sent >= 0 &&
		    bsearch(&pids[i], again, (size_t)n, sizeof *again, compare_pids)) {
			if (kernel_pidfd_send_signal(pidfds[i], sig) == 0)
				sent++;
			else if (errno != ESRCH)
				sent = err_sys(e, "send signal %d to process %d", sig, pids[i]);
		}
		close(pidfds[i]);
	}
	arena_free(&a);
	return n < 0 ? -1 : sent;
}

int cgroup_signal_place(const struct cgroup_place *place, int sig, struct err *e)
{
	struct arena a;
	pid_t *pids;
	int sent = 0, batch = 0;

	arena_init(&a, 0);
	int n = cgroup_pids_of(place, &a, &pids, e);
	for (int i = 0; i < n && batch >= 0; i += SIGNAL_BATCH) {
		int count = n - i < SIGNAL_BATCH ? n - i : SIGNAL_BATCH;
		batch = signal_batch(place, pids + i, count, sig, e);
		sent += batch;
	}
	arena_free(&a);
	return n < 0 || batch < 0 ? -1 : sent;
}

int cgroup_signal(const struct cgroup_set *set, int sig, struct err *e)
{
	const struct cgroup_place *place = lister(set);

	return place ? cgroup_signal_place(place, sig, e) : 0;
}

/* ---- SIGKILL ---- */

/* Without cgroup.kill: nobody may fork while we go through the list, so stop them all first. */
static int kill_by_list(const struct cgroup_set *set, struct err *e)
{
	int sent = 1;

	for (int round = 0; round < KILL_ROUNDS && sent > 0; round++) {
		struct err ignored;
		/* A process that cannot be frozen is killed all the same, in a later round if it
		 * forked meanwhile. */
		int frozen = round < 3 ? cgroup_freeze(set, &ignored) : -1;
		sent = cgroup_signal(set, SIGKILL, e);
		if (frozen == 0)
			cgroup_thaw(set, &ignored);
		if (sent > 0)
			cgroup_sleep_usec(round < 10 ? 200u << round : 100000);
	}
	if (sent < 0 && e && (e->errnum == ENOENT || e->errnum == ENODEV))
		return 0; /* the directory is gone, so nobody is in it */
	return sent < 0 ? -1 : 0;
}

int cgroup_kill(const struct cgroup_set *set, struct err *e)
{
	int v2 = cgroup_set_v2(set), freezer = cgroup_set_find(set, CGROUP_FREEZER);

	if (v2 < 0)
		return kill_by_list(set, e);
	const struct cgroup_place *place = &set->places[v2];
	if (cgroup_file_write(place, "cgroup.kill", "1") < 0 && errno != ENODEV) {
		if (errno != ENOENT)
			return err_sys(e, "write 1 to %s/cgroup.kill", place->dir);
		/* Gone, or a kernel older than 5.14. */
		if (access(place->dir, F_OK) == 0)
			return kill_by_list(set, e);
	}
	/* What a v1 freezer holds would die only when thawed: somebody may have used it by hand. */
	if (freezer >= 0 && !set->places[freezer].v2)
		cgroup_file_write(&set->places[freezer], "freezer.state", "THAWED");
	return 0;
}

/* ---- waiting ---- */

int cgroup_wait_event(int fd, const char *key, uint64_t value, int timeout_msec)
{
	int64_t end = clock_now_msec() + timeout_msec;
	char text[256];

	for (;;) {
		uint64_t now_value;
		ssize_t n = pread(fd, text, sizeof text - 1, 0);
		if (n < 0 && errno == ENODEV)
			return 1; /* removed */
		if (n < 0 && errno != EINTR)
			return -1;
		text[n < 0 ? 0 : n] = '\0';
		if (cgroup_text_find(text, key, &now_value) == 0 && now_value == value)
			return 1;
		int64_t left = timeout_msec < 0 ? -1 : end - clock_now_msec();
		if (timeout_msec >= 0 && left <= 0)
			return 0;
		/* kernfs announces changes as POLLPRI; the read above has armed it. */
		struct pollfd p = { .fd = fd, .events = POLLPRI };
		if (poll(&p, 1, (int)left) < 0 && errno != EINTR)
			return -1;
	}
}

/* v1 has no event for it: look, with growing pauses. */
static int wait_empty_v1(const struct cgroup_place *place, int timeout_msec, struct err *e)
{
	int64_t end = clock_now_msec() + timeout_msec;

	for (unsigned delay_usec = 50;; delay_usec = delay_usec < 20000 ? delay_usec * 2 : 20000) {
		struct arena a;
		struct err reason = { 0 };
		pid_t *pids;
		arena_init(&a, 0);
		int n = cgroup_pids_of(place, &a, &pids, &reason);
		arena_free(&a);
		if (n < 0 && reason.errnum != ENOENT && reason.errnum != ENODEV) {
			if (e)
				*e = reason;
			return -1;
		}
		if (n <= 0)
			return 1;
		if (timeout_msec >= 0 && clock_now_msec() >= end)
			return 0;
		cgroup_sleep_usec(delay_usec);
	}
}

int cgroup_wait_empty(const struct cgroup_set *set, int timeout_msec, struct err *e)
{
	const struct cgroup_place *place = lister(set);

	if (!place)
		return 1;
	if (!place->v2)
		return wait_empty_v1(place, timeout_msec, e);
	CLEAN_FD int events = cgroup_file_open(place, "cgroup.events", O_RDONLY);
	if (events < 0 && (errno == ENOENT || errno == ENODEV))
		return 1;
	if (events < 0)
		return err_sys(e, "open %s/cgroup.events", place->dir);
	int empty = cgroup_wait_event(events, "populated", 0, timeout_msec);
	if (empty < 0)
		return err_sys(e, "wait for %s/cgroup.events", place->dir);
	return empty;
}
