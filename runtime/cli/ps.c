/* SPDX-License-Identifier: Apache-2.0 */
/* ps: the container's processes, as pids or through ps(1). */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/container.h"
#include "runtime/cli/output.h"
#include "src/base/clean.h"
#include "src/base/pid.h"
#include "src/base/text.h"

struct ps_options {
	const char *format;
};

static const struct option_row rows[] = {
	{ "format", 'f', OPTION_STRING, offsetof(struct ps_options, format), "FORMAT",
	  "table (default) or json" },
};

static int print_json(const pid_t *pids, int count, struct err *e)
{
	struct json_writer w;

	json_write_init(&w, false);
	json_write_array_begin(&w, NULL);
	for (int i = 0; i < count; i++)
		json_write_i64(&w, NULL, pids[i]);
	json_write_array_end(&w);
	return output_json(&w, e);
}

static bool listed(const pid_t *pids, int count, long pid)
{
	for (int i = 0; i < count; i++) {
		if (pids[i] == pid)
			return true;
	}
	return false;
}

/* Which column of the heading is PID; -1 if none is. */
static int pid_column(const char *heading)
{
	int column = 0;

	for (const char *p = heading; *p; column++) {
		p += strspn(p, " \t\n");
		size_t n = strcspn(p, " \t\n");
		if (n == 3 && memcmp(p, "PID", 3) == 0)
			return column;
		p += n;
	}
	return -1;
}

static long column_number(const char *line, int column)
{
	const char *p = line + strspn(line, " \t");

	while (column-- > 0) {
		p += strcspn(p, " \t\n");
		p += strspn(p, " \t");
	}
	return strtol(p, NULL, 10);
}

/* ps(1) formats; the lines of other processes are left out, as runc and crun do. */
static int filter_ps(FILE *ps, const pid_t *pids, int count, struct err *e)
{
	CLEAN_FREE char *line = NULL;
	size_t room = 0;
	int column = -1;

	while (getline(&line, &room, ps) > 0) {
		if (column < 0) {
			column = pid_column(line);
			if (column < 0)
				return err_set(
					e, ERR_USAGE, 0,
					"ps: its output has no column PID; choose another format");
			fputs(line, stdout);
		} else if (listed(pids, count, column_number(line, column))) {
			fputs(line, stdout);
		}
	}
	return 0;
}

static int print_table(const pid_t *pids, int count, int argc, char **argv, struct err *e)
{
	char *arguments[64] = { (char *)(uintptr_t) "ps" };
	int out[2];

	if (argc > 60)
		return err_set(e, ERR_USAGE, 0, "ps: more than 60 arguments");
	memcpy(arguments + 1, argv, (size_t)argc * sizeof *argv);
	if (argc == 0)
		arguments[1] = (char *)(uintptr_t) "-ef";
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(e, "fork");
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execvp("ps", arguments);
		dprintf(STDERR_FILENO, "husk: exec ps: %s\n", strerror(errno));
		_exit(127);
	}
	close(out[1]);
	FILE *ps = fdopen(out[0], "r");
	int result = ps ? filter_ps(ps, pids, count, e) : err_sys(e, "read from ps");
	if (ps)
		fclose(ps);
	int status = pid_reap(pid);
	if (result == 0 && (!WIFEXITED(status) || WEXITSTATUS(status) > 1))
		return err_set(e, ERR_SYSTEM, 0, "ps: ps(1) failed; is procps installed?");
	return result;
}

static int ps_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct ps_options *o = options;
	struct container c;
	pid_t *pids;

	bool json = o->format && text_equal(o->format, "json");
	if (o->format && !json && !text_equal(o->format, "table"))
		return err_set(e, ERR_USAGE, 0, "ps: --format \"%s\" is neither table nor json",
			       o->format);
	if (container_open(call, argv[0], false, &c, e) < 0)
		return -1;
	if (!c.state.cgroup_enabled)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "ps \"%s\": the container has no cgroup of its own, its processes "
			       "cannot be told apart",
			       argv[0]);
	int count = cgroup_pids(&c.state.cgroup, call->arena, &pids, e);
	if (count < 0)
		return -1;
	return json ? print_json(pids, count, e) : print_table(pids, count, argc - 1, argv + 1, e);
}

const struct verb verb_ps = {
	.name = "ps",
	.arguments = "CONTAINER [PS-ARGUMENT...]",
	.about = "List the processes of a container",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct ps_options),
	.arguments_min = 1,
	.arguments_max = 64,
	.stop_at_argument = true,
	.run = ps_verb,
};
