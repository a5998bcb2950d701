/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy-text.h"
#include "runtime/spec/spec.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-simulate.h"

#define POLICY_BYTES_MAX ((size_t)4 << 20)

static const struct policy_options no_options;

/* "./common.policy" beside the file that names it. */
static char *resolve(struct arena *a, const struct policy_source *from, const char *path)
{
	const char *slash = from ? strrchr(from->name, '/') : NULL;

	if (*path == '/' || !slash)
		return arena_strdup(a, path);
	while (text_starts(path, "./"))
		path += 2;
	return arena_format(a, "%.*s/%s", (int)(slash - from->name), from->name, path);
}

int policy_source_open(struct arena *a, const struct policy_source *from, const char *path,
		       struct policy_source **out, struct err *e)
{
	struct policy_source *s;
	char *name, *text;
	struct stat st;

	if (from && from->builtin)
		return policy_builtin_open(a, from, path, out, e);
	s = arena_new(a, struct policy_source);
	name = resolve(a, from, path);
	if (!s || !name)
		return arena_check(a, e);
	/* A FIFO without a writer would keep its reader waiting; one with a writer may. */
	CLEAN_FD int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open policy %s", name);
	if (S_ISDIR(st.st_mode))
		return err_set(e, ERR_SYSTEM, EISDIR, "open policy %s", name);
	if (!S_ISREG(st.st_mode) && fcntl(fd, F_SETFL, 0) < 0)
		return err_sys(e, "open policy %s", name);
	if (io_read_file(fd, name, POLICY_BYTES_MAX, a, &text, &s->length, e) < 0)
		return -1;
	s->name = name;
	s->text = text;
	s->from = from;
	s->depth = from ? from->depth + 1 : 1;
	s->device = st.st_dev;
	s->inode = st.st_ino;
	*out = s;
	return 0;
}

static int parse_source(const struct policy_source *source, const struct policy_options *options,
			struct arena *arena, struct policy *out, struct err *e)
{
	struct policy_text t = { .arena = arena, .options = options };

	if (memchr(source->text, 0, source->length))
		return err_config(e, "%s: is neither text nor a BPF program", source->name);
	if (policy_text_parse(&t, source, e) < 0 || policy_lower(&t, out, e) < 0)
		return -1;
	policy_lint(&t, source, out);
	out->notes = t.notes;
	out->notes_count = t.notes_count;
	return arena_check(arena, e);
}

/* --------------------------------------------------------- other formats */

static size_t skip_space(const struct policy_source *s, size_t i)
{
	while (i < s->length && s->text[i] && strchr(" \t\r\n", s->text[i]))
		i++;
	return i;
}

/* A text can start with a brace too, but no name there is in quotes. */
static bool is_json(const struct policy_source *s)
{
	size_t i = skip_space(s, 0);

	if (i >= s->length || s->text[i] != '{')
		return false;
	i = skip_space(s, i + 1);
	return i < s->length &&
	       (s->text[i] == '"' || (s->text[i] == '}' && skip_space(s, i + 1) == s->length));
}

static bool is_bpf(const struct policy_source *s)
{
	return s->length >= sizeof(struct sock_filter) &&
	       s->length % sizeof(struct sock_filter) == 0 && memchr(s->text, 0, s->length);
}

static int load_bpf(const struct policy_source *source, struct arena *arena, struct policy *out,
		    struct err *e)
{
	struct sock_filter *code = (void *)arena_memdup(arena, source->text, source->length);

	if (!code)
		return arena_check(arena, e);
	out->kind = POLICY_BPF;
	out->program.code = code;
	out->program.count = source->length / sizeof *code;
	if (seccomp_simulate_check(code, out->program.count, e) < 0)
		return err_prefix(e, "%s", source->name);
	out->program.notifies = seccomp_compile_notifies(code, out->program.count);
	return 0;
}

/* SECCOMP_RET_LOG in the place of what refuses. */
static int log_refusals(struct seccomp_policy *p, struct arena *arena, struct err *e)
{
	struct seccomp_rule *rules = arena_new_array(arena, p->rules_count, struct seccomp_rule);

	if (!rules)
		return arena_check(arena, e);
	for (size_t i = 0; i < p->rules_count; i++) {
		rules[i] = p->rules[i];
		rules[i].action = policy_action_logged(rules[i].action);
	}
	p->rules = rules;
	p->default_action = policy_action_logged(p->default_action);
	p->enosys_above = false;
	return 0;
}

