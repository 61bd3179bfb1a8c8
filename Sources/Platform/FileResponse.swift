import Core
import Objects
import Web

/// The answer that gives a file: whole, or one range of it (RFC 9110, 14), or that it is unchanged.
///
/// A browser never shows it as a page of ours: it is an attachment in a sandbox without any rights.
public enum FileResponse {
    /// - Parameters:
    ///   - path: where the file is; its last part is the name under which it is saved.
    ///   - type: its media type, which must be none that a browser runs.
    ///   - write: sends the bytes of a range; nil asks for the whole file, which is what stores verify.
    public static func make(
        _ object: ObjectInfo, path: String, type: String, for request: Request,
        write: @escaping @Sendable (Range<Int64>?, ResponseWriter) async throws -> Void
    ) -> Response {
        let size = object.sizeBytes
        let tag = "\"\(object.digest.hex)\""
        var headers: [(name: String, value: String)] = [
            ("ETag", tag), ("Accept-Ranges", "bytes"), ("Cache-Control", "private, no-cache"),
        ]
        if let known = request.header("if-none-match"), matches(known, tag) {
            return Response(status: 304, headers: headers)
        }
        headers += [
            ("Content-Type", type), ("Content-Disposition", disposition(path)),
            ("Content-Security-Policy", "default-src 'none'; sandbox"), ("Cross-Origin-Resource-Policy", "same-origin"),
        ]
        var range = 0..<size
        var status = 200
        if let text = request.header("range"), request.header("if-range").map({ $0 == tag }) ?? true {
            switch parse(text, size) {
            case .some(let found) where found.isEmpty:
                return Response(
                    status: 416,
                    headers: headers.filter { $0.name != "Content-Type" }
                        + [("Content-Range", "bytes */\(size)")])
            case .some(let found):
                (range, status) = (found, 206)
                headers.append(("Content-Range", "bytes \(found.lowerBound)-\(found.upperBound - 1)/\(size)"))
            case nil: break
            }
        }
        let (part, isWhole) = (range, status == 200)
        return Response(
            status: status, headers: headers,
            body: .stream(length: Int64(part.count)) { writer in
                guard !part.isEmpty else { return }
                try await write(isWhole ? nil : part, writer)
            })
    }

    /// One range of bytes; empty if it lies past the end; nil for what is to be ignored: other units, several ranges.
    public static func parse(_ text: String, _ size: Int64) -> Range<Int64>? {
        guard text.hasPrefix("bytes="), !text.contains(",") else { return nil }
        let parts = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        func number(_ text: Substring) -> Int64? {
            text.utf8.allSatisfy { (48...57).contains($0) } ? Int64(text) ?? .max : nil
        }
        guard parts.count == 2 else { return nil }
        if parts[0].isEmpty {
            guard !parts[1].isEmpty, let last = number(parts[1]) else { return nil }
            return max(0, size - last)..<size
        }
        guard let first = number(parts[0]) else { return nil }
        guard !parts[1].isEmpty else { return min(first, size)..<size }
        guard let last = number(parts[1]), first <= last else { return nil }
        guard first < size else { return size..<size }
        return first..<(min(last, size - 1) + 1)
    }

    private static func matches(_ header: String, _ tag: String) -> Bool {
        header == "*"
            || header.split(separator: ",").contains { part in
                let text = part.drop { $0 == " " }.prefix { $0 != " " }
                return text == tag || text == "W/" + tag
            }
    }

    /// RFC 6266: the exact name, beside one in ASCII for old clients where the two differ.
    private static func disposition(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? "file"
        let plain = String(name.unicodeScalars.map { isPlain($0) ? Character($0) : "_" })
        let value = "attachment; filename=\"\(plain)\""
        return plain == name ? value : value + "; filename*=UTF-8''\(encoded(name))"
    }

    private static func isPlain(_ c: UnicodeScalar) -> Bool { (32..<127).contains(c.value) && c != "\"" && c != "\\" }

    /// RFC 8187's form of a text.
    private static func encoded(_ name: String) -> String {
        name.utf8.reduce(into: "") { out, byte in
            switch byte {
            case 48...57, 65...90, 97...122, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.unicodeScalars.append(UnicodeScalar(byte))
            default: out += "%" + Hex.encode([byte]).uppercased()
            }
        }
    }
}
