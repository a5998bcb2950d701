/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values of a decoded configuration (tests/spec/base.json has every property),
 * annotations, and what "spec" and "features" print. What is refused is in tests/spec.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/spec/spec-print.h"
#include "runtime/spec/spec-tables.h"
#include "src/base/kernel.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct loaded {
	struct arena arena;
	struct spec *spec;
	struct err err;
};

static void load_text(struct loaded *l, const char *text)
{
	*l = (struct loaded){ 0 };
	arena_init(&l->arena, 0);
	if (spec_parse("c", text, strlen(text), &l->arena, &l->spec, &l->err) < 0)
		fail_msg("%s", l->err.msg);
}

/* The member "full" of base.json, cut out by its offsets: the last of the file's bases but two. */
static const char *full_text(void)
{
	static char text[65536];
	const char *srcdir = getenv("srcdir");
	char path[4096];

	snprintf(path, sizeof path, "%s/tests/spec/base.json", srcdir ? srcdir : ".");
	FILE *in = fopen(path, "r");
	assert_non_null(in);
	size_t n = fread(text, 1, sizeof text - 1, in);
	fclose(in);
	text[n] = '\0';
	char *start = strstr(text, "\"full\": ");
	char *end = strstr(text, ",\n\t\"process\": {\n\t\t\"args\"");
	assert_non_null(start);
	assert_non_null(end);
	*end = '\0';
	return start + strlen("\"full\": ");
}

static void load_full(struct loaded *l)
{
	load_text(l, full_text());
}

static void full_process(void **state)
{
	struct loaded l;

	(void)state;
	load_full(&l);
	const struct spec_process *p = l.spec->process;
	assert_string_equal(l.spec->oci_version, "1.3.0");
	assert_true(p->terminal);
	assert_int_equal(p->console_size->height_rows, 25);
	assert_int_equal(p->console_size->width_columns, 80);
	assert_int_equal(p->user.uid, 1);
	assert_int_equal(p->user.gid, 1);
	assert_true(p->user.umask.set && p->user.umask.value == 022);
	assert_int_equal(p->user.additional_gids_count, 2);
	assert_int_equal(p->user.additional_gids[1], 6);
	assert_int_equal(p->args.count, 3);
	assert_string_equal(p->args.items[2], "true");
	assert_null(p->args.items[3]);
	assert_string_equal(p->env.items[2], "EMPTY=");
	assert_string_equal(p->cwd, "/");
	assert_int_equal(p->capabilities->bounding, 1 << CAP_KILL | 1 << CAP_CHOWN);
	assert_int_equal(p->capabilities->effective, 1 << CAP_KILL);
	assert_int_equal(p->capabilities->ambient, 0);
	assert_int_equal(p->rlimits_count, 2);
	assert_int_equal(p->rlimits[0].resource, RLIMIT_NOFILE);
	assert_int_equal(p->rlimits[0].hard, 4096);
	assert_true(p->rlimits[1].hard == RLIM_INFINITY);
	assert_true(p->no_new_privileges);
	assert_string_equal(p->apparmor_profile, "profile");
	assert_true(p->oom_score_adj.set && p->oom_score_adj.value == -10);
	assert_int_equal(p->scheduler->policy, SCHED_BATCH);
	assert_int_equal(p->scheduler->nice.value, 3);
	assert_int_equal(p->scheduler->flags, SCHED_FLAG_RESET_ON_FORK);
	assert_int_equal(p->io_priority->class, IOPRIO_CLASS_BE);
	assert_int_equal(p->io_priority->priority, 4);
	assert_true(bit_set_has(&p->exec_cpu_affinity->initial, 7));
	assert_false(bit_set_has(&p->exec_cpu_affinity->initial, 6));
	assert_true(bit_set_has(&p->exec_cpu_affinity->final, 3));
	assert_false(bit_set_has(&p->exec_cpu_affinity->final, 1000000));
	arena_free(&l.arena);
}

