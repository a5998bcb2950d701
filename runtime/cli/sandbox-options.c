/* SPDX-License-Identifier: Apache-2.0 */
/* The option table of "husk sandbox", and the options that are more than a value in a struct. */
#include "runtime/cli/sandbox-options.h"
#include "runtime/cli/sandbox-named.h"
#include "runtime/cli/sandbox-scope.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "runtime/cli/verbs.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define CONTENT_BYTES_MAX (4u << 20)

static int too_many(const struct option_row *row, struct err *e)
{
	return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name, SANDBOX_ITEMS_MAX);
}

/* NAME VALUE */
static int take_setenv(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox_options *o = options;
	struct sandbox *s = &o->sandbox;

	s->environment = o->environment;
	for (size_t i = 0; i < s->environment_count; i++) {
		if (text_equal(o->environment[i].key, words[0])) {
			o->environment[i].value = words[1];
			return 0;
		}
	}
	if (s->environment_count == SANDBOX_ITEMS_MAX)
		return too_many(row, e);
	o->environment[s->environment_count++] = (struct key_value){ words[0], words[1] };
	return 0;
}

/* --keepenv and --unsetenv: @offset tells which. */
static int take_name(void *options, const struct option_row *row, char *const *words, struct err *e)
{
	struct sandbox_options *o = options;
	struct str_list *list =
		row->offset ? &o->sandbox.unset_environment : &o->sandbox.keep_environment;

	if (list->count == SANDBOX_ITEMS_MAX)
		return too_many(row, e);
	list->items = row->offset ? o->unset : o->kept;
	list->items[list->count++] = words[0];
	return 0;
}

static int take_gate(void *options, const struct option_row *row, char *const *words, struct err *e)
{
	struct sandbox *s = &((struct sandbox_options *)options)->sandbox;

	if (text_equal(words[0], "strict"))
		s->gate = SANDBOX_GATE_STRICT;
	else if (text_equal(words[0], "entry"))
		s->gate = SANDBOX_GATE_ENTRY;
	else if (text_equal(words[0], "none"))
		s->gate = SANDBOX_GATE_NONE;
	else
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is none of strict, entry, none",
			       row->name, words[0]);
	return 0;
}

static int take_format(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox *s = &((struct sandbox_options *)options)->sandbox;

	if (text_equal(words[0], "json"))
		s->report_format = SANDBOX_FORMAT_JSON;
	else if (text_equal(words[0], "text"))
		s->report_format = SANDBOX_FORMAT_TEXT;
	else
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is none of json, text", row->name,
			       words[0]);
	return 0;
}

/* A number, or "unlimited", which is absent. */
static int parse_rlimit(const struct option_row *row, const char *text, struct opt_u64 *value,
			struct err *e)
{
	if (text_equal(text, "unlimited"))
		return 0;
	if (text_parse_u64(text, &value->value) < 0)
		return err_set(e, ERR_USAGE, 0,
			       "--%s: \"%s\" is neither a number nor \"unlimited\"", row->name,
			       text);
	value->set = true;
	return 0;
}

/* NAME=SOFT[:HARD] */
static int take_rlimit(void *options, const struct option_row *row, char *const *words,
		       struct err *e)
{
	struct sandbox_options *o = options;
	struct sandbox_limits *l = &o->sandbox.limits;
	const char *equals = strchr(words[0], '=');
	char soft[32];

	if (!equals || (size_t)(equals - words[0]) >= sizeof *o->rlimit_names)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not NAME=SOFT[:HARD]", row->name,
			       words[0]);
	if (l->rlimits_count == sizeof o->rlimits / sizeof *o->rlimits)
		return too_many(row, e);
	struct sandbox_rlimit *r = &o->rlimits[l->rlimits_count];
	char *name = o->rlimit_names[l->rlimits_count++];
	text_format(name, sizeof *o->rlimit_names, "%.*s", (int)(equals - words[0]), words[0]);
	l->rlimits = o->rlimits;
	r->type = name;
	const char *colon = strchr(equals, ':');
	size_t n = colon ? (size_t)(colon - equals - 1) : strlen(equals + 1);
	text_format(soft, sizeof soft, "%.*s", (int)n, equals + 1);
	if (parse_rlimit(row, soft, &r->soft, e) < 0)
		return -1;
	return parse_rlimit(row, colon ? colon + 1 : soft, &r->hard, e);
}

