import Core
import Glibc

/// A real HTTP/1.1 server (Python's `http.server`) on a free port of 127.0.0.1. It ends with this process, because its
/// standard input ends then.
struct LocalServer: Sendable {
    let port: Int
    var url: String { "http://127.0.0.1:\(port)" }

    static let shared = Result { try LocalServer() }

    private init() throws {
        var input: [Int32] = [0, 0]
        var output: [Int32] = [0, 0]
        guard pipe(&input) == 0, pipe(&output) == 0 else { throw SlipwayError(.unavailable, "no pipes are left") }
        for end in input + output { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, input[0], 0)
        posix_spawn_file_actions_adddup2(&actions, output[1], 1)
        let arguments = [strdup("python3"), strdup("-c"), strdup(Self.program), nil]
        defer { for argument in arguments { free(argument) } }
        var pid: pid_t = 0
        guard posix_spawnp(&pid, "python3", &actions, nil, arguments, environ) == 0 else {
            throw SlipwayError(.unavailable, "The tests of Transport need python3.")
        }
        close(input[0])
        close(output[1])
        var line = [UInt8](repeating: 0, count: 16)
        let count = read(output[0], &line, line.count)
        port = Int(String(decoding: line.prefix(max(0, count)), as: UTF8.self).filter(\.isNumber)) ?? 0
    }

    private static let program = #"""
        import hashlib, json, os, sys, threading, time
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
        from urllib.parse import urlsplit, parse_qs

        DATA = bytes(i * 31 % 251 for i in range(300_000))
        breaks = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *a): pass
            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for k, v in headers: self.send_header(k, v)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD": self.wfile.write(body)
            def handle_any(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                parts = urlsplit(self.path)
                query = {k: v[0] for k, v in parse_qs(parts.query).items()}
                if parts.path == "/echo":
                    self.answer(200, json.dumps({
                        "method": self.command, "path": self.path, "length": self.headers.get("Content-Length"),
                        "body": hashlib.sha256(body).hexdigest(), "peer": self.client_address[1],
                        "headers": {k.lower(): v for k, v in self.headers.items()}}).encode(), [("X-Two", "a"), ("X-Two", "b")])
                elif parts.path == "/status": self.answer(int(query["code"]), b"problem")
                elif parts.path == "/redirect":
                    self.answer(int(query.get("code", 302)), b"moved", [("Location", query["to"])])
                elif parts.path == "/loop": self.answer(302, b"", [("Location", "/loop")])
                elif parts.path == "/slow":
                    time.sleep(float(query["seconds"])); self.answer(200, b"late")
                elif parts.path == "/big": self.answer(200, b"x" * int(query["bytes"]))
                elif parts.path == "/endless":
                    self.send_response(200); self.send_header("Transfer-Encoding", "chunked"); self.end_headers()
                    try:
                        while True: self.wfile.write(b"400\r\n" + b"y" * 1024 + b"\r\n"); time.sleep(0.002)
                    except OSError: self.close_connection = True
                elif parts.path == "/breaks":
                    # Sends a third and hangs up, twice; then goes on with ranges. With change=1 it is another body then.
                    n = breaks[query["id"]] = breaks.get(query["id"], 0) + 1
                    data = DATA[::-1] if query.get("change") and n > 1 else DATA
                    tag = '"%s"' % hashlib.sha256(data).hexdigest()[:8]
                    start = 0
                    if "Range" in self.headers and self.headers.get("If-Range") == tag:
                        start = int(self.headers["Range"][6:].rstrip("-"))
                    self.send_response(206 if start else 200)
                    if query.get("tag", "1") == "1": self.send_header("ETag", tag)
                    if start: self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
                    self.send_header("Content-Length", str(len(data) - start)); self.end_headers()
                    part = data[start:] if n > 2 else data[start:start + 100_000]
                    self.wfile.write(part)
                    if n <= 2: self.close_connection = True
                else: self.answer(404, b"no such path")
            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = handle_any

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_address[1], flush=True)
        sys.stdin.read()
        os._exit(0)
        """#
}
