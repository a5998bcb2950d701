/* SPDX-License-Identifier: Apache-2.0 */
/* The callers of a named sandbox: exec, and what copy shares with it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/sandbox-named.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/tty/tty-console.h"
#include "src/tty/tty-relay.h"

#define START_TIMEOUT_MSEC 20000
#define DRAIN_MSEC         500

bool named_is(const struct state *s)
{
	for (size_t i = 0; i < s->annotations_count; i++) {
		if (text_equal(s->annotations[i].key, NAMED_ANNOTATION))
			return true;
	}
	return false;
}

int named_open(struct call *call, const char *name, struct container *c, struct err *e)
{
	if (state_id_check(name, e) < 0)
		return -1;
	if (container_open(call, name, false, c, e) < 0) {
		if (e->kind != ERR_NOT_FOUND)
			return -1;
		return err_set(e, ERR_NOT_FOUND, 0,
			       "sandbox \"%s\": does not exist (\"husk sandbox list\" has all)",
			       name);
	}
	if (named_is(&c->state))
		return 0;
	return err_set(e, ERR_STATE, 0,
		       "\"%s\": is a container, and no sandbox (husk exec, husk kill)", name);
}

/* ---- asking ---- */

/* Its state is public a moment before its socket is there. */
static int connect_to(const struct container *c, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, "create socket");
	text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/%s", c->dir,
		    NAMED_SOCKET);
	for (int waited = 0; connect(sock, (struct sockaddr *)&address, sizeof address) < 0;
	     waited += 10) {
		bool early = errno == ENOENT && c->status != STATE_STOPPED &&
			     state_creator_alive(&c->state, AT_FDCWD);
		if (!early || waited > START_TIMEOUT_MSEC)
			return err_set(
				e, ERR_STATE, errno,
				"sandbox \"%s\": connect to its supervisor (it is not running; "
				"\"husk sandbox stop %s\" removes what is left)",
				c->state.id, c->state.id);
		poll(NULL, 0, 10);
	}
	return take_fd(&sock);
}

static int add_word(char *body, size_t *used, const char *word, struct err *e)
{
	size_t n = strlen(word) + 1;

	if (n > NAMED_BODY_MAX - *used)
		return err_set(e, ERR_USAGE, E2BIG, "command and environment of more than %u bytes",
			       NAMED_BODY_MAX);
	memcpy(body + *used, word, n);
	*used += n;
	return 0;
}

static int send_request(int sock, const struct named_call *n, struct err *e)
{
	static char body[NAMED_BODY_MAX];
	struct winsize size = { 0 };
	struct named_request r = {
		.kind = n->kind,
		.terminal = n->terminal,
		.has_directory = n->directory != NULL,
		.args_count = (uint32_t)n->args_count,
		.env_count = n->env ? (uint32_t)n->env->count : 0,
	};
	size_t used = sizeof r;

	if (n->terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) {
		r.rows = size.ws_row;
		r.columns = size.ws_col;
	}
	memcpy(body, &r, sizeof r);
	if (n->directory && add_word(body, &used, n->directory, e) < 0)
		return -1;
	for (size_t i = 0; i < n->args_count; i++) {
		if (add_word(body, &used, n->args[i], e) < 0)
			return -1;
	}
	for (size_t i = 0; i < r.env_count; i++) {
		if (add_word(body, &used, n->env->items[i], e) < 0)
			return -1;
	}
	return io_send_fds(sock, body, used, n->fds, 3) < 0 ? err_sys(e, "ask the supervisor") : 0;
}

int named_ask(const struct container *c, const struct named_call *n, int *master, struct err *e)
{
	struct named_answer a;
	size_t count = 1;

	*master = -1;
	if (c->status == STATE_PAUSED)
		return err_set(e, ERR_STATE, 0, "sandbox \"%s\": is paused (husk resume %s)",
			       c->state.id, c->state.id);
	CLEAN_FD int sock = connect_to(c, e);
	if (sock < 0 || send_request(sock, n, e) < 0)
		return -1;
	ssize_t got = io_recv_fds(sock, &a, sizeof a, master, &count);
	if (got != (ssize_t)sizeof a || (a.kind != NAMED_STARTED && a.kind != NAMED_FAILED))
		return err_set(e, ERR_STATE, 0, "sandbox \"%s\": ended meanwhile", c->state.id);
	if (a.kind == NAMED_STARTED)
		return take_fd(&sock);
	*e = a.err;
	return -1;
}

/* ---- waiting ---- */

/* What there is to wait with. */
struct client {
	int conn, sigfd;
	struct tty_relay *relay; /* or NULL */
	bool ended;
	int status;
};

static void take_signals(struct client *c)
{
	struct signalfd_siginfo info;

	while (read(c->sigfd, &info, sizeof info) == (ssize_t)sizeof info) {
		struct named_signal s = { NAMED_SIGNAL, (int32_t)info.ssi_signo };
		if (s.sig == SIGWINCH && c->relay)
			tty_relay_resize(c->relay);
		else if (!foreground_is_own(s.sig))
			(void)io_send_fds(c->conn, &s, sizeof s, NULL, 0);
	}
}

