/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device list: the v2 program is run by an interpreter here and compared with the rule "the
 * last rule that names an access bit decides it"; the v1 lines are run through a model of the
 * kernel's list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/text.h"
#include "src/cgroup/cgroup-limits.h"

#define R      CGROUP_DEVICE_READ
#define W      CGROUP_DEVICE_WRITE
#define M      CGROUP_DEVICE_MKNOD
#define RWM    (R | W | M)
#define LEN(a) (sizeof(a) / sizeof *(a))

struct request {
	char type; /* 'b' or 'c' */
	uint32_t major, minor;
	unsigned access;
};

/* ---- an interpreter for the instructions that the compiler may emit ---- */

static uint32_t context_word(const struct request *q, int16_t offset)
{
	uint32_t access =
		(q->access & M ? 1u : 0) | (q->access & R ? 2u : 0) | (q->access & W ? 4u : 0);

	switch (offset) {
	case 0:
		return access << 16 | (q->type == 'b' ? 1 : 2);
	case 4:
		return q->major;
	case 8:
		return q->minor;
	default:
		fail_msg("load from offset %d", offset);
		return 0;
	}
}

/* One instruction. The number of instructions to go on by, or 0 at the end. */
static int step(const struct bpf_insn *i, uint64_t *r, const struct request *q)
{
	uint32_t a = (uint32_t)r[i->dst_reg], b = (uint32_t)r[i->src_reg], k = (uint32_t)i->imm;

	switch (i->code) {
	case BPF_LDX | BPF_MEM | BPF_W:
		assert_int_equal(i->src_reg, BPF_REG_1);
		r[i->dst_reg] = context_word(q, i->off);
		return 1;
	case BPF_ALU64 | BPF_MOV | BPF_K:
		r[i->dst_reg] = (uint64_t)(int64_t)i->imm;
		return 1;
	case BPF_ALU | BPF_MOV | BPF_X:
		r[i->dst_reg] = b;
		return 1;
	case BPF_ALU | BPF_AND | BPF_K:
		r[i->dst_reg] = a & k;
		return 1;
	case BPF_ALU | BPF_RSH | BPF_K:
		r[i->dst_reg] = a >> k;
		return 1;
	case BPF_JMP32 | BPF_JNE | BPF_K:
		return a != k ? 1 + i->off : 1;
	case BPF_JMP32 | BPF_JEQ | BPF_K:
		return a == k ? 1 + i->off : 1;
	case BPF_JMP | BPF_EXIT:
		return 0;
	default:
		fail_msg("instruction 0x%02x", i->code);
		return 0;
	}
}

static bool run(const struct bpf_insn *program, size_t count, const struct request *q)
{
	uint64_t r[11] = { 0 };
	size_t pc = 0;

	for (int n; (n = step(&program[pc], r, q)); pc += (size_t)n)
		/* Forward only, and never off the end: what the kernel checks, too. */
		assert_true(n > 0 && pc + (size_t)n < count);
	return r[0] == 1;
}

/* Every instruction can be reached, or the kernel refuses the program. */
static void check_reachable(const struct bpf_insn *program, size_t count)
{
	char *reached = calloc(count, 1);

	reached[0] = 1;
	for (size_t i = 0; i < count; i++) {
		const struct bpf_insn *p = &program[i];
		uint8_t class = BPF_CLASS(p->code);
		if (!reached[i])
			fail_msg("instruction %zu of %zu cannot be reached", i, count);
		if (p->code == (BPF_JMP | BPF_EXIT))
			continue;
		assert_true(i + 1 < count);
		reached[i + 1] = 1;
		if (class == BPF_JMP32) {
			assert_true(p->off >= 0 && i + 1 + (size_t)p->off < count);
			reached[i + 1 + (size_t)p->off] = 1;
		}
	}
	free(reached);
}

/* ---- what the list means ---- */

static bool names(const struct cgroup_device *d, const struct request *q)
{
	return (d->type == 'a' || d->type == q->type) && (d->major < 0 || d->major == q->major) &&
	       (d->minor < 0 || d->minor == q->minor);
}

static bool meaning(const struct cgroup_device *rules, size_t count, const struct request *q,
		    bool by_default)
{
	for (unsigned bit = 1; bit <= 4; bit <<= 1) {
		bool allowed = by_default;
		if (!(q->access & bit))
			continue;
		for (size_t i = 0; i < count; i++)
			if ((rules[i].access & bit) && names(&rules[i], q))
				allowed = rules[i].allow;
		if (!allowed)
			return false;
	}
	return true;
}

