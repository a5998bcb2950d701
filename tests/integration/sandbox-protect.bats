#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Options of husk sandbox that are called as properties of systemd.exec(5). Each test also shows what happens without.

load lib
load sandbox

setup()
{
	sandbox_setup
	# A root file system of the host that may be written to, with what these options are about.
	TREE=$TEST_DIR/tree
	mkdir -p "$TREE"/{usr/lib/modules,boot,etc,var/tmp,home/somebody,root,sys/fs/cgroup,proc,dev,tmp,run,srv}
	touch "$TREE/usr/lib/modules/secret" "$TREE/home/somebody/secret" "$TREE/root/secret" "$TREE/var/tmp/secret"
	cp "$(command -v busybox)" "$TREE/usr/busybox" 2>/dev/null || skip "needs a static busybox"
	chmod -R a+rwX "$TREE"
}

# writable OPTIONS...: which of the places can be written to, as root and as a user
writable()
{
	local script='for place in /usr /boot /etc /srv /sys /sys/fs/cgroup /var/tmp; do
		echo x >$place/new && echo $place && /usr/busybox rm $place/new; done 2>/dev/null; true'
	ok sandbox --bind "$TREE" / --chdir / "$@" /usr/busybox sh -c "$script"
	local first=$output
	[ -n "${NO_USER_NAMESPACES:-}" ] && return
	ok usandbox --bind "$TREE" / --chdir / "$@" /usr/busybox sh -c "$script"
	eq "$output" "$first"
}

# python OPTIONS... CODE: as root, then as a user; both must succeed, and print the same
python()
{
	requires_program python3
	ok sandbox "${@:1:$#-1}" /usr/bin/python3 -c "${*: -1}"
	local first=$output
	[ -n "${NO_USER_NAMESPACES:-}" ] && return
	ok usandbox "${@:1:$#-1}" /usr/bin/python3 -c "${*: -1}"
	eq "$output" "$first"
}

@test "protect: --protect-system" {
	writable
	out_is $'/usr\n/boot\n/etc\n/srv\n/sys\n/sys/fs/cgroup\n/var/tmp'
	writable --protect-system yes
	out_is $'/etc\n/srv\n/sys\n/sys/fs/cgroup\n/var/tmp'
	writable --protect-system full
	out_is $'/srv\n/sys\n/sys/fs/cgroup\n/var/tmp'
	writable --protect-system strict
	out_is ''
	# What is said afterwards counts.
	writable --protect-system strict --bind "$TREE/srv" /srv
	out_is /srv
	fails sandbox --protect-system maybe true
	err_has --protect-system maybe
}

@test "protect: kernel tunables, control groups, and a private /var/tmp" {
	writable --protect-control-groups
	out_is $'/usr\n/boot\n/etc\n/srv\n/sys\n/var/tmp'
	writable --protect-kernel-tunables
	out_is $'/usr\n/boot\n/etc\n/srv\n/var/tmp'
	ok sandbox --bind "$TREE" / --chdir / /usr/busybox ls /var/tmp
	out_is secret
	ok sandbox --bind "$TREE" / --chdir / --private-tmp /usr/busybox ls /var/tmp
	out_is ''
	ok sandbox --protect-kernel-tunables sh -c 'wc -c </proc/kallsyms'
	out_is 0
}

@test "protect: modules of the kernel" {
	ok sandbox --bind "$TREE" / --chdir / /usr/busybox ls /usr/lib/modules
	out_is secret
	ok sandbox --bind "$TREE" / --chdir / --protect-kernel-modules /usr/busybox ls /usr/lib/modules
	out_is ''
}

@test "protect: homes" {
	local list='/usr/busybox ls /root /home; echo x >/root/new && echo written'
	ok sandbox --bind "$TREE" / --chdir / /usr/busybox sh -c "$list"
	out_has secret somebody written
	rm -f "$TREE/root/new"
	try sandbox --bind "$TREE" / --chdir / --protect-home read-only /usr/busybox sh -c "$list"
	out_has secret somebody
	out_lacks written
	try sandbox --bind "$TREE" / --chdir / --protect-home tmpfs /usr/busybox sh -c "$list"
	out_lacks secret somebody
	out_has written
	try sandbox --bind "$TREE" / --chdir / --protect-home yes /usr/busybox sh -c "$list"
	out_lacks secret somebody written
	[ ! -e "$TREE/root/new" ]
	requires_user_namespaces
	echo mine >"$TEST_DIR/home/mine"
	chmod 644 "$TEST_DIR/home/mine"
	ok usandbox sh -c 'ls "$HOME"'
	out_is ''
	ok usandbox --protect-home read-only sh -c 'cat "$HOME/mine"; touch "$HOME/other" || true'
	out_is mine
	[ ! -e "$TEST_DIR/home/other" ]
	try usandbox --protect-home yes sh -c 'touch "$HOME/other" && echo written'
	out_lacks written
}

@test "protect: /proc" {
	ok sandbox ls /proc
	out_has meminfo
	ok sandbox --proc-subset ls /proc
	out_lacks meminfo
	out_has self
	ok sandbox --protect-proc invisible grep -o hidepid=.* /proc/self/mountinfo
	out_has hidepid=invisible
	ok sandbox --protect-proc noaccess --proc-subset sh -c 'grep " /proc " /proc/self/mountinfo'
	out_has hidepid=noaccess subset=pid
	requires_user_namespaces
	ok usandbox --protect-proc ptraceable --proc-subset ls /proc
	out_lacks meminfo
}

