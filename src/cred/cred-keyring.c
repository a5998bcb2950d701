/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdint.h>

#include "src/base/kernel.h"

/*
 * Permission bits of keyrings(7): view 1, read 2, write 4, search 8, link 16, setattr 32, in one
 * byte each for possessor, owner, group and others. A session keyring starts with these; they are
 * repeated here because reading them back would be one more call at every start (the unit test
 * notices when a kernel starts with others).
 */
#define INITIAL_PERMISSIONS 0x3f130000u
#define OWNER_SEARCH        0x00080000u
#define OTHER_SEARCH        0x00000008u

static long keyctl(int operation, unsigned long a, unsigned long b)
{
	return syscall(SYS_keyctl, operation, a, b, 0ul, 0ul);
}

int cred_keyring_join(const char *name, int search, struct err *e)
{
	long key = keyctl(KEYCTL_JOIN_SESSION_KEYRING, (unsigned long)name, 0);

	if (key < 0) {
		if (errno == ENOSYS)
			return 1;
		err_sys(e, "join session keyring %s", name);
		if (errno == EDQUOT)
			err_append(e, ": the user has kernel.keys.maxkeys keys; raise that, or use "
				      "--no-new-keyring");
		else if (errno == EPERM || errno == EACCES)
			err_append(e, ": keyctl may be denied by a seccomp filter around husk; "
				      "--no-new-keyring does without");
		return -1;
	}
	if (search == CRED_KEYRING_AS_IT_IS)
		return 0;
	uint32_t extra = search == CRED_KEYRING_ALL ? OTHER_SEARCH : OWNER_SEARCH;
	if (keyctl(KEYCTL_SETPERM, (unsigned long)key, INITIAL_PERMISSIONS | extra) < 0)
		return err_sys(e, "make session keyring %s searchable", name);
	return 0;
}
