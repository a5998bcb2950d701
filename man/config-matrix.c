/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes husk-config(5) from its template: "@properties PREFIX" becomes the list of the properties
 * below PREFIX, "@mount-options" that of the mount options, both from the tables by which
 * configurations are read. So the page cannot claim what is not decoded, and the other way round.
 * Usage: config-matrix TEMPLATE >PAGE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/text.h"

#define PREFIXES_MAX 32
#define ENUM_MAX     400 /* longer lists of names are in "husk features" */

static char prefixes[PREFIXES_MAX][64];
static size_t prefixes_count;

/* What the rows that have a function of their own expect. A missing one stops the build. */
static const struct {
	const char *path, *text;
} customs[] = {
	{ "process.execCPUAffinity.initial", "list of CPUs, as \"0-3,7\"" },
	{ "process.execCPUAffinity.final", "list of CPUs, as \"0-3,7\"" },
	{ "linux.memoryPolicy.nodes", "list of memory nodes, as \"0-1\"" },
	{ "linux.personality.domain", "one of LINUX, LINUX32" },
	{ "linux.personality.flags",
	  "list, which must be empty: the specification defines no flags" },
	{ "linux.resources.devices[].access", "string made of r, w and m, each once" },
	{ "vm.image.format", "string; raw, anything else is refused" },
};

static const char *custom_text(const char *path)
{
	for (size_t i = 0; i < sizeof customs / sizeof *customs; i++) {
		if (text_equal(customs[i].path, path))
			return customs[i].text;
	}
	fprintf(stderr, "config-matrix: %s has a decoder of its own: describe it in %s\n", path,
		__FILE__);
	exit(1);
}

/* True if @path is @prefix or below it; "" has everything. */
static bool below(const char *path, const char *prefix)
{
	size_t n = strlen(prefix);

	return n == 0 || (strncmp(path, prefix, n) == 0 && (!path[n] || strchr(".[{", path[n])));
}

/* Each property is listed once, under the longest prefix of the template that has it. */
static bool belongs(const char *path, const char *prefix)
{
	if (!below(path, prefix))
		return false;
	for (size_t i = 0; i < prefixes_count; i++) {
		if (strlen(prefixes[i]) > strlen(prefix) && below(path, prefixes[i]))
			return false;
	}
	return true;
}

static void print_names(const struct json_enum *names)
{
	char list[ENUM_MAX];

	if (json_enum_list(names, list, sizeof list))
		printf("%s", list);
	else
		printf("the names that husk features prints (%s)", names->what);
}

static void print_integer(const struct json_field *f)
{
	printf("integer");
	if (f->max && f->max < INT64_MAX)
		printf(" from %lld to %llu", (long long)f->min, (unsigned long long)f->max);
	else if (f->min || (f->max && f->min == -1))
		printf(" from %lld", (long long)f->min);
	if (f->flags & JSON_ZERO_UNSET)
		printf("; 0 is not set");
}

static void print_kind(const char *path, const struct json_field *f)
{
	switch (f->kind) {
	case JSON_AS_BOOL:
	case JSON_AS_OPT_BOOL:
		printf("boolean");
		break;
	case JSON_AS_U16:
	case JSON_AS_U32:
	case JSON_AS_U64:
	case JSON_AS_I64:
	case JSON_AS_OPT_U32:
	case JSON_AS_OPT_I32:
	case JSON_AS_OPT_U64:
	case JSON_AS_OPT_I64:
		print_integer(f);
		break;
	case JSON_AS_STRING:
		printf("string");
		break;
	case JSON_AS_STRINGS:
		printf("list of strings");
		break;
	case JSON_AS_U32_LIST:
		printf("list of integers");
		break;
	case JSON_AS_KEY_VALUES:
		printf("object with free keys, whose values are strings");
		break;
	case JSON_AS_ENUM:
		printf("one of ");
		print_names(f->names);
		break;
	case JSON_AS_ENUM_LIST:
	case JSON_AS_FLAGS:
		printf("list of ");
		print_names(f->names);
		break;
	case JSON_AS_OBJECT:
	case JSON_AS_POINTER:
		printf("object");
		break;
	case JSON_AS_LIST:
		printf("list of objects");
		break;
	case JSON_AS_MAP:
		printf("object with free keys, whose values are objects");
		break;
	case JSON_AS_CUSTOM:
		printf("%s", custom_text(path));
		break;
	case JSON_AS_IGNORED:
		printf("ignored");
		break;
	case JSON_AS_REFUSED:
		printf("refused: %s", f->text);
		break;
	}
}

