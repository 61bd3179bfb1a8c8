import Core
import Database
import Ledger
import Logging
import Objects
import Platform
import Tables

/// What became of reading a source.
struct SourceSync: Sendable {
    enum State: String, Sendable {
        /// There is a new version.
        case new
        /// It was read, and holds what the newest version was made from.
        case unchanged
        /// The source said that nothing changed, or had nothing beyond the last value; it was not read.
        case notModified
    }

    let state: State
    let version: DatasetVersion

    var json: JSONValue {
        var fields = version.json.objectValue ?? [:]
        fields["unchanged"] = .bool(state != .new)
        fields["state"] = .string(state.rawValue)
        return .object(fields)
    }
}

extension DatasetsService {
    /// Where to what a source holds goes.
    struct SyncTarget: Sendable, Hashable {
        var dataset: String
        var branch = Dataset.mainBranch
        /// Keeps the rows that are there and adds these; else these take their place.
        var appends = false
        /// nil: as the source is set.
        var onChange: OnSchemaChange?
        var badRows: BadRows?

        /// What a reading is remembered by.
        var memory: String { "\(dataset)@\(branch) \(appends ? "append" : "replace")" }
    }

    /// Reads a source into a version, if there is anything new in it. One reading of a source at a time.
    func sync(_ name: String, into target: SyncTarget?, message: String, as principal: Principal) async throws
        -> SourceSync
    {
        let source = try await source(name, as: principal)
        try principal.require(.writeDatasets, in: source.project)
        let settings = source.settings
        guard
            let target = target
                ?? settings.dataset.map({
                    SyncTarget(dataset: $0, branch: settings.branch, appends: settings.appends)
                })
        else {
            throw SlipwayError(
                .invalid,
                "\(source.ref) does not know where to. Say it: slipway source set \(name) --into DATASET, or import it.",
                ref: source.ref)
        }
        try Name.validate(target.dataset, field: "dataset")
        if let owner = try await owner(of: target.dataset), owner != source.project {
            throw belongsElsewhere(target.dataset)
        }
        return try await turns.take("source \(name)") {
            // What another sync found out while this one waited counts.
            let source = try await self.source(name, as: principal)
            do {
                return try await read(source, into: target, message: message, as: principal)
            } catch {
                let problem = (error as? SlipwayError)?.message ?? "an internal error"
                let now = platform.clock.now()
                try? await platform.database.write { [store, ledger = platform.ledger] db in
                    try store.markFailed(db, name, at: now, problem: problem)
                    // Once, not at each try.
                    guard source.problem == nil else { return }
                    try ledger.append(
                        db, "source.failed", source.ref, project: source.project, by: principal,
                        data: ["problem": .string(problem)])
                }
                throw error
            }
        }
    }

