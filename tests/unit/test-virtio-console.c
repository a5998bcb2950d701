/* SPDX-License-Identifier: Apache-2.0 */
/* virtio-console: ports that are announced, opened, closed; readers that are slow, gone, or were never there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_config.h>
#include <linux/virtio_console.h>
#include <linux/virtio_mmio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/virtio-driver.h"

#define SIZE      64
#define SAY       2 /* queue of messages to the driver */
#define HEAR      3
#define IN(port)  ((port) ? 2 * (port) + 2 : 0)
#define OUT(port) (IN(port) + 1)
#define MULTIPORT (1ull << VIRTIO_CONSOLE_F_MULTIPORT)

struct fixture {
	struct driver dr;
	int console[2];        /* a pipe */
	int a[2], b[2];        /* sockets of the ports "ctl" and "log": [0] is the device's */
	unsigned said, posted; /* buffers for messages */
};

static uint64_t message_at(unsigned i)
{
	return DRIVER_DATA + 0x10000 + 128ull * i;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct vm_port ports[2] = { { "husk.ctl.0", -1 }, { "log", -1 } };

	signal(SIGPIPE, SIG_IGN);
	if (!f || driver_init(&f->dr) < 0 || pipe(f->console) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, f->a) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, f->b) < 0)
		return -1;
	fcntl(f->console[0], F_SETFL, O_NONBLOCK);
	fcntl(f->a[1], F_SETFL, O_NONBLOCK);
	ports[0].fd = f->a[0];
	ports[1].fd = f->b[0];
	f->dr.d = console_make(&f->dr.host, ports, 2, f->console[1], NULL);
	*state = f;
	return f->dr.d ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int *fds[] = { f->console, f->a, f->b };

	driver_free(&f->dr);
	for (size_t i = 0; i < 6; i++)
		if (fds[i / 2][i % 2] >= 0)
			close(fds[i / 2][i % 2]);
	free(f);
	return 0;
}

static void drop(int *fd)
{
	close(*fd);
	*fd = -1;
}

static void message(struct driver *dr, uint32_t id, uint16_t event, uint16_t value)
{
	struct virtio_console_control m = { id, event, value };
	uint32_t head, length;

	memcpy(driver_at(dr, DRIVER_DATA), &m, sizeof m);
	driver_own(dr, HEAR, 0, DRIVER_DATA, sizeof m, 0, 0);
	driver_offer(dr, HEAR, 0);
	driver_run(dr);
	assert_true(driver_take(dr, HEAR, &head, &length));
}

static void listen_to(struct fixture *f, unsigned buffers)
{
	for (unsigned i = 0; i < buffers; i++) {
		uint16_t n = (uint16_t)(f->posted++ % SIZE);

		driver_own(&f->dr, SAY, n, message_at(n), 128, DESC_WRITE, 0);
		driver_put(&f->dr, SAY, n);
	}
	driver_notify(&f->dr, SAY);
	driver_run(&f->dr);
}

/* The next message of the device is this one. */
static void said(struct fixture *f, uint32_t id, uint16_t event, uint16_t value, const char *name)
{
	struct virtio_console_control m;
	uint32_t head, length;

	assert_true(driver_take(&f->dr, SAY, &head, &length));
	assert_int_equal(head, f->said++ % SIZE);
	assert_int_equal(length, sizeof m + strlen(name));
	memcpy(&m, driver_at(&f->dr, message_at(head)), sizeof m);
	assert_int_equal(m.id, id);
	assert_int_equal(m.event, event);
	assert_int_equal(m.value, value);
	assert_memory_equal(driver_at(&f->dr, message_at(head) + sizeof m), name, strlen(name));
}

