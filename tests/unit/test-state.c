/* SPDX-License-Identifier: Apache-2.0 */
/* state.json and the directories of the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/state/state.h"
#include "src/base/io.h"
#include "src/base/pid.h"
#include "src/base/text.h"

struct fixture {
	char path[64];
	struct state_root root;
	struct arena a;
	struct err e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->path, "/tmp/husk-state-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	arena_init(&f->a, 0);
	*state = f;
	return state_root_open(f->path, false, &f->root, &f->e);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	close(f->root.fd);
	arena_free(&f->a);
	snprintf(command, sizeof command, "rm -r %s", f->path);
	int status = system(command);
	free(f);
	return status;
}

/* The state does not own its texts, and never writes them. */
#define TEXT(text) ((char *)(uintptr_t)(text))

/* Every field has a value of its own. */
static void fill(struct state *s)
{
	static struct key_value annotations[2];

	annotations[0] = (struct key_value){ TEXT("a.b"), TEXT("c\"\n\xc3\xa4") };
	annotations[1] = (struct key_value){ TEXT("k"), TEXT("") };
	*s = (struct state){
		.id = TEXT("some-id"),
		.oci_version = TEXT("1.3.0"),
		.bundle = TEXT("/bundles/\\\"x"),
		.rootfs = TEXT("/bundles/x/rootfs"),
		.created = TEXT("2030-01-02T03:04:05.000000006Z"),
		.owner = 4294967295u,
		.recorded = true,
		.pid = 4194303,
		.pid_start_ticks = 18446744073709551615ull,
		.creator = 77,
		.creator_start_ticks = 88,
		.token = TEXT("0123456789abcdef0123456789abcdef012"),
		.namespaces = 0x7c020080,
		.terminal = true,
		.has_process = true,
		.exec_config = true,
		.has_hooks = true,
		.cgroup_enabled = true,
		.exec_below = TEXT("sub"),
		.listener_path = TEXT("/run/agent"),
		.listener_metadata = TEXT("meta"),
		.annotations = annotations,
		.annotations_count = 2,
	};
	s->cgroup.count = 2;
	s->cgroup.places[0] = (struct cgroup_place){ true, 5, 14, "/sys/fs/cgroup/a" };
	s->cgroup.places[1] = (struct cgroup_place){ false, 256, 21, "/sys/fs/cgroup/pids/a" };
	s->cgroup_created.made = 2;
	s->cgroup_created.parents[0] = 255;
	s->cgroup_created.parents[1] = 1;
}

