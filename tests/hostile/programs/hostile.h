/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_TESTS_HOSTILE_H
#define HUSK_TESTS_HOSTILE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * What programs do that nobody should trust. "hostile NAME [MARK [PID]]" does it: MARK is a word in
 * the names of whatever it makes, and of what waits for it outside (an abstract socket, a key, a
 * segment of shared memory, a file); PID is a process outside, in the host's numbers.
 *
 * An attack that takes something until a limit ends it does not return. One that tries what must be
 * refused returns 0, or 1 after a line "got through: ..." for each success.
 */
struct attack {
	const char *name;
	int (*run)(void);
};

extern const struct attack memory_attacks[], process_attacks[], file_attacks[], kernel_attacks[];
extern const char *mark;
extern int outsider;

/* Count of what got through so far; a line for each. */
extern int through;
void got_through(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What has to fail. It is done once. */
#define REFUSED(call)                                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		if ((long)(call) != -1)                                                            \
			got_through("%s", #call);                                                  \
	} while (0)

/* "/tmp/MARK-suffix", in one of some buffers. */
const char *name_in(const char *directory, const char *suffix);
/* Until somebody ends it. */
_Noreturn void spin(void);
_Noreturn void sleep_forever(void);

#endif
