/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the program, and why it could not be executed: the texts that engines look for, too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/phase/program.h"
#include "src/base/text.h"

struct fixture {
	char path[64], old[PATH_MAX];
	int dir;
};

static void put(const struct fixture *f, const char *name, mode_t mode, const void *data,
		size_t size)
{
	int fd = openat(f->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void put_text(const struct fixture *f, const char *name, mode_t mode, const char *text)
{
	put(f, name, mode, text, strlen(text));
}

/* The smallest file that the kernel takes for a program of @machine; @loader may be NULL. */
static void put_elf(const struct fixture *f, const char *name, unsigned machine, const char *loader)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr segments[2];
		char loader[64];
	} file = { 0 };

	memcpy(file.head.e_ident, ELFMAG, SELFMAG);
	file.head.e_ident[EI_CLASS] = ELFCLASS64;
	file.head.e_ident[EI_DATA] = ELFDATA2LSB;
	file.head.e_ident[EI_VERSION] = EV_CURRENT;
	file.head.e_type = ET_EXEC;
	file.head.e_machine = (Elf64_Half)machine;
	file.head.e_version = EV_CURRENT;
	file.head.e_phoff = sizeof file.head;
	file.head.e_ehsize = sizeof file.head;
	file.head.e_phentsize = sizeof *file.segments;
	file.head.e_phnum = 2;
	file.segments[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
					 .p_align = 4096,
					 .p_vaddr = 0x400000,
					 .p_filesz = sizeof file,
					 .p_memsz = sizeof file,
					 .p_flags = PF_R | PF_X };
	if (loader) {
		strcpy(file.loader, loader);
		file.segments[1] = (Elf64_Phdr){ .p_type = PT_INTERP,
						 .p_offset = offsetof(__typeof__(file), loader),
						 .p_filesz = strlen(loader) + 1,
						 .p_memsz = strlen(loader) + 1,
						 .p_align = 1 };
	}
	put(f, name, 0755, &file, sizeof file);
}

#ifdef __x86_64__
#define OWN   EM_X86_64
#define OTHER EM_AARCH64
#else
#define OWN   EM_AARCH64
#define OTHER EM_X86_64
#endif

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	strcpy(f->path, "/tmp/husk-program-XXXXXX");
	if (!mkdtemp(f->path) || chmod(f->path, 0755) < 0 || !getcwd(f->old, sizeof f->old))
		return -1;
	f->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* Names of the table are short, the file system is this directory. */
	if (fchdir(f->dir) < 0 || mkdir("bin", 0755) < 0 || mkdir("sbin", 0755) < 0 ||
	    mkdir("bin/directory", 0755) < 0)
		return -1;
	put_text(f, "bin/tool", 0755, "#!/bin/sh\n");
	put_text(f, "sbin/tool", 0755, "#!/bin/sh\n");
	put_text(f, "bin/plain", 0644, "#!/bin/sh\n");
	put_text(f, "sbin/plain", 0755, "#!/bin/sh\n");
	put_text(f, "bin/only-plain", 0644, "text");
	put_text(f, "here", 0755, "#!/bin/sh\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];
	int result = chdir(f->old);

	close(f->dir);
	snprintf(command, sizeof command, "rm -r %s", f->path);
	if (system(command) != 0)
		result = -1;
	free(f);
	return result;
}

/* ---- the search ---- */

static void test_find(void **state)
{
	static const struct {
		const char *name, *search, *path; /* path NULL: kind */
		int kind;
	} table[] = {
		{ "tool", "PATH=bin:sbin", "bin/tool", 0 },
		{ "tool", "PATH=sbin:bin", "sbin/tool", 0 },
		{ "tool", "PATH=none:bin", "bin/tool", 0 },
		{ "tool", "PATH=here/x:bin", "bin/tool", 0 }, /* not a directory on the way */
		/* execvp(3): goes on after a file that cannot be executed */
		{ "plain", "PATH=bin:sbin", "sbin/plain", 0 },
		{ "here", "PATH=bin:", "./here", 0 },
		{ "here", "PATH=:bin", "./here", 0 },
		{ "here", "PATH=bin::sbin", "./here", 0 },
		{ "here", "PATH=", "./here", 0 },
		{ "here", "PATH=bin", NULL, ERR_NO_PROGRAM },
		{ "only-plain", "PATH=bin:sbin", NULL, ERR_EXEC },
		{ "directory", "PATH=bin", NULL, ERR_EXEC },
		{ "none", "PATH=bin:sbin", NULL, ERR_NO_PROGRAM },
		{ "", "PATH=bin", NULL, ERR_NO_PROGRAM },
		/* With a slash there is no search, and execve itself tells. */
		{ "bin/none", "PATH=sbin", "bin/none", 0 },
		{ "./tool", "PATH=bin", "./tool", 0 },
		{ "/x", "PATH=bin", "/x", 0 },
		{ "sh", "NOPATH=bin", "/bin/sh", 0 }, /* the default */
	};
	char path[PATH_MAX];
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		char *env[] = { (char[]){ "A=b" }, strdup(table[i].search), NULL };
		e = (struct err){ .kind = 0 };
		int result = program_find(table[i].name, env, path, &e);
		/* Where /usr is merged, the default finds sh in one of two places. */
		bool same = table[i].path && result == 0 &&
			    (strcmp(path, table[i].path) == 0 ||
			     (table[i].path[0] == '/' && text_ends(path, table[i].path)));
		if (table[i].path ? !same : result == 0 || e.kind != table[i].kind)
			fail_msg("%s in %s: %s %s", table[i].name, table[i].search,
				 result ? e.msg : path, err_kind_name(e.kind));
		free(env[1]);
	}
}

