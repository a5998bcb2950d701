/* SPDX-License-Identifier: Apache-2.0 */
/* One life of a virtual machine: its files' server, the machine, and what came of it. */
#include "runtime/cli/vm-machine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/cli/foreground.h"
#include "src/base/clean.h"
#include "src/base/clock.h"
#include "src/base/io.h"
#include "src/base/kernel.h"
#include "src/base/pid.h"
#include "src/base/text.h"

#define VIRTIOFSD "/usr/lib/qemu/virtiofsd"
#define SHARE_TAG "husk"
/* What QEMU has beside the guest's memory: 130 to 150 MiB were seen, of which most is translated code. */
#define QEMU_BYTES      (512ull << 20)
#define VIRTIOFSD_BYTES (512ull << 20)
#define HELPER_PIDS     128

/* One try. Every descriptor is closed with it. */
struct attempt {
	struct vm_jail *files, *machine;
	int share, listener;
	int ports[2][2]; /* ours, the machine's */
	int console[2], words[2], report[2];
	char directory[64];
	struct vm_session session;
};

static void close_pair(int fds[2])
{
	drop_fd(&fds[0]);
	drop_fd(&fds[1]);
}

/* virtiofsd takes a socket that listens. It has a name for as long as it takes to connect to it. */
static int connect_share(struct attempt *t, struct err *e)
{
	const char *tmp = getenv("TMPDIR");
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!tmp || *tmp != '/' || strlen(tmp) > 40)
		tmp = "/tmp";
	text_format(t->directory, sizeof t->directory, "%s/husk-vm.XXXXXX", tmp);
	if (!mkdtemp(t->directory))
		return err_sys(e, "create directory %s", t->directory);
	text_format(address.sun_path, sizeof address.sun_path, "%s/fs", t->directory);
	t->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	t->share = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result = t->listener < 0 || t->share < 0 ||
		     bind(t->listener, (struct sockaddr *)&address, sizeof address) < 0 ||
		     listen(t->listener, 1) < 0 ||
		     connect(t->share, (struct sockaddr *)&address, sizeof address) < 0;
	int saved = errno;
	unlink(address.sun_path);
	rmdir(t->directory);
	errno = saved;
	return result ? err_sys(e, "connect to %s", address.sun_path) : 0;
}

static int connect_all(struct attempt *t, struct err *e)
{
	for (int i = 0; i < 2; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, t->ports[i]) < 0)
			return err_sys(e, "create socket pair");
	}
	if (pipe2(t->console, O_CLOEXEC) < 0 || pipe2(t->words, O_CLOEXEC) < 0)
		return err_sys(e, "create pipe");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, t->report) < 0)
		return err_sys(e, "create socket pair");
	return connect_share(t, e);
}

static void limit(struct vm_jail *j, const struct run *r, uint64_t bytes)
{
	struct sandbox_limits *l = &j->sandbox.limits;

	if (!r->host.cgroup)
		return;
	l->memory_bytes = (struct opt_u64){ true, bytes };
	l->pids = (struct opt_u64){ true, HELPER_PIDS };
}

/* With the rights over the files' owners that serving them takes, in a user namespace where only the caller's
 * own ids exist. It has a filter of its own. */
static int start_files(struct vm_machine *m, struct attempt *t, struct err *e)
{
	struct run *r = m->run;
	struct arena *a = r->call->arena;
	static char program[] = VIRTIOFSD, o[] = "-o", source[] = "source=" VM_VIEW,
		    chroot_word[] = "sandbox=chroot", level[] = "log_level=err",
		    limit_word[] = "--rlimit-nofile=0", none[] = "none";
	char **argv = arena_new_array(a, 12, char *);
	struct vm_jail *j = arena_new(a, struct vm_jail);

	if (!argv || !j)
		return arena_check(a, e);
	if (access(program, X_OK) < 0)
		return err_set(e, ERR_UNSUPPORTED, errno,
			       "--vm: files are served by %s (apt install qemu-system-common)",
			       program);
	size_t n = 0;
	argv[n++] = program;
	argv[n++] = arena_format(a, "--fd=%d", t->listener);
	char *const more[] = { o, source, o, chroot_word, o, level, limit_word };
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		argv[n++] = more[i];
	if (vm_jail_init(j, "virtiofsd", r, e) < 0)
		return -1;
	j->sandbox.command = (struct str_list){ argv, n };
	j->sandbox.policy = none;
	j->sandbox.no_landlock = true; /* it keeps files from moving between directories */
	j->capabilities = 1ull << CAP_CHOWN | 1ull << CAP_DAC_OVERRIDE |
			  1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_FOWNER | 1ull << CAP_FSETID |
			  1ull << CAP_SETGID | 1ull << CAP_SETUID | 1ull << CAP_SETPCAP |
			  1ull << CAP_MKNOD | 1ull << CAP_SETFCAP | 1ull << CAP_SYS_CHROOT;
	limit(j, r, VIRTIOFSD_BYTES);
	vm_jail_keep(j, t->listener);
	if (vm_view_make(j, &r->made, &r->sandbox, &r->host, a, e) < 0)
		return -1;
	t->files = j;
	return vm_jail_start(j, r, t->words[1], e);
}

