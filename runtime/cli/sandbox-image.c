/* SPDX-License-Identifier: Apache-2.0 */
/* OCI image layouts, unpacked by umoci(1) and kept by their digests. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/cli/sandbox-bundle.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/base/tool.h"
#include "src/json/json-decode.h"

#define INDEX_BYTES_MAX (4u << 20)
#define REF_NAME        "org.opencontainers.image.ref.name"
#define UNPACKING       ".unpacking"
#define TREE_DEPTH_MAX  200

struct image {
	const char *layout, *tag, *digest;
	const char *name; /* of its directory in the cache */
};

/* ---- what is in the layout (image-layout.md of the image specification) ---- */

struct manifest {
	char *digest;
	struct key_value *annotations;
	size_t annotations_count;
};

struct index {
	struct manifest *manifests;
	size_t manifests_count;
};

static const struct json_field manifest_fields[] = {
	JSON_STRING_ROW(struct manifest, digest, "digest", .flags = JSON_REQUIRED),
	JSON_KEY_VALUES_ROW(struct manifest, annotations, "annotations"),
};
static const struct json_table manifest_table = JSON_TABLE(struct manifest, manifest_fields);
static const struct json_field index_fields[] = {
	JSON_LIST_ROW(struct index, manifests, "manifests", manifest_table, .flags = JSON_REQUIRED),
};
static const struct json_table index_table = JSON_TABLE(struct index, index_fields);

static bool is_tagged(const struct manifest *m, const char *tag)
{
	for (size_t i = 0; i < m->annotations_count; i++) {
		if (text_equal(m->annotations[i].key, REF_NAME))
			return text_equal(m->annotations[i].value, tag);
	}
	return false;
}

/* It becomes the name of a directory. */
static bool is_digest(const char *text)
{
	return text_starts(text, "sha256:") && strspn(text + 7, "0123456789abcdef") == 64 &&
	       !text[71];
}

static int find_digest(struct image *image, struct arena *a, struct err *e)
{
	const char *path = arena_format(a, "%s/index.json", image->layout);
	struct json_doc doc = { .name = path };
	struct index index = { 0 };
	char *text;

	if (!path)
		return arena_check(a, e);
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "image %s: open %s", image->layout, path);
	if (io_read_file(fd, path, INDEX_BYTES_MAX, a, &text, &doc.length, e) < 0)
		return -1;
	doc.text = text;
	if (json_tree_parse(&doc, a, e) < 0 ||
	    json_decode(&doc, &index_table, false, &index, a, e) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		if (is_tagged(&index.manifests[i], image->tag))
			image->digest = index.manifests[i].digest;
	}
	if (!image->digest)
		return err_set(e, ERR_NOT_FOUND, 0, "image %s: has no tag \"%s\"", image->layout,
			       image->tag);
	if (!is_digest(image->digest))
		return err_config(e, "%s: \"%s\" is not a sha256 digest", path, image->digest);
	image->name = arena_format(a, "sha256-%s", image->digest + 7);
	return arena_check(a, e);
}

/* DIR[:TAG]; a colon in a directory's name is one before the last slash. */
static int parse(struct image *image, const char *text, struct arena *a, struct err *e)
{
	const char *slash = strrchr(text, '/'), *colon = strrchr(text, ':');

	if (colon && slash && colon < slash)
		colon = NULL;
	image->tag = colon ? colon + 1 : "latest";
	image->layout = colon ? arena_memdup(a, text, (size_t)(colon - text)) : text;
	if (!*image->tag || !image->layout || !*image->layout)
		return err_config(e, "image: \"%s\" is not DIR or DIR:TAG", text);
	return find_digest(image, a, e);
}

/* ---- the cache ---- */

static const char *cache_path(const struct sandbox *s, struct arena *a)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (s->image_cache)
		return s->image_cache;
	if (geteuid() == 0)
		return "/var/cache/husk/images";
	if (cache && *cache == '/')
		return arena_format(a, "%s/husk/images", cache);
	return home && *home == '/' ? arena_format(a, "%s/.cache/husk/images", home) : NULL;
}

/* The directory, made where it is missing. What others can write to is nobody's root. */
static int open_cache(const char *path, struct arena *a, struct err *e)
{
	char *part = path ? arena_strdup(a, path) : NULL;
	struct stat st;

	if (!part)
		return err_config(e,
				  "imageCache: there is no HOME to keep images in (--image-cache)");
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(part, 0755);
		*slash = '/';
	}
	mkdir(part, 0700);
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(e, "open image cache %s", path);
	if (st.st_uid != geteuid() || st.st_mode & 022)
		return err_set(e, ERR_SYSTEM, EPERM,
			       "image cache %s: belongs to another user, or others can write to it",
			       path);
	return take_fd(&fd);
}

