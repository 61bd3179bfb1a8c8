import Core
import Objects
import Platform
import Tables

/// Puts different datasets together: below each other (union, append) or side by side (join).
extension DatasetsService {
    static let combineMaximumInputs = 100

    /// What to put below each other.
    struct UnionRequest: Sendable {
        let dataset: String
        let project: String
        let inputs: [Ref]
        var choices: SchemaReconciliation.Choices = []
        var types: [String: String] = [:]
        /// A column that says from which input a row is.
        var sourceColumn: String?
        /// Onto the rows that the branch has, with its columns.
        var isAppend = false
        var message = ""
        var branch = Dataset.mainBranch
    }

    struct Combined: Sendable {
        let version: DatasetVersion
        let isNew: Bool
        let mismatches: [SchemaReconciliation.Mismatch]

        var json: JSONValue {
            var fields = version.json.objectValue ?? [:]
            fields["unchanged"] = .bool(!isNew)
            fields["mismatches"] = .array(mismatches.map(\.json))
            return .object(fields)
        }
    }

    /// A version with the rows of all inputs, in their order.
    ///
    /// - Throws: `invalid` naming each column that does not fit, or the values that a cast would lose.
    func union(_ request: UnionRequest, as principal: Principal) async throws -> Combined {
        try principal.require(.writeDatasets, in: request.project)
        guard
            (request.isAppend ? 1...Self.combineMaximumInputs : 2...Self.combineMaximumInputs).contains(
                request.inputs.count)
        else {
            throw SlipwayError.field(
                "inputs", "are \(request.inputs.count)",
                expected: "\(request.isAppend ? 1 : 2) to \(Self.combineMaximumInputs) datasets or slices")
        }
        let names = request.inputs.indices.map { "t\($0 + 1)" }
        let refs = Dictionary(uniqueKeysWithValues: zip(names, request.inputs))
        let binding = try await bind(refs, as: principal)
        let head = request.isAppend ? try await newest(request.dataset, request.branch) : nil
        if request.isAppend, head == nil {
            throw SlipwayError.notFound(
                Ref(.dataset, request.dataset, selector: request.branch),
                hint: "There is nothing to append to; a union without append makes the first version.")
        }
        var tables: [SchemaReconciliation.Table] = []
        for name in names {
            guard let version = binding.versions[name] else { continue }
            tables.append(
                .init(
                    label: (refs[name] ?? version.ref).description, columns: version.columns,
                    nullable: try await nullable(binding, name, version.columns, for: principal)))
        }
        if let head {
            tables.insert(
                .init(
                    label: head.ref.description, columns: head.columns,
                    nullable: try await nullable(head, for: principal)), at: 0)
        }
        let fit = try SchemaReconciliation(
            tables, choices: request.choices, isFixed: head != nil, types: request.types)
        if let column = request.sourceColumn {
            try Name.validate(column, field: "source")
            guard !fit.columns.contains(where: { $0.name.lowercased() == column.lowercased() }) else {
                throw SlipwayError.field("source", "'\(column)' is a column already", expected: "another name")
            }
        }
        let offset = head == nil ? 0 : 1
        for (index, name) in names.enumerated() {
            try await requireLossless(
                fit, index + offset, binding, name, label: tables[index + offset].label, for: principal)
        }
        let selects = names.enumerated().map { index, name in
            var list = fit.selection(index + offset)
            if let column = request.sourceColumn {
                list.append("\(DuckSQL.text(tables[index + offset].label)) AS \(DuckSQL.name(column))")
            }
            return "SELECT \(list.joined(separator: ", ")) FROM \(name)"
        }
        let sql = selects.joined(separator: "\nUNION ALL\n")
        guard let head else {
            let made = try await derive(
                request.dataset, project: request.project, sql: sql, inputs: refs, parameters: [],
                message: request.message, branch: request.branch, as: principal)
            return Combined(version: made.version, isNew: made.isNew, mismatches: fit.mismatches)
        }
        guard head.project == request.project else { throw belongsElsewhere(request.dataset) }
        let recipe = Recipe(kind: "append", inputs: binding.recipeInputs, details: ["sql": .string(sql)])
        if head.recipe.digest == recipe.digest {
            return Combined(version: head, isNew: false, mismatches: fit.mismatches)
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/part.parquet"
        let table = try await platform.tables.write(
            binding.sql(sql), inputs: binding.inputs, to: path, timeoutSeconds: Self.writeSeconds)
        let made = try await commit(
            Commit(
                dataset: request.dataset, project: request.project, branch: request.branch, parts: [(path, table)],
                base: head, expects: .exactly(head.number), recipe: recipe, parents: binding.parents,
                message: request.message), as: principal)
        return Combined(version: made.version, isNew: made.isNew, mismatches: fit.mismatches)
    }

    /// The columns of a version that hold NULLs.
    private func nullable(_ version: DatasetVersion, for principal: Principal) async throws -> Set<String> {
        var binding = Binding()
        binding.inputs = [try await input(version, name: "t")]
        return try await nullable(binding, "t", version.columns, for: principal)
    }

    private func nullable(
        _ binding: Binding, _ name: String, _ columns: [TableColumn], for principal: Principal
    ) async throws -> Set<String> {
        let list = columns.map { "count(*) > count(\(DuckSQL.name($0.name)))" }
        let row =
            try await ask(
                binding.sql("SELECT \(list.joined(separator: ", ")) FROM \(name)"), binding.inputs, for: principal
            ).first ?? []
        return Set(zip(columns, row).filter { $1 == .bool(true) }.map(\.0.name))
    }

    /// - Throws: `invalid` with an example for values that their new type would change.
    private func requireLossless(
        _ fit: SchemaReconciliation, _ index: Int, _ binding: Binding, _ name: String, label: String,
        for principal: Principal
    ) async throws {
        let losses = fit.losses(index)
        guard !losses.isEmpty else { return }
        let list = losses.flatMap { loss in
            [
                "count(*) FILTER (\(loss.lost))",
                "any_value(CAST(\(DuckSQL.name(loss.column)) AS VARCHAR)) FILTER (\(loss.lost))",
            ]
        }
        let row =
            try await ask(
                binding.sql("SELECT \(list.joined(separator: ", ")) FROM \(name)"), binding.inputs, for: principal
            ).first ?? []
        for (at, loss) in losses.enumerated() {
            guard let count = row[2 * at].intValue, count > 0 else { continue }
            throw SlipwayError(
                .invalid,
                "\(count) values of \(loss.column) in \(label) do not fit \(loss.type), such as '\((row[2 * at + 1].text ?? "").prefix(80))'. Name a type that takes all of them: types {\"\(loss.column)\": \"VARCHAR\"}.",
                details: ["field": "types", "column": loss.column, "count": String(count)])
        }
    }

    // MARK: Join

    /// What to put side by side.
    struct JoinRequest: Sendable {
        enum How: String, Sendable, CaseIterable { case inner, left, right, full, semi, anti }
        /// How many rows of one side may match one of the other; more are refused, not multiplied.
        enum Relationship: String, Sendable, CaseIterable {
            case oneToOne = "one-to-one"
            case manyToOne = "many-to-one"
            case oneToMany = "one-to-many"
            case manyToMany = "many-to-many"
        }

        let dataset: String
        let project: String
        let left: Ref
        let right: Ref
        /// Columns of the left and of the right that must be equal.
        let on: [(left: String, right: String)]
        var how = How.left
        var relationship = Relationship.manyToOne
        /// Appended to columns of the right that the left has too; nil refuses them.
        var suffix: String?
        var isCasting = false
        var message = ""
        var branch = Dataset.mainBranch
    }

    /// A version with the columns of two inputs, matched by key.
    ///
    /// - Throws: `invalid` for a key that is missing, of another type, or there more often than the relationship allows;
    ///   for columns of the same name.
    func join(_ request: JoinRequest, as principal: Principal) async throws -> Combined {
        try principal.require(.writeDatasets, in: request.project)
        let binding = try await bind(["l": request.left, "r": request.right], as: principal)
        guard let left = binding.versions["l"], let right = binding.versions["r"] else {
            throw SlipwayError.notFound(request.left)
        }
        guard !request.on.isEmpty else {
            throw SlipwayError.field("on", "is empty", expected: "the columns to match, such as [\"store\", \"day\"]")
        }
        func find(_ name: String, _ version: DatasetVersion, _ ref: Ref) throws -> TableColumn {
            guard
                let column = version.columns.first(where: { $0.name == name })
                    ?? version.columns.first(where: { $0.name.lowercased() == name.lowercased() })
            else {
                throw SlipwayError.field(
                    "on", "\(ref) has no column '\(name.prefix(80))'",
                    expected: "some of \(version.columns.map(\.name).joined(separator: ", "))")
            }
            return column
        }
        var mismatches: [SchemaReconciliation.Mismatch] = []
        let pairs = try request.on.map { pair in
            let (a, b) = (try find(pair.left, left, request.left), try find(pair.right, right, request.right))
            if a.type != b.type {
                mismatches.append(
                    .init(kind: .type, column: b.name, table: request.right.description, have: b.type, want: a.type))
            }
            return (a, b)
        }
        if let mismatch = mismatches.first, !request.isCasting {
            throw SlipwayError(
                .invalid, "on: \(mismatch.text). Choices for schema: cast (compares as the left's type).",
                details: ["field": "on", "mismatches": JSONValue.array(mismatches.map(\.json)).canonicalText])
        }
        let rightKeys = Set(pairs.map(\.1.name))
        var taken = Set(left.columns.map { $0.name.lowercased() })
        var list = left.columns.map { column -> String in
            let name = DuckSQL.name(column.name)
            guard request.how == .right || request.how == .full,
                let pair = pairs.first(where: { $0.0 == column })
            else { return "l.\(name)" }
            return "coalesce(l.\(name), TRY_CAST(r.\(DuckSQL.name(pair.1.name)) AS \(column.type))) AS \(name)"
        }
        if request.how != .semi, request.how != .anti {
            for column in right.columns where !rightKeys.contains(column.name) {
                var name = column.name
                if taken.contains(name.lowercased()) {
                    mismatches.append(
                        .init(
                            kind: .extra, column: name, table: request.right.description, have: column.type,
                            want: nil))
                    guard let suffix = request.suffix else {
                        throw SlipwayError.field(
                            "suffix", "both have the column \(name)",
                            expected: "what to append to the right's, such as _right")
                    }
                    name += suffix
                }
                guard taken.insert(name.lowercased()).inserted else {
                    throw SlipwayError.field("suffix", "makes \(name), which is there already", expected: "another")
                }
                list.append("r.\(DuckSQL.name(column.name)) AS \(DuckSQL.name(name))")
            }
        }
        if request.relationship == .oneToOne || request.relationship == .manyToOne {
            try await requireOnce(
                pairs.map(\.1.name), binding, "r", request.right, request.relationship, for: principal)
        }
        if request.relationship == .oneToOne || request.relationship == .oneToMany {
            try await requireOnce(pairs.map(\.0.name), binding, "l", request.left, request.relationship, for: principal)
        }
        let on = pairs.map { a, b in
            let right = "r.\(DuckSQL.name(b.name))"
            return "l.\(DuckSQL.name(a.name)) = \(a.type == b.type ? right : "TRY_CAST(\(right) AS \(a.type))")"
        }.joined(separator: " AND ")
        let made = try await derive(
            request.dataset, project: request.project,
            sql: "SELECT \(list.joined(separator: ", ")) FROM l \(request.how.rawValue.uppercased()) JOIN r ON \(on)",
            inputs: ["l": request.left, "r": request.right], parameters: [], message: request.message,
            branch: request.branch, as: principal)
        return Combined(version: made.version, isNew: made.isNew, mismatches: mismatches)
    }

    private func requireOnce(
        _ columns: [String], _ binding: Binding, _ name: String, _ ref: Ref, _ relationship: JoinRequest.Relationship,
        for principal: Principal
    ) async throws {
        let list = columns.map(DuckSQL.name).joined(separator: ", ")
        let isThere = columns.map { "\(DuckSQL.name($0)) IS NOT NULL" }.joined(separator: " AND ")
        let rows = try await ask(
            binding.sql(
                "SELECT \(list), count(*) AS n FROM \(name) WHERE \(isThere) GROUP BY \(list) HAVING count(*) > 1 ORDER BY n DESC LIMIT 3"
            ), binding.inputs, maxRows: 3, for: principal)
        guard !rows.isEmpty else { return }
        let examples = rows.map { row in
            "(\(zip(columns, row).map { "\($0) = \($1.text ?? "")" }.joined(separator: ", "))) \(row.last?.intValue ?? 0) times"
        }
        throw SlipwayError(
            .invalid,
            "on: \(ref) has rows with the same key: \(examples.joined(separator: "; ")), so rows would be multiplied. Expected \(relationship.rawValue); say relationship many-to-many if that is meant.",
            details: ["field": "relationship", "examples": examples.joined(separator: "; ")])
    }
}
