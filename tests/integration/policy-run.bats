#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The policies that husk brings along, on real programs: work that must go on, and attacks that must not. The filter
# is all that stands between them and the kernel here, also for root. tests/policy has tables of single calls.

load lib

setup()
{
	integration_setup
	cd "$TEST_DIR"
	UNDER=${HUSK%/*}/tests/policy/under
	[ -x "$UNDER" ] || skip "needs make check: $UNDER"
	PYTHON=/usr/bin/python3
	[ -x $PYTHON ] || PYTHON=$(command -v python3) || skip "needs python3"
}

# under POLICY COMMAND...
under() { timeout "$HUSK_TIMEOUT" "$UNDER" "$@"; }

# The same five for everybody: a namespace, a mount, another root, the sockets of the kernel's crypto, the terminal.
attacks()
{
	local policy=$1

	fails under "$policy" unshare --user --map-root-user true
	err_has 'not permitted'
	try under "$policy" mount -t tmpfs none "$TEST_DIR"
	[ "$status" != 0 ]
	! grep -q " $TEST_DIR " /proc/self/mountinfo
	fails 125 under "$policy" chroot / true
	err_has 'not permitted'
	try under "$policy" perl -MSocket -e 'socket(my $s, 38, 5, 0) and exit 0; exit($! + 0)'
	eq "$status" 97
	# TIOCSTI, once more with a bit above the 32 that the kernel looks at.
	for request in 0x5412 0x100005412; do
		try under "$policy" perl -e "my \$c = 'x'; syscall(16, 0, $request, \$c) == -1 or exit 0; exit(\$! + 0)"
		eq "$status" 1
	done
}

for_x86_64() { [ "$(uname -m)" = x86_64 ] || skip "its attacks know the numbers of x86-64 only"; }

@test "policy default: programs run" {
	ok under default sh -c 'ls / | sort | wc -l && echo done'
	out_has done
	ok under default tar cf t.tar -C /etc hostname
	ok under default tar tf t.tar
	out_is hostname
	ok under default "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(); print("bound")'
	out_is bound
	ok under default perl -e 'fork // die; print "forked\n"; wait'
	ok under default awk 'BEGIN { print 6 * 7 }'
	out_is 42
}

@test "policy default: attacks fail" {
	for_x86_64
	attacks default
}

@test "policy no-network: programs run, and none talks to the network" {
	ok under no-network sh -c 'find /etc -maxdepth 1 -name host\* | wc -l'
	ok under no-network "$PYTHON" -c 'import socket; a, b = socket.socketpair(); a.send(b"x"); print(b.recv(1))'
	out_is "b'x'"
	ok under no-network gzip -kf "$BATS_TEST_FILENAME" -c
	ok under no-network sed -n 1p /etc/passwd
	ok under no-network perl -e 'print "hello\n"'
	for family in AF_INET AF_INET6 AF_NETLINK AF_PACKET; do
		fails under no-network "$PYTHON" -c "import socket; socket.socket(socket.$family, socket.SOCK_RAW)"
		err_has 'Address family not supported'
	done
}

@test "policy no-network: attacks fail" {
	for_x86_64
	attacks no-network
}

@test "policy compiler: compiles, links and makes" {
	printf '#include <stdio.h>\nint main(void) { puts("made"); return 0; }\n' >a.c
	ok under compiler cc -O2 -g -o a a.c
	ok under compiler ./a
	out_is made
	ok under compiler cc -O2 -c -pipe -o a.o a.c
	ok under compiler ar rcs liba.a a.o
	printf 'all: x y z\nx y z: a.c\n\tcc -o $@ a.c\n' >Makefile
	ok under compiler make -j2
	[ -x x ] && [ -x y ] && [ -x z ]
	ok under compiler sh -c 'install -m 755 x installed && ./installed'
	fails under compiler "$PYTHON" -c 'import socket; socket.socket()'
	err_has 'Address family not supported'
}

@test "policy compiler: attacks fail" {
	for_x86_64
	attacks compiler
}

@test "policy shell: scripts run" {
	ok under shell bash -c 'for i in 1 2 3; do echo $i; done | tac | paste -sd+'
	out_is 3+2+1
	ok under shell find "$BATS_TEST_DIRNAME" -name 'policy*.bats' -newermt 2000-01-01
	out_has policy-run.bats
	ok under shell sh -c 'seq 1000 | sort -rn | head -1; mkfifo f; echo x >f & cat f; wait'
	out_has 1000 x
	ok under shell sh -c 'cp -a /etc/passwd . && grep -c root passwd && rm passwd'
	ok under shell sh -c 'date; sleep 0.01; kill -0 $$; trap "echo trapped" USR1; kill -USR1 $$'
	out_has trapped
	fails under shell "$PYTHON" -c 'import socket; socket.socket()'
	err_has 'Address family not supported'
}

@test "policy shell: attacks fail" {
	for_x86_64
	attacks shell
}

@test "policy python: programs run" {
	ok under python "$PYTHON" -c 'print(sum(range(101)))'
	out_is 5050
	ok under python "$PYTHON" -c 'import threading as t; r = []; x = [t.Thread(target=r.append, args=(i,)) for i in range(8)]
[i.start() for i in x]; [i.join() for i in x]; print(len(r))'
	out_is 8
	ok under python "$PYTHON" -c 'import subprocess; print(subprocess.run(["echo", "sub"], capture_output=True, text=True).stdout)'
	out_has sub
	ok under python "$PYTHON" -c 'import multiprocessing as m, os
if __name__ == "__main__":
    with m.get_context("fork").Pool(2) as p: print(sum(p.map(abs, [-1, -2, -3])))'
	out_is 6
	ok under python "$PYTHON" -c 'import http.server, threading, urllib.request as u
s = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=s.serve_forever, daemon=True).start()
print(u.urlopen("http://127.0.0.1:%d/" % s.server_port).status)'
	out_is 200
	ok under python "$PYTHON" -c 'import asyncio; print(asyncio.run(asyncio.sleep(0.01, "async")))'
	out_is async
}

@test "policy python: attacks fail" {
	for_x86_64
	attacks python
}

@test "policy node: programs run" {
	command -v node >/dev/null || skip "needs node"
	ok under node node -e 'console.log([1, 2, 3].map((x) => x * 2).join())'
	out_is 2,4,6
	ok under node node -e 'require("fs").writeFileSync("n", "x".repeat(9)); console.log(require("fs").statSync("n").size)'
	out_is 9
	ok under node node -e 'console.log(require("child_process").execSync("echo child").toString())'
	out_has child
	ok under node node -e 'new (require("worker_threads").Worker)("console.log(\"worker\")", { eval: true })'
	out_is worker
	ok under node node -e 'const h = require("http"); const s = h.createServer((q, r) => r.end("served")).listen(0, () =>
h.get({ port: s.address().port }, (r) => r.on("data", (d) => { console.log("" + d); s.close() })))'
	out_is served
	ok under node node -e 'console.log(require("zlib").gunzipSync(require("zlib").gzipSync("zipped")).toString())'
	out_is zipped
}

@test "policy node: attacks fail" {
	for_x86_64
	attacks node
}