static void full_linux(void **state)
{
	struct loaded l;

	(void)state;
	load_full(&l);
	const struct spec_linux *x = l.spec->linux_config;
	assert_int_equal(x->namespaces_count, 8);
	assert_int_equal(x->namespace_types, CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
						     CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWUSER |
						     CLONE_NEWCGROUP | CLONE_NEWTIME);
	assert_string_equal(spec_namespace_find(l.spec, CLONE_NEWNET)->path, "/run/netns/a");
	assert_null(spec_namespace_find(l.spec, CLONE_NEWPID)->path);
	assert_int_equal(x->uid_mappings[0].host_id, 100000);
	assert_int_equal(x->gid_mappings[0].size, 65536);
	assert_true(x->monotonic_offset.set);
	assert_int_equal(x->monotonic_offset.sec, -5);
	assert_int_equal(x->monotonic_offset.nsec, 7);
	assert_int_equal(x->boottime_offset.sec, 604800);
	assert_int_equal(x->devices[0].type, 'c');
	assert_int_equal(x->devices[0].minor, 229);
	assert_int_equal(x->devices[0].file_mode.value, 0666);
	assert_true(x->devices[0].uid.set);
	assert_string_equal(x->net_devices[0].host_name, "eth7");
	assert_string_equal(x->net_devices[0].name, "inside");
	assert_string_equal(x->cgroups_path, "/group/box");
	assert_int_equal(x->rootfs_propagation, MS_PRIVATE | MS_REC);
	assert_string_equal(x->sysctl[0].key, "net.ipv4.ip_forward");
	assert_string_equal(x->masked_paths.items[0], "/proc/kcore");
	assert_string_equal(x->readonly_paths.items[0], "/proc/sys");
	assert_int_equal(x->memory_policy->mode, MPOL_BIND);
	assert_int_equal(x->memory_policy->flags, MPOL_F_STATIC_NODES);
	assert_true(bit_set_has(&x->memory_policy->nodes, 0));
	assert_true(x->personality.set && x->personality.value == PER_LINUX32);
	assert_string_equal(l.spec->hostname, "box");
	assert_string_equal(spec_annotation(l.spec, "com.example"), "value");
	assert_null(spec_annotation(l.spec, "com.example.other"));
	assert_true(l.spec->root->readonly);
	assert_string_equal(l.spec->hooks.start_container.items[0].path, "/bin/h4");
	assert_int_equal(l.spec->hooks.poststop.items[0].timeout_sec.value, 5);
	arena_free(&l.arena);
}

static void full_resources(void **state)
{
	struct loaded l;

	(void)state;
	load_full(&l);
	const struct spec_resources *r = l.spec->linux_config->resources;
	assert_int_equal(r->devices_count, 2);
	assert_false(r->devices[0].allow);
	assert_int_equal(r->devices[0].type, 'a');
	assert_int_equal(r->devices[0].major, -1);
	assert_int_equal(r->devices[1].access, SPEC_ACCESS_READ | SPEC_ACCESS_WRITE);
	assert_int_equal(r->devices[1].minor, 229);
	assert_int_equal(r->memory->limit_bytes.value, 1048576);
	assert_int_equal(r->memory->kernel_bytes.value, -1);
	assert_true(r->memory->swappiness.set && r->memory->swappiness.value == 0);
	assert_true(r->memory->disable_oom_killer.set && !r->memory->disable_oom_killer.value);
	assert_true(r->memory->check_before_update);
	assert_int_equal(r->cpu->shares.value, 1024);
	assert_int_equal(r->cpu->quota_usec.value, 50000);
	assert_int_equal(r->cpu->realtime_period_usec.value, 1000000);
	assert_string_equal(r->cpu->cpus, "0-1");
	assert_true(r->cpu->idle.set && r->cpu->idle.value == 0);
	assert_true(r->pids_limit.set && r->pids_limit.value == 0);
	assert_int_equal(r->block_io->weight.value, 100);
	assert_int_equal(r->block_io->weight_devices[0].leaf_weight.value, 300);
	assert_int_equal(r->block_io->throttle_write_iops_devices[0].rate, 600);
	assert_string_equal(r->hugepage_limits[0].page_size, "2MB");
	assert_int_equal(r->network->class_id.value, 1048577);
	assert_int_equal(r->network->priorities[0].priority, 500);
	assert_string_equal(r->rdma[0].device, "mlx5_1");
	assert_int_equal(r->rdma[0].hca_objects.value, 10000);
	assert_string_equal(r->unified[0].key, "memory.high");
	arena_free(&l.arena);
}