/* Docker looks for "executable file not found", podman too; both want 127. */
static void test_find_texts(void **state)
{
	char *env[] = { (char[]){ "PATH=first" }, (char[]){ "PATH=bin" }, NULL };
	char *none[] = { NULL };
	char path[PATH_MAX], longer[PATH_MAX + 10];
	struct err e;

	(void)state;
	/* The last PATH counts. */
	assert_int_equal(program_find("tool", env, path, &e), 0);
	assert_string_equal(path, "bin/tool");
	program_find("none", env, path, &e);
	assert_string_equal(e.msg,
			    "exec: \"none\": executable file not found in $PATH (bin): No such "
			    "file or directory");
	program_find("only-plain", env, path, &e);
	assert_non_null(strcasestr(e.msg, "permission denied"));
	assert_string_equal(path, "");
	assert_int_equal(program_find("no-such-program-here", none, path, &e), -1);
	assert_non_null(strstr(e.msg, "executable file not found in $PATH (/usr/local/sbin:"));
	memset(longer, 'x', sizeof longer);
	longer[0] = '/';
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(program_find(longer, env, path, &e), -1);
	assert_int_equal(e.errnum, ENAMETOOLONG);
	assert_int_equal(program_find(longer + 1, env, path, &e), -1);
	assert_int_equal(e.kind, ERR_NO_PROGRAM);
}

/* ---- the explanation ---- */

/* Execute the file for real, so that the errno is the kernel's, and have it explained. */
static int explain(const char *path, struct err *e)
{
	int p[2], errnum = 0;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		char *argv[] = { (char *)(uintptr_t)path, NULL };
		execve(path, argv, argv + 1);
		errnum = errno;
		(void)!write(p[1], &errnum, sizeof errnum);
		_exit(0);
	}
	close(p[1]);
	ssize_t n = read(p[0], &errnum, sizeof errnum);
	close(p[0]);
	waitpid(pid, NULL, 0);
	if (n != sizeof errnum)
		fail_msg("%s was executed", path);
	*e = (struct err){ .kind = 0 };
	return program_explain(path, errnum, e);
}

static void check(const char *path, int kind, const char *text)
{
	struct err e;

	assert_int_equal(explain(path, &e), -1);
	if (e.kind != kind || !strstr(e.msg, text) || !strstr(e.msg, path))
		fail_msg("%s: (%s) %s", path, err_kind_name(e.kind), e.msg);
}

static void test_explain_missing(void **state)
{
	struct fixture *f = *state;
	struct err e;

	check("bin/none", ERR_NO_PROGRAM, "no such file or directory");
	check("here/none", ERR_NO_PROGRAM, "not a directory on the way");
	explain("bin/none", &e);
	assert_string_equal(e.msg, "exec: \"bin/none\": stat bin/none: no such file or directory");
	/* A dangling link is not there either. */
	assert_int_equal(symlinkat("nowhere", f->dir, "dangling"), 0);
	check("dangling", ERR_NO_PROGRAM, "no such file or directory");
}

static void test_explain_denied(void **state)
{
	struct fixture *f = *state;

	check("bin/plain", ERR_EXEC, "(mode 0644 has no execute permission; chmod +x)");
	check("bin/plain", ERR_EXEC, "permission denied");
	check("bin", ERR_EXEC, "(it is a directory)");
	put_text(f, "busy", 0755, "#!/bin/sh\n");
	int fd = openat(f->dir, "busy", O_WRONLY | O_CLOEXEC);
	struct err e;
	program_explain("busy", ETXTBSY, &e);
	assert_non_null(strstr(e.msg, "open for writing somewhere"));
	close(fd);
	program_explain("busy", ENOMEM, &e);
	assert_string_equal(e.msg, "exec \"busy\": Cannot allocate memory");
	assert_int_equal(e.kind, ERR_EXEC);
}

