# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A host and a neighbour for the tests of networks, each a network namespace of its own, so that they
# need no internet, and nothing that listens on this machine is in their way:
#
#   host       198.51.100.2, 2001:db8:1::2 on ext0, with a default route to the neighbour
#   neighbour  198.51.100.1, 2001:db8:1::1; serves TCP and UDP at ports 80, 81 and 82
#
# "at_host" and "at_neighbour" run a command there. The host has mounts of its own, too: a /dev/net/tun for
# everybody, as udev makes it, and no program that a test hides.

NEIGHBOUR4=198.51.100.1
NEIGHBOUR6=2001:db8:1::1
HOST4=198.51.100.2
HOST6=2001:db8:1::2

network_setup()
{
	sandbox_setup
	requires_program python3 ip nsenter curl
	# As the sandbox finds it: a version manager's would be in a home directory.
	PYTHON=/usr/bin/python3
	[ -x $PYTHON ] || skip "needs the program $PYTHON"
	unshare -n ip link add veth0 type veth peer name veth1 2>/dev/null || skip "needs a kernel with veth"
	cp "$INTEGRATION_DIR/helpers/network.py" "$TEST_DIR/here/network.py"
	bg neighbour unshare -n sleep 1000
	NEIGHBOUR=$!
	bg host unshare -n -m sleep 1000
	HOST=$!
	# shellcheck disable=SC2016 # expanded over there
	AT_HOST=(nsenter -t "$HOST" -n -m sh -c 'cd "$0" && exec "$@"' "$PWD")
	HSANDBOX=("${AT_HOST[@]}" "${HUSK_CMD[@]}" sandbox --setenv HUSK_TEST "$T")
	HUSANDBOX=("${AT_HOST[@]}" setpriv --reuid "$SANDBOX_UID" --regid "$SANDBOX_UID" --clear-groups --inh-caps=-all
		--bounding-set=+all env -u XDG_RUNTIME_DIR HOME="$TEST_DIR/home" HUSK_TEST="$T" "$USER_HUSK" sandbox)
	wait_for has_left_network "$NEIGHBOUR"
	wait_for has_left_network "$HOST"
	at_host ip link set lo up
	at_host ip link add ext0 type veth peer name far0 netns "$NEIGHBOUR"
	at_host ip addr add $HOST4/24 dev ext0
	at_host ip -6 addr add $HOST6/64 dev ext0 nodad
	at_host ip link set ext0 up
	at_neighbour ip link set lo up
	at_neighbour ip addr add $NEIGHBOUR4/24 dev far0
	at_neighbour ip -6 addr add $NEIGHBOUR6/64 dev far0 nodad
	at_neighbour ip link set far0 up
	at_host ip route add default via $NEIGHBOUR4
	at_host ip -6 route add default via $NEIGHBOUR6
	if [ -e /dev/net/tun ]; then
		at_host sh -c 'mount -t tmpfs tun /dev/net && mknod -m 666 /dev/net/tun c 10 200'
	fi
	# Whatever this machine has: a resolver of its own, as is usual with systemd.
	echo 'nameserver 127.0.0.53' >"$TEST_DIR/resolv.conf"
	at_host mount --bind "$TEST_DIR/resolv.conf" /etc/resolv.conf
	serve "$NEIGHBOUR" neighbour 80 81 82
}

has_left_network() { [ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

at_host() { "${AT_HOST[@]}" "$@"; }
at_neighbour() { nsenter -t "$NEIGHBOUR" -n "$@"; }

# serve PID WORD PORT...: answer WORD there, by TCP and UDP, by both versions of IP
serve()
{
	bg "serve-$2" nsenter -t "$1" -n $PYTHON "$TEST_DIR/here/network.py" serve "${@:2}"
	wait_for file_has "$TEST_DIR/serve-$2.out" ready
}

# The sandbox on that host, as root and as a user. In the background the arrays are used: $! is husk then.
hsandbox() { "${HUSK_TIMED[@]}" "${HSANDBOX[@]}" "$@"; }
husandbox() { "${HUSK_TIMED[@]}" "${HUSANDBOX[@]}" "$@"; }

# The last words of a sandbox's command line, before places such as tcp:198.51.100.1:80: a line for each, with
# the word that is answered there, or the error.
ASK=(/usr/bin/python3 network.py)

# hide_program PATH: nobody on that host can run it
hide_program()
{
	local path

	for path in "$@"; do
		[ ! -e "$path" ] || at_host mount --bind /dev/null "$path"
	done
}

requires_pasta()
{
	requires_program pasta
	(exec 9<>/dev/net/tun) 2>/dev/null || skip "needs a kernel with TUN"
}

requires_nftables()
{
	requires_program nft
	unshare -n nft 'add table inet x; add chain inet x y { type filter hook output priority 0; }; add rule inet x y ct state established reject with icmpx type admin-prohibited' 2>/dev/null ||
		skip "needs a kernel with nf_tables"
}
