/* SPDX-License-Identifier: Apache-2.0 */
/* husk sandbox, without running anything: its command line, its file, its spec, its policy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "runtime/cli/sandbox-options.h"
#include "runtime/cli/verbs.h"
#include "runtime/plan/plan-make.h"
#include "runtime/sandbox/sandbox-report.h"
#include "src/base/kernel.h"
#include "src/json/json-decode.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* ---- the command line ---- */

/* Parse words that are split at blanks. The result and the message in @e. */
static int parse(const char *line, struct sandbox *s, struct err *e)
{
	struct sandbox_options *o = arena_new(&arena, struct sandbox_options);
	char **argv = arena_new_array(&arena, 64, char *);
	int argc = 0, index = 0;

	assert_non_null(o);
	assert_non_null(argv);
	for (char *p = strtok(arena_strdup(&arena, line), " "); p; p = strtok(NULL, " "))
		argv[argc++] = p;
	if (options_parse(verb_sandbox.options, verb_sandbox.options_count, o, true, argc, argv,
			  &index, e) < 0)
		return -1;
	return sandbox_options_finish(o, argc - index, argv + index, &arena, s, e);
}

static void good(const char *line, struct sandbox *s)
{
	struct err e = { 0 };

	if (parse(line, s, &e) < 0)
		fail_msg("%s: %s", line, e.msg);
}

static void bad(const char *line, const char *text)
{
	struct sandbox s;
	struct err e = { 0 };

	if (parse(line, &s, &e) >= 0)
		fail_msg("%s was accepted", line);
	if (!strstr(e.msg, text))
		fail_msg("%s: \"%s\" is not in: %s", line, text, e.msg);
}

