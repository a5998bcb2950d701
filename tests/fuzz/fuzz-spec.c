/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as config.json, as a process and as resources: decoded and checked, or refused with a
 * message. What was accepted must hold what spec.h promises.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/spec/spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
	if (!promise)
		abort();
}

static void check_process(const struct spec_process *p)
{
	require(p->cwd && p->cwd[0] == '/');
	require(p->args.count && p->args.items[0][0] && !p->args.items[p->args.count]);
	for (size_t i = 0; i < p->env.count; i++)
		require(strchr(p->env.items[i], '=') > p->env.items[i]);
	require(p->user.uid != UINT32_MAX && p->user.gid != UINT32_MAX);
}

static void check_spec(const struct spec *s)
{
	require(s->root && s->root->path[0] && s->linux_config);
	if (s->process)
		check_process(s->process);
	for (size_t i = 0; i < s->mounts_count; i++) {
		const struct spec_mount *m = &s->mounts[i];
		require(m->destination[0] == '/');
		require(!(m->attr_set & m->attr_clear & ~UINT64_C(0x70)));
		require(!m->bind || m->source);
		require((m->uid_mappings_count == 0) == (m->gid_mappings_count == 0));
	}
	for (size_t i = 0; i < s->linux_config->sysctl_count; i++)
		require(!strstr(s->linux_config->sysctl[i].key, ".."));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct spec *s;
	struct spec_process *p;
	struct spec_resources *r;
	struct arena a;
	struct err e = { 0 };

	arena_init(&a, 64 << 20);
	if (spec_parse("config.json", text, size, &a, &s, &e) == 0)
		check_spec(s);
	else
		require(e.kind != ERR_NONE && e.msg[0]);
	arena_free(&a);
	if (spec_process_parse("process", text, size, &a, &p, &e) == 0)
		check_process(p);
	arena_free(&a);
	spec_resources_parse("resources", text, size, &a, &r, &e);
	arena_free(&a);
	return 0;
}