#define AT(member)    offsetof(struct sandbox_options, member)
#define IN(member)    offsetof(struct sandbox_options, sandbox.member)
#define LIMIT(member) offsetof(struct sandbox_options, sandbox.limits.member)
#define DEST(name, kind, help)                                                                     \
	{                                                                                          \
		name, 0, OPTION_TAKE, kind, "DEST", help, 1, sandbox_take_place                    \
	}
#define PAIR(name, kind, value, help)                                                              \
	{                                                                                          \
		name, 0, OPTION_TAKE, kind, value, help, 2, sandbox_take_pair                      \
	}
#define TAKE(name, value, help, words, function)                                                   \
	{                                                                                          \
		name, 0, OPTION_TAKE, 0, value, help, words, function                              \
	}

#define PROTECT(name, member, value, help)                                                         \
	{                                                                                          \
		name, 0, OPTION_TAKE, IN(member), value, help, 1, sandbox_take_protect             \
	}

static const struct option_row rows[] = {
	{ "name", 0, OPTION_STRING, AT(name), "NAME", "what its control groups are called after" },
	{ "profile", 0, OPTION_STRINGS, AT(profiles), "NAME",
	  "begin with the profile of this name; the last one counts" },
	{ "config", 0, OPTION_STRING, AT(config), "FILE",
	  "read a JSON file; options count over it" },
	{ "print-config", 0, OPTION_FLAG, AT(print_config), NULL,
	  "print all of this as such a file, and run nothing" },
	{ "dry-run", 0, OPTION_FLAG, AT(dry_run), NULL,
	  "print what would be done, and run nothing" },
	{ "best-effort", 0, OPTION_FLAG, IN(best_effort), NULL,
	  "go on without what this host cannot give, and say so" },
	TAKE("args", "FD", "more options, each word with a NUL behind it", 1, sandbox_take_args),

	{ "rootfs", 0, OPTION_STRING, IN(rootfs), "DIR", "this directory as root, read-only" },
	{ "empty-root", 0, OPTION_FLAG, IN(empty_root), NULL,
	  "nothing as root but what other options put there" },
	{ "bundle", 0, OPTION_STRING, IN(bundle), "DIR",
	  "an OCI bundle's root, and its process if there is no COMMAND" },
	{ "image", 0, OPTION_STRING, IN(image), "DIR[:TAG]",
	  "the same of an OCI image layout, unpacked by umoci" },
	{ "image-cache", 0, OPTION_STRING, IN(image_cache), "DIR",
	  "where unpacked images are kept" },
	PAIR("bind", SANDBOX_BIND, "SOURCE DEST", "show a path of the host, writable"),
	PAIR("bind-try", SANDBOX_BIND, "SOURCE DEST", "the same, if it exists"),
	PAIR("ro-bind", SANDBOX_RO_BIND, "SOURCE DEST", "show it read-only"),
	PAIR("ro-bind-try", SANDBOX_RO_BIND, "SOURCE DEST", "the same, if it exists"),
	{ "bind-fd", 0, OPTION_TAKE, SANDBOX_BIND, "FD DEST",
	  "show what a descriptor is open at, writable", 2, sandbox_take_descriptor },
	{ "ro-bind-fd", 0, OPTION_TAKE, SANDBOX_RO_BIND, "FD DEST", "the same, read-only", 2,
	  sandbox_take_descriptor },
	PAIR("dev-bind", SANDBOX_DEV_BIND, "SOURCE DEST", "show it with the devices in it"),
	PAIR("dev-bind-try", SANDBOX_DEV_BIND, "SOURCE DEST", "the same, if it exists"),
	{ "rw", 0, OPTION_TAKE, SANDBOX_RW, "PATH", "make a path of the host writable where it is",
	  1, sandbox_take_place },
	{ "hide", 0, OPTION_TAKE, SANDBOX_HIDE, "PATH", "cover a path by something empty", 1,
	  sandbox_take_place },
	DEST("tmpfs", SANDBOX_TMPFS, "an empty directory in memory"),
	DEST("dir", SANDBOX_DIR, "make a directory"),
	{ "file", 0, OPTION_TAKE, SANDBOX_FILE, "FD DEST", "make a file of what FD has", 2,
	  sandbox_take_content },
	{ "data", 0, OPTION_TAKE, SANDBOX_DATA, "FD DEST", "mount such a file, read-only", 2,
	  sandbox_take_content },
	PAIR("symlink", SANDBOX_SYMLINK, "TARGET DEST", "make a symlink"),
	TAKE("overlay-src", "DIR", "a layer of the overlay that comes next; lowest first", 1,
	     sandbox_take_overlay_source),
	{ "overlay", 0, OPTION_TAKE, SANDBOX_OVERLAY, "UPPER WORK DEST",
	  "lay them over each other, and changes into UPPER", 3, sandbox_take_overlay },
	DEST("tmp-overlay", SANDBOX_TMP_OVERLAY, "the same, and changes into memory"),
	DEST("ro-overlay", SANDBOX_RO_OVERLAY, "the same, without changes"),
	DEST("remount-ro", SANDBOX_REMOUNT_RO, "make what is mounted there read-only"),
	{ "chmod", 0, OPTION_TAKE, SANDBOX_CHMOD, "MODE PATH", "change a mode (octal)", 2,
	  sandbox_take_chmod },
	TAKE("perms", "MODE", "the mode (octal) of what the next operation makes", 1,
	     sandbox_take_perms),
	{ "size", 0, OPTION_BYTES, AT(size_bytes), "SIZE", "how much fits into the next tmpfs" },
	{ "inodes", 0, OPTION_U64, AT(inodes), "N", "how many files fit into the next tmpfs" },
	DEST("mqueue", SANDBOX_MQUEUE, "mount POSIX message queues"),
	DEST("proc", SANDBOX_PROC, "mount another procfs"),
	DEST("dev", SANDBOX_DEV, "another /dev of harmless devices"),
	{ "chdir", 0, OPTION_STRING, IN(directory), "DIR", "start there (default: where you are)" },

	{ "argv0", 0, OPTION_STRING, IN(argv0), "TEXT", "what the program is told it is called" },
	{ "uid", 0, OPTION_U32, IN(uid), "N", "be this user inside" },
	{ "gid", 0, OPTION_U32, IN(gid), "N", "be this group inside" },
	{ "map-uid", 0, OPTION_TAKE, 0, "IN:OUT[:N]", "map N (default: 1) users from OUT on to IN",
	  1, sandbox_take_range },
	{ "map-gid", 0, OPTION_TAKE, 1, "IN:OUT[:N]", "the same for groups", 1,
	  sandbox_take_range },
	{ "map-auto", 0, OPTION_U32, IN(auto_ids), "N",
	  "map the ids below N to ones that nobody else has" },
	{ "cap-add", 0, OPTION_TAKE, 0, "CAP",
	  "keep a capability, such as net_admin; all: every one", 1, sandbox_take_cap },
	{ "cap-drop", 0, OPTION_TAKE, 1, "CAP", "and not this one, or none of those before: all", 1,
	  sandbox_take_cap },
	{ "hostname", 0, OPTION_STRING, IN(hostname), "NAME", "default: sandbox" },
	{ "machine-id", 0, OPTION_STRING, IN(machine_id), "ID",
	  "what /etc/machine-id says; random: a new one" },
	{ "time-offset", 0, OPTION_I32, IN(time_offset), "SECONDS",
	  "add to the clocks that count from boot" },
	TAKE("setenv", "NAME VALUE", "set a variable", 2, take_setenv),
	{ "unsetenv", 0, OPTION_TAKE, 1, "NAME", "do not pass this variable on", 1, take_name },
	{ "keepenv", 0, OPTION_TAKE, 0, "NAME", "pass this variable on, too", 1, take_name },
	{ "clearenv", 0, OPTION_FLAG, IN(clear_environment), NULL,
	  "pass none of the usual variables on" },
	TAKE("network", "MODE", "none (default), host, user, bridge:NAME, join:PATH", 1,
	     sandbox_take_network),
	{ "address", 0, OPTION_TAKE, SANDBOX_ADDRESSES, "ADDR/PREFIX",
	  "an address of the device in the bridge", 1, sandbox_take_network_item },
	{ "route", 0, OPTION_TAKE, SANDBOX_ROUTES, "DEST=GATEWAY",
	  "a route by it; DEST may be default", 1, sandbox_take_network_item },
	{ "mac", 0, OPTION_STRING, IN(mac), "ADDR", "its hardware address" },
	{ "mtu", 0, OPTION_U32, IN(mtu), "N", "its largest packet" },
	{ "publish", 0, OPTION_TAKE, SANDBOX_PUBLISH, "[ADDR:]HOST[:INSIDE][/udp]",
	  "listen on the host for a port of the sandbox", 1, sandbox_take_network_item },
	{ "host-loopback", 0, OPTION_FLAG, IN(host_loopback), NULL,
	  "let the gateway's address be the host's loopback" },
	{ "allow", 0, OPTION_TAKE, SANDBOX_ALLOW, "ADDR[/PREFIX][:PORT][/tcp|/udp]",
	  "connect only to these", 1, sandbox_take_network_item },
	TAKE("address-families", "LIST", "sockets of these families only, such as unix,inet", 1,
	     sandbox_take_families),
	{ "policy", 0, OPTION_STRING, IN(policy), "NAME",
	  "system calls: default, none, a name or a path" },
	TAKE("gate", "GATE", "when it takes effect: strict (default), entry or none", 1, take_gate),
	{ "deny-call", 0, OPTION_TAKE, 0, "CALL[:ERRNO]",
	  "and refuse this system call, or group such as mount@husk", 1, sandbox_take_call },
	PROTECT("protect-system", protect.system, "MODE",
		"yes: /usr and /boot read-only; full: /etc, too; strict: all"),
	PROTECT("protect-home", protect.home, "MODE",
		"yes: none at all; read-only: show it; tmpfs: a private one"),
	PROTECT("protect-proc", protect.proc, "MODE",
		"noaccess, invisible, ptraceable: processes of other users in /proc"),
	{ "proc-subset", 0, OPTION_FLAG, IN(protect.proc_subset), NULL,
	  "nothing in /proc but processes" },
	{ "private-tmp", 0, OPTION_FLAG, IN(protect.var_tmp), NULL,
	  "a private /var/tmp, too, whatever the root is" },
	{ "protect-kernel-tunables", 0, OPTION_FLAG, IN(protect.kernel_tunables), NULL,
	  "/sys is read-only, and no kernel symbols in /proc" },
	{ "protect-kernel-modules", 0, OPTION_FLAG, IN(protect.kernel_modules), NULL,
	  "hide the kernel's modules" },
	{ "protect-control-groups", 0, OPTION_FLAG, IN(protect.control_groups), NULL,
	  "/sys/fs/cgroup is read-only" },
	{ "restrict-namespaces", 0, OPTION_FLAG, IN(protect.restrict_namespaces), NULL,
	  "no new namespaces, under any policy" },
	{ "lock-personality", 0, OPTION_FLAG, IN(protect.lock_personality), NULL,
	  "no change of personality(2)" },
	{ "memory-deny-write-execute", 0, OPTION_FLAG, IN(protect.deny_write_execute), NULL,
	  "no memory that can be written and executed" },
	{ "restrict-realtime", 0, OPTION_FLAG, IN(protect.restrict_realtime), NULL,
	  "no realtime scheduling" },
	{ "restrict-suid-sgid", 0, OPTION_FLAG, IN(protect.restrict_setid), NULL,
	  "no files that are set-user-ID or set-group-ID" },
	{ "no-landlock", 0, OPTION_FLAG, IN(no_landlock), NULL,
	  "without the second wall around files" },
	{ "terminal", 't', OPTION_FLAG, IN(terminal), NULL,
	  "give the program a terminal of its own" },

	{ "vm", 0, OPTION_PERHAPS, IN(vm.backend), "BACKEND",
	  "in a virtual machine: auto (default), kvm or qemu" },
	{ "vm-kernel", 0, OPTION_STRING, IN(vm.kernel), "FILE",
	  "its kernel (default: the newest under /boot)" },
	{ "vm-memory", 0, OPTION_BYTES, IN(vm.memory_bytes), "SIZE",
	  "its memory (default: the limit and what its kernel needs)" },
	{ "vm-cpus", 0, OPTION_U32, IN(vm.cpus), "N", "its processors (default: 1)" },

	{ "wall-time", 0, OPTION_MSEC, LIMIT(wall_msec), "TIME", "kill it after this time" },
	{ "cpu-time", 0, OPTION_MSEC, LIMIT(cpu_msec), "TIME",
	  "kill it after this processor time" },
	{ "memory", 0, OPTION_BYTES, LIMIT(memory_bytes), "SIZE",
	  "limit the memory of all together" },
	{ "swap", 0, OPTION_BYTES, LIMIT(swap_bytes), "SIZE", "and so much swap (default: none)" },
	{ "pids", 0, OPTION_U64, LIMIT(pids), "N", "limit processes and threads" },
	{ "cpus", 0, OPTION_MILLIS, LIMIT(cpu_millis), "N",
	  "so many processors' worth of time, such as 0.5" },
	{ "cpu-share", 0, OPTION_U64, LIMIT(cpu_share), "N",
	  "share of processors against others, which have 1024" },
	{ "oom-score-adj", 0, OPTION_I32, LIMIT(oom_score), "N",
	  "how early to be killed when memory runs out, -1000 to 1000" },
	{ "cpu-set", 0, OPTION_STRING, LIMIT(cpu_list), "LIST",
	  "run on these processors, such as 0-3" },
	{ "cgroup-parent", 0, OPTION_STRING, LIMIT(cgroup_parent), "PATH",
	  "make its control groups below this one" },
	{ "nice", 0, OPTION_I32, LIMIT(nice), "N", "scheduling priority, -20 to 19" },
	{ "output-limit", 0, OPTION_BYTES, LIMIT(output_bytes), "SIZE",
	  "kill it when it has written so much" },
	{ "file-size", 0, OPTION_BYTES, LIMIT(file_bytes), "SIZE", "limit each file" },
	{ "open-files", 0, OPTION_U64, LIMIT(open_files), "N", "limit descriptors of a process" },
	{ "stack", 0, OPTION_BYTES, LIMIT(stack_bytes), "SIZE", "limit the stack" },
	{ "core", 0, OPTION_BYTES, LIMIT(core_bytes), "SIZE", "allow core files (default: none)" },
	{ "address-space", 0, OPTION_BYTES, LIMIT(address_bytes), "SIZE",
	  "limit the address space of a process" },
	TAKE("rlimit", "NAME=SOFT[:HARD]", "any limit of setrlimit(2), such as nofile=64", 1,
	     take_rlimit),
	{ "tmp-size", 0, OPTION_BYTES, LIMIT(tmp_bytes), "SIZE",
	  "room in each private directory (default: 256M)" },
	{ "tmp-inodes", 0, OPTION_U64, LIMIT(tmp_inodes), "N",
	  "files in each private directory (default: 65536)" },

	{ "report", 0, OPTION_STRING, IN(report), "FILE", "write how it ended there, or to fd:N" },
	TAKE("report-format", "FORMAT", "json (default) or text", 1, take_format),
	{ "no-report", 0, OPTION_FLAG, IN(no_report), NULL, "write no report" },
	{ "status-fd", 0, OPTION_U32, IN(status_fd), "N", "write events as lines of JSON there" },
	{ "sync-fd", 0, OPTION_U32, IN(sync_fd), "FD", "keep it open until everything has ended" },
	{ "block-fd", 0, OPTION_U32, IN(block_fd), "FD",
	  "wait before the program until it can be read, or is closed" },
	TAKE("lock-file", "DEST", "hold a lock for reading on this file", 1, sandbox_take_lock),
};

