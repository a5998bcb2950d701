/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifecycle: create, start, kill and delete many containers and print the rate.
 *
 *   lifecycle [-n CONTAINERS] [-j CALLERS] [-o FILE] LABEL BUNDLE RUNTIME [OPTION...]
 *     -n CONTAINERS  how many (default 200)
 *     -j CALLERS     processes that call the runtime at the same time (default 2)
 *     -o FILE        append the figures as one line of JSON
 *
 * The bundle's program must run until it is killed. A caller does what a shim
 * does: it is a subreaper, so that it inherits the container's first process
 * from the runtime, and between kill and delete it waits for that process.
 *
 * Printed: containers per second; the median time of one in the first and in
 * the last tenth, which differ when something is left behind; and how many
 * processes the runtime left running beside the container's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX    32
#define CALLERS_MAX 16

extern char **environ;

/* What the callers share. */
struct shared {
	int next;	 /* container to begin with */
	int left_behind; /* most processes seen beside a container's own */
	double times_ms[];
};

struct options {
	int containers, callers;
	const char *output, *label, *bundle;
	char **runtime; /* command and global options, NULL at the end */
	posix_spawn_file_actions_t actions;
};

static void die(const char *what, const char *object)
{
	fprintf(stderr, "lifecycle: %s %s: %s\n", what, object, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Runs RUNTIME with the words that follow, NULL at the end. */
static void call(const struct options *o, const char *const words[])
{
	const char *argv[ARGS_MAX + 1];
	int n = 0, status;
	pid_t pid;

	for (int i = 0; o->runtime[i] && n < ARGS_MAX; i++)
		argv[n++] = o->runtime[i];
	for (int i = 0; words[i] && n < ARGS_MAX; i++)
		argv[n++] = words[i];
	argv[n] = NULL;
	errno = posix_spawnp(&pid, argv[0], &o->actions, NULL, (char **)argv, environ);
	if (errno)
		die("run", argv[0]);
	if (waitpid(pid, &status, 0) < 0)
		die("wait for", argv[0]);
	if (status != 0) {
		fprintf(stderr, "lifecycle: %s %s: wait status %#x\n", o->label, words[0],
			(unsigned int)status);
		exit(1);
	}
}

static pid_t pid_read(const char *path)
{
	FILE *f = fopen(path, "re");
	int pid;

	if (!f)
		die("open", path);
	if (fscanf(f, "%d", &pid) != 1)
		die("read", path);
	fclose(f);
	return pid;
}

/* How many children this process has; -1 where the kernel does not tell. */
static int children_count(void)
{
	FILE *f = fopen("/proc/thread-self/children", "re");
	int count = 0, pid;

	if (!f)
		return -1;
	while (fscanf(f, "%d", &pid) == 1)
		count++;
	fclose(f);
	return count;
}

static double container_run(const struct options *o, struct shared *shared, int number)
{
	char id[32], file[4096];
	double start_ms = now_ms(), end_ms;
	int left;
	pid_t pid;

	snprintf(id, sizeof(id), "bench-%d-%d", getppid(), number);
	snprintf(file, sizeof(file), "%s/%s.pid", o->bundle, id);
	call(o, (const char *[]){ "create", "--bundle", o->bundle, "--pid-file", file, id, NULL });
	call(o, (const char *[]){ "start", id, NULL });
	left = children_count() - 1;
	if (left > shared->left_behind)
		shared->left_behind = left;
	call(o, (const char *[]){ "kill", id, "KILL", NULL });
	pid = pid_read(file);
	if (waitpid(pid, NULL, 0) < 0)
		die("wait for container", id);
	call(o, (const char *[]){ "delete", id, NULL });
	end_ms = now_ms();
	unlink(file);
	return end_ms - start_ms;
}

__attribute__((noreturn)) static void caller(const struct options *o, struct shared *shared)
{
	int number;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("become", "subreaper");
	while ((number = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < o->containers)
		shared->times_ms[number] = container_run(o, shared, number);
	exit(0);
}

static double callers_run(const struct options *o, struct shared *shared)
{
	double start_ms = now_ms();
	int status;

	for (int i = 0; i < o->callers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork", "caller");
		if (pid == 0)
			caller(o, shared);
	}
	for (int i = 0; i < o->callers; i++)
		if (wait(&status) < 0 || status != 0)
			exit(1);
	return now_ms() - start_ms;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the values. */
static double median(double *values, int count)
{
	qsort(values, (size_t)count, sizeof(double), by_value);
	return values[count / 2];
}

static void result_print(const struct options *o, struct shared *shared, double wall_ms)
{
	int tenth = o->containers / 10;
	double rate = o->containers / wall_ms * 1e3;
	double first_ms = median(shared->times_ms, tenth);
	double last_ms = median(shared->times_ms + o->containers - tenth, tenth);
	FILE *json;

	printf("%-16s %.1f a second, first %d %.3f ms, last %d %.3f ms, %d left\n", o->label, rate,
	       tenth, first_ms, tenth, last_ms, shared->left_behind);
	if (!o->output)
		return;
	json = fopen(o->output, "ae");
	if (!json)
		die("open", o->output);
	fprintf(json,
		"{\"label\":\"%s\",\"containers\":%d,\"callers\":%d,\"per_second\":%.3f,"
		"\"first_ms\":%.4f,\"last_ms\":%.4f,\"left_behind\":%d}\n",
		o->label, o->containers, o->callers, rate, first_ms, last_ms, shared->left_behind);
	if (fclose(json) != 0)
		die("write", o->output);
}

static int options_parse(struct options *o, int argc, char **argv)
{
	int c;

	/* "+": what follows the first operand belongs to the runtime. */
	while ((c = getopt(argc, argv, "+n:j:o:")) != -1) {
		switch (c) {
		case 'n':
			o->containers = atoi(optarg);
			break;
		case 'j':
			o->callers = atoi(optarg);
			break;
		case 'o':
			o->output = optarg;
			break;
		default:
			return -1;
		}
	}
	if (argc - optind < 3 || o->containers < 10 || o->callers < 1 || o->callers > CALLERS_MAX)
		return -1;
	o->label = argv[optind];
	o->bundle = argv[optind + 1];
	o->runtime = argv + optind + 2;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .containers = 200, .callers = 2 };
	struct shared *shared;
	double wall_ms;

	if (options_parse(&o, argc, argv) < 0) {
		fprintf(stderr, "usage: lifecycle [-n CONTAINERS] [-j CALLERS] [-o FILE] "
				"LABEL BUNDLE RUNTIME [OPTION...]\n");
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared) + (size_t)o.containers * sizeof(double),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("allocate", "times");
	posix_spawn_file_actions_init(&o.actions);
	posix_spawn_file_actions_addopen(&o.actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&o.actions, 1, "/dev/null", O_WRONLY, 0);
	wall_ms = callers_run(&o, shared);
	result_print(&o, shared, wall_ms);
	return 0;
}
