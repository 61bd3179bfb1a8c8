import Core
import Platform
import Web

/// The web application: its files, and the page that shows all others.
public enum PagesFeature {
    /// - Parameters:
    ///   - folder: serves `app.pack` from there, read again when it changes; nil for what the program carries.
    ///   - ownsRoot: whether `/` leads to the application.
    public static func make(folder: String?, ownsRoot: Bool) throws -> Feature {
        var feature = Feature(name: "pages")
        feature.routes = PagesRoutes(source: try PackSource(folder: folder), ownsRoot: ownsRoot).routes
        return feature
    }
}

/// Paths are looked up in the pack's index, so no request can name a file.
struct PagesRoutes: Sendable {
    let source: PackSource
    let ownsRoot: Bool

    var routes: [Route] {
        let root = Route(.get, "/", .open, "Leads to the web application.") { _ in
            Response(status: 302, headers: [("Location", Pack.page), ("Cache-Control", "no-cache")])
        }
        return (ownsRoot ? [root] : []) + [
            Route(.get, "/ui", .open, "The web application.") { request in try answer(Pack.page, request) },
            Route(.get, "/ui/assets/{name}", .open, "A part of the web application.") { request in
                try answer("/ui/assets/" + request.parameter("name"), request)
            },
            Route(.get, "/ui/{path+}", .open, "A page of the web application.") { request in
                try answer(Pack.page, request)
            },
        ]
    }

    /// Nothing but the application's own files is run or shown, and nothing is asked of another server. A style that a
    /// script sets on an element needs no permission; a `<style>` or a script in the page would.
    private static let policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        + "connect-src 'self'; frame-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

    private func answer(_ path: String, _ request: Request) throws -> Response {
        guard let pack = try source.current() else {
            return .text("This build has no web application. Run 'make ui', and build again.\n", status: 404)
        }
        guard let asset = pack.assets[path] else {
            throw SlipwayError(
                .notFound, "The web application has no '\(path.prefix(200))'. Load the page again: it may be newer now."
            )
        }
        let encoding = Self.encoding(request.header("accept-encoding"), of: asset)
        // Each encoding is a representation of its own (RFC 9110, 8.8.3.3).
        let tag = "\"\(asset.digest)-\(encoding.rawValue)\""
        let isPage = path == Pack.page
        var headers: [(name: String, value: String)] = [
            ("ETag", tag), ("Vary", "Accept-Encoding"),
            // Names of assets carry a hash of what is in them.
            ("Cache-Control", isPage ? "no-cache" : "public, max-age=31536000, immutable"),
        ]
        if let known = request.header("if-none-match"), Self.matches(known, tag) {
            return Response(status: 304, headers: headers)
        }
        headers += [
            ("Content-Type", asset.type), ("Content-Security-Policy", Self.policy), ("X-Frame-Options", "DENY"),
            ("Referrer-Policy", "same-origin"), ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ]
        if encoding != .identity { headers.append(("Content-Encoding", encoding.rawValue)) }
        return Response(status: 200, headers: headers, body: .bytes(pack.body(asset, encoding)))
    }

    /// The smallest of an asset's encodings that the client takes (RFC 9110, 12.5.3).
    static func encoding(_ accepted: String?, of asset: Pack.Asset) -> Pack.Encoding {
        var taken: Set<String> = []
        for item in (accepted ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let quality = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            if let name = parts.first, quality > 0 { taken.insert(name) }
        }
        return Pack.Encoding.allCases.first { asset.encodings.contains($0) && taken.contains($0.rawValue) } ?? .identity
    }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").contains { part in
            let text = part.drop { $0 == " " }.prefix { $0 != " " }
            return text == tag || text == "W/" + tag || text == "*"
        }
    }
}