static void compare(const struct state *a, const struct state *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->oci_version, b->oci_version);
	assert_string_equal(a->bundle, b->bundle);
	assert_string_equal(a->rootfs, b->rootfs);
	assert_string_equal(a->created, b->created);
	assert_string_equal(a->token, b->token);
	assert_string_equal(a->exec_below, b->exec_below);
	assert_string_equal(a->listener_path, b->listener_path);
	assert_string_equal(a->listener_metadata, b->listener_metadata);
	assert_int_equal(a->owner, b->owner);
	assert_int_equal(a->recorded, b->recorded);
	assert_int_equal(a->pid, b->pid);
	assert_true(a->pid_start_ticks == b->pid_start_ticks);
	assert_int_equal(a->creator, b->creator);
	assert_true(a->creator_start_ticks == b->creator_start_ticks);
	assert_true(a->namespaces == b->namespaces);
	assert_true(a->terminal && b->terminal && a->has_process && b->has_process);
	assert_true(a->exec_config && b->exec_config && a->has_hooks && b->has_hooks);
	assert_true(a->cgroup_enabled && b->cgroup_enabled);
	assert_int_equal(a->cgroup.count, b->cgroup.count);
	assert_int_equal(a->cgroup_created.made, b->cgroup_created.made);
	for (unsigned i = 0; i < a->cgroup.count; i++) {
		const struct cgroup_place *p = &a->cgroup.places[i], *q = &b->cgroup.places[i];
		assert_string_equal(p->dir, q->dir);
		assert_int_equal(p->v2, q->v2);
		assert_int_equal(p->controllers, q->controllers);
		assert_int_equal(p->mount_length, q->mount_length);
		assert_int_equal(a->cgroup_created.parents[i], b->cgroup_created.parents[i]);
	}
	assert_int_equal(a->annotations_count, b->annotations_count);
	for (size_t i = 0; i < a->annotations_count; i++) {
		assert_string_equal(a->annotations[i].key, b->annotations[i].key);
		assert_string_equal(a->annotations[i].value, b->annotations[i].value);
	}
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct state out, in;

	fill(&out);
	assert_int_equal(state_write_intent(f->root.fd, &out, &f->e), 0);
	if (state_read(f->root.fd, "some-id", &f->a, &in, &f->e) < 0)
		fail_msg("%s", f->e.msg);
	compare(&out, &in);
	/* Twice: it is replaced, not added to, and not before it is said. */
	out.recorded = !out.recorded;
	assert_int_equal(state_write_next(f->root.fd, &out, &f->e), 0);
	assert_int_equal(state_read(f->root.fd, "some-id", &f->a, &in, &f->e), 0);
	assert_int_not_equal(out.recorded, in.recorded);
	assert_int_equal(state_publish(f->root.fd, &f->e), 0);
	assert_int_equal(state_read(f->root.fd, "some-id", &f->a, &in, &f->e), 0);
	compare(&out, &in);
	struct stat st;
	assert_int_equal(fstatat(f->root.fd, "state.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600); /* the token is in there */
}

static int read_text(struct fixture *f, const char *text, size_t size)
{
	struct state s;
	struct arena a;

	assert_int_equal(io_replace_at(f->root.fd, "state.json", text, size, 0600, &f->e), 0);
	arena_init(&a, 0);
	f->e = (struct err){ .kind = ERR_NONE };
	int result = state_read(f->root.fd, "x", &a, &s, &f->e);
	arena_free(&a);
	/* Without words a failure is a defect of its own. */
	assert_true(result == 0 || f->e.msg[0]);
	return result;
}

/* Whatever a full disk or a curious hand left of it: an error, or a state; never anything else. */
static void test_damaged(void **state)
{
	struct fixture *f = *state;
	struct state s;
	char text[8192];

	fill(&s);
	assert_int_equal(state_write_intent(f->root.fd, &s, &f->e), 0);
	ssize_t size = io_read_at(f->root.fd, "state.json", text, sizeof text);
	assert_true(size > 100);
	for (ssize_t cut = 0; cut < size; cut += 1)
		assert_int_equal(read_text(f, text, (size_t)cut), -1);
	srandom(99);
	for (int i = 0; i < 2000; i++) {
		char bad[8192];
		memcpy(bad, text, (size_t)size);
		for (int k = 0; k < 3; k++)
			bad[random() % size] = (char)random();
		(void)read_text(f, bad, (size_t)size);
	}
}

static void test_damaged_table(void **state)
{
	static const struct {
		const char *text, *message;
	} table[] = {
		{ "{}", "container \"x\": state.json:1: property \"id\" is missing" },
		{ "{\"id\":7}",
		  "container \"x\": state.json:1: id: expected string, got number 7" },
		{ "{\"id\":\"x\",\"pid\":-1}", NULL },
		{ "{\"id\":\"x\",\"pid\":4294967296}", NULL },
		{ "{\"id\":\"x\",\"cgroups\":[{}]}", NULL },
		{ "{\"id\":\"x\",\"cgroups\":{}}", NULL },
		{ "{\"id\":\"x\",\"cgroups\":[{\"dir\":\"/a\",\"parents\":256}]}", NULL },
		{ "{\"id\":\"x\",\"id\":\"y\"}", NULL },
		{ "{\"id\":\"x\\u0000y\"}", NULL },
		{ "[]", NULL },
		{ "null", NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		if (read_text(f, table[i].text, strlen(table[i].text)) == 0)
			fail_msg("%s was taken", table[i].text);
		if (table[i].message)
			assert_string_equal(f->e.msg, table[i].message);
		assert_true(text_starts(f->e.msg, "container \"x\": state.json"));
	}
}

static void test_damaged_files(void **state)
{
	struct fixture *f = *state;
	struct state s;
	char many[4096] = "{\"id\":\"x\",\"cgroups\":[";

	for (int i = 0; i <= CGROUP_MAX; i++)
		strcat(many, i ? ",{\"dir\":\"/a\"}" : "{\"dir\":\"/a\"}");
	strcat(many, "]}");
	assert_int_equal(read_text(f, many, strlen(many)), -1);
	assert_non_null(strstr(f->e.msg, "more than 20 cgroups"));
	/* A link instead of the file is not followed. */
	assert_int_equal(renameat(f->root.fd, "state.json", f->root.fd, "real"), 0);
	assert_int_equal(symlinkat("real", f->root.fd, "state.json"), 0);
	assert_int_equal(state_read(f->root.fd, "x", &f->a, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_STATE);
	assert_int_equal(f->e.errnum, ELOOP);
	/* Not written at all: the message says what to do. */
	assert_int_equal(unlinkat(f->root.fd, "state.json", 0), 0);
	assert_int_equal(state_read(f->root.fd, "x", &f->a, &s, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_STATE);
	assert_non_null(strstr(f->e.msg, "\"husk delete --force x\" removes what is left"));
}

/* ---- ids ---- */

static void test_ids(void **state)
{
	static const char *const good[] = { "a",   "_",		"+",
					    "-",   "A.b",	"0",
					    "a..", "a.b-c_d+e", "deadbeef0123456789" };
	static const char *const bad[] = { "",	   ".",	   "..",       ".a",  "a/b",
					   "/",	   "a b",  "a\n",      "a:b", "a*",
					   "../x", "a\\b", "\xc3\xa4", "a%",  "a,b" };
	char text[300];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_int_equal(state_id_check(good[i], &e), 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (state_id_check(bad[i], &e) == 0)
			fail_msg("\"%s\" was taken", bad[i]);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	/* Each byte, at the start and later. */
	for (int c = 1; c < 256; c++) {
		bool letter = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			      (c >= 'A' && c <= 'Z') || strchr("_+-", c);
		snprintf(text, sizeof text, "%cx", c);
		assert_int_equal(state_id_check(text, &e), letter ? 0 : -1);
		snprintf(text, sizeof text, "x%c", c);
		assert_int_equal(state_id_check(text, &e), letter || c == '.' ? 0 : -1);
	}
	/* As long as a file name can be. */
	memset(text, 'x', sizeof text);
	text[255] = '\0';
	assert_int_equal(state_id_check(text, &e), 0);
	text[255] = 'x';
	text[256] = '\0';
	assert_int_equal(state_id_check(text, &e), -1);
	state_id_check("a/b", &e);
	assert_non_null(strstr(e.msg, "\"a/b\": invalid character at 2 "));
}

/* ---- the directory of all ---- */

static void test_root_path(void **state)
{
	struct fixture *f = *state;
	const char *path;
	char cwd[512], expected[600];

	assert_non_null(getcwd(cwd, sizeof cwd));
	assert_int_equal(state_root_path("/a//b/../c/", &f->a, &path, &f->e), 0);
	assert_string_equal(path, "/a/c");
	assert_int_equal(state_root_path("x/../y", &f->a, &path, &f->e), 0);
	snprintf(expected, sizeof expected, "%s/y", strcmp(cwd, "/") == 0 ? "" : cwd);
	assert_string_equal(path, expected);
	assert_int_equal(state_root_path("", &f->a, &path, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_USAGE);
	if (geteuid() == 0) {
		unsetenv("XDG_RUNTIME_DIR");
		assert_int_equal(state_root_path(NULL, &f->a, &path, &f->e), 0);
		assert_string_equal(path, "/run/husk");
		return;
	}
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_int_equal(state_root_path(NULL, &f->a, &path, &f->e), 0);
	assert_string_equal(path, "/run/user/7/husk");
	setenv("XDG_RUNTIME_DIR", "relative", 1);
	assert_int_equal(state_root_path(NULL, &f->a, &path, &f->e), -1);
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(state_root_path(NULL, &f->a, &path, &f->e), -1);
}

static int open_root(struct fixture *f, const char *path, bool create)
{
	struct state_root root;
	int result = state_root_open(path, create, &root, &f->e);

	if (result == 0 && root.fd >= 0) {
		close(root.fd);
		return 1;
	}
	return result;
}

static void test_root_open(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char path[256];

	snprintf(path, sizeof path, "%s/deep/er/husk", f->path);
	/* Missing, and nobody asked for it: no containers, no error. */
	assert_int_equal(open_root(f, path, false), 0);
	assert_int_equal(open_root(f, path, true), 1);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(open_root(f, path, true), -1);
	assert_non_null(strstr(f->e.msg, "writable by others (mode 0777; chmod 700)"));
	assert_int_equal(chmod(path, 0720), 0);
	assert_int_equal(open_root(f, path, false), -1);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(open_root(f, path, false), 1);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 1000, 1000), 0);
		assert_int_equal(open_root(f, path, true), -1);
		assert_non_null(strstr(f->e.msg, "belongs to uid 1000, not 0"));
		assert_int_equal(f->e.errnum, EPERM);
	}
	snprintf(path, sizeof path, "%s/file", f->path);
	close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(open_root(f, path, true), -1);
	assert_int_equal(f->e.errnum, ENOTDIR);
}

/* ---- one container's directory ---- */

static void test_dirs(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	int fd = state_dir_create(&f->root, "c", &f->e);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(state_dir_create(&f->root, "c", &f->e), -1);
	assert_int_equal(f->e.kind, ERR_STATE);
	assert_non_null(strstr(f->e.msg, "container \"c\" already exists in "));
	int second = state_dir_open(&f->root, "c", &f->e);
	assert_true(second >= 0);
	close(second);
	assert_int_equal(state_dir_open(&f->root, "d", &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	assert_non_null(strstr(f->e.msg, "container \"d\" does not exist"));
	assert_int_equal(state_dir_open(&f->root, "../c", &f->e), -1);
	assert_int_equal(f->e.kind, ERR_USAGE);
	/* A link to a directory is no container. */
	assert_int_equal(symlinkat("c", f->root.fd, "link"), 0);
	assert_int_equal(state_dir_open(&f->root, "link", &f->e), -1);
	/* Removal takes whatever lies there, and is content with nothing. */
	close(openat(fd, "state.json", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(fd, ".state.json.123", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(state_dir_remove(&f->root, "c", &f->e), 0);
	assert_int_equal(fstatat(f->root.fd, "c", &st, 0), -1);
	assert_int_equal(state_dir_remove(&f->root, "c", &f->e), 0);
	close(fd);
}

static void test_lock(void **state)
{
	struct fixture *f = *state;
	int mine = state_dir_create(&f->root, "c", &f->e);
	int other = state_dir_open(&f->root, "c", &f->e);
	char c;
	int p[2];

	/* The creator has it. */
	assert_int_equal(state_dir_lock(other, "c", 30, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_STATE);
	assert_int_equal(f->e.errnum, EBUSY);
	/* Whoever waits gets it when the holder ends. */
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(p[0]);
		(void)!write(p[1], "x", 1);
		usleep(100000);
		_exit(0);
	}
	close(mine); /* now only the child holds it */
	assert_int_equal(read(p[0], &c, 1), 1);
	assert_int_equal(state_dir_lock(other, "c", 10000, &f->e), 0);
	waitpid(pid, NULL, 0);
	/* Waited for a container that was removed meanwhile. */
	int late = state_dir_open(&f->root, "c", &f->e);
	assert_int_equal(state_dir_remove(&f->root, "c", &f->e), 0);
	close(other);
	assert_int_equal(state_dir_lock(late, "c", 1000, &f->e), -1);
	assert_int_equal(f->e.kind, ERR_NOT_FOUND);
	close(late);
	close(p[0]);
	close(p[1]);
}

static void test_list(void **state)
{
	struct fixture *f = *state;
	char name[16], **ids;

	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof name, "c%03d", (i * 7) % 150);
		assert_int_equal(mkdirat(f->root.fd, name, 0700), 0);
	}
	close(openat(f->root.fd, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	assert_int_equal(mkdirat(f->root.fd, ".hidden", 0700), 0);
	assert_int_equal(mkdirat(f->root.fd, "not an id", 0700), 0);
	assert_int_equal(state_list(&f->root, &f->a, &ids, &f->e), 150);
	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof name, "c%03d", i);
		assert_string_equal(ids[i], name);
	}
	struct state_root none = { .fd = -1, .path = "/none" };
	assert_int_equal(state_list(&none, &f->a, &ids, &f->e), 0);
}

/* ---- what is true now ---- */

static int listener(struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s/start.sock", f->path);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(sock, 1), 0);
	return sock;
}

static void test_status(void **state)
{
	struct fixture *f = *state;
	struct state s = { .id = (char[]){ "x" } };
	struct pid_stat self;
	int pidfd = 7;

	assert_int_equal(pid_stat_read(AT_FDCWD, getpid(), &self), 0);
	assert_int_equal(state_status(&s, f->root.fd, AT_FDCWD, &pidfd), STATE_CREATING);
	assert_int_equal(pidfd, -1);
	s.recorded = true;
	s.pid = (uint32_t)getpid();
	s.pid_start_ticks = self.start_ticks;
	assert_int_equal(state_status(&s, f->root.fd, AT_FDCWD, &pidfd), STATE_RUNNING);
	assert_true(pidfd >= 0);
	close(pidfd);
	int sock = listener(f);
	assert_int_equal(state_status(&s, f->root.fd, AT_FDCWD, NULL), STATE_CREATED);
	/* Left behind by a "start" that was killed: nobody listens any more. */
	close(sock);
	assert_int_equal(state_status(&s, f->root.fd, AT_FDCWD, NULL), STATE_RUNNING);
	/* The same pid, another process. */
	s.pid_start_ticks++;
	assert_int_equal(state_status(&s, f->root.fd, AT_FDCWD, &pidfd), STATE_STOPPED);
	assert_int_equal(pidfd, -1);
	s.creator = (uint32_t)getpid();
	s.creator_start_ticks = self.start_ticks;
	assert_true(state_creator_alive(&s, AT_FDCWD));
	s.creator_start_ticks++;
	assert_false(state_creator_alive(&s, AT_FDCWD));
}

static void test_oci(void **state)
{
	struct fixture *f = *state;
	struct state s;
	char *text;
	size_t length;

	fill(&s);
	assert_int_equal(state_oci_print(&s, "created", 12, &f->a, &text, &length, &f->e), 0);
	assert_int_equal(length, strlen(text));
	assert_string_equal(text,
			    "{\"ociVersion\":\"1.3.0\",\"id\":\"some-id\",\"status\":\"created\","
			    "\"pid\":12,\"bundle\":\"/bundles/\\\\\\\"x\",\"annotations\":"
			    "{\"a.b\":\"c\\\"\\n\xc3\xa4\",\"k\":\"\"}}");
	s.annotations_count = 0;
	assert_int_equal(state_oci_print(&s, "stopped", 0, &f->a, &text, &length, &f->e), 0);
	assert_null(strstr(text, "pid"));
	assert_null(strstr(text, "annotations"));
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_directory(test_round_trip),	  in_directory(test_damaged),
		in_directory(test_damaged_table), in_directory(test_damaged_files),
		cmocka_unit_test(test_ids),	  in_directory(test_root_path),
		in_directory(test_root_open),	  in_directory(test_dirs),
		in_directory(test_lock),	  in_directory(test_list),
		in_directory(test_status),	  in_directory(test_oci),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
