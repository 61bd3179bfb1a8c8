import Core
import Database
import Platform
import Tables

/// What a column's values look like. Suggestions only: a person decides.
enum PIISuggestion {
    /// A kind of personal data with the form that its values have.
    struct Form: Sendable {
        let kind: String
        let pii: ColumnMark.PII
        let holds: @Sendable (String) -> Bool
    }

    static let forms = [
        Form(kind: "email", pii: .direct, holds: isEmail), Form(kind: "iban", pii: .sensitive, holds: isIBAN),
        Form(kind: "card", pii: .sensitive, holds: isCard), Form(kind: "ip", pii: .indirect, holds: isAddress),
        Form(kind: "phone", pii: .direct, holds: isPhone),
    ]

    /// So many of the values that are there must have the form.
    static let leastShare = 0.8
    /// Fewer values say nothing.
    static let leastValues = 5
    static let sampleRows = 2000

    static func form(of values: [String]) -> (form: Form, share: Double)? {
        guard values.count >= leastValues else { return nil }
        return forms.map { form in (form, Double(values.count(where: form.holds)) / Double(values.count)) }
            .first { $0.1 >= leastShare }
    }

    /// Names that people give to columns of personal data whose values have no form of their own.
    static func byName(_ column: String) -> (kind: String, pii: ColumnMark.PII)? {
        let words = Set(
            column.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
                + [column.lowercased().filter { $0.isLetter }])
        let known: [(String, ColumnMark.PII, Set<String>)] = [
            (
                "name", .direct,
                ["firstname", "lastname", "surname", "fullname", "forename", "givenname", "familyname", "username"]
            ),
            ("birth date", .indirect, ["birthdate", "birthday", "dob", "dateofbirth"]),
            ("address", .direct, ["street", "streetaddress", "homeaddress"]),
            ("postcode", .indirect, ["zip", "zipcode", "postcode", "postalcode"]),
            ("gender", .indirect, ["gender", "sex"]),
            ("national id", .sensitive, ["ssn", "passport", "passportnumber", "nationalid", "taxid"]),
            ("health", .sensitive, ["diagnosis", "icd10", "disease", "bloodtype"]),
            ("religion", .sensitive, ["religion"]), ("ethnicity", .sensitive, ["ethnicity", "race"]),
            ("email", .direct, ["email", "emailaddress"]), ("phone", .direct, ["phone", "phonenumber", "mobile"]),
        ]
        return known.first { !$0.2.isDisjoint(with: words) }.map { ($0.0, $0.1) }
    }

    // MARK: Forms

