/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/cgroup/cgroup-file.h"
#include "src/cgroup/cgroup.h"

/* What this host offers: /proc/self/mountinfo joined with /proc/self/cgroup. Formats: proc(5),
 * cgroups(7). */

#define MOUNTINFO_LIMIT (64u << 20) /* a line per mount; hosts with 10^5 mounts exist */

static const struct {
	const char *name;
	uint32_t bit;
} controller_names[] = {
	{ "cpu", CGROUP_CPU },
	{ "cpuacct", CGROUP_CPUACCT },
	{ "cpuset", CGROUP_CPUSET },
	{ "memory", CGROUP_MEMORY },
	{ "devices", CGROUP_DEVICES },
	{ "freezer", CGROUP_FREEZER },
	{ "blkio", CGROUP_BLKIO },
	{ "io", CGROUP_BLKIO },
	{ "pids", CGROUP_PIDS },
	{ "hugetlb", CGROUP_HUGETLB },
	{ "net_cls", CGROUP_NET_CLS },
	{ "net_prio", CGROUP_NET_PRIO },
	{ "perf_event", CGROUP_PERF_EVENT },
	{ "rdma", CGROUP_RDMA },
	{ "misc", CGROUP_MISC },
	{ "dmem", CGROUP_DMEM },
};
#define CONTROLLERS (sizeof controller_names / sizeof controller_names[0])

static uint32_t controller_of(const char *name, size_t length)
{
	if (length > 5 && strncmp(name, "name=", 5) == 0)
		return CGROUP_NAMED;
	for (size_t i = 0; i < CONTROLLERS; i++)
		if (strlen(controller_names[i].name) == length &&
		    memcmp(controller_names[i].name, name, length) == 0)
			return controller_names[i].bit;
	return CGROUP_OTHER;
}

uint32_t cgroup_controllers_parse(const char *names, const char *separators)
{
	uint32_t controllers = 0;

	while (*names) {
		size_t n = strcspn(names, separators);
		if (n)
			controllers |= controller_of(names, n);
		names += n;
		names += strspn(names, separators);
	}
	return controllers;
}

size_t cgroup_controllers_print(uint32_t controllers, bool v2, char separator, char *out,
				size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < CONTROLLERS; i++) {
		uint32_t bit = controller_names[i].bit;
		/* blkio has two names, each for its own version. */
		bool is_io = text_equal(controller_names[i].name, "io");
		if (!(controllers & bit) || (bit == CGROUP_BLKIO && is_io != v2))
			continue;
		used += text_format(out + used, size - used, "%c%s", separator,
				    controller_names[i].name);
	}
	/* Without the separator in front. */
	memmove(out, out + (used > 0), used);
	out[used - (used > 0)] = '\0';
	return used - (used > 0);
}

/* ---- mountinfo ---- */

struct mount_line {
	const char *root, *point, *type, *options; /* not terminated */
	size_t root_length, point_length, type_length, options_length;
};

/* Cut the next blank-separated field of [*p, end). */
static const char *field(const char **p, const char *end, size_t *length)
{
	const char *start = *p;
	const char *stop = memchr(start, ' ', (size_t)(end - start));

	if (!stop)
		stop = end;
	*length = (size_t)(stop - start);
	*p = stop < end ? stop + 1 : end;
	return start;
}

static bool parse_mount_line(const char *p, const char *end, struct mount_line *m)
{
	size_t n;

	for (int i = 0; i < 3; i++) /* id, parent, device */
		field(&p, end, &n);
	m->root = field(&p, end, &m->root_length);
	m->point = field(&p, end, &m->point_length);
	field(&p, end, &n); /* options of the mount */
	for (;;) {          /* optional fields up to "-" */
		if (p >= end)
			return false;
		const char *f = field(&p, end, &n);
		if (n == 1 && *f == '-')
			break;
	}
	m->type = field(&p, end, &m->type_length);
	field(&p, end, &n); /* source */
	m->options = field(&p, end, &m->options_length);
	return m->options_length > 0;
}

