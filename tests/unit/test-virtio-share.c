/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-fs with a process at the other end of vhost-user that this test plays, in a thread: what it is told must
 * be enough to serve a request from its own mapping of the guest's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/virtio_config.h>
#include <linux/virtio_fs.h>
#include <linux/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/io.h"
#include "tests/unit/virtio-driver.h"

#define SIZE 32

/* As in the protocol's description; little of it is needed here. */
struct message {
	uint32_t request, flags, size;
	uint64_t body[9];
} __attribute__((packed));

struct process {
	pthread_t thread;
	int fd;
	uint32_t log[64];
	unsigned count;
	uint64_t features, accepted;
	uint32_t refuse; /* this request */
	int memory, kick[2], call[2];
	uint64_t guest, bytes, host;
	uint32_t size[2], enabled[2];
	uint64_t rings[2][3]; /* descriptors, used, available */
};

struct fixture {
	struct driver dr;
	int fd;
	struct process p;
};

static void heard(struct process *p, struct message *m, int *fds, size_t nfds)
{
	uint32_t index = (uint32_t)m->body[0] & 1, number = (uint32_t)(m->body[0] >> 32);
	bool reply = m->flags & 8;
	uint64_t value = m->request == p->refuse;

	switch (m->request) {
	case 1:
		value = p->features;
		break;
	case 2:
		p->accepted = m->body[0];
		break;
	case 5:
		memcpy(&p->guest, m->body + 1, 24);
		p->memory = nfds ? fds[0] : -1;
		break;
	case 8:
		p->size[index] = number;
		break;
	case 9:
		memcpy(p->rings[index], m->body + 1, 24);
		break;
	case 11:
		value = (uint64_t)5 << 32 | index;
		break;
	case 12:
		p->kick[index] = nfds ? fds[0] : -1;
		break;
	case 13:
		p->call[index] = nfds ? fds[0] : -1;
		break;
	case 15:
		value = 0xff;
		break;
	case 18:
		p->enabled[index] = number;
		break;
	default:
		break;
	}
	if (p->count < 64)
		p->log[p->count++] = m->request;
	if (reply || m->request == 1 || m->request == 11 || m->request == 15) {
		struct message a = { m->request, 5, 8, { value } };

		(void)!write(p->fd, &a, 20);
	}
}

