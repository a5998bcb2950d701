/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/log.h"
#include "runtime/cli/verbs.h"
#include "runtime/learn/learn.h"
#include "runtime/phase/program.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

struct learn_options {
	const char *output, *oci;
	struct option_list merge;
	bool files, network;
};

#define AT(member) offsetof(struct learn_options, member)

static const struct option_row rows[] = {
	{ "files", 0, OPTION_FLAG, AT(files), NULL,
	  "the sandbox options for the files that it uses, too" },
	{ "merge", 0, OPTION_STRINGS, AT(merge), "FILE",
	  "add what this policy allows, from an earlier run; repeatable" },
	{ "network", 0, OPTION_FLAG, AT(network), NULL, "the endpoints that it uses, too" },
	{ "oci", 0, OPTION_STRING, AT(oci), "FILE", "write a profile for OCI there" },
	{ "output", 'o', OPTION_STRING, AT(output), "FILE",
	  "write the policy there, not to standard output" },
};

#define RUN_MAX 200

/* The command line for a comment: it must stay on its line. */
static void describe_run(struct learn *l, char **argv)
{
	char text[RUN_MAX] = "";
	size_t n = 0;

	for (; *argv && !text_cut(n, sizeof text); argv++)
		n += text_format(text + n, sizeof text - n, "%s%s", n ? " " : "", *argv);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	/* A backslash would continue the line. */
	if (n && text[n - 1] == '\\')
		text[n - 1] = '?';
	learn_run_add(l, text);
}

/* Before the program runs, which may take long. */
static int check_writable(const char *path, struct err *e)
{
	char copy[PATH_MAX];

	if (!path || access(path, W_OK) == 0)
		return 0;
	if (errno == ENOENT && !text_cut(text_format(copy, sizeof copy, "%s", path), sizeof copy) &&
	    access(dirname(copy), W_OK) == 0)
		return 0;
	return err_sys(e, "write %s", path);
}

static int write_file(const char *path, const char *text, size_t length, struct err *e)
{
	CLEAN_FD int fd = -1;

	if (!path) {
		if (io_write_full(STDOUT_FILENO, text, length) < 0)
			return err_sys(e, "write to standard output");
		return 0;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return err_sys(e, "create %s", path);
	if (io_write_full(fd, text, length) < 0)
		return err_sys(e, "write %s", path);
	return 0;
}

static int write_oci(struct learn *l, const char *path, struct err *e)
{
	struct json_writer w;
	size_t length;

	json_write_init(&w, true);
	learn_oci(l, l->arena, &w);
	const char *text = json_write_finish(&w, &length, e);
	int result = text ? write_file(path, text, length, e) : -1;
	json_write_free(&w);
	return result;
}

static int write_results(struct learn *l, const struct learn_options *o, struct err *e)
{
	size_t length;

	learn_imply(l);
	if (arena_check(l->arena, e) < 0)
		return -1;
	/* It is checked even if nobody wants it. */
	const char *text = learn_text(l, l->arena, &length, e);
	if (!text)
		return -1;
	if ((o->output || !o->oci) && write_file(o->output, text, length, e) < 0)
		return -1;
	return o->oci ? write_oci(l, o->oci, e) : 0;
}

/* Signals that are passed on; job control stays, for both are one job. @mask gets the old mask. */
static int block_signals(sigset_t *mask, struct err *e)
{
	static const int own[] = { SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT,
				   SIGSYS,  SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT };
	sigset_t set;

	sigfillset(&set);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&set, own[i]);
	/* Ignored by the caller, it would not come. */
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_SETMASK, &set, mask);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_sys(e, "create signalfd") : fd;
}

static int watch_program(struct learn *l, char **argv, struct err *e)
{
	struct learn_child child;
	char path[PATH_MAX];
	sigset_t mask;

	if (program_find(argv[0], environ, path, e) < 0 || program_check(path, true, e) < 0)
		return -1;
	CLEAN_FD int sigfd = block_signals(&mask, e);
	if (sigfd < 0)
		return -1;
	/* What a daemon leaves behind is ours to reap, and gets signals. */
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	if (learn_start(path, argv, &mask, &child, e) < 0)
		return -1;
	int status = learn_watch(l, &child, sigfd, e);
	if (child.listener >= 0)
		close(child.listener);
	if (status >= 0 && *child.exec_errno)
		return program_explain(path, *child.exec_errno, e);
	return status;
}

static int learn_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct learn_options *o = options;
	struct learn l;
	char text[128];

	(void)argc;
	learn_init(&l, call->arena);
	l.want_files = o->files;
	l.want_network = o->network;
	for (size_t i = 0; i < o->merge.count; i++) {
		/* A name without a slash would be one of husk's own. */
		const char *name = o->merge.items[i];
		if (!strchr(name, '/'))
			name = arena_format(call->arena, "./%s", name);
		if (!name)
			return arena_check(call->arena, e);
		if (learn_merge(&l, name, e) < 0)
			return err_prefix(e, "--merge");
	}
	if (check_writable(o->output, e) < 0 || check_writable(o->oci, e) < 0)
		return -1;
	describe_run(&l, argv);
	int status = watch_program(&l, argv, e);
	if (status < 0 || write_results(&l, o, e) < 0)
		return -1;
	if (l.unreadable) {
		text_format(text, sizeof text,
			    "%llu paths or addresses are missing: of programs that may not be "
			    "looked into",
			    (unsigned long long)l.unreadable);
		log_warning_text(text);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

const struct verb verb_learn = {
	.name = "learn",
	.arguments = "COMMAND [ARG...]",
	.about = "Run a program, and write a policy of the system calls that it makes",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct learn_options),
	.arguments_min = 1,
	.arguments_max = 1u << 20,
	.stop_at_argument = true,
	.run = learn_run,
};
