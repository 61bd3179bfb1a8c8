import Core

/// Places beyond this server where clients keep artifacts or take models from, with credentials of their own. Slipway
/// remembers them and never reads them; but what one person registers, another person's client follows, so places that
/// would turn that client against its owner are refused: its own disk, and web servers, to which MLflow's clients send
/// their token of this server.
public enum OutsideLocation {
    /// Stores of objects and files that are reached with credentials of their own.
    public static let schemes: Set<String> = [
        "s3", "r2", "b2", "gs", "wasb", "wasbs", "abfs", "abfss", "adl", "hdfs", "viewfs", "dbfs", "ftp", "sftp",
    ]

    /// - Throws: `invalid`, naming `field`.
    public static func validate(_ text: String, field: String) throws {
        func fail(_ problem: String) -> SlipwayError {
            SlipwayError(
                .invalid, "Invalid \(field): '\(text.prefix(200))' \(problem)",
                details: [
                    "field": field,
                    "expected":
                        "mlflow-artifacts:/PATH, or a URI of \(schemes.sorted().joined(separator: ", "))",
                ])
        }
        let scheme = text.firstIndex(of: ":").map { text[..<$0].lowercased() } ?? ""
        switch scheme {
        case "", "file": throw fail("is on the disk of whoever reads it; keep artifacts in this server or in a store.")
        case "http", "https": throw fail("is another web server, to which clients would send their token.")
        case _ where !schemes.contains(scheme): throw fail("has a scheme that is not known here.")
        default: break
        }
        let path = text.dropFirst(scheme.utf8.count + 1)
        guard !UnsafePath.leads(String(path)), !text.contains("#") else {
            throw fail("has parts that mean another place.")
        }
    }
}

/// Paths that some reader of them could take for others: what somebody down the line decodes once more, or compares after
/// Unicode's compatibility mapping, must not become a way out of a folder.
public enum UnsafePath {
    private static let decodings = 5
    /// What becomes `.`, `/` or `\` under NFKC, with what it becomes.
    private static let lookalikes: [Unicode.Scalar: String] = [
        "\u{2024}": ".", "\u{FF0E}": ".", "\u{FE52}": ".", "\u{2025}": "..", "\u{FE30}": "..", "\u{2026}": "...",
        "\u{FF0F}": "/", "\u{2215}": "/", "\u{2044}": "/", "\u{29F8}": "/", "\u{FF3C}": "\\", "\u{FE68}": "\\",
        "\u{29F5}": "\\", "\u{2216}": "\\",
    ]

    /// Whether any decoding of the text holds a part `.` or `..`, a backslash or a control character.
    public static func leads(_ text: String) -> Bool {
        var text = text
        for _ in 0..<decodings {
            if hasWayOut(plain(text)) { return true }
            // Overlong forms and broken escapes are no text, so nothing reads them as one.
            guard text.utf8.contains(UInt8(ascii: "%")), let next = decode(text), next != text else { return false }
            text = next
        }
        return true
    }

    private static func plain(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 > 127 }) else { return text }
        return text.unicodeScalars.reduce(into: "") { $0 += lookalikes[$1] ?? String($1) }
    }

    private static func hasWayOut(_ text: String) -> Bool {
        if text.unicodeScalars.contains(where: { $0.value < 32 || $0.value == 127 || $0 == "\\" }) { return true }
        return text.split(separator: "/").contains { part in part == "." || part == ".." }
    }

    /// Decodes the escapes that are whole and leaves the others, as lenient readers do.
    private static func decode(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var at = 0
        while at < bytes.count {
            if bytes[at] == UInt8(ascii: "%"), at + 2 < bytes.count,
                let pair = Hex.decode(String(decoding: bytes[at + 1...at + 2], as: UTF8.self).lowercased())
            {
                out += pair
                at += 3
            } else {
                out.append(bytes[at])
                at += 1
            }
        }
        return String(validating: out, as: UTF8.self)
    }
}
