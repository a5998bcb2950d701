#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# firejail's CVE-2022-31214: state that somebody else has made; firejail's
# CVE-2016-10117 class: predictable places in /tmp.

load lib

setup()
{
	integration_setup
	requires_root
}

# A container that never was, made by another user: its "init" is any process of
# theirs, and its hooks are what they would like root to run.
plant()
{
	local dir=$1/evil owner=${2:-1000}

	mkdir -p "$dir"
	jq --arg h "$TEST_DIR/pwned" '.hooks = ([("poststart", "poststop") | {key: ., value: [{path: "/bin/sh", args: ["sh", "-c", "id -u >\($h)"]}]}] | from_entries)' \
		"$BUNDLE/config.json" >"$dir/config.json"
	jq --arg b "$BUNDLE" '.id = "evil" | .pid = 2147483646 | .hooks = true' "$ROOT/$ID/state.json" >"$dir/state.json"
	chmod 700 "$dir"
	[ "$owner" = 0 ] || chown -R "$owner:$owner" "$dir"
}

# Each verb that reads a state, as root.
all_verbs()
{
	local verb believed=

	for verb in "state evil" "ps evil" "kill evil KILL" "exec evil true" "start evil" "pause evil" "resume evil" "events --stats evil" "update --pids-limit 5 evil" "delete evil" "delete --force evil"; do
		# shellcheck disable=SC2086
		try "${HUSK_TIMED[@]}" "$HUSK" --root "$1" $verb
		[ ! -e "$TEST_DIR/pwned" ] || { echo "husk $verb ran a hook of another user's as uid $(cat "$TEST_DIR/pwned")" >&2; return 1; }
		[ "$verb" = "delete --force evil" ] || [ "$status" != 0 ] || believed+=" $verb;"
	done
	[ -z "$believed" ] || { echo "believed by:$believed" >&2; return 1; }
}

# Shown to detect: the control is the same container of root's own.
@test "state-dir: a root directory of another user's is refused" {
	config '.process.args = ["/bin/true"] | .hooks.poststop = [{path: "/bin/true"}]'
	ok c_create
	mkdir "$TEST_DIR/theirs"
	plant "$TEST_DIR/theirs"
	chown 1000:1000 "$TEST_DIR/theirs"
	for mode in 700 755 1777; do
		chmod $mode "$TEST_DIR/theirs"
		all_verbs "$TEST_DIR/theirs"
		try "${HUSK_TIMED[@]}" "$HUSK" --root "$TEST_DIR/theirs" create -b "$BUNDLE" "$T-2"
		[ "$status" != 0 ]
	done

	mkdir -m 700 "$TEST_DIR/mine"
	plant "$TEST_DIR/mine" 0
	ok "$HUSK" --root "$TEST_DIR/mine" state evil
	ok "$HUSK" --root "$TEST_DIR/mine" delete evil
	[ -e "$TEST_DIR/pwned" ]
	control "a container of root's own"
}

@test "state-dir: a root directory that others may write is refused" {
	for mode in 777 770 733 1773 1777 2777; do
		mkdir -p "$TEST_DIR/open"
		chmod $mode "$TEST_DIR/open"
		try "${HUSK_TIMED[@]}" "$HUSK" --root "$TEST_DIR/open" create -b "$BUNDLE" "$T-2"
		if [ "$status" = 0 ]; then
			"$HUSK" --root "$TEST_DIR/open" delete --force "$T-2"
			# A sticky directory may be taken, but see the next test.
			[[ $mode == 1* ]] || { echo "mode $mode was taken" >&2; return 1; }
		fi
	done
	chmod 755 "$TEST_DIR/open"
	ok "$HUSK" --root "$TEST_DIR/open" create -b "$BUNDLE" "$T-2"
	control "another mode"
	ok "$HUSK" --root "$TEST_DIR/open" delete --force "$T-2"
}

# In a sticky directory everybody can make an entry, and nobody can take it away.
# Shown to detect: see the first test's control.
@test "state-dir: a container that another user planted in a sticky directory is refused" {
	config '.process.args = ["/bin/true"] | .hooks.poststop = [{path: "/bin/true"}]'
	ok c_create
	mkdir -m 1777 "$TEST_DIR/sticky"
	plant "$TEST_DIR/sticky"
	all_verbs "$TEST_DIR/sticky"
	# list and delete --regex meet it without being asked for it.
	try "$HUSK" --root "$TEST_DIR/sticky" list
	try "$HUSK" --root "$TEST_DIR/sticky" delete --regex '.*'
	try "$HUSK" --root "$TEST_DIR/sticky" delete --force --regex '.*'
	[ ! -e "$TEST_DIR/pwned" ]
}

# A directory of root's, whose state.json another user could change or replace.
@test "state-dir: a container whose files or directory others may write is refused" {
	config '.process.args = ["/bin/true"] | .hooks.poststop = [{path: "/bin/true"}]'
	ok c_create
	for what in 'chmod 777 .' 'chown 1000 .' 'chown 1000 state.json' 'chown 1000 config.json'; do
		rm -rf "$TEST_DIR/mine"
		mkdir -m 700 "$TEST_DIR/mine"
		plant "$TEST_DIR/mine" 0
		(cd "$TEST_DIR/mine/evil" && eval "$what")
		# Above it nobody passes: only where the root directory is open is this a way in.
		chmod 755 "$TEST_DIR/mine"
		all_verbs "$TEST_DIR/mine" || { echo "after: $what" >&2; return 1; }
	done
}

