#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mounts[]: every option, every kind of source and destination.

load lib

# mount_is POINT OPTIONS [TYPE [SOURCE]]: a mount entry more
mount_add()
{
	config --arg d "$1" --arg o "$2" --arg t "${3:-tmpfs}" --arg s "${4:-tmpfs}" \
		'.mounts += [{destination: $d, type: $t, source: $s, options: ($o | split(" ") | map(select(. != "")))}]'
}

bind_add() { mount_add "$1" "$2" bind "$3"; }

# The container prints the line of its mountinfo for a point: "root options
# propagation type super-options".
show_mount()
{
	script 'while read -r id parent dev root point opts rest; do
		[ "$point" = '"$1"' ] && echo "$root $opts $rest"; done </proc/self/mountinfo; '"${2:-:}"
}

# opt WORD: in the per-mount options; sopt: in those of the file system
opt() { [[ ,$(cut -d' ' -f2 <<<"$output" | tail -n 1), == *,$1,* ]] || { show; return 1; }; }
no_opt() { [[ ,$(cut -d' ' -f2 <<<"$output" | tail -n 1), != *,$1,* ]] || { show; return 1; }; }
sopt() { [[ ,$(sed 's/.* //' <<<"$output" | tail -n 1), == *,$1,* ]] || { show; return 1; }; }

volume()
{
	mkdir -p "$TEST_DIR/vol/sub"
	echo data >"$TEST_DIR/vol/file"
}

@test "mounts: each of ro nosuid nodev noexec noatime nodiratime strictatime" {
	mount_add /a "ro"
	mount_add /b "nosuid nodev noexec"
	mount_add /c "noatime"
	mount_add /d "nodiratime"
	mount_add /e "strictatime"
	mount_add /f "relatime"
	show_mount /a
	script 'grep -E " /[a-f] " /proc/self/mountinfo | cut -d" " -f5,6 | sort'
	ok c_run
	out_is "/a ro,relatime
/b rw,nosuid,nodev,noexec,relatime
/c rw,noatime
/d rw,nodiratime,relatime
/e rw
/f rw,relatime"
}

@test "mounts: the opposites rw suid dev exec atime diratime" {
	# crun 1.8.1: fails because a flag once set stays
	mount_add /a "ro nosuid nodev noexec noatime nodiratime rw suid dev exec relatime diratime"
	show_mount /a
	ok c_run
	eq "$(cut -d' ' -f2 <<<"$output")" rw,relatime
}

@test "mounts: the last of contradicting options wins" {
	# crun 1.8.1: fails because a flag once set stays
	mount_add /a "rw ro"
	mount_add /b "ro rw"
	script 'grep -E " /[ab] " /proc/self/mountinfo | cut -d" " -f5,6 | sort'
	ok c_run
	out_is $'/a ro,relatime\n/b rw,relatime'
}

@test "mounts: sync, dirsync, lazytime and their opposites" {
	# crun 1.8.1: fails because it does not know loud, silent and iversion
	mount_add /a "sync dirsync"
	mount_add /b "lazytime"
	mount_add /c "async defaults loud silent nolazytime noiversion norelatime nostrictatime"
	script 'grep -E " /[abc] " /proc/self/mountinfo | sed "s/.* - //" | sort'
	ok c_run
	out_has sync dirsync lazytime
}

@test "mounts: mand and nomand are taken" {
	# Linux 5.15 took mandatory locking away; the word must not break a configuration.
	mount_add /a "mand"
	mount_add /b "nomand"
	ok c_run
}

@test "mounts: nosymfollow" {
	# crun 1.8.1: may fail because it passes the word on as data
	mount_add /a "nosymfollow"
	script 'ln -s /etc/passwd /a/link; cat /a/link; ls /a'
	ok c_run
	out_is link
}

@test "mounts: data options reach the file system" {
	mount_add /a "size=64k mode=1700 uid=5 gid=6"
	show_mount /a 'stat -c %a:%u:%g /a'
	ok c_run
	out_has size=64k 1700:5:6
}

@test "mounts: an unknown option of a file system is an error that names the place" {
	# crun 1.8.1: fails because it names the destination without its slash
	mount_add /a "no_such_option_at_all"
	fails c_run
	err_has /a
}

