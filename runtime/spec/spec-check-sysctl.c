/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "runtime/spec/spec-names.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"
#include "src/base/text.h"

/*
 * Only sysctls that belong to a namespace are allowed, and only with that namespace. Anything else
 * would change the host (CVE-2022-0811 reached kernel.core_pattern through a value).
 */
struct sysctl_row {
	const char *name;
	bool prefix; /* everything below */
	unsigned long namespace_type;
};

static const struct sysctl_row rows[] = {
	{ "net.", true, CLONE_NEWNET },
	{ "fs.mqueue.", true, CLONE_NEWIPC },
	{ "kernel.domainname", false, CLONE_NEWUTS },
	{ "kernel.msgmax", false, CLONE_NEWIPC },
	{ "kernel.msgmnb", false, CLONE_NEWIPC },
	{ "kernel.msgmni", false, CLONE_NEWIPC },
	{ "kernel.sem", false, CLONE_NEWIPC },
	{ "kernel.shm_rmid_forced", false, CLONE_NEWIPC },
	{ "kernel.shmall", false, CLONE_NEWIPC },
	{ "kernel.shmmax", false, CLONE_NEWIPC },
	{ "kernel.shmmni", false, CLONE_NEWIPC },
};

static const struct sysctl_row *find_row(const char *key)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].prefix ? text_starts(key, rows[i].name) : text_equal(key, rows[i].name))
			return &rows[i];
	}
	return NULL;
}

/* Dots separate. A slash is a dot of the name itself (net.ipv4.conf.eth0/1.forwarding). */
static bool key_valid(const char *key)
{
	if (!spec_text_printable(key) || strchr(key, ' '))
		return false;
	for (const char *p = key;; p++) {
		size_t n = strcspn(p, ".");
		if (n == 0 || (n <= 2 && strncmp(p, "//", n) == 0))
			return false;
		p += n;
		if (!*p)
			return true;
	}
}

/* Numbers for IPC; for the network also names and addresses, but nothing that looks like another
 * assignment. */
static bool value_valid(const struct sysctl_row *row, const char *value)
{
	if (row->namespace_type == CLONE_NEWIPC)
		return value[strspn(value, "0123456789- \t")] == '\0';
	for (const char *p = value; *p; p++) {
		if (((unsigned char)*p < 0x20 && *p != '\t') || *p == 0x7f || *p == '=' ||
		    *p == '+')
			return false;
	}
	return true;
}

static int check_one(struct spec_check *c, const struct spec *s, const struct key_value *kv)
{
	const struct sysctl_row *row = find_row(kv->key);

	spec_check_at(c, "linux.sysctl[\"%.*s\"]", SHOWN(kv->key));
	if (!key_valid(kv->key))
		return spec_check_fail(c, "is not a valid name");
	if (text_equal(kv->key, "kernel.hostname"))
		return spec_check_fail(c, "is not allowed here: use the property hostname");
	if (!row)
		return spec_check_fail(
			c, "is not allowed: it does not belong to a namespace and would "
			   "change the host");
	if (!spec_namespace_find(s, row->namespace_type))
		return spec_check_fail(c, "needs a namespace of type %s in linux.namespaces",
				       json_enum_name(&spec_namespace_names, row->namespace_type));
	if (row->namespace_type == CLONE_NEWUTS && s->domainname)
		return spec_check_fail(c,
				       "contradicts the property domainname: remove one of them");
	if (!value_valid(row, kv->value))
		return spec_check_fail(c, "\"%.*s\" is not a valid value", SHOWN(kv->value));
	return 0;
}

int spec_check_sysctl(struct spec_check *c, const struct spec *s)
{
	for (size_t i = 0; i < s->linux_config->sysctl_count; i++) {
		if (check_one(c, s, &s->linux_config->sysctl[i]) < 0)
			return -1;
	}
	return 0;
}
