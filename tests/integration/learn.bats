#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# learn: what a program does becomes a policy under which it runs again.

load lib

setup()
{
	integration_setup
	POLICY=$TEST_DIR/policy
	BUSYBOX=$(command -v busybox)
}

# compile_c NAME [FLAGS...] <SOURCE
compile_c()
{
	local name=$1

	shift
	requires_program cc
	cc -O1 -o "$TEST_DIR/$name" -x c - "$@"
}

# rerun COMMAND...: under the filter of the policy, which kills
rerun()
{
	ok husk policy compile -o "$TEST_DIR/filter" "$POLICY"
	ok "${HUSK_TIMED[@]}" "$(helper with-filter)" "$TEST_DIR/filter" "$@"
}

# learns COMMAND...: and that the policy is good for it, several times, with the same output
learns()
{
	local wanted

	ok husk learn -o "$POLICY" "$@"
	wanted=$output
	ok husk policy check --strict "$POLICY"
	rerun "$@"
	out_is "$wanted"
	for _ in 1 2 3 4; do
		rerun "$@"
	done
}

# The line of a call, with what follows it in further lines.
rule()
{
	awk -v call="$1:" '$1 == call { on = 1 } on { print } on && !/\\$/ { exit }' "$POLICY" | tr -d '\\\n\t' | tr -s ' '
}

has_rule() { eq "$(rule "${1%%:*}")" "$1"; }
allows() { [[ "$(husk policy simulate "$POLICY" "$@")" == allow* ]]; }
kills() { [[ "$(husk policy simulate "$POLICY" "$@")" == kill-process* ]]; }

@test "learn: a static program" {
	learns "$BUSYBOX" ls /
	allows getdents64
	kills socket AF_UNIX SOCK_STREAM 0
}

@test "learn: a dynamic program, output and standard output apart" {
	learns "$(command -v ls)" /
	grep -q '^mprotect: arg2 == PROT_READ$' "$POLICY"
	kills mprotect 0 0 PROT_EXEC
	kills mmap 0 0 'PROT_EXEC|PROT_WRITE' 0 0 0
}

@test "learn: without --output the policy comes after what the program writes" {
	ok husk learn "$BUSYBOX" echo hello
	[ "${output%%$'\n'*}" = hello ]
	out_has "@default kill-process" "write"
	printf '%s\n' "${output#hello$'\n'}" >"$POLICY"
	ok husk policy check "$POLICY"
}

@test "learn: forks and chains of programs" {
	learns "$BUSYBOX" sh -c 'for i in 1 2 3; do (busybox sh -c "busybox echo $i | busybox cat"); done; exec busybox echo end'
	allows wait4
	allows clone SIGCHLD || allows clone 'CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD' || allows vfork || allows fork
	kills clone CLONE_NEWUSER
}

@test "learn: threads, which meet differently each time" {
	compile_c threads -pthread <<-'END'
	#include <pthread.h>
	#include <stdio.h>
	#include <stdlib.h>
	#include <string.h>
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static void *work(void *unused)
	{
		for (int i = 0; i < 200; i++) {
			char *p = malloc(1000 + i * 400);
			memset(p, 1, 1000);
			pthread_mutex_lock(&mutex);
			pthread_mutex_unlock(&mutex);
			free(p);
		}
		return unused;
	}
	int main(void)
	{
		pthread_t t[6];
		for (int i = 0; i < 6; i++)
			pthread_create(&t[i], NULL, work, NULL);
		for (int i = 0; i < 6; i++)
			pthread_join(t[i], NULL);
		return puts("done") < 0;
	}
	END
	learns "$TEST_DIR/threads"
	allows futex
	kills clone SIGCHLD
}

@test "learn: Python with threads and a child" {
	requires_program /usr/bin/python3
	learns /usr/bin/python3 -c '
import json, subprocess, threading
t = [threading.Thread(target=lambda: sum(range(1000))) for i in range(4)]
[x.start() for x in t]
[x.join() for x in t]
print(json.dumps(subprocess.check_output(["/bin/echo", "x"]).decode()))'
}

@test "learn: a 32-bit program beside a 64-bit one" {
	requires_program cc
	cc -m32 -nostdlib -static -fno-pie -no-pie -o "$TEST_DIR/small" -x c - 2>/dev/null <<-'END' || skip "cc makes no 32-bit programs"
	void _start(void)
	{
		__asm__ volatile("int $0x80" : : "a"(20)); /* getpid */
		__asm__ volatile("int $0x80" : : "a"(1), "b"(0)); /* exit */
	}
	END
	"$TEST_DIR/small" || skip "the kernel runs no 32-bit programs"
	learns "$BUSYBOX" sh -c "$TEST_DIR/small && busybox true"
	grep -q '^@arch x86_64, x86$' "$POLICY"
	[[ "$(husk policy simulate -a x86 "$POLICY" getpid)" == allow* ]]
	[[ "$(husk policy simulate -a x86 "$POLICY" read)" == kill-process* ]]
}

