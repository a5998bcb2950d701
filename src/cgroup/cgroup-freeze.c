/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-wait.h"
#include "src/cgroup/cgroup.h"

/* Stopping and resuming all processes of a container. */

#define FREEZE_MSEC 5000

/* The place to freeze by, or NULL. v2 first: what it has frozen can still be killed and traced. */
static const struct cgroup_place *freezer(const struct cgroup_set *set)
{
	int i = cgroup_set_v2(set);

	if (i < 0)
		i = cgroup_set_find(set, CGROUP_FREEZER);
	return i < 0 ? NULL : &set->places[i];
}

static int no_freezer(struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, 0,
		       "the container has neither a cgroup v2 directory nor a v1 freezer");
}

/* ---- v2 ---- */

static int freeze_v2(const struct cgroup_place *place, const char *value, struct err *e)
{
	/* Opened before the write, so that the change cannot be missed. */
	CLEAN_FD int events = cgroup_file_open(place, "cgroup.events", O_RDONLY);

	if (events < 0)
		return err_sys(e, "open %s/cgroup.events", place->dir);
	if (cgroup_file_write(place, "cgroup.freeze", value) < 0)
		return err_sys(e, "write %s to %s/cgroup.freeze", value, place->dir);
	int done = cgroup_wait_event(events, "frozen", cgroup_text_u64(value), FREEZE_MSEC);
	if (done > 0)
		return 0;
	if (done < 0)
		return err_sys(e, "wait for %s/cgroup.events", place->dir);
	if (*value == '1')
		cgroup_file_write(place, "cgroup.freeze", "0");
	return err_set(e, ERR_SYSTEM, ETIMEDOUT, "%s cgroup %s: a process does not respond",
		       *value == '1' ? "freeze" : "thaw", place->dir);
}

/* ---- v1 ---- */

/* Ask until freezer.state is FROZEN. 1, 0 when a round's time is up, -1 with errno. */
static int freeze_v1_round(const struct cgroup_place *place)
{
	char state[32];
	unsigned delay_usec = 20;

	/* Every write makes the kernel look again at processes that forked or were
	 * waking up meanwhile: reading alone may show FREEZING for ever. */
	for (int i = 0; i < 12; i++) {
		if (cgroup_file_write(place, "freezer.state", "FROZEN") < 0 ||
		    cgroup_file_read(place, "freezer.state", state, sizeof state) < 0)
			return -1;
		if (text_equal(state, "FROZEN"))
			return 1;
		cgroup_sleep_usec(delay_usec);
		delay_usec *= 2; /* 82 ms in all */
	}
	return 0;
}

static int freeze_v1(const struct cgroup_place *place, struct err *e)
{
	/* A process in a state that cannot freeze may need another one, frozen already, to leave
	 * it: let all of them run for a moment, then try again. */
	for (int msec = 0; msec < FREEZE_MSEC; msec += 92) {
		int done = freeze_v1_round(place);
		if (done > 0)
			return 0;
		if (done < 0)
			return err_sys(e, "freeze %s", place->dir);
		cgroup_file_write(place, "freezer.state", "THAWED");
		cgroup_sleep_usec(10000);
	}
	return err_set(e, ERR_SYSTEM, ETIMEDOUT, "freeze cgroup %s: a process does not respond",
		       place->dir);
}

static int thaw_v1(const struct cgroup_place *place, struct err *e)
{
	if (cgroup_file_write(place, "freezer.state", "THAWED") < 0)
		return err_sys(e, "thaw %s", place->dir);
	return 0;
}

/* ---- both ---- */

int cgroup_freeze(const struct cgroup_set *set, struct err *e)
{
	const struct cgroup_place *place = freezer(set);

	if (!place)
		return no_freezer(e);
	return place->v2 ? freeze_v2(place, "1", e) : freeze_v1(place, e);
}

int cgroup_thaw(const struct cgroup_set *set, struct err *e)
{
	const struct cgroup_place *place = freezer(set);

	if (!place)
		return no_freezer(e);
	return place->v2 ? freeze_v2(place, "0", e) : thaw_v1(place, e);
}

int cgroup_frozen(const struct cgroup_set *set, struct err *e)
{
	const struct cgroup_place *place = freezer(set);
	const char *file = place && place->v2 ? "cgroup.freeze" : "freezer.state";
	char state[32];

	if (!place)
		return 0;
	if (cgroup_file_read(place, file, state, sizeof state) < 0) {
		/* The directory went while we read, or has gone before. */
		if (errno == ENOENT || errno == ENODEV)
			return 0;
		return err_sys(e, "read %s/%s", place->dir, file);
	}
	return place->v2 ? *state == '1' : !text_equal(state, "THAWED");
}
