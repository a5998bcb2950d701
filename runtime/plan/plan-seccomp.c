/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/plan/plan-seccomp.h"

#include <linux/seccomp.h>
#include <string.h>

#include "runtime/policy/policy-cache.h"
#include "runtime/policy/policy.h"
#include "src/seccomp/seccomp-cache.h"
#include "src/seccomp/seccomp-compile.h"
#include "src/seccomp/seccomp-names.h"
#include "src/seccomp/seccomp-simulate.h"

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode base64 into @out, which has room. Length, or -1 where the text is malformed. */
static ssize_t decode_base64(const char *text, unsigned char *out)
{
	size_t digits = strcspn(text, "="), padding = strlen(text + digits), used = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	for (size_t i = 0; i < digits; i++) {
		int value = base64_value(text[i]);
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have < 8)
			continue;
		have -= 8;
		out[used++] = (unsigned char)(bits >> have);
	}
	if ((digits + padding) % 4 || strspn(text + digits, "=") != padding || padding > 2)
		return -1;
	return (ssize_t)used;
}

/* run.oci.seccomp_bpf_data: the program itself, in this machine's byte order. */
static int decode_raw(const char *text, struct arena *a, struct plan_filter *f, struct err *e)
{
	unsigned char *bytes = arena_alloc(a, strlen(text) + 4);

	if (!bytes)
		return arena_check(a, e);
	ssize_t used = decode_base64(text, bytes);
	if (used < 0)
		return err_config(e, "annotations[\"run.oci.seccomp_bpf_data\"]: is not base64");
	if (!used || (size_t)used % sizeof(struct sock_filter))
		return err_config(
			e,
			"annotations[\"run.oci.seccomp_bpf_data\"]: %zd bytes are no whole "
			"number of BPF instructions",
			used);
	f->code = (struct sock_filter *)(void *)bytes;
	f->count = (size_t)used / sizeof(struct sock_filter);
	if (seccomp_simulate_check(f->code, f->count, e) < 0)
		return err_prefix(e, "annotations[\"run.oci.seccomp_bpf_data\"]");
	f->notify = seccomp_compile_notifies(f->code, f->count);
	return 0;
}

/* @fresh: the cache is written only, for what is in there has no notes. */
static int compile(const struct spec *s, const struct policy_cache *cache, bool fresh,
		   struct arena *a, struct seccomp_program *program, struct err *e)
{
	struct seccomp_policy policy;
	struct seccomp_cache_key key;

	if (policy_from_oci(s->linux_config->seccomp, s->extensions.seccomp_fail_unknown, a,
			    &policy, e) < 0)
		return -1;
	if (!cache)
		return seccomp_compile(&policy, a, program, e);
	if (seccomp_cache_policy_key(a, &policy, &key, e) < 0)
		return -1;
	if (!fresh && policy_cache_find(cache, &key, a, program))
		return 0;
	if (seccomp_compile(&policy, a, program, e) < 0)
		return -1;
	policy_cache_keep(cache, &key, program);
	return 0;
}

/* Every runtime passes over what it does not know, for profiles name calls of newer kernels. */
static int add_notes(const struct seccomp_program *program, struct arena *a, struct plan_filter *f,
		     struct err *e)
{
	size_t room = program->unknown_names_count + program->unknown_archs_count;
	char version[32];

	if (!room)
		return 0;
	f->notes = arena_new_array(a, room, const char *);
	if (!f->notes)
		return arena_check(a, e);
	seccomp_names_version(version, sizeof version);
	for (size_t i = 0; i < program->unknown_names_count; i++)
		f->notes[f->notes_count++] = arena_format(
			a,
			"linux.seccomp: no system call \"%s\" is known here (libseccomp %s): "
			"passed over",
			program->unknown_names[i], version);
	for (size_t i = 0; i < program->unknown_archs_count; i++)
		f->notes[f->notes_count++] = arena_format(
			a,
			"linux.seccomp: architecture %s is not known to libseccomp %s: its "
			"calls are treated as those of one that is not listed",
			program->unknown_archs[i], version);
	return arena_check(a, e);
}

static int fill(const struct spec *s, const struct policy_cache *cache, bool fresh, struct arena *a,
		struct plan_filter *f, struct err *e)
{
	const struct spec_seccomp *from = s->linux_config->seccomp;
	struct seccomp_program program;

	if (s->extensions.seccomp_bpf_data)
		return decode_raw(s->extensions.seccomp_bpf_data, a, f, e);
	if (compile(s, cache, fresh, a, &program, e) < 0)
		return err_prefix(e, "linux.seccomp");
	*f = (struct plan_filter){
		.code = program.code,
		.count = program.count,
		.flags = (unsigned)from->flags,
		.notify = program.notifies,
		.listener_path = from->listener_path,
		.listener_metadata = from->listener_metadata,
	};
	return add_notes(&program, a, f, e);
}

static int make_filter(const struct spec *s, const struct policy_cache *cache, bool fresh,
		       struct arena *a, struct plan_filter **filter, struct err *e)
{
	*filter = NULL;
	if (!s->extensions.seccomp_bpf_data && !s->linux_config->seccomp)
		return 0;
	struct plan_filter *f = arena_new(a, struct plan_filter);
	if (!f)
		return arena_check(a, e);
	if (fill(s, cache, fresh, a, f, e) < 0)
		return -1;
	if (s->extensions.seccomp_receiver)
		f->listener_path = s->extensions.seccomp_receiver;
	if (f->notify && !f->listener_path)
		return err_config(e,
				  "linux.seccomp: a rule notifies, but there is no listenerPath");
	*filter = f;
	return 0;
}

int plan_seccomp(const struct spec *s, struct arena *a, struct plan_filter **filter, struct err *e)
{
	return make_filter(s, NULL, false, a, filter, e);
}

int plan_seccomp_from(const struct spec *s, int dirfd, const char *path, struct arena *a,
		      struct plan_filter **filter, struct err *e)
{
	struct policy_cache cache = { .dirfd = dirfd, .paths = { path } };

	return make_filter(s, &cache, false, a, filter, e);
}

int plan_seccomp_cached(const struct spec *s, bool notes, struct arena *a,
			struct plan_filter **filter, struct err *e)
{
	struct policy_cache cache;

	if (policy_cache_usual(&cache, a, e) < 0)
		return -1;
	return make_filter(s, &cache, notes, a, filter, e);
}
