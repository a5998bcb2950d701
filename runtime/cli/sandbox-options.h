/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_CLI_SANDBOX_OPTIONS_H
#define HUSK_CLI_SANDBOX_OPTIONS_H

#include "runtime/cli/cli.h"
#include "runtime/sandbox/sandbox.h"

#define SANDBOX_ITEMS_MAX         512
#define SANDBOX_RANGES_MAX        32
#define SANDBOX_CAPS_MAX          64
#define SANDBOX_NETWORK_ITEMS_MAX 128

/* The lists that sandbox_take_network_item() fills. */
enum {
	SANDBOX_ADDRESSES,
	SANDBOX_ROUTES,
	SANDBOX_PUBLISH,
	SANDBOX_ALLOW,
	SANDBOX_FAMILIES,
	SANDBOX_NETWORK_LISTS
};

/*
 * The command line of "husk sandbox". Options write straight into @sandbox; lists are in the arrays
 * below, and @sandbox points to them.
 */
struct sandbox_options {
	struct sandbox sandbox;
	const char *config, *name;
	struct option_list profiles;
	bool print_config, dry_run;
	unsigned args_count; /* of --args */

	/* --perms, --size, --inodes and --overlay-src are about the operation that comes next. */
	struct opt_u32 perms;
	struct opt_u64 size_bytes, inodes;
	char *lowers[SANDBOX_ITEMS_MAX];
	size_t lowers_count, lowers_used;

	struct sandbox_place places[SANDBOX_ITEMS_MAX];
	/* --file and --data: where the content is read from, as places; 0: not at all */
	unsigned content_fds[SANDBOX_ITEMS_MAX];
	struct key_value environment[SANDBOX_ITEMS_MAX];
	char *kept[SANDBOX_ITEMS_MAX], *unset[SANDBOX_ITEMS_MAX], *denied[SANDBOX_ITEMS_MAX];
	struct sandbox_id_range uid_ranges[SANDBOX_RANGES_MAX], gid_ranges[SANDBOX_RANGES_MAX];
	struct sandbox_rlimit rlimits[32];
	char rlimit_names[32][32];
	char family_words[512];
	size_t family_words_used;
	char capabilities[SANDBOX_CAPS_MAX][40], *capability_words[SANDBOX_CAPS_MAX];
	char *lock_files[SANDBOX_LOCKS_MAX];
	char *network_items[SANDBOX_NETWORK_LISTS][SANDBOX_NETWORK_ITEMS_MAX];
};

/* Functions of rows, in files of their own. */
int sandbox_take_place(void *options, const struct option_row *row, char *const *words,
		       struct err *e);
int sandbox_take_pair(void *options, const struct option_row *row, char *const *words,
		      struct err *e);
int sandbox_take_descriptor(void *options, const struct option_row *row, char *const *words,
			    struct err *e);
int sandbox_take_overlay(void *options, const struct option_row *row, char *const *words,
			 struct err *e);
int sandbox_take_overlay_source(void *options, const struct option_row *row, char *const *words,
				struct err *e);
int sandbox_take_content(void *options, const struct option_row *row, char *const *words,
			 struct err *e);
int sandbox_take_perms(void *options, const struct option_row *row, char *const *words,
		       struct err *e);
int sandbox_take_chmod(void *options, const struct option_row *row, char *const *words,
		       struct err *e);
int sandbox_take_args(void *options, const struct option_row *row, char *const *words,
		      struct err *e);
int sandbox_take_cap(void *options, const struct option_row *row, char *const *words,
		     struct err *e);
int sandbox_take_range(void *options, const struct option_row *row, char *const *words,
		       struct err *e);
/* Of the table's rows about the network. */
int sandbox_take_network(void *options, const struct option_row *row, char *const *words,
			 struct err *e);
int sandbox_take_families(void *options, const struct option_row *row, char *const *words,
			  struct err *e);
int sandbox_take_network_item(void *options, const struct option_row *row, char *const *words,
			      struct err *e);

int sandbox_take_lock(void *options, const struct option_row *row, char *const *words,
		      struct err *e);
int sandbox_take_protect(void *options, const struct option_row *row, char *const *words,
			 struct err *e);
int sandbox_take_call(void *options, const struct option_row *row, char *const *words,
		      struct err *e);

/* The verb's function; the verb itself is beside its table. */
int sandbox_run(struct call *call, const void *options, int argc, char **argv, struct err *e);
/* "husk sandbox start": the same table. argv[0] is the name. */
int sandbox_start(struct call *call, const void *options, int argc, char **argv, struct err *e);

/*
 * Profiles in their order, then @file (or NULL), each laid over the ones before, after what it
 * includes. Errors name the file, and the line and property where there is one.
 */
int sandbox_config_load(const struct option_list *profiles, const char *file, struct arena *a,
			struct sandbox *s, struct err *e);

/* Options, --config and the command line's @argv into one. @s is in @a. */
int sandbox_options_finish(struct sandbox_options *o, int argc, char **argv, struct arena *a,
			   struct sandbox *s, struct err *e);

#endif
