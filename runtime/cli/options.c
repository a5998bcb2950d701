/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cli/cli.h"

#include <string.h>

#include "src/base/text.h"

#define ARGUMENTS_MAX 64

static bool takes_value(const struct option_row *row)
{
	if (row->kind == OPTION_TAKE)
		return row->words > 0;
	return row->kind != OPTION_FLAG && row->kind != OPTION_IGNORED_FLAG;
}

static const struct option_row *find_letter(const struct option_row *rows, size_t count,
					    char letter)
{
	for (size_t i = 0; i < count; i++) {
		if (rows[i].letter == letter)
			return &rows[i];
	}
	return NULL;
}

static const struct option_row *find_name(const struct option_row *rows, size_t count,
					  const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(rows[i].name) == length && memcmp(rows[i].name, name, length) == 0)
			return &rows[i];
	}
	return NULL;
}

/* Letters that two names have in common at their start; good enough to guess a typing error. */
static size_t common(const char *a, const char *b, size_t length)
{
	size_t n = 0;

	while (n < length && a[n] && a[n] == b[n])
		n++;
	return n;
}

static int unknown_option(const struct option_row *rows, size_t count, const char *name,
			  size_t length, struct err *e)
{
	const char *nearest = NULL;
	size_t best = 2;

	for (size_t i = 0; i < count; i++) {
		size_t n = common(rows[i].name, name, length);
		if (n > best) {
			best = n;
			nearest = rows[i].name;
		}
	}
	err_set(e, ERR_USAGE, 0, "unknown option --%.*s", (int)length, name);
	return nearest ? err_append(e, " (did you mean --%s?)", nearest)
		       : err_append(e, " (--help lists them)");
}

/* Factors of the units, longest name first. */
static const struct unit {
	const char *name;
	uint64_t factor;
} byte_units[] = {
	{ "K", 1ull << 10 }, { "M", 1ull << 20 }, { "G", 1ull << 30 }, { "T", 1ull << 40 }, { "", 1 },
	{ NULL, 0 },
}, time_units[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "", 1000 }, { NULL, 0 },
}, thousands[] = {
	{ "", 1000 }, { NULL, 0 },
}, no_units[] = {
	{ "", 1 }, { NULL, 0 },
};

/* Digits, perhaps with up to three behind a point, and a unit. */
static int parse_amount(const char *text, const struct unit *units, uint64_t *value)
{
	size_t digits = strspn(text, "0123456789"), point = 0;
	uint64_t whole = 0, part = 0, scale = 1;
	char number[32];

	if (!digits || digits >= sizeof number)
		return -1;
	text_format(number, sizeof number, "%.*s", (int)digits, text);
	if (text_parse_u64(number, &whole) < 0)
		return -1;
	if (text[digits] == '.') {
		for (point = 1; text[digits + point] >= '0' && text[digits + point] <= '9';
		     point++) {
			if (point > 3)
				return -1;
			part = part * 10 + (uint64_t)(text[digits + point] - '0');
			scale *= 10;
		}
		if (point == 1)
			return -1;
	}
	for (const char *unit = text + digits + point; units->name; units++) {
		if (!text_equal(units->name, unit))
			continue;
		if ((point && units->factor == 1) || whole > UINT64_MAX / 2 / units->factor)
			return -1;
		*value = whole * units->factor + part * units->factor / scale;
		return 0;
	}
	return -1;
}

static int store_amount(const struct option_row *row, struct opt_u64 *at, const char *value,
			struct err *e)
{
	static const struct {
		enum option_kind kind;
		const struct unit *units;
		const char *what;
	} kinds[] = {
		{ OPTION_BYTES, byte_units, "size (such as 64K, 256M, 2G)" },
		{ OPTION_MSEC, time_units, "time (such as 500ms, 5s, 2m)" },
		{ OPTION_MILLIS, thousands, "number (such as 2 or 0.5)" },
		{ OPTION_U64, no_units, "number" },
	};
	size_t i = 0;

	while (kinds[i].kind != row->kind)
		i++;
	if (parse_amount(value, kinds[i].units, &at->value) < 0)
		return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a %s", row->name, value,
			       kinds[i].what);
	at->set = true;
	return 0;
}

