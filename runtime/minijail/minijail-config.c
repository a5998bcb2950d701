/* SPDX-License-Identifier: Apache-2.0 */
/* Options in a file: one in a line, as "key = value" or as a bare key; minijail0(5). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/minijail/minijail.h"
#include "src/base/clean.h"
#include "src/base/io.h"
#include "src/base/text.h"

#define FIRST_LINE       "% minijail-config-file v0"
#define CONFIG_BYTES_MAX (1u << 20)

static char *strip(char *text)
{
	size_t n;

	text += strspn(text, " \t\r\n\v\f");
	for (n = strlen(text); n && strchr(" \t\r\n\v\f", text[n - 1]); n--)
		;
	text[n] = '\0';
	return text;
}

/* The next line, those that end in a backslash put together. *rest is NULL behind the last. */
static char *next_line(char **rest, unsigned *number)
{
	char *start = *rest, *in = start, *out = start;

	for (; *in; in++) {
		if (in[0] == '\\' && in[1] == '\n') {
			++*number;
			*out++ = ' ';
			in++;
		} else if (*in == '\n') {
			break;
		} else {
			*out++ = *in;
		}
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	++*number;
	return start;
}

static int parse_line(char *line, struct arena *a, struct minijail *m, struct err *e)
{
	char *equals = strchr(line, '=');
	char *value = equals ? strip(equals + 1) : NULL;

	if (equals)
		*equals = '\0';
	char *key = strip(line);
	const struct minijail_option *o = minijail_option_of_name(key, strlen(key), true);
	if (!o && strlen(key) == 1)
		o = minijail_option_of_letter(*key);
	if (!o)
		return err_config(e, "unknown option \"%s\" (\"minijail0 -h\" lists them)", key);
	if (value && !*value)
		return err_config(e, "%s: there is no value behind \"=\"", key);
	if (value && o->argument == MINIJAIL_NONE)
		return err_config(e, "%s: takes no argument", key);
	if (!value && o->argument == MINIJAIL_NEEDED)
		return err_config(e, "%s: needs an argument: %s", key, o->value);
	return minijail_set(m, o, value, a, e);
}

int minijail_config_parse(const char *name, char *text, struct arena *a, struct minijail *m,
			  struct err *e)
{
	unsigned number = 0;
	char *line = next_line(&text, &number);

	if (!text_equal(line, FIRST_LINE))
		return err_config(e, "%s:1: the first line must be \"%s\"", name, FIRST_LINE);
	m->in_config = true;
	while (text) {
		unsigned first = number + 1;
		line = strip(next_line(&text, &number));
		if (*line && *line != '#' && parse_line(line, a, m, e) < 0)
			return err_prefix(e, "%s:%u", name, first);
	}
	m->in_config = false;
	return 0;
}

int minijail_config_read(const char *path, struct arena *a, struct minijail *m, struct err *e)
{
	struct stat st;
	char *text;
	size_t length;
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return err_sys(e, "open configuration %s", path);
	if (fstat(fd, &st) < 0)
		return err_sys(e, "stat %s", path);
	/* It decides what the jail keeps out. */
	if (S_ISREG(st.st_mode) && st.st_mode & S_IWOTH)
		return err_config(e, "%s: everybody may write it (chmod o-w)", path);
	if (io_read_file(fd, path, CONFIG_BYTES_MAX, a, &text, &length, e) < 0)
		return -1;
	if (strlen(text) != length)
		return err_config(e, "%s: has a NUL byte", path);
	return minijail_config_parse(path, text, a, m, e);
}

static int write_entry(int fd, const struct minijail_entry *entry, const char *path,
		       struct arena *a, struct err *e)
{
	const struct minijail_option *o = entry->option;
	char letter[2] = { o->letter, '\0' };
	const char *key = *o->name ? o->name : letter, *value = entry->value;
	size_t n = value ? strlen(value) : 0;

	/* What reading would not give back. */
	if (value &&
	    (!n || strchr(value, '\n') || strchr(" \t\\", value[n - 1]) || strchr(" \t", value[0])))
		return err_config(e, "%s: \"%s\" cannot be written to a configuration file", key,
				  value);
	char *line =
		value ? arena_format(a, "%s = %s\n", key, value) : arena_format(a, "%s\n", key);
	if (!line)
		return arena_check(a, e);
	return io_write_full(fd, line, strlen(line)) < 0 ? err_sys(e, "write %s", path) : 0;
}

int minijail_config_write(const char *path, const struct minijail *m, struct arena *a,
			  struct err *e)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	int result = 0;

	if (fd < 0 && errno == EEXIST)
		return err_sys(e, "--gen-config: %s (it has to be a new file)", path);
	if (fd < 0)
		return err_sys(e, "--gen-config: create %s", path);
	if (io_write_full(fd, FIRST_LINE "\n\n", strlen(FIRST_LINE "\n\n")) < 0)
		result = err_sys(e, "write %s", path);
	for (size_t i = 0; i < m->entries_count && result == 0; i++) {
		if (!text_equal(m->entries[i].option->name, "gen-config"))
			result = write_entry(fd, &m->entries[i], path, a, e);
	}
	/* Half of it would be a weaker jail. */
	if (result < 0)
		(void)unlink(path);
	return result;
}
