/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of processors and memory nodes, and what takes them. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>

#include "src/base/kernel.h"
#include "src/base/text.h"
#include "src/cred/cred-names.h"
#include "src/cred/cred-sched.h"

#define WORD_BITS (8 * sizeof(unsigned long))

/* One number of a list, ended by '-', ',' or the end. What is left, or NULL. */
static const char *parse_number(const char *p, unsigned *value)
{
	unsigned sum = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9'; p++) {
		sum = sum * 10 + (unsigned)(*p - '0');
		if (sum >= CRED_SET_BITS)
			return NULL;
	}
	*value = sum;
	return p;
}

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t\n");
}

int cred_set_parse(const char *text, const char *what, struct cred_set *out, struct err *e)
{
	const char *p = skip_blanks(text);
	bool some = false;

	memset(out, 0, sizeof *out);
	while (*p) {
		unsigned first = 0, last;
		if (*p == ',') {
			p = skip_blanks(p + 1);
			continue;
		}
		p = parse_number(p, &first);
		last = first;
		if (p && *p == '-')
			p = parse_number(p + 1, &last);
		if (p)
			p = skip_blanks(p);
		if (!p || (*p && *p != ',') || last < first) {
			some = false;
			break;
		}
		for (unsigned i = first; i <= last; i++)
			out->words[i / WORD_BITS] |= 1ul << i % WORD_BITS;
		if (last > out->highest)
			out->highest = last;
		some = true;
	}
	if (!some)
		return err_config(e, "%s \"%s\": expected a list such as 0-3,5 of numbers below %d",
				  what, text, CRED_SET_BITS);
	return 0;
}

int cred_affinity_apply(const struct cred_set *cpus, struct err *e)
{
	/* The kernel takes any length in whole words and treats the rest as empty. */
	size_t bytes = (cpus->highest / WORD_BITS + 1) * sizeof *cpus->words;

	if (syscall(SYS_sched_setaffinity, 0, bytes, cpus->words) >= 0)
		return 0;
	err_sys(e, "set CPU affinity");
	if (errno == EINVAL)
		err_append(e, ": none of the CPUs is online and in the cpuset of the cgroup");
	return -1;
}

void cred_affinity_reset(void)
{
	unsigned long all[CRED_SET_WORDS];

	/* The kernel takes those of the cpuset out of it. */
	memset(all, 0xff, sizeof all);
	(void)syscall(SYS_sched_setaffinity, 0, sizeof all, all);
}

static const struct cred_name modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },
	{ "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_BIND", MPOL_BIND },
	{ "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },
	{ "MPOL_PREFERRED_MANY", KERNEL_MPOL_PREFERRED_MANY },
	{ "MPOL_WEIGHTED_INTERLEAVE", KERNEL_MPOL_WEIGHTED_INTERLEAVE },
};

static const struct cred_name mode_flags[] = {
	{ "MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING },
	{ "MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES },
	{ "MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES },
};

int cred_mempolicy_mode_parse(const char *name)
{
	return cred_name_find(modes, CRED_COUNT(modes), name);
}

int64_t cred_mempolicy_flag_parse(const char *name)
{
	return cred_name_find(mode_flags, CRED_COUNT(mode_flags), name);
}

static const char *mode_name(int mode)
{
	const char *name = cred_name_of(modes, CRED_COUNT(modes), mode);

	return name ? name : "unknown mode";
}

/* The contradictions that set_mempolicy(2) answers with a bare EINVAL. */
int cred_mempolicy_check(const struct cred_mempolicy *m, struct err *e)
{
	const unsigned meaning = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES;
	const char *mode = mode_name(m->mode);
	bool no_nodes = m->mode == MPOL_DEFAULT || m->mode == MPOL_LOCAL;

	if (no_nodes && m->has_nodes)
		return err_config(e, "nodes: %s takes none", mode);
	if (no_nodes && m->flags)
		return err_config(e, "flags: %s takes none", mode);
	if (!no_nodes && m->mode != MPOL_PREFERRED && !m->has_nodes)
		return err_config(e, "nodes: %s needs at least one", mode);
	if ((m->flags & meaning) == meaning)
		return err_config(e, "flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES exclude "
				     "each other");
	if (!m->has_nodes && (m->flags & meaning))
		return err_config(e, "flags: MPOL_F_STATIC_NODES and MPOL_F_RELATIVE_NODES need "
				     "nodes");
	return 0;
}

int cred_mempolicy_apply(const struct cred_mempolicy *m, struct err *e)
{
	/* The kernel counts one bit less than it is told (get_nodes() decrements), so + 2. */
	unsigned long max_node = m->has_nodes ? m->nodes.highest + 2ul : 0;
	int rc = kernel_set_mempolicy(m->mode | (int)m->flags, m->has_nodes ? m->nodes.words : NULL,
				      max_node);

	if (rc == 0)
		return 0;
	err_sys(e, "set memory policy %s", mode_name(m->mode));
	if (errno == ENOSYS)
		err_append(e, ": this kernel is built without NUMA");
	else if (errno == EINVAL)
		err_append(e,
			   ": no node of the list has memory and is in the cpuset of the cgroup, "
			   "or this kernel does not know the mode or flag");
	return -1;
}