static const struct request requests[] = {
	{ 'c', 1, 3, R },	    { 'c', 1, 3, W },	  { 'c', 1, 3, R | W },
	{ 'c', 1, 3, M },	    { 'c', 1, 3, RWM },	  { 'b', 1, 3, R },
	{ 'c', 1, 4, R },	    { 'c', 2, 3, R },	  { 'b', 8, 0, R | W },
	{ 'b', 8, 1, R },	    { 'b', 8, 0, M },	  { 'c', 136, 7, R | W },
	{ 'c', 10, 200, R },	    { 'c', 5, 1, R | W }, { 'c', 4294967295u, 0, R },
	{ 'c', 0, 4294967295u, W }, { 'b', 7, 7, RWM },
};

static void compare(const struct cgroup_device *rules, size_t count, bool by_default)
{
	struct arena a;
	struct err e;
	size_t length;

	arena_init(&a, 0);
	struct bpf_insn *program =
		cgroup_devices_compile(rules, count, by_default, &a, &length, &e);
	assert_non_null(program);
	check_reachable(program, length);
	for (size_t i = 0; i < LEN(requests); i++) {
		const struct request *q = &requests[i];
		if (run(program, length, q) != meaning(rules, count, q, by_default))
			fail_msg("%zu rules: %c %u:%u access %u is %s", count, q->type, q->major,
				 q->minor, q->access,
				 run(program, length, q) ? "allowed" : "refused");
	}
	arena_free(&a);
}

static void test_program_by_hand(void **state)
{
	static const struct cgroup_device list[] = {
		{ false, 'a', -1, -1, RWM },   { true, 'c', 1, 3, RWM },
		{ true, 'c', 136, -1, R | W }, { true, 'b', 8, 0, R },
		{ false, 'c', 136, 7, W },     { true, 'c', 4294967295, 0, R },
	};
	static const struct {
		struct request q;
		bool allowed;
	} table[] = {
		{ { 'c', 1, 3, RWM }, true },
		{ { 'b', 1, 3, R }, false },
		{ { 'c', 1, 5, R }, false },
		{ { 'c', 136, 1, R | W }, true },
		{ { 'c', 136, 1, M }, false },
		{ { 'c', 136, 7, R }, true },
		{ { 'c', 136, 7, W }, false },
		{ { 'c', 136, 7, R | W }, false },
		{ { 'b', 8, 0, R }, true },
		{ { 'b', 8, 0, R | W }, false },
		{ { 'b', 8, 1, R }, false },
		{ { 'c', 4294967295u, 0, R }, true },
		{ { 'c', 4294967295u, 1, R }, false },
	};
	struct arena a;
	struct err e;
	size_t length;

	(void)state;
	arena_init(&a, 0);
	struct bpf_insn *program = cgroup_devices_compile(list, LEN(list), true, &a, &length, &e);
	for (size_t i = 0; i < LEN(table); i++)
		if (run(program, length, &table[i].q) != table[i].allowed)
			fail_msg("row %zu", i);
	arena_free(&a);
}

static void test_program_edges(void **state)
{
	static const struct cgroup_device all[] = { { true, 'a', -1, -1, RWM } };
	static const struct cgroup_device none[] = { { false, 'a', -1, -1, RWM } };
	static const struct cgroup_device empty[] = { { false, 'a', -1, -1, 0 } };
	static const struct cgroup_device partial[] = { { false, 'a', -1, -1, W },
							{ true, 'a', -1, -1, M } };
	/* Rules before one for everything do not matter, and must not be compiled. */
	static const struct cgroup_device shadowed[] = { { true, 'c', 1, 3, RWM },
							 { false, 'a', -1, -1, RWM } };
	static const struct cgroup_device major_only[] = { { false, 'a', -1, -1, RWM },
							   { true, 'c', 1, -1, RWM },
							   { true, 'b', -1, 0, RWM } };

	(void)state;
	for (int by_default = 0; by_default < 2; by_default++) {
		compare(NULL, 0, by_default);
		compare(all, 1, by_default);
		compare(none, 1, by_default);
		compare(empty, 1, by_default);
		compare(partial, 2, by_default);
		compare(shadowed, 2, by_default);
		compare(major_only, 3, by_default);
		compare(cgroup_devices_default, cgroup_devices_default_count, by_default);
	}
}

static struct cgroup_device random_rule(void)
{
	static const int64_t majors[] = { -1, 1, 8, 136, 10, 5 };
	static const int64_t minors[] = { -1, 3, 0, 7, 1 };
	struct cgroup_device d = { .allow = rand() % 2,
				   .type = "abc"[rand() % 3],
				   .access = (unsigned)(rand() % 8) };