@test "mounts: an unknown file system is an error that names it" {
	# crun 1.8.1: fails because it does not name the type
	mount_add /a "" nosuchfs none
	fails c_run
	err_has nosuchfs
}

@test "mounts: in listed order, later over earlier" {
	mount_add /a ""
	mount_add /a/b ""
	mount_add /a/b/c "ro"
	script 'grep -c " /a" /proc/self/mountinfo; touch /a/b/x; ls /a/b'
	ok c_run
	out_is $'3\nc\nx'
}

@test "mounts: a destination that covers an earlier one" {
	mount_add /a/b ""
	mount_add /a ""
	script 'ls /a | wc -l'
	ok c_run
	out_is 0
}

@test "mounts: a relative destination is taken from /" {
	mount_add rel/point ""
	show_mount /rel/point
	ok c_run
	opt rw
}

@test "mounts: missing destinations are made" {
	mount_add /deep/er/point ""
	ok c_run
	[ -d "$ROOTFS/deep/er/point" ]
}

@test "mounts: bind of a directory" {
	volume
	bind_add /vol "bind" "$TEST_DIR/vol"
	script 'cat /vol/file; echo new >/vol/made'
	ok c_run
	out_is data
	eq "$(cat "$TEST_DIR/vol/made")" new
}

@test "mounts: bind of a single file, over a missing and an existing one" {
	volume
	bind_add /etc/new/name "bind" "$TEST_DIR/vol/file"
	bind_add /etc/group "bind" "$TEST_DIR/vol/file"
	script 'cat /etc/new/name /etc/group'
	ok c_run
	out_is $'data\ndata'
	grep -q root "$ROOTFS/etc/group"
}

@test "mounts: the option makes it a bind, whatever the type" {
	volume
	mount_add /a "rbind" none "$TEST_DIR/vol"
	config --arg s "$TEST_DIR/vol" '.mounts += [{destination: "/b", source: $s, options: ["bind"]}]'
	script 'cat /a/file /b/file'
	ok c_run
	out_is $'data\ndata'
}

@test "mounts: a relative bind source is taken from the bundle" {
	mkdir "$BUNDLE/inside"
	echo near >"$BUNDLE/inside/file"
	bind_add /vol "bind" inside
	script 'cat /vol/file'
	cd /
	ok c_run
	out_is near
}

@test "mounts: a missing bind source is named" {
	bind_add /vol "bind" "$TEST_DIR/missing-source"
	fails c_run
	err_has missing-source "no such file"
}

@test "mounts: a bind of a directory over a file is refused" {
	# crun 1.8.1: fails because it names the destination without its slash
	volume
	bind_add /etc/passwd "bind" "$TEST_DIR/vol"
	fails c_run
	err_has /etc/passwd
}

@test "mounts: bind options ro nosuid nodev noexec" {
	volume
	bind_add /vol "bind ro nosuid nodev noexec" "$TEST_DIR/vol"
	show_mount /vol 'touch /vol/x; cp /bin/busybox /tmp/true'
	ok c_run
	opt ro
	opt nosuid
	opt nodev
	opt noexec
	err_has "read-only"
	[ ! -e "$TEST_DIR/vol/x" ]
}

@test "mounts: bind of a source that is ro on the host can be used as it is" {
	volume
	mount --bind "$TEST_DIR/vol" "$TEST_DIR/vol"
	mount -o remount,bind,ro,nosuid "$TEST_DIR/vol"
	bind_add /vol "bind" "$TEST_DIR/vol"
	show_mount /vol 'cat /vol/file'
	try c_run
	umount "$TEST_DIR/vol"
	eq "$status" 0
	out_has data
}

@test "mounts: bind takes one mount, rbind what is below too" {
	volume
	mount -t tmpfs inner "$TEST_DIR/vol/sub"
	touch "$TEST_DIR/vol/sub/below"
	bind_add /one "bind" "$TEST_DIR/vol"
	bind_add /all "rbind" "$TEST_DIR/vol"
	script 'ls /one/sub | wc -l; ls /all/sub'
	try c_run
	umount "$TEST_DIR/vol/sub"
	eq "$status" 0
	out_is $'0\nbelow'
}

