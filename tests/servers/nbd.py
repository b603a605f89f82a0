#!/usr/bin/python3
"""nbd.py ADDRESS EXPORT [TEXT]: a client of nbd-server: writes TEXT to the start of EXPORT, if there is
one, and prints its first line. Status 1 if the server lets it have none."""
import socket
import struct
import sys

OPTION = 0x49484156454F5054  # "IHAVEOPT"
EXPORT_NAME = 1
REQUEST, READ, WRITE, END = 0x25609513, 0, 1, 2
SIZE = 512


def attach(address, name):
    host, _, port = address.rpartition(":")
    server = socket.create_connection((host, int(port)), 20)
    file = server.makefile("rwb")
    if file.read(8) != b"NBDMAGIC" or struct.unpack(">QH", file.read(10))[0] != OPTION:
        sys.exit("no NBD server")
    file.write(struct.pack(">IQII", 3, OPTION, EXPORT_NAME, len(name)) + name.encode())
    file.flush()
    if len(file.read(10)) < 10:
        sys.exit("not let in")
    return file


def ask(file, kind, text=b""):
    file.write(struct.pack(">IHHQQI", REQUEST, 0, kind, 7, 0, len(text) or SIZE) + text)
    file.flush()
    if kind == END:
        return b""
    answer = file.read(16)
    if len(answer) < 16 or struct.unpack(">II", answer[:8])[1] != 0:
        sys.exit("refused")
    return b"" if kind == WRITE else file.read(SIZE)


def main(address, name, text=""):
    file = attach(address, name)
    if text:
        ask(file, WRITE, text.encode() + b"\n")
    print(ask(file, READ).split(b"\n", 1)[0].decode())
    ask(file, END)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except OSError as error:
        sys.exit(f"nbd.py: {error}")
