/// The rule for names that people choose for projects, datasets, pipelines, endpoints and steps: they become parts of
/// refs, URLs and file names, so the alphabet is narrow.
public enum Name {
    /// Letters, digits, `_`, `-` and `.`; starts with a letter or digit; at most `Limits.nameBytes` bytes.
    public static func isValid(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= Limits.nameBytes, isWord(first) else { return false }
        return text.utf8.allSatisfy {
            isWord($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_")
        }
    }

    /// Returns `text` if it is a valid name.
    ///
    /// - Throws: `invalid`, naming `field`.
    @discardableResult
    public static func validate(_ text: String, field: String = "name") throws -> String {
        guard isValid(text) else {
            throw SlipwayError.field(
                field, "'\(text.prefix(80))' is not a valid name",
                expected: "1 to \(Limits.nameBytes) letters, digits, '-', '_' or '.', beginning with a letter or digit")
        }
        return text
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        (byte >= 48 && byte <= 57) || (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
    }
}

/// A relative path of a client: parsed once, then safe to append to a folder.
public struct RelativePath: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// The components; never empty, never `.` or `..`.
    public var components: [String] { description.split(separator: "/").map(String.init) }

    /// Parses a `/`-separated relative path.
    ///
    /// - Throws: `invalid` for absolute paths, `..`, backslashes, NUL and control characters, empty components.
    public init(parsing text: String, field: String = "path") throws {
        if !Self.isValid(text.utf8) { throw Self.problem(text, field) }
        description = text
    }

    /// One look at each byte, for commits of a million paths; `problem` says what is wrong.
    private static func isValid(_ text: String.UTF8View) -> Bool {
        var (length, dots, depth) = (0, 0, 1)
        func isPart() -> Bool { (1...Limits.pathComponentBytes).contains(length) && !(dots == length && dots <= 2) }
        for byte in text {
            if byte == UInt8(ascii: "/") {
                guard isPart() else { return false }
                (length, dots, depth) = (0, 0, depth + 1)
                continue
            }
            guard byte >= 32, byte != 127, byte != UInt8(ascii: "\\") else { return false }
            length += 1
            if byte == UInt8(ascii: ".") { dots += 1 }
        }
        return isPart() && depth <= Limits.pathDepth
    }

    private static func problem(_ text: String, _ field: String) -> SlipwayError {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for part in parts {
            let problem: String? =
                if part.isEmpty {
                    parts.count == 1 ? "is empty" : "has an empty part or begins with '/'"
                } else if part == "." || part == ".." {
                    "contains '\(part)'"
                } else if part.utf8.count > Limits.pathComponentBytes {
                    "has a part of more than \(Limits.pathComponentBytes) bytes"
                } else if part.unicodeScalars.contains(where: { $0.value < 32 || $0 == "\\" || $0.value == 127 }) {
                    "contains a control character or a backslash"
                } else { nil }
            if let problem {
                // What a stranger's archive calls its files must not steer somebody's terminal.
                let shown = text.unicodeScalars.prefix(120).map {
                    $0.value < 32 || $0.value == 127 ? "?" : Character($0)
                }
                return SlipwayError.field(
                    field, "'\(String(shown))' \(problem)", expected: "a relative path such as model/model.onnx")
            }
        }
        return SlipwayError.field(field, "is nested more than \(Limits.pathDepth) deep")
    }
}
