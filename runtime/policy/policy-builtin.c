/* SPDX-License-Identifier: Apache-2.0 */
/* The one policy that has to be there wherever husk is, in the form in which it was written: an
 * installation is not needed, and no table beside it can say something else. */
#include <string.h>

#include "runtime/policy/policy-text.h"
#include "src/base/text.h"

/* A name, a NUL, its text, a NUL; no pointers, which would have to be relocated at each start. */
static const char files[] = {
#include "runtime/policy/policy-builtin.inc"
};

int policy_builtin_open(struct arena *a, const struct policy_source *from, const char *path,
			struct policy_source **out, struct err *e)
{
	struct policy_source *s = arena_new(a, struct policy_source);

	if (!s)
		return arena_check(a, e);
	while (text_starts(path, "./"))
		path += 2;
	for (const char *name = files; name < files + sizeof files - 1;) {
		const char *text = name + strlen(name) + 1;
		if (text_equal(name, path)) {
			*s = (struct policy_source){ .name = name,
						     .text = text,
						     .length = strlen(text),
						     .builtin = true,
						     .from = from,
						     .depth = from ? from->depth + 1 : 1 };
			*out = s;
			return 0;
		}
		name = text + strlen(text) + 1;
	}
	return err_set(e, ERR_NOT_FOUND, 0, "no policy %s is built in", path);
}

const void *policy_builtin_bytes(size_t *length)
{
	*length = sizeof files;
	return files;
}
