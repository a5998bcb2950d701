/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/phase/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *find_env(char *const *env, const char *name)
{
	size_t n = strlen(name);
	const char *value = NULL;

	/* The last one counts, as in a shell that reads its environment in order. */
	for (; env && *env; env++) {
		if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
			value = *env + n + 1;
	}
	return value;
}

/* 1 executable, 0 not there (or a directory), -1 there but not executable (errno). */
static int probe(const char *path)
{
	struct stat st;

	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0) {
		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			errno = EACCES;
			return -1;
		}
		return 1;
	}
	return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
}

static int explain_denied(const char *path, struct err *e)
{
	struct statvfs fs;
	struct stat st;

	err_set(e, ERR_EXEC, EACCES, "exec \"%s\": permission denied", path);
	if (stat(path, &st) < 0)
		return err_append(e, " (a directory on the way cannot be searched by uid %u)",
				  (unsigned)geteuid());
	if (S_ISDIR(st.st_mode))
		return err_append(e, " (it is a directory)");
	if (!(st.st_mode & 0111))
		return err_append(e, " (mode %04o has no execute permission; chmod +x)",
				  st.st_mode & 07777);
	if (statvfs(path, &fs) == 0 && fs.f_flag & ST_NOEXEC)
		return err_append(e, " (its file system is mounted noexec)");
	return err_append(e, " (mode %04o, owner %u:%u, wanted by uid %u gid %u)",
			  st.st_mode & 07777, (unsigned)st.st_uid, (unsigned)st.st_gid,
			  (unsigned)geteuid(), (unsigned)getegid());
}

int program_find(const char *name, char *const *env, char path[PATH_MAX], struct err *e)
{
	const char *search;
	bool denied = false;

	if (!*name)
		return err_set(e, ERR_NO_PROGRAM, ENOENT,
			       "exec: \"\": executable file not found in $PATH (args[0] is empty)");
	if (strchr(name, '/')) {
		if (text_cut(text_format(path, PATH_MAX, "%s", name), PATH_MAX))
			return err_set(e, ERR_EXEC, ENAMETOOLONG, "exec \"%s\"", name);
		return 0; /* execve itself tells */
	}
	search = find_env(env, "PATH");
	if (!search)
		search = DEFAULT_PATH;
	for (const char *p = search;; p++) {
		size_t n = strcspn(p, ":");
		/* An empty element is the current directory (execvp(3)). */
		size_t used =
			text_format(path, PATH_MAX, "%.*s/%s", n ? (int)n : 1, n ? p : ".", name);
		int found = text_cut(used, PATH_MAX) ? 0 : probe(path);
		if (found > 0)
			return 0;
		if (found < 0)
			denied = true;
		p += n;
		if (!*p)
			break;
	}
	path[0] = '\0';
	if (denied)
		return err_set(e, ERR_EXEC, EACCES,
			       "exec \"%s\": permission denied: found in $PATH (%s) but not "
			       "executable by uid %u",
			       name, search, (unsigned)geteuid());
	return err_set(e, ERR_NO_PROGRAM, ENOENT,
		       "exec: \"%s\": executable file not found in $PATH (%s)", name, search);
}

/* "#!interpreter" of a script that is there, whose interpreter is not. */
static int explain_script(const char *path, char *line, size_t n, int errnum, struct err *e)
{
	size_t start = 2 + strspn(line + 2, " \t");
	size_t length = strcspn(line + start, " \t\r\n");

	if (start + length < n && line[start + length] == '\r')
		return err_set(e, ERR_NO_PROGRAM, errnum,
			       "exec \"%s\": its first line ends in a carriage return; convert the "
			       "script to Unix line ends",
			       path);
	if (errnum == ENOENT)
		return err_set(
			e, ERR_NO_PROGRAM, 0,
			"exec: \"%s\": its interpreter \"%.*s\" (first line): no such file or "
			"directory",
			path, (int)length, line + start);
	return err_set(e, ERR_EXEC, errnum, "exec \"%s\": its interpreter \"%.*s\" (first line)",
		       path, (int)length, line + start);
}

static const char *machine_name(unsigned machine)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {
		{ EM_386, "i386" },      { EM_X86_64, "x86-64" }, { EM_ARM, "arm" },
		{ EM_AARCH64, "arm64" }, { EM_RISCV, "riscv" },   { EM_PPC64, "ppc64" },
		{ EM_S390, "s390x" },    { EM_MIPS, "mips" },     { EM_LOONGARCH, "loongarch" },
	};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i].machine == machine)
			return names[i].name;
	}
	return "an unknown architecture";
}

#ifdef __x86_64__
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#else
#define OWN_MACHINE EM_NONE
#endif

/* The start of a program. */
union head {
	char text[256];
	Elf64_Ehdr elf;
};

