/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup-limits.h"

/* Doing the writes of a plan. */

#define RETRIES_MAX 16 /* the plan has at most nine writes that may be retried */

/* Control files stay open while the next write goes to the same one (a device list is one file and
 * a dozen writes). */
struct writer {
	const struct cgroup_set *set;
	const char *file;
	uint8_t place;
	int fd;
};

static int writer_open(struct writer *w, const struct cgroup_write *item)
{
	if (w->fd >= 0 && w->place == item->place && text_equal(w->file, item->file))
		return 0;
	drop_fd(&w->fd);
	w->file = item->file;
	w->place = item->place;
	w->fd = cgroup_file_open(&w->set->places[item->place], item->file, O_WRONLY);
	return w->fd < 0 ? -1 : 0;
}

static int write_value(struct writer *w, const char *value)
{
	ssize_t n;

	do
		n = write(w->fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

/* cpu.max is "QUOTA PERIOD": put the new period behind the quota that is there. */
static int write_period(struct writer *w, const struct cgroup_write *item)
{
	char now[64], value[96];

	if (cgroup_file_read(&w->set->places[item->place], item->file, now, sizeof now) < 0)
		return -1;
	text_format(value, sizeof value, "%.*s %s", (int)strcspn(now, " "), now, item->value);
	return write_value(w, value);
}

/* ---- errors ---- */

/* A memory limit that the kernel refused: it could not push out enough. */
static void explain_memory(const struct cgroup_place *place, struct err *e)
{
	uint64_t usage;

	if (cgroup_file_read_u64(place, place->v2 ? "memory.current" : "memory.usage_in_bytes",
				 &usage) == 0)
		err_append(e, " (the container uses %llu bytes now)", (unsigned long long)usage);
}

/* A list of CPUs or memory nodes that the cgroup above does not have. */
static void explain_cpuset(const struct cgroup_place *place, const char *file, struct err *e)
{
	char parent_file[64], list[256];

	text_format(parent_file, sizeof parent_file, "../%s%s", file,
		    place->v2 ? ".effective" : "");
	if (cgroup_file_read(place, parent_file, list, sizeof list) >= 0)
		err_append(e, " (the cgroup above has %s)", list);
}

static int explain(const struct writer *w, const struct cgroup_write *item, struct err *e)
{
	const struct cgroup_place *place = &w->set->places[item->place];
	int errnum = errno;

	err_set(e, ERR_SYSTEM, errnum, "write \"%s\" to %s/%s", item->value, place->dir,
		item->file);
	if (errnum == ENOENT && w->fd < 0) {
		if (e)
			e->kind = ERR_UNSUPPORTED;
		return err_append(e, " (this kernel or its boot options lack it)");
	}
	if (text_starts(item->file, "memory.") && (errnum == EBUSY || errnum == EINVAL))
		explain_memory(place, e);
	if (text_starts(item->file, "cpuset.") &&
	    (errnum == EINVAL || errnum == EACCES || errnum == ERANGE))
		explain_cpuset(place, item->file, e);
	if (text_starts(item->file, "cpu.rt_") && errnum == EINVAL)
		err_append(e, " (the cgroup above must have realtime time to give away)");
	if (errnum == ENODEV)
		err_append(e, " (no such block device)");
	return -1;
}

/* checkBeforeUpdate: a limit below what is used would have the OOM killer at work at once. */
static int check_usage(const struct writer *w, const struct cgroup_write *item, struct err *e)
{
	const struct cgroup_place *place = &w->set->places[item->place];
	uint64_t usage, limit = cgroup_text_u64(item->value);

	if (*item->value < '0' || *item->value > '9' ||
	    cgroup_file_read_u64(place, "memory.current", &usage) < 0 || usage < limit)
		return 0;
	return err_set(e, ERR_STATE, 0,
		       "memory.limit: %llu bytes are below what the container uses now, %llu",
		       (unsigned long long)limit, (unsigned long long)usage);
}

/* ---- writes ---- */

/* 1 written, 0 skipped as its flags allow, -1 with errno. */
static int do_write(struct writer *w, const struct cgroup_write *item,
		    const struct cgroup_limits_plan *plan)
{
	int ret = writer_open(w, item);

	if (ret < 0 && errno == ENOENT &&
	    (item->flags & (CGROUP_WRITE_OPTIONAL | CGROUP_WRITE_OR_NEXT)))
		return 0;
	if (ret == 0)
		ret = item->flags & CGROUP_WRITE_PERIOD ? write_period(w, item)
							: write_value(w, item->value);
	if (ret == 0)
		return 1;
	if ((item->flags & CGROUP_WRITE_DEVICE) && plan->devices_optional &&
	    (errno == EPERM || errno == EACCES))
		return 0;
	return -1;
}

/* The writes that got EINVAL, in order, over and over while one of them gets through. */
static int do_retries(struct writer *w, const struct cgroup_limits_plan *plan,
		      const size_t *retries, int count, struct err *e)
{
	bool done[RETRIES_MAX] = { false };
	struct err reason; /* only the last refusal counts, when nothing moves any more */

	for (int left = count, before = -1; left != before;) {
		before = left;
		for (int i = 0; i < count; i++) {
			if (done[i])
				continue;
			if (do_write(w, &plan->writes[retries[i]], plan) < 0) {
				explain(w, &plan->writes[retries[i]], &reason);
				continue;
			}
			done[i] = true;
			left--;
		}
		if (left == 0)
			return 0;
	}
	if (e)
		*e = reason;
	return -1;
}

static int do_writes(const struct cgroup_limits_plan *plan, const struct cgroup_set *set,
		     uint32_t skip, unsigned when, struct err *e)
{
	struct writer w = { .set = set, .fd = -1 };
	size_t retries[RETRIES_MAX];
	int count = 0, ret = 0;

	for (size_t i = 0; i < plan->writes_count && ret == 0; i++) {
		const struct cgroup_write *item = &plan->writes[i];
		unsigned phase =
			item->flags & CGROUP_WRITE_LATE ? CGROUP_APPLY_LATE : CGROUP_APPLY_EARLY;
		if (!(when & phase) || (skip & 1u << item->place))
			continue;
		if ((item->flags & CGROUP_WRITE_CHECK) && check_usage(&w, item, e) < 0) {
			ret = -1;
			break;
		}
		int written = do_write(&w, item, plan);
		if (written < 0 && errno == EINVAL && (item->flags & CGROUP_WRITE_RETRY) &&
		    count < RETRIES_MAX)
			retries[count++] = i;
		else if (written < 0)
			ret = explain(&w, item, e);
		else if (written > 0 && (item->flags & CGROUP_WRITE_OR_NEXT))
			i++;
	}
	if (ret == 0 && count)
		ret = do_retries(&w, plan, retries, count, e);
	drop_fd(&w.fd);
	return ret;
}

static int attach_program(const struct cgroup_limits_plan *plan, const struct cgroup_set *set,
			  struct err *e)
{
	const char *dir = set->places[plan->program_place].dir;
	CLEAN_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err reason;

	if (fd < 0)
		return err_sys(e, "open %s", dir);
	if (cgroup_devices_attach(fd, plan->program, plan->program_count, plan->update, &reason) ==
	    0)
		return 0;
	if (plan->devices_optional && (reason.errnum == EPERM || reason.errnum == EACCES))
		return 0;
	if (e)
		*e = reason;
	return err_prefix(e, "cgroup %s", dir);
}

bool cgroup_limits_has_late(const struct cgroup_limits_plan *plan)
{
	for (size_t i = 0; i < plan->writes_count; i++) {
		if (plan->writes[i].flags & CGROUP_WRITE_LATE)
			return true;
	}
	return false;
}

int cgroup_limits_apply(const struct cgroup_limits_plan *plan, const struct cgroup_set *set,
			uint32_t skip, unsigned when, struct err *e)
{
	if ((when & CGROUP_APPLY_EARLY) && plan->program && !(skip & 1u << plan->program_place) &&
	    attach_program(plan, set, e) < 0)
		return -1;
	return do_writes(plan, set, skip, when, e);
}