# recursive WORDS: the options of the upper and the lower mount of an rbind
recursive()
{
	volume
	mount -t tmpfs -o "${2:-rw}" inner "$TEST_DIR/vol/sub"
	bind_add /all "rbind $1" "$TEST_DIR/vol"
	script 'grep -E " /all(/sub)? " /proc/self/mountinfo | cut -d" " -f5,6'
	try c_run
	umount "$TEST_DIR/vol/sub"
	eq "$status" 0
	upper=$(sed -n 's/^\/all //p' <<<"$output")
	lower=$(sed -n 's/^\/all\/sub //p' <<<"$output")
}

@test "mounts: ro reaches the upper mount only, rro all" {
	recursive "ro"
	eq "${upper%%,*} ${lower%%,*}" "ro rw"
}

@test "mounts: rro" {
	recursive "rro"
	eq "${upper%%,*} ${lower%%,*}" "ro ro"
}

@test "mounts: rnosuid rnodev rnoexec" {
	recursive "rnosuid rnodev rnoexec"
	for have in "$upper" "$lower"; do
		[[ ,$have, == *,nosuid,nodev,noexec,* ]]
	done
}

@test "mounts: rrw rsuid rdev rexec" {
	recursive "rrw rsuid rdev rexec" "ro,nosuid,nodev,noexec"
	eq "${lower%%,*}" rw
	[[ ,$lower, != *,no[sde]* ]]
}

@test "mounts: rnoatime rnodiratime" {
	# crun 1.8.1: fails because it does not clear the old atime bits
	recursive "rnoatime rnodiratime"
	for have in "$upper" "$lower"; do
		[[ ,$have, == *,noatime,nodiratime,* ]]
	done
}

@test "mounts: rstrictatime and rrelatime" {
	# crun 1.8.1: fails because it does not clear the old atime bits
	recursive "rstrictatime" noatime
	[[ ,$lower, != *atime* ]]
	make_bundle_again
	recursive "rrelatime" noatime
	[[ ,$lower, == *,relatime,* ]]
}

make_bundle_again()
{
	rm -rf "$BUNDLE" "$TEST_DIR/vol"
	make_bundle "$BUNDLE"
}

@test "mounts: ratime, rdiratime and the other words without effect are taken" {
	# crun 1.8.1: fails because it does not clear the old atime bits
	recursive "ratime rdiratime rnorelatime rnostrictatime"
}

@test "mounts: rnosymfollow" {
	# crun 1.8.1: fails because it has no effect
	recursive "rnosymfollow"
	[[ ,$lower, == *,nosymfollow,* ]]
}

@test "mounts: rsymfollow" {
	recursive "rsymfollow"
}

# propagation WORDS: the optional fields of mountinfo for /vol
propagation()
{
	volume
	bind_add /vol "$1" "$TEST_DIR/vol"
	script 'grep " /vol " /proc/self/mountinfo | sed "s/ - .*//" | cut -d" " -f7-' '.linux.rootfsPropagation = "private"'
	ok c_run
}

@test "mounts: propagation private, the default" {
	propagation "rbind"
	out_is ""
}

@test "mounts: propagation shared" {
	propagation "rbind shared"
	[[ $output =~ ^shared:[0-9]+$ ]]
}

@test "mounts: propagation rshared" {
	propagation "rbind rshared"
	[[ $output =~ shared:[0-9]+ ]]
}

@test "mounts: propagation unbindable" {
	propagation "rbind unbindable"
	out_is unbindable
	make_bundle_again
	propagation "rbind runbindable"
	out_is unbindable
}

@test "mounts: propagation slave of a shared mount" {
	volume
	mount --bind "$TEST_DIR/vol" "$TEST_DIR/vol"
	mount --make-shared "$TEST_DIR/vol"
	bind_add /vol "rbind rslave" "$TEST_DIR/vol"
	script 'grep " /vol " /proc/self/mountinfo | sed "s/ - .*//" | cut -d" " -f7-' '.linux.rootfsPropagation = "rslave"'
	try c_run
	umount "$TEST_DIR/vol"
	eq "$status" 0
	[[ $output =~ ^master:[0-9]+ ]]
}

