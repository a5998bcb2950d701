/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec/spec.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/clean.h"
#include "src/base/io.h"

static const struct json_field root_fields[] = {
	JSON_STRING_ROW(struct spec_root, path, "path", .flags = JSON_REQUIRED),
	JSON_BOOL_ROW(struct spec_root, readonly, "readonly"),
};
static const struct json_table root_table = JSON_TABLE(struct spec_root, root_fields);

static const struct json_field hook_fields[] = {
	JSON_STRING_ROW(struct spec_hook, path, "path", .flags = JSON_REQUIRED),
	JSON_STRINGS_ROW(struct spec_hook, args, "args"),
	JSON_STRINGS_ROW(struct spec_hook, env, "env"),
	JSON_OPT_U32_ROW(struct spec_hook, timeout_sec, "timeout", .min = 1, .max = INT32_MAX),
};
static const struct json_table hook_table = JSON_TABLE(struct spec_hook, hook_fields);

/* The lists are structs, so the names of their members differ from what JSON_LIST_ROW expects. */
#define HOOKS(member, name)                                                                        \
	JSON_ROW(JSON_AS_LIST, name, .offset = offsetof(struct spec_hooks, member.items),          \
		 .count_offset = offsetof(struct spec_hooks, member.count),                        \
		 .size = sizeof(struct spec_hook), .table = &hook_table)

static const struct json_field hooks_fields[] = {
	HOOKS(prestart, "prestart"),
	HOOKS(create_runtime, "createRuntime"),
	HOOKS(create_container, "createContainer"),
	HOOKS(start_container, "startContainer"),
	HOOKS(poststart, "poststart"),
	HOOKS(poststop, "poststop"),
};
static const struct json_table hooks_table = JSON_TABLE(struct spec_hooks, hooks_fields);

static const struct json_field spec_fields[] = {
	JSON_STRING_ROW(struct spec, oci_version, "ociVersion", .flags = JSON_REQUIRED),
	JSON_POINTER_ROW(struct spec, process, "process", spec_process_table),
	JSON_POINTER_ROW(struct spec, root, "root", root_table),
	JSON_STRING_ROW(struct spec, hostname, "hostname", .flags = JSON_EMPTY_UNSET),
	JSON_STRING_ROW(struct spec, domainname, "domainname", .flags = JSON_EMPTY_UNSET),
	JSON_LIST_ROW(struct spec, mounts, "mounts", spec_mount_table),
	JSON_OBJECT_ROW(struct spec, hooks, "hooks", hooks_table),
	JSON_KEY_VALUES_ROW(struct spec, annotations, "annotations"),
	JSON_POINTER_ROW(struct spec, linux_config, "linux", spec_linux_table),
	JSON_POINTER_ROW(struct spec, vm, "vm", spec_vm_table),
	/* Other platforms' sections: the specification lets one file serve several. */
	JSON_IGNORED_ROW("solaris"),
	JSON_IGNORED_ROW("windows"),
	JSON_IGNORED_ROW("zos"),
	JSON_IGNORED_ROW("freebsd"),
};
const struct json_table spec_table = JSON_TABLE(struct spec, spec_fields);

/* ----------------------------------------------------------- annotations */

static bool is_on(const char *value)
{
	return strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
}

void spec_extensions_decode(struct spec *s)
{
	struct spec_extensions *x = &s->extensions;
	static const char prefix[] = "run.oci.";
	const struct {
		const char *key;
		char **text;
		bool *flag;
	} rows[] = {
		{ "delegate-cgroup", &x->delegate_cgroup, NULL },
		{ "handler", &x->handler, NULL },
		{ "hooks.stderr", &x->hooks_stderr, NULL },
		{ "hooks.stdout", &x->hooks_stdout, NULL },
		{ "keep_original_groups", NULL, &x->keep_original_groups },
		{ "mount_context_type", &x->mount_context_type, NULL },
		{ "pidfd_receiver", &x->pidfd_receiver, NULL },
		{ "seccomp.receiver", &x->seccomp_receiver, NULL },
		{ "seccomp_bpf_data", &x->seccomp_bpf_data, NULL },
		{ "seccomp_fail_unknown_syscall", NULL, &x->seccomp_fail_unknown },
	};

	for (size_t i = 0; i < s->annotations_count; i++) {
		const struct key_value *kv = &s->annotations[i];
		if (strncmp(kv->key, prefix, sizeof prefix - 1) != 0 || !kv->value[0])
			continue;
		for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
			if (strcmp(kv->key + sizeof prefix - 1, rows[k].key) != 0)
				continue;
			if (rows[k].flag)
				*rows[k].flag = is_on(kv->value);
			else
				*rows[k].text = kv->value;
		}
	}
}

