/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-bundle.h"

#include <fcntl.h>
#include <string.h>

#include "runtime/spec/spec.h"
#include "src/base/clean.h"
#include "src/base/text.h"

/* "NAME=value" apart. */
static int take_environment(struct sandbox *base, const struct str_list *env, struct arena *a,
			    struct err *e)
{
	static char *const kept[] = { (char *)"TERM", (char *)"COLORTERM", NULL };

	base->environment = arena_new_array(a, env->count + 1, struct key_value);
	base->keep_environment.items = arena_new_array(a, 3, char *);
	if (!base->environment || !base->keep_environment.items)
		return arena_check(a, e);
	for (size_t i = 0; i < env->count; i++) {
		size_t n = strcspn(env->items[i], "=");
		/* The terminal is the caller's. */
		if (!env->items[i][n] || text_starts(env->items[i], "TERM="))
			continue;
		base->environment[base->environment_count++] =
			(struct key_value){ arena_memdup(a, env->items[i], n),
					    env->items[i] + n + 1 };
	}
	/* The rest is about the caller's system, which this is not. */
	base->clear_environment = true;
	memcpy(base->keep_environment.items, kept, sizeof kept);
	base->keep_environment.count = 2;
	return arena_check(a, e);
}

static int take_process(struct sandbox *base, const struct spec_process *p, struct arena *a,
			struct err *e)
{
	base->command = p->args;
	base->directory = p->cwd;
	base->uid = (struct opt_u32){ true, p->user.uid };
	base->gid = (struct opt_u32){ true, p->user.gid };
	return take_environment(base, &p->env, a, e);
}

int sandbox_bundle_resolve(struct sandbox *s, struct arena *a, struct err *e)
{
	struct sandbox *base = arena_new(a, struct sandbox);
	const char *bundle = s->bundle;
	struct spec *spec;

	if (!s->bundle && !s->image)
		return 0;
	if (!base)
		return arena_check(a, e);
	if (s->image && sandbox_image_unpack(s, a, &bundle, e) < 0)
		return -1;
	CLEAN_FD int dir = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open bundle %s", bundle);
	if (spec_load(dir, "config.json", a, &spec, e) < 0)
		return err_prefix(e, "bundle %s", bundle);
	if (!spec->root || !spec->root->path)
		return err_config(e, "bundle %s: config.json has no root", bundle);
	base->rootfs = *spec->root->path == '/'
			       ? spec->root->path
			       : arena_format(a, "%s/%s", bundle, spec->root->path);
	base->hostname = s->bundle ? spec->hostname : NULL;
	s->bundle = s->image = NULL;
	if (spec->process && take_process(base, spec->process, a, e) < 0)
		return -1;
	if (sandbox_merge(base, s, a, e) < 0)
		return -1;
	*s = *base;
	return 0;
}
