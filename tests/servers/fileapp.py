"""A WSGI application, for gunicorn: the files below $ROOT."""
import os


def application(environ, start_response):
    try:
        with open(os.environ["ROOT"] + environ["PATH_INFO"], "rb") as file:
            status, body = "200 OK", file.read()
    except FileNotFoundError:
        status, body = "404 Not Found", b"not found\n"
    except PermissionError:
        status, body = "403 Forbidden", b"forbidden\n"
    start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