/* Copy with \040 and its like (blank, tab, newline, backslash) turned back. */
static char *unescape(struct arena *a, const char *text, size_t length)
{
	char *out = arena_alloc(a, length + 1), *o = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\\' && i + 3 < length) {
			*o++ = (char)((text[i + 1] - '0') << 6 | (text[i + 2] - '0') << 3 |
				      (text[i + 3] - '0'));
			i += 3;
		} else {
			*o++ = text[i];
		}
	}
	*o = '\0';
	return out;
}

/* True if every name in the comma list @names is among the options of the file system. */
static bool has_options(const struct mount_line *m, const char *names, size_t length)
{
	const char *end = names + length;

	while (names < end) {
		const char *stop = memchr(names, ',', (size_t)(end - names));
		size_t n = (size_t)((stop ? stop : end) - names);
		bool found = false;
		const char *o = m->options, *o_end = o + m->options_length;
		while (o < o_end && !found) {
			const char *o_stop = memchr(o, ',', (size_t)(o_end - o));
			size_t o_length = (size_t)((o_stop ? o_stop : o_end) - o);
			found = o_length == n && memcmp(o, names, n) == 0;
			o += o_length + 1;
		}
		if (!found)
			return false;
		names += n + 1;
	}
	return true;
}

/*
 * Where cgroup @path (as /proc/self/cgroup has it) is below a mount that shows the sub-tree @root:
 * engines without cgroup namespaces bind-mount the container's own directory. NULL if it is not
 * below; a root of "/.." is a mount from outside the caller's cgroup namespace, where nothing is
 * known.
 */
static const char *below_root(const char *path, const char *root)
{
	size_t n = strlen(root);

	if (strncmp(path, "/..", 3) == 0)
		return NULL;
	if (n == 1)
		return path;
	if (strncmp(path, root, n) != 0 || (path[n] && path[n] != '/'))
		return NULL;
	return path[n] ? path + n : "/";
}

/* Find the mount for one line of /proc/self/cgroup: the first that shows the caller's own cgroup,
 * else the first at all. */
static bool find_mount(const char *mountinfo, const char *names, size_t names_length,
		       const char *path, struct arena *a, struct cgroup_hierarchy *h)
{
	const char *type = h->v2 ? "cgroup2" : "cgroup";
	const char *p = mountinfo;

	h->mount = NULL;
	while (*p) {
		const char *end = strchrnul(p, '\n');
		struct mount_line m;
		/* Cheap test first: most lines of a busy host are overlays. */
		bool fits = memmem(p, (size_t)(end - p), " - cgroup", 9) &&
			    parse_mount_line(p, end, &m) && m.type_length == strlen(type) &&
			    memcmp(m.type, type, m.type_length) == 0 &&
			    (h->v2 || has_options(&m, names, names_length));
		p = *end ? end + 1 : end;
		if (!fits)
			continue;
		char *root = unescape(a, m.root, m.root_length);
		const char *own = root ? below_root(path, root) : NULL;
		if (h->mount && !own)
			continue;
		h->mount = unescape(a, m.point, m.point_length);
		h->own = own ? own : "/";
		if (own)
			return true;
	}
	return h->mount != NULL;
}

/* One "ID:names:path" line. */
static int add_line(const char *line, const char *end, const char *mountinfo, struct arena *a,
		    struct cgroup_host *host, struct err *e)
{
	const char *names = memchr(line, ':', (size_t)(end - line));
	const char *path = names ? memchr(names + 1, ':', (size_t)(end - names - 1)) : NULL;
	struct cgroup_hierarchy h = { 0 };

	if (!path || path[1] != '/')
		return err_set(e, ERR_PROTOCOL, 0, "/proc/self/cgroup: cannot read line \"%.*s\"",
			       (int)(end - line), line);
	size_t length = (size_t)(path++ - ++names);
	char *own = arena_memdup(a, path, (size_t)(end - path));
	h.name = arena_memdup(a, names, length);
	h.v2 = length == 0;
	if (!own || !h.name)
		return arena_check(a, e);
	h.controllers = cgroup_controllers_parse(h.name, ",");
	if (!find_mount(mountinfo, names, length, own, a, &h))
		return arena_check(a, e); /* not mounted here: of no use */
	if (host->count == CGROUP_MAX)
		return err_set(e, ERR_UNSUPPORTED, 0, "more than %d cgroup hierarchies",
			       CGROUP_MAX);
	if (h.v2) { /* comes first */
		memmove(host->hierarchies + 1, host->hierarchies,
			host->count * sizeof host->hierarchies[0]);
		host->hierarchies[0] = h;
		host->count++;
	} else {
		host->hierarchies[host->count++] = h;
	}
	return arena_check(a, e);
}