static void fill_config(const struct vm_machine *m, const struct attempt *t, struct vm_share *share,
			struct vm_config *c)
{
	*share = (struct vm_share){ SHARE_TAG, t->share };
	*c = (struct vm_config){
		.name = "husk",
		.kernel_fd = m->kernel_fd,
		.initrd_fd = m->initrd_fd,
		.kernel_path = m->kernel.image,
		.initrd_path = m->initrd_path,
		.cmdline = GUEST_CMDLINE_MARK " husk.root=share:" SHARE_TAG,
		.memory_bytes = m->facts.memory_bytes,
		.vcpus = m->run->sandbox.vm.cpus.set ? m->run->sandbox.vm.cpus.value : 1,
		.console_fd = m->backend->command ? t->console[1] : -1,
		.ports = { { WIRE_PORT_CONTROL, t->ports[0][1] },
			   { WIRE_PORT_DATA, t->ports[1][1] } },
		.ports_count = 2,
		.share = share,
		.boot_timeout_msec = (uint32_t)m->boot_msec,
	};
}

/* A backend that is a program, in a jail as tight as any sandbox. */
static int start_program(struct vm_machine *m, struct attempt *t, const struct vm_config *c,
			 struct err *e)
{
	const struct sandbox_limits *l = &m->run->sandbox.limits;
	struct run *r = m->run;
	struct vm_jail *j = arena_new(r->call->arena, struct vm_jail);
	char **argv;
	size_t n = 0;

	if (!j)
		return arena_check(r->call->arena, e);
	if (m->backend->command(c, r->call->arena, &argv, e) < 0 || vm_jail_init(j, "vm", r, e) < 0)
		return -1;
	while (argv[n])
		n++;
	j->sandbox.command = (struct str_list){ argv, n };
	/* Its files are open, and it opens them again by /proc; of others it has nothing but libraries. */
	j->sandbox.no_landlock = true;
	limit(j, r, m->facts.memory_bytes + QEMU_BYTES);
	j->sandbox.limits.cpu_list = l->cpu_list;
	j->sandbox.limits.cpu_share = l->cpu_share;
	j->sandbox.limits.nice = l->nice;
	j->sandbox.limits.oom_score = l->oom_score;
	const int kept[] = { c->kernel_fd,   c->initrd_fd,   c->console_fd,
			     c->ports[0].fd, c->ports[1].fd, c->share->fd };
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		vm_jail_keep(j, kept[i]);
	t->machine = j;
	return vm_jail_start(j, r, t->console[1], e);
}

/* A backend that puts itself into a jail. */
static int start_monitor(struct vm_machine *m, struct attempt *t, const struct vm_config *c,
			 struct err *e)
{
	struct err failed = { 0 };
	struct vm_report report = { .size = sizeof report, .end = VM_BROKEN };
	pid_t self = getpid(), pid = fork();

	if (pid < 0)
		return err_sys(e, "fork the monitor");
	if (pid == 0) {
		int keep[] = { 0,
			       1,
			       2,
			       c->kernel_fd,
			       c->initrd_fd,
			       c->ports[0].fd,
			       c->ports[1].fd,
			       c->share->fd,
			       t->report[1],
			       t->console[1] };
		sigset_t none;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(1);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		(void)setsid();
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(t->console[1], 2) < 0)
			_exit(1);
		io_close_all_but(3, keep, sizeof keep / sizeof *keep);
		m->backend->become(c, t->report[1], &failed);
		report.error = failed;
		(void)send(t->report[1], &report, sizeof report, MSG_NOSIGNAL);
		_exit(1);
	}
	t->session.monitor = pid;
	t->session.monitor_fd = kernel_pidfd_open(pid, 0);
	return t->session.monitor_fd < 0 ? err_sys(e, "open pidfd of the monitor") : 0;
}

static int start_machine(struct vm_machine *m, struct attempt *t, struct err *e)
{
	struct vm_session *s = &t->session;
	struct vm_share share;
	struct vm_config c;

	fill_config(m, t, &share, &c);
	if (vm_config_check(&c, e) < 0)
		return -1;
	if ((m->backend->command ? start_program : start_monitor)(m, t, &c, e) < 0)
		return -1;
	/* The other ends are theirs alone now: their end is seen at once. */
	for (int i = 0; i < 2; i++)
		drop_fd(&t->ports[i][1]);
	drop_fd(&t->console[1]);
	drop_fd(&t->words[1]);
	drop_fd(&t->report[1]);
	drop_fd(&t->listener);
	drop_fd(&t->share);
	s->control = t->ports[0][0];
	s->machine = t->machine;
	s->files = t->files;
	s->console.fd = take_fd(&t->console[0]);
	s->helper.fd = take_fd(&t->words[0]);
	s->report_fd = t->report[0];
	return 0;
}

