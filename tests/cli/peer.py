#!/usr/bin/python3
"""peer.py [OPTION...] USER FAMILY COMMAND...: COMMAND has a connection from USER as descriptor 0.

FAMILY is tcp4, tcp6, mapped (an IPv4 client of an IPv6 server) or unix. USER is a name or a number;
the client has USER's groups, and GID instead of them with --groups=GID,... With --gone it has closed
its end before COMMAND runs; with --from=PID:ADDRESS it is in PID's network namespace and connects to
ADDRESS. It ends when COMMAND has ended.
"""
import argparse
import os
import pwd
import socket

LOOPBACK = {"tcp4": "127.0.0.1", "tcp6": "::1", "mapped": "::"}


def become(user, groups):
    name = pwd.getpwnam(user).pw_name if not user.isdigit() else None
    uid = pwd.getpwnam(name).pw_uid if name else int(user)
    gid = pwd.getpwnam(name).pw_gid if name else int(user)
    if groups is not None:
        os.setgroups([int(group) for group in groups.split(",")])
    elif name:
        os.initgroups(name, gid)
    else:
        os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def listen(family, address):
    if family == "unix":
        path = os.path.join(os.environ["TMPDIR"], f"peer.{os.getpid()}")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o666)
    else:
        listener = socket.socket(socket.AF_INET if family == "tcp4" else socket.AF_INET6)
        listener.bind((address or LOOPBACK[family], 0))
    listener.listen(1)
    return listener


def connect(family, listener):
    address = listener.getsockname()
    if family == "unix":
        client = socket.socket(socket.AF_UNIX)
    elif family == "tcp6":
        client = socket.socket(socket.AF_INET6)
    else:
        client = socket.socket(socket.AF_INET)
        address = ("127.0.0.1" if family == "mapped" else address[0], address[1])
    client.connect(address)
    return client


def be_client(options, address, listener):
    if options.come_from:
        with open(f"/proc/{options.come_from.split(':')[0]}/ns/net", encoding="ascii") as space:
            libc_setns(space.fileno())
    become(options.user, options.groups)
    client = connect(options.family, listener)
    if options.gone:
        client.close()
    else:
        listener.close()
        while client.recv(4096):
            pass
    os._exit(0)


def libc_setns(descriptor):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).setns(descriptor, 0) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gone", action="store_true")
    parser.add_argument("--groups")
    parser.add_argument("--from", dest="come_from")
    parser.add_argument("user")
    parser.add_argument("family", choices=["tcp4", "tcp6", "mapped", "unix"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    address = options.come_from.split(":")[1] if options.come_from else None

    listener = listen(options.family, address)
    child = os.fork()
    if child == 0:
        be_client(options, address, listener)
    connection, _ = listener.accept()
    if options.gone:
        os.waitpid(child, 0)
    os.dup2(connection.fileno(), 0)
    os.execvp(options.command[0], options.command)


main()
