/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/*
 * Rules that the text alone decides and that no row of a table can express: the parts around
 * process, linux and mounts, and what all checks use.
 */

/* -------------------------------------------------------------- messages */

static void set_path(struct spec_check *c, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void set_path(struct spec_check *c, const char *format, va_list args)
{
	size_t n = text_format(c->path, sizeof c->path, "%s", c->where);

	text_vformat(c->path + n, sizeof c->path - n, format, args);
}

struct spec_check *spec_check_at(struct spec_check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	set_path(c, format, args);
	va_end(args);
	return c;
}

static int report(struct spec_check *c, int kind, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static int report(struct spec_check *c, int kind, const char *format, va_list args)
{
	char text[ERR_MSG_MAX];

	text_vformat(text, sizeof text, format, args);
	if (!c->doc) {
		err_set(c->err, kind, 0, "%s: %s", c->path, text);
		return json_clean_message(c->err);
	}
	/* The tree is looked at only now: a good file costs nothing. */
	const struct json_node *node = json_tree_find(c->doc->root, c->path);
	err_set(c->err, kind, 0, "%s:%zu: %s: %s", c->doc->name,
		json_tree_line(c->doc, node ? node->offset : 0), c->path, text);
	return json_clean_message(c->err);
}

int spec_check_fail(struct spec_check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(c, ERR_CONFIG, format, args);
	va_end(args);
	return -1;
}

int spec_check_refuse(struct spec_check *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(c, ERR_UNSUPPORTED, format, args);
	va_end(args);
	return -1;
}

/* --------------------------------------------------------------- helpers */

int spec_check_absolute(struct spec_check *c, const char *value, const char *format, ...)
{
	va_list args;

	if (value[0] == '/')
		return 0;
	va_start(args, format);
	set_path(c, format, args);
	va_end(args);
	return spec_check_fail(c, "\"%.*s\" is not an absolute path", SHOWN(value));
}

bool spec_text_printable(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return false;
	}
	return true;
}

int spec_check_printable(struct spec_check *c, const char *value, const char *format, ...)
{
	va_list args;

	if (!value || spec_text_printable(value))
		return 0;
	va_start(args, format);
	set_path(c, format, args);
	va_end(args);
	return spec_check_fail(c, "contains a control character");
}

/* As dev_valid_name() of the kernel, which also refuses ":" and blanks; 15 bytes are the most. */
bool spec_interface_name(const char *name, bool pattern)
{
	const char *percent = strchr(name, '%');
	size_t length = strlen(name);

	if (length == 0 || length > 15 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	if (percent && (!pattern || percent[1] != 'd' || strchr(percent + 1, '%')))
		return false;
	return spec_text_printable(name) && strpbrk(name, "/: ") == NULL;
}

int spec_check_env(struct spec_check *c, const struct str_list *env, const char *path)
{
	for (size_t i = 0; i < env->count; i++) {
		const char *equals = strchr(env->items[i], '=');
		if (!equals || equals == env->items[i])
			return spec_check_fail(spec_check_at(c, "%s[%zu]", path, i),
					       "\"%.*s\" is not of the form NAME=value",
					       SHOWN(env->items[i]));
	}
	return 0;
}

static bool maps_overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return a <= b ? b - a < a_size : a - b < b_size;
}

int spec_check_mappings(struct spec_check *c, const struct id_mapping *maps, size_t count,
			const char *path)
{
	/* UID_GID_MAP_MAX_EXTENTS of the kernel. */
	if (count > 340)
		return spec_check_fail(spec_check_at(c, "%s", path),
				       "has %zu ranges: the kernel takes at most 340", count);
	for (size_t i = 0; i < count; i++) {
		const struct id_mapping *m = &maps[i];
		spec_check_at(c, "%s[%zu]", path, i);
		if (m->size == 0)
			return spec_check_fail(c, "size must not be 0");
		if (m->size > UINT32_MAX - m->container_id || m->size > UINT32_MAX - m->host_id)
			return spec_check_fail(c, "the range goes beyond the last id");
		for (size_t k = 0; k < i; k++) {
			if (maps_overlap(m->container_id, m->size, maps[k].container_id,
					 maps[k].size))
				return spec_check_fail(c,
						       "container ids overlap with those of [%zu]",
						       k);
			if (maps_overlap(m->host_id, m->size, maps[k].host_id, maps[k].size))
				return spec_check_fail(c, "host ids overlap with those of [%zu]",
						       k);
		}
	}
	return 0;
}

/* --------------------------------------------------------------- version */

/* A number without leading zeros at *@p, which is moved behind it; -1 if there is none. */
static long version_number(const char **p)
{
	const char *start = *p;
	long value = 0;

	while (**p >= '0' && **p <= '9' && *p - start < 8)
		value = value * 10 + (*(*p)++ - '0');
	if (*p == start || (*start == '0' && *p - start > 1) || (**p >= '0' && **p <= '9'))
		return -1;
	return value;
}

/* Identifiers of a pre-release or of build data, separated by dots. */
static const char *version_identifiers(const char *p)
{
	static const char allowed[] = "0123456789-abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

	for (;;) {
		size_t n = strspn(p, allowed);
		if (n == 0)
			return NULL;
		p += n;
		if (*p != '.')
			return p;
		p++;
	}
}

static int check_version(struct spec_check *c, const char *version)
{
	const char *p = version;
	long numbers[3];
	bool before = false;

	spec_check_at(c, "ociVersion");
	for (size_t i = 0; i < 3; i++) {
		numbers[i] = version_number(&p);
		if (numbers[i] < 0 || (i < 2 && *p++ != '.'))
			return spec_check_fail(c, "\"%.*s\" is not a version (SemVer 2.0.0)",
					       SHOWN(version));
	}
	if (*p == '-') {
		before = true;
		p = version_identifiers(p + 1);
	}
	if (p && *p == '+')
		p = version_identifiers(p + 1);
	if (!p || *p)
		return spec_check_fail(c, "\"%.*s\" is not a version (SemVer 2.0.0)",
				       SHOWN(version));
	/* 1.0.0-rc5 comes before 1.0.0. Within 1.x a file needs a runtime of its minor version. */
	bool old = numbers[0] < 1 || (numbers[0] == 1 && !numbers[1] && !numbers[2] && before);
	if (old || numbers[0] > 1 || numbers[1] > 3)
		return spec_check_refuse(
			c,
			"%.*s is not supported: husk implements " SPEC_OCI_VERSION_MIN
			" to " SPEC_OCI_VERSION_MAX,
			SHOWN(version));
	return 0;
}

/* ---------------------------------------------------------- other parts */

static int check_uts_name(struct spec_check *c, const struct spec *s, const char *name,
			  const char *path)
{
	if (!name)
		return 0;
	spec_check_at(c, "%s", path);
	if (!spec_namespace_find(s, CLONE_NEWUTS))
		return spec_check_fail(c, "needs a uts namespace in linux.namespaces");
	/* __NEW_UTS_LEN */
	if (strlen(name) > 64)
		return spec_check_fail(c, "is longer than 64 bytes");
	return spec_check_printable(c, name, "%s", path);
}

static int check_hooks(struct spec_check *c, const struct spec_hook_list *list, const char *name)
{
	char path[64];

	for (size_t i = 0; i < list->count; i++) {
		const struct spec_hook *h = &list->items[i];
		if (spec_check_absolute(c, h->path, "hooks.%s[%zu].path", name, i) < 0)
			return -1;
		text_format(path, sizeof path, "hooks.%s[%zu].env", name, i);
		if (spec_check_env(c, &h->env, path) < 0)
			return -1;
	}
	return 0;
}

static int check_all_hooks(struct spec_check *c, const struct spec_hooks *h)
{
	const struct {
		const struct spec_hook_list *list;
		const char *name;
	} rows[] = {
		{ &h->prestart, "prestart" },
		{ &h->create_runtime, "createRuntime" },
		{ &h->create_container, "createContainer" },
		{ &h->start_container, "startContainer" },
		{ &h->poststart, "poststart" },
		{ &h->poststop, "poststop" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (check_hooks(c, rows[i].list, rows[i].name) < 0)
			return -1;
	}
	return 0;
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; p; p = strchr(p, '/')) {
		p += *p == '/';
		if (strncmp(p, "..", 2) == 0 && (p[2] == '/' || p[2] == '\0'))
			return true;
	}
	return false;
}

static int check_extensions(struct spec_check *c, const struct spec_extensions *x)
{
	if (x->delegate_cgroup && (x->delegate_cgroup[0] == '/' || has_dotdot(x->delegate_cgroup)))
		return spec_check_fail(spec_check_at(c, "annotations[\"run.oci.delegate-cgroup\"]"),
				       "\"%.*s\" must be a path below the container's cgroup",
				       SHOWN(x->delegate_cgroup));
	if (x->hooks_stdout &&
	    spec_check_absolute(c, x->hooks_stdout, "annotations[\"run.oci.hooks.stdout\"]") < 0)
		return -1;
	if (x->hooks_stderr &&
	    spec_check_absolute(c, x->hooks_stderr, "annotations[\"run.oci.hooks.stderr\"]") < 0)
		return -1;
	return 0;
}

static int check_cgroups_path(struct spec_check *c, const char *path)
{
	const char *first = strchr(path, ':');

	spec_check_at(c, "linux.cgroupsPath");
	if (path[0] != '/' && first && strchr(first + 1, ':'))
		return spec_check_refuse(c,
					 "\"%.*s\" is for the systemd cgroup manager, which is "
					 "not supported: have the caller use the cgroupfs manager",
					 SHOWN(path));
	if (has_dotdot(path))
		return spec_check_fail(c, "\"%.*s\" must not contain \"..\"", SHOWN(path));
	return spec_check_printable(c, path, "linux.cgroupsPath");
}

static int check_vm(struct spec_check *c, const struct spec_vm *v)
{
	if (!v)
		return 0;
	const struct {
		const char *value, *path;
	} rows[] = {
		{ v->hypervisor_path, "vm.hypervisor.path" },
		{ v->kernel_path, "vm.kernel.path" },
		{ v->kernel_initrd, "vm.kernel.initrd" },
		{ v->image_path, "vm.image.path" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].value && spec_check_absolute(c, rows[i].value, "%s", rows[i].path) < 0)
			return -1;
	}
	return 0;
}