static int take_answer(struct client *c, struct err *e)
{
	struct named_answer a;
	size_t none = 0;
	ssize_t n = io_recv_fds(c->conn, &a, sizeof a, NULL, &none);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	c->ended = true;
	/* It was started, and its entry gate did not close. */
	if (n == (ssize_t)sizeof a && a.kind == NAMED_FAILED) {
		*e = a.err;
		return -1;
	}
	if (n != (ssize_t)sizeof a || a.kind != NAMED_ENDED)
		return err_set(e, ERR_STATE, 0,
			       "the sandbox's supervisor is gone, and the sandbox with it");
	c->status = a.status;
	return 0;
}

static int step(struct client *c, struct err *e)
{
	struct pollfd p[2 + TTY_RELAY_FDS] = { { c->conn, POLLIN, 0 }, { c->sigfd, POLLIN, 0 } };

	for (int i = 2; i < 2 + TTY_RELAY_FDS; i++)
		p[i].fd = -1;
	if (c->relay)
		tty_relay_poll(c->relay, p + 2);
	if (poll(p, 2 + TTY_RELAY_FDS, -1) < 0 && errno != EINTR)
		return err_sys(e, "wait for the program");
	if (p[1].revents)
		take_signals(c);
	if (c->relay) {
		int open = tty_relay_step(c->relay, p + 2, e);
		if (open < 0)
			return -1;
		if (open == 0)
			c->relay = NULL;
	}
	return p[0].revents ? take_answer(c, e) : 0;
}

int named_attend(int conn, int master, struct err *e)
{
	static struct tty_relay relay;
	struct client c = { .conn = conn };
	sigset_t set;
	int result = 0;

	foreground_signals(&set);
	CLEAN_FD int sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return err_sys(e, "create signalfd");
	c.sigfd = sigfd;
	if (master >= 0 && tty_relay_start(&relay, STDIN_FILENO, STDOUT_FILENO, master, e) < 0)
		return -1;
	c.relay = master >= 0 ? &relay : NULL;
	while (!c.ended && result == 0)
		result = step(&c, e);
	if (c.relay && result == 0)
		tty_relay_drain(&relay, DRAIN_MSEC);
	if (master >= 0)
		tty_relay_stop(&relay);
	return result < 0 ? -1 : c.status;
}

/* ---- exec ---- */

struct exec_options {
	bool terminal;
	const char *directory;
	struct option_list env;
};

/* NAME VALUE as one word; the name is checked. */
static int take_setenv(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct option_list *list = &((struct exec_options *)options)->env;
	size_t name = strlen(words[0]);
	/* Two words behind each other in argv: their place is the program's own. */
	static char room[NAMED_BODY_MAX];
	static size_t used;

	if (!name || strchr(words[0], '='))
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a name", row->name, words[0]);
	if (list->count == OPTION_LIST_MAX || name + strlen(words[1]) + 2 > sizeof room - used)
		return err_set(e, ERR_USAGE, 0, "--%s: too many", row->name);
	list->items[list->count++] = room + used;
	used += text_format(room + used, sizeof room - used, "%s=%s", words[0], words[1]) + 1;
	return 0;
}

static const struct option_row rows[] = {
	{ "terminal", 't', OPTION_FLAG, offsetof(struct exec_options, terminal), NULL,
	  "give the program a terminal of its own" },
	{ "chdir", 0, OPTION_STRING, offsetof(struct exec_options, directory), "DIR",
	  "start there instead of where the sandbox's own program did" },
	{ "setenv", 0, OPTION_TAKE, 0, "NAME VALUE", "set a variable", 2, take_setenv },
};

static int exec_run(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct exec_options *o = options;
	struct container c;
	int master;
	/* "NAME -- COMMAND" */
	int skip = argc > 1 && text_equal(argv[1], "--") ? 2 : 1;
	struct named_call n = {
		.kind = NAMED_EXEC,
		.terminal = o->terminal,
		.directory = o->directory,
		.args = argv + skip,
		.args_count = (size_t)(argc - skip),
		.env = &o->env,
		.fds = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO },
	};

	if (argc <= skip)
		return err_set(e, ERR_USAGE, 0,
			       "sandbox exec: no command was given (usage: husk sandbox "
			       "exec NAME COMMAND)");
	if (named_open(call, argv[0], &c, e) < 0)
		return -1;
	foreground_prepare();
	CLEAN_FD int conn = named_ask(&c, &n, &master, e);
	return conn < 0 ? -1 : named_attend(conn, master, e);
}

const struct verb verb_sandbox_exec = {
	.name = "sandbox exec",
	.arguments = "NAME COMMAND [ARG...]",
	.about = "Run a further program in a named sandbox",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct exec_options),
	.arguments_min = 1,
	.arguments_max = 1 << 20,
	.stop_at_argument = true,
	.run = exec_run,
};
