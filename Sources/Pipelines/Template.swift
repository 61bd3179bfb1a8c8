import Core

/// Text with placeholders: `${params.name}`, and in triggers `${event.subject}`. `$${` is a plain `${`.
struct Template: Hashable, Sendable {
    enum Part: Hashable, Sendable {
        case text(String)
        /// As written between the braces, such as `params.horizon`.
        case placeholder(String)
    }
    let parts: [Part]

    /// - Throws: `invalid`, naming `field`, for a placeholder that does not end or is neither `params.…` nor `event.…`.
    init(parsing text: String, field: String) throws {
        var parts: [Part] = []
        var plain = ""
        var rest = Substring(text)
        while let dollar = rest.firstIndex(of: "$") {
            plain += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                plain += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                guard let end = rest.firstIndex(of: "}") else {
                    throw SlipwayError.field(
                        field, "'\(rest.prefix(40))' does not end", expected: "${params.NAME}, or $${ for plain text")
                }
                let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
                guard name.hasPrefix("params.") || name.hasPrefix("event."), Name.isValid(name) else {
                    throw SlipwayError.field(
                        field, "'${\(name.prefix(40))}' is not a placeholder",
                        expected: "${params.NAME}, or $${ for plain text")
                }
                if !plain.isEmpty { parts.append(.text(plain)) }
                plain = ""
                parts.append(.placeholder(name))
                rest = rest[rest.index(after: end)...]
            } else {
                plain += "$"
                rest = rest.dropFirst()
            }
        }
        plain += rest
        if !plain.isEmpty { parts.append(.text(plain)) }
        self.parts = parts
    }

    var placeholders: [String] {
        parts.compactMap { part in
            if case .placeholder(let name) = part { return name }
            return nil
        }
    }

    /// The value of a template that is nothing but one placeholder keeps its type; otherwise the result is text.
    ///
    /// - Throws: what `lookup` throws.
    func value(_ lookup: (String) throws -> JSONValue) rethrows -> JSONValue {
        if parts.count == 1, case .placeholder(let name) = parts[0] { return try lookup(name) }
        return .string(try text(lookup))
    }

    func text(_ lookup: (String) throws -> JSONValue) rethrows -> String {
        var out = ""
        for part in parts {
            switch part {
            case .text(let text): out += text
            case .placeholder(let name): out += Self.text(of: try lookup(name))
            }
        }
        return out
    }

    /// As it appears in a command or an environment variable: text as it is, anything else as JSON.
    static func text(of value: JSONValue) -> String { value.stringValue ?? value.canonicalText }
}

/// Patterns in which `*` stands for any run of characters and `?` for one.
enum Glob {
    static func matches(_ pattern: String, _ text: String) -> Bool {
        let pattern = Array(pattern.unicodeScalars)
        let text = Array(text.unicodeScalars)
        var (p, t) = (0, 0)
        // Where to go back to: the last star, and how much of the text it has taken.
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                (p, t) = (p + 1, t + 1)
            } else if let back = star {
                star = (back.pattern, back.text + 1)
                (p, t) = (back.pattern + 1, back.text + 1)
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}
