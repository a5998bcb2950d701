/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/hostile/programs/hostile.h"

#include <stdarg.h>

const char *mark = "hostile";
int outsider;
int through;

void got_through(const char *format, ...)
{
	va_list args;

	through = 1;
	printf("got through: ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

const char *name_in(const char *directory, const char *suffix)
{
	static char names[8][256];
	static unsigned next;
	char *name = names[next++ % 8];

	snprintf(name, sizeof *names, "%s/%s-%s", directory, mark, suffix);
	return name;
}

_Noreturn void spin(void)
{
	for (volatile unsigned long n = 0;; n++)
		;
}

_Noreturn void sleep_forever(void)
{
	for (;;)
		pause();
}

static int run(const struct attack *attacks, const char *name)
{
	for (; attacks->name; attacks++) {
		if (strcmp(attacks->name, name) == 0)
			exit(attacks->run());
	}
	return -1;
}

int main(int argc, char **argv)
{
	if (argc > 2)
		mark = argv[2];
	if (argc > 3)
		outsider = atoi(argv[3]);
	if (argc > 1) {
		run(memory_attacks, argv[1]);
		run(process_attacks, argv[1]);
		run(file_attacks, argv[1]);
		run(kernel_attacks, argv[1]);
	}
	fprintf(stderr, "usage: hostile NAME [MARK [PID]]\n");
	return 99;
}
