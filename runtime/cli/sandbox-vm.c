/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/sandbox-vm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "runtime/cli/log.h"
#include "runtime/cli/vm-machine.h"
#include "src/base/clean.h"
#include "src/base/text.h"
#include "src/json/json-write.h"

#define MEMORY_DEFAULT (512ull << 20)
#define MIB            (1ull << 20)
/* Also where KVM is nested in an emulation, which takes seconds. */
#define BOOT_MSEC_KVM  60000
#define BOOT_MSEC_QEMU 40000
#define BOOT_MSEC_LAST 90000

/* ---- what cannot be had ---- */

static int refuse(const char *what, const char *why, struct err *e)
{
	return err_set(e, ERR_UNSUPPORTED, 0, "%s: cannot be had with --vm yet%s%s", what,
		       *why ? ": " : "", why);
}

static int check_places(const struct sandbox *s, struct err *e)
{
	const struct sandbox_place *root = sandbox_root_of(s);

	if (root)
		return refuse("--bind / and --ro-bind /", "name the directories that are needed",
			      e);
	for (size_t i = 0; i < s->places_count; i++) {
		const struct sandbox_place *p = &s->places[i];
		if (p->kind == SANDBOX_DEV_BIND)
			return refuse("--dev-bind", "the host's devices are not the guest's", e);
		if (p->kind == SANDBOX_OVERLAY)
			return refuse("--overlay", "--tmp-overlay keeps changes in memory", e);
		if (p->descriptor.set)
			return refuse("--bind-fd and --ro-bind-fd", "use --bind", e);
	}
	return 0;
}

static int check_supported(const struct run *r, struct err *e)
{
	const struct sandbox *s = &r->sandbox;

	if (s->network && s->network != SANDBOX_NET_NONE)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "--network %s: cannot be had with --vm yet; the guest has loopback "
			       "only",
			       sandbox_network_name(s->network));
	if (s->publish.count || s->allow.count || s->host_loopback || s->addresses.count ||
	    s->routes.count || s->mac || s->mtu.set)
		return refuse("--publish, --allow, --address and the like", "", e);
	if (s->bundle || s->image)
		return refuse(s->bundle ? "--bundle" : "--image", "use --rootfs", e);
	if (s->uid_ranges_count || s->gid_ranges_count || s->auto_ids.set)
		return refuse("--map-uid, --map-gid and --map-auto", "", e);
	if (s->status_fd.set)
		return refuse("--status-fd", "", e);
	if (s->limits.cgroup_parent)
		return refuse("--cgroup-parent", "", e);
	if (s->sync_fd.set || s->block_fd.set || s->lock_files.count)
		return refuse("--sync-fd, --block-fd and --lock-file", "", e);
	if (s->gate == SANDBOX_GATE_ENTRY)
		return refuse("--gate entry", "", e);
	if (s->time_offset.set)
		return refuse("--time-offset", "", e);
	if (s->limits.swap_bytes.set)
		return refuse("--swap", "the guest has none", e);
	if (s->limits.core_bytes.set)
		return refuse("--core", "", e);
	return check_places(s, e);
}

/* ---- which backend ---- */

static int choose_kvm(struct vm_machine *m, struct err *e)
{
	m->backend = &vm_backend_kvm;
	m->boot_msec = BOOT_MSEC_KVM;
	return m->backend->usable(e);
}

static int choose_qemu(struct vm_machine *m, struct err *e)
{
	m->backend = &vm_backend_qemu;
	m->boot_msec = BOOT_MSEC_QEMU;
	return m->backend->usable(e);
}

static void say_reduced(struct vm_machine *m, const char *why)
{
	struct sandbox_weakened *w = &m->run->made.weakened;
	const char *text = arena_format(m->run->call->arena,
					"isolation reduced: software emulation by QEMU%s%s%s",
					*why ? " (" : "", why, *why ? ")" : "");

	if (!text)
		return;
	log_warning_text(text);
	if (w->count < SANDBOX_WEAKENED_MAX)
		w->items[w->count++] = text;
}

