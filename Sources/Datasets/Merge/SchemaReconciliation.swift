import Core
import Tables

/// Fits the columns of several tables together, and names whatever does not fit.
struct SchemaReconciliation: Sendable {
    /// What may be done about columns that do not fit; nothing is `strict`.
    struct Choices: OptionSet, Sendable {
        let rawValue: Int
        /// Only the columns that all tables have.
        static let common = Choices(rawValue: 1)
        /// A column that a table has not is NULL in its rows.
        static let fill = Choices(rawValue: 2)
        /// Cells become the type of the first table that has the column, if no value is lost.
        static let cast = Choices(rawValue: 4)

        static let names: [(String, Choices)] = [("strict", []), ("common", .common), ("fill", .fill), ("cast", .cast)]

        /// `fill,cast`.
        init(parsing text: String) throws {
            var choices: Choices = []
            for word in text.split(separator: ",").map({ $0.filter { $0 != " " } }) {
                guard let known = Self.names.first(where: { $0.0 == word }) else {
                    throw SlipwayError.field(
                        "schema", "'\(word.prefix(40))' is not a choice",
                        expected: "strict, common, fill, cast, or two of them as in fill,cast")
                }
                choices.insert(known.1)
            }
            guard !choices.isSuperset(of: [.common, .fill]) else {
                throw SlipwayError.field(
                    "schema", "common and fill contradict each other", expected: "one of them")
            }
            self = choices
        }

        init(rawValue: Int) { self.rawValue = rawValue }
    }

    struct Mismatch: Sendable, Hashable {
        enum Kind: String, Sendable {
            case missing, extra, type, nullability
            /// Only upper and lower case differ.
            case letterCase = "case"
        }

        let kind: Kind
        let column: String
        /// The table that does not fit.
        let table: String
        let have: String?
        let want: String?
        /// Whether `strict` refuses it.
        var blocks = true

        var json: JSONValue {
            [
                "kind": .string(kind.rawValue), "column": .string(column), "table": .string(table),
                "have": JSONValue(have), "want": JSONValue(want), "blocks": .bool(blocks),
            ]
        }

        var text: String {
            switch kind {
            case .missing: "\(table) has no column \(column)"
            case .extra: "only \(table) has the column \(column)"
            case .type: "\(column) is \(have ?? "") in \(table), not \(want ?? "")"
            case .nullability: "\(column) has NULLs in \(table)"
            case .letterCase: "\(column) is written \(have ?? "") in \(table)"
            }
        }
    }

    struct Table: Sendable {
        /// What people call it: a ref.
        let label: String
        let columns: [TableColumn]
        /// Columns with NULLs.
        var nullable: Set<String> = []
    }

    let columns: [TableColumn]
    let mismatches: [Mismatch]
    private let tables: [Table]