    /// `local@domain.tld` as people write it (a subset of RFC 5321).
    static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[0].utf8.count), text.utf8.count <= 254 else { return false }
        let labels = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        let isWord = { (byte: UInt8) in (byte | 32) >= 97 && (byte | 32) <= 122 || byte >= 48 && byte <= 57 }
        return labels.count >= 2 && (labels.last?.utf8.count ?? 0) >= 2
            && labels.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { isWord($0) || $0 == 45 } }
            && labels.last?.utf8.allSatisfy { $0 >= 65 } == true
            && parts[0].utf8.allSatisfy { isWord($0) || "!#$%&'*+-/=?^_`{|}~.".utf8.contains($0) }
    }

    /// ISO 13616: two letters, two check digits, up to 30 more; the number that it stands for is 1 modulo 97.
    static func isIBAN(_ text: String) -> Bool {
        let plain = text.filter { $0 != " " }.uppercased()
        let bytes = Array(plain.utf8)
        guard (15...34).contains(bytes.count), bytes[..<2].allSatisfy({ $0 >= 65 && $0 <= 90 }),
            bytes[2..<4].allSatisfy({ $0 >= 48 && $0 <= 57 })
        else { return false }
        var rest = 0
        for byte in bytes[4...] + bytes[..<4] {
            switch byte {
            case 48...57: rest = (rest * 10 + Int(byte) - 48) % 97
            case 65...90: rest = (rest * 100 + Int(byte) - 55) % 97
            default: return false
            }
        }
        return rest == 1
    }

    /// 13 to 19 digits, in groups or not, of a network's range, whose last is the check digit of Luhn's formula
    /// (ISO/IEC 7812-1).
    static func isCard(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 || $0 == 32 || $0 == 45 }) else { return false }
        let digits = text.utf8.filter { $0 >= 48 }.map { Int($0) - 48 }
        guard (13...19).contains(digits.count), let first = digits.first, (2...6).contains(first) else { return false }
        let sum = digits.reversed().enumerated().reduce(0) { sum, item in
            guard item.offset % 2 == 1 else { return sum + item.element }
            let double = item.element * 2
            return sum + (double > 9 ? double - 9 : double)
        }
        return sum % 10 == 0
    }

    /// IPv4 in dotted decimals, or IPv6 (RFC 4291) without a zone.
    static func isAddress(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        if parts.count == 4 {
            return parts.allSatisfy { part in
                (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { $0 >= 48 && $0 <= 57 }
                    && (Int(part) ?? 256) < 256
            }
        }
        let groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count >= 3, groups.count <= 8, text.utf8.count <= 39 else { return false }
        let isShort = text.ranges(of: "::").count
        return isShort <= 1 && (isShort == 1 || groups.count == 8)
            && groups.allSatisfy { $0.utf8.count <= 4 && $0.allSatisfy(\.isHexDigit) }
    }

    /// `+` and 7 to 15 digits (E.164) in groups, or a national number whose groups are told apart.
    static func isPhone(_ text: String) -> Bool {
        let digits = text.utf8.count { $0 >= 48 && $0 <= 57 }
        guard (7...15).contains(digits), text.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 || "+-/(). ".utf8.contains($0) })
        else { return false }
        if text.hasPrefix("+") || text.hasPrefix("00") { return true }
        // Bare digits are as well a count, a key or a price; a date has its groups too.
        let groups = text.split { !$0.isNumber }
        let isDate = groups.count == 3 && groups.contains { $0.count == 4 } && digits <= 8
        return groups.count >= 2 && !isDate && !text.contains(".") && (text.hasPrefix("0") || text.hasPrefix("("))
    }
}

extension DatasetsService {
    /// Columns that look like personal data and have no mark yet.
    public func suggestMarks(_ ref: Ref, as principal: Principal) async throws -> [JSONValue] {
        let version = try await resolve(ref, as: principal)
        try await requirePersonalData(version, as: principal)
        let marked = Set(
            try await platform.database.read { [store] in try store.marks($0, version.dataset) }
                .filter { $0.pii != nil }.map(\.name))
        let columns = version.columns.filter { !marked.contains($0.name) && !$0.type.hasSuffix("]") }
        let texts = columns.filter { ["VARCHAR", "BIGINT", "UBIGINT", "HUGEINT"].contains($0.type) }
        var found: [String: (PIISuggestion.Form, Double)] = [:]
        if !texts.isEmpty {
            let list = texts.map { "left(\(DuckSQL.name($0.name))::VARCHAR, 300)" }.joined(separator: ", ")
            let sample = try await platform.tables.query(
                "SELECT \(list) FROM data USING SAMPLE reservoir(\(PIISuggestion.sampleRows) ROWS) REPEATABLE (1)",
                inputs: [try await input(version, name: "data")], maxRows: PIISuggestion.sampleRows,
                timeoutSeconds: Self.writeSeconds)
            for (index, column) in texts.enumerated() {
                let values = sample.rows.compactMap { $0[index].text }.filter { !$0.isEmpty }
                if let form = PIISuggestion.form(of: values) { found[column.name] = form }
            }
        }
        return columns.compactMap { column in
            if let (form, share) = found[column.name] {
                return [
                    "column": .string(column.name), "pii": .string(form.pii.rawValue), "kind": .string(form.kind),
                    "share": .number(share), "basis": "values",
                ]
            }
            return PIISuggestion.byName(column.name).map { kind, pii in
                [
                    "column": .string(column.name), "pii": .string(pii.rawValue), "kind": .string(kind),
                    "basis": "name",
                ]
            }
        }
    }
}