static void test_check(void **state)
{
	struct fixture *f = *state;
	char loader[PATH_MAX];
	struct err e;

	assert_int_equal(program_check("bin/none", true, &e), -1);
	assert_int_equal(e.kind, ERR_NO_PROGRAM);
	assert_int_equal(program_check("bin/plain", true, &e), -1);
	assert_int_equal(e.kind, ERR_EXEC);
	assert_int_equal(program_check("bin", true, &e), -1);
	assert_int_equal(e.kind, ERR_EXEC);
	put_text(f, "checked", 0755, "#!/no/such/interpreter -x\n");
	assert_int_equal(program_check("checked", true, &e), -1);
	assert_int_equal(e.kind, ERR_NO_PROGRAM);
	assert_non_null(strstr(e.msg, "/no/such/interpreter"));
	assert_int_equal(program_check("checked", false, &e), 0);
	/* Relative: to a directory that nobody is in yet. A format of somebody else's. Nothing at all. */
	static const char *const fine[] = { "#!no/such\n", "#!/bin/sh -x\n", "#! \n", "other", "" };
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
		put_text(f, "checked", 0755, fine[i]);
		assert_int_equal(program_check("checked", true, &e), 0);
	}
	ssize_t n = readlink("/proc/self/exe", loader, sizeof loader - 1);
	assert_true(n > 0);
	loader[n] = '\0';
	assert_int_equal(program_check(loader, true, &e), 0);
}

static void test_explain_scripts(void **state)
{
	struct fixture *f = *state;
	char text[300];

	put_text(f, "script", 0755, "#!/no/such/interpreter -x\ncode\n");
	check("script", ERR_NO_PROGRAM,
	      "its interpreter \"/no/such/interpreter\" (first line): no such");
	put_text(f, "script", 0755, "#! \t/no/such\n");
	check("script", ERR_NO_PROGRAM, "its interpreter \"/no/such\" (first line)");
	put_text(f, "script", 0755, "#!/bin/sh\r\nexit\r\n");
	check("script", ERR_NO_PROGRAM, "carriage return; convert the script to Unix line ends");
	put_text(f, "script", 0755, "#!/no/such");
	check("script", ERR_NO_PROGRAM, "its interpreter \"/no/such\"");
	/* The interpreter is there and cannot be executed. */
	put_text(f, "script", 0755, "#!/etc/passwd\n");
	check("script", ERR_EXEC, "permission denied");
	/* A first line without end. */
	memset(text, 'x', sizeof text);
	memcpy(text, "#!/x", 4);
	put(f, "script", 0755, text, sizeof text);
	struct err e;
	assert_int_equal(program_explain("script", ENOENT, &e), -1);
	assert_non_null(strstr(e.msg, "its interpreter"));
	put_text(f, "script", 0755, "#!");
	assert_int_equal(program_explain("script", ENOEXEC, &e), -1);
}

static void test_explain_contents(void **state)
{
	struct fixture *f = *state;

	put_text(f, "text", 0755, "echo no first line\n");
	check("text", ERR_EXEC, "neither an ELF program nor a script with #!");
	put_text(f, "empty", 0755, "");
	check("empty", ERR_EXEC, "the file is empty");
	put_elf(f, "foreign", OTHER, NULL);
	check("foreign", ERR_EXEC, "built for ");
	check("foreign", ERR_EXEC, ", this machine is ");
	put_elf(f, "riscv", EM_RISCV, "/lib/ld.so");
	check("riscv", ERR_EXEC, "built for riscv, this machine is ");
	put_elf(f, "odd", 0x1234, NULL);
	check("odd", ERR_EXEC, "built for an unknown architecture");
	put_elf(f, "musl", OWN, "/lib/ld-no-such.so.1");
	check("musl", ERR_NO_PROGRAM,
	      "the file is there, but its loader \"/lib/ld-no-such.so.1\" is not");
}

/* Cut anywhere, and with every field of the headers at its worst: an answer, never a crash. */
static void test_explain_damaged(void **state)
{
	struct fixture *f = *state;
	char image[256];
	struct err e;

	put_elf(f, "whole", OWN, "/lib/ld-no-such.so.1");
	int fd = openat(f->dir, "whole", O_RDONLY | O_CLOEXEC);
	ssize_t size = read(fd, image, sizeof image);
	close(fd);
	assert_true(size > 64);
	for (ssize_t n = 0; n <= size; n++) {
		put(f, "cut", 0755, image, (size_t)n);
		e.msg[0] = '\0';
		assert_int_equal(program_explain("cut", ENOENT, &e), -1);
		assert_true(e.msg[0] && (e.kind == ERR_EXEC || e.kind == ERR_NO_PROGRAM));
	}
	srandom(5);
	for (int i = 0; i < 500; i++) {
		char bad[sizeof image];
		memcpy(bad, image, (size_t)size);
		for (int k = 0; k < 6; k++)
			bad[16 + random() % (size - 16)] = (char)(random() % 3 ? random() : -1);
		put(f, "bad", 0755, bad, (size_t)size);
		assert_int_equal(program_explain("bad", ENOENT, &e), -1);
	}
}

#define in_directory(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		in_directory(test_find),
		in_directory(test_find_texts),
		in_directory(test_explain_missing),
		in_directory(test_explain_denied),
		in_directory(test_check),
		in_directory(test_explain_scripts),
		in_directory(test_explain_contents),
		in_directory(test_explain_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
