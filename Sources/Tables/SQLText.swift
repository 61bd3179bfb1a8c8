/// Making SQL text.
enum SQLText {
    /// A quoted name.
    static func name(_ text: String) -> String { "\"\(doubling("\"", in: text))\"" }

    /// A text literal.
    static func literal(_ text: String) -> String { "'\(doubling("'", in: text))'" }

    static func list(_ texts: [String]) -> String { "[\(texts.map(literal).joined(separator: ", "))]" }

    /// Whether the name needs no quotes in a type's name.
    static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, first < 48 || first > 57 else { return false }
        return text.utf8.allSatisfy { ($0 >= 97 && $0 <= 122) || ($0 >= 48 && $0 <= 57) || $0 == 95 }
    }

    private static func doubling(_ quote: Character, in text: String) -> String {
        guard text.contains(quote) else { return text }
        return text.split(separator: quote, omittingEmptySubsequences: false).joined(separator: "\(quote)\(quote)")
    }

    /// The statement without what follows its first semicolon outside of quotes and comments, so that it can stand in
    /// parentheses. Only a convenience for people who end their queries with a semicolon: what is executed is what
    /// `SQLCheck` has looked at, after the cut.
    static func withoutSemicolon(_ sql: String) -> String {
        let bytes = Array(sql.utf8)
        var at = 0
        func starts(_ text: StaticString) -> Bool {
            at + text.utf8CodeUnitCount <= bytes.count
                && (0..<text.utf8CodeUnitCount).allSatisfy { bytes[at + $0] == text.utf8Start[$0] }
        }
        func skip(past text: [UInt8]) {
            while at < bytes.count {
                if bytes[at] == text[0], bytes[at...].starts(with: text) {
                    at += text.count
                    return
                }
                at += 1
            }
        }
        while at < bytes.count {
            switch bytes[at] {
            case UInt8(ascii: ";"): return String(decoding: bytes[..<at], as: UTF8.self)
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                let quote = bytes[at]
                at += 1
                skip(past: [quote])
            case UInt8(ascii: "-") where starts("--"): skip(past: [10])
            case UInt8(ascii: "/") where starts("/*"): skip(past: Array("*/".utf8))
            case UInt8(ascii: "$"):
                // $tag$ … $tag$
                var end = at + 1
                while end < bytes.count,
                    bytes[end] == 95 || bytes[end] >= 128 || (bytes[end] | 32 >= 97 && bytes[end] | 32 <= 122)
                {
                    end += 1
                }
                guard end < bytes.count, bytes[end] == UInt8(ascii: "$") else {
                    at += 1
                    continue
                }
                let tag = Array(bytes[at...end])
                at = end + 1
                skip(past: tag)
            default: at += 1
            }
        }
        return sql
    }
}
