#!/usr/bin/python3
"""Clients of habits.py and its like, as the calling user.

habits-client.py datagram ADDRESS REQUEST [PATH...]   sends one, with the files PATH opened; prints the answer, "none"
                                                      after a second
habits-client.py linger ADDRESS REQUEST               the same, and prints what else came when its stdin ends
habits-client.py send ADDRESS REQUEST COUNT           so many datagrams; nothing is awaited
habits-client.py keep-sending ADDRESS                 a datagram now and then until its stdin ends
habits-client.py many PORT COUNT REQUEST              so many connections, each with a request that is answered;
                                                      prints what became of each, keeps them until its stdin ends
habits-client.py keep-asking PORT                     one connection after the other until there is no server;
                                                      prints a line for each answer
habits-client.py lines PORT REQUEST...                one connection; a line for each answer, "none" at its end
habits-client.py backend PORT                         answers every datagram by "answer" until its stdin ends
"""
import select
import socket
import sys

NOW_AND_THEN = 0.02


def asker(address, seconds=1):
    if address[0] in "/@":
        client = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        client.bind("")
        client.connect(address.replace("@", "\0", 1))
    else:
        host, _, port = address.rpartition(":")
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect((host, int(port)))
    client.settimeout(seconds)
    return client


def hear(client):
    try:
        return client.recv(500).decode()
    except (TimeoutError, BlockingIOError):
        return "none"


def say(text):
    print(text, flush=True)


def datagram(address, request, *paths):
    client = asker(address)
    files = [open(path, "rb") for path in paths]
    socket.send_fds(client, [request.encode()], [file.fileno() for file in files])
    say(hear(client))
    return client


def linger(address, request):
    client = datagram(address, request)
    sys.stdin.read()
    client.setblocking(False)
    say(hear(client))


def send(address, request, count):
    client = asker(address)
    for _ in range(int(count)):
        client.send(request.encode())


def keep_sending(address):
    client = asker(address)
    while not select.select([sys.stdin], [], [], NOW_AND_THEN)[0]:
        client.send(b"/shared/public")


def ask(connection, request):
    try:
        connection.sendall(request.encode() + b"\n")
        return connection.recv(500).decode().strip() or "none"
    except TimeoutError:
        return "none"
    except OSError as error:
        return type(error).__name__


def connected(port):
    return socket.create_connection(("127.0.0.1", int(port)), 10)


def many(port, count, request):
    connections = [connected(port) for _ in range(int(count))]
    for connection in connections:
        say(ask(connection, request))
    sys.stdin.read()


def keep_asking(port):
    while True:
        try:
            with connected(port) as connection:
                say(ask(connection, "/shared/public"))
        except ConnectionRefusedError:
            return
        except OSError:
            pass


def lines(port, *requests):
    try:
        connection = connected(port)
    except ConnectionResetError as error:  # refused before connect(2) was back
        say(type(error).__name__)
        return
    with connection:
        for request in requests:
            say(ask(connection, request))


def backend(port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", int(port)))
    while sys.stdin not in select.select([server, sys.stdin], [], [])[0]:
        server.sendto(b"answer", server.recvfrom(500)[1])


{"datagram": datagram, "linger": linger, "send": send, "keep-sending": keep_sending, "many": many,
 "keep-asking": keep_asking, "lines": lines, "backend": backend}[sys.argv[1]](*sys.argv[2:])
