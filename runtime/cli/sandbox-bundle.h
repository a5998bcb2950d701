/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_BUNDLE_H
#define HUSK_CLI_SANDBOX_BUNDLE_H

#include "runtime/sandbox/sandbox.h"

/*
 * Put what "bundle" or "image" stand for below what is said in @s: the root, and of the process its
 * words, environment, user and directory. Nothing else of a bundle counts, for it was not written
 * for this. Without them nothing is done.
 */
int sandbox_bundle_resolve(struct sandbox *s, struct arena *a, struct err *e);

/*
 * The bundle of s->image, in @a: unpacked by umoci(1) into a directory named after its digest in
 * s->image_cache (by default that of the user), unless it is there already.
 */
int sandbox_image_unpack(const struct sandbox *s, struct arena *a, const char **bundle,
			 struct err *e);

#endif
