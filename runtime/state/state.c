/* SPDX-License-Identifier: Apache-2.0 */
/* state.json: written, read, and compared with what is true now. */
#include "runtime/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"
#include "src/json/json-decode.h"
#include "src/json/json-tree.h"
#include "src/json/json-write.h"

#define STATE_BYTES_MAX (4u << 20)

const char *state_status_name(enum state_status status)
{
	static const char *const names[] = {
		[STATE_CREATING] = "creating", [STATE_CREATED] = "created",
		[STATE_RUNNING] = "running",   [STATE_PAUSED] = "paused",
		[STATE_STOPPED] = "stopped",
	};

	return names[status];
}

/* One directory of the container's cgroups, as the file has it. */
struct cgroup_row {
	char *dir;
	uint32_t controllers, mount_length, parents;
	bool v2, made;
};

/* The file: the state, and the cgroups in the file's shape. */
struct state_file {
	struct state state;
	struct cgroup_row *cgroups;
	size_t cgroups_count;
};

static const struct json_field cgroup_fields[] = {
	JSON_STRING_ROW(struct cgroup_row, dir, "dir", .flags = JSON_REQUIRED),
	JSON_U32_ROW(struct cgroup_row, controllers, "controllers"),
	JSON_U32_ROW(struct cgroup_row, mount_length, "mountLength"),
	JSON_U32_ROW(struct cgroup_row, parents, "parents", .max = 255),
	JSON_BOOL_ROW(struct cgroup_row, v2, "v2"),
	JSON_BOOL_ROW(struct cgroup_row, made, "made"),
};
static const struct json_table cgroup_table = JSON_TABLE(struct cgroup_row, cgroup_fields);

static const struct json_field state_fields[] = {
	JSON_STRING_ROW(struct state_file, state.id, "id", .flags = JSON_REQUIRED),
	JSON_STRING_ROW(struct state_file, state.oci_version, "ociVersion"),
	JSON_STRING_ROW(struct state_file, state.bundle, "bundle"),
	JSON_STRING_ROW(struct state_file, state.rootfs, "rootfs"),
	JSON_STRING_ROW(struct state_file, state.created, "created"),
	JSON_STRING_ROW(struct state_file, state.token, "token"),
	JSON_STRING_ROW(struct state_file, state.exec_below, "execBelow"),
	JSON_STRING_ROW(struct state_file, state.listener_path, "listenerPath"),
	JSON_STRING_ROW(struct state_file, state.listener_metadata, "listenerMetadata"),
	JSON_U32_ROW(struct state_file, state.owner, "owner"),
	JSON_BOOL_ROW(struct state_file, state.recorded, "recorded"),
	JSON_U32_ROW(struct state_file, state.pid, "pid"),
	JSON_U64_ROW(struct state_file, state.pid_start_ticks, "pidStart"),
	JSON_U32_ROW(struct state_file, state.creator, "creator"),
	JSON_U64_ROW(struct state_file, state.creator_start_ticks, "creatorStart"),
	JSON_U64_ROW(struct state_file, state.namespaces, "namespaces"),
	JSON_BOOL_ROW(struct state_file, state.terminal, "terminal"),
	JSON_BOOL_ROW(struct state_file, state.has_process, "process"),
	JSON_BOOL_ROW(struct state_file, state.exec_config, "execConfig"),
	JSON_BOOL_ROW(struct state_file, state.has_hooks, "hooks"),
	JSON_BOOL_ROW(struct state_file, state.cgroup_enabled, "cgroup"),
	JSON_LIST_ROW(struct state_file, cgroups, "cgroups", cgroup_table),
	{ .name = "annotations",
	  .name_length = 11,
	  .kind = JSON_AS_KEY_VALUES,
	  .offset = offsetof(struct state_file, state.annotations),
	  .count_offset = offsetof(struct state_file, state.annotations_count) },
};
static const struct json_table state_table = JSON_TABLE(struct state_file, state_fields);

static void write_cgroups(struct json_writer *w, const struct state *s)
{
	json_write_array_begin(w, "cgroups");
	for (unsigned i = 0; i < s->cgroup.count; i++) {
		const struct cgroup_place *p = &s->cgroup.places[i];
		json_write_object_begin(w, NULL);
		json_write_string(w, "dir", p->dir);
		json_write_u64(w, "controllers", p->controllers);
		json_write_u64(w, "mountLength", p->mount_length);
		json_write_u64(w, "parents", s->cgroup_created.parents[i]);
		json_write_bool(w, "v2", p->v2);
		json_write_bool(w, "made", s->cgroup_created.made & 1u << i);
		json_write_object_end(w);
	}
	json_write_array_end(w);
}

static void write_optional(struct json_writer *w, const char *key, const char *value)
{
	if (value)
		json_write_string(w, key, value);
}

static int write_file(int dirfd, const char *name, const char *text, size_t length, struct err *e)
{
	CLEAN_FD int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || io_write_full(fd, text, length) < 0)
		return err_sys(e, "write %s", name);
	return 0;
}

