#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The network of husk sandbox: none, the host's, one that is joined, and user networking with published ports, for
# root and for a normal user alike. What it must not reach is in tests/security/network.bats.

load lib
load sandbox
load network

setup() { network_setup; }

T4=tcp:$NEIGHBOUR4:80 T6=tcp:$NEIGHBOUR6:80
U4=udp:$NEIGHBOUR4:80 U6=udp:$NEIGHBOUR6:80

# hboth COMMAND...: as root, then as a user, on the tests' host; what they print must be the same
hboth()
{
	ok hsandbox "$@"
	local first=$output
	requires_user_namespaces
	ok husandbox "$@"
	eq "$output" "$first"
}

@test "sandbox network: none unless asked for" {
	hboth "${ASK[@]}" $T4 $T6
	out_is "$T4 ENETUNREACH"$'\n'"$T6 ENETUNREACH"
	hboth --network none "${ASK[@]}" $T4
	out_is "$T4 ENETUNREACH"
}

@test "sandbox network: the host's own" {
	hboth --network host "${ASK[@]}" $T4 $T6 $U4 $U6
	out_is "$T4 neighbour"$'\n'"$T6 neighbour"$'\n'"$U4 neighbour"$'\n'"$U6 neighbour"
}

@test "sandbox network: one that is joined by its path" {
	ok sandbox --network "join:/proc/$HOST/ns/net" "${ASK[@]}" $T4
	out_is "$T4 neighbour"
	fails sandbox --network "join:/proc/$HOST/ns/uts" true
	err_has "is of type uts, not network"
	fails sandbox --network join:/etc/passwd true
	err_has "not a namespace file"
	fails sandbox --network join:ns true
	err_has "networkPath" "not an absolute path"
}

@test "sandbox network: user: TCP and UDP, by both versions of IP" {
	requires_pasta
	hboth --network user "${ASK[@]}" $T4 $T6 $U4 $U6
	out_is "$T4 neighbour"$'\n'"$T6 neighbour"$'\n'"$U4 neighbour"$'\n'"$U6 neighbour"
}

@test "sandbox network: user: with other ids inside" {
	requires_pasta
	hboth --network user --uid 7 --gid 8 sh -c 'id -u; '"${ASK[*]} $T4"
	out_is $'7\n'"$T4 neighbour"
}

@test "sandbox network: user: the program has no rights over it" {
	requires_pasta
	hboth --network user sh -c 'grep CapEff /proc/self/status; ip link set lo down 2>/dev/null || echo refused'
	out_is $'CapEff:\t0000000000000000\nrefused'
}

@test "sandbox network: user: names are found, though the resolver is on the host's loopback" {
	requires_pasta
	bg dns nsenter -t "$HOST" -n $PYTHON network.py dns 127.0.0.53 192.0.2.77
	wait_for file_has "$TEST_DIR/dns.out" ready
	hboth --network user $PYTHON -c 'import socket; print(socket.gethostbyname("name.example"))'
	out_is 192.0.2.77
	echo 'search lan' >>"$TEST_DIR/resolv.conf"
	ok hsandbox --network user cat /etc/resolv.conf
	out_is $'nameserver 169.254.1.1\nsearch lan'
}

# pasta asks a second time only after ten seconds. So wait until an IPv6 address may be used as the sender's.
SETTLED='while grep -Eq "^([^ ]+ ){4}[4-7c-f]" /proc/net/if_inet6; do sleep 0.05; done'