static int session_init(struct vm_machine *m, struct attempt *t, struct err *e)
{
	struct vm_session *s = &t->session;
	const struct opt_u64 *output = &m->run->sandbox.limits.output_bytes;

	s->run = m->run;
	s->backend = m->backend;
	s->config = m->config;
	s->config_length = m->config_length;
	s->boot_msec = m->boot_msec;
	s->monitor_fd = s->report_fd = s->control = s->console.fd = s->helper.fd = -1;
	s->begin_usec = clock_now_usec();
	s->report = arena_alloc(m->run->call->arena, VM_REPORT_MAX + 1);
	if (!s->report)
		return arena_check(m->run->call->arena, e);
	return vm_streams_init(&s->streams, t->ports[1][0], output->set ? output->value : 0,
			       m->run->call->arena, e);
}

static void attempt_end(struct vm_machine *m, struct attempt *t)
{
	struct vm_session *s = &t->session;

	if (s->monitor > 0) {
		pid_end(s->monitor);
	}
	if (t->machine)
		vm_jail_end(t->machine, m->run);
	if (t->files)
		vm_jail_end(t->files, m->run);
	drop_fd(&s->monitor_fd);
	drop_fd(&s->console.fd);
	drop_fd(&s->helper.fd);
	close_pair(t->ports[0]);
	close_pair(t->ports[1]);
	close_pair(t->console);
	close_pair(t->words);
	close_pair(t->report);
	drop_fd(&t->share);
	drop_fd(&t->listener);
}

/* ---- what came of it ---- */

static int conclude(struct vm_machine *m, struct vm_session *s, struct err *e)
{
	struct sandbox_report *r = &m->run->report;
	enum sandbox_verdict own = r->verdict;
	bool cut = own == SANDBOX_OUTPUT || own == SANDBOX_WALL_TIME;

	m->facts.end = s->end ? vm_end_name(s->end) : NULL;
	m->facts.boot_usec = s->start_usec ? s->start_usec - s->begin_usec : 0;
	if (s->reported && vm_report_take(s->report, s->report_length, r, &m->run->made.weakened,
					  m->run->call->arena, e) < 0)
		return err_prefix(e, "the guest");
	if (s->reported && cut)
		r->verdict = own;
	if (s->exited && s->reported)
		return r->verdict == SANDBOX_SETUP_FAILED
			       ? err_set(e, ERR_SYSTEM, 0, "in the virtual machine: %s",
					 r->error ? r->error : "the sandbox was not started")
			       : s->status;
	r->wall_usec = s->start_usec ? s->end_usec - s->start_usec : 0;
	if (s->killed && (cut || own == SANDBOX_SIGNALLED)) {
		r->ended = true;
		r->wait_status =
			own == SANDBOX_SIGNALLED && s->status > 128 ? s->status - 128 : SIGKILL;
		return foreground_status(r->wait_status);
	}
	r->verdict = s->started ? SANDBOX_MACHINE_LOST : SANDBOX_SETUP_FAILED;
	const char *words = vm_words_last(&s->console.words);
	return err_set(e, ERR_SYSTEM, 0,
		       "the virtual machine (%s) ended before the program: %s%s%s%s",
		       m->backend->name, s->end ? vm_end_name(s->end) : "unknown",
		       *words ? " (last words: " : "", words, *words ? ")" : "");
}

int vm_machine_try(struct vm_machine *m, int *status, struct err *e)
{
	struct attempt *t = arena_new(m->run->call->arena, struct attempt);

	if (!t)
		return arena_check(m->run->call->arena, e);
	*t = (struct attempt){
		.share = -1,
		.listener = -1,
		.ports = { { -1, -1 }, { -1, -1 } },
		.console = { -1, -1 },
		.words = { -1, -1 },
		.report = { -1, -1 },
	};
	t->session.monitor_fd = t->session.console.fd = t->session.helper.fd = -1;
	int result = connect_all(t, e);
	if (result == 0)
		result = session_init(m, t, e);
	if (result == 0)
		result = start_files(m, t, e);
	if (result == 0)
		result = start_machine(m, t, e);
	if (result == 0)
		result = vm_session_run(&t->session, e);
	bool late = t->session.late && !t->session.started;
	if (result == 0)
		*status = conclude(m, &t->session, e);
	else if (t->session.end)
		m->facts.end = vm_end_name(t->session.end);
	attempt_end(m, t);
	if (result < 0 && late && !m->retried && (m->automatic || m->backend == &vm_backend_qemu)) {
		m->retried = true;
		return 1;
	}
	return result < 0 || *status < 0 ? -1 : 0;
}