	d.major = d.type == 'a' ? -1 : majors[(size_t)rand() % LEN(majors)];
	d.minor = d.type == 'a' ? -1 : minors[(size_t)rand() % LEN(minors)];
	return d;
}

static void test_program_random(void **state)
{
	struct cgroup_device rules[12];

	(void)state;
	srand(1);
	for (int round = 0; round < 5000; round++) {
		size_t count = (size_t)rand() % (LEN(rules) + 1);
		for (size_t i = 0; i < count; i++)
			rules[i] = random_rule();
		compare(rules, count, round % 2);
	}
}

static void test_program_limit(void **state)
{
	size_t count = 65537, length;
	struct cgroup_device *rules = calloc(count, sizeof *rules);
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_null(cgroup_devices_compile(rules, count, true, &a, &length, &e));
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	arena_free(&a);
	free(rules);
}

/* ---- v1 ---- */

static const struct cgroup_set v1 = {
	.count = 1,
	.places = { { .controllers = CGROUP_DEVICES, .dir = "/devices" } },
};

static const char *lines(const struct cgroup_device *rules, size_t count, struct arena *a,
			 struct cgroup_limits_plan *plan)
{
	struct cgroup_limits l = { .devices = rules, .devices_count = count };
	static char text[4096];
	struct err e;
	size_t used = 0;

	text[0] = '\0';
	if (cgroup_limits_plan(&l, &v1, false, a, plan, &e) < 0) {
		text_format(text, sizeof text, "! %s", e.msg);
		return text;
	}
	for (size_t i = 0; i < plan->writes_count; i++)
		used += text_format(text + used, sizeof text - used, "%s %s\n",
				    plan->writes[i].file + strlen("devices."),
				    plan->writes[i].value);
	return text;
}

/* The kernel's list (security/device_cgroup.c): a default and exceptions with exact numbers. */
struct kernel_list {
	bool allow;
	size_t count;
	struct cgroup_device exceptions[64];
};

static struct cgroup_device line_parse(const char *value)
{
	struct cgroup_device d = { .major = -1, .minor = -1 };
	char major[16], minor[16], access[4];

	assert_int_equal(sscanf(value, "%c %15[^:]:%15s %3s", &d.type, major, minor, access), 4);
	if (*major != '*')
		d.major = atoll(major);
	if (*minor != '*')
		d.minor = atoll(minor);
	d.access = (strchr(access, 'r') ? R : 0u) | (strchr(access, 'w') ? W : 0u) |
		   (strchr(access, 'm') ? M : 0u);
	return d;
}

static void kernel_write(struct kernel_list *k, const char *file, const char *value)
{
	bool allow = text_equal(file, "devices.allow");

	if (text_equal(value, "a")) {
		k->allow = allow;
		k->count = 0;
		return;
	}
	struct cgroup_device d = line_parse(value);
	for (size_t i = 0; i < k->count; i++) {
		struct cgroup_device *x = &k->exceptions[i];
		if (x->type != d.type || x->major != d.major || x->minor != d.minor)
			continue;
		if (allow == k->allow)
			x->access &= ~d.access;
		else
			x->access |= d.access;
		return;
	}
	if (allow != k->allow)
		k->exceptions[k->count++] = d;
}

/* Asked for one access bit at a time, the kernel's answer is clear. */
static bool kernel_allows(const struct kernel_list *k, const struct request *q)
{
	for (size_t i = 0; i < k->count; i++)
		if (names(&k->exceptions[i], q) && (k->exceptions[i].access & q->access))
			return !k->allow;
	return k->allow;
}

static void test_v1_lines(void **state)
{
	struct cgroup_device rules[16] = { { false, 'a', -1, -1, RWM } };
	struct cgroup_limits_plan plan;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	/* The list of `spec` and the defaults: no line twice. */
	memcpy(rules + 1, cgroup_devices_default,
	       cgroup_devices_default_count * sizeof *cgroup_devices_default);
	rules[cgroup_devices_default_count + 1] = (struct cgroup_device){ true, 'c', 1, 3, R };
	assert_string_equal(
		lines(rules, cgroup_devices_default_count + 2, &a, &plan),
		"deny a\nallow c *:* m\nallow b *:* m\nallow c 1:3 rwm\nallow c 1:8 rwm\n"
		"allow c 1:7 rwm\nallow c 5:0 rwm\nallow c 1:5 rwm\nallow c 1:9 rwm\n"
		"allow c 5:1 rwm\nallow c 136:* rwm\nallow c 5:2 rwm\nallow c 10:200 rwm\n");
	assert_false(plan.limited); /* devices alone are no limit */
	/* Privileged: everything. */
	rules[0].allow = true;
	assert_string_equal(lines(rules, 2, &a, &plan), "allow a\n");
	/* Bits for all devices. */
	rules[1] = (struct cgroup_device){ false, 'a', -1, -1, W };
	assert_string_equal(lines(rules, 2, &a, &plan), "allow a\ndeny b *:* w\ndeny c *:* w\n");
	arena_free(&a);
}