static void test_amounts(void **state)
{
	static const struct {
		const char *line;
		size_t offset;
		uint64_t value;
	} rows[] = {
		{ "--memory 4096 x", offsetof(struct sandbox, limits.memory_bytes), 4096 },
		{ "--memory 64K x", offsetof(struct sandbox, limits.memory_bytes), 65536 },
		{ "--memory=1.5G x", offsetof(struct sandbox, limits.memory_bytes), 3ull << 29 },
		{ "--wall-time 5 x", offsetof(struct sandbox, limits.wall_msec), 5000 },
		{ "--wall-time 250ms x", offsetof(struct sandbox, limits.wall_msec), 250 },
		{ "--wall-time 1.25s x", offsetof(struct sandbox, limits.wall_msec), 1250 },
		{ "--wall-time 2m x", offsetof(struct sandbox, limits.wall_msec), 120000 },
		{ "--cpus 2 x", offsetof(struct sandbox, limits.cpu_millis), 2000 },
		{ "--cpus 0.25 x", offsetof(struct sandbox, limits.cpu_millis), 250 },
		{ "--pids 9 --pids 8 x", offsetof(struct sandbox, limits.pids), 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sandbox s;
		struct opt_u64 value;
		good(rows[i].line, &s);
		memcpy(&value, (char *)&s + rows[i].offset, sizeof value);
		if (!value.set || value.value != rows[i].value)
			fail_msg("%s: %llu", rows[i].line, (unsigned long long)value.value);
	}
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "--memory 1Q x", "not a size" },
		{ "--memory 1.5 x", "not a size" },
		{ "--memory 99999999999999999999 x", "not a size" },
		{ "--memory 9999999999G x", "not a size" },
		{ "--wall-time 1.x x", "not a time" },
		{ "--wall-time 0 x", "more than 0" },
		{ "--cpus 1s x", "not a number" },
		{ "--pids -1 x", "not a number" },
		{ "--nice x x", "not a number" },
		{ "--bind /a", "2 words" },
		{ "--bind=/a /b x", "2 words" },
		{ "--overlay /a /b", "3 words" },
		{ "--bind /a b x", "not an absolute path" },
		{ "--perms 8 x", "octal" },
		{ "--perms 10000 x", "7777" },
		{ "--perms 700 x", "come before" },
		{ "--overlay-src /a x", "come before" },
		{ "--tmp-overlay /a x", "lowers" },
		{ "--size 1M --dir /a x", "tmpfs" },
		{ "--network lan x", "none of" },
		{ "--network user --publish 0:1 x", "publish[0]" },
		{ "--network user --publish 1:65536 x", "publish[0]" },
		{ "--network user --publish ::1:80 x", "publish[0]" },
		{ "--network user --publish 1.2.3.4/8:80 x", "publish[0]" },
		{ "--publish 80 x", "publish" },
		{ "--host-loopback x", "hostLoopback" },
		{ "--network user --allow 1.2.3.4/33 x", "allow[0]" },
		{ "--network user --allow 1.2.3 x", "allow[0]" },
		{ "--network user --allow 1.2.3.4:9-8 x", "allow[0]" },
		{ "--network user --allow 1.2.3.4:80/sctp x", "allow[0]" },
		{ "--network user --allow [::1 x", "allow[0]" },
		{ "--network user --allow ::1]:80 x", "allow[0]" },
		{ "--network bridge: x", "device name" },
		{ "--network bridge:a/b x", "device name" },
		{ "--network bridge:b --address * x", "addresses[0]" },
		{ "--network bridge:b --route default x", "routes[0]" },
		{ "--network bridge:b --route =1.2.3.4 x", "routes[0]" },
		{ "--network bridge:b --mac 02:00:00:00:00:0g x", "mac" },
		{ "--route default=1.2.3.4 x", "routes" },
		{ "--allow ::1 x", "loopback" },
		{ "--address-families unix,,inet x", "addressFamilies[1]" },
		{ "--address-families unix,none x", "stands alone" },
		{ "--address-families AF_INET x", "is no family" },
		{ "--report-format xml x", "none of" },
		{ "--gate wide x", "none of" },
		{ "--rlimit nofile x", "NAME=SOFT" },
		{ "--rlimit nofile=a x", "neither" },
		{ "--rlimit nofile=2:1 x", "above" },
		{ "--rlimit files=2 x", "unknown resource" },
		{ "--swap 1M x", "--memory" },
		{ "-t --output-limit 1M x", "terminal" },
		{ "--no-report --report x x", "too" },
		{ "--chdir here x", "absolute" },
		{ "--file 99 /a x", "not an open descriptor" },
		{ "--no-such x", "unknown option" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		bad(rows[i].line, rows[i].text);
}

/* ---- the file ---- */

static const char *print(const struct sandbox *s)
{
	const char *text;
	size_t length;
	struct err e = { 0 };

	if (sandbox_print(s, &arena, &text, &length, &e) < 0)
		fail_msg("print: %s", e.msg);
	return text;
}

static void test_round_trip(void **state)
{
	static const char *const lines[] = {
		"true",
		"-- sh -c x",
		"--bind /a /b --ro-bind-try /c /d --dev-bind /e /f --tmpfs /t --hide /h --rw /r "
		"true",
		"--perms 700 --size 1M --inodes 5 --tmpfs /t --perms 600 --dir /d --chmod 4755 /x "
		"true",
		"--overlay-src /a --overlay-src /b --overlay /u /w /o --overlay-src /c "
		"--ro-overlay /p x",
		"--symlink a /b --mqueue /q --proc /p --dev /d --remount-ro /t --rootfs /r x",
		"--uid 1 --gid 0 --hostname h --setenv A 1 --unsetenv B --keepenv C --clearenv x",
		"--network host --policy none --gate entry --no-landlock -t --best-effort x",
		"--network user --publish 80 --publish [::1]:80:8080/udp --allow ::1 --allow "
		"*:53/udp --host-loopback --address-families inet6,unix --address-families inet x",
		"--network bridge:b --address 1.2.3.4/8 --route default=1.2.3.5 --mac "
		"02:00:00:00:00:01 --mtu 1400 x",
		"--network /proc/1/ns/net --report fd:3 --report-format text --status-fd 4 x",
		"--wall-time 1s --cpu-time 2s --memory 1M --swap 2M --pids 3 --cpus 0.5 --cpu-set "
		"0-1 x",
		"--nice -5 --output-limit 1K --file-size 1 --open-files 2 --stack 3 --core 4 x",
		"--address-space 5M --tmp-size 6 --tmp-inodes 7 --rlimit nofile=8:9 --rlimit "
		"as=unlimited x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct sandbox s, again = { 0 };
		struct err e = { 0 };
		good(lines[i], &s);
		const char *text = print(&s);
		if (sandbox_parse("file", text, strlen(text), &arena, &again, &e) < 0)
			fail_msg("%s: %s", lines[i], e.msg);
		assert_string_equal(print(&again), text);
	}
}

static unsigned unprinted;

static void try_field(void *ctx, const char *path, const struct json_field *field)
{
	(void)ctx;
	(void)path;
	switch (field->kind) {
	case JSON_AS_BOOL:
	case JSON_AS_STRING:
	case JSON_AS_STRINGS:
	case JSON_AS_OPT_U64:
	case JSON_AS_OPT_U32:
	case JSON_AS_OPT_I32:
	case JSON_AS_ENUM:
	case JSON_AS_KEY_VALUES:
	case JSON_AS_LIST:
	case JSON_AS_OBJECT:
		return;
	default:
		unprinted++;
	}
}

/* Printing and laying over know only these kinds of rows. */
static void test_kinds(void **state)
{
	(void)state;
	json_table_walk(&sandbox_table, "", try_field, NULL);
	assert_int_equal(unprinted, 0);
}

static void test_merge(void **state)
{
	struct sandbox file, over;
	struct err e = { 0 };

	(void)state;
	good("--hostname a --setenv A 1 --setenv B 2 --memory 1M --pids 3 --tmpfs /a sh -c x",
	     &file);
	good("--hostname b --setenv B 3 --pids 4 --tmpfs /b true", &over);
	assert_int_equal(sandbox_merge(&file, &over, &arena, &e), 0);
	assert_string_equal(file.hostname, "b");
	assert_int_equal(file.command.count, 1);
	assert_string_equal(file.command.items[0], "true");
	assert_null(file.command.items[1]);
	assert_int_equal(file.limits.memory_bytes.value, 1 << 20);
	assert_int_equal(file.limits.pids.value, 4);
	assert_int_equal(file.places_count, 2);
	assert_string_equal(file.places[1].destination, "/b");
	assert_int_equal(file.environment_count, 2);
	assert_string_equal(file.environment[0].key, "A");
	assert_string_equal(file.environment[1].value, "3");
}

static void test_file_errors(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "{\"command\": \"x\"}", "file:1: command: expected" },
		{ "{\n\"nonsense\": 1}", "nonsense" },
		{ "{\"limits\": {\"memoryBytes\": \"1M\"}}", "limits.memoryBytes: expected" },
		{ "{\"limits\": {\"nice\": 20}}", "limits.nice" },
		{ "{\"places\": [{\"operation\": \"bend\", \"destination\": \"/a\"}]}", "bend" },
		{ "{\"places\": [{\"operation\": \"dir\"}]}", "places[0]: property \"destination\"" },
		{ "{\"network\": \"lan\"}", "network" },
		{ "{\"command\": [\"x\"], \"command\": [\"y\"]}", "command" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sandbox s = { 0 };
		struct err e = { 0 };
		if (sandbox_parse("file", rows[i].text, strlen(rows[i].text), &arena, &s, &e) >= 0)
			fail_msg("%s was accepted", rows[i].text);
		if (!strstr(e.msg, rows[i].message))
			fail_msg("%s: %s", rows[i].text, e.msg);
	}
}

