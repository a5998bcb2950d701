/* SPDX-License-Identifier: Apache-2.0 */
/* Mount options become flags of the kernel, idmaps, and data for the file system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/mount.h>
#include <stdio.h>
#include <string.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct loaded {
	struct arena arena;
	struct spec *spec;
	struct err err;
};

static void load_text(struct loaded *l, const char *text)
{
	*l = (struct loaded){ 0 };
	arena_init(&l->arena, 0);
	if (spec_parse("c", text, strlen(text), &l->arena, &l->spec, &l->err) < 0)
		fail_msg("%s", l->err.msg);
}

static const struct spec_mount *load_mount(struct loaded *l, const char *mount)
{
	char text[2048];

	snprintf(text, sizeof text,
		 "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}, \"mounts\": [%s],"
		 "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}],"
		 "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 500, \"size\": 1},"
		 "{\"containerID\": 1, \"hostID\": 2002, \"size\": 1000}],"
		 "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1000}]}}",
		 mount);
	load_text(l, text);
	return &l->spec->mounts[0];
}

/* A bind mount with these options. */
static const struct spec_mount *load_options(struct loaded *l, const char *options)
{
	char text[1024];

	snprintf(text, sizeof text,
		 "{\"destination\": \"/d\", \"source\": \"/s\", \"options\": [%s]}", options);
	return load_mount(l, text);
}

#define ATIME MOUNT_ATTR__ATIME

static const struct {
	const char *options;
	uint64_t set, clear, rec_set, rec_clear;
	unsigned long super_set, super_clear;
} attribute_rows[] = {
	{ "", 0, 0, 0, 0, 0, 0 },
	{ "\"defaults\"", 0, 0, 0, 0, 0, 0 },
	{ "\"ro\"", MOUNT_ATTR_RDONLY, 0, 0, 0, MS_RDONLY, 0 },
	{ "\"rw\"", 0, MOUNT_ATTR_RDONLY, 0, 0, 0, MS_RDONLY },
	{ "\"ro\", \"rw\"", 0, MOUNT_ATTR_RDONLY, 0, 0, 0, MS_RDONLY },
	{ "\"rw\", \"ro\"", MOUNT_ATTR_RDONLY, 0, 0, 0, MS_RDONLY, 0 },
	{ "\"nosuid\", \"nodev\", \"noexec\", \"nosymfollow\", \"nodiratime\"",
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW |
		  MOUNT_ATTR_NODIRATIME,
	  0, 0, 0, 0, 0 },
	{ "\"suid\", \"dev\", \"exec\", \"symfollow\", \"diratime\"", 0,
	  MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW |
		  MOUNT_ATTR_NODIRATIME,
	  0, 0, 0, 0 },
	{ "\"noatime\"", MOUNT_ATTR_NOATIME, ATIME, 0, 0, 0, 0 },
	{ "\"strictatime\"", MOUNT_ATTR_STRICTATIME, ATIME, 0, 0, 0, 0 },
	{ "\"relatime\"", 0, ATIME, 0, 0, 0, 0 },
	{ "\"atime\"", 0, ATIME, 0, 0, 0, 0 },
	{ "\"noatime\", \"atime\"", 0, ATIME, 0, 0, 0, 0 },
	{ "\"noatime\", \"nostrictatime\"", MOUNT_ATTR_NOATIME, ATIME, 0, 0, 0, 0 },
	{ "\"strictatime\", \"nostrictatime\"", 0, ATIME, 0, 0, 0, 0 },
	{ "\"noatime\", \"norelatime\"", MOUNT_ATTR_NOATIME, ATIME, 0, 0, 0, 0 },
	{ "\"strictatime\", \"noatime\"", MOUNT_ATTR_NOATIME, ATIME, 0, 0, 0, 0 },
	{ "\"norelatime\"", 0, 0, 0, 0, 0, 0 },
	{ "\"rro\", \"rnosuid\"", 0, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0 },
	{ "\"rrw\", \"rsuid\", \"rdev\", \"rexec\", \"rsymfollow\", \"rdiratime\"", 0, 0, 0,
	  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		  MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_NODIRATIME,
	  0, 0 },
	{ "\"rnoatime\"", 0, 0, MOUNT_ATTR_NOATIME, ATIME, 0, 0 },
	{ "\"rstrictatime\", \"rnostrictatime\"", 0, 0, 0, ATIME, 0, 0 },
	{ "\"ratime\"", 0, 0, 0, ATIME, 0, 0 },
	{ "\"rnodev\", \"rnoexec\", \"rnosymfollow\", \"rnodiratime\", \"rrelatime\"", 0, 0,
	  MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_NODIRATIME,
	  ATIME, 0, 0 },
	{ "\"ro\", \"rrw\"", MOUNT_ATTR_RDONLY, 0, 0, MOUNT_ATTR_RDONLY, MS_RDONLY, 0 },
	{ "\"sync\", \"dirsync\", \"lazytime\", \"mand\", \"silent\", \"iversion\"", 0, 0, 0, 0,
	  MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME | MS_MANDLOCK | MS_SILENT | MS_I_VERSION, 0 },
	{ "\"async\", \"nolazytime\", \"nomand\", \"loud\", \"noiversion\"", 0, 0, 0, 0, 0,
	  MS_SYNCHRONOUS | MS_LAZYTIME | MS_MANDLOCK | MS_SILENT | MS_I_VERSION },
	{ "\"sync\", \"async\"", 0, 0, 0, 0, 0, MS_SYNCHRONOUS },
};