static void full_seccomp_vm(void **state)
{
	struct loaded l;

	(void)state;
	load_full(&l);
	const struct spec_seccomp *p = l.spec->linux_config->seccomp;
	assert_int_equal(p->default_action, SECCOMP_RET_ERRNO);
	assert_int_equal(p->default_errno_ret.value, 38);
	assert_int_equal(p->architectures[0], AUDIT_ARCH_X86_64);
	assert_int_equal(p->architectures[1], SPEC_ARCH_X32);
	assert_int_equal(p->flags, SECCOMP_FILTER_FLAG_LOG);
	assert_string_equal(p->listener_path, "/run/agent");
	assert_int_equal(p->syscalls_count, 3);
	assert_string_equal(p->syscalls[0].names.items[1], "write");
	assert_int_equal(p->syscalls[1].args[0].op, SPEC_SECCOMP_EQ);
	assert_int_equal(p->syscalls[1].args[0].value, 8);
	assert_int_equal(p->syscalls[2].action, SECCOMP_RET_USER_NOTIF);
	const struct spec_vm *v = l.spec->vm;
	assert_string_equal(v->hypervisor_path, "/usr/bin/vmm");
	assert_string_equal(v->kernel_path, "/boot/vmlinuz");
	assert_string_equal(v->kernel_parameters.items[0], "quiet");
	assert_string_equal(v->image_path, "/srv/disk");
	assert_int_equal(v->vcpus.value, 2);
	assert_int_equal(v->memory_bytes.value, 268435456);
	assert_int_equal(v->iomems[0].first_gfn, 1);
	assert_int_equal(v->irqs[0], 31);
	arena_free(&l.arena);
}

static void minimal(void **state)
{
	struct loaded l;

	(void)state;
	load_text(&l, "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}}");
	assert_null(l.spec->process);
	assert_null(l.spec->vm);
	assert_null(l.spec->hostname);
	assert_non_null(l.spec->linux_config);
	assert_null(l.spec->linux_config->resources);
	assert_null(l.spec->linux_config->seccomp);
	assert_int_equal(l.spec->linux_config->namespace_types, 0);
	assert_false(l.spec->linux_config->personality.set);
	assert_null(spec_namespace_find(l.spec, CLONE_NEWPID));
	arena_free(&l.arena);
}

/* ---------------------------------------------------------------- others */

static void extensions(void **state)
{
	static const char text[] =
		"{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}, \"annotations\": {"
		"\"run.oci.keep_original_groups\": \"1\", \"run.oci.hooks.stdout\": \"/o\","
		"\"run.oci.hooks.stderr\": \"/e\", \"run.oci.handler\": \"krun\","
		"\"run.oci.pidfd_receiver\": \"/p\", \"run.oci.seccomp.receiver\": \"/s\","
		"\"run.oci.seccomp_fail_unknown_syscall\": \"0\", \"run.oci.seccomp_bpf_data\": "
		"\"AAAA\","
		"\"run.oci.delegate-cgroup\": \"a/b\", \"run.oci.mount_context_type\": \"context\","
		"\"run.oci.unknown\": \"x\"}}";
	struct loaded l;

	(void)state;
	load_text(&l, text);
	const struct spec_extensions *x = &l.spec->extensions;
	assert_true(x->keep_original_groups);
	assert_string_equal(x->hooks_stdout, "/o");
	assert_string_equal(x->hooks_stderr, "/e");
	assert_string_equal(x->handler, "krun");
	assert_string_equal(x->pidfd_receiver, "/p");
	assert_string_equal(x->seccomp_receiver, "/s");
	assert_false(x->seccomp_fail_unknown);
	assert_string_equal(x->seccomp_bpf_data, "AAAA");
	assert_string_equal(x->delegate_cgroup, "a/b");
	assert_string_equal(x->mount_context_type, "context");
	arena_free(&l.arena);
}

static void sysctl_names(void **state)
{
	static const char *const rows[][2] = {
		{ "net.ipv4.ip_forward", "net.ipv4.ip_forward" },
		{ "net/ipv4/ip_forward", "net.ipv4.ip_forward" },
		{ "net/ipv4/conf/eth0.1/forwarding", "net.ipv4.conf.eth0/1.forwarding" },
		{ "net.ipv4.conf.eth0/1.forwarding", "net.ipv4.conf.eth0/1.forwarding" },
		{ "", "" },
	};
	char key[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(key, sizeof key, "%s", rows[i][0]);
		spec_sysctl_normalize(key);
		assert_string_equal(key, rows[i][1]);
	}
}