@test "protect: memory is never writable and executable" {
	local code='
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = libc.shmat.restype = ctypes.c_void_p
def says(name, result): print(name, "refused" if result in (-1, 2**64-1, 2**32-1, None) else "done")
says("mmap", libc.mmap(None, ctypes.c_size_t(4096), 7, 34, -1, ctypes.c_size_t(0)))
m = libc.mmap(None, ctypes.c_size_t(4096), 3, 34, -1, ctypes.c_size_t(0))
says("mprotect", libc.mprotect(ctypes.c_void_p(m), ctypes.c_size_t(4096), 5))
says("shmat", libc.shmat(libc.shmget(0, ctypes.c_size_t(4096), 0o1700), None, 0o100000))
says("readable", libc.mprotect(ctypes.c_void_p(m), ctypes.c_size_t(4096), 1))'
	python "$code"
	out_is $'mmap done\nmprotect done\nshmat done\nreadable done'
	python --memory-deny-write-execute "$code"
	out_is $'mmap refused\nmprotect refused\nshmat refused\nreadable done'
}

@test "protect: no set-user-ID files" {
	local code='
import os
def says(name, call):
	try: call(); print(name, "done")
	except OSError as e: print(name, "refused")
os.chdir("/tmp")
says("open", lambda: os.open("a", os.O_CREAT | os.O_WRONLY, 0o4755))
says("mkdir", lambda: os.mkdir("b", 0o2755))
open("c", "w").close()
says("chmod", lambda: os.chmod("c", 0o4755))
says("fchmod", lambda: os.fchmod(os.open("c", 0), 0o2755))
says("mknod", lambda: os.mknod("d", 0o104755))
says("usual", lambda: os.chmod("c", 0o1755))
print(any(os.stat(n).st_mode & 0o4000 for n in os.listdir()))'
	python "$code"
	out_is $'open done\nmkdir done\nchmod done\nfchmod done\nmknod done\nusual done\nTrue'
	python --restrict-suid-sgid "$code"
	out_is $'open refused\nmkdir refused\nchmod refused\nfchmod refused\nmknod refused\nusual done\nFalse'
}

@test "protect: personality, and scheduling" {
	requires_program setarch
	ok sandbox setarch -R true
	fails 1 sandbox --lock-personality setarch -R true
	python --lock-personality 'import ctypes; print(ctypes.CDLL(None).personality(0xffffffff))'
	out_is 0
	# The kernel would refuse FIFO anyway; that the policy does shows in one that it does not know.
	python --restrict-realtime 'import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for policy in 0, 3, 5, 1, 2, 6, 7: print(policy, libc.syscall(144, 0, policy, ctypes.byref(ctypes.c_int(0))) and ctypes.get_errno())' ||
		[ "$(uname -m)" != x86_64 ]
	[ "$(uname -m)" != x86_64 ] || out_is $'0 0\n3 0\n5 0\n1 1\n2 1\n6 1\n7 1'
}

@test "protect: namespaces, whatever the policy" {
	try sandbox --policy none unshare -U true
	[ "$status" = 0 ] || skip "no user namespaces in user namespaces here"
	fails 1 sandbox --policy none --restrict-namespaces unshare -U true
	err_has permitted
}

@test "protect: --deny-call adds to any policy that is a text" {
	ok sandbox uname
	fails 1 sandbox --deny-call uname uname
	fails 1 sandbox --policy none --deny-call uname uname
	ok sandbox --deny-call mount@husk --deny-call keyring@husk uname
	printf '@default return ENOSYS\n@denylist\nacct: return EPERM\n' | sed 1d >"$TEST_DIR/own.policy"
	ok sandbox --policy "$TEST_DIR/own.policy" uname
	fails 1 sandbox --policy "$TEST_DIR/own.policy" --deny-call uname uname
	requires_user_namespaces
	fails 1 usandbox --deny-call uname uname
	fails sandbox --deny-call 'a: allow' true
	err_has denyCalls
	fails sandbox --deny-call no-such-call true
	err_has no-such-call
	echo '{"defaultAction": "SCMP_ACT_ALLOW"}' >"$TEST_DIR/oci.json"
	fails sandbox --policy "$TEST_DIR/oci.json" --deny-call uname true
	err_has oci.json
}

@test "protect: as JSON" {
	ok sandbox --protect-system full --protect-home tmpfs --protect-proc ptraceable --proc-subset --private-tmp \
		--protect-kernel-tunables --protect-kernel-modules --protect-control-groups --restrict-namespaces \
		--lock-personality --memory-deny-write-execute --restrict-realtime --restrict-suid-sgid --deny-call acct \
		--print-config true
	echo "$output" >one.json
	eq "$(jq -c .protect one.json)" '{"system":"full","home":"tmpfs","proc":"ptraceable","procSubset":true,"privateTmp":true,"kernelTunables":true,"kernelModules":true,"controlGroups":true,"restrictNamespaces":true,"lockPersonality":true,"memoryDenyWriteExecute":true,"restrictRealtime":true,"restrictSuidSgid":true,"denyCalls":["acct"]}'
	ok husk sandbox --config one.json --print-config
	eq "$(jq -S . <<<"$output")" "$(jq -S . one.json)"
	ok sandbox --config one.json echo ran
	out_is ran
	echo '{"protect": {"system": "perhaps"}}' >bad.json
	fails sandbox --config bad.json true
	err_has bad.json protect.system perhaps
	ok sandbox --protect-home yes --dry-run true
	out_has /root
}