static void print_property(void *ctx, const char *path, const struct json_field *f)
{
	if (!belongs(path, ctx))
		return;
	printf(".It Va %s\n", path);
	print_kind(path, f);
	printf("%s\n", f->flags & JSON_REQUIRED ? "; required" : "");
}

static void print_properties(char *prefix)
{
	printf(".Bl -tag -width Ds -compact\n");
	json_table_walk(&spec_table, "", print_property, prefix);
	printf(".El\n");
}

static const struct {
	enum spec_option_op op;
	bool recursive;
	const char *text;
} groups[] = {
	{ OPTION_SET, false, "Set an attribute of the mount" },
	{ OPTION_CLEAR, false, "Clear an attribute of the mount" },
	{ OPTION_ATIME, false, "Choose when access times are kept" },
	{ OPTION_NOT_ATIME, false, "Take that choice back" },
	{ OPTION_SET, true, "Set an attribute of the mount and of all below it" },
	{ OPTION_CLEAR, true, "Clear an attribute of the mount and of all below it" },
	{ OPTION_ATIME, true, "Choose when access times are kept, on all mounts below, too" },
	{ OPTION_NOT_ATIME, true, "Take that choice back, on all mounts below, too" },
	{ OPTION_SUPER_SET, false, "Set a flag of the file system" },
	{ OPTION_SUPER_CLEAR, false, "Clear a flag of the file system" },
	{ OPTION_PROPAGATE, false, "Propagation; with r for all mounts below, too" },
	{ OPTION_BIND, false, "Copy an existing mount; with r with all below it" },
	{ OPTION_REMOUNT, false, "Change what is mounted already" },
	{ OPTION_IDMAP, false, "Map owners, as uidMappings and gidMappings say" },
	{ OPTION_IDMAP, true, "The same on all mounts below" },
	{ OPTION_EXTRA, false, "Extensions, see below" },
	{ OPTION_NOTHING, false, "Without effect, since the kernel does it anyway" },
	{ OPTION_NOTHING, true, "Without effect, either" },
	{ OPTION_REFUSE, true, "Refused: the kernel has no such attribute of a mount" },
};

static void print_mount_options(void)
{
	size_t listed = 0;

	printf(".Bl -tag -width Ds -compact\n");
	for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) {
		const char *before = "";
		printf(".It %s:\n", groups[g].text);
		for (size_t i = 0; i < spec_options_count; i++) {
			const struct spec_option *o = &spec_options[i];
			if (o->op != groups[g].op || o->recursive != groups[g].recursive)
				continue;
			printf("%s%s", before, o->name);
			before = ", ";
			listed++;
		}
		printf("\n");
	}
	printf(".El\n");
	if (listed != spec_options_count) {
		fprintf(stderr, "config-matrix: %zu of %zu mount options are in no group\n",
			spec_options_count - listed, spec_options_count);
		exit(1);
	}
}

/* The prefix of an "@properties" line, or NULL. */
static char *directive(char *line)
{
	static const char word[] = "@properties";

	line[strcspn(line, "\n")] = '\0';
	if (!text_starts(line, word))
		return NULL;
	line += sizeof word - 1;
	return line + strspn(line, " ");
}

int main(int argc, char **argv)
{
	char line[1024];
	FILE *in = argc == 2 ? fopen(argv[1], "re") : NULL;

	if (!in) {
		fprintf(stderr, "usage: config-matrix TEMPLATE\n");
		return 1;
	}
	while (fgets(line, sizeof line, in)) {
		const char *prefix = directive(line);
		if (prefix && prefixes_count < PREFIXES_MAX)
			text_format(prefixes[prefixes_count++], sizeof prefixes[0], "%s", prefix);
	}
	rewind(in);
	while (fgets(line, sizeof line, in)) {
		char *prefix = directive(line);
		if (prefix)
			print_properties(prefix);
		else if (text_equal(line, "@mount-options"))
			print_mount_options();
		else
			printf("%s\n", line);
	}
	fclose(in);
	return ferror(stdout) ? 1 : 0;
}