static void lists(void **state)
{
	struct bit_set set = { 0 };
	struct arena a;

	(void)state;
	arena_init(&a, 0);
	assert_null(spec_list_parse(" 0-2 , 65,8191 ", SPEC_CPU_MAX, &a, &set));
	size_t members = 0;
	for (size_t i = 0; i < 10000; i++)
		members += bit_set_has(&set, i);
	assert_int_equal(members, 5);
	assert_true(bit_set_has(&set, 2) && bit_set_has(&set, 65) && bit_set_has(&set, 8191));
	set = (struct bit_set){ 0 };
	assert_null(spec_list_parse("", SPEC_CPU_MAX, &a, &set));
	assert_int_equal(set.word_count, 0);
	assert_non_null(spec_list_parse("1024", SPEC_NODE_MAX, &a, &set));
	assert_non_null(spec_list_parse("+1", SPEC_NODE_MAX, &a, &set));
	assert_non_null(spec_list_parse("1 2", SPEC_NODE_MAX, &a, &set));
	assert_non_null(spec_list_parse(",", SPEC_NODE_MAX, NULL, NULL));
	arena_free(&a);
}

static void interface_names(void **state)
{
	(void)state;
	assert_true(spec_interface_name("eth0", false));
	assert_true(spec_interface_name("a23456789012345", false));
	assert_false(spec_interface_name("a234567890123456", false));
	assert_false(spec_interface_name("", false));
	assert_true(spec_interface_name("eth%d", true));
	assert_false(spec_interface_name("eth%", true));
	assert_false(spec_interface_name("e\tth", false));
}

/* Checks of what was put together without a file, as exec and update do. */
static void checks_without_file(void **state)
{
	static char root[] = "/", program[] = "true";
	char *args[] = { program, NULL };
	struct spec_process p = { .cwd = root, .args = { args, 1 } };
	struct spec_cpu cpu = { .quota_usec = { true, 10 }, .burst_usec = { true, 11 } };
	struct spec_resources r = { .cpu = &cpu };
	struct err e;

	(void)state;
	assert_int_equal(spec_process_check(&p, "process.", &e), 0);
	p.cwd = program;
	assert_int_equal(spec_process_check(&p, "process.", &e), -1);
	assert_string_equal(e.msg, "process.cwd: \"true\" is not an absolute path");
	assert_int_equal(spec_resources_check(&r, "linux.resources.", &e), -1);
	assert_string_equal(e.msg, "linux.resources.cpu.burst: 11 is above cpu.quota (10)");
}