@test "learn: the exit status is the program's, and the policy is written" {
	exits 7 husk learn -o "$POLICY" "$BUSYBOX" sh -c 'exit 7'
	[ -s "$POLICY" ]
	exits 137 husk learn -o "$POLICY.2" "$BUSYBOX" sh -c 'kill -9 $$'
	allows exit_group
	[ -s "$POLICY.2" ]
}

@test "learn: signals are passed on" {
	bg learn "$HUSK" learn -o "$POLICY" "$BUSYBOX" sh -c 'trap "exit 9" TERM; echo ready; while :; do busybox sleep 0.05; done'
	wait_for file_has "$TEST_DIR/learn.out" ready
	kill -TERM "${BG_PIDS[0]}"
	wait_bg "${BG_PIDS[0]}"
	eq "$status" 9
	allows rt_sigreturn
}

@test "learn: the program dies with its learner" {
	bg learn "$HUSK" learn -o "$POLICY" "$BUSYBOX" sh -c 'echo $$; while :; do busybox sleep 0.05; done'
	wait_for test -s "$TEST_DIR/learn.out"
	kill -KILL "${BG_PIDS[0]}"
	wait_for process_gone "$(cat "$TEST_DIR/learn.out")"
	[ ! -e "$POLICY" ]
}

@test "learn: the environment, descriptors and signal mask are the caller's" {
	ok env -i A=b "$HUSK" learn -o "$POLICY" "$BUSYBOX" sh -c 'busybox env; busybox ls /proc/self/fd; busybox grep -E "SigBlk|SigIgn" /proc/self/status'
	local learned=$output
	ok env -i A=b "$BUSYBOX" sh -c 'busybox env; busybox ls /proc/self/fd; busybox grep -E "SigBlk|SigIgn" /proc/self/status'
	out_is "$learned"
}

@test "learn: it goes on until the last process has ended" {
	ok husk learn -o "$POLICY" "$BUSYBOX" sh -c '(busybox sleep 0.3; busybox mkdir '"$TEST_DIR"'/late) >/dev/null 2>&1 & exit 0'
	[ -d "$TEST_DIR/late" ]
	allows mkdir || allows mkdirat
}

@test "learn: programs that are not there, or cannot be executed" {
	fails 127 husk learn -o "$POLICY" /nowhere/program
	fails 127 husk learn -o "$POLICY" no-such-program-anywhere
	fails 126 husk learn -o "$POLICY" /etc/passwd
	printf '#!/nowhere/interpreter\n' >"$TEST_DIR/script"
	chmod 755 "$TEST_DIR/script"
	fails 127 husk learn -o "$POLICY" "$TEST_DIR/script"
	[ ! -e "$POLICY" ]
}

@test "learn: where it cannot write is known before the program runs" {
	fails husk learn -o /nowhere/policy "$BUSYBOX" touch "$TEST_DIR/ran"
	err_has "/nowhere/policy"
	fails husk learn --oci /nowhere/oci "$BUSYBOX" touch "$TEST_DIR/ran"
	fails husk learn --merge "$TEST_DIR/nothing" "$BUSYBOX" touch "$TEST_DIR/ran"
	err_has "nothing"
	[ ! -e "$TEST_DIR/ran" ]
}

@test "learn: a user without rights" {
	requires_root
	requires_program setpriv
	mkdir "$TEST_DIR/user"
	chown 1000:1000 "$TEST_DIR/user"
	cp "$HUSK" "$TEST_DIR/user/husk"
	POLICY=$TEST_DIR/user/policy
	ok setpriv --reuid 1000 --regid 1000 --clear-groups "$TEST_DIR/user/husk" learn --files --network -o "$POLICY" \
		"$BUSYBOX" cat "$BUNDLE/config.json"
	grep -qF "#   --ro-bind $BUNDLE/config.json $BUNDLE/config.json" "$POLICY"
	rerun "$BUSYBOX" cat "$BUNDLE/config.json"
}

@test "learn: a program that may not be looked into is recorded all the same" {
	requires_root
	requires_program setpriv
	compile_c closed -static <<-'END'
	#include <fcntl.h>
	#include <sys/prctl.h>
	int main(void) { prctl(PR_SET_DUMPABLE, 0); return open("/etc/hostname", O_RDONLY) < 0; }
	END
	mkdir "$TEST_DIR/user"
	chown 1000:1000 "$TEST_DIR/user"
	cp "$HUSK" "$TEST_DIR/user/husk"
	POLICY=$TEST_DIR/user/policy
	ok setpriv --reuid 1000 --regid 1000 --clear-groups "$TEST_DIR/user/husk" learn --files -o "$POLICY" "$TEST_DIR/closed"
	err_has "paths or addresses are missing"
	allows openat
	eq "$(rule prctl)" "prctl: arg0 == PR_SET_DUMPABLE"
}

