/* SPDX-License-Identifier: Apache-2.0 */
/* The running binary, out of reach: by a swap of the image, re-execution, a copy in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#include "src/base/sanitized.h"
#include "tests/unit/in-child.h"

#if SANITIZED
#define SWAP "reexec" /* what happens where the swap would */
#define need_swap()                                                                                \
	do {                                                                                       \
		print_message("# skip: no swap with sanitizers\n");                                \
		skip();                                                                            \
	} while (0)
#else
#define SWAP        "swap"
#define need_swap() need_root()
#endif

extern char **environ;
int self_program(int argc, char **argv);

static char dir[] = "/tmp/husk-self-XXXXXX";
static char copy[60], script[60], me[4096]; /* a copy of this program that may be written */
static int status;                          /* of the last program, as waitpid(2) has it */
static bool with_errors;                    /* read what it says on standard error, too */

/* What the program said, without the last line end. */
static const char *said(const char *const *argv)
{
	static char text[4000];
	posix_spawn_file_actions_t actions;
	int ends[2];
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	if (with_errors)
		posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
	int failed =
		posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	assert_int_equal(failed, 0);
	while (used < sizeof text - 1 &&
	       (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
		used += (size_t)n;
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	while (used > 0 && text[used - 1] == '\n')
		used--;
	text[used] = '\0';
	return text;
}

static const char *said_as(const char *situation, const char *action, const char *argument)
{
	const char *const argv[] = { copy, "--as", situation, action, argument, NULL };

	return said(argv);
}

static void make_copy(const char *from, const char *to)
{
	struct stat st;
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);

	if (in < 0 || out < 0 || fstat(in, &st) < 0 ||
	    sendfile(out, in, NULL, (size_t)st.st_size) != st.st_size)
		fprintf(stderr, "# cannot copy %s to %s\n", from, to);
	close(in);
	close(out);
}

static int setup(void **state)
{
	(void)state;
	ssize_t n = readlink("/proc/self/exe", me, sizeof me - 1);
	/* Programs that are killed on purpose leave no core. */
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setenv("SELF_TEST", "a", 1);
	if (n < 0 || !mkdtemp(dir) || chmod(dir, 0755) < 0)
		return -1;
	snprintf(copy, sizeof copy, "%s/copy", dir);
	snprintf(script, sizeof script, "%s/script", dir);
	make_copy(me, copy);
	int fd = open(script, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	dprintf(fd, "#!/proc/self/exe --script\n");
	close(fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(copy);
	unlink(script);
	return rmdir(dir);
}

/* ---- the swap ---- */

static void test_protected(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("none", "write", me), SWAP " EROFS");
	/* The same file without protection: what the test would see if there were none. */
	assert_string_equal(said_as("none", "control", me), " written");
}

static void test_for_good(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("none", "mount", NULL), SWAP " EROFS");
}

/* Executed again by a script, from its own point of view, it is protected already. */
static void test_script(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("none", "script", script), SWAP " script EROFS 1");
}

/* By its name another file is found, or none: then the link in procfs says where this one is. */
static void test_elsewhere(void **state)
{
	char link[60], old[70];
	const char *const by_link[] = { link, "--as", "none", "mount", NULL };

	(void)state;
	need_root();
	snprintf(link, sizeof link, "%s/link", dir);
	snprintf(old, sizeof old, "%s.old", copy);
	assert_int_equal(symlink(copy, link), 0);
	assert_string_equal(said(by_link), SWAP " EROFS");
	unlink(link);
	assert_string_equal(said_as("replaced", "mount", NULL), SWAP " EROFS");
	unlink(copy);
	assert_int_equal(rename(old, copy), 0);
}

/* Why the clone has to be closed before a container sees the process. */
static void test_clone_is_closed(void **state)
{
	(void)state;
	need_swap();
	assert_string_equal(said_as("none", "bare", NULL), "1 EROFS open 0 1");
}

static void test_works(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("none", "works", NULL), SWAP " exit");
}

static void test_no_mapping_is_left(void **state)
{
	char wanted[60];

	(void)state;
	need_swap();
	assert_string_equal(said_as("none", "maps", copy), "swap 0");
	/* A process that did not swap has one for each segment, or more. */
	const char *text = said_as("user", "maps", copy);
	snprintf(wanted, sizeof wanted, "left %d", atoi(text + 5));
	assert_string_equal(text, wanted);
	assert_true(atoi(text + 5) >= 3);
}

static void test_notes_are_kept(void **state)
{
	const char *const no_environment[] = { "/usr/bin/env", "-i",    copy, "--as",
					       "none",         "notes", NULL };
	const char *const empty_words[] = { copy, "--as", "none", "notes", "", "", NULL };

	(void)state;
	need_root();
	assert_string_equal(said_as("none", "notes", NULL), SWAP " same");
	assert_string_equal(said(no_environment), SWAP " same");
	assert_string_equal(said(empty_words), SWAP " same");
}

