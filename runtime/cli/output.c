/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/output.h"

#include <errno.h>
#include <unistd.h>

#include "src/base/io.h"

int output_json(struct json_writer *w, struct err *e)
{
	size_t length;
	const char *text = json_write_finish(w, &length, e);
	int result = text ? 0 : -1;

	if (text && (io_write_full(STDOUT_FILENO, text, length) < 0 ||
		     io_write_full(STDOUT_FILENO, "\n", 1) < 0))
		result = err_sys(e, "write to standard output");
	json_write_free(w);
	return result;
}

void output_state(struct json_writer *w, const struct state *s, enum state_status status)
{
	json_write_string(w, "ociVersion", s->oci_version);
	json_write_string(w, "id", s->id);
	/* As runc and crun: 0 once there is no process any more. */
	json_write_u64(w, "pid", status == STATE_STOPPED ? 0 : s->pid);
	json_write_string(w, "status", state_status_name(status));
	json_write_string(w, "bundle", s->bundle);
	json_write_string(w, "rootfs", s->rootfs);
	json_write_string(w, "created", s->created);
	json_write_u64(w, "owner", s->owner);
	if (s->annotations_count)
		json_write_key_values(w, "annotations", s->annotations, s->annotations_count);
}
