/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cgroup/cgroup-stats-parse.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"

static size_t count_char(const char *text, char c)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == c;
	return n;
}

/* Cut the line at *@rest off and step to the next. NULL at the end. */
static char *next_line(char **rest)
{
	char *line = *rest;

	if (!*line)
		return NULL;
	char *end = line + strcspn(line, "\n");
	*rest = *end ? end + 1 : end;
	*end = '\0';
	return line;
}

/* The number behind "key=" in a line; UINT64_MAX for "max"; @missing if it is not there. */
static uint64_t keyed(const char *line, const char *key, uint64_t missing)
{
	size_t n = strlen(key);

	for (const char *p = line; (p = strstr(p, key)); p += n) {
		if ((p > line && p[-1] != ' ') || p[n] != '=')
			continue;
		return text_starts(p + n + 1, "max") ? UINT64_MAX : cgroup_text_u64(p + n + 1);
	}
	return missing;
}

/* Two digits behind the point, as the kernel prints them, without strtod(3) and its locale. */
static double keyed_average(const char *line, const char *key)
{
	const char *p = strstr(line, key);

	if (!p)
		return 0;
	p += strlen(key);
	double value = (double)cgroup_text_u64(p);
	p += strspn(p, "0123456789");
	if (*p++ != '.')
		return value;
	double unit = 0.1;
	for (; *p >= '0' && *p <= '9'; p++, unit /= 10)
		value += unit * (*p - '0');
	return value;
}

void cgroup_psi_parse(const char *text, struct cgroup_stat_psi *psi)
{
	const char *some = text, *full = text ? strstr(text, "full ") : NULL;

	if (!text || !text_starts(text, "some "))
		return;
	psi->present = true;
	psi->some.avg10 = keyed_average(some, "avg10=");
	psi->some.avg60 = keyed_average(some, "avg60=");
	psi->some.avg300 = keyed_average(some, "avg300=");
	psi->some.total_usec = keyed(some, "total", 0);
	if (!full)
		return;
	psi->full.avg10 = keyed_average(full, "avg10=");
	psi->full.avg60 = keyed_average(full, "avg60=");
	psi->full.avg300 = keyed_average(full, "avg300=");
	psi->full.total_usec = keyed(full, "total", 0);
}

size_t cgroup_numbers_parse(const char *text, struct arena *a, const uint64_t **out)
{
	size_t count = 0;

	if (!text || !*text)
		return 0;
	uint64_t *list = arena_new_array(a, count_char(text, ' ') + 1, uint64_t);
	for (const char *p = text; list && *p >= '0' && *p <= '9';) {
		list[count++] = cgroup_text_u64(p);
		p += strspn(p, "0123456789");
		p += strspn(p, " ");
	}
	*out = list;
	return count;
}

void cgroup_percpu_parse(const char *text, struct arena *a, struct cgroup_stats *s)
{
	size_t count = 0;

	if (!text || !text_starts(text, "cpu user system"))
		return;
	size_t lines = count_char(text, '\n');
	uint64_t *user = arena_new_array(a, lines + 1, uint64_t);
	uint64_t *kernel = arena_new_array(a, lines + 1, uint64_t);
	for (const char *p = strchr(text, '\n'); user && kernel && p && p[1];
	     p = strchr(p + 1, '\n')) {
		const char *first = strchr(p + 1, ' ');
		const char *second = first ? strchr(first + 1, ' ') : NULL;
		if (!second)
			break;
		user[count] = cgroup_text_u64(first + 1);
		kernel[count++] = cgroup_text_u64(second + 1);
	}
	/* The two lists are only meaningful beside the list of totals. */
	if (count == s->cpu.percpu_count) {
		s->cpu.percpu_user_nsec = user;
		s->cpu.percpu_kernel_nsec = kernel;
	}
}

size_t cgroup_pairs_parse(char *text, struct arena *a, const struct cgroup_stat_pair **out)
{
	size_t count = 0;

	if (!text || !*text)
		return 0;
	struct cgroup_stat_pair *list =
		arena_new_array(a, count_char(text, '\n') + 1, struct cgroup_stat_pair);
	for (char *line; list && (line = next_line(&text));) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		list[count++] = (struct cgroup_stat_pair){ line, cgroup_text_u64(blank + 1) };
	}
	*out = list;
	return count;
}

/* "8:0" in front of a line. The rest of it, or NULL. */
static char *device(char *line, struct cgroup_stat_blkio *item)
{
	char *colon = strchr(line, ':'), *blank = strchr(line, ' ');

	if (!colon || !blank || colon > blank || *line < '0' || *line > '9')
		return NULL;
	item->major = cgroup_text_u64(line);
	item->minor = cgroup_text_u64(colon + 1);
	return blank + 1;
}

void cgroup_blkio_parse(char *text, struct arena *a, struct cgroup_stat_blkio_list *list)
{
	if (!text || !*text)
		return;
	struct cgroup_stat_blkio *items =
		arena_new_array(a, count_char(text, '\n') + 1, struct cgroup_stat_blkio);
	for (char *line; items && (line = next_line(&text));) {
		struct cgroup_stat_blkio item = { .op = "" };
		char *rest = device(line, &item);
		if (!rest) /* the sum of all devices */
			continue;
		char *blank = strchr(rest, ' ');
		if (blank) {
			*blank = '\0';
			item.op = rest;
			rest = blank + 1;
		}
		item.value = cgroup_text_u64(rest);
		items[list->count++] = item;
	}
	list->items = items;
}

void cgroup_io_stat_parse(char *text, struct arena *a, struct cgroup_stat_blkio_list *bytes,
			  struct cgroup_stat_blkio_list *operations)
{
	/* In words of v1, as callers expect them. */
	static const struct {
		const char *key, *op;
		bool bytes;
	} kinds[] = {
		{ "rbytes", "Read", true },
		{ "wbytes", "Write", true },
		{ "rios", "Read", false },
		{ "wios", "Write", false },
	};

	if (!text || !*text)
		return;
	size_t lines = count_char(text, '\n') + 1;
	struct cgroup_stat_blkio *b = arena_new_array(a, 2 * lines, struct cgroup_stat_blkio);
	struct cgroup_stat_blkio *o = arena_new_array(a, 2 * lines, struct cgroup_stat_blkio);
	for (char *line; b && o && (line = next_line(&text));) {
		struct cgroup_stat_blkio item = { 0 };
		const char *rest = device(line, &item);
		/* A device that was never used has its numbers alone. */
		for (size_t k = 0; rest && k < sizeof kinds / sizeof kinds[0]; k++) {
			item.value = keyed(rest, kinds[k].key, UINT64_MAX);
			item.op = kinds[k].op;
			if (item.value == UINT64_MAX)
				continue;
			if (kinds[k].bytes)
				b[bytes->count++] = item;
			else
				o[operations->count++] = item;
		}
	}
	bytes->items = b;
	operations->items = o;
}

size_t cgroup_rdma_parse(char *text, struct arena *a, const struct cgroup_stat_rdma **out)
{
	size_t count = 0;

	if (!text || !*text)
		return 0;
	struct cgroup_stat_rdma *list =
		arena_new_array(a, count_char(text, '\n') + 1, struct cgroup_stat_rdma);
	for (char *line; list && (line = next_line(&text));) {
		char *blank = strchr(line, ' ');
		if (!blank)
			continue;
		*blank = '\0';
		list[count++] = (struct cgroup_stat_rdma){
			.device = line,
			.hca_handles = keyed(blank + 1, "hca_handle", 0),
			.hca_objects = keyed(blank + 1, "hca_object", 0),
		};
	}
	*out = list;
	return count;
}