static void test_v1_refusals(void **state)
{
	static const struct cgroup_device inside[] = { { false, 'a', -1, -1, RWM },
						       { true, 'c', 10, -1, RWM },
						       { false, 'c', 10, 200, W } };
	static const struct cgroup_device number[] = { { true, 'a', 1, -1, RWM } };
	static const struct cgroup_device type[] = { { true, 'p', 1, -1, RWM } };
	static const struct cgroup_device range[] = { { true, 'c', 4294967296, -1, RWM } };
	struct cgroup_limits_plan plan;
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_string_equal(
		lines(inside, 3, &a, &plan),
		"! devices: cgroup v1 cannot deny c 10:200 w after allow c 10:* rwm (a rule "
		"must name the same numbers as the one that it takes back)");
	assert_string_equal(lines(number, 1, &a, &plan),
			    "! devices: type \"a\" stands for all devices and takes no numbers");
	assert_string_equal(lines(type, 1, &a, &plan), "! devices: type \"p\" is none of a, b, c");
	assert_string_equal(lines(range, 1, &a, &plan),
			    "! devices: 4294967296:-1 is not a device number");
	arena_free(&a);
}

/* Whatever is not refused means the same to v1's kernel as the list says. */
static void test_v1_random(void **state)
{
	struct cgroup_device rules[8];
	int accepted = 0;

	(void)state;
	srand(2);
	for (int round = 0; round < 5000; round++) {
		size_t count = 1 + (size_t)rand() % LEN(rules);
		struct cgroup_limits_plan plan;
		struct kernel_list k = { .allow = true };
		struct arena a;
		for (size_t i = 0; i < count; i++)
			rules[i] = random_rule();
		arena_init(&a, 0);
		if (*lines(rules, count, &a, &plan) != '!') {
			accepted++;
			for (size_t i = 0; i < plan.writes_count; i++)
				kernel_write(&k, plan.writes[i].file, plan.writes[i].value);
			for (size_t i = 0; i < LEN(requests); i++) {
				for (unsigned bit = 1; bit <= 4; bit <<= 1) {
					struct request q = requests[i];
					q.access = bit;
					assert_int_equal(kernel_allows(&k, &q),
							 meaning(rules, count, &q, true));
				}
			}
		}
		arena_free(&a);
	}
	assert_true(accepted > 1000);
}

/* ---- where the list goes ---- */

static void test_places(void **state)
{
	static const struct cgroup_device deny[] = { { false, 'a', -1, -1, RWM } };
	static const struct cgroup_set both = {
		.count = 2,
		.places = { { .v2 = true, .dir = "/v2" },
			    { .controllers = CGROUP_DEVICES, .dir = "/devices" } },
	};
	struct cgroup_limits l = { .devices = deny, .devices_count = 1 };
	struct cgroup_set set = both;
	struct cgroup_limits_plan plan;
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_int_equal(cgroup_limits_plan(&l, &set, false, &a, &plan, &e), 0);
	assert_int_equal(plan.writes_count, 1);
	assert_int_equal(plan.writes[0].place, 1);
	assert_null(plan.program);
	set.count = 1;
	assert_int_equal(cgroup_limits_plan(&l, &set, false, &a, &plan, &e), 0);
	assert_int_equal(plan.writes_count, 0);
	assert_non_null(plan.program);
	assert_false(plan.limited);
	set.count = 0;
	assert_int_equal(cgroup_limits_plan(&l, &set, false, &a, &plan, &e), -1);
	assert_int_equal(e.kind, ERR_UNSUPPORTED);
	l.devices_optional = true;
	assert_int_equal(cgroup_limits_plan(&l, &set, false, &a, &plan, &e), 0);
	arena_free(&a);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_program_by_hand), cmocka_unit_test(test_program_edges),
		cmocka_unit_test(test_program_random),	cmocka_unit_test(test_program_limit),
		cmocka_unit_test(test_v1_lines),	cmocka_unit_test(test_v1_refusals),
		cmocka_unit_test(test_v1_random),	cmocka_unit_test(test_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
