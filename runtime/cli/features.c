/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <seccomp.h>
#include <string.h>

#include "runtime/cli/output.h"
#include "runtime/spec/spec-print.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/lsm/lsm-apparmor.h"
#include "src/lsm/lsm-selinux.h"
#include "src/seccomp/seccomp-install.h"

/* A line of /proc/cgroups, whether mounted or not. */
static bool kernel_has_controller(const char *name)
{
	char text[4096];
	size_t n = strlen(name);

	if (io_read_at(AT_FDCWD, "/proc/cgroups", text, sizeof text) < 0)
		return false;
	for (const char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, n) == 0 && p[n] == '\t')
			return true;
	}
	return false;
}

static int features_verb(struct call *call, const void *options, int argc, char **argv,
			 struct err *e)
{
	char library[32];
	const struct scmp_version *v = seccomp_version();
	struct json_writer w;
	CLEAN_FD int sysfd = open("/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	(void)call;
	(void)options;
	(void)argc;
	(void)argv;
	text_format(library, sizeof library, "%u.%u.%u", v->major, v->minor, v->micro);
	struct spec_features f = {
		.seccomp_flags = seccomp_kernel_flags(),
		.apparmor = sysfd >= 0 && lsm_apparmor_enabled(sysfd) > 0,
		.selinux = sysfd >= 0 && lsm_selinux_enabled(sysfd) > 0,
		.rdma = kernel_has_controller("rdma"),
		.version = PACKAGE_VERSION,
		.commit = HUSK_COMMIT,
		.libseccomp_version = library,
	};
	f.seccomp = true;
	json_write_init(&w, true);
	spec_features_print(&w, &f);
	return output_json(&w, e);
}

const struct verb verb_features = {
	.name = "features",
	.arguments = "",
	.about = "Print what this husk and this kernel support, as JSON",
	.run = features_verb,
};
