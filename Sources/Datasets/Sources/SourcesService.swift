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
        _ name: String, into dataset: String, branch: String = Dataset.mainBranch, append: Bool, message: String,
        as principal: Principal
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
            guard known.project == source.project else { throw belongsElsewhere(dataset) }
            try await platform.database.write { [store] in try store.markImported($0, name, at: now, seen: fetched.seen)
            }
            return known
        }
        let base = append ? try await newest(dataset, branch) : nil
        let table = TableInput(
            name: "data", files: fetched.files.map(\.path), labels: fetched.files.map(\.label),
            format: try source.format ?? fetched.format(source),
            encoding: source.encoding)
        let part = try await convert(table, base: base, in: folder)
        let parents = [source.ref] + fetched.files.map { Ref(.file, $0.label) }
        let version = try await commit(
            Commit(
                dataset: dataset, project: source.project, branch: branch, parts: [part], base: base,
                expects: append ? .exactly(base?.number) : .any, recipe: recipe, parents: parents,
                message: message.isEmpty ? "import \(name)" : message), as: principal
        ).version
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.markImported(db, name, at: now, seen: fetched.seen)
            try ledger.append(
                db, "source.imported", source.ref, project: source.project, by: principal,
                data: ["version": JSONValue(version.ref)])
        }
        return version
    }
}