@test "learn: no_new_privs and a filter of its own" {
	requires_program setpriv
	ok setpriv --no-new-privs "$HUSK" learn -o "$POLICY" "$BUSYBOX" true
	compile_c own -static <<-'END'
	#include <errno.h>
	#include <linux/filter.h>
	#include <linux/seccomp.h>
	#include <stddef.h>
	#include <sys/prctl.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	int main(void)
	{
		struct sock_filter f[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EXDEV),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		};
		struct sock_fprog p = { 4, f };
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &p))
			return 1;
		return syscall(SYS_getppid) != -1 || errno != EXDEV;
	}
	END
	# What its own filter answers is not seen: the policy must not kill for that.
	learns "$TEST_DIR/own"
	grep -q '^@default return EPERM$' "$POLICY"
	[[ "$(husk policy simulate "$POLICY" getppid)" == "return EPERM"* ]]
}

@test "learn: a learner in a learner has an error that says why" {
	fails husk learn -o "$POLICY" "$HUSK" learn -o "$TEST_DIR/inner" "$BUSYBOX" true
	err_has "the kernel allows one"
	[ ! -e "$TEST_DIR/inner" ]
}

@test "learn: io_uring and clone3 are refused, and the policy says so" {
	compile_c ring -static <<-'END'
	#include <errno.h>
	#include <sys/syscall.h>
	#include <unistd.h>
	int main(void)
	{
		char args[128] = { 0 };
		if (syscall(SYS_io_uring_setup, 4, args) != -1 || errno != ENOSYS)
			return 1;
		return syscall(SYS_clone3, args, 64L) != -1 || errno != ENOSYS;
	}
	END
	learns "$TEST_DIR/ring"
	has_rule "io_uring_setup: return ENOSYS"
	has_rule "clone3: return ENOSYS"
}

@test "learn: arguments become sets, masks, or nothing" {
	compile_c arguments -static <<-'END'
	#include <sys/ioctl.h>
	#include <sys/mman.h>
	#include <sys/prctl.h>
	#include <sys/socket.h>
	#include <fcntl.h>
	int main(void)
	{
		ioctl(0, TCGETS, 0);
		ioctl(0, TIOCGWINSZ, 0);
		prctl(PR_GET_DUMPABLE);
		fcntl(0, F_GETFL);
		socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		for (int i = 0; i < 30; i++)
			socket(AF_NETLINK, SOCK_RAW, i);
		for (int i = 0; i < 16; i++)
			mprotect(0, 0, i);
		for (int i = 0; i < 80; i++)
			socketpair(i, 5000, i, 0);
		return 0;
	}
	END
	learns "$TEST_DIR/arguments"
	has_rule "ioctl: arg1 == TCGETS || arg1 == TIOCGWINSZ"
	has_rule "prctl: arg0 == PR_GET_DUMPABLE"
	has_rule "fcntl: arg1 == F_GETFL"
	has_rule "socket: arg0 == AF_INET6 || arg0 == AF_NETLINK"
	has_rule "mprotect: arg2 in PROT_READ|PROT_WRITE|PROT_EXEC|PROT_SEM"
	# Too many to be told apart.
	has_rule "socketpair: allow" || allows socketpair 1 2 3
}

@test "learn: runs are merged" {
	ok husk learn -o "$POLICY" "$BUSYBOX" echo x
	kills mkdir
	ok husk learn -o "$POLICY" --merge "$POLICY" --files "$BUSYBOX" mkdir "$TEST_DIR/made"
	allows mkdir
	# The third run adds nothing, and the first two are still there.
	ok husk learn -o "$TEST_DIR/third" --merge "$POLICY" --files "$BUSYBOX" echo x
	ok diff "$POLICY" "$TEST_DIR/third"
	grep -qF "#   \$ $BUSYBOX echo x" "$POLICY"
	grep -qF "#   \$ $BUSYBOX mkdir $TEST_DIR/made" "$POLICY"
	grep -qF "#   --rw $TEST_DIR" "$POLICY"
}

