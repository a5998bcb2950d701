#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Roots of husk sandbox that are bundles and images of OCI, and its clocks.

load lib
load sandbox

setup()
{
	sandbox_setup
	CACHE=$TEST_DIR/cache
	mkdir -m 755 tree tree/{bin,etc,data,proc,dev,tmp,run}
	cp "$(command -v busybox)" tree/bin/ 2>/dev/null || skip "needs a static busybox"
	for applet in true sh cat id env pwd ls touch uptime hostname; do ln -s busybox tree/bin/$applet; done
	echo 'app:x:1234:1235::/data:/bin/sh' >tree/etc/passwd
}

# image: layout/ with the tags "base" and "latest"; who runs it is not root
image()
{
	requires_program umoci
	rmdir tree/{proc,dev,tmp,run}
	{
		umoci init --layout layout && umoci new --image layout:base && umoci insert --image layout:base tree / &&
			umoci config --image layout:base --tag latest --config.user app --config.env GREETING=hello \
				--config.workingdir /data --config.entrypoint /bin/sh --config.cmd -c \
				--config.cmd 'id -u; id -g; pwd; echo $GREETING $HOME'
	} >umoci.log 2>&1 || { cat umoci.log >&2; return 1; }
	chmod -R a+rX layout
}

bundle()
{
	mkdir -m 755 bundle
	mv tree bundle/root
	jq -n '{ociVersion: "1.0.2", hostname: "bundled", linux: {namespaces: [{type: "uts"}, {type: "mount"}]}, root: {path: "root"}, process: {cwd: "/data", user: {uid: 7, gid: 8},
		args: ["sh", "-c", "id -u; id -g; pwd; hostname; echo $FROM"], env: ["FROM=bundle", "PATH=/bin", "A=b=c"]}}' \
		>bundle/config.json
}

@test "image: its command, user, directory and environment" {
	image
	ok sandbox --image-cache "$CACHE" --image layout
	out_is $'1234\n1235\n/data\nhello /data'
	ok sandbox --image-cache "$CACHE" --image layout:latest --setenv GREETING bye --uid 5 --gid 6 --chdir /
	out_is $'5\n6\n/\nbye /data'
	ok sandbox --image-cache "$CACHE" --image layout --keepenv KEPT cat /etc/passwd
	out_has app:x:1234
	# Nothing of the caller's environment but the terminal.
	export KEPT=yes LANG=C.UTF-8
	ok sandbox --image-cache "$CACHE" --image layout --keepenv KEPT env
	out_has KEPT=yes GREETING=hello
	out_lacks LANG= LOGNAME=
	ok sandbox --image-cache "$CACHE" --image layout:base ls /
	out_has proc tmp run dev
	fails sandbox --image-cache "$CACHE" --image layout touch /new
	err_has Read-only
}

@test "image: as a user" {
	image
	requires_user_namespaces
	ok usandbox --image "$PWD/layout"
	out_is $'1234\n1235\n/data\nhello /data'
	[ -d "$TEST_DIR/home/.cache/husk/images" ]
	ok usandbox --image "$PWD/layout" --uid 0 --gid 0 id -u
	out_is 0
	# It was owned by this user as it is unpacked, and nobody may give another root.
	chmod 777 "$TEST_DIR/home/.cache/husk/images"
	fails usandbox --image "$PWD/layout" true
	err_has "image cache"
}

@test "image: is unpacked once, and again when the tag is another image" {
	image
	for _ in 1 2 3 4; do husk sandbox --image-cache "$CACHE" --image layout true & done
	wait
	eq "$(ls -A "$CACHE" | grep -c ^sha256-)" 1
	local first
	first=$(stat -c %i "$CACHE"/sha256-*/rootfs)
	ok sandbox --image-cache "$CACHE" --image layout true
	eq "$(stat -c %i "$CACHE"/sha256-*/rootfs)" "$first"
	umoci config --image layout:latest --config.env GREETING=changed >/dev/null 2>&1
	ok sandbox --image-cache "$CACHE" --image layout
	out_has changed
	eq "$(ls -A "$CACHE" | wc -l)" 2
}