static int load_oci(const struct policy_source *source, const struct policy_options *options,
		    struct arena *arena, struct policy *out, struct err *e)
{
	struct spec_seccomp *profile;

	if (spec_seccomp_parse(source->name, source->text, source->length, arena, &profile, e) <
		    0 ||
	    policy_from_oci(profile, false, arena, &out->seccomp, e) < 0)
		return -1;
	out->kind = POLICY_OCI;
	if (options->default_set)
		out->seccomp.default_action = options->default_action;
	if (options->archs_count) {
		out->seccomp.archs = options->archs;
		out->seccomp.archs_count = options->archs_count;
	}
	return options->log ? log_refusals(&out->seccomp, arena, e) : 0;
}

/* --------------------------------------------------------------- loading */

int policy_parse(const char *name, const char *text, size_t length,
		 const struct policy_options *options, struct arena *arena, struct policy *out,
		 struct err *e)
{
	struct policy_source source = { .name = name, .text = text, .length = length, .depth = 1 };

	*out = (struct policy){ .path = name };
	if (length > POLICY_BYTES_MAX)
		return err_config(e, "%s: is longer than %zu bytes", name, POLICY_BYTES_MAX);
	return parse_source(&source, options ? options : &no_options, arena, out, e);
}

static const char *find(const char *name, struct arena *arena, struct err *e)
{
	if (strchr(name, '/'))
		return name;
	char *path = arena_format(arena, "%s/profiles/%s.policy", policy_directory, name);
	if (!path) {
		arena_check(arena, e);
		return NULL;
	}
	if (access(path, F_OK) == 0)
		return path;
	if (access(name, F_OK) == 0)
		err_set(e, ERR_NOT_FOUND, 0, "no policy is called %s (for the file write ./%s)",
			name, name);
	else
		err_set(e, ERR_NOT_FOUND, 0, "no policy is called %s (husk policy list names them)",
			name);
	return NULL;
}

int policy_load(const char *name, const struct policy_options *options, struct arena *arena,
		struct policy *out, struct err *e)
{
	struct policy_source *source = NULL;

	*out = (struct policy){ 0 };
	if (!options)
		options = &no_options;
	out->path = find(name, arena, e);
	if (!out->path || policy_source_open(arena, NULL, out->path, &source, e) < 0 || !source)
		return -1;
	if (is_json(source))
		return load_oci(source, options, arena, out, e);
	if (is_bpf(source))
		return load_bpf(source, arena, out, e);
	return parse_source(source, options, arena, out, e);
}

int policy_load_default(const struct policy_options *options, struct arena *arena,
			struct policy *out, struct err *e)
{
	struct policy_source *source = NULL;

	*out = (struct policy){ .path = "default.policy" };
	if (policy_builtin_open(arena, NULL, out->path, &source, e) < 0)
		return -1;
	return parse_source(source, options ? options : &no_options, arena, out, e);
}

int policy_program(const struct policy *policy, struct arena *arena, struct seccomp_program *out,
		   struct err *e)
{
	if (policy->kind == POLICY_BPF) {
		*out = policy->program;
		return 0;
	}
	if (seccomp_compile(&policy->seccomp, arena, out, e) < 0)
		return err_prefix(e, "%s", policy->path);
	return 0;
}

int policy_program_cached(const struct policy *policy, const struct policy_cache *cache,
			  struct arena *arena, struct seccomp_program *out, struct err *e)
{
	struct seccomp_cache_key key;

	if (policy->kind == POLICY_BPF)
		return policy_program(policy, arena, out, e);
	if (seccomp_cache_policy_key(arena, &policy->seccomp, &key, e) < 0)
		return -1;
	if (policy_cache_find(cache, &key, arena, out))
		return 0;
	if (policy_program(policy, arena, out, e) < 0)
		return -1;
	policy_cache_keep(cache, &key, out);
	return 0;
}
