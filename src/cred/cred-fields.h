/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_FIELDS_H
#define HUSK_CRED_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * [init] Fields of a text file with separators, through one bounded buffer. The passwd and group
 * files of an image are hostile: no line or field length and no byte may upset the reader.
 */

/* A passwd file above this is an attempt to keep init busy. */
#define CRED_FIELDS_LIMIT_BYTES (4u << 20)

struct cred_fields {
	int fd; /* the caller's; set it, zero the rest */
	size_t at, end, total_bytes;
	char buffer[4096];
};

/*
 * Read up to the next byte that is in @stops or the end of the file; what comes before it goes to
 * @out as a string. *cut is set when it did not fit or has a NUL byte: such a field equals nothing.
 * Returns the byte it stopped at, 0 at the end, -1 with errno.
 */
int cred_fields_next(struct cred_fields *f, const char *stops, char *out, size_t size, bool *cut);

#endif
