/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/cgroup/cgroup-limits.h"

/* The device list of v2: a program that the kernel asks at every open and mknod of a device. */

#define RULES_MAX 65536
/* Per rule at most: type, major, minor, and four for the access. */
#define RULE_INSNS 8
#define RWM        (CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE | CGROUP_DEVICE_MKNOD)

/* Registers after the prologue. */
enum { R_TYPE = BPF_REG_2, R_ACCESS = BPF_REG_3, R_MAJOR = BPF_REG_4, R_MINOR = BPF_REG_5 };

struct program {
	struct bpf_insn *insns;
	size_t count;
};

static void emit(struct program *p, uint8_t code, int dst, int src, int16_t off, int32_t imm)
{
	p->insns[p->count++] = (struct bpf_insn){
		.code = code,
		.dst_reg = (uint8_t)dst & 15,
		.src_reg = (uint8_t)src & 15,
		.off = off,
		.imm = imm,
	};
}

/* "return 0 (refuse) or 1 (let pass)". */
static void emit_return(struct program *p, int verdict)
{
	emit(p, BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, verdict);
	emit(p, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int kernel_access(unsigned access)
{
	return (access & CGROUP_DEVICE_MKNOD ? BPF_DEVCG_ACC_MKNOD : 0) |
	       (access & CGROUP_DEVICE_READ ? BPF_DEVCG_ACC_READ : 0) |
	       (access & CGROUP_DEVICE_WRITE ? BPF_DEVCG_ACC_WRITE : 0);
}

/*
 * One rule. The program goes through the list from the end and decides each requested access bit by
 * the first rule that names it, so the last rule of the list wins, bit by bit: bits that a rule
 * allows are struck from R_ACCESS, a bit that a rule refuses ends it. Jumps over a rule are filled
 * in when its length is known. True if nothing can come after it.
 */
static bool emit_rule(struct program *p, const struct cgroup_device *d)
{
	size_t first = p->count, jumps;
	int mask = kernel_access(d->access);

	/* 32-bit comparisons: device numbers have all 32 bits. */
	if (d->type != 'a')
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R_TYPE, 0, 0,
		     d->type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
	if (d->major >= 0)
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R_MAJOR, 0, 0, (int32_t)(uint32_t)d->major);
	if (d->minor >= 0)
		emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R_MINOR, 0, 0, (int32_t)(uint32_t)d->minor);
	jumps = p->count;
	if (d->access != RWM) {
		if (d->allow) {
			/* Strike the bits; go on unless none is left. */
			emit(p, BPF_ALU | BPF_AND | BPF_K, R_ACCESS, 0, 0, ~mask);
			emit(p, BPF_JMP32 | BPF_JNE | BPF_K, R_ACCESS, 0, 2, 0);
		} else {
			emit(p, BPF_ALU | BPF_MOV | BPF_X, BPF_REG_1, R_ACCESS, 0, 0);
			emit(p, BPF_ALU | BPF_AND | BPF_K, BPF_REG_1, 0, 0, mask);
			emit(p, BPF_JMP32 | BPF_JEQ | BPF_K, BPF_REG_1, 0, 2, 0);
		}
	}
	emit_return(p, d->allow);
	for (size_t i = first; i < jumps; i++)
		p->insns[i].off = (int16_t)(p->count - i - 1);
	return jumps == first && d->access == RWM;
}

struct bpf_insn *cgroup_devices_compile(const struct cgroup_device *rules, size_t rules_count,
					bool allow_default, struct arena *a, size_t *count,
					struct err *e)
{
	struct program p = { 0 };
	bool ended = false;