static const struct verb *const named_verbs[] = {
	&verb_sandbox_start, &verb_sandbox_exec, &verb_sandbox_copy,
	&verb_sandbox_list,  &verb_sandbox_stop, NULL,
};

const struct verb verb_sandbox_start = {
	.name = "sandbox start",
	.arguments = "NAME [options] [--] [COMMAND [ARG...]]",
	.about = "Start a sandbox that stays, under a name",
	.more = "Without COMMAND it does nothing until \"husk sandbox stop NAME\".\n",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct sandbox_options),
	.arguments_min = 1,
	.arguments_max = 1 << 20,
	.stop_at_argument = true,
	.run = sandbox_start,
};

const struct verb verb_sandbox = {
	.name = "sandbox",
	.arguments = "COMMAND [ARG...]",
	.about = "Run a program that is not to be trusted",
	.options = rows,
	.options_count = sizeof rows / sizeof *rows,
	.size = sizeof(struct sandbox_options),
	.arguments_min = 0,
	.arguments_max = 1 << 20,
	.stop_at_argument = true,
	.holds_seal = true,
	.verbs = named_verbs,
	.more = "With a name, one that stays (each has --help):\n"
		"  husk sandbox start NAME [options] [--] [COMMAND [ARG...]]\n"
		"  husk sandbox exec [options] NAME COMMAND [ARG...]\n"
		"  husk sandbox copy SOURCE NAME:PATH, or NAME:PATH DEST\n"
		"  husk sandbox list [options]\n"
		"  husk sandbox stop [options] NAME\n"
		"A program that is called like one of these: husk sandbox -- start\n",
	.run = sandbox_run,
};

