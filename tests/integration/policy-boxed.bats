#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Policies that forbid to execute anything, so that only a sandbox starts a program under them: strict, and those for programs
# that are fed by strangers (ImageMagick, ffmpeg, nginx), at real work, and taken over.

load lib
load sandbox

setup()
{
	sandbox_setup
	PROFILES=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)/policies/profiles
	# What they make is to be looked at.
	mkdir work
	cd work || return 1
}

# boxed POLICY COMMAND...: may write into the working directory
boxed()
{
	local policy=$1

	shift
	sandbox --policy "$PROFILES/$policy.policy" --bind "$PWD" "$PWD" --setenv HOME "$PWD" "${BOXED[@]}" "$@"
}

for_x86_64() { [ "$(uname -m)" = x86_64 ] || skip "its attacks know the numbers of x86-64 only"; }

# taken_over POLICY COMMAND...: the program runs code that it should not, which gets nowhere
taken_over()
{
	for_x86_64
	${CC:-cc} -shared -fPIC -O1 -o "$TEST_DIR/here/injected.so" "$BATS_TEST_DIRNAME/helpers/injected.c" || skip "needs a compiler"
	BOXED+=(--ro-bind "$TEST_DIR/here/injected.so" /run/injected.so --setenv LD_PRELOAD /run/injected.so)
	try boxed "$@"
	err_has tried
	[[ $stderr != *"got through"* ]] || { show "$@"; return 1; }
	[ ! -e pwned ]
	# What it tries can succeed: nothing would be shown otherwise.
	try sandbox --policy none --pids 50 --wall-time 30s --bind "$PWD" "$PWD" "${BOXED[@]}" /usr/bin/true
	err_has "got through: start_program" "got through: mmap"
	[ -e pwned ]
}

@test "policy strict: programs that compute run" {
	requires_program /usr/bin/python3
	seq 2000 >numbers
	ok boxed strict sort -rn -o sorted numbers
	eq "$(head -n 1 sorted)" 2000
	ok boxed strict awk '{ sum += $1 } END { print sum }' numbers
	out_is 2001000
	boxed strict gzip -c numbers >numbers.gz
	ok boxed strict gzip -cd numbers.gz
	eq "$(tail -n 1 <<<"$output")" 2000
	ok boxed strict sha256sum numbers
	eq "${output%% *}" "$(sha256sum <numbers | cut -d ' ' -f 1)"
	ok boxed strict /usr/bin/python3 -c 'import json, threading
found = []
t = threading.Thread(target=lambda: found.append(sum(map(int, open("numbers")))))
t.start(); t.join(); print(json.dumps(found))'
	out_is "[2001000]"
}

@test "policy strict: other processes, programs, sockets, written code and namespaces are refused, or end it" {
	for_x86_64
	local code
	for code in 'os.fork()' 'os.execv("/bin/true", ["true"])' 'os.kill(1, 0)' 'socket.socket()' \
		'mmap.mmap(-1, 4096, prot=7)' 'os.posix_spawn("/bin/true", ["true"], {})'; do
		fails boxed strict /usr/bin/python3 -c "import os, socket, mmap; $code; print('through')"
		out_lacks through
	done
	for code in 'unshare(0x10000000)' 'mount(b"none", b"/tmp", b"tmpfs", 0, None)' 'ptrace(16, 1, 0, 0)' 'setuid(1)'; do
		REPORT=$TEST_DIR/report
		exits 159 boxed strict --report "$REPORT" /usr/bin/python3 -c "import ctypes; ctypes.CDLL(None).$code; print('through')"
		verdict_is policy
		out_lacks through
	done
}

@test "policy imagemagick: pictures are made, changed, measured and compared" {
	requires_program /usr/bin/convert /usr/bin/identify /usr/bin/montage /usr/bin/compare
	ok boxed imagemagick /usr/bin/convert -size 64x48 gradient:red-blue a.png
	ok boxed imagemagick /usr/bin/convert a.png -resize 50% -rotate 90 -blur 0x2 -quality 80 b.jpg
	ok boxed imagemagick /usr/bin/identify -format '%m %wx%h' b.jpg
	out_is "JPEG 24x32"
	ok boxed imagemagick /usr/bin/mogrify -format gif -negate a.png
	ok boxed imagemagick /usr/bin/identify -format '%m' a.gif
	out_is GIF
	ok boxed imagemagick /usr/bin/montage a.png b.jpg -geometry +2+2 m.png
	ok boxed imagemagick /usr/bin/convert a.png a.gif -delay 10 -layers optimize animation.gif
	ok boxed imagemagick /usr/bin/identify animation.gif
	eq "$(wc -l <<<"$output")" 2
	ok boxed imagemagick /usr/bin/compare -metric AE a.png a.png null:
	eq "$stderr" 0
}