/* ---- the spec ---- */

static char search_path[] = "PATH=/bin", secret[] = "SECRET=1", locale[] = "LC_ALL=C", bin_link[] = "usr/bin";
static char *host_environ[] = { search_path, secret, locale, NULL };

static struct sandbox_host a_host(void)
{
	return (struct sandbox_host){
		.uid = 1000,
		.gid = 100,
		.cwd = "/home/u/work",
		.home = "/home/u",
		.environ = host_environ,
		.landlock = 5,
		.dirs = {
			{ "/usr", true, NULL }, { "/etc", true, NULL },
			{ "/bin", true, bin_link }, { "/sbin", false, NULL },
			{ "/lib", true, NULL }, { "/lib32", false, NULL },
			{ "/lib64", false, NULL }, { "/libx32", false, NULL },
		},
	};
}

static struct sandbox_made make(const char *line, const struct sandbox_host *host)
{
	struct sandbox_made made;
	struct sandbox s;
	struct err e = { 0 };

	good(line, &s);
	if (sandbox_spec_make(&s, host, &arena, &made, &e) < 0)
		fail_msg("%s: %s", line, e.msg);
	return made;
}

static void refused(const char *line, const struct sandbox_host *host, const char *text)
{
	struct sandbox_made made;
	struct sandbox s;
	struct err e = { 0 };

	good(line, &s);
	if (sandbox_spec_make(&s, host, &arena, &made, &e) >= 0)
		fail_msg("%s was accepted", line);
	if (!strstr(e.msg, text))
		fail_msg("%s: %s", line, e.msg);
}