static int store(const struct option_row *row, void *options, const char *value, struct err *e)
{
	char *at = (char *)options + row->offset;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)at = true;
		return 0;
	case OPTION_STRING:
	case OPTION_PERHAPS:
		*(const char **)at = value;
		return 0;
	case OPTION_STRINGS: {
		struct option_list *list = (struct option_list *)at;
		if (list->count == OPTION_LIST_MAX)
			return err_set(e, ERR_USAGE, 0, "--%s: more than %d times", row->name,
				       OPTION_LIST_MAX);
		list->items[list->count++] = value;
		return 0;
	}
	case OPTION_U32: {
		struct opt_u32 *number = (struct opt_u32 *)at;
		if (text_parse_u32(value, &number->value) < 0)
			return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a number", row->name,
				       value);
		number->set = true;
		return 0;
	}
	case OPTION_U64:
	case OPTION_BYTES:
	case OPTION_MSEC:
	case OPTION_MILLIS:
		return store_amount(row, (struct opt_u64 *)at, value, e);
	case OPTION_I32: {
		struct opt_i32 *number = (struct opt_i32 *)at;
		int64_t wide;
		if (text_parse_i64(value, &wide) < 0 || wide < INT32_MIN || wide > INT32_MAX)
			return err_set(e, ERR_USAGE, 0, "--%s: \"%s\" is not a number", row->name,
				       value);
		*number = (struct opt_i32){ true, (int32_t)wide };
		return 0;
	}
	case OPTION_TAKE:
		return row->take(options, row, (char *const *)&value, e);
	case OPTION_IGNORED_FLAG:
	case OPTION_IGNORED_STRING:
		return 0;
	}
	return 0;
}

/* "--name", "--name=value", "--name value". Flags take "=true" and "=false" as well. */
static int parse_long(const struct option_row *rows, size_t count, void *options, int argc,
		      char **argv, int *index, struct err *e)
{
	const char *name = argv[*index] + 2;
	size_t length = strcspn(name, "=");
	const struct option_row *row = find_name(rows, count, name, length);
	const char *value = name[length] ? name + length + 1 : NULL;

	if (!row)
		return unknown_option(rows, count, name, length, e);
	(*index)++;
	if (row->kind == OPTION_PERHAPS)
		return store(row, options, value ? value : "", e);
	if (!takes_value(row)) {
		if (value && text_equal(value, "false"))
			return 0;
		if (value && !text_equal(value, "true"))
			return err_set(e, ERR_USAGE, 0, "--%s: takes no value", row->name);
		return store(row, options, NULL, e);
	}
	if (row->kind == OPTION_TAKE && row->words > 1) {
		if (value || argc - *index < (int)row->words)
			return err_set(e, ERR_USAGE, 0, "--%s: needs %u words (%s)", row->name,
				       row->words, row->value);
		*index += (int)row->words;
		return row->take(options, row, argv + *index - row->words, e);
	}
	if (!value) {
		if (*index >= argc)
			return err_set(e, ERR_USAGE, 0, "--%s: needs a value (%s)", row->name,
				       row->value);
		value = argv[(*index)++];
	}
	return store(row, options, value, e);
}

/* "-x", "-xyz", "-x value", "-xvalue". */
static int parse_letters(const struct option_row *rows, size_t count, void *options, int argc,
			 char **argv, int *index, struct err *e)
{
	const char *p = argv[*index] + 1;

	(*index)++;
	for (; *p; p++) {
		const struct option_row *row = find_letter(rows, count, *p);
		if (!row)
			return err_set(e, ERR_USAGE, 0, "unknown option -%c (--help lists them)",
				       *p);
		if (!takes_value(row)) {
			if (store(row, options, NULL, e) < 0)
				return -1;
			continue;
		}
		const char *value = p + 1;
		if (!*value && *index < argc)
			value = argv[(*index)++];
		else if (!*value)
			return err_set(e, ERR_USAGE, 0, "-%c: needs a value (%s)", *p, row->value);
		return store(row, options, value, e);
	}
	return 0;
}

int options_parse(const struct option_row *rows, size_t count, void *options, bool stop_at_argument,
		  int argc, char **argv, int *index, struct err *e)
{
	char *arguments[ARGUMENTS_MAX];
	size_t n = 0;

	while (*index < argc) {
		char *word = argv[*index];
		/* "-1" is a signal or a limit that somebody got wrong, not an option. */
		bool plain = word[0] != '-' || !word[1] || (word[1] >= '0' && word[1] <= '9');
		if (plain && stop_at_argument)
			break;
		if (plain && n == ARGUMENTS_MAX)
			return err_set(e, ERR_USAGE, 0, "more than %d arguments", ARGUMENTS_MAX);
		if (plain) {
			arguments[n++] = word;
			(*index)++;
			continue;
		}
		if (text_equal(word, "--")) {
			(*index)++;
			break;
		}
		int result = word[1] == '-'
				     ? parse_long(rows, count, options, argc, argv, index, e)
				     : parse_letters(rows, count, options, argc, argv, index, e);
		if (result < 0)
			return -1;
	}
	/* Back to where the words that are used up were: argv[*index] is the first argument again. */
	*index -= (int)n;
	memcpy(argv + *index, arguments, n * sizeof *argv);
	return 0;
}
