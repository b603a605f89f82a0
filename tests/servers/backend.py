#!/usr/bin/python3
"""backend.py SOCKET: an HTTP server behind another, which answers each request with the uid of who
connected (SO_PEERCRED): whose rights the server in front had when it opened the connection."""
import http.server
import os
import socket
import socketserver
import struct
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # connections are kept, and used again

    def do_GET(self):
        peer = self.connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        body = f"{struct.unpack('iii', peer)[1]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128


os.umask(0)  # everybody may connect
Server(sys.argv[1], Handler).serve_forever()
