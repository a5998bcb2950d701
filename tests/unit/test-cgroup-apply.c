/* SPDX-License-Identifier: Apache-2.0 */
/* Doing the writes of a plan, in a directory of plain files instead of control files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/cgroup/cgroup-limits.h"

#define SET(number)                                                                                \
	{                                                                                          \
		true, number                                                                       \
	}

struct directory {
	char path[64];
	struct cgroup_set set;
	struct arena a;
	struct err e;
};

static int setup(void **state)
{
	struct directory *d = calloc(1, sizeof *d);

	strcpy(d->path, "/tmp/husk-cgroup-XXXXXX");
	if (!mkdtemp(d->path))
		return -1;
	d->set.count = 1;
	d->set.places[0] = (struct cgroup_place){ .v2 = true,
						  .controllers = CGROUP_V2_DEFAULT,
						  .dir = d->path };
	*state = d;
	return 0;
}

static int teardown(void **state)
{
	struct directory *d = *state;
	char command[128];

	snprintf(command, sizeof command, "rm -r %s", d->path);
	arena_free(&d->a);
	int status = system(command);
	free(d);
	return status;
}

static void make_file(struct directory *d, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof path, "%s/%s", d->path, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Plain files keep what was written from the start, as control files do not: no matter. */
static const char *content(struct directory *d, const char *file)
{
	static char text[256];
	char path[128];

	snprintf(path, sizeof path, "%s/%s", d->path, file);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	close(fd);
	text[n] = '\0';
	return text;
}

static int apply(struct directory *d, const struct cgroup_limits *l, bool update, unsigned when)
{
	struct cgroup_limits_plan plan;

	assert_int_equal(cgroup_limits_plan(l, &d->set, update, &d->a, &plan, &d->e), 0);
	return cgroup_limits_apply(&plan, &d->set, 0, when, &d->e);
}

static void test_apply_alternatives(void **state)
{
	struct directory *d = *state;
	struct cgroup_limits l = { .blkio_weight = SET(500) };

	/* Neither file: an error that names the second. */
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_ALL), -1);
	assert_int_equal(d->e.kind, ERR_UNSUPPORTED);
	assert_non_null(strstr(d->e.msg, "io.weight: No such file"));
	make_file(d, "io.weight", "");
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_ALL), 0);
	assert_string_equal(content(d, "io.weight"), "4950");
	make_file(d, "io.weight", "");
	make_file(d, "io.bfq.weight", "");
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_ALL), 0);
	assert_string_equal(content(d, "io.bfq.weight"), "500");
	assert_string_equal(content(d, "io.weight"), "");
}

static void test_apply_optional(void **state)
{
	struct directory *d = *state;
	struct cgroup_limits l = { .memory_limit_bytes = SET(1000),
				   .memory_swap_bytes = SET(1000) };

	make_file(d, "memory.max", "");
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_ALL), 0);
	assert_string_equal(content(d, "memory.max"), "1000");
	l.memory_swap_bytes.value = 3000;
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_ALL), -1);
	assert_non_null(strstr(d->e.msg, "memory.swap.max"));
}

static void test_apply_check(void **state)
{
	struct directory *d = *state;
	struct cgroup_limits l = { .memory_limit_bytes = SET(1000),
				   .memory_check_before_update = true };

	make_file(d, "memory.max", "max");
	make_file(d, "memory.current", "1000\n");
	assert_int_equal(apply(d, &l, true, CGROUP_APPLY_ALL), -1);
	assert_string_equal(d->e.msg, "memory.limit: 1000 bytes are below what the container uses "
				      "now, 1000");
	assert_string_equal(content(d, "memory.max"), "max");
	make_file(d, "memory.current", "999\n");
	assert_int_equal(apply(d, &l, true, CGROUP_APPLY_ALL), 0);
}

static void test_apply_period(void **state)
{
	struct directory *d = *state;
	struct cgroup_limits l = { .cpu_period_usec = SET(200000) };

	make_file(d, "cpu.max", "50000 100000\n");
	assert_int_equal(apply(d, &l, true, CGROUP_APPLY_ALL), 0);
	assert_string_equal(content(d, "cpu.max"), "50000 200000\n");
}

static void test_apply_phases(void **state)
{
	struct directory *d = *state;
	struct cgroup_limits l = { .pids_limit = SET(5), .cpu_shares = SET(1024) };

	make_file(d, "pids.max", "");
	make_file(d, "cpu.weight", "");
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_EARLY), 0);
	assert_string_equal(content(d, "pids.max"), "");
	assert_string_equal(content(d, "cpu.weight"), "100");
	make_file(d, "cpu.weight", "");
	assert_int_equal(apply(d, &l, false, CGROUP_APPLY_LATE), 0);
	assert_string_equal(content(d, "pids.max"), "5");
	assert_string_equal(content(d, "cpu.weight"), "");
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_directory(test_apply_alternatives), in_directory(test_apply_optional),
		in_directory(test_apply_check),	       in_directory(test_apply_period),
		in_directory(test_apply_phases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
