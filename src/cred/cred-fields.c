/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cred/cred-fields.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* 1 there is data, 0 end of file, -1 with errno. */
static int fill(struct cred_fields *f)
{
	ssize_t n;

	if (f->at < f->end)
		return 1;
	if (f->total_bytes >= CRED_FIELDS_LIMIT_BYTES) {
		errno = EFBIG;
		return -1;
	}
	do
		n = read(f->fd, f->buffer, sizeof f->buffer);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	f->at = 0;
	f->end = (size_t)n;
	f->total_bytes += (size_t)n;
	return n > 0;
}

int cred_fields_next(struct cred_fields *f, const char *stops, char *out, size_t size, bool *cut)
{
	size_t used = 0;
	int more;

	*cut = false;
	while ((more = fill(f)) > 0) {
		char c = f->buffer[f->at++];
		/* strchr() would find the NUL at the end of @stops. */
		if (c && strchr(stops, c)) {
			out[used] = '\0';
			return (unsigned char)c;
		}
		if (c && used + 1 < size)
			out[used++] = c;
		else
			*cut = true;
	}
	out[used] = '\0';
	return more;
}