static void *run(void *argument)
{
	struct process *p = argument;

	for (;;) {
		struct message m = { 0 };
		int fds[4];
		size_t nfds = 4;

		if (io_recv_fds(p->fd, &m, 12, fds, &nfds) != 12)
			return NULL;
		if (m.size > sizeof m.body ||
		    (m.size && io_read_full(p->fd, m.body, m.size) != (ssize_t)m.size))
			return NULL;
		if (m.request == p->refuse && !p->features)
			return NULL;
		heard(p, &m, fds, nfds);
		for (size_t i = 0; i < nfds && m.request == 5; i++)
			if (fds[i] != p->memory)
				close(fds[i]);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	int pair[2];

	if (!f || driver_init(&f->dr) < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -1;
	f->dr.memory.fd = memfd_create("husk-test", MFD_CLOEXEC);
	if (ftruncate(f->dr.memory.fd, DRIVER_BYTES) < 0 ||
	    mmap(f->dr.memory.low, DRIVER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 f->dr.memory.fd, 0) == MAP_FAILED)
		return -1;
	f->fd = pair[0];
	f->p.fd = pair[1];
	f->p.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << 30 | 1ull << 29 | 1ull << 26;
	f->p.memory = f->p.kick[0] = f->p.kick[1] = f->p.call[0] = f->p.call[1] = -1;
	*state = f;
	return pthread_create(&f->p.thread, NULL, run, &f->p);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int fds[] = { f->p.memory, f->p.kick[0], f->p.kick[1], f->p.call[0], f->p.call[1], f->p.fd };

	shutdown(f->fd, SHUT_RDWR);
	pthread_join(f->p.thread, NULL);
	driver_free(&f->dr);
	close(f->fd);
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(f);
	return 0;
}

static void make(struct fixture *f)
{
	struct vm_share share = { "root", f->fd };
	struct err e = { 0 };

	f->dr.d = share_make(&f->dr.host, &share, &e);
	if (!f->dr.d)
		fail_msg("%s", e.msg);
}

static void test_served(void **state)
{
	struct fixture *f = *state;
	struct process *p = &f->p;
	struct virtio_fs_config config;
	uint64_t one = 1, count;

	make(f);
	driver_config(&f->dr, 0, &config, sizeof config);
	assert_string_equal((char *)config.tag, "root");
	assert_int_equal(config.num_request_queues, 1);
	/* What the process offers of the ring's features, and nothing of its own. */
	assert_int_equal(driver_offered(&f->dr), 1ull << VIRTIO_F_VERSION_1 | 1ull << 29);
	assert_int_equal(driver_start(&f->dr, ~0ull, SIZE), 0);
	assert_int_equal(p->accepted, 1ull << VIRTIO_F_VERSION_1 | 1ull << 30 | 1ull << 29);
	assert_int_equal(p->guest, 0);
	assert_int_equal(p->bytes, DRIVER_BYTES);
	assert_int_equal(p->enabled[0] + p->enabled[1], 2);

	/* The process finds ring 1 by what it was told. */
	uint8_t *map = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, p->memory, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(p->size[1], SIZE);
	assert_int_equal(p->rings[1][0] - p->host, driver_descriptors(1));
	assert_int_equal(p->rings[1][1] - p->host, driver_used(1));
	assert_int_equal(p->rings[1][2] - p->host, driver_available(1));
	driver_own(&f->dr, 1, 4, DRIVER_DATA, 3, 0, 0);
	driver_offer(&f->dr, 1, 4);
	driver_run(&f->dr);
	uint16_t ring[3];
	memcpy(ring, map + (p->rings[1][2] - p->host), sizeof ring);
	assert_int_equal(ring[1], 1);
	assert_int_equal(ring[2], 4);
	assert_int_equal(read(p->kick[1], &count, sizeof count), sizeof count);
	assert_int_equal(count, 1);
	/* Its interrupt is the device's, and the register says so without having been told. */
	assert_int_equal(write(p->call[1], &one, sizeof one), sizeof one);
	assert_int_equal(driver_interrupts(&f->dr), 1);
	assert_int_equal(driver_get(&f->dr, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
	munmap(map, p->bytes);

	/* A reset takes both queues back, and they can be given again. */
	unsigned before = p->count;
	driver_set(&f->dr, VIRTIO_MMIO_STATUS, 0);
	assert_int_equal(p->count, before + 2);
	assert_int_equal(p->log[before], 11);
	assert_int_equal(p->log[before + 1], 11);
	driver_run(&f->dr);
	assert_int_equal(driver_start(&f->dr, ~0ull, SIZE), 0);
}

static void test_ended(void **state)
{
	struct fixture *f = *state;

	make(f);
	assert_int_equal(driver_start(&f->dr, ~0ull, SIZE), 0);
	driver_run(&f->dr);
	shutdown(f->p.fd, SHUT_RDWR);
	driver_run(&f->dr);
	assert_true(driver_get(&f->dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_string_equal(f->dr.d->broken_why, "virtiofsd has ended");
	assert_int_equal(loop_once(&f->dr.loop, 0, NULL), 0);
	assert_int_equal(driver_start(&f->dr, ~0ull, SIZE), -1);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;
	struct vm_share share = { "root", f->fd };
	struct err e = { 0 };
	int memory = f->dr.memory.fd;

	f->dr.memory.fd = -1;
	assert_null(share_make(&f->dr.host, &share, &e));
	assert_non_null(strstr(e.msg, "share root: vhost-user: the guest's memory is not shared"));
	f->dr.memory.fd = memory;
	f->p.refuse = 5;
	assert_null(share_make(&f->dr.host, &share, &e));
	assert_non_null(strstr(e.msg, "request 5 was refused"));
	share.tag = "";
	assert_null(share_make(&f->dr.host, &share, &e));
	assert_non_null(strstr(e.msg, "1 to 36 bytes"));
	share.tag = "root";
	f->p.features = 1ull << 30;
	assert_null(share_make(&f->dr.host, &share, &e));
	assert_non_null(strstr(e.msg, "does not know virtio 1.0"));
	/* And one that refuses what comes later: the guest is told. */
	f->p.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << 30;
	f->p.refuse = 9;
	make(f);
	assert_int_equal(driver_start(&f->dr, ~0ull, SIZE), -1);
	assert_true(driver_get(&f->dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { T(served), T(ended), T(refused) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
