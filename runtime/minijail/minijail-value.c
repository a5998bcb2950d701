/* SPDX-License-Identifier: Apache-2.0 */
/* What stands behind options. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "runtime/minijail/minijail.h"
#include "runtime/spec/spec-names.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

#define MAPS_MAX 340 /* lines that the kernel takes */

char *minijail_next(char **rest)
{
	char *start = *rest;

	if (!start)
		return NULL;
	char *comma = strchr(start, ',');
	if (comma)
		*comma = '\0';
	*rest = comma ? comma + 1 : NULL;
	return start;
}

int minijail_number_parse(const char *text, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 0);
	if (errno || *end)
		return -1;
	*value = n;
	return 0;
}

int minijail_bytes_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGTPE";
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	unsigned shift = unit ? (unsigned)(unit - units + 1) * 10 : 0;
	if (errno || (*end && (!unit || end[1])) || (n << shift) >> shift != n)
		return -1;
	*bytes = (uint64_t)n << shift;
	return 0;
}

static const struct {
	char name[16];
	uint32_t value;
} mount_flags[] = {
	{ "MS_RDONLY", MS_RDONLY },
	{ "MS_NOSUID", MS_NOSUID },
	{ "MS_NODEV", MS_NODEV },
	{ "MS_NOEXEC", MS_NOEXEC },
	{ "MS_SYNCHRONOUS", MS_SYNCHRONOUS },
	{ "MS_REMOUNT", MS_REMOUNT },
	{ "MS_MANDLOCK", MS_MANDLOCK },
	{ "MS_DIRSYNC", MS_DIRSYNC },
	{ "MS_NOSYMFOLLOW", MS_NOSYMFOLLOW },
	{ "MS_NOATIME", MS_NOATIME },
	{ "MS_NODIRATIME", MS_NODIRATIME },
	{ "MS_BIND", MS_BIND },
	{ "MS_MOVE", MS_MOVE },
	{ "MS_REC", MS_REC },
	{ "MS_SILENT", MS_SILENT },
	{ "MS_UNBINDABLE", MS_UNBINDABLE },
	{ "MS_PRIVATE", MS_PRIVATE },
	{ "MS_SLAVE", MS_SLAVE },
	{ "MS_SHARED", MS_SHARED },
	{ "MS_RELATIME", MS_RELATIME },
	{ "MS_I_VERSION", MS_I_VERSION },
	{ "MS_STRICTATIME", MS_STRICTATIME },
	{ "MS_LAZYTIME", MS_LAZYTIME },
};

int minijail_mount_flags_parse(const char *text, uint64_t *flags, struct err *e)
{
	*flags = 0;
	for (const char *at = text; at; at = *at ? at + 1 : NULL) {
		size_t n = strcspn(at, "|");
		char word[32];
		uint64_t value = 0;
		bool known = false;

		text_format(word, sizeof word, "%.*s", (int)n, at);
		for (size_t i = 0; i < sizeof mount_flags / sizeof *mount_flags; i++) {
			if (text_equal(mount_flags[i].name, word)) {
				value = mount_flags[i].value;
				known = true;
			}
		}
		if (!known && minijail_number_parse(word, &value) < 0)
			return err_set(e, ERR_USAGE, 0,
				       "\"%s\": no such mount flag (MS_RDONLY, ..., or a number)",
				       word);
		*flags |= value;
		at += n;
	}
	return 0;
}

static int limit_of(const char *text, uint64_t *value)
{
	if (text_equal(text, "unlimited")) {
		*value = RLIM_INFINITY;
		return 0;
	}
	return minijail_number_parse(text, value);
}

int minijail_rlimit_parse(const char *text, struct arena *a, struct spec_rlimit *limit,
			  struct err *e)
{
	char *rest = arena_strdup(a, text);
	uint64_t number;

	if (!rest)
		return arena_check(a, e);
	const char *type = minijail_next(&rest), *soft = minijail_next(&rest);
	const char *hard = minijail_next(&rest);
	if (!soft || !hard || rest)
		return err_set(e, ERR_USAGE, 0, "-R %s: is not <type>,<soft>,<hard>", text);
	const struct json_name *name = json_enum_find(&spec_rlimit_names, type, strlen(type));
	if (name)
		limit->resource = (int)name->value;
	else if (minijail_number_parse(type, &number) == 0 && number < RLIM_NLIMITS)
		limit->resource = (int)number;
	else
		return err_set(e, ERR_USAGE, 0,
			       "-R %s: there is no limit \"%s\" (RLIMIT_NOFILE, ...)", text, type);
	if (limit_of(soft, &limit->soft) < 0 || limit_of(hard, &limit->hard) < 0)
		return err_set(e, ERR_USAGE, 0, "-R %s: limits are numbers, or unlimited", text);
	if (limit->soft > limit->hard)
		return err_set(e, ERR_USAGE, 0, "-R %s: the soft limit is above the hard one",
			       text);
	return 0;
}

static int map_line(const char *line, struct id_mapping *map)
{
	uint32_t *const parts[] = { &map->container_id, &map->host_id, &map->size };
	char word[16];

	for (int i = 0; i < 3; i++) {
		line += strspn(line, " \t");
		size_t n = strcspn(line, " \t");
		text_format(word, sizeof word, "%.*s", (int)n, line);
		if (n >= sizeof word || text_parse_u32(word, parts[i]) < 0)
			return -1;
		line += n;
	}
	return line[strspn(line, " \t")] ? -1 : 0;
}

int minijail_map_parse(const char *option, const char *text, struct arena *a,
		       struct id_mapping **maps, size_t *count, struct err *e)
{
	char *rest = arena_strdup(a, text);
	struct id_mapping *list = arena_new_array(a, MAPS_MAX, struct id_mapping);

	if (!rest || !list)
		return arena_check(a, e);
	*maps = list;
	for (*count = 0; rest; ++*count) {
		char *line = minijail_next(&rest);
		if (*count == MAPS_MAX || map_line(line, &list[*count]) < 0)
			return err_set(e, ERR_USAGE, 0,
				       "%s \"%s\": is not <id> <lower id> <count>[,...]", option,
				       text);
	}
	return 0;
}