@test "policy imagemagick: no program is started for a format, whatever a configuration says" {
	requires_program /usr/bin/convert
	mkdir config
	echo '<delegatemap><delegate decode="evil" command="touch &quot;'"$PWD"'/pwned&quot;"/></delegatemap>' >config/delegates.xml
	echo x >a.evil
	BOXED=(--setenv MAGICK_CONFIGURE_PATH "$PWD/config")
	try boxed imagemagick /usr/bin/convert a.evil b.png
	[ "$status" != 0 ] && [ ! -e pwned ]
	# Without the policy it is.
	try sandbox --bind "$PWD" "$PWD" "${BOXED[@]}" /usr/bin/convert a.evil b.png
	[ -e pwned ]
}

@test "policy imagemagick: files outside, and addresses, are out of reach" {
	requires_program /usr/bin/convert
	echo secret >"$TEST_DIR/secret"
	try boxed imagemagick /usr/bin/convert "text:$TEST_DIR/secret" out.png
	[ "$status" != 0 ] && [ ! -e out.png ]
	try boxed imagemagick /usr/bin/convert http://127.0.0.1:1/x.png out.png
	[ "$status" != 0 ] && [ ! -e out.png ]
}

@test "policy imagemagick: taken over" {
	requires_program /usr/bin/convert
	taken_over imagemagick /usr/bin/convert -size 8x8 xc:red x.png
}

@test "policy ffmpeg: films are made, changed, measured and taken apart" {
	requires_program /usr/bin/ffmpeg /usr/bin/ffprobe
	local quiet=(-nostdin -v error -y)
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -f lavfi -i testsrc=duration=1:size=96x64:rate=10 -f lavfi -i sine=duration=1 \
		-c:v libx264 -preset ultrafast -c:a aac t.mp4
	ok boxed ffmpeg /usr/bin/ffprobe -v error -show_entries stream=codec_name -of csv=p=0 t.mp4
	out_is $'h264\naac'
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -i t.mp4 -c:v libvpx -c:a libvorbis t.webm
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -i t.mp4 -vf scale=48:32,hflip -threads 4 t.avi
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -i t.mp4 -vn t.wav
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -i t.mp4 -frames:v 3 f%d.png
	[ -s f3.png ]
	ok boxed ffmpeg /usr/bin/ffmpeg "${quiet[@]}" -i t.mp4 -c:v libx265 -x265-params log-level=none -an t.mkv
	ok boxed ffmpeg /usr/bin/ffprobe -v error -show_entries format=format_name -of csv=p=0 t.mkv
	out_has matroska
}

@test "policy ffmpeg: no list of parts leads to a network, to sockets, or to files outside" {
	requires_program /usr/bin/ffmpeg
	local source
	echo secret >"$TEST_DIR/secret"
	for source in tcp://127.0.0.1:1 http://127.0.0.1:1/x udp://127.0.0.1:1 "unix:$PWD/socket" "concat:$TEST_DIR/secret"; do
		try boxed ffmpeg /usr/bin/ffmpeg -nostdin -v error -y -f s16le -i "$source" out.wav
		[ "$status" != 0 ] || { show "$source"; return 1; }
		[ ! -s out.wav ]
	done
	try boxed ffmpeg /usr/bin/ffmpeg -nostdin -v error -y -f s16le -i tcp://127.0.0.1:1 out.wav
	err_has "address family not supported"
	printf '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:1/a.ts\n#EXT-X-ENDLIST\n' >list.m3u8
	try boxed ffmpeg /usr/bin/ffmpeg -nostdin -v error -y -protocol_whitelist file,http,tcp -i list.m3u8 out.wav
	[ "$status" != 0 ] && [ ! -s out.wav ]
}

@test "policy ffmpeg: taken over" {
	requires_program /usr/bin/ffprobe
	taken_over ffmpeg /usr/bin/ffprobe -v error -f lavfi -i testsrc=duration=0.1
}

# Sets NGINX: what is installed, or the program of Debian's package alone, because to install that is to have a server.
requires_nginx()
{
	NGINX=$(command -v nginx) && return
	NGINX=$PWD/nginx
	(cd "$TEST_DIR" && timeout 120 apt-get -qq download nginx && dpkg -x nginx_*.deb nginx) >/dev/null 2>&1 || skip "needs the program nginx"
	cp "$TEST_DIR/nginx/usr/sbin/nginx" "$NGINX"
	"$NGINX" -v 2>/dev/null || skip "needs the libraries of nginx"
}