@test "state-dir: links in place of directories and files are not followed" {
	config '.process.args = ["/bin/true"] | .hooks.poststop = [{path: "/bin/true"}]'
	ok c_create
	mkdir -m 700 "$TEST_DIR/mine" "$TEST_DIR/elsewhere"
	plant "$TEST_DIR/elsewhere" 0
	ln -s "$TEST_DIR/elsewhere/evil" "$TEST_DIR/mine/evil"
	all_verbs "$TEST_DIR/mine"
	[ -e "$TEST_DIR/elsewhere/evil/state.json" ]
	rm "$TEST_DIR/mine/evil"
	mkdir -m 700 "$TEST_DIR/mine/evil"
	ln -s "$TEST_DIR/elsewhere/evil/state.json" "$TEST_DIR/mine/evil/state.json"
	all_verbs "$TEST_DIR/mine"
	[ -e "$TEST_DIR/elsewhere/evil/state.json" ]
	# Removing follows none, either.
	mkdir -m 700 "$TEST_DIR/mine/gone"
	echo mine >"$TEST_DIR/file"
	ln -s "$TEST_DIR/file" "$TEST_DIR/mine/gone/start.sock"
	ln -s "$TEST_DIR/elsewhere" "$TEST_DIR/mine/gone/config.json"
	try "$HUSK" --root "$TEST_DIR/mine" delete --force gone
	eq "$(cat "$TEST_DIR/file")" mine
	[ -e "$TEST_DIR/elsewhere/evil/state.json" ]
	ok "$HUSK" --root "$TEST_DIR/elsewhere" state evil
	control "without the link"
}

# The pid in the file is only believed with the time that it started at.
# Shown to detect: with both right, the process is killed.
@test "state-dir: a process that merely has the recorded number is not the container" {
	config '.process.args = ["/bin/sleep", "1000"]'
	ok c_create
	sleep 1000 &
	victim=$!
	BG_PIDS+=("$victim")
	mkdir -m 700 "$TEST_DIR/mine"
	plant "$TEST_DIR/mine" 0
	edit() { jq "$1" "$TEST_DIR/mine/evil/state.json" >"$TEST_DIR/s" && cat "$TEST_DIR/s" >"$TEST_DIR/mine/evil/state.json"; }
	ticks=$(sed 's/.*) //' "/proc/$victim/stat" | cut -d' ' -f20)
	for start in 1 $((ticks - 1)) $((ticks + 1)) 0; do
		edit ".pid = $victim | .pidStart = $start | .cgroup = false | .cgroups = []"
		ok "$HUSK" --root "$TEST_DIR/mine" state evil
		eq "$(jq -r .status <<<"$output")" stopped
		for verb in "kill evil KILL" "exec evil true" "ps evil"; do
			# shellcheck disable=SC2086
			try "$HUSK" --root "$TEST_DIR/mine" $verb
		done
		kill -0 $victim
	done
	edit ".pidStart = $ticks"
	ok "$HUSK" --root "$TEST_DIR/mine" kill evil KILL
	wait_for process_gone $victim
	control "the right time"
}

# What a broken or hostile state.json holds is checked like a configuration.
@test "state-dir: a state.json that is none is an error, never more" {
	ok c_create
	mkdir -m 700 "$TEST_DIR/mine"
	for text in '' '{' 'null' '[]' '{"id":"evil"}' '{"id":1}' '{"id":"evil","recorded":true,"pid":-1}' '{"id":"evil","recorded":true,"pid":1,"pidStart":1}' \
		'{"id":"evil","cgroups":[{"dir":"/","made":true}],"recorded":true}' '{"id":"evil","cgroups":[{"dir":"../../etc","made":true}],"cgroup":true,"recorded":true}' \
		'{"id":"evil","cgroups":[{},{},{}]}' '{"id":"other","recorded":true}'; do
		for verb in "state evil" "ps evil" "kill evil KILL" "delete evil" "delete --force evil"; do
			mkdir -p "$TEST_DIR/mine/evil"
			chmod 700 "$TEST_DIR/mine/evil"
			printf %s "$text" >"$TEST_DIR/mine/evil/state.json"
			# shellcheck disable=SC2086
			try "${HUSK_TIMED[@]}" "$HUSK" --root "$TEST_DIR/mine" $verb
			((status < 124)) || { echo "$text: $verb: status $status" >&2; return 1; }
		done
	done
}

# Nothing in places where others can wait for it.
# Shown to detect: the control, strace of a program that does.
@test "state-dir: no files in /tmp, by predictable names or others" {
	requires_program strace
	strace -f -qq -e trace=file,socket,bind -o "$TEST_DIR/trace" "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID" >/dev/null 2>&1 </dev/null
	grep -q execve "$TEST_DIR/trace"
	# The directory of the program itself may be there.
	in_tmp()
	{
		grep -E '"(/tmp|/var/tmp|/dev/shm|/run/user)/' "$TEST_DIR/trace" |
			grep -vF -e "$TEST_DIR" -e "\"$(dirname "$HUSK")\", OPEN_TREE"
	}
	not in_tmp
	strace -f -qq -e trace=file -o "$TEST_DIR/trace" sh -c ': >/tmp/husk-'"$T"'; rm /tmp/husk-'"$T"
	in_tmp
	control "a file in /tmp"
}
