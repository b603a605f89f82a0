#!/usr/bin/python3
"""notified.py SOCKET: listens as a service manager does; prints each line that it is told."""
import os
import socket
import sys

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
os.umask(0)
manager.bind(sys.argv[1])
print("listening", flush=True)
while True:
    for line in manager.recv(8192).decode().splitlines():
        print(line, flush=True)