@test "mounts: a slave sees what the host mounts later, the host nothing of it" {
	volume
	mount --bind "$TEST_DIR/vol" "$TEST_DIR/vol"
	mount --make-shared "$TEST_DIR/vol"
	bind_add /vol "rbind rslave" "$TEST_DIR/vol"
	c_sleeper "$ID" '.linux.rootfsPropagation = "rslave"'
	mount -t tmpfs later "$TEST_DIR/vol/sub"
	touch "$TEST_DIR/vol/sub/late"
	try husk exec "$ID" ls /vol/sub
	try_out=$output
	umount "$TEST_DIR/vol/sub"
	umount "$TEST_DIR/vol"
	eq "$try_out" late
}

@test "mounts: private sees nothing of later mounts" {
	volume
	bind_add /vol "rbind rprivate" "$TEST_DIR/vol"
	c_sleeper
	mount -t tmpfs later "$TEST_DIR/vol/sub"
	touch "$TEST_DIR/vol/sub/late"
	try husk exec "$ID" ls /vol/sub
	umount "$TEST_DIR/vol/sub"
	eq "$status$output" 0
}

@test "mounts: remount changes the options of an earlier mount" {
	mount_add /a ""
	mount_add /a "remount ro nosuid"
	show_mount /a
	ok c_run
	opt ro
	opt nosuid
	eq "$(wc -l <<<"$output")" 1
}

@test "mounts: bind remount" {
	volume
	bind_add /vol "bind" "$TEST_DIR/vol"
	bind_add /vol "bind remount ro" "$TEST_DIR/vol"
	show_mount /vol
	ok c_run
	opt ro
	eq "$(wc -l <<<"$output")" 1
}

@test "mounts: bind remount without a source" {
	# crun 1.8.1: fails because it does nothing for a remount of type bind
	volume
	bind_add /vol "bind" "$TEST_DIR/vol"
	config '.mounts += [{destination: "/vol", options: ["remount", "bind", "ro"]},
		{destination: "/vol", type: "bind", options: ["remount", "nosuid"]}]'
	show_mount /vol
	ok c_run
	opt ro
	opt nosuid
	eq "$(wc -l <<<"$output")" 1
}

@test "mounts: tmpcopyup brings the contents along" {
	mkdir -p "$ROOTFS/data/sub"
	echo one >"$ROOTFS/data/file"
	echo two >"$ROOTFS/data/sub/file"
	ln -s file "$ROOTFS/data/link"
	chmod 640 "$ROOTFS/data/file"
	mount_add /data "tmpcopyup"
	show_mount /data 'cat /data/file /data/sub/file /data/link; stat -c %a /data/file; readlink /data/link; echo x >/data/new'
	ok c_run
	out_has $'one\ntwo\none\n640\nfile' tmpfs
	[ ! -e "$ROOTFS/data/new" ]
}

@test "mounts: tmpcopyup with ro" {
	# crun 1.8.1: may fail because it makes the mount read-only before it copies
	mkdir "$ROOTFS/data"
	echo one >"$ROOTFS/data/file"
	mount_add /data "tmpcopyup ro"
	show_mount /data 'cat /data/file; touch /data/x'
	try c_run
	opt_line=$(head -n 1 <<<"$output")
	[[ $opt_line == *" ro,"* || $opt_line == *" ro "* ]]
	out_has one
	err_has "read-only"
}

@test "mounts: tmpcopyup of a big file and an odd name" {
	mkdir "$ROOTFS/data"
	head -c 3000000 /dev/urandom >"$ROOTFS/data/big"
	touch "$ROOTFS/data/"$'odd\nname'
	mount_add /data "tmpcopyup"
	script 'cat /data/big; set -- /data/*; echo $# >&2'
	eq "$(husk run -b "$BUNDLE" "$ID" 2>"$TEST_DIR/err" | cksum)" "$(cksum <"$ROOTFS/data/big")"
	eq "$(cat "$TEST_DIR/err")" 2
}

@test "mounts: copy-symlink mounts a link as the link it is" {
	# crun 1.8.1: fails because it does not know the word
	volume
	ln -s file "$TEST_DIR/vol/link"
	bind_add /etc/link "bind copy-symlink" "$TEST_DIR/vol/link"
	script 'readlink /etc/link'
	ok c_run
	out_is file
}

