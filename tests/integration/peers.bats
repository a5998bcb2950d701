#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What README.md says about crun 1.8.1 and runc 1.1.5, Debian 12's, shown with one configuration for all three.

load lib

setup()
{
	requires_program crun runc
	[[ $(crun --version) == *"version 1.8.1"* ]] || skip "needs crun 1.8.1"
	[[ $(runc --version) == *"version 1.1.5"* ]] || skip "needs runc 1.1.5"
	integration_setup
	# runc takes no root that is a link.
	config --arg r "$(realpath "$ROOTFS")" '.root.path = $r'
	requires_peer crun
}

@test "peers: verbs" {
	for runtime in "$HUSK" crun runc; do
		ok "$runtime" --help
		for verb in create start run exec kill delete state list ps pause resume update spec; do
			[[ $output =~ (^|$'\n')[[:space:]]+"$verb"[[:space:]] ]] || { echo "$runtime: $verb" >&2; return 1; }
		done
	done
	ok runc --help
	out_has events features checkpoint restore
	ok crun --help
	for verb in events features checkpoint restore; do
		out_lacks "$verb"
	done
}

@test "peers: scheduler is ignored by both" {
	script 'grep ^policy /proc/self/sched' '.process.scheduler = {policy: "SCHED_BATCH"}'
	ok c_run
	out_has 3
	for runtime in crun runc; do
		ok peer $runtime
		out_lacks 3
	done
}

@test "peers: idmapped mounts are ignored by runc" {
	mkdir "$TEST_DIR/vol"
	"$(helper probe)" idmap "$TEST_DIR/vol" >/dev/null || skip "needs a file system that can be idmapped"
	script 'stat -c %u /vol' '.'
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/vol", type: "bind", source: $s, options: ["rbind"],
		uidMappings: [{containerID: 0, hostID: 1000, size: 10}], gidMappings: [{containerID: 0, hostID: 1000, size: 10}]}]'
	ok c_run
	out_is 1000
	ok peer crun
	out_is 1000
	ok peer runc
	out_is 0
}

@test "peers: recursive mount attributes are known to all" {
	config '.mounts += [{destination: "/tmp", type: "bind", source: "/usr", options: ["rbind", "rro"]}]'
	ok c_run
	ok peer crun
	ok peer runc
}

@test "peers: time namespaces fail in both" {
	config '.linux.namespaces += [{type: "time"}]'
	ok c_run
	fails peer crun
	fails peer runc
}

# Each: husk refuses it, and which of the peers runs the program all the same.
@test "peers: values that are none" {
	while IFS='|' read -r crun runc filter; do
		cp "$BUNDLE/config.json" "$TEST_DIR/before.json"
		config "$filter"
		fails c_run
		"$crun" peer crun || { echo "crun: $filter" >&2; return 1; }
		"$runc" peer runc || { echo "runc: $filter" >&2; return 1; }
		cp "$TEST_DIR/before.json" "$BUNDLE/config.json"
	done <<-'END'
		ok|ok|.process.capabilities.bounding += ["CAP_NONSENSE"]
		ok|fails|.linux.rootfsPropagation = "nonsense"
		ok|fails|.linux.resources.memory.limit = "64m"
		ok|ok|.process.scheduler = {policy: "NONSENSE"}
		ok|ok|.linux.memoryPolicy = {mode: "MPOL_NONSENSE", nodes: "0"}
		ok|ok|.linux.netDevices = {"nonsense0": {}}
		ok|ok|.process.ioPriority = {class: "NONSENSE"}
		ok|fails|.linux.intelRdt = {closID: "nonsense", l3CacheSchema: "L3:0=f"}
		fails|fails|.process.rlimits = [{type: "RLIMIT_NONSENSE", soft: 1, hard: 1}]
	END
}
