import Foundation
import Testing

/// An HTTP server (Python's own) that misbehaves as its paths say. It counts what it was asked.
struct MisbehavingServer {
    let port: Int
    private let process: Process

    func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

    static func with(_ body: (MisbehavingServer) async throws -> Void) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["python3", "-u", "-c", program]
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer { kill(process.processIdentifier, SIGKILL) }
        let greeting = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self)
        let port = try #require(Int(greeting.filter(\.isNumber)))
        try await body(MisbehavingServer(port: port, process: process))
    }

    private static let program = #"""
        import hashlib, json, time
        from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

        def table(first, count):
            return ("n\n" + "\n".join(str(first + i) for i in range(count)) + "\n").encode()

        asked = {}
        content = {"/data.csv": b"n\n1\n2\n"}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def log_message(self, *a): pass
            def answer(self, status, body=b"", headers=()):
                self.send_response(status)
                for k, v in headers: self.send_header(k, v)
                if status != 304: self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            def cut(self, data, tag, start, end):
                self.send_response(206 if start else 200)
                self.send_header("ETag", tag)
                if start: self.send_header("Content-Range", "bytes %d-%d/%d" % (start, len(data) - 1, len(data)))
                self.send_header("Content-Length", str(len(data) - start)); self.end_headers()
                self.wfile.write(data[start:end])
                self.close_connection = True
            def do_POST(self):
                content["/data.csv"] = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(204)
            def do_GET(self):
                path = self.path.split("?")[0]
                n = asked[path] = asked.get(path, 0) + 1
                start = int(self.headers["Range"][6:].rstrip("-")) if "Range" in self.headers else 0
                if path == "/asked": self.answer(200, json.dumps(asked).encode())
                elif path == "/data.csv":
                    tag = '"%s"' % hashlib.sha256(content[path]).hexdigest()[:12]
                    if self.headers.get("If-None-Match") == tag: self.answer(304, headers=[("ETag", tag)])
                    else: self.answer(200, content[path], [("ETag", tag)])
                elif path == "/dated.csv":
                    date = "Tue, 01 Jan 2030 00:00:00 GMT"
                    if self.headers.get("If-Modified-Since") == date: self.answer(304)
                    else: self.answer(200, b"n\n7\n", [("Last-Modified", date)])
                elif path == "/busy.csv":
                    if n <= 2: self.answer([429, 503][n - 1], b"later", [("Retry-After", "0")])
                    else: self.answer(200, b"n\n1\n")
                elif path == "/cut.csv":  # dies in the middle, answers 503 to the first try to go on, then the rest
                    data = table(0, 50000)
                    if n == 1: self.cut(data, '"one"', 0, 100000)
                    elif n == 2: self.answer(503)
                    else: self.cut(data, '"one"', start if self.headers.get("If-Range") == '"one"' else 0, len(data))
                elif path == "/changed.csv":  # another content, and a range of it, whatever was asked
                    if n == 1: self.cut(table(0, 50000), '"one"', 0, 100000)
                    else: self.cut(table(100000, 50000), '"two"', start, 10**9)
                elif path == "/shrunk.csv":
                    if n == 1: self.cut(table(0, 50000), '"one"', 0, 100000)
                    elif start: self.answer(416)
                    else: self.answer(200, b"n\n5\n", [("ETag", '"two"')])
                elif path == "/untagged.csv":  # cannot be taken up again: from the beginning
                    data = table(0, 50000)
                    self.send_response(200); self.send_header("Content-Length", str(len(data))); self.end_headers()
                    self.wfile.write(data if n > 1 else data[:100000])
                    if n == 1: self.close_connection = True
                elif path == "/never.csv": self.answer(503, headers=[("Retry-After", "0")])
                elif path.startswith("/to/"): self.answer(302, headers=[("Location", "http://" + path[4:])])
                elif path == "/secret.csv":
                    got = self.headers.get("Authorization", "")
                    self.answer(*((200, b"n\n3\n") if got in ("Bearer s3cret-token", "Basic YWRhOnB3") else (401, b"no")))
                elif path == "/echo.csv":
                    self.answer(200, ("auth\n" + self.headers.get("Authorization", "none") + "\n").encode())
                else: self.answer(404)

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        print(server.server_address[1], flush=True)
        server.serve_forever()
        """#
}
