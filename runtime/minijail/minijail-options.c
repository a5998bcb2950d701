/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/minijail/minijail.h"

#include <string.h>

#include "src/base/text.h"

/* What saying an option does. */
enum {
	KIND_FLAG,
	KIND_ONCE,  /* a text; twice is an error */
	KIND_TEXT,  /* the last one counts */
	KIND_MAYBE, /* struct minijail_maybe; the last one counts */
	KIND_LIST,  /* struct minijail_list */
	KIND_MOUNT, /* the same behind the letter */
	KIND_PATH,  /* the same, behind the first letters that differ: see minijail-landlock.c */
	KIND_ENV_RESET, /* and forget what was set */
	KIND_CONFIG,
};

#define AT(member) offsetof(struct minijail, member)
#define NO         MINIJAIL_NONE
#define ARG        MINIJAIL_NEEDED
#define MAYBE      MINIJAIL_ATTACHED

/* In the order of --help. */
const struct minijail_option minijail_options[] = {
	{ "", 'u', ARG, KIND_ONCE, AT(user), "<user>", "change the user, by name or number" },
	{ "", 'g', ARG, KIND_ONCE, AT(group), "<group>", "change the group, by name or number" },
	{ "", 'G', NO, KIND_FLAG, AT(inherit_groups), "",
	  "take the supplementary groups of the user that -u names" },
	{ "", 'y', NO, KIND_FLAG, AT(keep_groups), "", "keep the caller's supplementary groups" },
	{ "add-suppl-group", 0, ARG, KIND_LIST, AT(add_groups), "<group>",
	  "one supplementary group more" },
	{ "bind-mount", 'b', ARG, KIND_MOUNT, AT(mounts), "<src>[,<dst>[,<writable>]]",
	  "show src at dst, read-only unless writable is 1" },
	{ "mount", 'k', ARG, KIND_MOUNT, AT(mounts), "<src>,<dst>,<type>[,...]",
	  "mount a file system; then [,<flags>[,<data>]]" },
	{ "", 'K', MAYBE, KIND_MAYBE, AT(propagation), "[<mode>]",
	  "propagation of mounts: slave, private, shared, unbindable" },
	{ "", 'r', NO, KIND_FLAG, AT(proc_readonly), "", "a new read-only /proc (implies -v)" },
	{ "mount-dev", 'd', NO, KIND_FLAG, AT(mount_dev), "",
	  "a new /dev with a few devices (implies -v)" },
	{ "", 't', MAYBE, KIND_MAYBE, AT(tmp), "[<size>]",
	  "a tmpfs on /tmp, of 64M unless said (implies -v)" },
	{ "", 'C', ARG, KIND_ONCE, AT(chroot), "<dir>", "change the root to dir" },
	{ "", 'P', ARG, KIND_ONCE, AT(pivot), "<dir>", "pivot to dir as the root (implies -v)" },
	{ "", 'N', NO, KIND_FLAG, AT(cgroup), "", "a new cgroup namespace" },
	{ "", 'l', NO, KIND_FLAG, AT(ipc), "", "a new IPC namespace" },
	{ "ns-mount", 'v', NO, KIND_FLAG, AT(mount_namespace), "", "a new mount namespace" },
	{ "", 'V', ARG, KIND_TEXT, AT(mount_namespace_path), "<file>",
	  "enter this mount namespace" },
	{ "", 'e', MAYBE, KIND_MAYBE, AT(net), "[<file>]",
	  "a new network namespace, or enter this one" },
	{ "", 'p', NO, KIND_FLAG, AT(pid), "", "a new pid namespace (implies -v and -r)" },
	{ "", 'I', NO, KIND_FLAG, AT(run_as_init), "", "the program itself is pid 1 (implies -p)" },
	{ "", 'U', NO, KIND_FLAG, AT(user_namespace), "", "a new user namespace (implies -p)" },
	{ "", 'm', MAYBE, KIND_MAYBE, AT(uid_map), "[<uid> <lower> <count>,...]",
	  "map user ids (implies -U); without a map: the caller is root" },
	{ "", 'M', MAYBE, KIND_MAYBE, AT(gid_map), "[<gid> <lower> <count>,...]",
	  "the same for groups" },
	{ "uts", 0, MAYBE, KIND_MAYBE, AT(uts), "[=<name>]",
	  "a new UTS namespace, perhaps with this host name" },
	{ "", 'S', ARG, KIND_TEXT, AT(policy), "<file>", "filter system calls by this policy" },
	{ "seccomp-bpf-binary", 0, ARG, KIND_TEXT, AT(policy_binary), "<file>",
	  "filter system calls by this BPF program" },
	{ "", 'L', NO, KIND_FLAG, AT(log), "",
	  "log what the policy would kill for, and let it pass" },
	{ "", 'Y', NO, KIND_FLAG, AT(tsync), "", "the filter is for all threads (it always is)" },
	{ "allow-speculative-execution", 0, NO, KIND_FLAG, AT(speculation), "",
	  "no mitigations of speculation for the filter's sake" },
	{ "", 'a', ARG, KIND_TEXT, AT(alt_syscall), "<table>",
	  "another table of system calls: refused, ChromeOS kernels only" },
	{ "", 's', NO, KIND_FLAG, AT(strict_mode), "", "only read, write, exit and sigreturn" },
	{ "config", 0, ARG, KIND_CONFIG, 0, "<file>", "read options from a file" },
	{ "gen-config", 0, ARG, KIND_TEXT, AT(gen_config), "<file>",
	  "write the options to a new file, and end" },
	{ "profile", 0, ARG, KIND_TEXT, AT(profile), "<name>",
	  "minimalistic-mountns or minimalistic-mountns-nodev" },
	{ "", 'n', NO, KIND_FLAG, AT(no_new_privs), "", "set no_new_privs" },
	{ "", 'c', ARG, KIND_TEXT, AT(caps), "<caps>",
	  "keep just these capabilities: a hexadecimal mask or names" },
	{ "ambient", 0, NO, KIND_FLAG, AT(ambient), "",
	  "what the program starts has them, too (with -c)" },
	{ "", 'B', ARG, KIND_TEXT, AT(securebits), "<mask>", "securebits that -c does not lock" },
	{ "", 'f', ARG, KIND_TEXT, AT(pid_file), "<file>", "write the pid to a file" },
	{ "", 'i', NO, KIND_FLAG, AT(background), "",
	  "do not wait for the program: leave it in the background" },
	{ "", 'z', NO, KIND_FLAG, AT(no_forward), "", "do not pass on signals" },
	{ "", 'R', ARG, KIND_LIST, AT(rlimits), "<type>,<soft>,<hard>", "set a resource limit" },
	{ "", 'T', ARG, KIND_TEXT, AT(elf_type), "<type>",
	  "how the program is linked: static or dynamic" },
	{ "", 'w', NO, KIND_FLAG, AT(keyring), "", "a new session keyring" },
	{ "env-reset", 0, NO, KIND_ENV_RESET, AT(clear_environment), "", "an empty environment" },
	{ "env-add", 0, ARG, KIND_LIST, AT(environment), "<name=value>", "set a variable" },
	{ "enable-profile-fs-restrictions", 0, NO, KIND_FLAG, AT(profile_paths), "",
	  "Landlock for what --profile mounts" },
	{ "fs-default-paths", 0, NO, KIND_FLAG, AT(default_paths), "",
	  "Landlock: allow what system programs need" },
	{ "fs-path-rx", 0, ARG, KIND_PATH, AT(paths), "<path>",
	  "Landlock: read and execute below it" },
	{ "fs-path-ro", 0, ARG, KIND_PATH, AT(paths), "<path>", "Landlock: read below it" },
	{ "fs-path-rw", 0, ARG, KIND_PATH, AT(paths), "<path>",
	  "Landlock: read and write below it" },
	{ "fs-path-advanced-rw", 0, ARG, KIND_PATH, AT(paths), "<path>",
	  "the same, with devices, sockets, FIFOs and symlinks" },
	{ "landlock-abi", 0, ARG, KIND_TEXT, AT(landlock_abi), "<version>",
	  "version of Landlock that is used (default: 2)" },
	{ "no-fs-restrictions", 0, NO, KIND_FLAG, AT(no_paths), "", "no Landlock" },
	{ "no-default-runtime-environment", 0, NO, KIND_FLAG, AT(no_default_runtime), "",
	  "without a policy: no default one, and no no_new_privs" },
	{ "no-new-sessions", 0, NO, KIND_FLAG, AT(no_new_session), "",
	  "stay in the caller's session" },
	{ "preserve-fd", 0, ARG, KIND_LIST, AT(preserve_fds), "<n>", "leave this descriptor open" },
	{ "preload-library", 0, ARG, KIND_TEXT, AT(preload), "<file>",
	  "accepted, without effect: nothing is preloaded" },
	{ "logging", 0, ARG, KIND_TEXT, AT(logging), "<where>", "auto, syslog or stderr" },
	{ "", 'H', NO, KIND_FLAG, AT(syscall_table), "",
	  "print the system calls and their numbers" },
	{ "help", 'h', NO, KIND_FLAG, AT(help), "", "print this" },
};
const size_t minijail_options_count = sizeof minijail_options / sizeof *minijail_options;