# A server behind a socket in the working directory, whose workers are its own.
nginx_config()
{
	mkdir -p html/below tmp
	touch html/below/found.txt
	echo "hello from here" >html/index.html
	yes "a line that can be made shorter" | head -n 1000 >html/long.txt
	cat >nginx.conf <<-END
		$1
		daemon off; worker_processes 2; pid $PWD/pid; error_log $PWD/error.log notice; user root;
		events { worker_connections 64; }
		http {
			access_log $PWD/access.log; sendfile on; gzip on; gzip_types *; gzip_http_version 1.0; aio threads;
			client_body_temp_path $PWD/tmp; proxy_temp_path $PWD/tmp; fastcgi_temp_path $PWD/tmp;
			uwsgi_temp_path $PWD/tmp; scgi_temp_path $PWD/tmp;
			server {
				listen unix:$PWD/s; root $PWD/html;
				location /list/ { autoindex on; alias $PWD/html/below/; }
				location /again/ { proxy_pass http://unix:$PWD/s:/; }
			}
		}
	END
}

# get PATH [HEADER]: what the server answers, its head included
get()
{
	python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("s")
s.sendall(("GET %s HTTP/1.0\r\n%s\r\n" % (sys.argv[1], "".join(h + "\r\n" for h in sys.argv[2:]))).encode())
while data := s.recv(65536):
    sys.stdout.buffer.write(data)' "$@"
}

@test "policy nginx: it serves files, lists, parts, compressed and by way of another, and is loaded anew" {
	requires_program python3
	requires_nginx
	nginx_config ""
	bg nginx "${HUSK_CMD[@]}" sandbox --setenv HUSK_TEST "$T" --policy "$PROFILES/nginx.policy" --bind "$PWD" "$PWD" \
		"$NGINX" -c "$PWD/nginx.conf" -p "$PWD"
	local server=$!
	wait_for get /
	ok get /
	out_has "200 OK" "hello from here"
	ok get /list/
	out_has "found.txt"
	ok get /long.txt "Range: bytes=2-5"
	out_has "206 Partial" "line"
	ok get /again/index.html
	out_has "hello from here"
	get /long.txt "Accept-Encoding: gzip" >answer
	grep -aq "Content-Encoding: gzip" answer
	[ "$(stat -c %s answer)" -lt 5000 ]
	ok get /missing
	out_has "404"
	# To the sandbox's first process, which hands it on.
	kill -HUP $server
	wait_for file_has "$PWD/error.log" reconfigur
	ok get /
	out_has "hello from here"
	kill -QUIT $server
	wait_bg $server
	eq "$status" 0
}

@test "policy nginx: taken over" {
	requires_nginx
	nginx_config ""
	BOXED=(--setenv HUSK_SERVER 1)
	taken_over nginx "$NGINX" -t -q -c "$PWD/nginx.conf" -p "$PWD"
}

@test "policy nginx: a module that attacks" {
	requires_nginx
	${CC:-cc} -shared -fPIC -O1 -o module.so "$BATS_TEST_DIRNAME/helpers/injected.c" || skip "needs a compiler"
	nginx_config "load_module $PWD/module.so;"
	BOXED=(--setenv HUSK_SERVER 1)
	fails boxed nginx "$NGINX" -c "$PWD/nginx.conf" -p "$PWD"
	err_has tried
	[[ $stderr != *"got through"* ]]
	[ ! -e pwned ]
}

@test "policy compiler: a source package of Debian is configured, made by two, and tested" {
	requires_program cc make /usr/lib/apt/apt-helper
	local from=http://deb.debian.org/debian/pool/main/z/zlib/zlib_1.2.13.dfsg.orig.tar.bz2
	timeout 120 /usr/lib/apt/apt-helper download-file $from zlib.tar.bz2 \
		SHA256:71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1 >/dev/null 2>&1 || skip "needs $from"
	# The owners in it are not root, who has no power over their files in a sandbox.
	tar --no-same-owner --strip-components 1 -xf zlib.tar.bz2
	BOXED=(--wall-time 300s --report "$REPORT")
	HUSK_TIMED=(timeout --foreground -k 2 320)
	ok boxed compiler sh -c './configure && make -j2 && make check'
	verdict_is exited
	out_has "zlib test OK" "zlib 64-bit test OK"
	[ -s libz.a ]
}