# published COMMAND...: a server inside is reached from the host, and from its neighbour
published()
{
	bg server "$@" --network user --publish 8080:80 --publish 127.0.0.1:8081:81 --publish 8082:80/udp \
		--publish 8083/udp sh -c "$SETTLED; exec $PYTHON network.py serve inside 80 81 8083"
	SERVER=$!
	wait_for file_has "$TEST_DIR/server.out" ready
	ok at_host $PYTHON network.py tcp:127.0.0.1:8080 tcp:[::1]:8080 tcp:$HOST4:8080 tcp:127.0.0.1:8081 \
		tcp:$HOST4:8081 udp:127.0.0.1:8083 tcp:127.0.0.1:8083 udp:127.0.0.1:8080
	out_is "tcp:127.0.0.1:8080 inside
tcp:[::1]:8080 inside
tcp:$HOST4:8080 inside
tcp:127.0.0.1:8081 inside
tcp:$HOST4:8081 ECONNREFUSED
udp:127.0.0.1:8083 inside
tcp:127.0.0.1:8083 ECONNREFUSED
udp:127.0.0.1:8080 ECONNREFUSED"
	ok at_neighbour $PYTHON network.py tcp:$HOST4:8080 tcp:[$HOST6]:8080 udp:$HOST4:8082 udp:[$HOST6]:8083 \
		tcp:$HOST4:8081
	out_is "tcp:$HOST4:8080 inside
tcp:[$HOST6]:8080 inside
udp:$HOST4:8082 inside
udp:[$HOST6]:8083 inside
tcp:$HOST4:8081 ECONNREFUSED"
}

@test "sandbox network: user: published ports, of root, and they are free when it has ended" {
	requires_pasta
	published "${HSANDBOX[@]}"
	kill -TERM "$SERVER"
	wait_bg "$SERVER"
	ok hsandbox --network user --publish 8080 true
}

@test "sandbox network: user: published ports, of a user" {
	requires_pasta
	requires_user_namespaces
	published "${HUSANDBOX[@]}"
}

@test "sandbox network: user: real servers, in Python and in Node" {
	requires_pasta
	# http.server asks for its own name first.
	bg dns nsenter -t "$HOST" -n $PYTHON network.py dns 127.0.0.53 192.0.2.77
	wait_for file_has "$TEST_DIR/dns.out" ready
	mkdir www
	echo hello >www/index.html
	bg python "${HSANDBOX[@]}" --network user --publish 8080:80 $PYTHON -m http.server --directory www 80
	# In an emulated machine an interpreter takes its time.
	wait_until 120 at_host curl -sf http://127.0.0.1:8080/
	ok at_neighbour curl -sS "http://$HOST4:8080/"
	out_is hello
	requires_program node
	bg node "${HSANDBOX[@]}" --network user --publish 8090:3000 node -e 'require("http").createServer((q, r) => r.end("node " + q.url)).listen(3000)'
	wait_until 120 at_host curl -sf http://127.0.0.1:8090/
	ok at_neighbour curl -sS "http://$HOST4:8090/there"
	out_is "node /there"
}

@test "sandbox network: user: a port that is taken, or is not ours, is said" {
	requires_pasta
	serve "$HOST" host 8080
	fails hsandbox --network user --publish 8080:80 true
	err_has publish "TCP port 8080" "address already in use"
	fails hsandbox --network user --publish 8080:80/udp true
	err_has "UDP port 8080"
	fails hsandbox --network user --publish 203.0.113.9:8081:80 true
	err_has 203.0.113.9 "cannot assign"
	requires_user_namespaces
	fails husandbox --network user --publish 80 true
	err_has "TCP port 80" "permission denied"
}

child_of() { pgrep -P "$1" '^pas'; }

@test "sandbox network: user: pasta ends with the sandbox, however that ends" {
	requires_pasta
	local how pasta
	for how in program TERM KILL; do
		bg "$how" "${HSANDBOX[@]}" --network user sh -c 'echo started; until [ -e stop ]; do sleep 0.05; done'
		local husk=$!
		wait_for file_has "$TEST_DIR/$how.out" started
		pasta=$(child_of $husk)
		[ -n "$pasta" ]
		[ $how = program ] && touch stop || kill -$how $husk
		wait_bg $husk
		# A child of nobody waits for a lazy reaper: what it was is over.
		wait_for is_over "$pasta"
		rm -f stop
	done
}

is_over() { [ ! -e "/proc/$1" ] || grep -q '^State:.*Z' "/proc/$1/status"; }

@test "sandbox network: user: what pasta says is what is said" {
	requires_pasta
	at_host ip route del default
	at_host ip -6 route del default
	fails hsandbox --network user true
	err_has "network: user" pasta
	[[ $stderr != *syslog* ]]
}

