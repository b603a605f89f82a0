#!/usr/bin/python3
"""doors.py [--udp] PUBLIC ADMIN [STEP...]: a server with two doors, in one thread.

PUBLIC, ADMIN: HOST:PORT, [HOST6]:PORT, /PATH or @ABSTRACT; both listen (--udp: are bound) before
the first step. Each step prints one line.

  accept:DOOR:NAME   the next connection at public or admin is NAME
  read:NAME          what it says first; with --udp NAME is a door
  ids                base (root), ground, or the effective user's name
  file:PATH          its first line, or the error's name
  wait:NAME:NAME     until one of the two has something to read, by select(2)
  move:DOOR:ADDRESS  the door is closed without close(2), and the public one; a new one at ADDRESS
                     has its number, and is called as it was
  fork               what follows, up to the step `joined`, happens in a child, and only there
  serve              the last: waits for both, and answers each line of a client's, one client at a
                     time: `ids`, or `get PATH` as in file:
"""
import ctypes
import errno
import os
import pwd
import select
import socket
import sys

FIRST_GUARD = 61184


def ids():
    uid = os.geteuid()
    return "base" if uid == 0 else "ground" if uid >= FIRST_GUARD else pwd.getpwuid(uid).pw_name


def first_line(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.readline().strip()
    except OSError as error:
        return errno.errorcode[error.errno]


def bind_name(door, address):
    """$BIND: `beside`: under another name, which it has until it listens; `linked`: it keeps that, too;
    `replaced`: something else has that then; `below`: by a name that means nothing any more when it
    listens."""
    way = os.environ.get("BIND") if address[0] == "/" else None
    if way in ("beside", "linked", "replaced"):
        door.bind(address + ".new")
        if door.type == socket.SOCK_STREAM:
            door.listen(64)
        os.link(address + ".new", address)
        if way != "linked":
            os.unlink(address + ".new")
        if way == "replaced":
            open(address + ".new", "w", encoding="utf-8").close()
    elif way == "below":
        os.chdir(os.path.dirname(address))
        door.bind(os.path.basename(address))
        os.chdir("/")
    else:
        door.bind("\0" + address[1:] if address[0] == "@" else address)


def open_door(address, kind):
    if address[0] in "/@":
        door = socket.socket(socket.AF_UNIX, kind)
        bind_name(door, address)
    else:
        host, _, port = address.rpartition(":")
        door = socket.socket(socket.AF_INET6 if host[0] == "[" else socket.AF_INET, kind)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host.strip("[]"), int(port)))
    if kind == socket.SOCK_STREAM:
        door.listen(64)
    return door


def answer(line):
    line = line.removeprefix("get ")
    return "ok " + (ids() if line == "ids" else first_line(line)) + "\n"


def open_door_at(number, address):
    """dup2(2) past every hook of libc's."""
    host, _, port = address.rpartition(":")
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.bind((host, int(port)))
    libc = ctypes.CDLL(None, use_errno=True)
    dup3 = {"x86_64": 292, "aarch64": 24}[os.uname().machine]
    if libc.syscall(dup3, door.fileno(), number, 0) != number:
        raise OSError(ctypes.get_errno(), "dup3")
    door.close()
    moved = socket.socket(fileno=number)
    libc.syscall({"x86_64": 50, "aarch64": 201}[os.uname().machine], number, 64)
    return moved


def serve_connection(door):
    connection, _ = door.accept()
    with connection, connection.makefile("rw") as lines:
        for line in lines:
            lines.write(answer(line.strip()))
            lines.flush()


def serve_datagram(door):
    data, sender = door.recvfrom(4096)
    door.sendto(answer(data.decode().strip()).encode(), sender)


def serve(doors, udp):
    while True:
        for door in select.select(doors, (), ())[0]:
            try:
                (serve_datagram if udp else serve_connection)(door)
            except OSError as error:
                print(errno.errorcode[error.errno], flush=True)


def move(doors, door, address):
    """Under our feet: the number is closed by dup2(2) of a raw system call's."""
    number = doors[door].fileno()
    doors.pop("public").close()
    made = open_door_at(number, address)
    doors[door].detach()
    doors[door] = made
    return "moved"


def take(step, doors, names):
    what, _, rest = step.partition(":")
    if what == "wait":
        one, _, other = rest.partition(":")
        select.select([names[one], names[other]], (), ())
        return "ready"
    if what == "move":
        return move(doors, *rest.split(":", 1))
    if what == "ids":
        return ids()
    if what == "file":
        return first_line(rest)
    try:
        if what == "accept":
            door, _, name = rest.partition(":")
            names[name] = doors[door].accept()[0]
            return ids()
        if what == "read":
            return names[rest].recv(4096).decode().strip()
    except OSError as error:
        return errno.errorcode[error.errno]
    raise ValueError(step)


def main():
    arguments = sys.argv[1:]
    udp = arguments[0] == "--udp"
    os.umask(0)
    public, admin, *steps = arguments[udp:]
    kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
    doors = {"public": open_door(public, kind), "admin": open_door(admin, kind)}
    names = dict(doors)
    away = False
    for step in steps:
        if step == "joined":
            if not away:
                os._exit(0)
            away = False
        elif away:
            continue
        elif step == "fork":
            child = os.fork()
            away = child != 0
            if child:
                os.waitpid(child, 0)
        elif step == "serve":
            serve(list(doors.values()), udp)
        else:
            print(f"{step} {take(step, doors, names)}", flush=True)


if __name__ == "__main__":
    main()