@test "mounts: src-nofollow and dest-nofollow" {
	# crun 1.8.1: fails because it does not know the words
	volume
	ln -s vol/file "$TEST_DIR/outer-link"
	bind_add /etc/nofollow "bind src-nofollow" "$TEST_DIR/outer-link"
	script 'readlink /etc/nofollow'
	ok c_run
	out_is vol/file
}

requires_idmap()
{
	requires_root
	"$(helper probe)" idmap "$1" >/dev/null || skip "needs a file system that can be idmapped"
}

idmapped_volume()
{
	mkdir "$TEST_DIR/vol"
	requires_idmap "$TEST_DIR/vol"
	mkdir "$TEST_DIR/vol/sub"
	echo data >"$TEST_DIR/vol/file"
	chown 5:6 "$TEST_DIR/vol/file"
}

@test "mounts: idmapped with mappings of its own" {
	# crun 1.8.1: may fail because it wants a user namespace
	idmapped_volume
	bind_add /vol "bind idmap" "$TEST_DIR/vol"
	config '.mounts[-1] += {uidMappings: [{containerID: 0, hostID: 1000, size: 100}], gidMappings: [{containerID: 0, hostID: 2000, size: 100}]}'
	script 'stat -c %u:%g /vol/file'
	ok c_run
	out_is 1005:2006
}

@test "mounts: idmapped with mappings and no option" {
	idmapped_volume
	bind_add /vol "bind" "$TEST_DIR/vol"
	config '.mounts[-1] += {uidMappings: [{containerID: 0, hostID: 1000, size: 100}], gidMappings: [{containerID: 0, hostID: 2000, size: 100}]}'
	script 'stat -c %u:%g /vol/file'
	ok c_run
	out_is 1005:2006
}

@test "mounts: idmap with the container's own mappings" {
	idmapped_volume
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	bind_add /vol "bind idmap" "$TEST_DIR/vol"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	script 'stat -c %u:%g /vol/file; touch /vol/new'
	ok c_run
	out_is 5:6
	eq "$(stat -c %u:%g "$TEST_DIR/vol/new")" 0:0
}

@test "mounts: idmap=uids=...;gids=... in the option itself" {
	idmapped_volume
	cp --remove-destination "$(command -v busybox)" "$ROOTFS/bin/busybox"
	chown -R 100000:100000 "$ROOTFS"
	bind_add /vol "bind idmap=uids=0-100100-50;gids=0-100200-50" "$TEST_DIR/vol"
	config '.linux.namespaces += [{type: "user"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] | .linux.gidMappings = .linux.uidMappings'
	script 'stat -c %u:%g /vol/file'
	ok c_run
	out_is 105:206
}

@test "mounts: ridmap reaches the mounts below, idmap does not" {
	# crun 1.8.1: fails because it has no ridmap
	idmapped_volume
	mount --bind "$TEST_DIR/vol" "$TEST_DIR/vol/sub"
	bind_add /one "rbind idmap" "$TEST_DIR/vol"
	bind_add /all "rbind ridmap" "$TEST_DIR/vol"
	config '.mounts[-1] += {uidMappings: [{containerID: 0, hostID: 1000, size: 100}], gidMappings: [{containerID: 0, hostID: 2000, size: 100}]}
		| .mounts[-2] += {uidMappings: .mounts[-1].uidMappings, gidMappings: .mounts[-1].gidMappings}'
	script 'stat -c %u:%g /one/file /one/sub/file /all/file /all/sub/file'
	try c_run
	umount "$TEST_DIR/vol/sub"
	eq "$status" 0
	out_is $'1005:2006\n5:6\n1005:2006\n1005:2006'
}

@test "mounts: idmap without any mapping is refused" {
	# crun 1.8.1: fails because it gives EPERM alone
	volume
	bind_add /vol "bind idmap" "$TEST_DIR/vol"
	fails c_run
	err_has_any idmap mapping
}

@test "mounts: only one of uidMappings and gidMappings is refused" {
	# crun 1.8.1: may fail because it ignores them
	volume
	bind_add /vol "bind idmap" "$TEST_DIR/vol"
	config '.mounts[-1] += {uidMappings: [{containerID: 0, hostID: 1000, size: 100}]}'
	fails c_run
	err_has_any gidMappings pair
}

