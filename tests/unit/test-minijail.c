/* SPDX-License-Identifier: Apache-2.0 */
/* minijail0's command line, without running anything: words, files, values, what it means as a spec. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/minijail/minijail.h"
#include "runtime/plan/plan-make.h"
#include "src/base/kernel.h"

static struct arena arena;
static char directory[] = "/tmp/test-minijail.XXXXXX";
static char passwd[64], group[64];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static int group_setup(void **state)
{
	(void)state;
	if (!mkdtemp(directory))
		return -1;
	snprintf(passwd, sizeof passwd, "%s/passwd", directory);
	snprintf(group, sizeof group, "%s/group", directory);
	write_file(passwd, "root:x:0:0::/:/bin/sh\nweb:x:33:44::/:/bin/sh\n12:x:0:0::/:\n");
	write_file(group, "web:x:44:\nlog:x:55:root,web\nother:x:66:root\n12:x:0:\n");
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	unlink(passwd);
	unlink(group);
	return rmdir(directory);
}

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

/* Words that are split at blanks; "~" in them stands for one. */
static int parse(const char *line, struct minijail *m, struct err *e)
{
	char **argv = arena_new_array(&arena, 64, char *);
	int argc = 0;

	*m = (struct minijail){ 0 };
	assert_non_null(argv);
	for (char *p = strtok(arena_strdup(&arena, line), " "); p; p = strtok(NULL, " ")) {
		for (char *c = p; *c; c++)
			*c = *c == '~' ? ' ' : *c;
		argv[argc++] = p;
	}
	return minijail_parse(argv, &arena, m, e) < 0 ? -1 : minijail_check(m, e);
}

static char *no_environment[] = { (char *)"HOME=/h", (char *)"A=1", NULL };

static struct minijail_host host(void)
{
	const uint64_t all = (1ull << CRED_CAP_COUNT) - 1;
	struct minijail_host h = {
		.uid = 1000,
		.gid = 1001,
		.caps = { all, all, all, 0, 0 },
		.caps_known = all,
		.cwd = "/somewhere",
		.environ = no_environment,
		.passwd = passwd,
		.groups = group,
	};

	return h;
}

static int make(const char *line, struct minijail_made *made, struct err *e)
{
	struct minijail *m = arena_new(&arena, struct minijail);
	struct minijail_host h = host();

	assert_non_null(m);
	if (parse(line, m, e) < 0)
		return -1;
	return minijail_spec_make(m, &h, &arena, made, e);
}

static struct spec *good(const char *line)
{
	struct minijail_made made;
	struct err e = { 0 };

	if (make(line, &made, &e) < 0)
		fail_msg("%s: %s", line, e.msg);
	return made.spec;
}

static void bad(const char *line, const char *text)
{
	struct minijail_made made;
	struct err e = { 0 };

	if (make(line, &made, &e) >= 0)
		fail_msg("%s was accepted", line);
	if (!strstr(e.msg, text))
		fail_msg("%s: \"%s\" is not in: %s", line, text, e.msg);
}

/* ---- words ---- */

static void test_words(void **state)
{
	struct minijail m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(
		parse("-vpru12 -t -t5M -e --uts=h --mount none,/m,tmpfs -k=a,/b,c x -u 3", &m, &e),
		0);
	assert_true(m.mount_namespace && m.pid && m.proc_readonly);
	assert_string_equal(m.user, "12");
	assert_string_equal(m.tmp.value, "5M");
	assert_true(m.net.given && !m.net.value);
	assert_string_equal(m.uts.value, "h");
	assert_int_equal(m.mounts.count, 2);
	assert_string_equal(m.mounts.items[1], "k=a,/b,c");
	assert_string_equal(m.command[0], "x");
	assert_string_equal(m.command[2], "3");
	/* Without a value the next word is not taken. */
	assert_int_equal(parse("-t 5M", &m, &e), 0);
	assert_string_equal(m.command[0], "5M");
	assert_int_equal(parse("--uts name", &m, &e), 0);
	assert_string_equal(m.command[0], "name");
	/* What only one name starts with. */
	assert_int_equal(parse("--amb -c 0 x", &m, &e), 0);
	assert_true(m.ambient);
	assert_int_equal(parse("- -u", &m, &e), 0);
	assert_string_equal(m.command[0], "-");
}

