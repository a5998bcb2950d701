#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policy: the verbs that check, compile, explain and convert policies for system calls. Nothing here needs rights or
# makes a container; crun 1.8.1 has none of it. What policies mean is in tests/unit/test-policy*.c and tests/policy.

load lib

setup()
{
	integration_setup
	cd "$TEST_DIR"
	cat >good.policy <<-'END'
		# What it is for.
		{read, write}: allow
		openat: { arg2 & O_CREAT; return EACCES, allow }
		@default return EPERM
		@newer return ENOSYS
	END
	# The policies of the source tree, where make has built the program that looks there.
	IN_TREE=${HUSK%/*}/tests/policy/husk
}

in_tree() { "${HUSK_TIMED[@]}" "$IN_TREE" "$@"; }
requires_tree() { [ -x "$IN_TREE" ] || skip "needs make check: $IN_TREE"; }

@test "policy check: one line for a good policy" {
	ok husk policy check -a x86_64 ./good.policy
	out_has './good.policy: ok,' 'instructions for x86_64'
	eq "$stderr" ""
}

@test "policy check: file, line, column, the line and a caret" {
	printf 'read: 1\n  write: {arg0 === 1}\n' >bad.policy
	fails husk policy check ./bad.policy
	err_has './bad.policy:2:18: a value must follow' '      write: {arg0 === 1}' '                     ^'
}

@test "policy check: several policies, and the first bad one ends it" {
	echo 'reed: 1' >bad.policy
	fails husk policy check ./good.policy ./bad.policy ./good.policy
	out_has './good.policy: ok'
	err_has './bad.policy:1:1' 'did you mean read?'
}

@test "policy check: notes go to standard error, and --strict makes them errors" {
	echo 'ptrace: 1' >note.policy
	ok husk policy check ./note.policy
	out_has ok
	err_has './note.policy:1:1: note: ptrace is allowed'
	fails husk policy check --strict ./note.policy
	err_has './note.policy:1:1: error: ptrace' '1 note'
	out_lacks ok
}

@test "policy check: a name without a slash is one of husk's own" {
	fails husk policy check good.policy
	err_has 'no policy is called good.policy' './good.policy'
	fails husk policy check no-such
	err_has 'husk policy list'
}

@test "policy: options of other verbs are refused" {
	fails husk policy check --format asm ./good.policy
	err_has 'policy check: --format'
	fails husk policy explain --strict read
	err_has 'policy explain: --strict'
	fails husk policy frobnicate
	err_has 'unknown verb "frobnicate"'
	fails husk policy diff ./good.policy
	err_has 'usage: husk policy diff'
}

@test "policy compile: the same program whatever it is compiled from" {
	ok husk policy compile -a x86_64 -o one.bpf ./good.policy
	ok husk policy compile -a x86_64 -o two.bpf ./one.bpf
	cmp one.bpf two.bpf
	eq $(($(stat -c %s one.bpf) % 8)) 0
	ok husk policy diff -a x86_64 ./good.policy ./one.bpf
	out_is ""
}

@test "policy compile: for machines that this is not" {
	for arch in x86_64 x86 x32 arm64 arm riscv64 all; do
		ok husk policy compile -a $arch -o $arch.bpf ./good.policy
	done
	ok husk policy simulate ./arm64.bpf arm64 read
	out_has allow
	ok husk policy simulate ./arm64.bpf x86_64 read
	out_has kill-process
	ok husk policy simulate ./all.bpf riscv64 openat AT_FDCWD 0 O_CREAT
	out_has 'return EACCES'
	fails husk policy compile -a z80 -o no.bpf ./good.policy
	err_has '--arch: "z80"'
}

@test "policy compile: C and text to read" {
	ok husk policy compile --format c -o filter.h ./good.policy
	printf '#include <linux/filter.h>\n#include "filter.h"\nint main(void) { return policy[0].code == 0; }\n' >main.c
	cc -o main main.c
	./main
	ok husk policy compile --format asm ./good.policy
	out_has '0000  load  arch' 'return EACCES'
	fails husk policy compile --format elf ./good.policy
	err_has 'none of bpf, c, asm'
}

@test "policy compile: nothing is written for a bad policy" {
	echo 'reed: 1' >bad.policy
	fails husk policy compile -o no.bpf ./bad.policy
	[ ! -e no.bpf ]
}

@test "policy explain: rules, places, and the one that decides" {
	ok husk policy explain -a x86_64 -p ./good.policy openat
	out_has 'openat, 257 of x86_64:' 'return EACCES if arg2 & 0x40  (./good.policy:3)' 'allow  (./good.policy:3)'
	ok husk policy explain -a x86_64 -p ./good.policy openat AT_FDCWD 0 'O_RDWR|O_CREAT'
	out_has 'return EACCES  (./good.policy:3)'
	ok husk policy explain -a x86_64 -p ./good.policy read
	out_has 'without running the filter' 'allow  (./good.policy:2)'
	ok husk policy explain -a x86_64 -p ./good.policy close
	out_has 'return EPERM  (default)'
	ok husk policy explain -a x86_64 -p ./good.policy 470
	out_has 'return ENOSYS  (@newer)'
	ok husk policy explain -a x86_64 -a arm64 -p ./good.policy open
	out_has 'open, 2 of x86_64:' 'open: no system call of aarch64'
	fails husk policy explain -a arm64 -p ./good.policy open
	err_has 'aarch64 has no system call open'
	fails husk policy explain -p ./good.policy reed
	err_has 'unknown system call "reed"'
	fails husk policy explain -p ./good.policy read AT_WHAT
	err_has 'AT_WHAT'
}

@test "policy simulate: lines of calls" {
	printf '%s\n' '# calls' 'x86_64 read 0' '' 'x86_64 openat -100 0 O_CREAT  # with a reason' 'x86 read' >calls
	"${HUSK_TIMED[@]}" "$HUSK" policy simulate -a x86_64 ./good.policy <calls >answers
	eq "$(cut -f1,3 answers)" $'allow\tcached\nreturn EACCES\trun\nkill-process\trun'
	echo 'x86_64 reed' >calls
	run "$HUSK" policy simulate ./good.policy <calls
	[ "$status" = 1 ]
	[[ $output == *'line 1: unknown system call "reed"'* ]]
}

@test "policy diff: calls that differ, with an example, and its status" {
	ok husk policy diff ./good.policy ./good.policy
	out_is ""
	sed 's/O_CREAT/O_TRUNC/; s/, write//' good.policy >other.policy
	try husk policy diff -a x86_64 ./good.policy ./other.policy
	[ "$status" = 1 ]
	out_has 'x86_64 write: allow -> return EPERM' 'x86_64 openat(' 'return EACCES -> allow'
	eq "$(wc -l <<<"$output")" 2
}

@test "policy diff: bits that a filter looks at and the kernel does not" {
	echo 'ioctl: { arg1 == TIOCSTI; return EPERM, allow }' >text.policy
	cat >oci.json <<-'END'
		{ "defaultAction": "SCMP_ACT_KILL_PROCESS", "syscalls": [
		  { "names": ["ioctl"], "action": "SCMP_ACT_ERRNO", "args": [{ "index": 1, "op": "SCMP_CMP_EQ", "value": 21522 }] },
		  { "names": ["ioctl"], "action": "SCMP_ACT_ALLOW", "args": [{ "index": 1, "op": "SCMP_CMP_NE", "value": 21522 }] }
		] }
	END
	try husk policy diff -a x86_64 ./text.policy ./oci.json
	[ "$status" = 1 ]
	out_has 'ioctl(0x0, 0x100005412): return EPERM -> allow'
}

@test "policy convert: a profile to text and back, and both mean the same" {
	cat >oci.json <<-'END'
		{ "linux": { "seccomp": {
		  "defaultAction": "SCMP_ACT_ERRNO", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
		  "syscalls": [
		  { "names": ["read", "write", "recv", "semop", "accept", "socketpair"], "action": "SCMP_ACT_ALLOW" },
		  { "names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{ "index": 0, "value": 8, "op": "SCMP_CMP_EQ" }] },
		  { "names": ["clone"], "action": "SCMP_ACT_ALLOW",
		    "args": [{ "index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ" }] },
		  { "names": ["lseek"], "action": "SCMP_ACT_LOG", "args": [{ "index": 1, "value": 77, "op": "SCMP_CMP_GT" }] },
		  { "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38 }
		] } } }
	END
	ok husk policy convert -o text.policy ./oci.json
	grep -q '^@default return EPERM$' text.policy
	grep -q '^@newer return ENOSYS$' text.policy
	grep -q '^clone: { arg0 in 0x81fdffff; allow }$' text.policy
	grep -q '^socketcall: ' text.policy
	try husk policy diff ./oci.json ./text.policy
	# Only what the kernel does not see.
	[ -z "$(grep -v '(0x1[0-9a-f]*00000000\|(0x1[0-9a-f]\{8\}' <<<"$output")" ]
	ok husk policy convert --format oci -a x86_64 -o back.json ./text.policy
	jq -e '.defaultAction == "SCMP_ACT_ERRNO" and .architectures == ["SCMP_ARCH_X86_64"]' back.json
	ok husk policy diff -a x86_64 ./text.policy ./back.json
}

@test "policy convert: a list of conditions becomes rules without an order" {
	cat >list.policy <<-'END'
		@default return EPERM
		@newer return ENOSYS
		ioctl: { arg1 == TIOCSTI || arg1 == TIOCLINUX; return EPERM, arg1 > 0x5400 && arg1 < 0x5500; allow, return ENOTTY }
		mmap: { arg2 & PROT_WRITE && arg2 & PROT_EXEC; return EACCES, arg3 == MAP_SHARED; log, allow }
	END
	ok husk policy convert -a x86_64 -o list.json ./list.policy
	ok husk policy diff -a x86_64 ./list.policy ./list.json
}

@test "policy convert: what a profile cannot say is refused" {
	printf '@default return EPERM\n@newer return ENOSYS\nsocket: { arg0 == AF_UNIX; allow, return EACCES }\n' >x86.policy
	ok husk policy convert -a x86_64 ./x86.policy
	# There socketcall means socket, too.
	fails husk policy convert -a x86 ./x86.policy
	err_has 'not the same as an OCI profile' socketcall
	ok husk policy compile -a x86_64 -o x86.bpf ./x86.policy
	fails husk policy convert ./x86.bpf
	err_has 'cannot be converted'
}

@test "policy: an engine's own profile is refused, since its rules have conditions" {
	echo '{ "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
	  { "names": ["bpf"], "action": "SCMP_ACT_ALLOW", "includes": { "caps": ["CAP_BPF"] } } ] }' >docker.json
	fails husk policy check ./docker.json
	err_has 'docker.json:2' includes
}

@test "policy: minijail's dialects" {
	echo 'ioctl: arg1 == TCGETS; return EPERM' >old.policy
	ok husk policy simulate -a x86_64 ./old.policy ioctl 0 TCGETS
	out_has allow
	ok husk policy simulate -a x86_64 --dialect python ./old.policy ioctl 0 TCGETS
	out_has 'return EPERM'
	echo 'read: allow' >>old.policy
	fails husk policy check ./old.policy
	err_has './old.policy:1:8: ambiguous'
	ok husk policy check --dialect c ./old.policy
	fails husk policy check --dialect kafel ./old.policy
	err_has '--dialect'
}

@test "policy: --default-action and --use-ret-log" {
	ok husk policy simulate -a x86_64 --default-action 'return EACCES' ./good.policy close
	out_has 'return EACCES'
	ok husk policy simulate -a x86_64 --use-ret-log ./good.policy close
	out_has log
	ok husk policy simulate -a x86_64 --use-ret-log ./good.policy openat 0 0 O_CREAT
	out_has log
	fails husk policy check --default-action maybe ./good.policy
	err_has '--default-action' maybe
}

@test "policy: what is neither text, nor JSON, nor BPF" {
	head -c 100 /dev/zero >zero
	fails husk policy check ./zero
	err_has 'neither text nor a BPF program'
	head -c 104 /dev/zero >zeros.bpf
	fails husk policy check ./zeros.bpf
	err_has zeros.bpf 'does not end in a return'
	# Nobody writes: nobody waits.
	mkfifo fifo
	ok husk policy check ./fifo
	err_has './fifo:1:1: note: no system call is named'
	fails husk policy check ./.
	fails husk policy check ./missing.policy
	err_has 'open policy ./missing.policy: No such file or directory'
}

@test "policy list and show: what husk brings along" {
	requires_tree
	ok in_tree policy list
	out_has 'default         What ordinary programs need' 'strict ' 'no-network '
	ok in_tree policy show strict
	eq "$output" "$(cat "$(dirname "$BATS_TEST_DIRNAME")/../policies/profiles/strict.policy")"
	fails in_tree policy show ../profiles/strict
	err_has 'no policy is called'
	ok in_tree policy explain clone CLONE_NEWUSER
	out_has 'return EPERM' default.policy
	ok in_tree policy list --groups
	out_has 'network@husk: accept'
}

@test "policy: every policy that husk brings along converts to an OCI profile and back" {
	requires_tree
	for name in $(in_tree policy list | cut -d' ' -f1); do
		ok in_tree policy convert -o "$name.json" "$name"
		ok in_tree policy convert -o "$name.policy" "./$name.json"
		ok in_tree policy check "./$name.policy"
	done
}
