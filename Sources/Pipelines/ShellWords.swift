import Core

/// Splits a command line into words as a shell would, without being one: quotes and backslashes join and protect, and
/// nothing is ever expanded or piped. What only a shell could do is an error, so that nobody believes it was done.
enum ShellWords {
    /// - Throws: `invalid`, naming `field`.
    static func split(_ text: String, field: String) throws -> [String] {
        var words: [String] = []
        var word: String?
        var characters = Array(text)[...]
        while let c = characters.popFirst() {
            switch c {
            case " ", "\t", "\n", "\r\n":
                if let done = word { words.append(done) }
                word = nil
            case "'":
                guard let end = characters.firstIndex(of: "'") else {
                    throw failure(field, "a quote (') is not closed")
                }
                word = (word ?? "") + String(characters[..<end])
                characters = characters[(end + 1)...]
            case "\"": word = (word ?? "") + (try quoted(&characters, field))
            case "\\":
                guard let next = characters.popFirst() else { throw failure(field, "it ends with a backslash") }
                // A backslash at the end of a line continues it.
                if next != "\n" {
                    word = (word ?? "") + (next == "$" && isPlaceholder(characters) ? "$$" : String(next))
                }
            case "|", "&", ";", "<", ">", "(", ")", "`": throw shellOnly(field, c)
            case "*", "?", "[": throw shellOnly(field, c)
            case "#" where word == nil: throw shellOnly(field, c)
            case "$" where characters.starts(with: "${"):
                // Our own escape: `$${` is a plain `${`.
                word = (word ?? "") + "$${"
                characters = characters.dropFirst(2)
            case "$" where !isPlaceholder(characters): throw shellOnly(field, c)
            case "$":
                let end = characters.firstIndex(of: "}") ?? characters.endIndex
                word = (word ?? "") + "$" + String(characters[..<end])
                characters = characters[end...]
            default: word = (word ?? "") + String(c)
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// Inside double quotes a backslash protects only `"`, `\`, `$` and a line's end (POSIX, Shell Command Language 2.2.3).
    private static func quoted(_ characters: inout ArraySlice<Character>, _ field: String) throws -> String {
        var out = ""
        while let c = characters.popFirst() {
            switch c {
            case "\"": return out
            case "\\":
                guard let next = characters.popFirst() else { throw failure(field, "a quote (\") is not closed") }
                switch next {
                case "\"", "\\", "`": out.append(next)
                case "$": out += isPlaceholder(characters) ? "$$" : "$"
                case "\n": break
                default: out += "\\" + String(next)
                }
            case "$" where !isPlaceholder(characters): throw shellOnly(field, c)
            case "`": throw shellOnly(field, c)
            default: out.append(c)
            }
        }
        throw failure(field, "a quote (\") is not closed")
    }

    /// `${params.…}` is ours, not a shell's.
    private static func isPlaceholder(_ rest: ArraySlice<Character>) -> Bool {
        rest.starts(with: "{params.") || rest.starts(with: "{event.")
    }

    private static func shellOnly(_ field: String, _ character: Character) -> SlipwayError {
        failure(
            field, "no shell reads the command, so '\(character)' has no meaning here",
            expected: "it in quotes if it is meant as text, or a script of your own that is run")
    }

    private static func failure(_ field: String, _ problem: String, expected: String? = nil) -> SlipwayError {
        .field(field, problem, expected: expected)
    }
}
