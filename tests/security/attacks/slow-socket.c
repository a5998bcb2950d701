/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slow-socket PATH: a socket whose queue is full, so that connecting to it waits: a runtime that is
 * to send a pidfd there (--pidfd-socket) stands still at a known place. SIGUSR1 empties the queue.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int self = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	sigset_t set;
	int sig;

	if (argc != 2 || strlen(argv[1]) >= sizeof(sun.sun_path) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return 2;
	strcpy(sun.sun_path, argv[1]);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* With a backlog of 0 one connection that nobody accepts makes the next one wait. */
	if (bind(sock, (struct sockaddr *)&sun, sizeof(sun)) < 0 || listen(sock, 0) < 0 ||
	    connect(self, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		perror("slow-socket");
		return 1;
	}
	puts("full");
	fflush(stdout);
	sigwait(&set, &sig);
	close(self);
	for (;;) {
		int conn = accept(sock, NULL, NULL);
		char buf[64];

		if (conn >= 0 && recv(conn, buf, sizeof(buf), 0) >= 0)
			close(conn);
	}
}
