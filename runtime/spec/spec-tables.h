/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_SPEC_TABLES_H
#define HUSK_SPEC_TABLES_H

#include "runtime/spec/spec.h"
#include "src/json/json-decode.h"

/*
 * The decode tables and what the files of this folder share. Outside of it only the tests, and
 * what prints documentation, look at the tables.
 */
extern const struct json_table spec_table;
extern const struct json_table spec_process_table;
extern const struct json_table spec_mount_table;
extern const struct json_table spec_id_mapping_table;
extern const struct json_table spec_linux_table;
extern const struct json_table spec_resources_table;
extern const struct json_table spec_seccomp_table;
extern const struct json_table spec_vm_table;

/* ---------------------------------------------------------- number lists */

#define SPEC_CPU_MAX  8191 /* CONFIG_NR_CPUS of the largest x86-64 kernels, less one */
#define SPEC_NODE_MAX 1023 /* CONFIG_NODES_SHIFT is at most 10 */

/*
 * Parse "0-3,7" (blanks around items are allowed) into @set. Empty text gives an empty set. NULL
 * on success, else what is wrong, for a message. @set may be NULL: only check.
 */
const char *spec_list_parse(const char *text, unsigned max, struct arena *a, struct bit_set *set);

/* --------------------------------------------------------------- mounts */

enum spec_option_op {
	OPTION_NOTHING,
	OPTION_SET, /* MOUNT_ATTR_* */
	OPTION_CLEAR,
	OPTION_ATIME,     /* choose this mode */
	OPTION_NOT_ATIME, /* back to the kernel's default if it was this mode */
	OPTION_SUPER_SET, /* MS_* */
	OPTION_SUPER_CLEAR,
	OPTION_PROPAGATE, /* MS_*, perhaps with MS_REC */
	OPTION_BIND,      /* value 1: recursive */
	OPTION_REMOUNT,
	OPTION_EXTRA, /* enum spec_mount_extra */
	OPTION_IDMAP, /* enum spec_mount_idmap */
	OPTION_REFUSE,
};

struct spec_option {
	const char *name;
	enum spec_option_op op;
	bool recursive; /* AT_RECURSIVE */
	uint64_t value;
};

/* Sorted by name. */
extern const struct spec_option spec_options[];
extern const size_t spec_options_count;

/* --------------------------------------------------------------- checks */

/*
 * What a check needs to report: with a document the message starts with the file and the line of
 * the property.
 */
struct spec_check {
	const struct json_doc *doc; /* NULL: checked without a file */
	const char *where;          /* put in front of every path: "process." */
	struct err *err;
	char path[256];
};

/* Set the path of the property that the next failure is about; returns @c. */
struct spec_check *spec_check_at(struct spec_check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* ERR_CONFIG about that property. Returns -1. */
int spec_check_fail(struct spec_check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* ERR_UNSUPPORTED. Returns -1. */
int spec_check_refuse(struct spec_check *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The value must start with "/". The format and what follows give the property's path. */
int spec_check_absolute(struct spec_check *c, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* No control characters: these go to kernel files in which a newline starts another entry. */
int spec_check_printable(struct spec_check *c, const char *value, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* True if a network interface may be called so; @pattern allows one "%d". */
bool spec_interface_name(const char *name, bool pattern);
bool spec_text_printable(const char *text);

int spec_check_all(const struct spec *s, const struct json_doc *doc, struct err *e);
int spec_check_process(struct spec_check *c, const struct spec_process *p);
int spec_check_env(struct spec_check *c, const struct str_list *env, const char *path);
int spec_check_resources(struct spec_check *c, const struct spec_resources *r);
int spec_check_seccomp(struct spec_check *c, const struct spec *s);
int spec_check_sysctl(struct spec_check *c, const struct spec *s);
int spec_check_linux(struct spec_check *c, const struct spec *s);
int spec_check_mounts(struct spec_check *c, const struct spec *s);
int spec_check_mappings(struct spec_check *c, const struct id_mapping *maps, size_t count,
			const char *path);

/* --------------------------------------------------------- after decoding */

/* Make mappings that are relative to the container's user namespace ("idmap=uids=@...") absolute.
 */
int spec_mounts_resolve(struct spec *s, struct spec_check *c);
/* Fill s->extensions from the annotations. */
void spec_extensions_decode(struct spec *s);
/* "net/ipv4/ip_forward" becomes "net.ipv4.ip_forward", in place; dots in names become slashes. */
void spec_sysctl_normalize(char *key);

#endif
