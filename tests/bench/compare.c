/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: run several commands in turns and print how long each takes.
 *
 *   compare [-n RUNS] [-g GAP] [-b BLOCK] [-s SKIP] [-o FILE] LABEL=COMMAND...
 *     -n RUNS   timed runs of each command (default 100)
 *     -g GAP    milliseconds to sleep before every run (default 0)
 *     -b BLOCK  runs of one command before it is the next one's turn
 *               (default 10 without a gap, 1 with one)
 *     -s SKIP   untimed runs at the start of each block (default 2 or 0)
 *     -o FILE   append one JSON object per command, one per line
 *
 * A command is split at blanks, without any quoting; %i in it becomes a number
 * that no other run has, for container ids.  Its standard input and output are
 * /dev/null.  A command that fails ends everything with status 1: the time of a
 * failure says nothing.
 *
 * Turns make the machine's mood hit every command alike.  But what the kernel
 * puts off (network namespaces are torn down by a worker) is paid for by
 * whatever runs next, and a command must not pay for its predecessor in the
 * list: hence blocks whose first runs are not timed.
 *
 * The time is CLOCK_MONOTONIC around posix_spawn and waitpid: what a caller
 * waits for.  posix_spawn, because a fork would add the cost of copying this
 * process, the same for all, and push every ratio towards one.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX   32
#define SERIES_MAX 16

extern char **environ;

struct series {
	const char *label;
	char *words[ARGS_MAX + 1];
	double *times_ms; /* of the timed runs, in the order they ran */
	int runs;
};

struct options {
	int runs, gap_ms, block, skip;
	const char *output;
};

static void die(const char *what, const char *object)
{
	fprintf(stderr, "compare: %s %s: %s\n", what, object, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void sleep_ms(int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* Replaces the first %i of a word; the result is the caller's to free. */
static char *word_expand(const char *word, unsigned int number)
{
	const char *mark = strstr(word, "%i");
	char *expanded;
	int n;

	if (!mark)
		n = asprintf(&expanded, "%s", word);
	else
		n = asprintf(&expanded, "%.*s%u%s", (int)(mark - word), word, number, mark + 2);
	if (n < 0)
		die("expand", word);
	return expanded;
}

/* Runs the command once; the number of milliseconds until it was reaped. */
static double series_run(const struct series *s, const posix_spawn_file_actions_t *actions)
{
	static unsigned int number;
	char *argv[ARGS_MAX + 1] = { NULL };
	double start_ms, end_ms;
	pid_t pid;
	int status;

	number++;
	for (int i = 0; s->words[i]; i++)
		argv[i] = word_expand(s->words[i], number);
	start_ms = now_ms();
	errno = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
	if (errno)
		die("run", argv[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("wait for", argv[0]);
	end_ms = now_ms();
	if (status != 0) {
		fprintf(stderr, "compare: %s: wait status %#x\n", s->label, (unsigned int)status);
		exit(1);
	}
	for (int i = 0; argv[i]; i++)
		free(argv[i]);
	return end_ms - start_ms;
}

static void series_block(struct series *s, const struct options *o,
			 const posix_spawn_file_actions_t *actions)
{
	for (int i = -o->skip; i < o->block && s->runs < o->runs; i++) {
		double ms;

		if (o->gap_ms)
			sleep_ms(o->gap_ms);
		ms = series_run(s, actions);
		if (i >= 0)
			s->times_ms[s->runs++] = ms;
	}
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* times_ms must be sorted; share is 0 to 1. */
static double quantile(const struct series *s, double share)
{
	return s->times_ms[(int)(share * (s->runs - 1) + 0.5)];
}

static void series_print(struct series *all, int count, const struct options *o)
{
	FILE *json = o->output ? fopen(o->output, "ae") : NULL;

	if (o->output && !json)
		die("open", o->output);
	printf("%-16s %8s %8s %8s %8s  %s\n", "", "median", "10 %", "90 %", "least",
	       "ratio to the first");
	for (int i = 0; i < count; i++) {
		struct series *s = &all[i];
		double median;

		qsort(s->times_ms, (size_t)s->runs, sizeof(double), by_value);
		median = quantile(s, 0.5);
		printf("%-16s %8.3f %8.3f %8.3f %8.3f  %.3f\n", s->label, median, quantile(s, 0.1),
		       quantile(s, 0.9), s->times_ms[0], median / quantile(&all[0], 0.5));
		if (json)
			fprintf(json,
				"{\"label\":\"%s\",\"gap_ms\":%d,\"runs\":%d,"
				"\"median_ms\":%.4f,\"p10_ms\":%.4f,"
				"\"p90_ms\":%.4f,\"least_ms\":%.4f}\n",
				s->label, o->gap_ms, s->runs, median, quantile(s, 0.1),
				quantile(s, 0.9), s->times_ms[0]);
	}
	if (json && fclose(json) != 0)
		die("write", o->output);
}

static int series_parse(struct series *s, char *text, int runs)
{
	char *command = strchr(text, '=');
	int words = 0;

	if (!command)
		return -1;
	*command++ = '\0';
	s->label = text;
	for (char *word = strtok(command, " "); word; word = strtok(NULL, " ")) {
		if (words == ARGS_MAX)
			return -1;
		s->words[words++] = word;
	}
	s->times_ms = calloc((size_t)runs, sizeof(double));
	if (!s->times_ms)
		die("allocate", "times");
	return words ? 0 : -1;
}

static int usage(void)
{
	fprintf(stderr, "usage: compare [-n RUNS] [-g GAP] [-b BLOCK] [-s SKIP]"
			" [-o FILE] LABEL=COMMAND...\n");
	return 2;
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "n:g:b:s:o:")) != -1) {
		switch (c) {
		case 'n':
			o->runs = atoi(optarg);
			break;
		case 'g':
			o->gap_ms = atoi(optarg);
			break;
		case 'b':
			o->block = atoi(optarg);
			break;
		case 's':
			o->skip = atoi(optarg);
			break;
		case 'o':
			o->output = optarg;
			break;
		default:
			return -1;
		}
	}
	if (o->block < 0)
		o->block = o->gap_ms ? 1 : 10;
	if (o->skip < 0)
		o->skip = o->gap_ms ? 0 : 2;
	return o->runs > 0 && o->block > 0 && optind < argc ? 0 : -1;
}

int main(int argc, char **argv)
{
	struct options o = { .runs = 100, .block = -1, .skip = -1 };
	struct series all[SERIES_MAX] = { 0 };
	posix_spawn_file_actions_t actions;
	int count;

	if (options_parse(&o, argc, argv) < 0)
		return usage();
	count = argc - optind;
	if (count > SERIES_MAX)
		return usage();
	for (int i = 0; i < count; i++)
		if (series_parse(&all[i], argv[optind + i], o.runs) < 0)
			return usage();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	for (int done = 0; done < o.runs; done += o.block)
		for (int i = 0; i < count; i++)
			series_block(&all[i], &o, &actions);
	series_print(all, count, &o);
	return 0;
}