static void mount_attributes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(attribute_rows); i++) {
		const __typeof__(attribute_rows[0]) *row = &attribute_rows[i];
		char options[512];
		struct loaded l;
		snprintf(options, sizeof options, "\"bind\"%s%s", row->options[0] ? ", " : "",
			 row->options);
		const struct spec_mount *m = load_options(&l, options);
		assert_int_equal(m->attr_set, row->set);
		assert_int_equal(m->attr_clear, row->clear);
		assert_int_equal(m->rec_attr_set, row->rec_set);
		assert_int_equal(m->rec_attr_clear, row->rec_clear);
		assert_int_equal(m->super_set, row->super_set);
		assert_int_equal(m->super_clear, row->super_clear);
		assert_true(m->bind);
		assert_false(m->bind_recursive || m->remount);
		assert_null(m->data);
		assert_int_equal(m->data_options_count, 0);
		arena_free(&l.arena);
	}
}

static void mount_kinds(void **state)
{
	struct loaded l;

	(void)state;
	const struct spec_mount *m =
		load_options(&l, "\"rbind\", \"rslave\", \"shared\", \"src-nofollow\", "
				 "\"dest-nofollow\", \"copy-symlink\"");
	assert_true(m->bind && m->bind_recursive);
	assert_int_equal(m->propagation_count, 2);
	assert_int_equal(m->propagation[0], MS_SLAVE | MS_REC);
	assert_int_equal(m->propagation[1], MS_SHARED);
	assert_int_equal(m->extra, SPEC_MOUNT_SRC_NOFOLLOW | SPEC_MOUNT_DEST_NOFOLLOW |
					   SPEC_MOUNT_COPY_SYMLINK);
	assert_int_equal(m->options.count, 6);
	arena_free(&l.arena);
	m = load_mount(&l, "{\"destination\": \"d\", \"type\": \"bind\", \"source\": \"s\"}");
	assert_true(m->bind && !m->bind_recursive);
	assert_null(m->type);
	assert_string_equal(m->destination, "/d");
	assert_string_equal(m->source, "s");
	arena_free(&l.arena);
	m = load_mount(&l, "{\"destination\": \"/\", \"options\": [\"remount\", \"ro\"]}");
	assert_true(m->remount && !m->bind);
	arena_free(&l.arena);
	m = load_mount(
		&l, "{\"destination\": \"/t\", \"type\": \"tmpfs\", \"options\": [\"tmpcopyup\"]}");
	assert_string_equal(m->type, "tmpfs");
	assert_null(m->source);
	assert_int_equal(m->extra, SPEC_MOUNT_TMPCOPYUP);
	arena_free(&l.arena);
}

static void mount_data(void **state)
{
	struct loaded l;

	(void)state;
	const struct spec_mount *m = load_mount(
		&l,
		"{\"destination\": \"/o\", \"type\": \"overlay\", \"options\": [\"lowerdir=/a:/b\","
		"\"nosuid\", \"userxattr\", \"\", \"x=a=b\", \"key=\"]}");
	assert_string_equal(m->data, "lowerdir=/a:/b,userxattr,x=a=b,key=");
	assert_int_equal(m->data_options_count, 4);
	assert_string_equal(m->data_options[0].key, "lowerdir");
	assert_string_equal(m->data_options[0].value, "/a:/b");
	assert_string_equal(m->data_options[1].key, "userxattr");
	assert_null(m->data_options[1].value);
	assert_string_equal(m->data_options[2].value, "a=b");
	assert_string_equal(m->data_options[3].value, "");
	assert_int_equal(m->attr_set, MOUNT_ATTR_NOSUID);
	arena_free(&l.arena);
}