/* -------------------------------------------------------------- loading */

static int decode_spec(const struct json_doc *doc, struct arena *a, struct spec *s, struct err *e)
{
	if (json_decode(doc, &spec_table, false, s, a, e) < 0)
		return -1;
	if (!s->linux_config)
		s->linux_config = arena_new(a, struct spec_linux);
	if (arena_check(a, e) < 0)
		return err_prefix(e, "%s", doc->name);
	spec_extensions_decode(s);
	struct spec_check c = { .doc = doc, .where = "", .err = e };
	if (spec_mounts_resolve(s, &c) < 0)
		return -1;
	return spec_check_all(s, doc, e);
}

int spec_parse(const char *name, const char *text, size_t length, struct arena *a,
	       struct spec **out, struct err *e)
{
	struct json_doc doc = { .name = name, .text = text, .length = length };
	struct spec *s = arena_new(a, struct spec);

	if (!s)
		return arena_check(a, e);
	if (json_tree_parse(&doc, a, e) < 0 || decode_spec(&doc, a, s, e) < 0)
		return -1;
	*out = s;
	return 0;
}

int spec_process_parse(const char *name, const char *text, size_t length, struct arena *a,
		       struct spec_process **out, struct err *e)
{
	struct json_doc doc = { .name = name, .text = text, .length = length };
	struct spec_check c = { .doc = &doc, .where = "", .err = e };
	struct spec_process *p = arena_new(a, struct spec_process);

	if (!p)
		return arena_check(a, e);
	if (json_tree_parse(&doc, a, e) < 0 ||
	    json_decode(&doc, &spec_process_table, false, p, a, e) < 0)
		return -1;
	if (arena_check(a, e) < 0 || spec_check_process(&c, p) < 0)
		return -1;
	*out = p;
	return 0;
}

int spec_resources_parse(const char *name, const char *text, size_t length, struct arena *a,
			 struct spec_resources **out, struct err *e)
{
	struct json_doc doc = { .name = name, .text = text, .length = length };
	struct spec_check c = { .doc = &doc, .where = "", .err = e };
	struct spec_resources *r = arena_new(a, struct spec_resources);

	if (!r)
		return arena_check(a, e);
	if (json_tree_parse(&doc, a, e) < 0 ||
	    json_decode(&doc, &spec_resources_table, false, r, a, e) < 0)
		return -1;
	if (arena_check(a, e) < 0 || spec_check_resources(&c, r) < 0)
		return -1;
	*out = r;
	return 0;
}

/* Read the file @path below @dirfd into the arena, where it stays for messages. */
static int read_text(int dirfd, const char *path, struct arena *a, char **text, size_t *length,
		     struct err *e)
{
	CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return err_set(e, ERR_NOT_FOUND, errno, "open %s", path);
	if (fd < 0)
		return err_sys(e, "open %s", path);
	return io_read_file(fd, path, JSON_TEXT_MAX, a, text, length, e);
}

int spec_load(int dirfd, const char *path, struct arena *a, struct spec **out, struct err *e)
{
	char *text;
	size_t length;

	if (read_text(dirfd, path, a, &text, &length, e) < 0)
		return -1;
	return spec_parse(path, text, length, a, out, e);
}

int spec_process_load(int dirfd, const char *path, struct arena *a, struct spec_process **out,
		      struct err *e)
{
	char *text;
	size_t length;

	if (read_text(dirfd, path, a, &text, &length, e) < 0)
		return -1;
	return spec_process_parse(path, text, length, a, out, e);
}

int spec_resources_load(int fd, const char *name, struct arena *a, struct spec_resources **out,
			struct err *e)
{
	char *text;
	size_t length;

	if (io_read_file(fd, name, JSON_TEXT_MAX, a, &text, &length, e) < 0)
		return -1;
	return spec_resources_parse(name, text, length, a, out, e);
}

/* ------------------------------------------------------------- look-ups */

const struct spec_namespace *spec_namespace_find(const struct spec *s, unsigned long type)
{
	const struct spec_linux *l = s->linux_config;

	for (size_t i = 0; i < l->namespaces_count; i++) {
		if (l->namespaces[i].type == type)
			return &l->namespaces[i];
	}
	return NULL;
}

const char *spec_annotation(const struct spec *s, const char *key)
{
	for (size_t i = 0; i < s->annotations_count; i++) {
		if (strcmp(s->annotations[i].key, key) == 0)
			return s->annotations[i].value;
	}
	return NULL;
}
