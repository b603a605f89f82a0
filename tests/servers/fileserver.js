// fileserver.js HOST:PORT ROOT [WORKERS]: a file server in each of Node's ways to answer later.
//
// With WORKERS so many processes of the cluster module serve. The first part of the path says how:
// /sync/PATH at once, /pool/PATH by a thread of libuv's pool, /timer/PATH in a setTimeout,
// /immediate/PATH in a setImmediate.
"use strict";
const cluster = require("cluster");
const fs = require("fs");
const http = require("http");

const [where, root, workers] = process.argv.slice(2);

function answer(response, error, text) {
    const refused = error && (error.code === "ENOENT" ? 404 : error.code === "EACCES" ? 403 : 500);
    response.writeHead(refused || 200, { "Content-Type": "text/plain" });
    response.end(refused ? `${error.code}\n` : text);
}

function readNow(response, path) {
    try {
        answer(response, null, fs.readFileSync(path));
    } catch (error) {
        answer(response, error);
    }
}

const ways = {
    sync: readNow,
    pool: (response, path) => fs.readFile(path, (error, text) => answer(response, error, text)),
    timer: (response, path) => setTimeout(readNow, 2, response, path),
    immediate: (response, path) => setImmediate(readNow, response, path),
};

function handle(request, response) {
    const [, way, path] = request.url.match(/^\/([a-z]+)(\/.*)$/) || [];
    (ways[way] || readNow)(response, root + (ways[way] ? path : request.url));
}

if (workers && cluster.isMaster) {
    for (let i = 0; i < Number(workers); i++) {
        cluster.fork();
    }
} else {
    const colon = where.lastIndexOf(":");
    http.createServer(handle).listen(Number(where.slice(colon + 1)), where.slice(0, colon));
}
