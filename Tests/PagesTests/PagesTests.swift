import Core
import Foundation
import Platform
import TestSupport
import Testing
import Web

@testable import Pages

@Suite struct PagesTests {
    /// A pack in the form that `ui/build/build.ts` writes.
    private static func pack(_ page: String, broken: Bool = false) -> Data {
        let bodies = [page, "<br>", "<gzip>", "font"]
        var at = 0
        let places = bodies.map { body -> JSONValue in
            defer { at += body.utf8.count }
            return [JSONValue(at), JSONValue(body.utf8.count + (broken ? 100 : 0))]
        }
        let index: JSONValue = [
            [
                "path": "/ui/", "type": "text/html", "digest": .string(Digest.of(page).hex), "identity": places[0],
                "br": places[1], "gzip": places[2],
            ],
            ["path": "/ui/assets/a-1.woff2", "type": "font/woff2", "digest": "f", "identity": places[3]],
        ]
        let text = index.canonicalText
        let length = String(text.utf8.count, radix: 16)
        let head = "slipway ui 1\n" + String(repeating: "0", count: 8 - length.count) + length + "\n"
        return Data((head + text + bodies.joined()).utf8)
    }

    private func with(_ body: (WebApplication, String) async throws -> Void) async throws {
        try await TestPlatform.with { platform in
            let folder = platform.dataDirectory + "/ui"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Self.pack("<page>").write(to: URL(fileURLWithPath: folder + "/app.pack"))
            let feature = try PagesFeature.make(folder: folder, ownsRoot: true)
            try await body(WebApplication.testing(feature.routes, platform), folder)
        }
    }

    private func ask(_ application: WebApplication, _ target: String, _ headers: [(name: String, value: String)] = [])
        async throws -> (status: Int, body: String, headers: [String: String])
    {
        let answer = await application.respond(
            method: "GET", target: target, headers: [("host", "127.0.0.1:5000")] + headers, body: RequestBody())
        return (
            answer.status, String(decoding: try await answer.collect(), as: UTF8.self),
            Dictionary(answer.headers.map { ($0.name, $0.value) }) { a, _ in a }
        )
    }

    @Test func `every page is the same one, assets are found by name, and nothing else is there`() async throws {
        try await with { application, _ in
            let cases: [(String, String)] = [
                ("/ui", "200 <page>"), ("/ui/", "200 <page>"), ("/ui/p/shop/datasets/a%2Fb", "200 <page>"),
                ("/ui/assets/a-1.woff2", "200 font"), ("/ui/assets/a-2.woff2", "404 "), ("/", "302 "),
                ("/ui/assets/..%2Fapp.pack", "404 "), ("/ui/assets/%2e%2e%2f%2e%2e%2fapp.pack", "404 "),
                ("/ui/../../etc/passwd", "200 <page>"), ("/ui/assets//etc/passwd", "200 <page>"),
            ]
            var wrong: [String] = []
            for (target, expected) in cases {
                let got = try await ask(application, target)
                let text = "\(got.status) \(got.status == 200 ? got.body : "")"
                if text != expected { wrong.append("\(target): \(text)") }
            }
            #expect(wrong == [])
            #expect(try await ask(application, "/").headers["Location"] == "/ui/")
        }
    }

    @Test func `the smallest encoding that the client takes is sent, and nothing when it has it`() async throws {
        try await with { application, _ in
            let cases: [(String?, String, String?)] = [
                (nil, "<page>", nil), ("gzip, deflate, br, zstd", "<br>", "br"), ("gzip", "<gzip>", "gzip"),
                ("br;q=0, GZIP ; q=0.5", "<gzip>", "gzip"), ("identity", "<page>", nil), ("*", "<page>", nil),
                ("br;q=0.1,gzip;q=0", "<br>", "br"), ("brotli", "<page>", nil), (",;=,", "<page>", nil),
            ]
            var wrong: [String] = []
            for (accepted, body, encoding) in cases {
                let got = try await ask(application, "/ui/", accepted.map { [("accept-encoding", $0)] } ?? [])
                if got.body != body || got.headers["Content-Encoding"] != encoding {
                    wrong.append("\(accepted ?? "-"): \(got.body)")
                }
                let tag = got.headers["ETag"] ?? ""
                let again = try await ask(
                    application, "/ui/",
                    [("if-none-match", "\"x\", W/\(tag)")] + (accepted.map { [("accept-encoding", $0)] } ?? []))
                if again.status != 304 || !again.body.isEmpty { wrong.append("\(accepted ?? "-"): \(again.status)") }
            }
            #expect(wrong == [])
        }
    }

    @Test func `a browser is told to run nothing but the application, and to keep its assets`() async throws {
        try await with { application, _ in
            let page = try await ask(application, "/ui/").headers
            let asset = try await ask(application, "/ui/assets/a-1.woff2").headers
            #expect(page["Cache-Control"] == "no-cache" && page["Vary"] == "Accept-Encoding")
            #expect(asset["Cache-Control"] == "public, max-age=31536000, immutable")
            for headers in [page, asset] {
                let policy = headers["Content-Security-Policy"] ?? ""
                #expect(
                    policy.hasPrefix("default-src 'none';") && !policy.contains("unsafe") && !policy.contains("http"))
                #expect(headers["X-Content-Type-Options"] == "nosniff" && headers["X-Frame-Options"] == "DENY")
            }
        }
    }

    @Test func `a folder is read again when its pack changes, and a broken pack is refused`() async throws {
        try await with { application, folder in
            let file = URL(fileURLWithPath: folder + "/app.pack")
            try Self.pack("<newer page>").write(to: file, options: .atomic)
            #expect(try await ask(application, "/ui/").body == "<newer page>")
            for bytes in [
                Self.pack("<page>", broken: true), Self.pack("<page>").prefix(60), Data("slipway ui 2\n".utf8),
            ] {
                try bytes.write(to: file, options: .atomic)
                #expect(try await ask(application, "/ui/").status == 503)
            }
            try FileManager.default.removeItem(at: file)
            #expect(throws: SlipwayError.self) { _ = try PagesFeature.make(folder: folder, ownsRoot: true) }
            // What this build carries, if it carries one.
            _ = try PagesFeature.make(folder: nil, ownsRoot: false)
        }
    }
}