    /// - Parameters:
    ///   - isFixed: the first table's columns are the result's, and the others must fit into them (append).
    ///   - types: types to use whatever the tables have.
    init(_ tables: [Table], choices: Choices, isFixed: Bool = false, types: [String: String] = [:]) throws {
        var columns: [TableColumn] = []
        var mismatches: [Mismatch] = []
        let first = tables[0]
        var seen: Set<String> = []
        for (index, table) in tables.enumerated() {
            for column in table.columns where seen.insert(column.name.lowercased()).inserted {
                let type = types.first { $0.key.lowercased() == column.name.lowercased() }?.value ?? column.type
                let holders = tables.filter { Self.find(column.name, in: $0.columns) != nil }
                if index > 0 {
                    mismatches.append(
                        Mismatch(kind: .extra, column: column.name, table: table.label, have: column.type, want: nil))
                }
                for other in tables {
                    guard let own = Self.find(column.name, in: other.columns) else {
                        if index == 0 {
                            mismatches.append(
                                Mismatch(
                                    kind: .missing, column: column.name, table: other.label, have: nil, want: type))
                        }
                        continue
                    }
                    if own.name != column.name {
                        mismatches.append(
                            Mismatch(
                                kind: .letterCase, column: column.name, table: other.label, have: own.name,
                                want: column.name))
                    }
                    if own.type != type {
                        mismatches.append(
                            Mismatch(
                                kind: .type, column: column.name, table: other.label, have: own.type, want: type))
                    }
                    if other.nullable.contains(own.name),
                        holders.contains(where: {
                            !$0.nullable.contains(Self.find(column.name, in: $0.columns)?.name ?? "")
                        })
                    {
                        mismatches.append(
                            Mismatch(
                                kind: .nullability, column: column.name, table: other.label, have: "NULL",
                                want: "NOT NULL", blocks: false))
                    }
                }
                let stays = isFixed ? index == 0 : !choices.contains(.common) || holders.count == tables.count
                if stays { columns.append(TableColumn(name: column.name, type: type)) }
            }
        }
        let unknown = types.keys.filter { Self.find($0, in: columns) == nil }
        if let name = unknown.min() {
            throw SlipwayError.field(
                "types", "the result has no column '\(name.prefix(80))'",
                expected: "some of \(columns.map(\.name).joined(separator: ", "))")
        }
        self.columns = columns
        self.mismatches = mismatches
        self.tables = tables
        let refused = mismatches.filter { mismatch in
            guard mismatch.blocks else { return false }
            switch mismatch.kind {
            case .missing: return choices.isDisjoint(with: isFixed ? [.fill] : [.fill, .common])
            case .extra: return choices.isDisjoint(with: isFixed ? [.common] : [.fill, .common])
            case .type:
                return !choices.contains(.cast) && Self.find(mismatch.column, in: columns) != nil
                    && !types.keys.contains { $0.lowercased() == mismatch.column.lowercased() }
            case .letterCase: return choices.isEmpty
            case .nullability: return false
            }
        }
        guard refused.isEmpty else {
            var hints: [String] = []
            func has(_ kinds: Mismatch.Kind...) -> Bool { refused.contains { kinds.contains($0.kind) } }
            if has(.missing, .extra) {
                hints += ["common (only the columns of all)", "fill (NULL where one is missing)"]
            }
            if has(.type) { hints.append("cast (to the first table's types, if nothing is lost)") }
            if has(.letterCase), hints.isEmpty { hints.append("common or fill (case does not matter)") }
            throw SlipwayError(
                .invalid,
                "The columns do not fit \(first.label): \(refused.prefix(20).map(\.text).joined(separator: "; "))\(refused.count > 20 ? "; and \(refused.count - 20) more" : ""). Choices for schema: \(hints.joined(separator: ", ")).",
                details: ["field": "schema", "mismatches": JSONValue.array(refused.map(\.json)).canonicalText])
        }
        guard !columns.isEmpty else {
            throw SlipwayError.field("inputs", "have no column in common")
        }
    }

    private static func find(_ name: String, in columns: [TableColumn]) -> TableColumn? {
        columns.first { $0.name == name } ?? columns.first { $0.name.lowercased() == name.lowercased() }
    }

    /// The result's columns out of one of the tables.
    func selection(_ index: Int) -> [String] {
        columns.map { column in
            guard let own = Self.find(column.name, in: tables[index].columns) else {
                return "CAST(NULL AS \(column.type)) AS \(DuckSQL.name(column.name))"
            }
            let name = DuckSQL.name(own.name)
            return own.type == column.type
                ? "\(name) AS \(DuckSQL.name(column.name))"
                : "CAST(\(name) AS \(column.type)) AS \(DuckSQL.name(column.name))"
        }
    }

    /// Columns of a table that are cast, with the expression for values that would be lost.
    func losses(_ index: Int) -> [(column: String, type: String, lost: String)] {
        columns.compactMap { column in
            guard let own = Self.find(column.name, in: tables[index].columns), own.type != column.type else {
                return nil
            }
            let name = DuckSQL.name(own.name)
            return (
                own.name, column.type,
                "\(name) IS NOT NULL AND TRY_CAST(TRY_CAST(\(name) AS \(column.type)) AS \(own.type)) IS DISTINCT FROM \(name)"
            )
        }
    }
}
