#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# User namespaces: what their ids may and may not reach, and which mappings are
# refused. Class of CVE-2018-18955, CVE-2022-0185, CVE-2014-8989.

load lib

setup()
{
	integration_setup
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
}

maps() { config --argjson u "$1" --argjson g "${2:-$1}" '.linux.uidMappings = $u | .linux.gidMappings = $g'; }

# Shown to detect: each is followed by one that is taken.
@test "userns: mappings that overlap, wrap, are empty or too many are refused" {
	for map in '[]' '[{"containerID":0,"hostID":100000,"size":0}]' '[{"containerID":0,"hostID":4294967295,"size":2}]' \
		'[{"containerID":4294967295,"hostID":100000,"size":1}]' '[{"containerID":0,"hostID":4294967000,"size":1000}]' \
		'[{"containerID":0,"hostID":100000,"size":4294967296}]' '[{"containerID":-1,"hostID":100000,"size":1}]' '[{"containerID":0,"hostID":-1,"size":1}]' \
		'[{"containerID":0,"hostID":100000,"size":10},{"containerID":5,"hostID":200000,"size":10}]' \
		'[{"containerID":0,"hostID":100000,"size":10},{"containerID":10,"hostID":100005,"size":10}]' \
		'[{"containerID":0,"hostID":100000,"size":1},{"containerID":0,"hostID":100000,"size":1}]' \
		"$(jq -nc '[range(341) | {containerID: ., hostID: (100000 + .), size: 1}]')"; do
		maps "$map"
		fails c_run
		maps '[{"containerID":0,"hostID":100000,"size":65536}]' "$map"
		fails c_run
	done
	# The kernel takes a page of text, too.
	maps "$(jq -nc '[range(340) | {containerID: ., hostID: (1000 + .), size: 1}]')"
	ok c_run
	control "340 mappings"
}

@test "userns: mappings without the namespace, or only for one kind of id, are refused" {
	config 'del(.linux.gidMappings)'
	fails c_run
	config '.linux.gidMappings = .linux.uidMappings | del(.linux.uidMappings)'
	fails c_run
	config '.linux.uidMappings = .linux.gidMappings | .linux.namespaces |= map(select(.type != "user"))'
	fails c_run
	config '.linux.namespaces += [{type: "user"}]'
	ok c_run
	control "with the namespace"
}

# The container's root is nobody on the host.
# Shown to detect: without the namespace the same succeeds.
@test "userns: root inside cannot touch what belongs to the host's root" {
	mkdir "$TEST_DIR/vol" "$ROOTFS/vol"
	echo mine >"$TEST_DIR/vol/file"
	chmod 600 "$TEST_DIR/vol/file"
	echo set-uid >"$TEST_DIR/vol/program"
	chmod 4755 "$TEST_DIR/vol/program"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind"]}]'
	script 'cat /vol/file; echo x >>/vol/file; touch /vol/new; chown 0 /vol/file; chmod 777 /vol/file; mknod /tmp/n b 8 0; stat -c %u /vol/file; echo end' "$WITH_CAPS"
	ok c_run
	out_is $'65534\nend'
	eq "$(cat "$TEST_DIR/vol/file"; stat -c '%u %a' "$TEST_DIR/vol/file"; ls "$TEST_DIR/vol")" $'mine\n0 600\nfile\nprogram'
	config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
	try c_run
	out_has mine
	[ -e "$TEST_DIR/vol/new" ]
	control "without the namespace"
}

@test "userns: process ids that are not mapped are refused, not taken as the overflow id" {
	for user in '{"uid":65536,"gid":0}' '{"uid":0,"gid":65536}' '{"uid":100000,"gid":0}' '{"uid":4294967294,"gid":0}' '{"uid":0,"gid":0,"additionalGids":[65536]}'; do
		config --argjson u "$user" '.process.user = $u'
		fails c_run
	done
	config '.process.user = {uid: 65535, gid: 65535, additionalGids: [65535]}'
	script id
	ok c_run
	out_has "uid=65535"
	control "the last id that is mapped"
}