	if (rules_count > RULES_MAX) {
		err_set(e, ERR_UNSUPPORTED, 0, "devices: more than %d rules", RULES_MAX);
		return NULL;
	}
	p.insns = arena_new_array(a, rules_count * RULE_INSNS + 8, struct bpf_insn);
	if (!p.insns) {
		arena_check(a, e);
		return NULL;
	}
	/* struct bpf_cgroup_dev_ctx in r1: access and type in one word, major, minor. */
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_TYPE, BPF_REG_1, 0, 0);
	emit(&p, BPF_ALU | BPF_MOV | BPF_X, R_ACCESS, R_TYPE, 0, 0);
	emit(&p, BPF_ALU | BPF_AND | BPF_K, R_TYPE, 0, 0, 0xffff);
	emit(&p, BPF_ALU | BPF_RSH | BPF_K, R_ACCESS, 0, 0, 16);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_MAJOR, BPF_REG_1, 4, 0);
	emit(&p, BPF_LDX | BPF_MEM | BPF_W, R_MINOR, BPF_REG_1, 8, 0);
	/* What follows a rule for everything would be dead code, which the kernel refuses. */
	for (size_t i = rules_count; i-- > 0 && !ended;)
		if (rules[i].access)
			ended = emit_rule(&p, &rules[i]);
	if (!ended)
		emit_return(&p, allow_default);
	*count = p.count;
	return p.insns;
}

/* ---- loading ---- */

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof *attr);
}

static int load(const struct bpf_insn *program, size_t count, char *log, size_t log_size)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
	attr.insn_cnt = (uint32_t)count;
	attr.insns = (uintptr_t)program;
	attr.license = (uintptr_t) "Apache-2.0"; /* no GPL-only helper is called */
	memcpy(attr.prog_name, "husk_devices", 13);
	if (log) {
		attr.log_level = 1;
		attr.log_buf = (uintptr_t)log;
		attr.log_size = (uint32_t)log_size;
	}
	return bpf(BPF_PROG_LOAD, &attr);
}

/* Ids of the programs attached directly to @dirfd. Count or -1. */
static int attached(int dirfd, uint32_t *ids, uint32_t room)
{
	union bpf_attr attr = { 0 };

	attr.query.target_fd = (uint32_t)dirfd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = room;
	if (bpf(BPF_PROG_QUERY, &attr) < 0)
		return -1;
	return (int)attr.query.prog_cnt;
}

static int program_of_id(uint32_t id)
{
	union bpf_attr attr = { 0 };

	attr.prog_id = id;
	return bpf(BPF_PROG_GET_FD_BY_ID, &attr);
}

static int attach(int dirfd, int fd, int replace_fd)
{
	union bpf_attr attr = { 0 };

	attr.target_fd = (uint32_t)dirfd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	/* MULTI: programs of cgroups above and below are all asked; without it, systemd's above
	 * would make this one fail. */
	attr.attach_flags = BPF_F_ALLOW_MULTI;
	if (replace_fd >= 0) {
		attr.attach_flags |= BPF_F_REPLACE;
		attr.replace_bpf_fd = (uint32_t)replace_fd;
	}
	return bpf(BPF_PROG_ATTACH, &attr);
}

static void detach(int dirfd, int fd)
{
	union bpf_attr attr = { 0 };

	attr.target_fd = (uint32_t)dirfd;
	attr.attach_bpf_fd = (uint32_t)fd;
	attr.attach_type = BPF_CGROUP_DEVICE;
	bpf(BPF_PROG_DETACH, &attr);
}

int cgroup_devices_attach(int dirfd, const struct bpf_insn *program, size_t count, bool replace,
			  struct err *e)
{
	uint32_t ids[64];
	CLEAN_FD int fd = load(program, count, NULL, 0);

	if (fd < 0) {
		char log[4096] = "";
		int errnum = errno;
		if (errnum != EPERM) /* the kernel's checker says what it dislikes */
			load(program, count, log, sizeof log);
		err_set(e, ERR_SYSTEM, errnum, "load the device program");
		return *log ? err_append(e, ": %.*s", (int)strcspn(log, "\n"), log) : -1;
	}
	int old = replace ? attached(dirfd, ids, 64) : 0;
	if (old < 0)
		return err_sys(e, "list the device programs of the cgroup");
	/* One is swapped for the other with no moment in between; of several (two updates that
	 * raced), all go after the new one is in force. */
	CLEAN_FD int replaced = old == 1 ? program_of_id(ids[0]) : -1;
	if (attach(dirfd, fd, replaced) < 0)
		return err_sys(e, "attach the device program to the cgroup");
	for (int i = 0; old > 1 && i < old; i++) {
		CLEAN_FD int other = program_of_id(ids[i]);
		if (other >= 0)
			detach(dirfd, other);
	}
	return 0;
}
