/* SPDX-License-Identifier: Apache-2.0 */
#include "src/lsm/lsm-apparmor.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"
#include "src/lsm/lsm-attr.h"

int lsm_apparmor_enabled(int sysfd)
{
	char text[8];

	return io_read_at(sysfd, "module/apparmor/parameters/enabled", text, sizeof text) > 0 &&
	       text[0] == 'Y';
}

int lsm_apparmor_exec(int procfd, const char *profile, struct err *e)
{
	/* "exec " and a name that aa_change_onexec(3) takes; the kernel's limit is a page. */
	char text[PATH_MAX];
	size_t n = text_format(text, sizeof text, "exec %s", profile);

	if (text_cut(n, sizeof text))
		return err_config(e, "AppArmor profile name of more than %zu bytes",
				  sizeof text - 7);
	CLEAN_FD int fd = lsm_attr_open(procfd, "attr/apparmor/exec");
	/* Before Linux 5.8 there is only the file that all security modules share. */
	if (fd < 0 && errno == ENOENT)
		fd = lsm_attr_open(procfd, "attr/exec");
	bool opened = fd >= 0;
	if (opened && lsm_attr_put(fd, text) == 0)
		return 0;
	int errnum = errno;
	err_set(e, opened || errnum != ENOENT ? ERR_SYSTEM : ERR_UNSUPPORTED, errnum,
		"set AppArmor profile %s for exec", profile);
	if (opened && errnum == ENOENT)
		return err_append(e, ": the profile is not loaded (apparmor_parser -r FILE)");
	return lsm_attr_explain(e, "profile", errnum);
}