static void mount_idmaps(void **state)
{
	struct loaded l;

	(void)state;
	const struct spec_mount *m = load_options(&l, "\"bind\", \"idmap\"");
	assert_int_equal(m->idmap, SPEC_IDMAP);
	assert_int_equal(m->uid_mappings_count, 0);
	arena_free(&l.arena);
	m = load_options(&l, "\"rbind\", \"ridmap=uids=0-1-10#10-11-10;gids=0-100-10\"");
	assert_int_equal(m->idmap, SPEC_IDMAP_RECURSIVE);
	assert_int_equal(m->uid_mappings_count, 2);
	assert_int_equal(m->uid_mappings[1].container_id, 10);
	assert_int_equal(m->uid_mappings[1].host_id, 11);
	assert_int_equal(m->uid_mappings[1].size, 10);
	assert_int_equal(m->gid_mappings[0].host_id, 100);
	arena_free(&l.arena);
	/* crun(1): 1-3-10 in a container whose ids from 1 are the host's from 2002 (it has 2). */
	m = load_options(&l, "\"bind\", \"idmap=uids=@1-3-10;gids=1-3-10\"");
	assert_int_equal(m->uid_mappings[0].container_id, 1);
	assert_int_equal(m->uid_mappings[0].host_id, 2004);
	assert_int_equal(m->gid_mappings[0].host_id, 3);
	assert_false(m->uid_mappings_relative);
	arena_free(&l.arena);
	/* Mappings without the option. */
	m = load_mount(&l, "{\"destination\": \"/d\", \"source\": \"/s\", \"options\": [\"bind\"],"
			   "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 1, \"size\": 2}],"
			   "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 1, \"size\": 2}]}");
	assert_int_equal(m->idmap, SPEC_IDMAP);
	arena_free(&l.arena);
}

/* config.md of the specification: options that a runtime must or should know. */
static void mount_required_options(void **state)
{
	static const char *const names[] = {
		"async",
		"atime",
		"bind",
		"defaults",
		"dev",
		"diratime",
		"dirsync",
		"exec",
		"iversion",
		"lazytime",
		"loud",
		"noatime",
		"nodev",
		"nodiratime",
		"noexec",
		"noiversion",
		"nolazytime",
		"norelatime",
		"nostrictatime",
		"nosuid",
		"private",
		"rbind",
		"relatime",
		"remount",
		"ro",
		"rprivate",
		"rshared",
		"rslave",
		"runbindable",
		"rw",
		"shared",
		"silent",
		"slave",
		"strictatime",
		"suid",
		"sync",
		"unbindable",
		"nosymfollow",
		"symfollow",
		"ratime",
		"rdev",
		"rdiratime",
		"rexec",
		"rnoatime",
		"rnodev",
		"rnodiratime",
		"rnoexec",
		"rnorelatime",
		"rnostrictatime",
		"rnosuid",
		"rnosymfollow",
		"rrelatime",
		"rro",
		"rrw",
		"rstrictatime",
		"rsuid",
		"rsymfollow",
		"idmap",
		"ridmap",
		"mand",
		"nomand",
		"tmpcopyup",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		bool found = false;
		for (size_t k = 0; k < spec_options_count; k++)
			found = found || (strcmp(spec_options[k].name, names[i]) == 0 &&
					  spec_options[k].op != OPTION_REFUSE);
		if (!found)
			fail_msg("%s", names[i]);
	}
}

/* Every option of the table is understood, none of it reaches the file system. */
static void mount_all_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < spec_options_count; i++) {
		char option[64];
		struct loaded l;
		if (spec_options[i].op == OPTION_REFUSE ||
		    spec_options[i].value == SPEC_MOUNT_TMPCOPYUP)
			continue;
		snprintf(option, sizeof option, "\"bind\", \"%s\"", spec_options[i].name);
		const struct spec_mount *m = load_options(&l, option);
		assert_int_equal(m->data_options_count, 0);
		arena_free(&l.arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_attributes),
		cmocka_unit_test(mount_kinds),
		cmocka_unit_test(mount_data),
		cmocka_unit_test(mount_idmaps),
		cmocka_unit_test(mount_required_options),
		cmocka_unit_test(mount_all_options),
	};

	return cmocka_run_group_tests_name("spec-mount", tests, NULL, NULL);
}