/* umoci leaves directories that not even their owner can enter, where the image has them so. */
static int remove_tree(int dirfd, const char *name, unsigned depth)
{
	const struct dirent *entry;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (depth > TREE_DEPTH_MAX)
		return -1;
	CLEAN_FD int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchmodat(dirfd, name, 0700, 0) < 0)
		return -1;
	CLEAN_DIR DIR *d = NULL;
	int inner = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inner < 0)
		return -1;
	d = fdopendir(inner);
	if (!d) {
		close(inner);
		return -1;
	}
	while ((entry = readdir(d))) {
		if (text_equal(entry->d_name, ".") || text_equal(entry->d_name, ".."))
			continue;
		if (remove_tree(inner, entry->d_name, depth + 1) < 0)
			return -1;
	}
	return unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* ---- umoci ---- */

/* Run it; what it says last is why it failed. */
static int run_umoci(const struct image *image, const char *bundle, struct arena *a, struct err *e)
{
	const char *reference = arena_format(a, "%s:%s", image->layout, image->tag);
	/* As a normal user every file is the caller's. */
	const char *argv[] = { "umoci", "unpack", "--image", reference, bundle, NULL, NULL };
	struct tool_said said = { .last = true };

	if (geteuid() != 0) {
		argv[5] = bundle;
		argv[4] = "--rootless";
	}
	int status = tool_run(argv, &said, e);
	if (status < 0 && e->kind == ERR_NO_PROGRAM)
		return err_set(
			e, ERR_UNSUPPORTED, 0,
			"image: umoci, which unpacks images, is not installed (package umoci)");
	if (status < 0)
		return err_set(e, ERR_SYSTEM, e->errnum, "image: run umoci");
	if (status == 0)
		return 0;
	return err_set(e, ERR_SYSTEM, 0, "image %s: umoci: %s", reference, tool_said_line(&said));
}

/* What a sandbox needs places for, and small images do not have. */
static void add_places(int bundle)
{
	static const char *const places[] = { "proc", "dev", "tmp", "run", "sys" };

	CLEAN_FD int root = openat(bundle, "rootfs", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	for (size_t i = 0; root >= 0 && i < sizeof places / sizeof *places; i++)
		mkdirat(root, places[i], 0755);
}

static int unpack(const struct image *image, int cache, const char *path, struct arena *a,
		  struct err *e)
{
	const char *bundle = arena_format(a, "%s/" UNPACKING, path);
	const char *proof = arena_format(a, "sha256_%s.mtree", image->digest + 7);

	if (arena_check(a, e) < 0 || run_umoci(image, bundle, a, e) < 0)
		return -1;
	CLEAN_FD int dir = openat(cache, UNPACKING, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(e, "open %s", bundle);
	if (faccessat(dir, proof, F_OK, 0) < 0)
		return err_set(e, ERR_SYSTEM, 0, "image %s:%s: changed while it was unpacked",
			       image->layout, image->tag);
	add_places(dir);
	if (renameat(cache, UNPACKING, cache, image->name) < 0)
		return err_sys(e, "rename %s to %s", bundle, image->name);
	return 0;
}

int sandbox_image_unpack(const struct sandbox *s, struct arena *a, const char **bundle,
			 struct err *e)
{
	const char *path = cache_path(s, a);
	struct image image = { 0 };

	if (parse(&image, s->image, a, e) < 0)
		return -1;
	CLEAN_FD int cache = open_cache(path, a, e);
	if (cache < 0)
		return -1;
	*bundle = arena_format(a, "%s/%s", path, image.name);
	if (faccessat(cache, image.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return arena_check(a, e);
	/* One at a time; who waited may find it done. */
	if (flock(cache, LOCK_EX) < 0)
		return err_sys(e, "lock image cache %s", path);
	if (faccessat(cache, image.name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return arena_check(a, e);
	if (remove_tree(cache, UNPACKING, 0) < 0)
		return err_sys(e, "remove %s/" UNPACKING, path);
	if (unpack(&image, cache, path, a, e) < 0) {
		(void)remove_tree(cache, UNPACKING, 0);
		return -1;
	}
	return arena_check(a, e);
}
