#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Configurations that are weapons: depth, repetition, NUL, numbers, size; and
# CVE-2021-43784, where a length of 16 bits turned data into options.

load lib

# Little memory and little time: a bomb is noticed before it goes off. The limit
# is some ten times what a container of usual size takes.
bounded() { sh_with 'ulimit -v 200000' "$@"; }

# refused [COMMAND...]: an error of husk's own, in time, and nothing left
refused()
{
	local start=$SECONDS

	[ $# -gt 0 ] || set -- "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	try bounded "$@"
	if [ "$status" != 1 ] || ((SECONDS - start > 10)) || [ -z "$stderr" ] || ((${#stderr} > 4000)); then
		echo "status $status after $((SECONDS - start)) s, message of ${#stderr} bytes" >&2
		printf '%.500s\n' "$stderr" >&2
		return 1
	fi
	[ ! -d "$ROOT/$ID" ]
}

# With HUSK_LONG=1 more combinations of the same.
LONG=${HUSK_LONG:-}

setup()
{
	integration_setup
	cp "$BUNDLE/config.json" "$TEST_DIR/good.json"
}

# around BEFORE AFTER: the good file with text from stdin after its host name
around()
{
	local text

	text=$(<"$TEST_DIR/good.json")
	printf '%s' "${text%%\"hostname\"*}"
	printf '"hostname": "husk-test", %s' "$1"
	cat
	printf '%s, %s' "$2" "${text#*\"husk-test\",}"
}

repeat() { head -c "$2" /dev/zero | sed "s/\x0/$1/g"; }

# Shown to detect: each with a number that is small enough is taken.
@test "json: depth" {
	for open in '[' '{"a":'; do
		close=']'
		[ "$open" = '[' ] || close='}'
		for n in 100 ${LONG:+1000 2000000} 100000; do
			{ repeat "$open" $n; [ "$open" = '[' ] || printf 1; repeat "$close" $n; } | around '"annotationsx": ' '' >"$BUNDLE/config.json"
			refused
			# Not closed at all.
			{ printf '{"ociVersion": "1.0.2", "x": '; repeat "$open" $n; } >"$BUNDLE/config.json"
			refused
		done
	done
	{ repeat '[' 50; repeat ']' 50; } | around '"annotationsx": ' '' >"$BUNDLE/config.json"
	ok bounded "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	control "a depth of 50"
}

@test "json: repeated keys are refused, however they are written" {
	while read -r from to; do
		text=$(<"$TEST_DIR/good.json")
		[[ $text == *"$from"* ]]
		printf '%s' "${text/"$from"/"$to"}" >"$BUNDLE/config.json"
		refused
		err_has dupl
	done <<-'END'
		"hostname": "hostname":"x","hostname":
		"hostname": "host\u006eame":"x","hostname":
		"hostname": "hostname":"husk-test","hostname":
		"path": "path":"/","path":
		"uid": "uid":0,"uid":
		"args": "args":["/bin/false"],"args":
		"namespaces": "namespaces":[],"namespaces":
		"linux": "linux":{},"linux":
		"process": "process":{},"process":
		"ociVersion": "unknown":1,"unknown":2,"ociVersion":
		"ociVersion": "deep":{"in":{"x":1,"x":1}},"ociVersion":
	END
	text=$(<"$TEST_DIR/good.json")
	printf '%s' "${text/\"hostname\":/\"Hostname\": \"x\", \"hostname\":}" >"$BUNDLE/config.json"
	ok c_run
	control "another key"
}

@test "json: NUL and what is not UTF-8 is refused in every string" {
	for what in 'NUL\u0000x' '\u0000' 'a\ud800' '\udc00' '\ud800\u0041' $'\xff' $'\xc0\x80' $'\xed\xa0\x80' $'\xf4\x90\x80\x80' $'a\x01' $'a\nb'; do
		for place in '"husk-test"' '"/bin/true"' '"rootfs"' '"cwd": "/"' '"/proc"' '"nosuid"' '"pid"' '"CAP_KILL"' '"uid"'; do
			text=$(<"$TEST_DIR/good.json")
			[[ $text == *"$place"* ]]
			printf '%s' "${text/"$place"/"${place%\"}$what\""}" >"$BUNDLE/config.json"
			# A key that nobody knows may be ignored, but not when it is malformed.
			refused
		done
	done
	printf '%s' "${text/\"husk-test\"/\"husk-\\u0074est\"}" >"$BUNDLE/config.json"
	ok c_run
	control "another escape"
}

@test "json: numbers that do not fit are errors, not other numbers" {
	config '.linux.resources = {pids: {limit: 4711}, memory: {limit: 4711}} | .process.oomScoreAdj = 4711 | .process.rlimits = [{type: "RLIMIT_CORE", soft: 4711, hard: 4711}]'
	text=$(jq -c . "$BUNDLE/config.json" | sed 's/"uid":0/"uid":4711/; s/"gid":0/"gid":4711/')
	n=$(grep -o 4711 <<<"$text" | wc -l)
	[ "$n" = 7 ]
	count=0
	for number in 1e999 -1e999 99999999999999999999 -99999999999999999999 18446744073709551616 0x10 01 +1 1. .5 1.5 1e NaN Infinity -Infinity '"1"' "$(repeat 9 100000)" "1e$(repeat 9 100000)" "0.$(repeat 0 100000)1"; do
		count=$((count + 1))
		for ((i = 0; i < n; i++)); do
			# A different place for each, in the short form.
			[ -n "$LONG" ] || ((i == count % n)) || continue
			rest=$text out=
			for ((k = 0; k < i; k++)); do
				out+=${rest%%4711*}1
				rest=${rest#*4711}
			done
			printf '%s' "$out${rest%%4711*}$number${rest#*4711}" | sed 's/4711/1/g' >"$BUNDLE/config.json"
			refused || { printf 'number %.40s at %d\n' "$number" "$i" >&2; return 1; }
		done
	done
	sed 's/4711/67108864/g; s/"uid":67108864/"uid":7/; s/"oomScoreAdj":67108864/"oomScoreAdj":7/' <<<"$text" >"$BUNDLE/config.json"
	config '.process.args = ["/bin/id", "-u"] | del(.linux.resources.pids)'
	ok c_run
	out_is 7
	control "numbers that fit"
}

@test "json: files that never end, and those that are none" {
	rm "$BUNDLE/config.json"
	for make in 'ln -s /dev/zero config.json' 'ln -s /dev/urandom config.json' 'truncate -s 100G config.json' 'mkdir config.json' ': >config.json' \
		'head -c 20000000 /dev/zero | tr "\0" " " >config.json' 'printf "\357\273\277" | cat - "$TEST_DIR/good.json" >config.json' \
		'cat "$TEST_DIR/good.json" "$TEST_DIR/good.json" >config.json' '{ cat "$TEST_DIR/good.json"; printf "\0"; } >config.json' 'printf "\"" >config.json' 'printf null >config.json' 'printf "[]" >config.json' 'printf 7 >config.json'; do
		(cd "$BUNDLE" && eval "$make")
		refused || { echo "$make" >&2; return 1; }
		rm -rf "$BUNDLE/config.json"
	done
	mkfifo "$BUNDLE/config.json"
	bg writer sh -c "cat '$TEST_DIR/good.json' >'$BUNDLE/config.json'"
	try timeout 10 "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
	((status != 124))
	rm "$BUNDLE/config.json"
	cp "$TEST_DIR/good.json" "$BUNDLE/config.json"
	ok c_run
	control "the good file"
}

# Every other place where JSON comes in.
@test "json: bombs for exec, update and by state" {
	c_sleeper
	{ printf '{"args":'; repeat '[' 100000; } >"$TEST_DIR/deep.json"
	printf '{"cwd":"/","args":["/bin/true"],"args":["/bin/id"],"user":{"uid":0,"gid":0}}' >"$TEST_DIR/twice.json"
	printf '{"cwd":"/","args":["/bin/true\\u0000"],"user":{"uid":0,"gid":0}}' >"$TEST_DIR/nul.json"
	printf '{"pids":{"limit":1e999}}' >"$TEST_DIR/huge.json"
	printf '{"pids":{"limit":5},"pids":{"limit":6}}' >"$TEST_DIR/pids.json"
	for file in deep twice nul; do
		try bounded "${HUSK_CMD[@]}" exec --process "$TEST_DIR/$file.json" "$ID"
		((status == 1))
	done
	for file in deep huge pids; do
		try bounded "${HUSK_CMD[@]}" update -r "$TEST_DIR/$file.json" "$ID"
		((status == 1))
	done
	try bounded "${HUSK_CMD[@]}" exec --process /dev/zero "$ID"
	((status == 1))
	try bounded "${HUSK_CMD[@]}" update -r /dev/zero "$ID"
	((status == 1))
	status_is running
	printf '{"cwd":"/","args":["/bin/true"],"user":{"uid":0,"gid":0}}' >"$TEST_DIR/good-process.json"
	ok bounded "${HUSK_CMD[@]}" exec --process "$TEST_DIR/good-process.json" "$ID"
	control "a good one"
}

# Lengths around 2^16, which is where CVE-2021-43784 wrapped: what is long comes
# through whole, or is refused; it never ends early or becomes something else.
# Shown to detect: the lengths are compared to the byte.
@test "json: long strings come through whole or are refused" {
	install_attack inside
	for n in 4095 4096 65535 65536 65537 70000 131000; do
		long=$(repeat x $((n - 2)))
		text=$(<"$TEST_DIR/good.json")
		text=${text/'"/bin/true"'/'"/bin/inside", "lengths"'}
		printf '%s' "${text/\"HUSK_TEST/\"A=$long\", \"HUSK_TEST}" >"$BUNDLE/config.json"
		ok c_run
		out_has "env A $n"
		eq "$(wc -l <<<"$output")" 4
		printf '%s' "${text/'"lengths"'/"\"lengths\", \"xx$long\""}" >"$BUNDLE/config.json"
		ok c_run
		out_has "arg $n"
	done
	control "lengths"
	# Longer than the kernel takes (MAX_ARG_STRLEN): an error that says so.
	printf '%s' "${text/'"lengths"'/"\"lengths\", \"$(repeat x 140000)\""}" >"$BUNDLE/config.json"
	try c_run
	((status != 0 && status < 128))
	[ -n "$stderr" ]
}

# Where strings become messages between husk's processes, and options of mounts.
@test "json: long strings in paths, labels, options, maps and annotations" {
	long=$(repeat x 70000)
	path=$(repeat '\/x' 70000)
	for word in P1 P2 P3 P4 P5 P6 P7 P8 P9 Q1 Q2 Q3 Q4 Q5 Q6 Q7 Q8 Q9 R1 R2 R3 R4 R5 R6 R7 R8 R9 S1 S2 S3; do
		case $word in
		P[1-57-9] | Q8 | R[124]) value=$path ;;
		*) value=$long ;;
		esac
		cp "$TEST_DIR/good.json" "$BUNDLE/config.json"
		config "$(filter_of "$word")"
		text=$(<"$BUNDLE/config.json")
		printf '%s' "${text/"$word"/"$value"}" >"$BUNDLE/config.json"
		try bounded "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
		((status < 124)) || { echo "$word: status $status" >&2; show; return 1; }
		((${#stderr} < 4000)) || { echo "$word: a message of ${#stderr} bytes" >&2; return 1; }
		[ ! -d "$ROOT/$ID" ]
	done
}

filter_of()
{
	case $1 in
	P1) echo '.linux.maskedPaths = ["P1"]' ;;
	P2) echo '.linux.readonlyPaths = ["P2"]' ;;
	P3) echo '.linux.cgroupsPath = "P3"' ;;
	P4) echo '.mounts += [{destination: "P4", type: "tmpfs", source: "x"}]' ;;
	P5) echo '.mounts += [{destination: "/m", type: "tmpfs", source: "P5"}]' ;;
	P6) echo '.mounts += [{destination: "/m", type: "tmpfs", source: "x", options: ["P6"]}]' ;;
	P7) echo '.mounts += [{destination: "/m", type: "bind", source: "P7", options: ["bind"]}]' ;;
	P8) echo '.linux.namespaces[0].path = "P8"' ;;
	P9) echo '.linux.devices = [{path: "P9", type: "c", major: 1, minor: 3}]' ;;
	Q1 | Q2) echo '.annotations = {"Q1": "Q2"} | .hooks.createContainer = [{path: "/bin/true"}]' ;;
	Q3) echo '.process.apparmorProfile = "Q3"' ;;
	Q4) echo '.process.selinuxLabel = "Q4"' ;;
	Q5) echo '.linux.mountLabel = "Q5"' ;;
	Q6 | Q7) echo '.linux.sysctl = {"net.Q6": "Q7"}' ;;
	Q8) echo '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: "Q8", syscalls: [{names: ["getpriority"], action: "SCMP_ACT_NOTIFY"}]}' ;;
	Q9) echo '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["Q9"], action: "SCMP_ACT_ERRNO"}]}' ;;
	R1) echo '.process.cwd = "R1"' ;;
	R2) echo '.root.path = "R2"' ;;
	R3) echo '.domainname = "R3"' ;;
	R4) echo '.hooks.createContainer = [{path: "R4"}]' ;;
	R5) echo '.hooks.createContainer = [{path: "/bin/true", args: ["true", "R5"]}]' ;;
	R6) echo '.hooks.createContainer = [{path: "/bin/true", env: ["A=R6"]}]' ;;
	R7 | R8) echo '.linux.resources = {unified: {"R7": "R8"}}' ;;
	R9) echo '.linux.resources = {rdma: {"R9": {hcaHandles: 1}}}' ;;
	S1 | S2) echo '.linux.netDevices = {"S1": {name: "S2"}}' ;;
	S3) echo '.process.capabilities.bounding = ["S3"]' ;;
	esac
}