@test "sandbox network: user: without pasta it is refused, or reported as missing" {
	local pasta
	pasta=$(command -v pasta) || pasta=/usr/bin/pasta
	hide_program "$pasta" /usr/bin/pasta /bin/pasta
	fails hsandbox --network user true
	err_has "network:" "needs pasta" "package passt" --best-effort
	ok hsandbox --network user --best-effort --report "$REPORT" "${ASK[@]}" $T4
	out_is "$T4 ENETUNREACH"
	[[ $(reported '.weakened[]') == *"needs pasta"* ]]
}

# ---- bridge ----

# A bridge of the host with addresses, and a way from the neighbour back.
make_bridge()
{
	at_host ip link add br0 type bridge 2>/dev/null || skip "needs a kernel with bridges"
	at_host ip addr add 10.9.0.1/24 dev br0
	at_host ip -6 addr add 2001:db8:9::1/64 dev br0 nodad
	at_host ip link set br0 up
	at_host sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	at_neighbour ip route add 10.9.0.0/24 via $HOST4
	serve "$HOST" host 80
}

no_ports() { [ -z "$(at_host ls /sys/class/net/br0/brif 2>/dev/null)" ] && [ -z "$(at_host ip -o link show master br0)" ]; }

BRIDGED=(--network bridge:br0 --address 10.9.0.2/24 --address 2001:db8:9::2/64)

@test "sandbox network: bridge: addresses, routes, hardware address, MTU, and nothing is left" {
	make_bridge
	ok hsandbox "${BRIDGED[@]}" --route default=10.9.0.1 --route 2001:db8:77::/48=2001:db8:9::1 \
		--mac 02:00:00:00:00:07 --mtu 1400 sh -c "ip -o link show eth0; ip route; ip -6 route;
			${ASK[*]} tcp:10.9.0.1:80 udp:10.9.0.1:80 tcp:[2001:db8:9::1]:80 $T4"
	out_has "mtu 1400" 02:00:00:00:00:07 "default via 10.9.0.1 dev eth0" "2001:db8:77::/48 via 2001:db8:9::1" \
		"tcp:10.9.0.1:80 host" "udp:10.9.0.1:80 host" "tcp:[2001:db8:9::1]:80 host" "$T4 neighbour"
	wait_for no_ports
}

@test "sandbox network: bridge: reached from outside, and gone after a kill" {
	make_bridge
	bg server "${HSANDBOX[@]}" "${BRIDGED[@]}" $PYTHON network.py serve inside 8080
	local husk=$!
	wait_for file_has "$TEST_DIR/server.out" ready
	ok at_host $PYTHON network.py tcp:10.9.0.2:8080 "tcp:[2001:db8:9::2]:8080"
	out_is $'tcp:10.9.0.2:8080 inside\ntcp:[2001:db8:9::2]:8080 inside'
	[ -n "$(at_host ip -o link show master br0)" ]
	kill -KILL $husk
	wait_bg $husk
	wait_for no_ports
}

@test "sandbox network: bridge: with a list of where to" {
	make_bridge
	requires_nftables
	ok hsandbox "${BRIDGED[@]}" --route default=10.9.0.1 --allow 10.9.0.1:80/tcp --report "$REPORT" \
		"${ASK[@]}" tcp:10.9.0.1:80 $T4 "tcp:[2001:db8:9::1]:80"
	[[ $output == "tcp:10.9.0.1:80 host"*"$T4 E"*":80 E"* ]]
	[ "$(reported '.network | [.mode, .bridge, .allow[0]] | join(" ")')" = "bridge br0 10.9.0.1:80/tcp" ]
}

@test "sandbox network: bridge: what does not work is said, and nothing is left" {
	make_bridge
	fails hsandbox --network bridge:br1 true
	err_has "bridge br1" "no such device"
	fails hsandbox "${BRIDGED[@]}" --route default=10.8.0.1 true
	err_has "10.8.0.1" unreachable
	fails hsandbox --network bridge:lo true
	err_has "bridge lo"
	wait_for no_ports
	fails hsandbox --network bridge:br0 --address 10.9.0.300/24 true
	err_has 'addresses[0]'
	fails hsandbox --network bridge:br0 --route 10.0.0.0/8=::1 true
	err_has 'routes[0]'
	fails hsandbox --network bridge:br0 --mac 03:00:00:00:00:01 true
	err_has mac
	fails hsandbox --network bridge:br0 --mtu 20 true
	err_has mtu
	fails hsandbox --network user --mtu 1400 true
	err_has mtu bridge
	requires_user_namespaces
	fails husandbox --network bridge:br0 true
	err_has "for root" user
}

