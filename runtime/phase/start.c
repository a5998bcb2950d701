/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/start.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/phase/gate-entry.h"
#include "runtime/phase/gate.h"
#include "runtime/phase/hook.h"
#include "runtime/phase/sync.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/json/json-write.h"
#include "src/tty/tty-console.h"

int start_connect(int state_dir, const char *id, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (sock < 0)
		return err_sys(e, "create socket");
	text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/start.sock",
		    state_dir);
	if (connect(sock, (struct sockaddr *)&address, sizeof address) < 0)
		return err_set(e, ERR_STATE, errno,
			       "container \"%s\": connect to its init (it may have ended)", id);
	return take_fd(&sock);
}

int start_agent(const struct state *s, pid_t pid, struct arena *a, int *agent, char **body,
		size_t *length, struct err *e)
{
	struct json_writer w;
	char *state;
	size_t state_length;

	*agent = -1;
	*body = NULL;
	*length = 0;
	if (!s->listener_path)
		return 0;
	if (state_oci_print(s, state_status_name(STATE_CREATED), (pid_t)s->pid, a, &state,
			    &state_length, e) < 0)
		return -1;
	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "ociVersion", s->oci_version);
	json_write_array_begin(&w, "fds");
	json_write_string(&w, NULL, "seccompFd");
	json_write_array_end(&w);
	json_write_i64(&w, "pid", pid);
	if (s->listener_metadata)
		json_write_string(&w, "metadata", s->listener_metadata);
	json_write_raw(&w, "state", state, state_length);
	json_write_object_end(&w);
	const char *text = json_write_finish(&w, length, e);
	*body = text ? arena_memdup(a, text, *length) : NULL;
	json_write_free(&w);
	if (!text || arena_check(a, e) < 0)
		return -1;
	*agent = tty_socket_connect(s->listener_path, e);
	return *agent < 0 ? err_prefix(e, "seccomp listenerPath") : 0;
}

/* The agent gets its connection now, not at create: one that serves connections in turn would
 * wait for a container that nobody starts. */
static int start_send(void *ctx, struct err *e)
{
	struct starter *s = ctx;
	struct sync_start start = { 0 };
	char *body;
	size_t length;

	if (start_agent(s->state, (pid_t)s->state->pid, s->arena, &s->agent, &body, &length, e) < 0)
		return -1;
	if (s->state->token)
		memcpy(start.token, s->state->token, strnlen(s->state->token, sizeof start.token));
	char *message = arena_alloc(s->arena, sizeof start + length);
	if (!message)
		return arena_check(s->arena, e);
	memcpy(message, &start, sizeof start);
	if (length)
		memcpy(message + sizeof start, body, length);
	int result = sync_send_body(s->sock, SYNC_START, message, sizeof start + length, &s->agent,
				    s->agent >= 0 ? 1 : 0, e);
	drop_fd(&s->agent);
	if (result < 0)
		return err_append(e, " (init may have been killed)");
	return 0;
}

static int start_starting(void *ctx, struct err *e)
{
	struct starter *s = ctx;
	int result = sync_wait(s->sock, SYNC_STARTING, NULL, NULL, NULL, e);

	if (result == SYNC_EOF && s->explain)
		return s->explain(s->explain_ctx, e);
	if (result == SYNC_EOF)
		return err_set(e, ERR_STATE, 0, "container not running: its init has ended");
	return result == SYNC_OK ? 0 : -1;
}

static bool wants_publish(const void *ctx)
{
	return ((const struct starter *)ctx)->unpublished >= 0;
}

/* Not before: "exec" would join an init that still has the host's root. */
static int start_publish(void *ctx, struct err *e)
{
	struct starter *s = ctx;

	if (state_publish(s->unpublished, e) < 0)
		return -1;
	if (flock(s->unpublished, LOCK_UN) < 0)
		return err_sys(e, "unlock the state directory");
	return 0;
}

static bool wants_gate(const void *ctx)
{
	return ((const struct starter *)ctx)->gate != NULL;
}

static bool wants_no_gate(const void *ctx)
{
	return !wants_gate(ctx);
}

/* Its message is also the word that the start has arrived. From here on until the filter is in force changes
 * of the program's state have to be handed to gate_entry_take(). */
static int start_gate(void *ctx, struct err *e)
{
	struct starter *s = ctx;
	int result = gate_entry_meet(s->gate, s->sock, e);

	if (result == SYNC_EOF && s->explain)
		return s->explain(s->explain_ctx, e);
	if (result == SYNC_EOF)
		return err_set(e, ERR_STATE, 0, "its init has ended");
	return result < 0 ? -1 : 0;
}

static void start_gate_undo(void *ctx)
{
	gate_entry_abort(((struct starter *)ctx)->gate);
}

/* End of file: init's descriptor closed itself at execve, or init died without a word. Which of the
 * two, its status will tell whoever waits for it. */
static int start_executed(void *ctx, struct err *e)
{
	struct starter *s = ctx;

	if (sync_wait(s->sock, SYNC_ERROR, NULL, NULL, NULL, e) != SYNC_EOF)
		return -1;
	if (s->word && gate_word_read(s->word, e) < 0)
		return -1;
	if (s->state_dir >= 0)
		(void)unlinkat(s->state_dir, "start.sock", 0);
	return 0;
}

static bool wants_poststart(const void *ctx)
{
	return ((const struct starter *)ctx)->hooks->poststart.count > 0;
}

static int start_poststart(void *ctx, struct err *e)
{
	struct starter *s = ctx;
	struct hook_context context = {
		.kind = "poststart",
		.cwd = s->state->bundle,
		.stdout_path = s->hooks->stdout_path,
		.stderr_path = s->hooks->stderr_path,
	};
	char *text;

	if (state_oci_print(s->state, "running", (pid_t)s->state->pid, s->arena, &text,
			    &context.state_length, e) < 0)
		return -1;
	context.state = text;
	return hook_list_run(&s->hooks->poststart, &context, e);
}

static const struct step start_steps[] = {
	{ "send-start", start_send },
	{ "await-starting", start_starting, .wanted = wants_no_gate },
	{ "gate", start_gate, .undo = start_gate_undo, .wanted = wants_gate },
	{ "publish", start_publish, .wanted = wants_publish },
	{ "await-executed", start_executed },
	{ "poststart-hooks", start_poststart, .wanted = wants_poststart },
};

const struct phase start_phase = PHASE("start", start_steps, "whoever starts a created container");

int start_run(struct starter *s, struct err *e)
{
	return phase_run(&start_phase, s, e);
}