@test "image: one that cannot be unpacked leaves nothing" {
	image
	fails sandbox --image-cache "$CACHE" --image layout:none true
	err_has layout none
	fails sandbox --image-cache "$CACHE" --image nowhere true
	err_has nowhere/index.json
	fails sandbox --image-cache relative --image layout true
	err_has imageCache
	# What a broken run would have left is no obstacle.
	mkdir -p -m 755 "$CACHE/.unpacking/rootfs/locked"
	touch "$CACHE/.unpacking/rootfs/locked/file"
	chmod 000 "$CACHE/.unpacking/rootfs/locked"
	for blob in layout/blobs/sha256/*; do
		if gzip -t "$blob" 2>/dev/null; then echo broken >"$blob"; fi
	done
	fails sandbox --image-cache "$CACHE" --image layout true
	err_has umoci layout
	eq "$(ls -A "$CACHE")" ""
	jq '.manifests[].digest = "sha256:../../x"' layout/index.json >index && cp index layout/index.json
	fails sandbox --image-cache "$CACHE" --image layout true
	err_has digest
}

@test "bundle: its command, user, directory, environment and name" {
	bundle
	ok sandbox --bundle bundle
	out_is $'7\n8\n/data\nbundled\nbundle'
	ok sandbox --bundle "$PWD/bundle" --hostname other --setenv FROM option --uid 0 --gid 0
	out_is $'0\n0\n/data\nother\noption'
	ok sandbox --bundle bundle sh -c 'echo $A'
	out_is b=c
	requires_user_namespaces
	ok usandbox --bundle "$PWD/bundle"
	out_is $'7\n8\n/data\nbundled\nbundle'
}

@test "bundle: is isolated as every sandbox, whatever its configuration says" {
	bundle
	jq '.process.capabilities.bounding = ["CAP_SYS_ADMIN"] | .process.args = ["cat", "/proc/self/status"] |
		.mounts = [{destination: "/data", type: "bind", source: "/etc", options: ["bind"]}]' bundle/config.json >c &&
		mv c bundle/config.json
	ok sandbox --bundle bundle
	out_has $'CapBnd:\t0000000000000000' $'NoNewPrivs:\t1' $'Seccomp:\t2'
	ok sandbox --bundle bundle ls /data
	out_is ''
}

@test "bundle: what is wrong is named" {
	bundle
	fails sandbox --bundle nowhere true
	err_has nowhere
	fails sandbox --bundle bundle --rootfs / true
	err_has "only one"
	echo '{"ociVersion": "1.0.2", "process": {"args": "x"}}' >bundle/config.json
	fails sandbox --bundle bundle true
	err_has bundle process.args
	rm bundle/config.json
	fails sandbox --bundle bundle true
	err_has config.json
}

@test "image: as JSON" {
	ok husk sandbox --image layout:tag --image-cache /cache --time-offset -5 --print-config true
	eq "$(jq -c '[.image, .imageCache, .timeOffsetSec]' <<<"$output")" '["layout:tag","/cache",-5]'
	bundle
	ok husk sandbox --bundle bundle --print-config
	eq "$(jq -c . <<<"$output")" '{"bundle":"bundle"}'
	ok husk sandbox --bundle bundle --dry-run
	out_has bundled /bundle/root
}

@test "clocks: those that count from boot can begin elsewhere" {
	[ -e /proc/self/ns/time ] || skip "this kernel has no time namespaces"
	local own script='read -r up _ </proc/uptime; echo "${up%.*}"'
	own=$(sh -c "$script")
	ok sandbox --time-offset 1000000 sh -c "$script"
	((output >= own + 1000000 && output < own + 1001000))
	requires_user_namespaces
	ok usandbox --time-offset 1000000 sh -c "$script"
	((output >= own + 1000000 && output < own + 1001000))
	ok usandbox --time-offset 1000000 --uid 5 id -u
	out_is 5
	exits 3 sandbox --time-offset 5 sh -c 'exit 3'
}