static void files(void **state)
{
	char directory[] = "/tmp/husk-test-spec.XXXXXX";
	struct spec *s;
	struct spec_process *p;
	struct spec_resources *r;
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	assert_non_null(mkdtemp(directory));
	int dirfd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(spec_load(dirfd, "config.json", &a, &s, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_string_equal(e.msg, "open config.json: No such file or directory");
	assert_int_equal(spec_load(AT_FDCWD, directory, &a, &s, &e), -1);
	assert_int_equal(e.errnum, EISDIR);
	int fd = openat(dirfd, "config.json", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	dprintf(fd, "{\"ociVersion\": \"1.0.0\", \"root\": {\"path\": \"r\"}}");
	assert_int_equal(spec_load(dirfd, "config.json", &a, &s, &e), 0);
	assert_string_equal(s->root->path, "r");
	assert_int_equal(spec_process_load(dirfd, "config.json", &a, &p, &e), -1);
	assert_string_equal(e.msg, "config.json:1: property \"cwd\" is missing");
	close(fd);
	/* Standard input of "update --resources -" is a pipe. */
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	dprintf(ends[1], "{\"pids\": {\"limit\": 5}}");
	close(ends[1]);
	assert_int_equal(spec_resources_load(ends[0], "standard input", &a, &r, &e), 0);
	assert_int_equal(r->pids_limit.value, 5);
	close(ends[0]);
	unlinkat(dirfd, "config.json", 0);
	close(dirfd);
	rmdir(directory);
	arena_free(&a);
}

/* Out of memory at any place is an error, never a crash or a half-filled spec. */
static void limited_memory(void **state)
{
	const char *text = full_text();
	bool passed = false;

	(void)state;
	for (size_t limit = 64; !passed; limit += 61) {
		struct arena a;
		struct spec *s;
		struct err e = { 0 };
		arena_init(&a, limit);
		passed = spec_parse("c", text, strlen(text), &a, &s, &e) == 0;
		if (!passed)
			assert_true(e.kind == ERR_NO_MEMORY || strstr(e.msg, "memory"));
		arena_free(&a);
	}
}

/* What "husk spec" writes is a configuration that husk takes. */
static void default_spec(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++) {
		const struct spec_default o = { .rootless = i & 1,
						.cgroup_namespace = i & 2,
						.uid_host = 1000,
						.gid_host = 1001 };
		struct json_writer w;
		struct loaded l;
		json_write_init(&w, true);
		spec_default_print(&w, &o);
		load_text(&l, json_write_finish(&w, NULL, NULL));
		const struct spec_linux *x = l.spec->linux_config;
		assert_int_equal((x->namespace_types & CLONE_NEWUSER) != 0, o.rootless);
		assert_int_equal((x->namespace_types & CLONE_NEWCGROUP) != 0, o.cgroup_namespace);
		assert_int_equal(x->resources != NULL, !o.rootless);
		assert_int_equal(l.spec->mounts_count, 7);
		if (o.rootless) {
			assert_int_equal(x->uid_mappings[0].host_id, 1000);
			assert_int_equal(x->gid_mappings[0].host_id, 1001);
		}
		json_write_free(&w);
		arena_free(&l.arena);
	}
}

static bool has_item(const struct json_node *array, const char *text)
{
	for (const struct json_node *n = array ? array->first : NULL; n; n = n->next) {
		if (strcmp(n->text, text) == 0)
			return true;
	}
	return false;
}

static void features(void **state)
{
	const struct spec_features f = { .seccomp = true,
					 .seccomp_flags = SECCOMP_FILTER_FLAG_LOG,
					 .apparmor = true,
					 .version = "1",
					 .commit = "c",
					 .libseccomp_version = "2.5.4" };
	struct json_doc doc = { .name = "features" };
	struct json_writer w;
	struct arena a;
	struct err e;

	(void)state;
	arena_init(&a, 0);
	json_write_init(&w, false);
	spec_features_print(&w, &f);
	doc.text = json_write_finish(&w, &doc.length, &e);
	assert_non_null(doc.text);
	assert_int_equal(json_tree_parse(&doc, &a, &e), 0);
	const struct json_node *root = doc.root;
	assert_string_equal(json_tree_find(root, "ociVersionMax")->text, "1.3.0");
	assert_true(has_item(json_tree_find(root, "hooks"), "startContainer"));
	assert_int_equal(json_tree_find(root, "hooks")->count, 6);
	assert_true(has_item(json_tree_find(root, "mountOptions"), "ridmap"));
	assert_false(has_item(json_tree_find(root, "mountOptions"), "rsync"));
	assert_int_equal(json_tree_find(root, "linux.capabilities")->count, 41);
	assert_int_equal(json_tree_find(root, "linux.namespaces")->count, 8);
	assert_int_equal(json_tree_find(root, "linux.seccomp.archs")->count, 23);
	assert_int_equal(json_tree_find(root, "linux.seccomp.actions")->count, 9);
	assert_int_equal(json_tree_find(root, "linux.seccomp.operators")->count, 7);
	assert_int_equal(json_tree_find(root, "linux.seccomp.knownFlags")->count, 4);
	assert_int_equal(json_tree_find(root, "linux.seccomp.supportedFlags")->count, 1);
	assert_true(json_tree_find(root, "linux.apparmor.enabled")->boolean);
	assert_false(json_tree_find(root, "linux.selinux.enabled")->boolean);
	assert_int_equal(json_tree_find(root, "linux.memoryPolicy.modes")->count, 7);
	assert_string_equal(
		json_tree_find(root, "annotations[\"io.github.seccomp.libseccomp.version\"]")->text,
		"2.5.4");
	json_write_free(&w);
	arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_process),	   cmocka_unit_test(full_linux),
		cmocka_unit_test(full_resources),  cmocka_unit_test(full_seccomp_vm),
		cmocka_unit_test(minimal),	   cmocka_unit_test(extensions),
		cmocka_unit_test(sysctl_names),	   cmocka_unit_test(lists),
		cmocka_unit_test(interface_names), cmocka_unit_test(checks_without_file),
		cmocka_unit_test(files),	   cmocka_unit_test(limited_memory),
		cmocka_unit_test(default_spec),	   cmocka_unit_test(features),
	};

	return cmocka_run_group_tests_name("spec", tests, NULL, NULL);
}