const struct minijail_option *minijail_option_of_letter(char letter)
{
	for (size_t i = 0; letter && i < minijail_options_count; i++) {
		if (minijail_options[i].letter == letter)
			return &minijail_options[i];
	}
	return NULL;
}

const struct minijail_option *minijail_option_of_name(const char *name, size_t length, bool exact)
{
	const struct minijail_option *found = NULL;
	size_t count = 0;

	for (size_t i = 0; length && i < minijail_options_count; i++) {
		const struct minijail_option *o = &minijail_options[i];
		if (strncmp(o->name, name, length) != 0)
			continue;
		if (!o->name[length])
			return o;
		found = o;
		count++;
	}
	return count == 1 && !exact ? found : NULL;
}

const char *minijail_option_name(const struct minijail_option *option)
{
	static char text[40];

	if (option->letter)
		text_format(text, sizeof text, "-%c", option->letter);
	else
		text_format(text, sizeof text, "--%s", option->name);
	return text;
}

/* Lists grow by doubling; what they leave in the arena is small. */
static int append(struct minijail_list *list, const char *text, struct arena *a, struct err *e)
{
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? list->count * 2 : 2;
		const char **items = arena_new_array(a, room, const char *);
		if (!items)
			return arena_check(a, e);
		if (list->count)
			memcpy(items, list->items, list->count * sizeof *items);
		list->items = items;
	}
	list->items[list->count++] = text;
	return arena_check(a, e);
}

