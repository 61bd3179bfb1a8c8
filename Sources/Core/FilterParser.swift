/// Recursive descent over the tokens of a filter expression.
struct FilterParser {
    private enum Token: Equatable {
        case word(String)
        /// `"…"` or backquotes: a name with any characters.
        case quotedName(String)
        case text(String)
        case number(Double)
        case symbol(String)
    }

    private var tokens: [(token: Token, offset: Int)] = []
    private var at = 0
    private var terms = 0
    private var depth = 0

    var isAtEnd: Bool { at == tokens.count }

    init(_ source: String) throws { tokens = try Self.lex(Array(source.unicodeScalars)) }

    mutating func disjunction() throws -> Filter {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 32 else { throw SlipwayError(.tooLarge, "The filter is nested more than 32 deep.") }
        var parts = [try conjunction()]
        while takeWord("OR") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws -> Filter {
        var parts = [try term()]
        while takeWord("AND") { parts.append(try term()) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func term() throws -> Filter {
        if takeWord("NOT") {
            depth += 1
            defer { depth -= 1 }
            guard depth <= 32 else { throw SlipwayError(.tooLarge, "The filter is nested more than 32 deep.") }
            return .not(try term())
        }
        if take("(") {
            let inner = try disjunction()
            guard take(")") else { throw failure("')'") }
            return inner
        }
        terms += 1
        guard terms <= Limits.filterTerms else {
            throw SlipwayError(.tooLarge, "The filter has more than \(Limits.filterTerms) comparisons.")
        }
        let field = try field()
        if takeWord("IS") {
            let negated = takeWord("NOT")
            guard takeWord("NULL") else { throw failure("NULL") }
            return negated ? .not(.isNull(field)) : .isNull(field)
        }
        let negated = takeWord("NOT")
        if takeWord("IN") {
            guard take("(") else { throw failure("'(' and a list of values") }
            var values = [try value()]
            while take(",") { values.append(try value()) }
            guard take(")") else { throw failure("',' or ')'") }
            return negated ? .not(.isOneOf(field, values)) : .isOneOf(field, values)
        }
        let filter: Filter
        if takeWord("LIKE") {
            filter = .compare(field, .like, try value())
        } else if takeWord("ILIKE") {
            filter = .compare(field, .ilike, try value())
        } else if !negated, case .symbol(let symbol)? = current,
            let comparison = Filter.Comparison(rawValue: symbol == "==" ? "=" : symbol)
        {
            at += 1
            filter = .compare(field, comparison, try value())
        } else {
            throw failure("a comparison: =, !=, <, <=, >, >=, LIKE, ILIKE, IN or IS NULL")
        }
        return negated ? .not(filter) : filter
    }

    mutating func field() throws -> FilterField {
        guard let first = name() else { throw failure("a field such as metrics.rmse") }
        guard take(".") else { return FilterField(entity: nil, key: first) }
        guard var key = keyName() else { throw failure("a key after '\(first).'") }
        while take(".") {
            guard let more = keyName() else { throw failure("a key after '.'") }
            key += "." + more
        }
        return FilterField(entity: first, key: key)
    }

    private mutating func value() throws -> FilterValue {
        switch current {
        case .text(let text), .quotedName(let text):
            at += 1
            return .text(text)
        case .number(let number):
            at += 1
            return .number(number)
        case .word(let word) where ["true", "false"].contains(word.lowercased()):
            at += 1
            return .bool(word.lowercased() == "true")
        default: throw failure("a quoted text or a number")
        }
    }

    func expectEnd() throws {
        guard isAtEnd else { throw failure("AND, OR or the end") }
    }

    mutating func takeWord(_ word: String) -> Bool {
        guard case .word(let next)? = current, next.uppercased() == word else { return false }
        at += 1
        return true
    }

    private var current: Token? { at < tokens.count ? tokens[at].token : nil }

    private mutating func take(_ symbol: String) -> Bool {
        guard current == .symbol(symbol) else { return false }
        at += 1
        return true
    }

    /// A name after the dot; there MLflow takes single quotes too.
    private mutating func keyName() -> String? {
        guard case .text(let text)? = current else { return name() }
        at += 1
        return text
    }

    private mutating func name() -> String? {
        switch current {
        case .word(let word), .quotedName(let word):
            at += 1
            return word
        default: return nil
        }
    }

    private func failure(_ expected: String) -> SlipwayError {
        let place = at < tokens.count ? "at character \(tokens[at].offset + 1)" : "at its end"
        return SlipwayError(
            .invalid, "The filter is not usable \(place): expected \(expected).", details: ["field": "filter"])
    }

    private static func lex(_ s: [UnicodeScalar]) throws -> [(Token, Int)] {
        var out: [(Token, Int)] = []
        var i = 0
        func isWord(_ c: UnicodeScalar) -> Bool {
            c.properties.isAlphabetic || (c.value >= 48 && c.value <= 57) || c == "_" || c == "-" || c == "/"
                || c == ":"
        }
        func isDigit(_ c: UnicodeScalar) -> Bool { c.value >= 48 && c.value <= 57 }
        while i < s.count {
            let c = s[i]
            let start = i
            if c.properties.isWhitespace {
                i += 1
            } else if c == "'" || c == "\"" || c == "`" {
                var text = String.UnicodeScalarView()
                i += 1
                while true {
                    guard i < s.count else {
                        throw SlipwayError(
                            .invalid, "The filter has a quote at character \(start + 1) that does not end.")
                    }
                    if s[i] == c {
                        // A doubled quote inside single quotes stands for itself, as in SQL.
                        guard c == "'", i + 1 < s.count, s[i + 1] == "'" else { break }
                        i += 1
                    }
                    text.append(s[i])
                    i += 1
                }
                i += 1
                out.append((c == "'" ? .text(String(text)) : .quotedName(String(text)), start))
            } else if isDigit(c)
                || ((c == "-" || c == "." || c == "+") && i + 1 < s.count && (isDigit(s[i + 1]) || s[i + 1] == ".")
                    && afterOperator(out))
            {
                i += 1
                while i < s.count,
                    isDigit(s[i]) || s[i] == "." || s[i] == "e" || s[i] == "E"
                        || ((s[i] == "-" || s[i] == "+") && (s[i - 1] == "e" || s[i - 1] == "E"))
                {
                    i += 1
                }
                var text = ""
                text.unicodeScalars.append(contentsOf: s[start..<i])
                // `metrics.1st` and the like: digits that begin a name.
                if out.last?.0 == .symbol("."), i < s.count || Double(text) == nil {
                    while i < s.count, isWord(s[i]) { i += 1 }
                    text = ""
                    text.unicodeScalars.append(contentsOf: s[start..<i])
                    out.append((.word(text), start))
                } else if let number = Double(text) {
                    out.append((.number(number), start))
                } else {
                    throw SlipwayError(
                        .invalid, "The filter has '\(text)' at character \(start + 1), which is not a number.")
                }
            } else if isWord(c) {
                while i < s.count, isWord(s[i]) { i += 1 }
                var text = ""
                text.unicodeScalars.append(contentsOf: s[start..<i])
                out.append((.word(text), start))
            } else {
                let two = i + 1 < s.count ? String(c) + String(s[i + 1]) : ""
                let symbol = ["!=", "<=", ">=", "==", "<>"].contains(two) ? two : String(c)
                guard symbol.count == 2 || "=<>(),.".contains(symbol) else {
                    throw SlipwayError(
                        .invalid, "The filter has '\(symbol)' at character \(i + 1), which means nothing there.")
                }
                out.append((.symbol(symbol == "<>" ? "!=" : symbol), start))
                i += symbol.count
            }
        }
        return out
    }

    private static func afterOperator(_ tokens: [(Token, Int)]) -> Bool {
        guard case .symbol(let symbol)? = tokens.last?.0 else { return false }
        return symbol != ")" && symbol != "."
    }
}