# ---- where to ----

OTHER4=tcp:$NEIGHBOUR4:81 OTHER6=tcp:$NEIGHBOUR6:81

# reached COMMAND...: a line for each of the usual places, with "yes" or how it failed
reached()
{
	ok "$@" "${ASK[@]}" $T4 $OTHER4 $U4 udp:$NEIGHBOUR4:81 $T6 $OTHER6 $U6 tcp:127.0.0.1:9
	output=$(sed 's/ neighbour$/ yes/; s/ E[A-Z]*$/ no/' <<<"$output")
}

# What is refused by the rules, and what by Landlock, has different numbers: both are "no". A timeout is neither.
@test "sandbox network: allow: an address and a port, by TCP" {
	requires_pasta
	requires_nftables
	local wanted="$T4 yes
$OTHER4 no
$U4 no
udp:$NEIGHBOUR4:81 no
$T6 no
$OTHER6 no
$U6 no
tcp:127.0.0.1:9 no"
	reached hsandbox --network user --allow $NEIGHBOUR4:80/tcp
	out_is "$wanted"
	requires_user_namespaces
	reached husandbox --network user --allow $NEIGHBOUR4:80/tcp
	out_is "$wanted"
}

@test "sandbox network: allow: IPv6, prefixes, ranges, protocols" {
	requires_pasta
	requires_nftables
	reached hsandbox --network user --allow "[2001:db8:1::/64]:80-81" --allow 198.51.100.0/24/udp
	out_is "$T4 no
$OTHER4 no
$U4 yes
udp:$NEIGHBOUR4:81 yes
$T6 yes
$OTHER6 yes
$U6 yes
tcp:127.0.0.1:9 no"
	reached hsandbox --network user --no-landlock --allow "*:81" --allow $NEIGHBOUR6
	out_is "$T4 no
$OTHER4 yes
$U4 no
udp:$NEIGHBOUR4:81 yes
$T6 yes
$OTHER6 yes
$U6 yes
tcp:127.0.0.1:9 no"
}

@test "sandbox network: allow: with and without Landlock it is the same list" {
	requires_pasta
	requires_nftables
	local with
	reached hsandbox --network user --allow $NEIGHBOUR4:80 --allow "[$NEIGHBOUR6]:81/tcp"
	with=$output
	reached hsandbox --network user --no-landlock --allow $NEIGHBOUR4:80 --allow "[$NEIGHBOUR6]:81/tcp"
	out_is "$with"
	out_has "$T4 yes" "$OTHER6 yes" "$OTHER4 no"
}

@test "sandbox network: allow: the second wall stands alone" {
	requires_pasta
	[ "$(python3 -c 'import ctypes; print(ctypes.CDLL(None).syscall(444, 0, 0, 1))')" -ge 4 ] || skip "needs Landlock with rules for ports"
	hide_program "$(command -v nft || echo /usr/sbin/nft)" /usr/sbin/nft /sbin/nft
	fails hsandbox --network user --allow $NEIGHBOUR4:80/tcp true
	err_has "allow:" "needs nft" "package nftables" --best-effort
	ok hsandbox --network user --best-effort --report "$REPORT" --allow $NEIGHBOUR4:80/tcp "${ASK[@]}" $T4 $OTHER4
	out_is "$T4 neighbour"$'\n'"$OTHER4 EACCES"
	[[ $(reported '.weakened[]') == *"needs nft"* ]]
}

@test "sandbox network: allow: answers to who came in get out, and loopback is free" {
	requires_pasta
	requires_nftables
	bg server "${HSANDBOX[@]}" --network user --publish 8080:80 --allow 203.0.113.1:1 \
		$PYTHON network.py serve inside 80
	wait_for file_has "$TEST_DIR/server.out" ready
	ok at_neighbour $PYTHON network.py tcp:$HOST4:8080
	out_is "tcp:$HOST4:8080 inside"
	ok hsandbox --network user --allow 203.0.113.1 $PYTHON -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname()); print("connected")'
	out_is connected
}