static void test_often(void **state)
{
	(void)state;
	need_root();
	/* Emulated machines need a tenth of a second for each. */
	time_t end = time(NULL) + 10;
	for (int i = 0; i < 1000 && (i < 100 || time(NULL) < end); i++) {
		assert_string_equal(said_as("none", "how", NULL), SWAP);
		assert_int_equal(status, 0);
	}
}

/* ---- where it cannot be done ---- */

static void test_falls_back(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("no-prctl", "write", me), "reexec EROFS");
	assert_string_equal(said_as("no-prctl", "works", NULL), "reexec exit");
	assert_string_equal(said_as("mapped", "mount", NULL), "reexec EROFS");
	assert_string_equal(said_as("no-admin", "write", me), "memory EPERM");
	assert_string_equal(said_as("no-admin", "works", NULL), "memory exit");
}

/* The same rules as ever for who cannot write the file, and for its owner, who can. */
static void test_user(void **state)
{
	(void)state;
	need_root();
	assert_string_equal(said_as("user", "write", me), "left EACCES");
	assert_int_equal(chown(copy, 65534, 65534), 0);
	assert_string_equal(said_as("user", "write", me), "memory EPERM");
	assert_int_equal(chown(copy, 0, 0), 0);
}

/* After any number of segments, the program is whole and goes on. */
static void test_refused_in_the_middle(void **state)
{
	char once[] = "fail-0", twice[] = "fail-0s";

	(void)state;
	need_swap();
	for (; once[5] < '2'; once[5]++, twice[5]++) {
		/* There are two ways to come by the file. */
		assert_string_equal(said_as(once, "works", NULL), "swap exit");
		assert_string_equal(said_as(twice, "works", NULL), "reexec exit");
	}
	/* No linker makes so many. */
	assert_string_equal(said_as("fail-9", "works", NULL), "swap exit");
}

/* Never runs on: says so and ends, or cannot even do that. */
static void ended(const char *situation, bool can_say)
{
	with_errors = true;
	const char *text = said_as(situation, "how", NULL);
	with_errors = false;

	if (!can_say && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) {
		assert_string_equal(text, "");
		return;
	}
	assert_string_equal(text, "husk: no memory in the middle of replacing the program image");
	assert_int_equal(status, 126 << 8);
}

static void test_hole(void **state)
{
	(void)state;
	need_swap();
	/* At a fixed address, functions of libc are called by way of the program's own data. */
#ifdef __PIE__
	ended("hole-data", true);
#else
	ended("hole-data", false);
#endif
	/* Some linkers put them into one segment with the code. */
	ended("hole-constants", false);
	ended("hole-code", false);
}

/* /proc/self/exe is the loader, whose mapping must not replace this program's. */
static void test_loader(void **state)
{
	const ElfW(Phdr) *ph = (const void *)getauxval(AT_PHDR);
	const char *loader = NULL;
	uintptr_t bias = 0;

	(void)state;
	need_swap();
	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
		if (ph[i].p_type == PT_PHDR)
			bias = (uintptr_t)ph - ph[i].p_vaddr;
		if (ph[i].p_type == PT_INTERP)
			loader = (const char *)bias + ph[i].p_vaddr;
	}
	const char *const argv[] = { loader, copy, "--as", "none", "bare", NULL };
	assert_string_equal(said(argv), "0 0 closed 0 1");
}

/* Its emulation lacks what the protection needs: nothing is swapped, and its rules are kept. */
static const char *said_in_valgrind(const char *as, const char *situation, const char *action)
{
	const char *const argv[] = { "/usr/bin/valgrind",
				     "-q",
				     "--vgdb=no",
				     "--log-file=/dev/null",
				     "--error-exitcode=9",
				     copy,
				     as,
				     situation,
				     action,
				     NULL };

	return said(argv);
}

static void test_valgrind(void **state)
{
	(void)state;
	need_swap();
	if (access("/usr/bin/valgrind", X_OK) < 0 ||
	    strcmp(said_in_valgrind("--try", "999", NULL), " ENOENT") != 0) {
		print_message(
			"# skip: no valgrind, or none that can read what this compiler made\n");
		skip();
	}
	assert_string_equal(said_in_valgrind("--as", "user", "works"), "left exit");
	assert_int_equal(status, 0);
	assert_string_equal(said_in_valgrind("--as", "none", "how"), "left failed");
}

int main(int argc, char **argv)
{
	if (argc > 1 && strncmp(argv[1], "--", 2) == 0)
		return self_program(argc, argv);

	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_for_good),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_clone_is_closed),
		cmocka_unit_test(test_works),
		cmocka_unit_test(test_no_mapping_is_left),
		cmocka_unit_test(test_notes_are_kept),
		cmocka_unit_test(test_often),
		cmocka_unit_test(test_falls_back),
		cmocka_unit_test(test_user),
		cmocka_unit_test(test_refused_in_the_middle),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_loader),
		cmocka_unit_test(test_valgrind),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