# Many instead of long.
@test "json: lists of tens of thousands" {
	many=40000
	[ -z "$LONG" ] || many=200000
	for filter in '.process.env += [range(MANY) | "A\(.)=x"]' '.process.args += [range(MANY) | "a"]' '.mounts += [range(MANY) | {destination: "/m\(.)", type: "tmpfs"}] | .root.path = "nowhere"' \
		${LONG:+'.linux.maskedPaths = [range(MANY) | "/x\(.)"]'} '.process.user.additionalGids = [range(MANY)]' '.annotations = ([range(MANY) | {key: "k\(.)", value: "v"}] | from_entries)' \
		'.linux.resources.devices = [range(MANY) | {allow: true, type: "c", major: ., minor: ., access: "r"}]' '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [range(MANY / 4) | {names: ["read"], action: "SCMP_ACT_ERRNO", args: [{index: 0, value: ., op: "SCMP_CMP_EQ"}]}]}'; do
		cp "$TEST_DIR/good.json" "$BUNDLE/config.json"
		config "${filter//MANY/$many}"
		try timeout 20 sh -c 'ulimit -v 400000; exec "$@"' sh "${HUSK_CMD[@]}" run -b "$BUNDLE" "$ID"
		# 126: too much for the kernel's execve, and said so.
		((status < 124 || status == 126)) || { echo "$filter: status $status" >&2; show; return 1; }
		((${#stderr} < 4000))
		[ ! -d "$ROOT/$ID" ] || { echo "$filter: left its state" >&2; return 1; }
	done
}
