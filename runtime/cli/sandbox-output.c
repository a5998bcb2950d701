/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-output.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/clean.h"

void sandbox_output_init(struct sandbox_output *o)
{
	*o = (struct sandbox_output){ 0 };
	for (int i = 0; i < 2; i++)
		o->streams[i].pipe = o->streams[i].real = -1;
}

static int divert(struct sandbox_output *o, struct err *e)
{
	o->used = true;
	for (int i = 0; i < 2; i++) {
		int ends[2];
		o->streams[i].real = fcntl(i + 1, F_DUPFD_CLOEXEC, 3);
		if (o->streams[i].real < 0)
			return err_sys(e, "keep descriptor %d", i + 1);
		if (pipe2(ends, O_CLOEXEC) < 0)
			return err_sys(e, "create pipe for the output");
		o->streams[i].pipe = ends[0];
		/* Only this side must never wait: the program's ends are as it expects them. */
		if (fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 || dup2(ends[1], i + 1) < 0)
			return err_sys(e, "put a pipe in the place of descriptor %d", i + 1);
		close(ends[1]);
	}
	return 0;
}

int sandbox_output_begin(struct sandbox_output *o, uint64_t limit_bytes, struct err *e)
{
	o->limit_bytes = limit_bytes;
	o->total = mmap(NULL, sizeof *o->total, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (o->total == MAP_FAILED) {
		o->total = NULL;
		return err_sys(e, "allocate memory");
	}
	return divert(o, e);
}

int sandbox_output_join(struct sandbox_output *o, const struct sandbox_output *of, struct err *e)
{
	sandbox_output_init(o);
	o->limit_bytes = of->limit_bytes;
	o->total = of->total;
	return divert(o, e);
}

uint64_t sandbox_output_bytes(const struct sandbox_output *o)
{
	uint64_t bytes = o->total ? atomic_load(&o->total->bytes) : 0;

	return bytes < o->limit_bytes ? bytes : o->limit_bytes;
}

bool sandbox_output_exceeded(const struct sandbox_output *o)
{
	return o->total && atomic_load(&o->total->exceeded);
}

void sandbox_output_restore(struct sandbox_output *o)
{
	for (int i = 0; i < 2; i++) {
		if (o->streams[i].real >= 0)
			dup2(o->streams[i].real, i + 1);
	}
}

void sandbox_output_poll(const struct sandbox_output *o, struct pollfd p[SANDBOX_OUTPUT_FDS])
{
	for (size_t i = 0; i < 2; i++) {
		bool pending = o->streams[i].used > o->streams[i].sent;
		/* A descriptor of -1 is passed over by poll(2). */
		p[2 * i] = (struct pollfd){ pending ? -1 : o->streams[i].pipe, POLLIN, 0 };
		p[2 * i + 1] = (struct pollfd){ pending ? o->streams[i].real : -1, POLLOUT, 0 };
	}
}

/* What a pipe has, up to the limit. */
static void take(struct sandbox_output *o, size_t i)
{
	size_t room = sizeof o->streams[i].pending;
	ssize_t n = read(o->streams[i].pipe, o->streams[i].pending, room);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop_fd(&o->streams[i].pipe);
		return;
	}
	uint64_t before = atomic_fetch_add(&o->total->bytes, (uint64_t)n);
	uint64_t left = before < o->limit_bytes ? o->limit_bytes - before : 0;
	if ((uint64_t)n > left) {
		atomic_store(&o->total->exceeded, true);
		n = (ssize_t)left;
	}
	o->streams[i].used = (size_t)n;
	o->streams[i].sent = 0;
}

static void give(struct sandbox_output *o, size_t i)
{
	size_t left = o->streams[i].used - o->streams[i].sent;
	ssize_t n = write(o->streams[i].real, o->streams[i].pending + o->streams[i].sent, left);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Nobody listens any more: the program is told so by its own pipe. */
	if (n < 0) {
		o->streams[i].used = o->streams[i].sent = 0;
		drop_fd(&o->streams[i].pipe);
		return;
	}
	o->streams[i].sent += (size_t)n;
}

void sandbox_output_step(struct sandbox_output *o, const struct pollfd p[SANDBOX_OUTPUT_FDS])
{
	for (size_t i = 0; i < 2; i++) {
		if (p[2 * i].fd >= 0 && p[2 * i].revents && o->streams[i].pipe >= 0)
			take(o, i);
		if (p[2 * i + 1].fd >= 0 && p[2 * i + 1].revents)
			give(o, i);
	}
}
