# SPDX-License-Identifier: Apache-2.0
# serve WORD PORT...: answer WORD by TCP and UDP at these ports, whatever comes, until killed
# dns ADDRESS ANSWER: a name server that has one answer to every question
# [briefly] WHERE...: ask there (tcp:ADDR:PORT, udp:ADDR:PORT), and print what is answered or how it fails, a line
# each; briefly where no answer is what is hoped for
import errno
import select
import socket
import sys


def bound(family, kind, address, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen(16)
    return s


def serve(word, ports):
    sockets = []
    for port in ports:
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            sockets.append(bound(socket.AF_INET, kind, "0.0.0.0", port))
            sockets.append(bound(socket.AF_INET6, kind, "::", port))
    print("ready", flush=True)
    while True:
        for s in select.select(sockets, [], [])[0]:
            if s.type == socket.SOCK_DGRAM:
                s.sendto(word, s.recvfrom(64)[1])
            else:
                c = s.accept()[0]
                c.recv(1)
                c.sendall(word)
                c.close()


def dns(address, answer):
    s = bound(socket.AF_INET, socket.SOCK_DGRAM, address, 53)
    print("ready", flush=True)
    while True:
        data, client = s.recvfrom(512)
        end = 12
        while data[end]:
            end += data[end] + 1
        question = data[12:end + 5]
        address4 = question[-4:-2] == b"\0\1"
        reply = data[:2] + b"\x81\x80\0\1\0" + (b"\1" if address4 else b"\0") + b"\0\0\0\0" + question
        if address4:
            reply += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\x04" + socket.inet_aton(answer)
        s.sendto(reply, client)


def ask(where, brief):
    kind, _, rest = where.partition(":")
    address, _, port = rest.rpartition(":")
    address = address.strip("[]")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    udp = kind == "udp"
    s = socket.socket(family, socket.SOCK_DGRAM if udp else socket.SOCK_STREAM)
    s.settimeout(1 if udp or brief else 4)
    try:
        s.connect((address, int(port)))
        # Datagrams may get lost; more so while a neighbour is being looked for.
        for _ in range(4 if udp and not brief else 1):
            s.send(b"?")
            try:
                return s.recv(64).decode() or "nothing"
            except socket.timeout:
                pass
        return "timeout"
    except socket.timeout:
        return "timeout"
    except OSError as e:
        return errno.errorcode[e.errno]


arguments = sys.argv[1:]
if arguments[0] == "serve":
    serve(arguments[1].encode(), [int(port) for port in arguments[2:]])
elif arguments[0] == "dns":
    dns(arguments[1], arguments[2])
else:
    brief = arguments[0] == "briefly"
    for argument in arguments[brief:]:
        print(argument, ask(argument, brief))
