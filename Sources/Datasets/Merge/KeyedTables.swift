import Core
import Objects
import Platform
import Tables

/// Versions as tables known by a key, in a work folder of their own.
extension DatasetsService {
    /// The tables of two versions, without the files that both hold: with a key, their rows differ in nothing. nil where
    /// nothing is left.
    func inputsThatDiffer(
        _ a: DatasetVersion, name: String, _ b: DatasetVersion, name other: String
    ) async throws -> (TableInput?, TableInput?) {
        guard a.kind == .table, a.columns == b.columns else {
            return (try await input(a, name: name), try await input(b, name: other))
        }
        let (filesA, filesB) = (try await files(of: a), try await files(of: b))
        let common = Set(filesA.map(\.digest)).intersection(filesB.map(\.digest))
        func table(_ files: [DatasetFile], _ version: DatasetVersion, _ name: String) async throws -> TableInput? {
            var paths: [String] = []
            var labels: [String] = []
            for file in files where !common.contains(file.digest) {
                paths.append(try await platform.objects.localPath(file.digest))
                labels.append("\(version.ref)/\(file.path)")
            }
            return paths.isEmpty ? nil : TableInput(name: name, files: paths, labels: labels, format: .parquet)
        }
        return (try await table(filesA, a, name), try await table(filesB, b, other))
    }

    /// Writes the result of one of our own SELECTs into a work folder, as an input of the next.
    func step(
        _ sql: String, _ inputs: [TableInput?], name: String, in folder: String, for principal: Principal
    ) async throws -> TableInput {
        let path = "\(folder)/\(name).parquet"
        _ = try await platform.tables.write(
            sql, inputs: inputs.compactMap { $0 }, to: path, timeoutSeconds: Self.writeSeconds,
            for: .query(principal))
        return TableInput(name: name, files: [path], format: .parquet)
    }

    func ask(
        _ sql: String, _ inputs: [TableInput?], maxRows: Int = 1, for principal: Principal
    ) async throws -> [[TableValue]] {
        try await platform.tables.query(
            sql, inputs: inputs.compactMap { $0 }, maxRows: maxRows, timeoutSeconds: Self.writeSeconds,
            for: .query(principal)
        ).rows
    }

    /// - Throws: `invalid` with examples when keys are NULL or there twice.
    func requireKey(
        _ keyed: KeyedSQL, _ side: MergeSide, of version: DatasetVersion, for principal: Principal
    ) async throws {
        let found = try await ask(
            keyed.badKeys(side, of: "data"), [try await input(version, name: "data")], maxRows: 5, for: principal)
        guard !found.isEmpty else { return }
        let names = keyed.layout.key.map(\.name)
        let examples = found.map { row -> String in
            let key = zip(names, row).map { "\($0) = \($1.text ?? "NULL")" }.joined(separator: ", ")
            let count = row.last?.intValue ?? 0
            return row.dropLast().contains(.null)
                ? "(\(key)) is NULL in \(count) rows" : "(\(key)) is there \(count) times"
        }
        throw SlipwayError(
            .invalid,
            "key: \(names.joined(separator: ", ")) does not identify the rows of \(version.ref): \(examples.joined(separator: "; ")). Expected one row a key and no NULL: name more columns, or derive a version without the duplicates.",
            details: ["field": "key", "examples": examples.joined(separator: "; ")], ref: version.ref)
    }

    /// The key to go by: the one asked for, else the dataset's.
    func keyColumns(_ asked: [String]?, of dataset: Dataset) throws -> [String] {
        let key = dataset.kind == .files ? ["path"] : asked ?? dataset.key
        guard Set(key.map { $0.lowercased() }).count == key.count else {
            throw SlipwayError.field("key", "names a column twice")
        }
        return key
    }
}
