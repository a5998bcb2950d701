/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HUSK_PHASE_PROCESS_H
#define HUSK_PHASE_PROCESS_H

#include "runtime/plan/plan.h"
#include "src/base/err.h"

/*
 * What a process is given before it becomes the program: the same for a container's init and for
 * every "exec". No heap; each function is one step of init_phase and exec_phase.
 */
struct notify_meeting;
struct gate_word;

struct process {
	const struct plan_process *plan;
	bool in_user_ns; /* a user namespace other than husk's own */
	mode_t umask;    /* of the caller, where the plan has none */
	const char *keyring_name;
	bool keyring_exists;            /* init made it: exec only joins */
	int console_slave;              /* or -1 */
	struct notify_meeting *meeting; /* where a supervised filter is handed over, or NULL */
	int notify_sock;                /* seccomp agent's socket, or -1 */
	const char *notify_body;
	size_t notify_length;
	struct gate_word *word; /* with a gate: what is said when the program cannot be executed */
	int tracer;             /* with the entry gate: the socket of whoever was asked to trace */
	const char *path;       /* the program, once found */
	char **env;             /* plan's, with LISTEN_PID and HOME filled in */
};

/* For the parent: what needs rights outside of the container, applied to @pid. */
int process_limits_apply(const struct plan_process *p, pid_t pid, struct err *e);

/* True when one of them is above what this process may give itself. */
bool process_limits_rise(const struct plan_process *p);

/* Session, terminal, cpu affinity, memory policy, personality, keyring. */
int process_session(struct process *p, struct err *e);
int process_keyring(struct process *p, struct err *e);
int process_tuning(struct process *p, struct err *e);
/* HOME from the root's passwd file, LISTEN_PID. Call inside the root. */
int process_environment(struct process *p, struct err *e);
/* Labels of AppArmor and SELinux for the next execve. */
int process_labels(struct process *p, struct err *e);
/* Groups, ids, capabilities but for what seccomp still needs, no_new_privs, working directory. */
int process_credentials(struct process *p, struct err *e);
/* Find the program in PATH: what is missing is told before anything waits for a start. */
int process_look_up(struct process *p, struct err *e);
/* Find it again, as the user that will run it. */
int process_program(struct process *p, struct err *e);
/* Put this process under @filter, which is the plan's or made of it, and drop what that needed. */
int process_install(struct process *p, const struct plan_filter *filter, struct err *e);
/* Descriptors, seccomp, last capabilities, execve: only returns on failure. */
int process_execute(struct process *p, struct err *e);

#endif