static int choose(struct vm_machine *m, struct err *e)
{
	const char *wanted = m->run->sandbox.vm.backend;
	struct err kvm = { 0 };

	m->automatic = text_equal(wanted, "auto");
	if (text_equal(wanted, "kvm"))
		return choose_kvm(m, e) < 0 ? err_append(e, " (--vm=qemu emulates)") : 0;
	if (m->automatic && choose_kvm(m, &kvm) == 0)
		return 0;
	if (choose_qemu(m, e) < 0)
		return m->automatic ? err_prefix(e, "%s", kvm.msg) : -1;
	say_reduced(m, m->automatic ? kvm.msg : "");
	return 0;
}

/* ---- what it consists of ---- */

static int prepare_kernel(struct vm_machine *m, struct err *e)
{
	struct arena *a = m->run->call->arena;
	struct guest_initramfs_options o = { .kernel = &m->kernel, .share = true };
	const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");

	if (guest_kernel_find(m->run->sandbox.vm.kernel, a, &m->kernel, e) < 0)
		return -1;
	m->kernel_fd = open(m->kernel.image, O_RDONLY | O_CLOEXEC);
	if (m->kernel_fd < 0)
		return err_sys(e, "open kernel %s", m->kernel.image);
	if (cache && *cache == '/')
		cache = arena_format(a, "%s/husk/initramfs", cache);
	else if (geteuid() == 0)
		cache = "/var/cache/husk/initramfs";
	else
		cache = home && *home == '/' ? arena_format(a, "%s/.cache/husk/initramfs", home)
					     : NULL;
	m->initrd_fd = guest_initramfs_open(&o, cache, a, &m->initrd_path, e);
	return m->initrd_fd < 0 ? -1 : 0;
}

static uint64_t memory_of(const struct vm_machine *m)
{
	const struct sandbox *s = &m->run->sandbox;
	uint64_t bytes =
		(s->limits.memory_bytes.set ? s->limits.memory_bytes.value : MEMORY_DEFAULT) +
		m->kernel.memory_bytes_min;

	if (s->vm.memory_bytes.set)
		bytes = s->vm.memory_bytes.value;
	return (bytes + MIB - 1) / MIB * MIB;
}

/* What the caller has, as far as the sandbox would see it, and what the view is made from. */
static void write_environment(struct json_writer *w, const struct run *r)
{
	const struct str_list *env = &r->made.spec->process->env;
	bool home = false;

	json_write_array_begin(w, "environment");
	for (size_t i = 0; i < env->count; i++) {
		home |= text_starts(env->items[i], "HOME=");
		json_write_string(w, NULL, env->items[i]);
	}
	if (!home && r->host.home)
		json_write_string(w, NULL, arena_format(r->call->arena, "HOME=%s", r->host.home));
	json_write_array_end(w);
}

/* See vm-shim/guest/guest.h. */
static int make_config(struct vm_machine *m, struct err *e)
{
	struct run *r = m->run;
	struct arena *a = r->call->arena;
	struct winsize size = { .ws_row = 24, .ws_col = 80 };
	struct json_writer w;
	const char *text;
	size_t length;

	if (sandbox_print(&m->inside, a, &text, &length, e) < 0)
		return -1;
	json_write_init(&w, false);
	json_write_object_begin(&w, NULL);
	json_write_raw(&w, "sandbox", text, length);
	write_environment(&w, r);
	json_write_string(&w, "directory", r->host.cwd);
	json_write_u64(&w, "uid", r->host.uid);
	json_write_u64(&w, "gid", r->host.gid);
	json_write_string(&w, "hostname", "husk");
	if (r->sandbox.terminal) {
		(void)ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
		json_write_object_begin(&w, "terminal");
		json_write_u64(&w, "rows", size.ws_row);
		json_write_u64(&w, "columns", size.ws_col);
		json_write_object_end(&w);
	}
	json_write_object_end(&w);
	text = json_write_finish(&w, &length, e);
	m->config = text ? arena_memdup(a, text, length) : NULL;
	m->config_length = length;
	json_write_free(&w);
	return text ? arena_check(a, e) : -1;
}

/*
 * What is for the host stays there: the report, the machine itself, and what is about the host's processors,
 * which the machine's are threads of.
 */
static void make_inside(struct vm_machine *m)
{
	struct sandbox *s = &m->inside;

	*s = m->run->sandbox;
	s->vm = (struct sandbox_vm){ 0 };
	s->report = NULL;
	s->report_format = 0;
	s->no_report = false;
	s->limits.cpu_list = NULL;
	s->limits.cpu_share = (struct opt_u64){ 0 };
	s->limits.nice = s->limits.oom_score = (struct opt_i32){ 0 };
}

