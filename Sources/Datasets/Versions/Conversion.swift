import Archives
import Core
import Database
import Objects
import Platform
import Tables
import Transport

/// What to do with columns and values that are not as expected.
public struct Conversion: Sendable, Hashable {
    var onChange = OnSchemaChange.fail
    var badRows = BadRows.stop

    /// What does not fit or cannot be read stops the work.
    public init() {}

    init(onChange: OnSchemaChange = .fail, badRows: BadRows = .stop) {
        (self.onChange, self.badRows) = (onChange, badRows)
    }

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
    /// - Parameter replaces: the version's rows go; when new columns are taken on, those that are missing go too.
    /// - Throws: `invalid` for columns that differ, and for a value that does not fit, naming file, line and column.
    func convert(
        _ table: TableInput, onto base: DatasetVersion?, replaces: Bool, _ rules: Conversion, in folder: String
    ) async throws -> (part: Commit.StoredPart, rejected: Rejected?) {
        guard table.files.contains(where: { !isEmptyFile($0) }) else {
            throw SlipwayError(
                .invalid, "\(table.labels?.first ?? "The file") is empty; expected rows as Parquet, CSV or JSON.")
        }
        if table.format != .parquet {
            for (index, path) in table.files.enumerated() {
                let label = table.labels?[index] ?? "file \(index + 1)"
                try await archiveWork.run { _ in try GzipFile.requireWhole(path, label: Self.withoutDigest(label)) }
            }
        }
        guard base != nil || rules.badRows != .stop else {
            return (try await store("SELECT * FROM data", table, in: folder), nil)
        }
        let given = try await platform.tables.columns(of: table)
        var plan = Conversion.Plan(
            columns: given, given: Dictionary(given.map { ($0.name, $0) }) { first, _ in first })
        if let base {
            plan.columns = try rules.plan(given, onto: base).columns
            if replaces, rules.onChange == .evolve { plan.columns = given }
        }
        let casts = RowCasts(table, plan, isTolerant: rules.badRows != .stop)
        switch rules.badRows {
        case .stop:
            do { return (try await store(casts.selectOrStop, table, in: folder), nil) } catch let error as SlipwayError
                where error.code == .invalid
            {
                throw try await firstMisfit(RowCasts(table, plan, isTolerant: true)) ?? error
            }
        case .skip:
            let misfits = try await store(casts.selectMisfits, casts.table, in: folder)
            let part = try await store(casts.selectFitting, casts.table, in: folder)
            guard misfits.table.rows > 0 else { return (part, nil) }
            return (part, Rejected(rows: misfits.table.rows, object: misfits.object))
        case .keep:
            // What could not be read is kept in the rejected rows, too.
            let misfits = try await store(casts.selectMisfits, casts.table, in: folder)
            let part = try await store(casts.selectAll, casts.table, in: folder)
            guard misfits.table.rows > 0 else { return (part, nil) }
            return (part, Rejected(rows: misfits.table.rows, object: misfits.object))
        }
    }

    private func store(_ select: String, _ table: TableInput, in folder: String) async throws -> Commit.StoredPart {
        let path = folder + "/" + ID.make() + ".parquet"
        let written = try await platform.tables.write(
            select, parameters: [], inputs: [table], to: path, timeoutSeconds: Self.writeSeconds)
        return .init(object: try await platform.objects.put(file: path, move: true), table: written)
    }

    /// Names the first value that does not fit, file by file; nil if it cannot be found.
    private func firstMisfit(_ casts: RowCasts) async throws -> SlipwayError? {
        for (index, file) in casts.table.files.enumerated() {
            var one = casts.table
            one.files = [file]
            let found = try? await platform.tables.query(
                casts.selectFirstMisfit, inputs: [one], maxRows: 1, timeoutSeconds: Self.writeSeconds)
            guard let row = found?.rows.first, row.count == 3, case .int(let number) = row[0] else { continue }
            let label = casts.table.labels?[index] ?? "file \(index + 1)"
            let name = label.ranges(of: "#sha256:").last.map { String(label[..<$0.lowerBound]) } ?? label
            guard case .text(let column) = row[1] else { continue }
            let value = if case .text(let text) = row[2] { text } else { "" }
            let type = casts.columns.first { $0.name == column }?.type ?? ""
            let (place, line) = casts.place(row: number)
            return SlipwayError(
                .invalid,
                "\(name), \(place), column \(column): '\(value.prefix(80))' does not fit the type \(type). Choices (badRows): stop, as now; skip leaves such rows out and keeps them apart, keep has NULL in place of the value.",
                details: [
                    "file": name, "line": String(line), "column": column, "type": type,
                    "choices": BadRows.allCases.map(\.rawValue).joined(separator: ","),
                ])
        }
        return nil
    }
}
