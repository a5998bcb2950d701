#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""vm-guest.py KERNEL INITRAMFS DIRECTORY: a host for husk as the first process of a machine.

Boots KERNEL in QEMU's emulation with DIRECTORY shared as its root, speaks the protocol of
vm-shim/wire/wire.h to the guest, and checks what comes back. TAP on standard output.
"""
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

HELLO, CONFIG, START, EXEC, SIGNAL, RESIZE, TIME, RESEED, PAUSE, RESUME, STATS_ASK, SHUTDOWN = range(1, 13)
STARTED, EXITED, REPORT, ERROR, STATS, LOG = range(32, 38)
DATA, END, CREDIT = range(64, 67)
WINDOW = 256 << 10
VIRTIOFSD = ["/usr/libexec/virtiofsd", "/usr/lib/qemu/virtiofsd"]


def tsc_khz():
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("cpu MHz"):
                return int(float(line.split(":")[1]) * 1000)
    return 0


class Machine:
    def __init__(self, kernel, initramfs, share):
        self.dir = tempfile.mkdtemp(prefix="husk-vm-guest-")
        at = lambda name: os.path.join(self.dir, name)
        fsd = next(p for p in VIRTIOFSD if os.path.exists(p))
        self.console = at("console")
        self.children = [subprocess.Popen(
            [fsd, "--socket-path=" + at("fs"), "--rlimit-nofile=0",
             "-o", "source=%s,cache=always,sandbox=chroot" % share],
            stdout=subprocess.DEVNULL, stderr=open(at("fsd.log"), "w"))]
        self.wait_for(at("fs"))
        listeners = [socket.socket(socket.AF_UNIX) for _ in range(2)]
        for name, listener in zip(("ctl", "data"), listeners):
            listener.bind(at(name))
            listener.listen()
        append = "console=ttyS0 quiet panic=-1 reboot=t tsc_early_khz=%d husk.role=guest husk.root=share:root" % tsc_khz()
        self.children.append(subprocess.Popen(
            ["qemu-system-x86_64", "-M", "microvm", "-accel", "tcg", "-cpu", "max,la57=off", "-m", "192", "-smp", "1",
             "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
             "-global", "virtio-mmio.force-legacy=false",
             "-object", "memory-backend-memfd,id=ram,size=192M,share=on", "-machine", "memory-backend=ram",
             "-kernel", kernel, "-initrd", initramfs, "-append", append,
             "-chardev", "file,id=con,path=" + self.console, "-serial", "chardev:con",
             "-device", "virtio-serial-device",
             "-chardev", "socket,id=ctl,path=" + at("ctl"),
             "-device", "virtserialport,chardev=ctl,name=husk.ctl.0",
             "-chardev", "socket,id=data,path=" + at("data"),
             "-device", "virtserialport,chardev=data,name=husk.data.0",
             "-chardev", "socket,id=fs,path=" + at("fs"),
             "-device", "vhost-user-fs-device,chardev=fs,tag=root"],
            stdin=subprocess.DEVNULL))
        self.qemu = self.children[-1]
        self.ports = []
        for listener in listeners:
            listener.settimeout(10)
            self.ports.append(listener.accept()[0])
            listener.close()
        self.buffers = [b"", b""]
        self.streams, self.events, self.held, self.given = {}, [], set(), {}
        self.credit = {}

    def wait_for(self, path):
        for _ in range(500):
            if os.path.exists(path):
                return
            time.sleep(0.01)
        raise Exception("%s does not appear" % path)

    def frame(self, port, kind, stream=0, body=b"", flags=0):
        self.ports[port].sendall(struct.pack("<IBBHI", len(body), kind, flags, 0, stream) + body)

    def ctl(self, kind, stream=0, body=b"", flags=0):
        self.frame(0, kind, stream, body, flags)

    def configure(self, command, environment=(), directory="/", sandbox=None, **more):
        config = dict(sandbox=dict(sandbox or {}, command=command), directory=directory,
                      environment=list(environment) or ["PATH=/usr/bin:/bin", "HOME=/root"], **more)
        text = json.dumps(config).encode()
        self.ctl(CONFIG, 0, text[:10], 1)
        self.ctl(CONFIG, 0, text[10:])

    def take(self, port, kind, flags, stream, body):
        if port == 1 and kind == DATA:
            s = self.streams.setdefault(stream, bytearray())
            s += body
            self.given[stream] = self.given.get(stream, 0) + len(body)
            if self.given[stream] > WINDOW:
                raise Exception("more than its credit on stream %d" % stream)
            if stream not in self.held:
                self.give(stream)
        elif port == 1 and kind == CREDIT:
            self.credit[stream] = self.credit.get(stream, WINDOW) + struct.unpack("<I", body)[0]
        else:
            self.events.append((kind, stream, flags, body))

    def give(self, stream):
        """Credit for what has been read."""
        if self.given.get(stream):
            self.frame(1, CREDIT, stream, struct.pack("<I", self.given[stream]))
            self.given[stream] = 0

    def pump(self, seconds):
        """Read what comes within that time; False when the guest has hung up."""
        ready, _, _ = select.select(self.ports, [], [], seconds)
        for port in ready:
            i = self.ports.index(port)
            data = port.recv(1 << 16)
            if not data:
                return False
            self.buffers[i] += data
            while len(self.buffers[i]) >= 12:
                length, kind, flags, _, stream = struct.unpack("<IBBHI", self.buffers[i][:12])
                if len(self.buffers[i]) < 12 + length:
                    break
                self.take(i, kind, flags, stream, self.buffers[i][12:12 + length])
                self.buffers[i] = self.buffers[i][12 + length:]
        return True

    def until(self, kind, stream, seconds=30):
        """The body of that frame, which may have come already."""
        end = time.monotonic() + seconds
        while True:
            for e in self.events:
                if e[0] == kind and e[1] == stream:
                    self.events.remove(e)
                    return e[3]
            if time.monotonic() > end or not self.pump(0.2):
                raise Exception("no frame %d on stream %d; have %r; console: %s" %
                                (kind, stream, self.events, open(self.console).read()[-2000:]))

    def finish(self, number=1, seconds=30):
        """Status, output and errors of a process, when all of it is there."""
        status = struct.unpack("<I", self.until(EXITED, number, seconds))[0]
        for stream in (number * 4 + 1, number * 4 + 2):
            self.until(END, stream)
        out = [bytes(self.streams.pop(number * 4 + i, b"")) for i in (1, 2)]
        for i in range(3):
            self.given.pop(number * 4 + i, None)
            self.credit.pop(number * 4 + i, None)
        self.frame(1, END, number * 4)
        self.until(END, number * 4)
        return status, out[0], out[1]

    def run(self, command, stdin=b"", number=1, **more):
        self.configure(command, **more)
        self.ctl(START, number)
        if stdin:
            self.frame(1, DATA, number * 4, stdin)
        self.frame(1, END, number * 4)
        return self.finish(number)

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
        for port in self.ports:
            port.close()
        shutil.rmtree(self.dir)


count = 0


def check(name, got, expected):
    global count
    count += 1
    good = got == expected
    print("%s %d - %s" % ("ok" if good else "not ok", count, name))
    if not good:
        print("# expected %r, got %r" % (expected, got))
    sys.stdout.flush()


def boot(m):
    hello = m.until(HELLO, 0, 60)
    check("the guest greets", (hello[:4], hello[4:9]), (b"\1\0\0\0", b"husk "))
    for port in (0, 1):
        m.frame(port, HELLO, 0, struct.pack("<I", 1) + b"test")
    m.ctl(TIME, 0, struct.pack("<Q", 1000000000 * 10**9))
    m.ctl(RESEED, 0, b"\5" * 64)


def first_machine(m):
    boot(m)
    check("status, output and errors", m.run(["/bin/sh", "-c", "echo out; echo err >&2; exit 42"]),
          (42, b"out\n", b"err\n"))
    report = json.loads(m.until(REPORT, 1))
    check("the report", (report["verdict"], report.get("exitCode")), ("exited", 42))
    check("input, and its end", m.run(["/usr/bin/wc", "-c"], stdin=b"x" * 60000)[:2], (0, b"60000\n"))
    m.events.clear()
    check("environment, directory and clock",
          m.run(["/bin/sh", "-c", 'echo "$NAME"; pwd; date +%Y; hostname'],
                environment=["PATH=/usr/bin:/bin", "NAME=text", "HOME=/root"], directory="/usr/share",
                sandbox=dict(keepEnvironment=["NAME"], hostname="inside"))[:2],
          (0, b"text\n/usr/share\n2001\ninside\n"))
    check("a user", m.run(["/usr/bin/id", "-u"], uid=1000, gid=1000)[:2], (0, b"1000\n"))
    status, _, _ = m.run(["/no/such/program"])
    check("a program that is missing", (status, b"no such file" in m.until(ERROR, 1).lower()), (127, True))
    m.events.clear()

    m.configure(["/bin/sleep", "60"])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    m.ctl(SIGNAL, 1, struct.pack("<I", signal.SIGTERM))
    check("a signal", m.finish()[0], 128 + signal.SIGTERM)
    m.ctl(START, 1)
    m.until(STARTED, 1)
    m.ctl(SIGNAL, 1, struct.pack("<I", signal.SIGKILL))
    check("the last signal", m.finish()[0], 128 + signal.SIGKILL)
    m.events.clear()

    # A reader that stands still does not hold up another process.
    size = 700000
    m.held.add(5)
    m.configure(["/bin/sh", "-c", "head -c %d /dev/zero" % size])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    check("a second process beside it", m.run(["/bin/echo", "two"], number=2), (0, b"two\n", b""))
    deadline = time.monotonic() + 20
    while m.given.get(5, 0) < WINDOW and time.monotonic() < deadline:
        m.pump(0.2)
    check("a slow reader gets what he has given credit for", m.given.get(5), WINDOW)
    m.held.clear()
    m.give(5)
    status, out, _ = m.finish()
    check("and then the rest", (status, len(out)), (0, size))
    m.events.clear()

    m.configure(["/bin/sh", "-c", "while echo y; do :; done"])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    m.frame(1, END, 5)
    status = m.finish()[0]
    check("a reader that has gone ends the writer", status != 0, True)
    m.events.clear()

    m.configure(["/bin/sh", "-c", "stty size; test -t 0 && read line && echo \"got $line\""],
                terminal=dict(rows=33, columns=99), sandbox=dict(terminal=True))
    m.ctl(START, 1)
    m.until(STARTED, 1)
    m.frame(1, DATA, 4, b"word\n")
    status, out, _ = m.finish()
    check("a terminal", (status, b"33 99" in out, b"got word" in out), (0, True, True))

    m.configure(["/bin/sleep", "60"])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    m.ctl(PAUSE)
    m.ctl(STATS_ASK)
    stats = json.loads(m.until(STATS, 0))
    check("paused", (stats["paused"], stats["processes"]), (True, 1))
    m.ctl(SIGNAL, 1, struct.pack("<I", signal.SIGTERM))
    m.pump(0.3)
    check("nothing runs then", any(e[0] == EXITED for e in m.events), False)
    m.ctl(RESUME)
    check("and goes on", m.finish()[0], 128 + signal.SIGTERM)

    m.configure(["/bin/sleep", "60"])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    check("no errors besides", [e for e in m.events if e[0] == ERROR], [])
    m.ctl(SHUTDOWN)
    check("the machine is switched off", m.qemu.wait(20), 0)


def second_machine(m):
    boot(m)
    m.configure(["/bin/sleep", "60"])
    m.ctl(START, 1)
    m.until(STARTED, 1)
    # The host is gone: nothing may go on without it.
    m.ports[0].shutdown(socket.SHUT_RDWR)
    check("a guest without a host switches itself off", m.qemu.wait(20), 0)


def third_machine(m):
    boot(m)
    m.ctl(STARTED, 1, b"\0\0\0\0")
    check("a host that breaks the rules is told", b"not its to send" in m.until(ERROR, 0), True)
    check("and the machine is switched off", m.qemu.wait(20), 0)


def main():
    for part in (first_machine, second_machine, third_machine):
        m = Machine(*sys.argv[1:4])
        try:
            part(m)
        except Exception as error:
            check("%s: %s" % (part.__name__, error), False, True)
            print("# console: " + open(m.console).read()[-3000:].replace("\n", "\n# "))
        finally:
            m.close()
    print("1..%d" % count)


main()
