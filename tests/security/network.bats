#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a sandbox must not reach by its network, whichever it has: the host's loopback, its abstract sockets, its
# neighbours, and the rules and the process that stand between. Each with a control that reaches it.

load lib
load ../integration/sandbox
load ../integration/network

setup() { network_setup; }

GATEWAY=$NEIGHBOUR4

@test "network: the host's loopback, by every address that could mean it" {
	requires_pasta
	bg local nsenter -t "$HOST" -n $PYTHON network.py serve host 7000
	wait_for file_has "$TEST_DIR/local.out" ready
	local places=(tcp:127.0.0.1:7000 "tcp:[::1]:7000" tcp:127.0.0.2:7000 tcp:$HOST4:7000 "tcp:[$HOST6]:7000"
		tcp:$GATEWAY:7000 udp:127.0.0.1:7000 udp:$GATEWAY:7000 tcp:169.254.1.1:7000 tcp:0.0.0.0:7000
		"tcp:[::ffff:127.0.0.1]:7000")
	ok hsandbox --network user "${ASK[@]}" briefly "${places[@]}"
	[[ $output != *" host"* ]]
	requires_user_namespaces
	ok husandbox --network user "${ASK[@]}" briefly "${places[@]}"
	[[ $output != *" host"* ]]

	ok hsandbox --network user --host-loopback "${ASK[@]}" tcp:$GATEWAY:7000
	out_is "tcp:$GATEWAY:7000 host"
	ok hsandbox --network host "${ASK[@]}" tcp:127.0.0.1:7000
	out_is "tcp:127.0.0.1:7000 host"
	control "the host's loopback"
}

@test "network: abstract sockets of the host" {
	local name="$T-abstract" try
	bg abstract nsenter -t "$HOST" -n $PYTHON -c 'import socket, sys
s = socket.socket(socket.AF_UNIX); s.bind("\0" + sys.argv[1]); s.listen(); print("ready", flush=True)
while True: s.accept()[0].close()' "$name"
	wait_for file_has "$TEST_DIR/abstract.out" ready
	# shellcheck disable=SC2016
	try='import socket, sys
try: socket.socket(socket.AF_UNIX).connect("\0" + sys.argv[1]); print("connected")
except OSError as e: print("refused")'
	ok hsandbox $PYTHON -c "$try" "$name"
	out_is refused
	if command -v pasta >/dev/null && [ -e /dev/net/tun ]; then
		ok hsandbox --network user $PYTHON -c "$try" "$name"
		out_is refused
	fi
	ok hsandbox --network host --no-landlock $PYTHON -c "$try" "$name"
	out_is connected
	control "an abstract socket of the host"
}

@test "network: neighbours, without a network and with a list that they are not on" {
	requires_pasta
	requires_nftables
	# By names that mean the same on the wire, and by what is no port: all but the first are never allowed.
	local places=(tcp:$NEIGHBOUR4:80 udp:$NEIGHBOUR4:80 "tcp:[$NEIGHBOUR6]:80" "udp:[$NEIGHBOUR6]:80"
		"tcp:[::ffff:$NEIGHBOUR4]:80" "udp:[::ffff:$NEIGHBOUR4]:80")
	ok hsandbox "${ASK[@]}" briefly "${places[@]}"
	[[ $output != *neighbour* ]]
	ok hsandbox --network user --allow 203.0.113.1 --allow "[2001:db8:2::/48]:80" --allow $NEIGHBOUR4:443 "${ASK[@]}" briefly "${places[@]}"
	[[ $output != *neighbour* ]]
	ok hsandbox --network user --no-landlock --allow 203.0.113.1 "${ASK[@]}" briefly "${places[@]}"
	[[ $output != *neighbour* ]]
	ok hsandbox --network user "${ASK[@]}" "${places[@]}"
	eq "$(grep -c neighbour <<<"$output")" 6
	control "a neighbour"
}

# The program's ids are root's, there is no filter, and nft is at hand; what it lacks is the capability.
@test "network: the rules cannot be changed from inside, not by a user namespace either" {
	requires_pasta
	requires_nftables
	# shellcheck disable=SC2016
	local text='nft flush ruleset; unshare -Ur nft flush ruleset; unshare -Urn true
ip link set lo down; ip rule add from all lookup 1; '"${ASK[*]} tcp:$NEIGHBOUR4:80"
	ok hsandbox --network user --allow 203.0.113.1 --no-landlock --policy none sh -c "$text"
	[[ $output != *neighbour* ]]
	out_has "tcp:$NEIGHBOUR4:80 E"

	bg open "${HSANDBOX[@]}" --network user --allow 203.0.113.1 --no-landlock --policy none \
		sh -c "echo \$\$ >&2; until [ -e go ]; do sleep 0.05; done; ${ASK[*]} tcp:$NEIGHBOUR4:80"
	local husk=$!
	wait_for test -s "$TEST_DIR/open.err"
	nsenter -t "$(pgrep -P $husk -x husk)" -U -n nft flush ruleset
	touch go
	wait_bg $husk
	file_has "$TEST_DIR/open.out" "tcp:$NEIGHBOUR4:80 neighbour"
	control "rules that somebody flushed"
}

@test "network: no raw packets, no device, and nothing of pasta is seen" {
	requires_pasta
	# shellcheck disable=SC2016
	ok hsandbox --network user --policy none $PYTHON -c 'import os, socket
for family, kind in (socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW), (socket.AF_INET6, socket.SOCK_RAW):
    try: socket.socket(family, kind, 1); print("made")
    except OSError: print("refused")
print(os.path.exists("/dev/net/tun"), sorted(int(p) for p in os.listdir("/proc") if p.isdigit()))'
	out_is $'refused\nrefused\nrefused\nFalse [1, 2]'
}

@test "network: pasta has a root of nothing, a filter, and no rights on the host" {
	requires_pasta
	bg run "${HSANDBOX[@]}" --network user sh -c 'echo started; exec sleep 1000'
	local husk=$! pasta
	wait_for file_has "$TEST_DIR/run.out" started
	pasta=$(pgrep -P $husk '^pas')
	[ "$(readlink "/proc/$pasta/ns/user")" != "$(readlink /proc/self/ns/user)" ]
	[ "$(readlink "/proc/$pasta/ns/mnt")" != "$(readlink "/proc/$HOST/ns/mnt")" ]
	eq "$(ls -A "/proc/$pasta/root/")" ""
	grep -q '^Seccomp:.2' "/proc/$pasta/status"
	kill $husk
	wait_bg $husk
}