/* The last mount at @path, or NULL. */
static const struct spec_mount *mount_at(const struct spec *s, const char *path)
{
	const struct spec_mount *found = NULL;

	for (size_t i = 0; i < s->mounts_count; i++) {
		if (strcmp(s->mounts[i].destination, path) == 0)
			found = &s->mounts[i];
	}
	return found;
}

static void test_default_view(void **state)
{
	struct sandbox_host h = a_host();
	const struct spec *s = make("true", &h).spec;

	(void)state;
	assert_true(s->root->readonly);
	assert_null(s->root->path);
	assert_true(mount_at(s, "/usr")->rec_attr_set & MOUNT_ATTR_RDONLY);
	assert_true(mount_at(s, "/etc")->rec_attr_set & MOUNT_ATTR_NODEV);
	assert_int_equal(mount_at(s, "/bin")->make, SPEC_MAKE_SYMLINK);
	assert_null(mount_at(s, "/sbin"));
	assert_string_equal(mount_at(s, "/home/u")->type, "tmpfs");
	assert_true(mount_at(s, "/home/u/work")->rec_attr_set & MOUNT_ATTR_RDONLY);
	assert_true(mount_at(s, "/proc")->attr_set & MOUNT_ATTR_RDONLY);
	assert_string_equal(s->process->cwd, "/home/u/work");
	assert_int_equal(s->process->user.uid, 1000);
	assert_int_equal(s->process->env.count, 2);
	assert_true(s->process->no_new_privileges);
	assert_int_equal(s->process->capabilities->bounding, 0);
	assert_int_equal(s->linux_config->namespaces_count, 7);
	assert_true(s->sandbox->landlock && s->sandbox->reaper && s->sandbox->die_with_parent);
}