int spec_check_all(const struct spec *s, const struct json_doc *doc, struct err *e)
{
	struct spec_check c = { .doc = doc, .where = "", .err = e };

	if (check_version(&c, s->oci_version) < 0)
		return -1;
	if (!s->root)
		return spec_check_fail(spec_check_at(&c, "root"), "is missing");
	if (!s->root->path[0])
		return spec_check_fail(spec_check_at(&c, "root.path"), "must not be empty");
	if (s->process) {
		struct spec_check p = { .doc = doc, .where = "process.", .err = e };
		if (spec_check_process(&p, s->process) < 0)
			return -1;
	}
	if (check_uts_name(&c, s, s->hostname, "hostname") < 0 ||
	    check_uts_name(&c, s, s->domainname, "domainname") < 0)
		return -1;
	if (spec_check_linux(&c, s) < 0 || spec_check_mounts(&c, s) < 0 ||
	    spec_check_sysctl(&c, s) < 0 || spec_check_seccomp(&c, s) < 0)
		return -1;
	if (s->linux_config->cgroups_path &&
	    check_cgroups_path(&c, s->linux_config->cgroups_path) < 0)
		return -1;
	if (s->linux_config->resources) {
		struct spec_check r = { .doc = doc, .where = "linux.resources.", .err = e };
		if (spec_check_resources(&r, s->linux_config->resources) < 0)
			return -1;
	}
	if (check_all_hooks(&c, &s->hooks) < 0 || check_extensions(&c, &s->extensions) < 0)
		return -1;
	return check_vm(&c, s->vm);
}

int spec_process_check(const struct spec_process *p, const char *where, struct err *e)
{
	struct spec_check c = { .where = where, .err = e };

	return spec_check_process(&c, p);
}

int spec_resources_check(const struct spec_resources *r, const char *where, struct err *e)
{
	struct spec_check c = { .where = where, .err = e };

	return spec_check_resources(&c, r);
}
