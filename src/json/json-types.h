/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_JSON_TYPES_H
#define HUSK_JSON_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the table-driven decoders fill in. An optional scalar keeps "absent"
 * apart from its zero value: 0 is a real limit in several cgroup files.
 */
struct opt_bool {
	bool set;
	bool value;
};

struct opt_u32 {
	bool set;
	uint32_t value;
};

struct opt_i32 {
	bool set;
	int32_t value;
};

struct opt_u64 {
	bool set;
	uint64_t value;
};

struct opt_i64 {
	bool set;
	int64_t value;
};

/*
 * A list of strings. With count > 0, items[count] is NULL, so that it can go to
 * execve(2). An absent and an empty list are the same: items may be NULL then.
 */
struct str_list {
	char **items;
	size_t count;
};

/* One member of a JSON object whose keys are free, in the order of the file. */
struct key_value {
	char *key;
	char *value;
};

#endif
