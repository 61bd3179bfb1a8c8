import Core
import Database
import Ledger
import Objects
import Platform
import Tables
import Web

extension DatasetsService {
    static let appendMaximumBytes: Int64 = 16 << 30

    /// Adds rows that a client sends; columns that differ and values that do not fit stop it.
    public func append(
        _ dataset: String, project: String, body: RequestBody, format: TableInput.Format, encoding: TableInput.Encoding,
        key: String?, origin: String?, message: String, branch: String = Dataset.mainBranch, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try await append(
            dataset, project: project, body: body, format: format, encoding: encoding, key: key, origin: origin,
            message: message, branch: branch, rules: Conversion(), as: principal)
    }

    /// Adds rows that a client sends.
    ///
    /// - Parameters:
    ///   - key: the client's own id of this batch; sending it again changes nothing.
    ///   - origin: where the client has the rows from, for the lineage: a path or a URL.
    public func append(
        _ dataset: String, project: String, body: RequestBody, format: TableInput.Format, encoding: TableInput.Encoding,
        key: String?, origin: String?, message: String, branch: String, rules: Conversion,
        as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        if let origin, origin.utf8.count > 500 || origin.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw SlipwayError.field("origin", "is over 500 bytes or has control characters", expected: "a path or URL")
        }
        if let known = try await platform.database.read({ [store] in try store.dataset($0, dataset) }) {
            guard known.project == project else { throw belongsElsewhere(dataset) }
            guard known.kind == .table else { throw known.holdsOther }
        }
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
        // Columns that change while the rows are converted are rare: once more then.
        for _ in 0..<5 {
            let base = try await newest(dataset, branch)
            let made = try await convert(table, onto: base, replaces: false, rules, in: folder)
            let landing = Landing(
                dataset: dataset, project: project, branch: branch, part: made.part, fits: base?.columns,
                recipe: made.rejected.map { recipe.reading(["rejected": $0.json]) } ?? recipe,
                parents: [Ref(.file, label)], message: message, key: key,
                also: made.rejected?.keeping)
            if let landed = try await land(landing, as: principal) { return landed }
        }
        throw SlipwayError(.conflict, "The columns of \(dataset) change too fast; try again.")
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