static int record(struct minijail *m, const struct minijail_option *o, const char *value,
		  struct arena *a, struct err *e)
{
	if (!m->entries)
		m->entries = arena_new_array(a, MINIJAIL_ENTRIES_MAX, struct minijail_entry);
	if (!m->entries)
		return arena_check(a, e);
	if (m->entries_count == MINIJAIL_ENTRIES_MAX)
		return err_set(e, ERR_USAGE, 0, "more than %d options", MINIJAIL_ENTRIES_MAX);
	m->entries[m->entries_count++] = (struct minijail_entry){ o, value };
	return 0;
}

int minijail_set(struct minijail *m, const struct minijail_option *o, const char *value,
		 struct arena *a, struct err *e)
{
	void *at = (char *)m + o->offset;
	const char **text = at;
	struct minijail_maybe *maybe = at;

	if (o->kind != KIND_CONFIG && record(m, o, value, a, e) < 0)
		return -1;
	switch (o->kind) {
	case KIND_ENV_RESET:
		m->environment.count = 0;
		*(bool *)at = true;
		return 0;
	case KIND_FLAG:
		*(bool *)at = true;
		return 0;
	case KIND_ONCE:
		if (*text)
			return err_set(e, ERR_USAGE, 0, "%s: was given before",
				       minijail_option_name(o));
		*text = value;
		return 0;
	case KIND_TEXT:
		*text = value;
		return 0;
	case KIND_MAYBE:
		*maybe = (struct minijail_maybe){ true, value };
		return 0;
	case KIND_LIST:
		return append(at, value, a, e);
	case KIND_MOUNT:
		return append(at, arena_format(a, "%c%s", o->letter, value), a, e);
	case KIND_PATH:
		/* "rx", "ro", "rw", "advanced-rw" */
		return append(at, arena_format(a, "%s %s", o->name + strlen("fs-path-"), value), a,
			      e);
	case KIND_CONFIG:
		if (m->in_config)
			return err_set(e, ERR_USAGE, 0,
				       "--config: a configuration file may not name another one");
		return minijail_config_read(value, a, m, e);
	default:
		return 0;
	}
}

static int needs_argument(const struct minijail_option *o, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "%s: needs an argument: %s", minijail_option_name(o),
		       o->value);
}

/* "--name", "--name=value", "--name value", or what only one name starts with. */
static int parse_long(char **argv, size_t *index, struct arena *a, struct minijail *m,
		      struct err *e)
{
	const char *name = argv[*index] + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct minijail_option *o = minijail_option_of_name(name, length, false);

	++*index;
	if (!o)
		return err_set(e, ERR_USAGE, 0,
			       "unknown or ambiguous option --%.*s (\"minijail0 -h\" lists them)",
			       (int)length, name);
	if (value && o->argument == MINIJAIL_NONE)
		return err_set(e, ERR_USAGE, 0, "--%s: takes no argument", o->name);
	if (!value && o->argument == MINIJAIL_NEEDED) {
		value = argv[*index];
		if (!value)
			return needs_argument(o, e);
		++*index;
	}
	return minijail_set(m, o, value, a, e);
}

/* "-vpr", "-ux", "-u x", "-t64M" */
static int parse_letters(char **argv, size_t *index, struct arena *a, struct minijail *m,
			 struct err *e)
{
	const char *at = argv[*index] + 1;

	++*index;
	while (*at) {
		const struct minijail_option *o = minijail_option_of_letter(*at);
		const char *value = NULL;
		if (!o)
			return err_set(e, ERR_USAGE, 0,
				       "unknown option -%c (\"minijail0 -h\" lists them)", *at);
		at++;
		if (o->argument != MINIJAIL_NONE && *at) {
			value = at;
			at += strlen(at);
		} else if (o->argument == MINIJAIL_NEEDED) {
			value = argv[*index];
			if (!value)
				return needs_argument(o, e);
			++*index;
		}
		if (minijail_set(m, o, value, a, e) < 0)
			return -1;
	}
	return 0;
}

int minijail_parse(char **argv, struct arena *a, struct minijail *m, struct err *e)
{
	size_t i = 0;

	/* The first word that is no option is the program: all behind it is the program's. */
	while (argv[i] && argv[i][0] == '-' && argv[i][1]) {
		if (text_equal(argv[i], "--")) {
			i++;
			break;
		}
		int result = argv[i][1] == '-' ? parse_long(argv, &i, a, m, e)
					       : parse_letters(argv, &i, a, m, e);
		if (result < 0)
			return -1;
	}
	m->command = argv + i;
	return 0;
}
