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

    func createSource(
        name: String, project: String, kind: Source.Kind, location: String, query: String?, format: TableInput.Format?,
        encoding: TableInput.Encoding, settings: SourceSettings = SourceSettings(), as principal: Principal
    ) async throws -> Source {
        try principal.require(.manageSources, in: project)
        try Name.validate(name)
        try Self.checkLocation(kind, location)
        if kind == .postgres || kind == .sqlite, query == nil {
            throw SlipwayError.field("query", "is missing", expected: "the SELECT to read from the database")
        }
        try settings.validate(for: kind)
        let source = Source(
            name: name, project: project, kind: kind, location: location, query: query, format: format,
            encoding: encoding, created: platform.clock.now(), settings: settings)
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
        if kind == .postgres { _ = try PostgresPlace(parsing: location) }
    }

    private static func passwordRefusal() -> SlipwayError {
        .field(
            "location", "holds a password",
            expected: "none: keep it as a secret (slipway secret set NAME) and name that, never in a URL")
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

    /// Changes how a source is read.
    func changeSource(_ name: String, _ body: JSONFields, as principal: Principal) async throws -> Source {
        let known = try await source(name, as: principal)
        try principal.require(.manageSources, in: known.project)
        var settings = known.settings
        try settings.change(body)
        try settings.validate(for: known.kind)
        let wanted = settings
        let now = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.set(db, wanted, of: name)
            // A new schedule begins now; it does not make up for the past.
            if wanted.schedule != known.settings.schedule { try store.markFired(db, source: name, at: now) }
            try ledger.append(
                db, "source.updated", known.ref, project: known.project, by: principal, data: wanted.json)
            guard let changed = try store.source(db, name) else { throw SlipwayError.notFound(known.ref) }
            return changed
        }
    }

    /// Forgets a source; what was read from it stays.
    func removeSource(_ name: String, as principal: Principal) async throws {
        let known = try await source(name, as: principal)
        try principal.require(.manageSources, in: known.project)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.remove(db, source: name)
            try ledger.append(db, "source.removed", known.ref, project: known.project, by: principal)
        }
    }
}
