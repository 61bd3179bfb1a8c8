import Core
import Database
import Objects
import Platform
import Tables

/// What to do with columns and values that are not as expected.
struct Conversion: Sendable, Hashable {
    var onChange = OnSchemaChange.fail
    var badRows = BadRows.stop

    /// What rows are written with.
    struct Plan {
        /// In the order of the dataset, new ones last.
        var columns: [TableColumn]
        /// The columns that the rows have, by name.
        let given: [String: TableColumn]
    }

    /// The columns to write rows with that have the columns `given`, onto `base`.
    ///
    /// - Throws: `invalid` with what differs and the choices.
    func plan(_ given: [TableColumn], onto base: DatasetVersion) throws -> Plan {
        let (have, want) = (Set(given.map(\.name)), Set(base.columns.map(\.name)))
        let missing = base.columns.map(\.name).filter { !have.contains($0) }
        let unknown = given.filter { !want.contains($0.name) }
        var columns = base.columns
        switch onChange {
        case .fail where !missing.isEmpty || !unknown.isEmpty: throw Self.misfit(base, missing, unknown)
        case .fail, .ignore: break
        case .evolve: columns += unknown
        }
        return Plan(columns: columns, given: Dictionary(given.map { ($0.name, $0) }) { a, _ in a })
    }

    private static func misfit(_ base: DatasetVersion, _ missing: [String], _ unknown: [TableColumn]) -> SlipwayError {
        var parts: [String] = []
        if !missing.isEmpty { parts.append("the columns \(missing.joined(separator: ", ")) are missing") }
        if !unknown.isEmpty { parts.append("\(unknown.map(\.name).joined(separator: ", ")) are not known") }
        return SlipwayError(
            .invalid,
            "The rows do not fit \(base.ref): \(parts.joined(separator: "; ")). Expected the columns \(base.columns.map(\.name).joined(separator: ", ")). Choices (onChange): fail, as now; evolve takes new columns on, ignore drops them, and both put NULL where a column is missing.",
            details: [
                "missing": missing.joined(separator: ","), "unknown": unknown.map(\.name).joined(separator: ","),
                "added": unknown.map { "\($0.name) \($0.type)" }.joined(separator: ", "),
                "choices": OnSchemaChange.allCases.map(\.rawValue).joined(separator: ","),
            ], ref: base.ref)
    }
}

/// Rows that could not be read, left out of a version and kept beside it.
struct Rejected: Sendable {
    let rows: Int64
    let object: ObjectInfo

    var json: JSONValue { ["rows": .int(rows), "object": .string("sha256:" + object.digest.hex)] }

    var keeping: @Sendable (any Transaction, DatasetVersion) throws -> Void {
        { db, version in try RejectedRows.keep(db, object, of: version) }
    }
}

extension DatasetsService {
    /// Writes a table as Parquet into the object store, with the columns and types of a version.
    ///
    /// - Parameter replaces: the version's rows go; with new columns taken on, missing ones go too.
    func convert(
        _ table: TableInput, onto base: DatasetVersion?, replaces: Bool, _ rules: Conversion, in folder: String
    ) async throws -> (part: Commit.StoredPart, rejected: Rejected?) {
        guard table.files.contains(where: { !isEmptyFile($0) }) else {
            throw SlipwayError(
                .invalid, "\(table.labels?.first ?? "The file") is empty; expected rows as Parquet, CSV or JSON.")
        }
        let path = folder + "/" + ID.make() + ".parquet"
        var statement = "SELECT * FROM data"
        if let base {
            let given = try await platform.tables.columns(of: table)
            var plan = try rules.plan(given, onto: base)
            if replaces, rules.onChange == .evolve { plan.columns = given }
            let list = plan.columns.map { column in
                let name = DuckSQL.name(column.name)
                guard plan.given[column.name] != nil else { return "CAST(NULL AS \(column.type)) AS \(name)" }
                return "CAST(\(name) AS \(column.type)) AS \(name)"
            }
            statement = "SELECT \(list.joined(separator: ", ")) FROM data"
        }
        let written = try await platform.tables.write(
            statement, parameters: [], inputs: [table], to: path, timeoutSeconds: Self.writeSeconds)
        let object = try await platform.objects.put(file: path, move: true)
        return (.init(object: object, table: written), nil)
    }
}