@test "learn: an OCI profile can be merged, what refuses cannot" {
	ok husk learn --oci "$TEST_DIR/a.json" "$BUSYBOX" mkdir "$TEST_DIR/made"
	ok husk learn -o "$POLICY" --merge "$TEST_DIR/a.json" "$BUSYBOX" echo x
	allows mkdir
	printf 'read: allow\nmkdir: return EPERM\n' >"$TEST_DIR/b"
	fails husk learn -o "$POLICY" --merge "$TEST_DIR/b" "$BUSYBOX" touch "$TEST_DIR/ran"
	err_has "b:2" "mkdir" "cannot be merged"
	printf 'read: arg2 > 5\n' >"$TEST_DIR/b"
	fails husk learn -o "$POLICY" --merge "$TEST_DIR/b" "$BUSYBOX" touch "$TEST_DIR/ran"
	err_has "b:1" "read" "condition"
	printf '@denylist\nmkdir: return EPERM\n' >"$TEST_DIR/b"
	fails husk learn -o "$POLICY" --merge "$TEST_DIR/b" "$BUSYBOX" touch "$TEST_DIR/ran"
	err_has "allows whatever it does not name"
	[ ! -e "$TEST_DIR/ran" ]
}

@test "learn: files become options of the sandbox" {
	mkdir -p "$TEST_DIR/src" "$TEST_DIR/out" "$TEST_DIR/many"
	echo 1 >"$TEST_DIR/src/one file"
	for i in 1 2 3 4 5 6 7 8 9; do echo "$i" >"$TEST_DIR/many/$i"; done
	ok husk learn --files -o "$POLICY" "$BUSYBOX" sh -c "cd $TEST_DIR/src; busybox cat 'one file' ../many/*; cat /etc/passwd >/dev/null
		echo 2 >../out/two; busybox mkdir -p ../out/a/b; busybox touch ../out/a/b/c; echo >/dev/null; : >/tmp/$T; rm /tmp/$T"
	sed -n '/^# Files/,/^$/p' "$POLICY" >"$TEST_DIR/files"
	eq "$(sed -n 's/^#   //p' "$TEST_DIR/files")" "--ro-bind $TEST_DIR/many $TEST_DIR/many
--rw $TEST_DIR/out
--ro-bind '$TEST_DIR/src/one file' '$TEST_DIR/src/one file'"
}

@test "learn: endpoints" {
	requires_program /usr/bin/python3
	ok husk learn --network -o "$POLICY" /usr/bin/python3 -c '
import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
c = socket.create_connection(s.getsockname()); print(s.getsockname()[1])
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.sendto(b"x", ("::1", 9))
for family, address in (socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"):
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        d = socket.socket(family, kind); d.setblocking(False); d.connect_ex((address, 443))
w = socket.socket(socket.AF_UNIX)
try: w.connect("/nowhere/socket")
except OSError: pass'
	grep -qF '#   > listen tcp 127.0.0.1:0' "$POLICY"
	grep -qF "#   > connect tcp 127.0.0.1:$output" "$POLICY"
	grep -qF '#   > connect udp [::1]:9' "$POLICY"
	grep -qF '#   > connect unix /nowhere/socket' "$POLICY"
	# What is not on loopback, as options; and so again when it is merged.
	local options="--allow 192.0.2.1:443/tcp
--allow 192.0.2.1:443/udp
--allow [2001:db8::1]:443/tcp
--allow [2001:db8::1]:443/udp"
	eq "$(sed -n 's/^#     \(--allow\)/\1/p' "$POLICY")" "$options"
	ok husk learn --network --merge "$POLICY" -o "$POLICY" /usr/bin/true
	eq "$(sed -n 's/^#     \(--allow\)/\1/p' "$POLICY")" "$options"
	# shellcheck disable=SC2086 # options are words
	ok husk sandbox --network user $options --print-config true
}

@test "learn: a container runs under the profile that was learned outside" {
	requires_root
	# In the environment of the container: without PWD the shell asks where it is.
	ok env -i "PATH=/usr/sbin:/usr/bin:/sbin:/bin" "$HUSK" learn --oci "$TEST_DIR/profile" "$ROOTFS/bin/busybox" sh -c 'echo hello | tr l L; ls / >/dev/null'
	config --slurpfile p "$TEST_DIR/profile" '.linux.seccomp = ($p[0] | .defaultAction = "SCMP_ACT_KILL_PROCESS" | del(.defaultErrnoRet))
		| .process.args = ["/bin/busybox", "sh", "-c", "echo hello | tr l L; ls / >/dev/null"]'
	ok c_run
	out_is heLLo
	# Whatever it did not do kills.
	config '.process.args = ["/bin/busybox", "mkdir", "/tmp/x"]'
	exits 159 c_run
}

@test "learn: options may follow --, a name may be found in PATH" {
	ok husk learn -o "$POLICY" -- busybox echo --files
	out_is "--files"
	fails husk learn -o "$POLICY"
	err_has "usage"
}