static int write_state(int dirfd, const char *name, const struct state *s, struct err *e)
{
	struct json_writer w;
	size_t length;

	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "id", s->id);
	json_write_string(&w, "ociVersion", s->oci_version);
	json_write_string(&w, "bundle", s->bundle);
	json_write_string(&w, "rootfs", s->rootfs);
	json_write_string(&w, "created", s->created);
	json_write_string(&w, "token", s->token);
	write_optional(&w, "execBelow", s->exec_below);
	write_optional(&w, "listenerPath", s->listener_path);
	write_optional(&w, "listenerMetadata", s->listener_metadata);
	json_write_u64(&w, "owner", s->owner);
	json_write_bool(&w, "recorded", s->recorded);
	json_write_u64(&w, "pid", s->pid);
	json_write_u64(&w, "pidStart", s->pid_start_ticks);
	json_write_u64(&w, "creator", s->creator);
	json_write_u64(&w, "creatorStart", s->creator_start_ticks);
	json_write_u64(&w, "namespaces", s->namespaces);
	json_write_bool(&w, "terminal", s->terminal);
	json_write_bool(&w, "process", s->has_process);
	json_write_bool(&w, "execConfig", s->exec_config);
	json_write_bool(&w, "hooks", s->has_hooks);
	json_write_bool(&w, "cgroup", s->cgroup_enabled);
	write_cgroups(&w, s);
	json_write_key_values(&w, "annotations", s->annotations, s->annotations_count);
	json_write_object_end(&w);
	const char *text = json_write_finish(&w, &length, e);
	int result = text ? write_file(dirfd, name, text, length, e) : -1;
	json_write_free(&w);
	return result;
}

int state_write_intent(int dirfd, const struct state *s, struct err *e)
{
	return write_state(dirfd, "state.json", s, e);
}

int state_write_next(int dirfd, const struct state *s, struct err *e)
{
	return write_state(dirfd, "next.json", s, e);
}

int state_publish(int dirfd, struct err *e)
{
	if (renameat(dirfd, "next.json", dirfd, "state.json") < 0)
		return err_sys(e, "rename next.json to state.json");
	return 0;
}

static int take_cgroups(const struct state_file *file, struct state *s, struct err *e)
{
	if (file->cgroups_count > CGROUP_MAX)
		return err_config(e, "state.json: more than %d cgroups", CGROUP_MAX);
	for (size_t i = 0; i < file->cgroups_count; i++) {
		const struct cgroup_row *row = &file->cgroups[i];
		s->cgroup.places[i] = (struct cgroup_place){
			.v2 = row->v2,
			.controllers = row->controllers,
			.mount_length = row->mount_length,
			.dir = row->dir,
		};
		s->cgroup_created.parents[i] = (uint8_t)row->parents;
		if (row->made)
			s->cgroup_created.made |= 1u << i;
	}
	s->cgroup.count = (unsigned)file->cgroups_count;
	return 0;
}

int state_read(int dirfd, const char *id, struct arena *a, struct state *s, struct err *e)
{
	struct json_doc doc = { .name = "state.json" };
	struct state_file file = { 0 };
	char *text;
	CLEAN_FD int fd = openat(dirfd, "state.json", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return err_set(e, ERR_STATE, errno,
			       "container \"%s\" has no state: its create was interrupted; \"husk "
			       "delete --force %s\" removes what is left",
			       id, id);
	if (state_check_owner(fd, "state.json", e) < 0 ||
	    state_check_owner_at(dirfd, "config.json", e) < 0)
		return err_prefix(e, "container \"%s\"", id);
	if (io_read_file(fd, "state.json", STATE_BYTES_MAX, a, &text, &doc.length, e) < 0)
		return -1;
	doc.text = text;
	if (json_tree_parse(&doc, a, e) < 0 ||
	    json_decode(&doc, &state_table, false, &file, a, e) < 0)
		return err_prefix(e, "container \"%s\"", id);
	*s = file.state;
	return take_cgroups(&file, s, e);
}

/*
 * start.sock is unlinked by "start" after init has executed. A "start" that was killed in between
 * leaves it behind: then nobody listens any more, and connecting says so.
 */
static bool waits_for_start(int dirfd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (faccessat(dirfd, "start.sock", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	CLEAN_FD int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return true;
	text_format(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d/start.sock",
		    dirfd);
	return connect(sock, (struct sockaddr *)&address, sizeof address) == 0 ||
	       errno != ECONNREFUSED;
}

enum state_status state_status(const struct state *s, int dirfd, int procfd, int *pidfd_out)
{
	if (pidfd_out)
		*pidfd_out = -1;
	if (!s->recorded)
		return STATE_CREATING;
	CLEAN_FD int pidfd = pid_open_exact(procfd, (pid_t)s->pid, s->pid_start_ticks);
	if (pidfd < 0)
		return STATE_STOPPED;
	if (pidfd_out)
		*pidfd_out = take_fd(&pidfd);
	if (s->cgroup_enabled && cgroup_frozen(&s->cgroup, NULL) > 0)
		return STATE_PAUSED;
	if (waits_for_start(dirfd))
		return STATE_CREATED;
	return STATE_RUNNING;
}

const char *state_keyring_name(const struct state *s, struct arena *a)
{
	return arena_format(a, "_ses.%s.%.*s", s->id, 12, s->token ? s->token : "");
}

bool state_creator_alive(const struct state *s, int procfd)
{
	CLEAN_FD int pidfd = pid_open_exact(procfd, (pid_t)s->creator, s->creator_start_ticks);

	return pidfd >= 0;
}

int state_oci_print(const struct state *s, const char *status, pid_t pid, struct arena *a,
		    char **text, size_t *length, struct err *e)
{
	struct json_writer w;

	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_string(&w, "ociVersion", s->oci_version);
	json_write_string(&w, "id", s->id);
	json_write_string(&w, "status", status);
	if (pid > 0)
		json_write_i64(&w, "pid", pid);
	json_write_string(&w, "bundle", s->bundle);
	if (s->annotations_count)
		json_write_key_values(&w, "annotations", s->annotations, s->annotations_count);
	json_write_object_end(&w);
	const char *built = json_write_finish(&w, length, e);
	*text = built ? arena_memdup(a, built, *length) : NULL;
	json_write_free(&w);
	if (!built)
		return -1;
	return arena_check(a, e);
}