/* ---- after parsing ---- */

static int read_contents(struct sandbox_options *o, struct arena *a, struct err *e)
{
	for (size_t i = 0; i < o->sandbox.places_count; i++) {
		struct sandbox_place *p = &o->places[i];
		char name[64];
		size_t length;
		if (!o->content_fds[i])
			continue;
		text_format(name, sizeof name, "descriptor %u", o->content_fds[i] - 1);
		if (io_read_file((int)o->content_fds[i] - 1, name, CONTENT_BYTES_MAX, a,
				 &p->content, &length, e) < 0 ||
		    sandbox_scope_keep((int)o->content_fds[i] - 1, p->content, length, e) < 0)
			return -1;
		if (memchr(p->content, 0, length))
			return err_config(
				e, "%s: has a NUL byte; write it to a file and use --ro-bind",
				name);
	}
	return 0;
}

int sandbox_options_finish(struct sandbox_options *o, int argc, char **argv, struct arena *a,
			   struct sandbox *s, struct err *e)
{
	if (o->perms.set || o->size_bytes.set || o->inodes.set || o->lowers_used < o->lowers_count)
		return err_set(
			e, ERR_USAGE, 0,
			"--perms, --size, --inodes and --overlay-src come before the operation "
			"that they are about (none follows)");
	*s = (struct sandbox){ 0 };
	if (sandbox_config_load(&o->profiles, o->config, a, s, e) < 0)
		return -1;
	if (argc > 0)
		o->sandbox.command = (struct str_list){ argv, (size_t)argc };
	if (o->sandbox.vm.backend && !*o->sandbox.vm.backend)
		o->sandbox.vm.backend = arena_strdup(a, "auto");
	if (read_contents(o, a, e) < 0 || sandbox_merge(s, &o->sandbox, a, e) < 0)
		return -1;
	return sandbox_check(s, e);
}
