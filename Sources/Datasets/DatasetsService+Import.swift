import Core
import Database
import Ledger
import Objects
import Platform
import Projects
import Tables
import Transport
import Web

extension DatasetsService {
    static let appendMaximumBytes: Int64 = 16 << 30

    // MARK: Sources

    public func createSource(
        name: String, project: String, kind: Source.Kind, location: String, query: String?, format: TableInput.Format?,
        encoding: TableInput.Encoding, as principal: Principal
    ) async throws -> Source {
        try principal.require(.manageSources, in: project)
        try Name.validate(name)
        try Self.checkLocation(kind, location)
        if kind == .postgres || kind == .sqlite, query == nil {
            throw SlipwayError.field("query", "is missing", expected: "the SELECT to read from the database")
        }
        let source = Source(
            name: name, project: project, kind: kind, location: location, query: query, format: format,
            encoding: encoding,
            created: platform.clock.now(), lastImported: nil, lastSeen: nil)
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            guard try store.insert(db, source) else {
                // The same source again is not an error: scripts run twice.
                if let known = try store.source(db, name), known.location == location, known.kind == kind,
                    known.query == query
                {
                    return known
                }
                throw SlipwayError(.conflict, "There is already a source named \(name).", ref: source.ref)
            }
            try ledger.append(
                db, "source.created", source.ref, project: project, by: principal,
                data: ["kind": .string(kind.rawValue), "location": .string(location)])
            return source
        }
    }

    private static func checkLocation(_ kind: Source.Kind, _ location: String) throws {
        let wanted: [Source.Kind: (prefixes: [String], example: String)] = [
            .file: (["/"], "/data/sales/*.parquet"), .http: (["http://", "https://"], "https://example.org/sales.csv"),
            .s3: (["s3://"], "s3://bucket/prefix?endpoint=https://s3.example.org"),
            .postgres: (["postgresql://", "postgres://"], "postgresql://reader@db/shop"),
            .sqlite: (["/"], "/data/shop.db"),
        ]
        guard let rule = wanted[kind], rule.prefixes.contains(where: { location.hasPrefix($0) }),
            location.utf8.count <= 2000
        else {
            throw SlipwayError.field(
                "location", "does not fit the kind \(kind.rawValue)",
                expected: "something like \(wanted[kind]?.example ?? "")")
        }
        if location.contains("://"), let query = location.split(separator: "?", maxSplits: 1).dropFirst().first,
            query.split(separator: "&").contains(where: { $0.lowercased().hasPrefix("password=") })
        {
            throw passwordRefusal()
        }
        if let authority = location.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first,
            location.contains("://"),
            let at = authority.lastIndex(of: "@"), authority[..<at].contains(":")
        {
            throw passwordRefusal()
        }
    }

    private static func passwordRefusal() -> SlipwayError {
        .field(
            "location", "holds a password",
            expected: "none: give it to the server by PGPASSFILE, a netrc file or its AWS variables, never in a URL")
    }

    public func source(_ name: String, as principal: Principal) async throws -> Source {
        guard let source = try await platform.database.read({ [store] in try store.source($0, name) }) else {
            throw SlipwayError.notFound(Ref(.source, name))
        }
        try principal.require(.readDatasets, in: source.project)
        return source
    }

    public func sources(project: String?, as principal: Principal) async throws -> [Source] {
        try await platform.database.read { [store] in try store.sources($0, project: project) }
            .filter { principal.may(.readDatasets, in: $0.project) }
    }

    // MARK: Import

    /// Reads a source into a version. What was read already, by its digest, gives the version that it made then.
    ///
    /// - Parameter append: keeps the newest version's rows and adds these.
    public func importSource(
        _ name: String, into dataset: String, append: Bool, message: String, as principal: Principal
    ) async throws -> DatasetVersion {
        let source = try await source(name, as: principal)
        try principal.require(.writeDatasets, in: source.project)
        try Name.validate(dataset, field: "dataset")
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let fetched = try await fetch(source, into: folder)
        let recipe = Recipe(
            kind: "import", inputs: fetched.files.map(\.label),
            details: ["source": JSONValue(source.ref), "query": JSONValue(source.query), "append": .bool(append)])
        let now = platform.clock.now()
        if !append,
            let known = try await platform.database.read({ [store] in
                try store.version($0, dataset, recipe: recipe.digest)
            })
        {
            guard known.project == source.project else { throw belongsElsewhere(known) }
            try await platform.database.write { [store] in try store.markImported($0, name, at: now, seen: fetched.seen)
            }
            return known
        }
        let base = append ? try await newest(dataset) : nil
        let table = TableInput(
            name: "data", files: fetched.files.map(\.path), labels: fetched.files.map(\.label),
            format: try source.format ?? fetched.format(source),
            encoding: source.encoding)
        let part = try await convert(table, base: base, in: folder)
        let parents = [source.ref] + fetched.files.map { Ref(.file, $0.label) }
        let version = try await commit(
            dataset, project: source.project, files: [part], base: base, isAppend: append, recipe: recipe,
            parents: parents, message: message.isEmpty ? "import \(name)" : message, as: principal)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.markImported(db, name, at: now, seen: fetched.seen)
            try ledger.append(
                db, "source.imported", source.ref, project: source.project, by: principal,
                data: ["version": JSONValue(version.ref)])
        }
        return version
    }

    /// Adds rows that a client sends.
    ///
    /// - Parameters:
    ///   - key: the client's own id of this batch; sending it again changes nothing.
    ///   - origin: where the client has the rows from, for the lineage: a path or a URL.
    public func append(
        _ dataset: String, project: String, body: RequestBody, format: TableInput.Format, encoding: TableInput.Encoding,
        key: String?, origin: String?, message: String, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        if let origin, origin.utf8.count > 500 || origin.unicodeScalars.contains(where: { $0.value < 32 }) {
            throw SlipwayError.field("origin", "is over 500 bytes or has control characters", expected: "a path or URL")
        }
        if let newest = try await newest(dataset), newest.project != project { throw belongsElsewhere(newest) }
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
            let base = try await newest(dataset)
            let part = try await convert(table, base: base, in: folder)
            do {
                let version = try await commit(
                    dataset, project: project, files: [part], base: base, isAppend: true, recipe: recipe,
                    parents: [Ref(.file, label)], message: message, key: key, as: principal)
                // The same key can have come twice at the same time.
                return (version, version.number == (base?.number ?? 0) + 1)
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
            try store.appended(db, dataset, key: key).flatMap { try store.version(db, dataset, $0) }
        }
    }

    private func belongsElsewhere(_ version: DatasetVersion) -> SlipwayError {
        SlipwayError(
            .conflict, "The dataset \(version.dataset) belongs to another project.", ref: Ref(.dataset, version.dataset)
        )
    }

    private func newest(_ dataset: String) async throws -> DatasetVersion? {
        try await platform.database.read { [store] in try store.version($0, dataset, nil) }
    }

    /// Writes a table as Parquet; onto a base, with the base's columns and types.
    private func convert(_ table: TableInput, base: DatasetVersion?, in folder: String) async throws -> (
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
                "SELECT \(list) FROM data", parameters: [], inputs: [table], to: path, timeoutSeconds: 1800)
        )
    }

    // MARK: Derive

    /// Makes a version by SQL over other versions and slices. The recipe is kept; when the newest version was made by the
    /// same recipe from the same content, nothing is done.
    public func derive(
        _ dataset: String, project: String, sql: String, inputs: [String: Ref], parameters: [JSONValue],
        message: String, as principal: Principal
    ) async throws -> (version: DatasetVersion, isNew: Bool) {
        try principal.require(.writeDatasets, in: project)
        try Name.validate(dataset, field: "dataset")
        let binding = try await bind(inputs, as: principal)
        let recipe = Recipe(
            kind: "derive", inputs: binding.recipeInputs,
            details: ["sql": .string(sql), "parameters": .array(parameters)])
        if let newest = try await newest(dataset) {
            guard newest.project == project else { throw belongsElsewhere(newest) }
            if newest.recipe.digest == recipe.digest { return (newest, false) }
        }
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let path = folder + "/part.parquet"
        let table = try await platform.tables.write(
            binding.sql(sql), parameters: parameters.map { TableValue($0) }, inputs: binding.inputs, to: path,
            timeoutSeconds: 1800)
        let version = try await commit(
            dataset, project: project, files: [(path, table)], base: nil, recipe: recipe, parents: binding.parents,
            message: message, as: principal)
        return (version, true)
    }
}