/* PT_INTERP of an ELF file of our own class: its dynamic loader. */
static bool find_loader(int fd, const Elf64_Ehdr *h, char loader[256])
{
	for (unsigned i = 0; i < h->e_phnum && i < 64; i++) {
		Elf64_Phdr p;
		off_t at = (off_t)(h->e_phoff + i * sizeof p);
		if (pread(fd, &p, sizeof p, at) != (ssize_t)sizeof p || p.p_type != PT_INTERP)
			continue;
		ssize_t n = pread(fd, loader, 255, (off_t)p.p_offset);
		if (n <= 0)
			return false;
		loader[n] = '\0';
		return true;
	}
	return false;
}

static int explain_loader(int fd, const char *path, const Elf64_Ehdr *h, int errnum, struct err *e)
{
	char loader[256];

	if (!find_loader(fd, h, loader))
		return err_set(e, ERR_NO_PROGRAM, errnum, "exec \"%s\"", path);
	return err_set(
		e, ERR_NO_PROGRAM, 0,
		"exec: \"%s\": the file is there, but its loader \"%s\" is not (another libc or "
		"architecture, or an incomplete root file system): no such file or directory",
		path, loader);
}

static int explain_contents(const char *path, int errnum, struct err *e)
{
	union head head = { 0 };
	int kind = errnum == ENOENT ? ERR_NO_PROGRAM : ERR_EXEC;
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(e, kind, errnum, "exec \"%s\"", path);
	ssize_t n = io_read_full(fd, head.text, sizeof head.text - 1);
	if (n <= 0)
		return err_set(e, kind, errnum, "exec \"%s\": the file is empty", path);
	if (head.text[0] == '#' && head.text[1] == '!')
		return explain_script(path, head.text, (size_t)n, errnum, e);
	if (memcmp(head.text, ELFMAG, SELFMAG) != 0)
		return err_set(e, kind, errnum,
			       "exec \"%s\": neither an ELF program nor a script with #!", path);
	if (head.elf.e_machine != OWN_MACHINE)
		return err_set(e, kind, errnum, "exec \"%s\": built for %s, this machine is %s",
			       path, machine_name(head.elf.e_machine), machine_name(OWN_MACHINE));
	return explain_loader(fd, path, &head.elf, errnum, e);
}

int program_explain(const char *path, int errnum, struct err *e)
{
	struct stat st;

	switch (errnum) {
	case EACCES:
	case EPERM:
		return explain_denied(path, e);
	case ENOENT:
		if (stat(path, &st) < 0)
			return err_set(e, ERR_NO_PROGRAM, 0,
				       "exec: \"%s\": stat %s: no such file or directory", path,
				       path);
		return explain_contents(path, errnum, e);
	case ENOEXEC:
	case ELIBBAD:
		return explain_contents(path, errnum, e);
	case ENOTDIR:
		return err_set(e, ERR_NO_PROGRAM, ENOENT,
			       "exec: \"%s\": not a directory on the way", path);
	case ETXTBSY:
		return err_set(e, ERR_EXEC, errnum, "exec \"%s\": open for writing somewhere",
			       path);
	default:
		return err_set(e, ERR_EXEC, errnum, "exec \"%s\"", path);
	}
}

/* Relative ones depend on a directory that is not entered yet; a carriage return is part of the
 * name. */
static bool lacks_interpreter(const char *path)
{
	union head head = { 0 };
	char name[256] = "";
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0 || io_read_full(fd, head.text, sizeof head.text - 1) <= 0)
		return false;
	if (head.text[0] == '#' && head.text[1] == '!') {
		const char *start = head.text + 2 + strspn(head.text + 2, " \t");
		text_format(name, sizeof name, "%.*s", (int)strcspn(start, " \t\n"), start);
	} else if (memcmp(head.text, ELFMAG, SELFMAG) != 0 ||
		   head.elf.e_ident[EI_CLASS] != ELFCLASS64 || head.elf.e_machine != OWN_MACHINE ||
		   !find_loader(fd, &head.elf, name)) {
		return false;
	}
	return name[0] == '/' && faccessat(AT_FDCWD, name, F_OK, AT_EACCESS) < 0 && errno == ENOENT;
}

int program_check(const char *path, bool interpreter, struct err *e)
{
	struct statvfs fs;
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? program_explain(path, errno, e) : 0;
	if (S_ISDIR(st.st_mode) || !(st.st_mode & 0111))
		return explain_denied(path, e);
	if (!S_ISREG(st.st_mode))
		return 0;
	if (faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 && statvfs(path, &fs) == 0 &&
	    fs.f_flag & ST_NOEXEC)
		return explain_denied(path, e);
	return interpreter && lacks_interpreter(path) ? program_explain(path, ENOENT, e) : 0;
}
