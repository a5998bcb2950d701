/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/container.h"
#include "runtime/cli/guest-init.h"
#include "runtime/cli/log.h"
#include "runtime/cli/verbs.h"
#include "runtime/phase/step.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/ns/ns-self.h"

/* Exit status of husk's own failures; 126 and 127 are the shell's for programs. */
static int exit_status(const struct err *e)
{
	return e->kind == ERR_NO_PROGRAM ? 127 : e->kind == ERR_EXEC ? 126 : 1;
}

static int fail(const struct err *e)
{
	log_error(e);
	return exit_status(e);
}

/* CVE-2016-8659, CVE-2020-5291 and all of firejail's: husk is never a set-uid program. */
static void refuse_setuid(void)
{
	static const char text[] =
		"husk: refusing to run set-uid, set-gid or with file capabilities\n";

	if (getauxval(AT_SECURE)) {
		(void)!write(STDERR_FILENO, text, sizeof text - 1);
		_exit(126);
	}
}

static int run_verb(struct call *call, const struct verb *verb, int argc, char **argv,
		    struct err *e)
{
	int index = 0;
	void *options = arena_alloc(call->arena, verb->size + 1);

	if (!verb->holds_seal)
		drop_fd(&call->seal);
	if (!options)
		return arena_check(call->arena, e);
	if (verb->reads_all)
		return verb->run(call, options, argc, argv, e);
	/* "checkpoint --help" and the like are how callers probe. */
	for (int i = 0; i < argc && !(verb->stop_at_argument && argv[i][0] != '-'); i++) {
		if (text_equal(argv[i], "--"))
			break;
		if (text_equal(argv[i], "--help") || text_equal(argv[i], "-h")) {
			help_print(verb);
			return 0;
		}
	}
	if (options_parse(verb->options, verb->options_count, options, verb->stop_at_argument, argc,
			  argv, &index, e) < 0)
		return err_prefix(e, "%s", verb->name);
	argc -= index;
	argv += index;
	if (argc < (int)verb->arguments_min || argc > (int)verb->arguments_max)
		return err_set(e, ERR_USAGE, 0, "%s: usage: husk %s %s (\"husk %s --help\")",
			       verb->name, verb->name, verb->arguments, verb->name);
	return verb->run(call, options, argc, argv, e);
}

static int unknown_verb(const char *name, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "unknown verb \"%s\" (\"husk --help\" lists them)", name);
}

/* @about: a verb's name, or NULL for all of them. */
static int print_help(const char *about, struct err *e)
{
	const struct verb *verb = about ? verb_find(about) : NULL;

	if (about && !verb)
		return unknown_verb(about, e);
	help_print(verb);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int dispatch(struct call *call, int argc, char **argv, struct err *e)
{
	int index = 1;

	/* By a link of this name, in the place of the other program. */
	if (text_equal(base_name(call->name), verb_minijail0.name))
		return run_verb(call, &verb_minijail0, argc - 1, argv + 1, e);
	if (options_parse(global_rows, global_rows_count, &call->global, true, argc, argv, &index,
			  e) < 0)
		return -1;
	if (call->global.version) {
		version_print();
		return 0;
	}
	if (call->global.help)
		return print_help(argv[index], e);
	if (index < argc && text_equal(argv[index], "help"))
		return print_help(argv[index + 1], e);
	if (log_open(&call->global, e) < 0)
		return -1;
	if (container_cgroup_manager(call, e) < 0 && e->kind == ERR_USAGE)
		return -1;
	const char *rootless = call->global.rootless;
	if (rootless && !text_equal(rootless, "true") && !text_equal(rootless, "false") &&
	    !text_equal(rootless, "auto"))
		return err_set(e, ERR_USAGE, 0, "--rootless: \"%s\" is none of true, false, auto",
			       rootless);
	if (index >= argc)
		return err_set(e, ERR_USAGE, 0, "no verb given (\"husk --help\" lists them)");
	const struct verb *verb = verb_find(argv[index]);
	if (!verb)
		return unknown_verb(argv[index], e);
	index++;
	/* Right behind it only, so that options or "--" say that a program is meant. */
	for (size_t i = 0; verb->verbs && index < argc && verb->verbs[i]; i++) {
		if (text_equal(strrchr(verb->verbs[i]->name, ' ') + 1, argv[index])) {
			verb = verb->verbs[i];
			index++;
			break;
		}
	}
	return run_verb(call, verb, argc - index, argv + index, e);
}

/* Executed through a descriptor, older kernels call this process by its number. */
static void name_process(void)
{
	const char *path = (const char *)getauxval(AT_EXECFN);

	if (!path || text_starts(path, "/dev/fd/"))
		prctl(PR_SET_NAME, "husk", 0, 0, 0);
}

/* A closed standard descriptor would become the first file that is opened: a container would write into
 * its own report. The lowest free number is the one that is opened. */
static void open_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)fcntl(open("/dev/null", O_RDWR | O_CLOEXEC), F_SETFD, 0);
	}
}

int main(int argc, char **argv)
{
	/* Never freed: at the end the kernel takes all of it at once, where free(3) gives it back in parts. */
	static struct arena arena;
	struct err e = { 0 };
	struct call call = { .arena = &arena };

	refuse_setuid();
	if (guest_init_wanted())
		guest_init_main();
	open_standard();
	if (ns_self_seal(argv, environ, &call.seal, &e) < 0)
		return fail(&e);
	name_process();
	arena_init(&arena, 0);
	call.name = argc > 0 ? argv[0] : "husk";
#ifdef HUSK_FAULT_INJECTION
	phase_fault(getenv("HUSK_FAULT"));
#endif
	int status = dispatch(&call, argc, argv, &e);
	if (status >= 0 && (fflush(stdout) == EOF || ferror(stdout)))
		status = err_sys(&e, "write to standard output");
	if (status < 0)
		status = fail(&e);
	return status;
}
