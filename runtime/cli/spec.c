/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "runtime/spec/spec-print.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/cgroup/cgroup.h"

struct spec_options {
	const char *bundle, *config;
	bool rootless;
};

static const struct option_row rows[] = {
	{ "bundle", 'b', OPTION_STRING, offsetof(struct spec_options, bundle), "DIR",
	  "where config.json is written (default: .)" },
	{ "config", 'f', OPTION_STRING, offsetof(struct spec_options, config), "FILE",
	  "another name for config.json" },
	{ "rootless", 0, OPTION_FLAG, offsetof(struct spec_options, rootless), NULL,
	  "with a user namespace, for callers without rights" },
};

static int write_new(const struct spec_options *o, const char *text, size_t length, struct err *e)
{
	const char *dir_name = o->bundle ? o->bundle : ".";
	const char *name = o->config ? o->config : "config.json";
	CLEAN_FD int dir = open(dir_name, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, "open bundle %s", dir_name);
	CLEAN_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0 && errno == EEXIST)
		return err_set(e, ERR_USAGE, errno, "%s/%s: is not overwritten; remove it first",
			       dir_name, name);
	if (fd < 0)
		return err_sys(e, "create %s/%s", dir_name, name);
	if (io_write_full(fd, text, length) < 0 || io_write_full(fd, "\n", 1) < 0) {
		err_sys(e, "write %s/%s", dir_name, name);
		unlinkat(dir, name, 0);
		return -1;
	}
	return 0;
}

static int spec_verb(struct call *call, const void *options, int argc, char **argv, struct err *e)
{
	const struct spec_options *o = options;
	struct cgroup_host host;
	struct json_writer w;
	size_t length;

	(void)argc;
	(void)argv;
	if (cgroup_host_read(call->arena, &host, e) < 0)
		return -1;
	struct spec_default wanted = {
		.rootless = o->rootless,
		.cgroup_namespace = host.mode == CGROUP_MODE_V2,
		.uid_host = geteuid(),
		.gid_host = getegid(),
	};
	json_write_init(&w, true);
	spec_default_print(&w, &wanted);
	const char *text = json_write_finish(&w, &length, e);
	int result = text ? write_new(o, text, length, e) : -1;
	json_write_free(&w);
	return result;
}

const struct verb verb_spec = {
	.name = "spec",
	.arguments = "",
	.about = "Write a config.json to start from",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct spec_options),
	.run = spec_verb,
};