/* The sandbox as it would be here: whatever is wrong with it is said now. Its limits are the guest's. */
static int make_spec(struct vm_machine *m, struct err *e)
{
	struct run *r = m->run;
	struct sandbox *s = arena_new(r->call->arena, struct sandbox);

	if (!s)
		return arena_check(r->call->arena, e);
	if (run_read_host(r, true, e) < 0)
		return -1;
	*s = m->inside;
	s->limits = (struct sandbox_limits){ .tmp_bytes = s->limits.tmp_bytes,
					     .tmp_inodes = s->limits.tmp_inodes };
	return sandbox_spec_make(s, &r->host, r->call->arena, &r->made, e);
}

static int run_machine(struct vm_machine *m, struct err *e)
{
	int status = -1;
	int result = vm_machine_try(m, &status, e);

	/* Nothing of the program has run yet. */
	if (result > 0) {
		struct err first = *e;
		if (choose_qemu(m, e) < 0)
			return -1;
		m->boot_msec = BOOT_MSEC_LAST;
		if (m->facts.backend != m->backend->name)
			say_reduced(m, first.msg);
		else
			log_warning_text(first.msg);
		m->run->report.verdict = SANDBOX_EXITED;
		m->facts.backend = m->backend->name;
		m->facts.reduced = !(m->backend->can & VM_CAN_ISOLATE);
		result = vm_machine_try(m, &status, e);
	}
	return result < 0 ? -1 : status;
}

static int prepare(struct vm_machine *m, struct err *e)
{
	if (check_supported(m->run, e) < 0)
		return -1;
	make_inside(m);
	if (make_spec(m, e) < 0 || choose(m, e) < 0)
		return -1;
	const struct sandbox_limits *l = &m->run->sandbox.limits;
	if (!m->backend->command &&
	    (l->cpu_list || l->cpu_share.set || l->nice.set || l->oom_score.set))
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "--cpu-set, --cpu-share, --nice and --oom-score-adj: cannot be had "
			       "with --vm=%s yet",
			       m->backend->name);
	if (prepare_kernel(m, e) < 0 || make_config(m, e) < 0)
		return -1;
	m->facts.backend = m->backend->name;
	m->facts.kernel = m->kernel.version ? m->kernel.version : m->kernel.image;
	m->facts.reduced = !(m->backend->can & VM_CAN_ISOLATE);
	m->facts.memory_bytes = memory_of(m);
	if (m->facts.memory_bytes < m->kernel.memory_bytes_min)
		return err_config(e, "--vm-memory: %llu MiB are too little, kernel %s needs %llu",
				  (unsigned long long)(m->facts.memory_bytes / MIB),
				  m->facts.kernel,
				  (unsigned long long)(m->kernel.memory_bytes_min / MIB));
	m->run->report.vm = &m->facts;
	return 0;
}

/* @e of a failure that comes after this is worth more than how the verdict was left. */
static int finish(struct run *r, int status, struct err *e)
{
	struct err ignored;
	bool lost = r->report.verdict == SANDBOX_MACHINE_LOST;

	if (status < 0 && lost) {
		r->report.error = arena_strdup(r->call->arena, e->msg);
		(void)run_write_report(r, &ignored);
		return -1;
	}
	return run_end(r, status, e);
}

int sandbox_vm_run(struct run *r, bool dry_run, struct err *e)
{
	struct vm_machine *m = arena_new(r->call->arena, struct vm_machine);

	if (!m)
		return arena_check(r->call->arena, e);
	if (dry_run)
		return err_set(e, ERR_UNSUPPORTED, 0,
			       "--dry-run: is about this host, and cannot be had with --vm yet");
	m->run = r;
	m->kernel_fd = m->initrd_fd = -1;
	if (run_open_report(r, e) < 0)
		return -1;
	foreground_prepare();
	int status = prepare(m, e) < 0 ? -1 : run_machine(m, e);
	status = finish(r, status, e);
	drop_fd(&m->kernel_fd);
	drop_fd(&m->initrd_fd);
	return status;
}