/* As the kernel does it: all ports are known and ready, those of the guest's programs still closed. */
static void start(struct fixture *f)
{
	struct driver *dr = &f->dr;

	assert_int_equal(driver_start(dr, ~0ull, SIZE), 0);
	f->said = f->posted = 0;
	driver_run(dr);
	message(dr, 0, VIRTIO_CONSOLE_DEVICE_READY, 1);
	/* Buffers come late, and few at a time. */
	listen_to(f, 1);
	said(f, 0, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	listen_to(f, 2);
	said(f, 1, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	said(f, 2, VIRTIO_CONSOLE_PORT_ADD, 1, "");
	listen_to(f, 40);
	message(dr, 0, VIRTIO_CONSOLE_PORT_READY, 1);
	message(dr, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	message(dr, 2, VIRTIO_CONSOLE_PORT_READY, 1);
	message(dr, 9, VIRTIO_CONSOLE_PORT_READY, 1);
	message(dr, 1, 999, 1);
	said(f, 0, VIRTIO_CONSOLE_CONSOLE_PORT, 1, "");
	said(f, 0, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	said(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "husk.ctl.0");
	said(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
	said(f, 2, VIRTIO_CONSOLE_PORT_NAME, 1, "log");
	said(f, 2, VIRTIO_CONSOLE_PORT_OPEN, 1, "");
}

static void print(struct driver *dr, unsigned port, uint16_t head, const char *text, uint32_t length)
{
	uint64_t at = DRIVER_DATA + 0x40000 + 0x8000ull * head;

	memcpy(driver_at(dr, at), text, length);
	driver_own(dr, OUT(port), head, at, length, 0, 0);
	driver_offer(dr, OUT(port), head);
	driver_run(dr);
}

static void post(struct driver *dr, unsigned port, uint16_t head, uint32_t length)
{
	driver_own(dr, IN(port), head, DRIVER_DATA + 0x20000 + 0x1000ull * head, length, DESC_WRITE,
		   0);
	driver_offer(dr, IN(port), head);
	driver_run(dr);
}

static void received(struct driver *dr, unsigned port, const char *text)
{
	uint32_t head, length;

	assert_true(driver_take(dr, IN(port), &head, &length));
	assert_int_equal(length, strlen(text));
	assert_memory_equal(driver_at(dr, DRIVER_DATA + 0x20000 + 0x1000ull * head), text, length);
}

static void test_configuration(void **state)
{
	struct fixture *f = *state;
	struct virtio_console_config config;

	driver_config(&f->dr, 0, &config, sizeof config);
	assert_int_equal(config.max_nr_ports, 3);
	assert_true(driver_offered(&f->dr) & MULTIPORT);
	assert_int_equal(driver_get(&f->dr, VIRTIO_MMIO_CONFIG + 4096 - 260), 0);
}

static void test_round_trip(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint32_t head, length;
	char back[64];

	start(f);
	print(dr, 1, 0, "hello", 5);
	assert_true(driver_take(dr, OUT(1), &head, &length));
	assert_int_equal(read(f->a[1], back, sizeof back), 5);
	assert_memory_equal(back, "hello", 5);

	/* To the guest nothing flows before a program has opened the port: it would be lost. */
	post(dr, 1, 0, 4);
	assert_int_equal(write(f->a[1], "abcdefg", 7), 7);
	driver_run(dr);
	assert_false(driver_take(dr, IN(1), &head, &length));
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	received(dr, 1, "abcd");
	post(dr, 1, 1, 100);
	received(dr, 1, "efg");
	/* A buffer waits for what comes later. */
	post(dr, 1, 2, 100);
	assert_false(driver_take(dr, IN(1), &head, &length));
	assert_int_equal(write(f->a[1], "later", 5), 5);
	driver_run(dr);
	received(dr, 1, "later");
	/* Closed again: it stays in the socket. */
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 0);
	post(dr, 1, 3, 100);
	assert_int_equal(write(f->a[1], "kept", 4), 4);
	driver_run(dr);
	assert_false(driver_take(dr, IN(1), &head, &length));
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	received(dr, 1, "kept");
}

static void test_console_output(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static char line[4096], back[1 << 20];
	uint32_t head, length;

	start(f);
	print(dr, 0, 0, "Linux version", 13);
	assert_true(driver_take(dr, OUT(0), &head, &length));
	assert_int_equal(read(f->console[0], back, sizeof back), 13);
	assert_memory_equal(back, "Linux version", 13);
	/* Nobody reads: the guest does not notice. */
	memset(line, 'x', sizeof line);
	for (unsigned i = 0; i < 100; i++) {
		print(dr, 0, 1, line, sizeof line);
		assert_true(driver_take(dr, OUT(0), &head, &length));
	}
	ssize_t kept = read(f->console[0], back, sizeof back);
	assert_true(kept > 0 && kept < 100 * (ssize_t)sizeof line);
	print(dr, 0, 0, "again", 5);
	assert_true(driver_take(dr, OUT(0), &head, &length));
	assert_int_equal(read(f->console[0], back, sizeof back), 5);
	drop(&f->console[0]);
	print(dr, 0, 0, "gone", 4);
	assert_true(driver_take(dr, OUT(0), &head, &length));
	assert_int_equal(driver_get(dr, VIRTIO_MMIO_STATUS), 15);
}

static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static char block[0x8000], back[0x8000];
	unsigned given = 0, taken = 0;
	uint32_t head, length;
	uint64_t bytes = 0;

	start(f);
	/* The socket is full at some time; then buffers wait, and another port works. */
	for (; given < 40; given++) {
		memset(block, (int)('a' + given % 20), sizeof block);
		print(dr, 1, (uint16_t)given, block, sizeof block);
	}
	while (driver_take(dr, OUT(1), &head, &length))
		taken++;
	assert_true(taken > 0 && taken < given);
	print(dr, 2, 0, "quick", 5);
	assert_int_equal(read(f->b[1], back, sizeof back), 5);
	/* Every byte arrives, in order, in pieces of any size. */
	while (bytes < given * sizeof block) {
		ssize_t n = read(f->a[1], back, 3001);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			driver_run(dr);
			continue;
		}
		for (ssize_t i = 0; i < n; i++, bytes++)
			if (back[i] != (char)('a' + bytes / sizeof block % 20))
				fail_msg("byte %llu differs", (unsigned long long)bytes);
	}
	driver_run(dr);
	while (driver_take(dr, OUT(1), &head, &length))
		assert_int_equal(head, taken++);
	assert_int_equal(taken, given);
}

static void test_host_gone(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint32_t head, length;

	start(f);
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	post(dr, 1, 0, 100);
	post(dr, 1, 1, 100);
	assert_int_equal(write(f->a[1], "last", 4), 4);
	drop(&f->a[1]);
	driver_run(dr);
	received(dr, 1, "last");
	said(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
	assert_false(driver_take(dr, IN(1), &head, &length));
	print(dr, 1, 0, "nobody", 6);
	assert_true(driver_take(dr, OUT(1), &head, &length));
	/* The loop does not spin about it. */
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	/* After a reset the guest hears of it at once. */
	assert_int_equal(driver_start(dr, ~0ull, SIZE), 0);
	f->said = f->posted = 0;
	listen_to(f, 10);
	message(dr, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	said(f, 1, VIRTIO_CONSOLE_PORT_NAME, 1, "husk.ctl.0");
	said(f, 1, VIRTIO_CONSOLE_PORT_OPEN, 0, "");
}

static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	static char block[0x8000];
	uint32_t head, length;
	char back[32];

	start(f);
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	post(dr, 1, 0, 100);
	for (uint16_t i = 0; i < 40; i++)
		print(dr, 1, i, block, sizeof block);
	driver_set(dr, VIRTIO_MMIO_STATUS, 0);
	/* The buffers from before are nobody's now, whatever arrives or gets room. */
	assert_int_equal(write(f->a[1], "x", 1), 1);
	while (read(f->a[1], block, sizeof block) > 0)
		driver_run(dr);
	driver_run(dr);
	assert_int_equal(loop_once(&dr->loop, 0, NULL), 0);
	start(f);
	assert_false(driver_take(dr, IN(1), &head, &length));
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	post(dr, 1, 0, 100);
	received(dr, 1, "x");
	print(dr, 1, 0, "new", 3);
	assert_int_equal(read(f->a[1], back, sizeof back), 3);
}

static void broken(struct fixture *f)
{
	driver_run(&f->dr);
	assert_true(driver_get(&f->dr, VIRTIO_MMIO_STATUS) & VIRTIO_CONFIG_S_NEEDS_RESET);
	assert_int_equal(loop_once(&f->dr.loop, 0, NULL), 0);
	start(f);
}

static void test_broken(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;

	start(f);
	/* Output that is writable, input that is readable, or empty, messages that are too short. */
	driver_own(dr, OUT(1), 0, DRIVER_DATA, 8, DESC_WRITE, 0);
	driver_offer(dr, OUT(1), 0);
	broken(f);
	driver_own(dr, OUT(0), 0, DRIVER_DATA, 0, 0, 0);
	driver_offer(dr, OUT(0), 0);
	broken(f);
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	driver_own(dr, IN(1), 0, DRIVER_DATA, 8, 0, 0);
	driver_offer(dr, IN(1), 0);
	broken(f);
	driver_own(dr, HEAR, 0, DRIVER_DATA, 7, 0, 0);
	driver_offer(dr, HEAR, 0);
	broken(f);
	assert_int_equal(driver_start(dr, ~0ull, SIZE), 0);
	driver_own(dr, SAY, 0, DRIVER_DATA, 12, DESC_WRITE, 0);
	driver_offer(dr, SAY, 0);
	message(dr, 1, VIRTIO_CONSOLE_PORT_READY, 1);
	broken(f);
	/* While input is waited for, and the device breaks: the socket is left alone. */
	message(dr, 1, VIRTIO_CONSOLE_PORT_OPEN, 1);
	post(dr, 1, 0, 100);
	driver_own(dr, OUT(2), 0, DRIVER_BYTES, 8, 0, 0);
	driver_offer(dr, OUT(2), 0);
	driver_run(dr);
	assert_int_equal(write(f->a[1], "x", 1), 1);
	broken(f);
}

static void test_single_port(void **state)
{
	struct fixture *f = *state;
	struct driver *dr = &f->dr;
	uint32_t head, length;
	char back[8];

	assert_int_equal(driver_start(dr, 0, SIZE), 0);
	driver_own(dr, SAY, 0, DRIVER_DATA, 64, DESC_WRITE, 0);
	driver_offer(dr, SAY, 0);
	print(dr, 1, 0, "no", 2);
	assert_false(driver_take(dr, OUT(1), &head, &length));
	print(dr, 0, 0, "yes", 3);
	assert_int_equal(read(f->console[0], back, sizeof back), 3);
}

static void test_make(void **state)
{
	struct fixture *f = *state;
	struct vm_port port = { "p", f->console[0] };
	struct err e = { 0 };

	assert_null(console_make(&f->dr.host, &port, 1, -1, &e));
	assert_non_null(strstr(e.msg, "is not a socket"));
	port.name = "a name that has more bytes than what a guest may be asked to keep of";
	port.fd = f->a[0];
	assert_null(console_make(&f->dr.host, &port, 1, -1, &e));
	assert_non_null(strstr(e.msg, "1 to 63 bytes"));
	assert_null(console_make(&f->dr.host, NULL, 0, 9999, &e));
	assert_non_null(strstr(e.msg, "console: descriptor 9999"));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(configuration), T(round_trip), T(console_output), T(slow_reader), T(host_gone),
		T(reset),         T(broken),     T(single_port),    T(make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