static void set_mode(struct cgroup_host *host)
{
	bool v2 = host->count && host->hierarchies[0].v2;

	if (!host->count)
		host->mode = CGROUP_MODE_NONE;
	else if (!v2)
		host->mode = CGROUP_MODE_V1;
	else
		host->mode = host->count > 1 ? CGROUP_MODE_HYBRID : CGROUP_MODE_V2;
}

int cgroup_host_parse(const char *mountinfo, const char *self_cgroup, struct arena *a,
		      struct cgroup_host *host, struct err *e)
{
	*host = (struct cgroup_host){ 0 };
	for (const char *p = self_cgroup; *p;) {
		const char *end = strchrnul(p, '\n');
		if (end > p && add_line(p, end, mountinfo, a, host, e) < 0)
			return -1;
		p = *end ? end + 1 : end;
	}
	set_mode(host);
	return 0;
}

/* ---- reading ---- */

/* What v2 can limit below its mount. A mount that is gone or unreadable offers nothing. */
static void read_v2_controllers(struct cgroup_host *host)
{
	struct cgroup_hierarchy *h = &host->hierarchies[0];
	struct cgroup_place root = { .dir = h->mount };
	char names[512];

	if (!host->count || !h->v2)
		return;
	if (cgroup_file_read(&root, "cgroup.controllers", names, sizeof names) >= 0)
		h->controllers = cgroup_controllers_parse(names, " ");
}

/*
 * The common case, pure v2 at the usual place, without reading mountinfo, which grows with every
 * container of the host. False where anything is unusual.
 */
static bool read_pure_v2(const char *self_cgroup, struct arena *a, struct cgroup_host *host)
{
	static const char mount[] = "/sys/fs/cgroup";
	struct cgroup_place place = { .dir = mount };
	char names[512];

	if (strncmp(self_cgroup, "0::/", 4) != 0 || strchr(self_cgroup, '\n'))
		return false;
	if (cgroup_file_read(&place, "cgroup.controllers", names, sizeof names) < 0)
		return false;
	const char *own = self_cgroup + 3;
	if (own[1]) {
		/* The mount may show a part of the tree only, or the caller sits outside of it. */
		place.dir = arena_format(a, "%s%s", mount, own);
		if (!place.dir || strncmp(own, "/..", 3) == 0 || access(place.dir, F_OK) < 0)
			return false;
	}
	host->count = 1;
	host->hierarchies[0] = (struct cgroup_hierarchy){
		.v2 = true,
		.controllers = cgroup_controllers_parse(names, " "),
		.name = "",
		.mount = mount,
		.own = arena_strdup(a, own),
	};
	set_mode(host);
	return host->hierarchies[0].own != NULL;
}

int cgroup_host_read(struct arena *a, struct cgroup_host *host, struct err *e)
{
	char self_cgroup[16384], *mountinfo;
	size_t length;

	*host = (struct cgroup_host){ 0 };
	CLEAN_FD int self = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	if (self < 0 && errno == ENOENT)
		return 0; /* a kernel without cgroups */
	if (self < 0 || cgroup_file_read_fd(self, self_cgroup, sizeof self_cgroup) < 0)
		return err_sys(e, "read /proc/self/cgroup");
	if (read_pure_v2(self_cgroup, a, host))
		return 0;
	CLEAN_FD int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "open /proc/self/mountinfo");
	if (io_read_file(fd, "/proc/self/mountinfo", MOUNTINFO_LIMIT, a, &mountinfo, &length, e) <
	    0)
		return -1;
	if (cgroup_host_parse(mountinfo, self_cgroup, a, host, e) < 0)
		return -1;
	read_v2_controllers(host);
	return 0;
}