static void test_mistakes(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "-q x", "-q" },
		{ "-vq x", "-q" },
		{ "--fs-path x", "ambiguous" },
		{ "--env x", "ambiguous" },
		{ "-u", "needs an argument" },
		{ "-vu", "needs an argument" },
		{ "--config", "needs an argument" },
		{ "--help=x", "no argument" },
		{ "-u 1 -u 2 x", "before" },
		{ "-u 4294967295 x", "beyond" },
		{ "-u nobody-here x", "no such user" },
		{ "-g nobody-here x", "no such group" },
		{ "-G x", "name" },
		{ "-G -u 33 x", "name" },
		{ "-s -S p x", "exclude" },
		{ "-C /a -P /b x", "exclude" },
		{ "-a t x", "ChromeOS" },
		{ "-v -b a,/b x", "absolute" },
		{ "-v -b /a,/b,2 x", "0 or 1" },
		{ "-b /a x", "needs -C" },
		{ "-k a,/b,c x", "needs -v" },
		{ "-v -k a,/b x", "is not" },
		{ "-v -k a,/b,c,MS_MOVE x", "cannot be set" },
		{ "-v -k /a,/b,c,MS_BIND,data x", "data" },
		{ "-v -k /a,/,none,MS_REMOUNT x", "root" },
		{ "-v -k a,/,ext4 x", "tmpfs" },
		{ "-Kslave x", "-v" },
		{ "-v -Kx x", "none of" },
		{ "-t1Q x", "size" },
		{ "-t99999999999999999G x", "size" },
		{ "-R RLIMIT_NOFILE,1 x", "is not" },
		{ "-R NOFILE,1,1 x", "no limit" },
		{ "-R 16,1,1 x", "no limit" },
		{ "-R 7,2,1 x", "above" },
		{ "-m0~0 x", "lower id" },
		{ "-c nothing x", "neither" },
		{ "-c cap_kill x", "neither" },
		{ "-c cap_kill=x x", "neither" },
		{ "-c 1 -B q x", "hexadecimal" },
		{ "-c 20000000000 x", "does not have" },
		{ "-T some x", "static" },
		{ "-c 1 -T static x", "--ambient" },
		{ "--env-add A x", "<name>" },
		{ "--preserve-fd -1 x", "not a number" },
		{ "--landlock-abi 0 x", "1 to" },
		{ "--no-fs-restrictions --fs-path-ro / x", "excludes" },
		{ "-v", "no program" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		bad(rows[i].line, rows[i].text);
}

/* Every option has its own word, and the one that it stores into is inside of the struct. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < minijail_options_count; i++) {
		const struct minijail_option *o = &minijail_options[i];
		assert_true(o->letter || *o->name);
		assert_true(o->offset < sizeof(struct minijail));
		assert_true(strlen(o->help) < sizeof o->help - 1 && *o->help);
		if (o->letter)
			assert_ptr_equal(minijail_option_of_letter(o->letter), o);
		if (*o->name)
			assert_ptr_equal(minijail_option_of_name(o->name, strlen(o->name), true),
					 o);
	}
}

/* ---- files ---- */

static int read_text(const char *text, struct minijail *m, struct err *e)
{
	*m = (struct minijail){ 0 };
	return minijail_config_parse("f", arena_strdup(&arena, text), &arena, m, e);
}

#define HEAD "% minijail-config-file v0\n"

static void test_file(void **state)
{
	struct minijail m;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(read_text(HEAD "\n# u = 1\n  u  =  web \nbind-mount = /a,\\\n/b\nn\n"
					"ns-mount\nt=1M\nenv-add = A=b = c\nuts",
				   &m, &e),
			 0);
	assert_string_equal(m.user, "web");
	assert_string_equal(m.mounts.items[0], "b/a, /b");
	assert_true(m.no_new_privs && m.mount_namespace && m.uts.given);
	assert_string_equal(m.tmp.value, "1M");
	assert_string_equal(m.environment.items[0], "A=b = c");
	assert_false(m.in_config);
}

