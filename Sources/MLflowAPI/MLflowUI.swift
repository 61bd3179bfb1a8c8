import Core
import Registry
import Tracking
import Web

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// MLflow's own web page, served from the folder in which its wheel brings it (`mlflow/server/js/build`), and what the
/// page asks beyond `/ajax-api`. Off unless the server is told where the folder is.
public struct MLflowUI: Sendable {
    /// Bigger files than any that the wheel has are not served.
    private static let maximumFileBytes = 32 << 20
    private static let maximumFiles = 5_000

    /// Full paths by path below the folder. Looked up once at the start: what is not in it is not served, so no request
    /// can name a path, and links are left out.
    private let files: [String: String]

    /// - Throws: `invalid` when the folder is not MLflow's page.
    public init(folder: String) throws {
        var found: [String: String] = [:]
        func walk(_ folder: String, _ prefix: String) throws {
            guard let stream = opendir(folder) else { return }
            defer { closedir(stream) }
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                var info = stat()
                guard !name.hasPrefix("."), lstat("\(folder)/\(name)", &info) == 0 else { continue }
                switch info.st_mode & S_IFMT {
                case S_IFDIR: try walk("\(folder)/\(name)", prefix + name + "/")
                case S_IFREG: found[prefix + name] = "\(folder)/\(name)"
                default: continue
                }
                guard found.count <= Self.maximumFiles else {
                    throw SlipwayError.field(
                        "mlflow-ui", "'\(folder)' has more than \(Self.maximumFiles) files",
                        expected: "the folder mlflow/server/js/build of an installed mlflow")
                }
            }
        }
        try walk(folder, "")
        guard found["index.html"] != nil, found.keys.contains(where: { $0.hasPrefix("static/js/") }) else {
            throw SlipwayError.field(
                "mlflow-ui", "'\(folder)' has no index.html with static/js",
                expected: "the folder mlflow/server/js/build of an installed mlflow")
        }
        files = found
    }

    var routes: [Route] {
        [
            Route(.get, "/", .open, "MLflow's web page.") { _ in try file("index.html", isPage: true) },
            Route(.get, "/static-files/{path+}", .open, "The parts of MLflow's web page.") { request in
                try file(request.parameter("path"), isPage: false)
            },
            // The page asks on every list of runs, and shows an error for any answer but this one.
            Route(
                .get, "/ajax-api/2.0/mlflow/gateway-proxy", .signedIn,
                "MLflow: the endpoints of its gateway, of which this server has none.", wire: .mlflow
            ) { _ in .json(["endpoints": []]) },
        ]
    }

    /// The page's scripts are the wheel's own files; it makes styles, workers and images as it goes. Nothing comes from
    /// another server, and nothing is sent to one.
    private static let policy =
        "default-src 'none'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        + "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; manifest-src 'self'; frame-src 'self' blob:; "
        + "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    private func file(_ name: String, isPage: Bool) throws -> Response {
        guard let path = files[name], let bytes = Self.read(path) else {
            throw SlipwayError(.notFound, "MLflow's web page has no file '\(name.prefix(200))'.")
        }
        return Response(
            status: 200,
            headers: [
                ("Content-Type", Self.type(of: name)), ("Content-Security-Policy", Self.policy),
                ("X-Frame-Options", "DENY"), ("Referrer-Policy", "no-referrer"),
                ("Cross-Origin-Opener-Policy", "same-origin"),
                // Names of scripts and styles carry a hash of what is in them.
                ("Cache-Control", isPage ? "no-cache" : "private, max-age=86400"),
            ], body: .bytes(bytes))
    }

    private static func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var info = stat()
        guard fstat(file, &info) == 0, info.st_size <= maximumFileBytes else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
        var at = 0
        while at < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(file, $0.baseAddress.map { $0 + at }, $0.count - at, off_t(at))
            }
            guard count > 0 else { return nil }
            at += count
        }
        return bytes
    }

    private static func type(of name: String) -> String {
        switch name.split(separator: ".").last {
        case "html": "text/html; charset=utf-8"
        case "js", "mjs": "text/javascript; charset=utf-8"
        case "css": "text/css; charset=utf-8"
        case "json", "map": "application/json"
        case "svg": "image/svg+xml"
        case "png": "image/png"
        case "gif": "image/gif"
        case "jpg", "jpeg": "image/jpeg"
        case "ico": "image/x-icon"
        case "woff": "font/woff"
        case "woff2": "font/woff2"
        case "ttf": "font/ttf"
        case "wasm": "application/wasm"
        default: "application/octet-stream"
        }
    }
}
