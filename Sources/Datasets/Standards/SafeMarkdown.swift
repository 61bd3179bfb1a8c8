/// Markdown of people, made harmless for whoever renders it as HTML.
enum SafeMarkdown {
    /// The text with its HTML taken out of action (`<` and `&` are escaped, everywhere, so nothing has to be known about
    /// code blocks) and links to other than web and mail addresses pointed at nothing. What is left is CommonMark.
    static func text(_ markdown: String) -> String {
        var out = ""
        for character in markdown {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            // Neither line ends nor control characters that editors do not write.
            case let other
            where other.unicodeScalars.contains(where: { $0.value < 32 && $0 != "\n" && $0 != "\t" && $0 != "\r" }):
                break
            default: out.append(character)
            }
        }
        return links(out)
    }

    /// One line, for a cell of a table.
    static func cell(_ markdown: String) -> String {
        text(markdown).split(whereSeparator: \.isNewline).joined(separator: " ").replacing("|", with: "\\|")
    }

    /// Points the targets of links and reference definitions that are not allowed at `#`.
    private static func links(_ text: String) -> String {
        var out = ""
        var rest = text[...]
        while let start = rest.ranges(of: "](").first.map({ ($0, 0) })
            .flatMap({ inline in
                guard let reference = rest.ranges(of: "]:").first, reference.lowerBound < inline.0.lowerBound else {
                    return inline.0
                }
                return reference
            }) ?? rest.ranges(of: "]:").first
        {
            out += rest[..<start.upperBound]
            rest = rest[start.upperBound...]
            let space = rest.prefix { $0.isWhitespace }
            let target = rest[space.endIndex...].prefix { !$0.isWhitespace && $0 != ")" }
            out += space
            out += isHarmless(target) ? String(target) : "#"
            rest = rest[target.endIndex...]
        }
        return out + rest
    }

    private static func isHarmless(_ target: Substring) -> Bool {
        // A backslash before a mark is not part of the address; white space and controls are dropped by browsers.
        let plain = target.filter { $0 != "\\" && !$0.isWhitespace }.lowercased()
        guard let colon = plain.firstIndex(where: { ":/?#".contains($0) }), plain[colon] == ":" else { return true }
        return ["http", "https", "mailto"].contains(String(plain[..<colon]))
    }
}
