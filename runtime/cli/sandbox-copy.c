/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox copy: a process of ours in the sandbox reads or writes there, with the program's own rights. */
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-tree.h"
#include "src/base/clean.h"
#include "src/base/text.h"

/* "NAME:PATH": the path, and the name in @name; NULL for a path of the host. */
static const char *split(const char *word, char name[256])
{
	const char *colon = strchr(word, ':');

	if (!colon || colon == word || colon - word >= 256 ||
	    memchr(word, '/', (size_t)(colon - word)))
		return NULL;
	text_format(name, 256, "%.*s", (int)(colon - word), word);
	return state_id_check(name, NULL) == 0 ? colon + 1 : NULL;
}

static int transfer(bool put, int sock, const char *host, struct err *e)
{
	struct err theirs;

	if (!put)
		return sandbox_tree_receive(sock, host, e);
	int sent = sandbox_tree_send(sock, host, e);
	/* What cannot be read here ends the other side, too. */
	(void)shutdown(sock, SHUT_WR);
	/* When it was the other side that ended, it has said why. */
	if (sandbox_tree_await(sock, &theirs) < 0 && (sent == 0 || e->kind == ERR_PROTOCOL)) {
		*e = theirs;
		return -1;
	}
	return sent;
}

static int copy(struct call *call, bool put, const char *name, const char *inside, const char *host,
		struct err *e)
{
	char *args[] = { (char *)(uintptr_t)(put ? "put" : "get"), (char *)(uintptr_t)inside };
	struct container c;
	int pair[2], master;
	struct err ignored;

	if (named_open(call, name, &c, e) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, "create socket pair");
	CLEAN_FD int sock = pair[0];
	CLEAN_FD int other = pair[1];
	struct named_call n = {
		.kind = put ? NAMED_PUT : NAMED_GET,
		.args = args,
		.args_count = 2,
		.fds = { other, other, STDERR_FILENO },
	};
	CLEAN_FD int conn = named_ask(&c, &n, &master, e);
	if (conn < 0)
		return -1;
	drop_fd(&other);
	if (transfer(put, sock, host, e) < 0)
		return -1;
	drop_fd(&sock);
	return named_attend(conn, -1, &ignored) == 0
		       ? 0
		       : err_set(e, ERR_SYSTEM, 0, "the copying process in the sandbox failed");
}

static int copy_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	char from[256], to[256];
	const char *source = split(argv[0], from), *destination = split(argv[1], to);

	(void)options;
	(void)argc;
	/* Whoever goes first has said why, and the error is read. */
	signal(SIGPIPE, SIG_IGN);
	if (!source == !destination)
		return err_set(e, ERR_USAGE, 0,
			       "sandbox copy: one of \"%s\" and \"%s\" has to be NAME:PATH, and "
			       "the other a "
			       "path (with a colon in it: ./a:b)",
			       argv[0], argv[1]);
	if (source ? !*source : !*destination)
		return err_set(e, ERR_USAGE, 0,
			       "sandbox copy: the path behind the colon is empty (NAME:PATH)");
	int result = source ? copy(call, false, from, source, argv[1], e)
			    : copy(call, true, to, destination, argv[0], e);
	return result < 0 ? err_prefix(e, "copy %s to %s", argv[0], argv[1]) : 0;
}

const struct verb verb_sandbox_copy = {
	.name = "sandbox copy",
	.arguments = "SOURCE NAME:PATH | NAME:PATH DEST",
	.about = "Copy files and directories into or out of a named sandbox",
	.arguments_min = 2,
	.arguments_max = 2,
	.run = copy_run,
};