    private func read(_ source: Source, into target: SyncTarget, message: String, as principal: Principal) async throws
        -> SourceSync
    {
        let folder = try platform.scratchFolder()
        defer { removeFolder(folder) }
        let newest = try await newest(target.dataset, target.branch)
        // What was seen the last time counts if it is there: on this branch, and not replaced by something else.
        let isThere =
            source.lastSeen?["target"]?.stringValue == target.memory && newest != nil
            && (target.appends || newest?.recipe.details["source"]?.stringValue == source.ref.description)
        let before = isThere ? source.lastSeen : nil
        guard
            let fetched = try await fetch(source, before: before, onlyNew: target.appends, into: folder)
        else {
            let now = platform.clock.now()
            try await platform.database.write { [store] in try store.markChecked($0, source.name, at: now) }
            guard let newest else { throw SlipwayError.notFound(Ref(.dataset, target.dataset)) }
            return SourceSync(state: .notModified, version: newest)
        }
        var details: [String: JSONValue] = [
            "source": JSONValue(source.ref), "query": JSONValue(source.query), "append": .bool(target.appends),
        ]
        if let range = fetched.range { details["range"] = range }
        let seen = JSONValue.object(
            (fetched.seen.objectValue ?? [:]).merging(["target": .string(target.memory)]) { $1 })
        let draft = Recipe(
            kind: "import", inputs: fetched.files.map(\.label), details: .object(details), read: fetched.read)
        if !target.appends, let newest, newest.recipe.digest == draft.digest {
            try await finish(source, seen, version: nil, as: principal)
            return SourceSync(state: .unchanged, version: newest)
        }
        let rules = Conversion(
            onChange: target.onChange ?? source.settings.onChange,
            badRows: target.badRows ?? source.settings.badRows)
        let table = TableInput(
            name: "data", files: fetched.files.map(\.path), labels: fetched.files.map(\.label),
            format: try source.format ?? fetched.format(source), encoding: source.encoding)
        let made = try await convert(table, onto: newest, replaces: !target.appends, rules, in: folder)
        let version = try await commit(
            Commit(
                dataset: target.dataset, project: source.project, branch: target.branch, stored: [made.part],
                base: target.appends ? newest : nil, expects: target.appends ? .exactly(newest?.number) : .any,
                recipe: made.rejected.map { draft.reading(["rejected": $0.json]) } ?? draft,
                parents: [source.ref] + fetched.files.map { Ref(.file, $0.label) },
                message: message.isEmpty ? "import \(source.name)" : message,
                also: made.rejected?.keeping), as: principal
        ).version
        try await finish(source, seen, version: version, as: principal)
        return SourceSync(state: .new, version: version)
    }

    private func finish(_ source: Source, _ seen: JSONValue, version: DatasetVersion?, as principal: Principal)
        async throws
    {
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.markImported(db, source.name, at: now, seen: seen, isNew: version != nil)
            guard let version else { return }
            try ledger.append(
                db, "source.imported", source.ref, project: source.project, by: principal,
                data: ["version": JSONValue(version.ref)])
        }
    }

    // MARK: Schedules and freshness

    /// Looks at the sources once a second, until cancelled: what is due is read, and what is late is said once.
    func watchSources() async throws {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    for name in try await dueSources() {
                        group.addTask { await self.syncOnSchedule(name) }
                    }
                } catch {
                    if !Task.isCancelled {
                        platform.logger.warning("The sources could not be looked at.", metadata: ["cause": "\(error)"])
                    }
                }
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func syncOnSchedule(_ name: String) async {
        do {
            guard let source = try await platform.database.read({ [store] in try store.source($0, name) }) else {
                return
            }
            _ = try await sync(
                name, into: nil, message: "",
                as: Principal(name: "source-\(name)", role: nil, grants: [source.project: .mlEngineer]))
        } catch {
            if Task.isCancelled { return }
            platform.logger.warning(
                "A source could not be read on its schedule.", metadata: ["source": "\(name)", "cause": "\(error)"])
        }
    }

    /// The sources whose schedule has come; marks them as started, and says which have become late.
    ///
    /// After a pause (a server that was down) a schedule fires once, not once for each time missed.
    func dueSources() async throws -> [String] {
        let now = platform.clock.now()
        let sources = try await platform.database.read { [store] in try store.sources($0, project: nil) }
        let due = sources.filter { source in
            source.settings.schedule?.next(after: source.fired ?? source.created).map { $0 <= now } ?? false
        }.map(\.name)
        let late = sources.filter { $0.isLate(now) && $0.late == nil }
        guard !due.isEmpty || !late.isEmpty else { return [] }
        try await platform.database.write { [store, ledger = platform.ledger] db in
            for name in due { try store.markFired(db, source: name, at: now) }
            for source in late {
                try store.markLate(db, source.name, at: now)
                try ledger.append(
                    db, "source.late", source.ref, project: source.project, by: .system,
                    data: [
                        "due": source.due.map { JSONValue($0) } ?? .null,
                        "changed": source.changed.map { JSONValue($0) } ?? .null,
                        "problem": JSONValue(source.problem),
                    ])
            }
        }
        return due
    }
}
