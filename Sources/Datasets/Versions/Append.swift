import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import Web

extension DatasetsService {
    static let appendMaximumBytes: Int64 = 16 << 30

    /// Adds rows that a client sends.
    ///
    /// - Parameters:
    ///   - key: the client's own id of this batch; sending it again changes nothing.
    ///   - origin: where the client has the rows from, for the lineage: a path or a URL.
    public func append(
        _ dataset: String, project: String, body: RequestBody, format: TableInput.Format, encoding: TableInput.Encoding,
        key: String?, origin: String?, message: String, branch: String = Dataset.mainBranch, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        if let origin, origin.utf8.count > 500 || origin.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw SlipwayError.field("origin", "is over 500 bytes or has control characters", expected: "a path or URL")
        }
        if let owner = try await owner(of: dataset), owner != project { throw belongsElsewhere(dataset) }
        if let known = try await appended(dataset, key) { return (known, false) }
        // The bytes rest in the object store while they are read; the version keeps the rows, not the request.
        let raw = try await platform.objects.put(contentsOf: body, maximumBytes: Self.appendMaximumBytes)
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let label = "\(origin ?? "request.\(format.rawValue)")#sha256:\(raw.digest.hex)"
        let table = TableInput(
            name: "data", files: [try await platform.objects.localPath(raw.digest)], labels: [label], format: format,
            encoding: encoding)
        let recipe = Recipe(kind: "append", inputs: [label], details: ["key": JSONValue(key)])
        // Two appends at the same time: the later one goes on top of the earlier.
        for attempt in 1... {
            let base = try await newest(dataset, branch)
            let part = try await convert(table, base: base, in: folder)
            do {
                return try await commit(
                    Commit(
                        dataset: dataset, project: project, branch: branch, parts: [part], base: base,
                        expects: .exactly(base?.number), recipe: recipe, parents: [Ref(.file, label)],
                        message: message, key: key), as: principal)
            } catch let error as SlipwayError
                where error.code == .conflict && error.details["latest"] != nil && attempt < 20
            {
                if let known = try await appended(dataset, key) { return (known, false) }
            }
        }
        throw SlipwayError(.conflict, "The dataset \(dataset) changes too fast; try again.")
    }

    private func appended(_ dataset: String, _ key: String?) async throws -> DatasetVersion? {
        guard let key else { return nil }
        return try await platform.database.read { [store] db in
            try store.appended(db, dataset, key: key).flatMap { try store.version(db, dataset, .number($0)) }
        }
    }

    func belongsElsewhere(_ dataset: String) -> SlipwayError {
        SlipwayError(
            .conflict, "The dataset \(dataset) belongs to another project.", ref: Ref(.dataset, dataset))
    }

    /// The project of a dataset; nil if there is no such dataset.
    func owner(of dataset: String) async throws -> String? {
        try await platform.database.read { [store] in try store.dataset($0, dataset)?.project }
    }

    /// The head of a branch.
    func newest(_ dataset: String, _ branch: String) async throws -> DatasetVersion? {
        try await platform.database.read { [store] in try store.version($0, dataset, .name(branch)) }
    }

    /// Writes a table as Parquet; onto a base, with the base's columns and types.
    func convert(_ table: TableInput, base: DatasetVersion?, in folder: String) async throws -> (
        path: String, table: TableFile
    ) {
        guard table.files.contains(where: { !isEmptyFile($0) }) else {
            throw SlipwayError(
                .invalid, "\(table.labels?.first ?? "The file") is empty; expected rows as Parquet, CSV or JSON.")
        }
        let path = folder + "/" + ID.make() + ".parquet"
        var list = "*"
        if let base {
            let given = try await platform.tables.columns(of: table)
            let (have, want) = (Set(given.map(\.name)), Set(base.columns.map(\.name)))
            let missing = base.columns.map(\.name).filter { !have.contains($0) }
            let unknown = given.map(\.name).filter { !want.contains($0) }
            guard missing.isEmpty, unknown.isEmpty else {
                let parts =
                    (missing.isEmpty ? [] : ["the columns \(missing.joined(separator: ", ")) are missing"])
                    + (unknown.isEmpty ? [] : ["\(unknown.joined(separator: ", ")) are not known"])
                throw SlipwayError(
                    .invalid,
                    "The rows do not fit \(base.ref): \(parts.joined(separator: "; ")). Expected the columns \(base.columns.map(\.name).joined(separator: ", ")).",
                    details: ["missing": missing.joined(separator: ","), "unknown": unknown.joined(separator: ",")],
                    ref: base.ref)
            }
            list = base.columns.map { "CAST(\(DuckSQL.name($0.name)) AS \($0.type)) AS \(DuckSQL.name($0.name))" }
                .joined(separator: ", ")
        }
        return (
            path,
            try await platform.tables.write(
                "SELECT \(list) FROM data", parameters: [], inputs: [table], to: path, timeoutSeconds: Self.writeSeconds
            )
        )
    }

    // MARK: Derive

    /// Makes a version by SQL over other versions and slices. The recipe is kept; when the newest version was made by the
    /// same recipe from the same content, nothing is done.
    public func derive(
        _ dataset: String, project: String, sql: String, inputs: [String: Ref], parameters: [JSONValue],
        message: String, branch: String = Dataset.mainBranch, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        let binding = try await bind(inputs, as: principal)
        let recipe = Recipe(
            kind: "derive", inputs: binding.recipeInputs,
            details: ["sql": .string(sql), "parameters": .array(parameters)])
        if let owner = try await owner(of: dataset), owner != project { throw belongsElsewhere(dataset) }
        if let newest = try await newest(dataset, branch), newest.recipe.digest == recipe.digest {
            return (newest, false)
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/part.parquet"
        let table = try await platform.tables.write(
            binding.sql(sql), parameters: parameters.map { TableValue($0) }, inputs: binding.inputs, to: path,
            timeoutSeconds: Self.writeSeconds)
        return try await commit(
            Commit(
                dataset: dataset, project: project, branch: branch, parts: [(path, table)], recipe: recipe,
                parents: binding.parents, message: message, reads: binding.versions), as: principal)
    }
}