# The ids of an idmapped mount: no further than the mapping that was given.
# Shown to detect: the files that are made show which ids were in force.
@test "userns: an idmapped mount gives no more than its mapping" {
	"$(helper probe)" idmap "$TEST_DIR" >/dev/null || skip "needs test VM: a file system that can be idmapped"
	mkdir "$TEST_DIR/vol" "$ROOTFS/vol"
	chmod 777 "$TEST_DIR/vol"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["bind", "idmap"],
		uidMappings: [{containerID: 0, hostID: 100000, size: 10}], gidMappings: [{containerID: 0, hostID: 100000, size: 10}]}]'
	script 'touch /vol/root; chown 5 /vol/root && echo five; chown 50 /vol/root || echo refused' "$WITH_CAPS"
	ok c_run
	out_has five refused
	eq "$(stat -c %u "$TEST_DIR/vol/root")" 5
	control "ids in force"
	for options in '["bind", "idmap=uids=0-0-4294967296;gids=0-0-1"]' '["bind", "idmap=uids=0--1-1;gids=0-0-1"]' '["bind", "idmap=uids=0-0;gids=0-0-1"]' '["bind", "idmap=uids=0-0-1#0-0-1;gids=0-0-1"]' '["bind","idmap=uids=@0-65530-10;gids=@0-0-1"]' '["bind","idmap=uids=@70000-0-1;gids=@0-70000-1"]'; do
		config --argjson o "$options" '.mounts[-1] |= (del(.uidMappings, .gidMappings) | .options = $o)'
		fails c_run
	done
}

# A user without privileges may only drop groups where the administrator said so:
# else a file that the group may NOT read would open (CVE-2014-8989).
# Shown to detect: the control has the group and is refused.
@test "userns: rootless, groups cannot be dropped" {
	config 'del(.linux.namespaces[] | select(.type == "user"))'
	rootless_setup
	script 'id -G; cat /proc/self/setgroups'
	try setpriv --reuid 1000 --regid 1000 --groups 1000,4242 --inh-caps=-all --bounding-set=+all \
		env XDG_RUNTIME_DIR="$TEST_DIR/xdg" "$HUSK" --root "$TEST_DIR/xdg/root" run -b "$BUNDLE" "$ID"
	eq "$status" 0
	out_has deny 65534
	config '.process.user.additionalGids = [0]'
	fails user_husk run -b "$BUNDLE" "$ID"
	echo secret >"$TEST_DIR/secret"
	chown 0:4242 "$TEST_DIR/secret"
	chmod 604 "$TEST_DIR/secret"
	try setpriv --reuid 1000 --regid 1000 --groups 1000,4242 --inh-caps=-all cat "$TEST_DIR/secret"
	[ "$status" != 0 ]
	control "the group that must not be dropped"
}

# A mapping that is not the user's (/etc/subuid) is the kernel's to refuse; that
# husk does not work around it is seen by what runs then: nothing.
@test "userns: rootless, other users' ids cannot be mapped" {
	config 'del(.linux.namespaces[] | select(.type == "user"))'
	rootless_setup
	for map in '[{"containerID":0,"hostID":0,"size":1}]' '[{"containerID":0,"hostID":1001,"size":1}]' '[{"containerID":0,"hostID":1000,"size":2}]' '[{"containerID":0,"hostID":1000,"size":1},{"containerID":1,"hostID":0,"size":1}]'; do
		maps "$map"
		chown 1000:1000 "$BUNDLE/config.json"
		script 'echo RUNNING'
		try user_husk run -b "$BUNDLE" "$ID"
		[ "$status" != 0 ]
		out_lacks RUNNING
	done
}

# The parent writes the maps of a child that has made itself untraceable: as a
# normal user it may only do so in time.
# Shown to detect: by running it. A setup that always fails is found as well.
@test "userns: rootless runs do not fail by chance" {
	config 'del(.linux.namespaces[] | select(.type == "user"))'
	rootless_setup
	for i in {1..25}; do
		try user_husk run -b "$BUNDLE" "$ID"
		[ "$status" = 0 ] || { echo "run $i" >&2; show; return 1; }
	done
}

# What was entered from outside has the same ids.
# Shown to detect: nsenter(1) without the user namespace is root.
@test "userns: exec is in the user namespace, too" {
	c_sleeper
	ok husk exec "$ID" sh -c 'cat /proc/self/uid_map | tr -s " "; touch /tmp/mine'
	out_is " 0 100000 65536"
	eq "$(stat -c %u "$ROOTFS/tmp/mine")" 100000
	bg_exec --pid-file "$TEST_DIR/pid" "$ID" sleep 100
	wait_for test -s "$TEST_DIR/pid"
	wait_for grep -q sleep "/proc/$(cat "$TEST_DIR/pid")/comm"
	eq "$(awk '/^Uid:/ { print $2, $3, $4, $5 }' "/proc/$(cat "$TEST_DIR/pid")/status")" "100000 100000 100000 100000"
	end_exec
	nsenter -t "$(pid_of)" -m touch /tmp/theirs
	[ "$(stat -c %u "$ROOTFS/tmp/theirs")" = 0 ]
	control nsenter
}