@test "mounts: proc and sys of the container are its own" {
	script 'ls /sys/class/net; exec readlink /proc/self'
	ok c_run
	out_is $'lo\n1'
}

@test "mounts: devpts is private, ptmx leads to it" {
	script 'ls /dev/pts; readlink /dev/ptmx; ls -l /dev/pts/ptmx | cut -c1-10'
	ok c_run
	out_has ptmx pts/ptmx crw-rw-rw-
}

@test "mounts: mqueue" {
	mount_add /dev/mqueue "nosuid noexec nodev" mqueue mqueue
	show_mount /dev/mqueue
	ok c_run
	opt nosuid
	out_has mqueue
}

@test "mounts: cgroup, read-only" {
	mount_add /sys/fs/cgroup "nosuid noexec nodev relatime ro" cgroup cgroup
	script 'ls /sys/fs/cgroup; mkdir /sys/fs/cgroup/x; mkdir /sys/fs/cgroup/memory/x; cat /proc/self/mountinfo | grep -c "fs/cgroup"'
	ok c_run
	if [ $CGROUP = v2 ]; then
		out_has cgroup.procs
	else
		out_has memory pids
	fi
	err_has "read-only"
}

@test "mounts: every hierarchy of cgroup v1 has the options of its mount" {
	requires_cgroup v1
	# With and without a cgroup namespace: new mounts, and copies of the host's.
	for own in yes no; do
		[ $own = yes ] || config 'del(.linux.namespaces[] | select(.type == "cgroup"))'
		mount_add /sys/fs/cgroup "nosuid noexec nodev relatime ro" cgroup cgroup
		script 'cut -d" " -f5,6 /proc/self/mountinfo | grep " *fs/cgroup/"'
		ok c_run
		out_has "/sys/fs/cgroup/pids ro,nosuid,nodev,noexec,relatime"
		eq "$(grep -vc " ro,nosuid,nodev,noexec,relatime$" <<<"$output")" 0
		config 'del(.mounts[-1])'
	done
}

@test "mounts: cgroup shows the container's own part only" {
	mount_add /sys/fs/cgroup "ro" cgroup cgroup
	if [ $CGROUP = v2 ]; then
		file=/sys/fs/cgroup/cgroup.procs
	else
		file=/sys/fs/cgroup/pids/cgroup.procs
	fi
	script "cat $file"
	ok c_run
	# As the container numbers them; a process of outside would be a 0.
	eq "${output%%$'\n'*}" 1
	eq "$(grep -cx 0 <<<"$output")" 0
}

@test "mounts: a destination with .. stays inside" {
	mount_add /tmp/../../../../over ""
	ok c_run
	[ ! -e "$TEST_DIR/over" ]
	[ ! -e /over ]
	[ -d "$ROOTFS/over" ]
}

@test "mounts: a destination through an absolute link of the image stays inside" {
	ln -s /etc "$ROOTFS/link"
	mount_add /link/husk-test-dir ""
	ok c_run
	[ -d "$ROOTFS/etc/husk-test-dir" ]
	[ ! -e /etc/husk-test-dir ]
}

@test "mounts: a destination through a link with .. stays inside" {
	ln -s ../../../../../../etc "$ROOTFS/link"
	mount_add /link/husk-test-dir ""
	ok c_run
	[ -d "$ROOTFS/etc/husk-test-dir" ]
	[ ! -e /etc/husk-test-dir ]
}

@test "mounts: a dangling link as bind destination is made inside" {
	volume
	ln -s /nowhere/here "$ROOTFS/etc/dangling"
	ln -s ../../../outside "$ROOTFS/etc/upwards"
	bind_add /etc/dangling "bind" "$TEST_DIR/vol/file"
	bind_add /etc/upwards "bind" "$TEST_DIR/vol/file"
	script 'cat /etc/dangling /nowhere/here /outside'
	ok c_run
	out_is $'data\ndata\ndata'
	[ ! -e /nowhere ]
	[ ! -e "$TEST_DIR/outside" ]
}

