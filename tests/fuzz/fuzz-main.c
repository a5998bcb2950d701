/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus through a fuzz target without a fuzzing engine, so that "make check" runs every
 * input that ever mattered. Arguments: files; without any, the target's own corpus
 * (fuzz-NAME: tests/fuzz/corpus/NAME below $srcdir). TAP on standard output.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned done;

static void replay(const char *path)
{
	FILE *in = fopen(path, "rb");
	uint8_t *data = NULL;
	size_t size = 0, room = 0, n;

	if (!in) {
		printf("Bail out! cannot read %s\n", path);
		exit(1);
	}
	do {
		/* A buffer of the exact size, in the end: a sanitizer then sees a read beyond it.
		 */
		if (size == room) {
			room = room ? 2 * room : 4096;
			data = realloc(data, room);
			if (!data)
				exit(1);
		}
		n = fread(data + size, 1, room - size, in);
		size += n;
	} while (n);
	fclose(in);
	uint8_t *exact = malloc(size ? size : 1);
	if (!exact)
		exit(1);
	memcpy(exact, data, size);
	free(data);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	const char *name = strrchr(path, '/');
	printf("ok %u - %s\n", ++done, name ? name + 1 : path);
}

static int is_input(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static void replay_folder(const char *path)
{
	struct dirent **files;
	int n = scandir(path, &files, is_input, alphasort);
	char file[8192];

	if (n <= 0) {
		printf("Bail out! no inputs in %s\n", path);
		exit(1);
	}
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof file, "%s/%s", path, files[i]->d_name);
		replay(file);
		free(files[i]);
	}
	free(files);
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(argv[0], '/');
	char path[4096];

	name = name ? name + 1 : argv[0];
	if (strncmp(name, "fuzz-", 5) == 0)
		name += 5;
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc < 2) {
		/* fuzz-NAME-replay is built beside fuzz-NAME, which has an engine. */
		snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%.*s", srcdir ? srcdir : ".",
			 (int)strcspn(name, "-"), name);
		replay_folder(path);
	}
	printf("1..%u\n", done);
	return 0;
}