static void test_file_mistakes(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{ "", "f:1: the first line" },
		{ "% minijail-config-file v1\n", "f:1:" },
		{ " % minijail-config-file v0\n", "f:1:" },
		{ HEAD "nonsense\n", "f:2: unknown" },
		{ HEAD "\n\nq = 1\n", "f:4: unknown" },
		{ HEAD "u\\\n=\\\n1\nu = 2", "f:5: -u: was given" },
		{ HEAD "= 1\n", "f:2: unknown" },
		{ HEAD "u = \n", "f:2: u: there is no value" },
		{ HEAD "u\n", "f:2: u: needs" },
		{ HEAD "v = 1\n", "f:2: v: takes no" },
		{ HEAD "env = A=1\n", "f:2: unknown" },
		{ HEAD "config = /x\n", "f:2: --config" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct minijail m;
		struct err e = { 0 };
		if (read_text(rows[i].text, &m, &e) == 0)
			fail_msg("%s was accepted", rows[i].text);
		if (!strstr(e.msg, rows[i].message))
			fail_msg("%s: \"%s\" is not in: %s", rows[i].text, rows[i].message, e.msg);
	}
}

/* ---- values ---- */

static void test_caps(void **state)
{
	const uint64_t all = 0x1ff;
	const struct {
		const char *text;
		uint64_t caps;
	} rows[] = {
		{ "0", 0 },
		{ "0x12", 0x12 },
		{ "1f", 0x1f },
		{ "=", 0 },
		{ "=e", all },
		{ "all=ep", all },
		{ "all=p", 0 },
		{ "cap_chown=eip", 1 },
		{ "CAP_CHOWN,cap_kill+e", 0x21 },
		{ "=ep cap_chown-e", all & ~1ull },
		{ "cap_chown=ep cap_chown=p", 0 },
		{ "cap_chown+p+e", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint64_t caps = ~0ull;
		struct err e = { 0 };
		if (minijail_caps_parse(rows[i].text, all, &caps, &e) < 0)
			fail_msg("%s: %s", rows[i].text, e.msg);
		if (caps != rows[i].caps)
			fail_msg("%s: %llx", rows[i].text, (unsigned long long)caps);
	}
}

static void test_numbers(void **state)
{
	uint64_t n;
	struct err e = { 0 };

	(void)state;
	assert_int_equal(minijail_bytes_parse("3K", &n), 0);
	assert_int_equal(n, 3072);
	assert_int_equal(minijail_bytes_parse("7", &n), 0);
	assert_int_equal(n, 7);
	assert_int_equal(minijail_bytes_parse("16E", &n), -1);
	assert_int_equal(minijail_bytes_parse("-1", &n), -1);
	assert_int_equal(minijail_bytes_parse("1KB", &n), -1);
	assert_int_equal(minijail_number_parse("0x1f", &n), 0);
	assert_int_equal(n, 31);
	assert_int_equal(minijail_number_parse(" 1", &n), -1);
	assert_int_equal(minijail_number_parse("99999999999999999999", &n), -1);
	assert_int_equal(minijail_mount_flags_parse("MS_BIND|0x1|MS_REC", &n, &e), 0);
	assert_int_equal(n, MS_BIND | MS_RDONLY | MS_REC);
	assert_int_equal(minijail_mount_flags_parse("MS_BIND|", &n, &e), -1);
	assert_int_equal(minijail_mount_flags_parse("bind", &n, &e), -1);
}

/* ---- what it means ---- */

static void test_nothing(void **state)
{
	struct spec *s = good("x");
	const struct spec_inherit *i = &s->sandbox->inherit;

	(void)state;
	assert_int_equal(s->linux_config->namespace_types, 0);
	assert_null(s->root);
	assert_true(i->root && i->uid && i->gid && i->directory && i->capabilities &&
		    i->environment && i->signals && !i->session);
	assert_true(s->process->no_new_privileges);
	assert_true(s->extensions.keep_original_groups);
	assert_int_equal(s->process->env.count, 2);
	assert_false(good("--no-default-runtime-environment x")->process->no_new_privileges);
	assert_false(good("-T static -S p x")->process->no_new_privileges);
}

static void test_implied(void **state)
{
	const unsigned long mounts = CLONE_NEWNS, pid = CLONE_NEWPID, user = CLONE_NEWUSER;
	const struct {
		const char *line;
		unsigned long types;
	} rows[] = {
		{ "-v x", mounts },
		{ "-r x", mounts },
		{ "-t x", mounts },
		{ "-d x", mounts },
		{ "-P / x", mounts },
		{ "-C / x", 0 },
		{ "-C / -b /a x", mounts },
		{ "-p x", mounts | pid },
		{ "-I x", mounts | pid },
		{ "-U x", mounts | pid | user },
		{ "-m x", mounts | pid | user },
		{ "-M x", mounts | pid | user },
		{ "-l -N -e --uts x",
		  CLONE_NEWIPC | CLONE_NEWCGROUP | CLONE_NEWNET | CLONE_NEWUTS },
		{ "--profile minimalistic-mountns x", mounts },
		{ "-V /n x", mounts },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (good(rows[i].line)->linux_config->namespace_types != rows[i].types)
			fail_msg("%s", rows[i].line);
	}
	assert_true(good("-p x")->sandbox->reaper);
	assert_false(good("-I x")->sandbox->reaper);
	assert_false(good("-i x")->sandbox->die_with_parent);
}

static void test_users(void **state)
{
	struct spec *s = good("-u web x");

	(void)state;
	assert_int_equal(s->process->user.uid, 33);
	assert_true(s->sandbox->inherit.gid && !s->sandbox->inherit.uid);
	assert_false(s->extensions.keep_original_groups);
	assert_int_equal(s->process->user.additional_gids_count, 0);
	/* Digits are no name. */
	assert_int_equal(good("-u 12 -g 12 x")->process->user.uid, 12);
	assert_int_equal(good("-u 12 -g 12 x")->process->user.gid, 12);
	s = good("-u web -G x");
	assert_int_equal(s->process->user.additional_gids_count, 2);
	assert_int_equal(s->process->user.additional_gids[0], 44);
	assert_int_equal(s->process->user.additional_gids[1], 55);
	s = good("-m -M x");
	assert_int_equal(s->linux_config->uid_mappings[0].container_id, 0);
	assert_int_equal(s->linux_config->uid_mappings[0].host_id, 1000);
	assert_int_equal(s->linux_config->gid_mappings[0].host_id, 1001);
	s = good("-m0~5~1,1~9~7 -u 3 x");
	assert_int_equal(s->linux_config->uid_mappings_count, 2);
	assert_int_equal(s->linux_config->uid_mappings[1].size, 7);
	assert_int_equal(s->process->user.uid, 3);
	assert_int_equal(s->linux_config->gid_mappings_count, 0);
}

static void test_mounts(void **state)
{
	struct spec *s = good("-P /r -b /a,/b -k n,/c,tmpfs -d -t -r x");

	(void)state;
	/* /dev and what is in it, then the two in their order, /tmp, /proc. */
	assert_string_equal(s->mounts[0].destination, "/dev");
	size_t n = s->mounts_count;
	assert_string_equal(s->mounts[n - 1].destination, "/proc");
	assert_string_equal(s->mounts[n - 2].destination, "/tmp");
	assert_string_equal(s->mounts[n - 3].destination, "/c");
	assert_string_equal(s->mounts[n - 3].data, "mode=0755,size=10M");
	assert_int_equal(s->mounts[n - 3].attr_set,
			 MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	assert_string_equal(s->mounts[n - 4].source, "/a");
	assert_int_equal(s->mounts[n - 4].attr_set, MOUNT_ATTR_RDONLY);
	assert_string_equal(s->root->path, "/r");
	s = good("-P r -b /a,/b,1 -k n,/c,tmpfs,0x1,size=1,mode=7 -b /z,/ -b /y x");
	/* What replaces the root covers what came before. */
	assert_int_equal(s->mounts_count, 1);
	assert_string_equal(s->mounts[0].destination, "/y");
	assert_string_equal(s->root->path, "/z");
	assert_true(s->sandbox->root_alone);
	assert_int_equal(s->sandbox->root_attrs, MOUNT_ATTR_RDONLY);
	assert_string_equal(good("-C r x")->root->path, "/somewhere/r");
	s = good("-v -k n,/c,tmpfs,0x1,size=1,mode=7 x");
	assert_string_equal(s->mounts[0].data, "size=1,mode=7");
	assert_string_equal(s->root->path, "/");
	assert_int_equal(s->linux_config->rootfs_propagation, MS_SLAVE | MS_REC);
}

static void test_capability_sets(void **state)
{
	struct spec *s = good("-c 400 x");
	const struct spec_capabilities *c = s->process->capabilities;

	(void)state;
	assert_true(c->bounding == 0x400 && c->ambient == 0x400 && c->permitted == 0x400);
	assert_int_equal(s->sandbox->securebits & SECBIT_NOROOT_LOCKED, SECBIT_NOROOT_LOCKED);
	s = good("-c 400 -B 3 x");
	assert_int_equal(s->sandbox->securebits & (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED), 0);
	assert_true(s->process->capabilities->bounding > 0x400);
	/* Who changes the user under a filter without no_new_privs needs a right until it is there. */
	s = good("-T static -u 5 -S p x");
	assert_non_null(s->process->capabilities);
	assert_int_equal(s->process->capabilities->permitted, 0);
	assert_null(good("-T static -u 5 -n -S p x")->process->capabilities);
	/* At the entry it is too late for that. */
	assert_true(good("-u 5 -S p x")->process->no_new_privileges);
	assert_true(good("-c 400 -u 0 -S p x")->process->no_new_privileges);
	assert_false(good("-u 0 -S p x")->process->no_new_privileges);
	assert_false(good("-T static -u 5 -S p x")->process->no_new_privileges);
}

static void test_environment(void **state)
{
	struct spec *s = good("--env-add A=2 --env-add B=3 x");

	(void)state;
	assert_int_equal(s->process->env.count, 3);
	assert_string_equal(s->process->env.items[1], "A=2");
	s = good("--env-add A=2 --env-reset --env-add C=1 --env-add C=2 x");
	assert_int_equal(s->process->env.count, 1);
	assert_string_equal(s->process->env.items[0], "C=2");
}

/* ---- the plan ---- */

static struct plan plan_of(const char *line)
{
	const uint64_t all = (1ull << CRED_CAP_COUNT) - 1;
	struct host facts = {
		.euid = 0,
		.initial_userns = true,
		.mounts_owned = true,
		.caps = { all, all, all, 0, 0 },
		.caps_known = all,
		.ignored_signals = 5,
		.landlock = 3,
	};
	struct plan_request r = {
		.host = &facts,
		.arena = &arena,
		.id = "m",
		.bundle = "/",
		.cgroup_disabled = true,
		.no_new_keyring = true,
		.spec = good(line),
	};
	struct err e = { 0 };
	struct plan plan;

	if (plan_make(&r, &plan, &e) < 0)
		fail_msg("%s: %s", line, e.msg);
	return plan;
}

/* What no option asks for is not done at all. */
static void test_plan(void **state)
{
	struct plan p = plan_of("x");

	(void)state;
	assert_int_equal(p.namespaces.types, 0);
	assert_null(p.rootfs.path);
	assert_null(p.rootfs.tmpfs_data);
	assert_int_equal(p.rootfs.mounts_count + p.rootfs.devices_count + p.rootfs.symlinks_count,
			 0);
	assert_null(p.process.cwd);
	assert_int_equal(p.process.uid, UINT32_MAX);
	assert_int_equal(p.process.gid, UINT32_MAX);
	assert_int_equal(p.process.groups_mode, CRED_GROUPS_KEEP);
	assert_false(p.process.caps_set || p.process.set_home || p.process.new_keyring ||
		     p.process.reaper || p.cgroup.enabled || p.loopback_up);
	assert_int_equal(p.process.reset_signals, 0);
	assert_int_equal(p.landlock.version, 0);
	assert_null(p.hostname);
	/* Other mounts: where the caller is, as far as it is there. */
	p = plan_of("-v x");
	assert_string_equal(p.rootfs.path, "/");
	assert_string_equal(p.process.cwd, "/somewhere");
	assert_true(p.process.cwd_or_root);
	assert_false(plan_of("-P /r x").process.cwd_or_root);
	p = plan_of("--fs-path-ro /a --landlock-abi 5 x");
	assert_int_equal(p.landlock.rules_count, 1);
	assert_int_equal(p.landlock.version, 3);
	p = plan_of("-U x");
	assert_true(p.namespaces.new_user && p.namespaces.keep_ids);
	assert_int_equal(p.namespaces.uid_maps_count + p.namespaces.gid_maps_count, 0);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(test_words),	EACH(test_mistakes),	  EACH(test_table),
		EACH(test_file),	EACH(test_file_mistakes), EACH(test_caps),
		EACH(test_numbers),	EACH(test_nothing),	  EACH(test_implied),
		EACH(test_users),	EACH(test_mounts),	  EACH(test_capability_sets),
		EACH(test_environment), EACH(test_plan),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
