/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decode tables against the schema of the specification (schema-properties.txt, made by
 * schema-flatten), and against the golden tests. Nothing of the schema may be without a row,
 * nothing in the tables may be unknown to the schema, and every row that decodes has a case in
 * tests/spec. TAP on standard output.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/text.h"

#define ROWS_MAX 2048

struct row {
	char *path;
	enum json_field_kind kind;
	bool in_schema, has_case;
};

static struct row rows[ROWS_MAX];
static size_t rows_count;
static unsigned done, failed;

/* What callers write although the schema spells it otherwise. */
static const char *const extra[] = {
	"vm.hwconfig",
	"vm.hwconfig.deviceTree",
	"vm.hwconfig.vcpus",
	"vm.hwconfig.memory",
	"vm.hwconfig.dtdevs",
	"vm.hwconfig.iomems",
	"vm.hwconfig.irqs",
	"vm.hwconfig.iomems[].firstGFN",
	"vm.hwconfig.iomems[].firstMFN",
	"vm.hwconfig.iomems[].nrMFNs",
};

static void report(bool good, const char *what, const char *path)
{
	failed += !good;
	printf("%sok %u - %s%s%s\n", good ? "" : "not ", ++done, what, path ? ": " : "",
	       path ? path : "");
}

static void collect(void *ctx, const char *path, const struct json_field *f)
{
	(void)ctx;
	if (rows_count < ROWS_MAX)
		rows[rows_count++] = (struct row){ .path = strdup(path), .kind = f->kind };
}

/* The row of @path, or the ignored or refused one above it, which speaks for all below. */
static struct row *find(const char *path)
{
	for (size_t i = 0; i < rows_count; i++) {
		size_t n = strlen(rows[i].path);
		bool covers = rows[i].kind == JSON_AS_IGNORED || rows[i].kind == JSON_AS_REFUSED;
		if (strncmp(path, rows[i].path, n) != 0)
			continue;
		if (!path[n] || (covers && strchr(".[{", path[n])))
			return &rows[i];
	}
	return NULL;
}

static FILE *open_at(const char *folder, const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[4096];

	text_format(path, sizeof path, "%s/%s/%s", srcdir ? srcdir : ".", folder, name);
	FILE *in = fopen(path, "r");
	if (!in) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	return in;
}

static void check_schema(void)
{
	FILE *in = open_at("tests/lint", "schema-properties.txt");
	char line[512];
	unsigned missing = 0, listed = 0;

	while (fgets(line, sizeof line, in)) {
		line[strcspn(line, "\n")] = '\0';
		struct row *row = find(line);
		listed++;
		if (row)
			row->in_schema = true;
		else if (++missing)
			report(false, "no row for the property", line);
	}
	fclose(in);
	report(listed > 300, "the list of properties is complete", NULL);
	report(missing == 0, "every property of the schema has a row", NULL);
}

static bool is_extra(const char *path)
{
	for (size_t i = 0; i < sizeof extra / sizeof *extra; i++) {
		if (strcmp(extra[i], path) == 0)
			return true;
	}
	return false;
}

static void check_surplus(void)
{
	bool good = true;

	for (size_t i = 0; i < rows_count; i++) {
		if (rows[i].in_schema || is_extra(rows[i].path))
			continue;
		good = false;
		report(false, "the schema does not have", rows[i].path);
	}
	report(good, "every row is in the schema", NULL);
}

/* "set linux.rdma["a"].x[0] 5" names the row "linux.rdma{}.x[]". */
static void normalize(const char *path, char *out, size_t size)
{
	size_t n = 0;

	while (*path && *path != ' ' && *path != '\n' && n + 3 < size) {
		if (path[0] != '[') {
			out[n++] = *path++;
			continue;
		}
		memcpy(out + n, path[1] == '"' ? "{}" : "[]", 2);
		n += 2;
		path += strcspn(path, "]");
		path += *path == ']';
	}
	out[n] = '\0';
}

static void check_cases(void)
{
	const char *srcdir = getenv("srcdir");
	char path[4096], line[4096];
	bool good = true;

	text_format(path, sizeof path, "%s/tests/spec", srcdir ? srcdir : ".");
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (!text_ends(d->d_name, ".golden"))
			continue;
		FILE *in = open_at("tests/spec", d->d_name);
		while (fgets(line, sizeof line, in)) {
			if (!text_starts(line, "set ") && !text_starts(line, "del "))
				continue;
			normalize(line + 4, path, sizeof path);
			struct row *row = find(path);
			if (row)
				row->has_case = true;
		}
		fclose(in);
	}
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < rows_count; i++) {
		if (rows[i].has_case || rows[i].kind == JSON_AS_IGNORED || is_extra(rows[i].path))
			continue;
		good = false;
		report(false, "no golden case for", rows[i].path);
	}
	report(good, "every row has a golden case", NULL);
}

/* What the decoder takes for granted about a table. */
static bool table_sound(const struct json_table *t)
{
	bool good = t->count <= 64;

	for (size_t i = 0; i < t->count; i++) {
		const struct json_field *f = &t->fields[i];
		for (size_t k = 0; k < i; k++)
			good = good && strcmp(f->name, t->fields[k].name) != 0;
		good = good && f->name_length == strlen(f->name);
		if (f->names)
			good = good && f->names->names && f->names->what;
		if (f->table)
			good = good && f->size == f->table->size && table_sound(f->table);
		if (f->kind == JSON_AS_ENUM || f->kind == JSON_AS_FLAGS)
			good = good && (f->size == 1 || f->size == 4 || f->size == 8);
	}
	return good;
}

static void check_options(void)
{
	bool good = spec_options_count > 60;

	for (size_t i = 1; i < spec_options_count; i++)
		good = good && strcmp(spec_options[i - 1].name, spec_options[i].name) < 0;
	report(good, "mount options are sorted", NULL);
}

int main(void)
{
	json_table_walk(&spec_table, "", collect, NULL);
	report(rows_count > 150 && rows_count < ROWS_MAX, "the tables list their rows", NULL);
	report(table_sound(&spec_table), "the tables are sound", NULL);
	check_options();
	check_schema();
	check_surplus();
	check_cases();
	for (size_t i = 0; i < rows_count; i++)
		free(rows[i].path);
	printf("1..%u\n", done);
	return failed != 0;
}
