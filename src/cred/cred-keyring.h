/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_KEYRING_H
#define HUSK_CRED_KEYRING_H

#include "src/base/err.h"

/*
 * Who else may find the keyring by its name, and so join it. runc opens it to search at creation,
 * so that exec joins the same one; any other process of that user can then join it too.
 */
enum cred_keyring_search {
	CRED_KEYRING_OWNER, /* processes of the same uid */
	CRED_KEYRING_ALL,   /* with a user namespace, where husk's uid and the program's differ */
	CRED_KEYRING_AS_IT_IS, /* nobody where it is new; for exec: what creation has set */
};

/*
 * [init] Join the session keyring @name ("_ses.ID" as the other runtimes call it), made if there is
 * none that the caller may search, so that the program does not share its caller's keys. One
 * call, two with a @search. Under SELinux the new keyring gets the label that was written to
 * attr/keycreate before (lsm-selinux.h).
 * 0 joined; 1 the kernel has no keyrings (ENOSYS); -1 with @e, where EDQUOT is explained.
 */
int cred_keyring_join(const char *name, int search, struct err *e);

#endif
