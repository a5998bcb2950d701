#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The strict gate lets one execveat through that the policy forbids. Nobody else's.

load lib

setup()
{
	integration_setup
	cd "$TEST_DIR"
	cp "$(attack exec-again)" .
	{
		echo '@denylist'
		echo 'execve: return 99'
		echo 'execveat: return 99'
	} >forbidden.policy
	echo '@denylist' >allowed.policy
	if [ "$(uname -m)" = x86_64 ]; then
		sed -i '1i @arch x86_64, x86' forbidden.policy allowed.policy
	fi
	ways="execve execveat descriptor thread child guessing"
	[ "$(uname -m)" = x86_64 ] && ways+=" old-execve old-execveat mixed"
}

sandbox() { husk sandbox --setenv HUSK_TEST "$T" --policy "$@"; }

# ---- entry ----

entry_setup()
{
	[ "$(uname -m)" = x86_64 ] || skip "the entry gate is for x86-64"
	cp "$(attack gate-library)" library.so
	printf '%s\n' '@denylist' 'getpriority: return 99' 'unshare: return 98' >after.policy
}

# entry TRICK COMMAND...: with a library whose constructor has the trick
entry()
{
	local trick=$1

	shift
	sandbox ./after.policy --gate "${GATE:-entry}" --setenv LD_PRELOAD "$PWD/library.so" --setenv GATE_TRICK "$trick" "$@"
}

@test "gate: no second execve, by any way" {
	for way in $ways; do
		exits 99 sandbox ./forbidden.policy ./exec-again "$way"
	done
}

# Shown to detect: the same ways lead somewhere where nothing forbids them.
@test "gate: the ways lead somewhere without a policy against them" {
	for way in $ways; do
		case $way in
		old-*)
			try sandbox ./allowed.policy ./exec-again "$way"
			# A kernel without the 32-bit entry.
			[ "$status" = 0 ] || [ "$status" = 139 ] || fail "status $status"
			;;
		*) exits 0 sandbox ./allowed.policy ./exec-again "$way" ;;
		esac
	done
}

@test "gate: a policy that kills for it, kills" {
	cat >kills.json <<-'EOF'
		{ "defaultAction": "SCMP_ACT_ALLOW",
		  "syscalls": [ { "names": [ "execve", "execveat" ], "action": "SCMP_ACT_KILL_PROCESS" } ] }
	EOF
	for way in execve execveat descriptor; do
		exits 159 sandbox ./kills.json ./exec-again "$way"
	done
	ok sandbox ./kills.json --report "$TEST_DIR/report" ./exec-again arrived
	exits 159 sandbox ./kills.json --report "$TEST_DIR/report" ./exec-again guessing
	eq "$(jq -r '.verdict, .systemCall.name' "$TEST_DIR/report" | tr '\n' ' ')" "policy execveat "
}

@test "gate: entry: constructors run before it, and nothing else does" {
	entry_setup
	ok entry call true
	out_is 'before: 0'
	eq "$stderr" 'after: 99'
	# Shown to detect: the strict gate comes before both.
	GATE=strict ok entry call true
	out_is 'before: 99'
}

@test "gate: entry: a thread of a constructor is behind it, too" {
	entry_setup
	ok entry thread true
	eq "$stderr" 'thread: 99'
}

# Shown to detect: without the gate the process is there, asleep.
@test "gate: entry: a process of a constructor does not live to see the program" {
	entry_setup
	# The program is process 2, the one of the constructor comes next.
	ok entry fork grep ^State: /proc/3/status
	out_has zombie
	GATE=none ok entry fork grep ^State: /proc/3/status
	out_lacks zombie
}

@test "gate: entry: no child that the tracer does not see" {
	entry_setup
	ok entry untraced true
	out_is 'untraced: 1'
	ok entry clone3 true
	out_is 'clone3: 38'
	# Shown to detect
	GATE=none ok entry clone3 true
	out_is 'clone3: 22'
}

@test "gate: entry: what must never run unfiltered is refused to constructors" {
	entry_setup
	ok entry guarded true
	out_is 'guarded: 1'
	# What the policy allows is not among it.
	echo '@denylist' >after.policy
	ok entry guarded true
	out_is 'guarded: 0'
}

@test "gate: entry: a program with a loader of its own stays behind the first filter" {
	entry_setup
	cp "$(attack other-loader)" .
	requires_program cc
	echo 'int main(void) { return 0; }' >own.c
	cc -o own own.c -Wl,--dynamic-linker="$PWD/other-loader"
	exits 1 sandbox ./after.policy --gate entry ./own
	# Shown to detect: what the policies have to say, and none.
	exits 98 sandbox ./after.policy --gate strict ./own
	exits 0 sandbox none ./own
}

@test "gate: entry: a filter that pretends to be the policy is found out" {
	entry_setup
	fails 1 entry pretend touch "$TEST_DIR/reached"
	err_has gate 'not in force'
	GATE=none ok entry pretend true
}

@test "gate: entry: storms of signals do not get into the way" {
	entry_setup
	for _ in {1..10}; do
		ok entry storm grep ^Seccomp: /proc/self/status
		out_is $'Seccomp:\t2'
	done
}

@test "gate: entry: a constructor that executes another program, or ends" {
	entry_setup
	exits 5 entry exit true
	ok entry exec true
	out_is $'Seccomp:\t2'
}

# Root reads it all the same.
@test "gate: entry: a constructor that makes its process unreadable" {
	entry_setup
	ok entry undumpable true
	as_nobody unshare -U true 2>/dev/null || skip "needs user namespaces for normal users"
	cp "$HUSK" ./husk
	mkdir -m 777 out
	try as_nobody ./husk sandbox --gate entry --policy ./after.policy --rw "$PWD/out" --setenv LD_PRELOAD "$PWD/library.so" \
		--setenv GATE_TRICK undumpable touch "$PWD/out/reached"
	[ "$status" != 0 ] || [ -e out/reached ]
	[ "$status" = 0 ] || [ ! -e out/reached ]
}

as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups env HOME=/ HUSK_TEST="$T" "$@"
}

@test "gate: entry: husk is killed before the program begins, and so is the program" {
	entry_setup
	mkdir -m 777 out
	"$HUSK" sandbox --setenv HUSK_TEST "$T" --gate entry --policy ./after.policy --rw "$PWD/out" --setenv LD_PRELOAD "$PWD/library.so" \
		--setenv GATE_TRICK wait --setenv GATE_FILE "$PWD/out/here" touch "$PWD/out/reached" &
	local pid=$!
	wait_for test -e out/here
	kill -KILL $pid
	wait $pid || true
	# Nobody of ours is left, and so nobody can reach it any more.
	wait_for nobody_left
	[ ! -e out/reached ]
	# Shown to detect: it goes on when the file is taken away.
	rm out/here
	"$HUSK" sandbox --setenv HUSK_TEST "$T" --gate entry --policy ./after.policy --rw "$PWD/out" --setenv LD_PRELOAD "$PWD/library.so" \
		--setenv GATE_TRICK wait --setenv GATE_FILE "$PWD/out/here" touch "$PWD/out/reached" &
	pid=$!
	wait_for test -e out/here
	rm out/here
	wait $pid
	[ -e out/reached ]
}

nobody_left() { ! grep -qsz "^HUSK_TEST=$T$" /proc/[0-9]*/environ; }