@test "mounts: a destination behind a dangling link of the image is made where it leads" {
	# Debian's /var/run -> /run, in an image without /run; the second is relative, and a chain.
	# crun 1.8.1: fails because it does not make what a link leads to
	ln -s /run "$ROOTFS/var/run"
	ln -s ../../../../srv "$ROOTFS/var/srv"
	ln -s srv "$ROOTFS/var/chain"
	mount_add /var/run/lock "size=4k"
	mount_add /var/chain "size=8k"
	volume
	bind_add /var/run/data/sub "bind" "$TEST_DIR/vol"
	script 'cut -d" " -f5 /proc/self/mountinfo | grep -E "run|srv" | tr "\n" " "; cat /run/data/sub/file'
	ok c_run
	out_is "/run/lock /srv /run/data/sub data"
	[ -d "$ROOTFS/run/lock" ] && [ -d "$ROOTFS/srv" ]
	[ ! -e "$TEST_DIR/srv" ]
}

@test "mounts: links in a ring as destination are an error" {
	ln -s b "$ROOTFS/a"
	ln -s a "$ROOTFS/b"
	mount_add /a/x ""
	fails c_run
	err_has /a/x "symbolic links"
}

@test "mounts: a hundred of them" {
	config '.mounts += [range(100) | {destination: "/m/\(.)", type: "tmpfs", source: "t", options: ["size=4k"]}]'
	script 'grep -c " /m/" /proc/self/mountinfo'
	ok c_run
	out_is 100
}

@test "mounts: an empty destination or one without any is refused" {
	config '.mounts += [{destination: "", type: "tmpfs", source: "t"}]'
	fails c_run
	config '.mounts[-1] |= del(.destination)'
	fails c_run
	err_has destination
}

@test "mounts: nothing of the container's mounts is seen on the host" {
	mount_add /a ""
	c_sleeper
	[ "$(grep -c "$T" /proc/self/mountinfo)" = 0 ]
}

@test "mounts: nothing of the host's mounts is left in the container" {
	script 'cut -d" " -f5 /proc/self/mountinfo | sort | tr "\n" " "'
	ok c_run
	out_is "/ /dev /dev/pts /dev/shm /proc /sys "
}

@test "mounts: an overlay" {
	mkdir "$TEST_DIR/lower"
	echo low >"$TEST_DIR/lower/file"
	mount -t tmpfs ov "$BUNDLE/rootfs/mnt" 2>/dev/null || skip "needs root"
	mkdir "$ROOTFS/mnt/upper" "$ROOTFS/mnt/work"
	mount_add /ov "lowerdir=$TEST_DIR/lower upperdir=$ROOTFS/mnt/upper workdir=$ROOTFS/mnt/work" overlay overlay
	script 'cat /ov/file; echo up >/ov/new'
	try c_run
	made=$(cat "$ROOTFS/mnt/upper/new" 2>/dev/null)
	umount "$ROOTFS/mnt"
	eq "$status" 0
	out_is low
	eq "$made" up
}

@test "mounts: an overlay whose options are longer than fsconfig(2) takes, with more than mount(2) does" {
	# crun 1.8.1: fails because it does not know ratime options
	local layer layers=

	for layer in a b; do
		layer=$TEST_DIR/$(printf "$layer%.0s" {1..200})
		mkdir "$layer"
		echo "${layer: -1}" >"$layer/${layer: -1}"
		layers+=:$layer
	done
	mount_add /ov "lowerdir=${layers#:} rro rslave" overlay overlay
	mount_add /short "lowerdir=$TEST_DIR/bundle/rootfs/etc:$TEST_DIR/bundle/rootfs/root rprivate" overlay overlay
	script 'cat /ov/a /ov/b; ls /short/passwd; cut -d" " -f5,6 /proc/self/mountinfo | grep -E "^/(new|ov)? "'
	ok c_run
	out_is $'a\nb\n/short/passwd\n/ rw,relatime\n/ov ro,relatime'
	# What is refused is refused on this way, too, and nothing stays behind.
	config '.mounts[-2].options += ["no_such_option"]'
	fails c_run
	err_has /ov
}

@test "mounts: an option that the file system refuses is an error beside others, too" {
	for option in no_such_option size=much; do
		write_config "$BUNDLE" '"/bin/true"'
		mount_add /a "$option rprivate"
		fails c_run
		err_has /a "${option%=*}"
	done
}
