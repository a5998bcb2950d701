#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Who one is in husk sandbox, and who that is outside: ranges of ids, and the id of the machine.

load lib
load sandbox

setup() { sandbox_setup; }

# with_ids COMMAND...: in a mount namespace where these are the lines of /etc/subuid and /etc/subgid
with_ids()
{
	printf 'root:300000:2500\n%s:200000:2500\n' $SANDBOX_UID >"$TEST_DIR/subuid"
	sed 's/00000:/50000:/' "$TEST_DIR/subuid" >"$TEST_DIR/subgid"
	unshare -m sh -c 'mount --make-rprivate / && mount --bind "$1/subuid" /etc/subuid &&
		mount --bind "$1/subgid" /etc/subgid && shift && exec "$@"' sh "$TEST_DIR" "$@"
}

root_auto() { with_ids "${HUSK_TIMED[@]}" "$HUSK" sandbox --setenv HUSK_TEST "$T" "$@"; }

user_auto()
{
	with_ids setpriv --reuid $SANDBOX_UID --regid $SANDBOX_UID --clear-groups --inh-caps=-all --bounding-set=+all \
		env -u XDG_RUNTIME_DIR -u USER HOME="$TEST_DIR/home" "${HUSK_TIMED[@]}" "$USER_HUSK" sandbox "$@"
}

# maps: what a sandbox prints of its maps, without the blanks
show_maps='cat /proc/self/uid_map /proc/self/gid_map | tr -s " " | sed "s/^ //"'

@test "identity: ranges of ids" {
	ok sandbox --map-uid 0:100000:10 --map-uid 20:50 --map-gid 0:100000:10 --map-gid 30:60:2 sh -c "$show_maps"
	out_is $'0 100000 10\n20 50 1\n0 100000 10\n30 60 2'
}

@test "identity: files belong to who one is outside" {
	mkdir -m 777 open
	chmod 777 open
	ok sandbox --map-uid 0:100000:10 --map-gid 0:100100:10 --uid 3 --gid 4 --bind "$TEST_DIR/here/open" /o touch /o/x
	eq "$(stat -c %u:%g open/x)" 100003:100104
}

@test "identity: private directories are the program's, whoever it is" {
	ok sandbox --map-uid 0:100000:10 --map-gid 0:100000:10 --uid 3 --gid 4 --tmpfs /t \
		sh -c 'touch "$HOME/x" /run/x /tmp/x /t/x && stat -c %u:%g "$HOME" /run /t'
	out_is $'3:4\n3:4\n3:4'
}

@test "identity: the program has to be somebody" {
	fails sandbox --map-uid 1:100000:10 true
	err_has 'uid: 0 is not mapped'
	fails sandbox --map-uid 0:100000:10 --map-gid 0:100000:10 --gid 10 true
	err_has 'gid: 10 is not mapped'
	fails sandbox --map-uid 0:100000:10 --map-uid 5:7 true
	err_has uidMappings
	for range in 5 a:b 1:2:3:4 1: :1 1:2: 4294967296:1 "1:2 "; do
		fails sandbox --map-uid "$range" true
		err_has --map-uid
	done
}

@test "identity: a user's ranges are mapped by newuidmap" {
	requires_user_namespaces
	requires_program newuidmap newgidmap
	try user_auto --map-uid 0:200000:10 --map-gid 0:250000:10 --uid 1 --gid 2 sh -c "id -u; id -g; id -G; $show_maps"
	eq "$status" 0 || { show; return 1; }
	out_is $'1\n2\n2\n0 200000 10\n0 250000 10'
	# One's own group alone can be mapped without a range, and then groups stay as they are.
	try user_auto --map-uid $SANDBOX_UID:$SANDBOX_UID --map-uid 0:200000:10 sh -c "$show_maps"
	eq "$status" 0 || { show; return 1; }
	out_is "$SANDBOX_UID $SANDBOX_UID 1"$'\n0 200000 10\n'"$SANDBOX_UID $SANDBOX_UID 1"
}

@test "identity: a user cannot have ids that are not its own" {
	requires_user_namespaces
	requires_program newuidmap
	try user_auto --map-uid 0:300000:10 --map-gid 0:250000:10 --uid 0 --gid 0 true
	[ "$status" != 0 ]
	err_has newuidmap
}

@test "identity: --map-auto gives each sandbox ids that no other has" {
	mkfifo hold
	try root_auto --map-auto 1000 sh -c "$show_maps"
	eq "$status" 0 || { show; return 1; }
	out_is $'0 300000 1000\n0 350000 1000'
	with_ids sh -c '
		"$1" sandbox --map-auto 1000 --ro-bind "$PWD/hold" /hold sh -c "echo >ready1; cat /hold" --rw "$PWD" >/dev/null 2>&1 &
		exec 3>hold
		for n in 1 2 3; do
			"$1" sandbox --map-auto 1000 cat /proc/self/uid_map
		done
		exec 3>&-; wait' sh "$HUSK" | tr -s ' ' >maps
	# The first one has 300000 as long as it runs; 2500 ids have room for two.
	eq "$(sort -u maps)" " 0 301000 1000"
}

@test "identity: --map-auto for a user" {
	requires_user_namespaces
	requires_program newuidmap newgidmap
	try user_auto --map-auto 1000 --uid 5 --gid 6 sh -c "id -u; id -g; $show_maps; touch \$HOME/x"
	eq "$status" 0 || { show; return 1; }
	out_is $'5\n6\n0 200000 1000\n0 250000 1000'
	try user_auto --map-auto 3000 true
	[ "$status" != 0 ]
	err_has autoIds /etc/subuid
	fails usandbox --map-auto 1000 --map-uid 0:1 true
	err_has autoIds exclude
}

@test "identity: the machine's id can be another" {
	[ -e /etc/machine-id ] || skip "there is no /etc/machine-id to cover"
	ok sandbox --machine-id 0123456789abcdef0123456789abcdef cat /etc/machine-id
	out_is 0123456789abcdef0123456789abcdef
	ok sandbox --machine-id random cat /etc/machine-id
	local first=$output
	[[ $first =~ ^[0-9a-f]{32}$ ]]
	ok sandbox --machine-id random cat /etc/machine-id
	[ "$output" != "$first" ]
	requires_user_namespaces
	ok usandbox --machine-id 0123456789abcdef0123456789abcdef cat /etc/machine-id
	out_is 0123456789abcdef0123456789abcdef
	fails sandbox --machine-id 0123 true
	err_has machineId
}

@test "identity: as JSON, and planned" {
	ok sandbox --map-uid 0:100000:10 --map-gid 0:7 --machine-id random --print-config true
	echo "$output" >one.json
	eq "$(jq -c '[.uidRanges, .gidRanges, .machineId]' one.json)" \
		'[[{"inside":0,"outside":100000,"count":10}],[{"inside":0,"outside":7}],"random"]'
	ok husk sandbox --config one.json --print-config
	eq "$(jq -S . <<<"$output")" "$(jq -S . one.json)"
	ok husk sandbox --config one.json --dry-run
	out_has 100000
	ok husk sandbox --map-auto 7 --print-config true
	eq "$(jq .autoIds <<<"$output")" 7
}
