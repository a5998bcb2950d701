/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/learn/learn.h"
#include "src/base/text.h"

#define PROT(i)                                                                                    \
	{                                                                                          \
		.index = (i), .exact = "PROT_NONE", .flags = "PROT_"                               \
	}
#define FAMILY                                                                                     \
	{                                                                                          \
		.index = 0, .exact = "AF_UNSPEC AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET AF_" \
	}
#define TYPE                                                                                       \
	{                                                                                          \
		.index = 1, .exact = "SOCK_STREAM SOCK_DGRAM SOCK_RAW SOCK_SEQPACKET SOCK_RDM",    \
		.flags = "SOCK_CLOEXEC SOCK_NONBLOCK", .low = 0xf                                  \
	}
/* The lowest byte is the signal at the end. */
#define CLONE(low_bits)                                                                            \
	{                                                                                          \
		.index = 0, .exact = "SIGCHLD", .flags = "CLONE_", .low = (low_bits)               \
	}
#define FCNTL                                                                                      \
	{                                                                                          \
		.index = 1,                                                                        \
		.exact = "F_DUPFD F_GETF F_SETF F_GET F_SET F_ADD F_CANCELLK F_NOTIFY F_OFD_"      \
	}

/*
 * Calls of which it matters what they are used for, and whose arguments differ little from run to
 * run. How many values are still a set: so many that what a program does on purpose fits in, and
 * what it counts through does not.
 */
static const struct learn_row rows[] = {
	{ "arch_prctl", { { .index = 0, .exact = "ARCH_" } }, 1, 8, false },
	{ "bpf", { { .index = 0 } }, 1, 16, false },
	{ "clone", { CLONE(0xff) }, 1, 8, true },
	{ "fcntl", { FCNTL }, 1, 24, false },
	{ "fcntl64", { FCNTL }, 1, 24, false },
	{ "ioctl",
	  { { .index = 1, .exact = "TCGETS TCSETS TC TIOC FIO SIOC FS_IOC_ BLK" } },
	  1,
	  48,
	  false },
	{ "keyctl", { { .index = 0 } }, 1, 16, false },
	{ "madvise", { { .index = 2, .exact = "MADV_" } }, 1, 16, false },
	{ "mmap", { PROT(2) }, 1, 8, true },
	{ "mmap2", { PROT(2) }, 1, 8, true },
	{ "mprotect", { PROT(2) }, 1, 8, true },
	{ "personality", { { .index = 0 } }, 1, 8, false },
	{ "pkey_mprotect", { PROT(2) }, 1, 8, true },
	{ "prctl", { { .index = 0, .exact = "PR_SET_ PR_GET_ PR_CAP PR_" } }, 1, 24, false },
	{ "socket", { FAMILY, TYPE, { .index = 2 } }, 3, 16, false },
	{ "socketpair", { FAMILY, TYPE, { .index = 2 } }, 3, 16, false },
	{ "unshare", { CLONE(0) }, 1, 8, true },
};

const struct learn_row *learn_row_find(const char *name)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (text_equal(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static struct seccomp_compare compare(const struct learn_call *c, size_t argument,
				      enum seccomp_op op, uint64_t value)
{
	uint32_t index = c->row->arguments[argument].index;

	return (struct seccomp_compare){
		.index = index,
		.op = op,
		.value = value,
		.narrow = c->narrow >> index & 1,
	};
}

static bool earlier_first(const struct learn_call *c, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (c->values[i].of[0] == c->values[index].of[0])
			return true;
	return false;
}

static size_t count_firsts(const struct learn_call *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->values_count; i++)
		count += !earlier_first(c, i);
	return count;
}

/* By value, so that what is written does not depend on the order of the runs. */
static void sort_clauses(struct learn_clause *clauses, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		for (size_t k = i; k > 0; k--) {
			size_t a = 0;
			while (a + 1 < clauses[k].count &&
			       clauses[k].compares[a].value == clauses[k - 1].compares[a].value)
				a++;
			if (clauses[k].compares[a].value >= clauses[k - 1].compares[a].value)
				break;
			struct learn_clause swapped = clauses[k];
			clauses[k] = clauses[k - 1];
			clauses[k - 1] = swapped;
		}
	}
}

static size_t write_values(const struct learn_call *c, bool first_only,
			   struct learn_clause *clauses)
{
	size_t count = 0;

	for (size_t i = 0; i < c->values_count; i++) {
		struct learn_clause *to = &clauses[count];
		if (first_only && earlier_first(c, i))
			continue;
		to->count = first_only ? 1 : c->row->count;
		for (size_t k = 0; k < to->count; k++)
			to->compares[k] = compare(c, k, SECCOMP_OP_EQ, c->values[i].of[k]);
		count++;
	}
	sort_clauses(clauses, count);
	return count;
}

size_t learn_narrow(const struct learn_call *c, struct arena *a, struct learn_clause **out)
{
	struct learn_clause *clauses;

	*out = NULL;
	if (!c->row || c->any || (!c->values_count && !c->masked))
		return 0;
	clauses = arena_new_array(a, c->values_count + 1, struct learn_clause);
	if (!clauses)
		return 0;
	*out = clauses;
	bool bounded = !c->overflow && !c->masked;
	if (bounded && !c->first_only && c->values_count <= c->row->values_max)
		return write_values(c, false, clauses);
	if (c->row->mask) {
		clauses->count = 1;
		/* No other bit. */
		clauses->compares[0] = compare(c, 0, SECCOMP_OP_MASKED_EQ, ~c->mask);
		return 1;
	}
	if (bounded && c->row->count > 1 && count_firsts(c) <= c->row->values_max)
		return write_values(c, true, clauses);
	return 0;
}