static void test_working_directories(void **state)
{
	static const struct {
		const char *cwd, *inside;
		bool shown;
	} rows[] = {
		{ "/srv/x", "/srv/x", true },
		{ "/tmp/x", "/tmp/x", true },
		{ "/usr/lib", "/usr/lib", false },
		{ "/home/u", "/home/u", false },
		{ "/home", "/", false },
		{ "/", "/", false },
		{ "/proc/1", "/", false },
		{ "/tmp", "/tmp", false },
		{ "/home/user2", "/home/user2", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sandbox_host h = a_host();
		h.cwd = rows[i].cwd;
		const struct spec *s = make("true", &h).spec;
		const struct spec_mount *m = mount_at(s, rows[i].cwd);
		if (strcmp(s->process->cwd, rows[i].inside) != 0)
			fail_msg("%s: starts in %s", rows[i].cwd, s->process->cwd);
		if ((m && m->bind && m->source[0]) != rows[i].shown &&
		    strcmp(rows[i].cwd, "/usr/lib"))
			fail_msg("%s: shown or not", rows[i].cwd);
	}
}

static const struct spec_rlimit *rlimit_of(const struct spec *s, int resource)
{
	for (size_t i = 0; i < s->process->rlimits_count; i++) {
		if (s->process->rlimits[i].resource == resource)
			return &s->process->rlimits[i];
	}
	return NULL;
}

static void test_limits_without_group(void **state)
{
	struct sandbox_host h = a_host();
	struct sandbox_made made;

	(void)state;
	refused("--memory 1M true", &h, "control group");
	refused("--cpus 1 true", &h, "control group");
	made = make("--pids 5 --cpu-time 1500ms true", &h);
	assert_false(made.cgroup);
	assert_int_equal(rlimit_of(made.spec, RLIMIT_NPROC)->hard, 6);
	assert_int_equal(rlimit_of(made.spec, RLIMIT_CPU)->soft, 2);
	assert_int_equal(rlimit_of(made.spec, RLIMIT_CORE)->hard, 1);
	assert_int_equal(made.weakened.count, 2);
	made = make("--best-effort --memory 1M true", &h);
	assert_int_equal(rlimit_of(made.spec, RLIMIT_AS)->hard, 1 << 20);
	assert_int_equal(made.weakened.count, 1);
	/* The kernel holds its own root to no number of processes. */
	h.uid = 0;
	refused("--pids 5 true", &h, "control group");
}

static void test_limits_with_group(void **state)
{
	struct sandbox_host h = a_host();
	struct sandbox_made made;

	(void)state;
	h.cgroup = h.swap = true;
	made = make("--memory 1M --swap 2M --pids 5 --cpus 0.5 true", &h);
	assert_true(made.cgroup);
	assert_null(rlimit_of(made.spec, RLIMIT_NPROC));
	const struct spec_resources *r = made.spec->linux_config->resources;
	assert_int_equal(r->memory->limit_bytes.value, 1 << 20);
	assert_int_equal(r->memory->swap_bytes.value, 3 << 20);
	assert_int_equal(r->pids_limit.value, 6);
	assert_int_equal(r->cpu->quota_usec.value, 50000);
	assert_int_equal(made.weakened.count, 0);
	assert_false(make("true", &h).cgroup);
	assert_true(make("--report x true", &h).cgroup);
}

/* ---- the plan ---- */

static void test_plan(void **state)
{
	struct sandbox_host h = a_host();
	struct host facts = { .euid = 1000, .egid = 100, .initial_userns = true, .landlock = 5 };
	struct plan plan;
	struct err e = { 0 };
	struct plan_request r = {
		.host = &facts, .arena = &arena, .id = "s", .bundle = "/", .cgroup_disabled = true
	};

	(void)state;
	r.spec = make("--cpu-set 0 --rw /srv true", &h).spec;
	if (plan_make(&r, &plan, &e) < 0)
		fail_msg("%s", e.msg);
	assert_null(plan.rootfs.path);
	assert_non_null(plan.rootfs.tmpfs_data);
	assert_true(plan.namespaces.keep_ids && plan.namespaces.setgroups_deny);
	assert_string_equal(plan.namespaces.uid_map, "1000 1000 1\n");
	assert_true(plan.process.reaper && plan.process.die_with_parent);
	assert_non_null(plan.process.affinity_final);
	assert_false(plan.rootfs.parent_source);
	assert_int_equal(plan.landlock.version, 5);
	assert_false(plan.landlock.root_writable);
	bool srv = false;
	for (size_t i = 0; i < plan.landlock.writable_count; i++) {
		assert_string_not_equal(plan.landlock.writable[i], "/usr");
		assert_string_not_equal(plan.landlock.writable[i], "/proc");
		srv |= strcmp(plan.landlock.writable[i], "/srv") == 0;
	}
	assert_true(srv);
	/* What belongs to the host never becomes writable for a moment. */
	for (size_t i = 0; i < plan.rootfs.mounts_count; i++)
		assert_false(plan.rootfs.mounts[i].late_readonly);
}

/* ---- the report ---- */

static void test_report(void **state)
{
	struct sandbox_report r = { .verdict = SANDBOX_SIGNALLED,
				    .ended = true,
				    .wait_status = 11,
				    .wall_usec = 5000,
				    .memory_peak_bytes = 2048 };
	const char *text;
	size_t length;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(sandbox_report_print(&r, SANDBOX_FORMAT_JSON, &arena, &text, &length, &e),
			 0);
	assert_int_equal(strlen(text), length);
	assert_non_null(
		strstr(text, "\"verdict\":\"signalled\",\"signal\":11,\"signalName\":\"SIGSEGV\""));
	assert_int_equal(sandbox_report_print(&r, SANDBOX_FORMAT_TEXT, &arena, &text, &length, &e),
			 0);
	assert_non_null(strstr(text, "SIGSEGV"));
	assert_non_null(strstr(text, "5 ms"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amounts),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_default_view),
		cmocka_unit_test(test_working_directories),
		cmocka_unit_test(test_limits_without_group),
		cmocka_unit_test(test_limits_with_group),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_report),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
