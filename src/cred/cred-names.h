/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CRED_NAMES_H
#define HUSK_CRED_NAMES_H

#include <stddef.h>
#include <string.h>

/* Tables of constants by name, inside src/cred. */
struct cred_name {
	const char *name;
	int value;
};

#define CRED_COUNT(table) (sizeof(table) / sizeof *(table))

/* The value, or -1. */
static inline int cred_name_find(const struct cred_name *table, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].value;
	return -1;
}

/* The name, or NULL. */
static inline const char *cred_name_of(const struct cred_name *table, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].value == value)
			return table[i].name;
	return NULL;
}

#endif