@test "sandbox network: allow: a refusal is told at once" {
	requires_pasta
	requires_nftables
	ok hsandbox --network user --no-landlock --allow 203.0.113.1 "${ASK[@]}" $T4 $T6 $U4
	[[ $output != *timeout* ]]
}

@test "sandbox network: mistakes are found before anything is done" {
	fails hsandbox --publish 80 true
	err_has publish "--network user"
	fails hsandbox --network user --publish 80:x true
	err_has "publish[0]" "80:x"
	fails hsandbox --network host --allow 192.0.2.1 true
	err_has allow "mode \"host\""
	fails hsandbox --allow 192.0.2.1 true
	err_has allow "nothing but loopback"
	fails hsandbox --network user --allow 192.0.2.1 --allow example.org:80 true
	err_has "allow[1]" example.org:80 "names are not looked up"
	fails hsandbox --network lan true
	err_has lan "none of"
	fails hsandbox --network user --host-loopback=x true
	fails hsandbox --network host --host-loopback true
	err_has hostLoopback
	echo '{ "network": "user", "allow": [ "::1", "1.2.3.4:0" ], "command": [ "true" ] }' >config.json
	fails hsandbox --config config.json
	err_has 'allow[1]' "1.2.3.4:0"
}

@test "sandbox network: a file says the same, and what would be done is shown" {
	ok hsandbox --network user --publish 8080:80 --host-loopback --allow "[::1]:53/udp" --print-config true
	printf '%s\n' "$output" >config.json
	jq -e '.network == "user" and .publish == ["8080:80"] and .hostLoopback and .allow == ["[::1]:53/udp"]' config.json
	ok hsandbox --config config.json --print-config
	eq "$output" "$(cat config.json)"
	requires_pasta
	requires_nftables
	ok hsandbox --config config.json --dry-run
	out_has "8080:80" "ip6 daddr ::1 meta l4proto udp th dport 53" "policy drop"
	[[ $output != *--no-map-gw* ]]
}

@test "sandbox network: families of addresses, whatever the policy" {
	local code='import ctypes, errno, socket
libc = ctypes.CDLL(None, use_errno=True)
# What is above the lower 32 bits the kernel never sees.
for family in 1, 2, 10, 16, 17, 1 << 32 | 17, 1 << 32 | 2:
    fd = libc.syscall(41, ctypes.c_long(family), 2, 0)
    print(family & 0xffff, "made" if fd >= 0 else errno.errorcode[ctypes.get_errno()])
try: socket.socketpair(); print("pair")
except OSError as e: print(errno.errorcode[e.errno])
print("io_uring", "made" if libc.syscall(425, 0, 0) >= 0 else errno.errorcode[ctypes.get_errno()])'
	local policy
	[ "$(uname -m)" = x86_64 ] || skip "needs the numbers of x86_64"
	hboth --network host $PYTHON -c "$code"
	out_has $'1 made\n2 made\n10 made\n16 made' pair
	printf '@denylist\nreboot: return EPERM\n' >own.policy
	for policy in default none ./own.policy; do
		hboth --network host --policy $policy --address-families unix,inet $PYTHON -c "$code"
		out_is $'1 made\n2 made\n10 EAFNOSUPPORT\n16 EAFNOSUPPORT\n17 EAFNOSUPPORT\n17 EAFNOSUPPORT\n2 made\npair\nio_uring ENOSYS'
	done
	hboth --address-families none --report /dev/null $PYTHON -c "$code"
	out_has $'1 EAFNOSUPPORT\n2 EAFNOSUPPORT' 'io_uring ENOSYS'
	fails sandbox --address-families unix,ipv4 true
	err_has 'addressFamilies[1]' ipv4
	echo '{ "addressFamilies": [ "inet" ], "command": [ "true" ] }' >config.json
	ok sandbox --config config.json --address-families inet6,unix --print-config
	[ "$(jq -c .addressFamilies <<<"$output")" = '["inet","inet6","unix"]' ]
}
