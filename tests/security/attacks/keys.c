/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys with NAME COMMAND...: a session keyring of its own with a key in it, around the command.
 * keys add NAME: a key in the session keyring. keys find NAME: is there such a key?
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long add(const char *name)
{
	return syscall(SYS_add_key, "user", name, "secret", 6, KEY_SPEC_SESSION_KEYRING);
}

int main(int argc, char **argv)
{
	if (argc > 3 && strcmp(argv[1], "with") == 0) {
		if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 ||
		    add(argv[2]) < 0) {
			perror("keys");
			return 1;
		}
		execvp(argv[3], argv + 3);
		return 127;
	}
	if (argc == 3 && strcmp(argv[1], "add") == 0) {
		puts(add(argv[2]) < 0 ? strerrorname_np(errno) : "added");
		return 0;
	}
	if (argc == 3 && strcmp(argv[1], "find") == 0) {
		char text[8];
		/* By the session, as the kernel does for a file system; and by asking for it. */
		long key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
				   argv[2], 0);

		if (key < 0)
			key = syscall(SYS_request_key, "user", argv[2], NULL, 0);
		puts(key >= 0 && syscall(SYS_keyctl, KEYCTL_READ, key, text, sizeof(text)) > 0
			     ? "FOUND"
			     : "not found");
		return 0;
	}
	return 2;
}
