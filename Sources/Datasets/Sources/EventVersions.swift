import Core
import Database
import Logging
import Objects
import Platform
import Tables

extension DatasetsService {
    // MARK: Making versions

    /// Takes up what an earlier process left in the buffers.
    func recoverEvents() async throws {
        let found = try await platform.database.read { [store] db in
            try store.waitingStreams(db).compactMap { key in
                try store.stream(db, key).map { ($0, try store.backlog(db, key)) }
            }
        }
        for (stream, backlog) in found { events.note(backlog, of: stream, after: 0, problem: nil) }
    }

    /// Makes versions of what waits in a stream, and says so; never fails.
    func flushInBackground(_ key: EventStream.Key) async {
        var problem: String?
        do {
            _ = try await flushEvents(key)
        } catch {
            problem = (error as? SlipwayError)?.message ?? "an internal error"
            platform.logger.warning(
                "Pushed events could not be made a version; they stay in the buffer.",
                metadata: ["dataset": "\(key.dataset)", "branch": "\(key.branch)", "cause": "\(error)"])
        }
        await noteBacklog(key, problem)
    }

    private func noteBacklog(_ key: EventStream.Key, _ problem: String?) async {
        let arrival = events.arrival(of: key)
        let found = try? await platform.database.read { [store] db in
            (try store.stream(db, key), try store.backlog(db, key))
        }
        let stream = found?.0 ?? EventStream(dataset: key.dataset, branch: key.branch)
        // When even the database cannot be asked, it is looked at again later.
        events.note(
            found?.1 ?? EventBacklog(events: 1, oldest: platform.clock.now()), of: stream,
            after: arrival, problem: found == nil ? problem ?? "the database cannot be asked" : problem)
    }

    /// Makes versions of what waits now.
    public func flushEvents(_ dataset: String, branch: String, as principal: Principal) async throws -> DatasetVersion?
    {
        let known = try await self.dataset(dataset, as: principal)
        try principal.require(.writeDatasets, in: known.project)
        let key = EventStream.Key(dataset: dataset, branch: branch)
        do {
            let version = try await flushEvents(key)
            await noteBacklog(key, nil)
            return version
        } catch {
            await noteBacklog(key, (error as? SlipwayError)?.message ?? "an internal error")
            throw error
        }
    }

    private func flushEvents(_ key: EventStream.Key) async throws -> DatasetVersion? {
        try await turns.take("flush \(key.dataset) \(key.branch)") {
            let known = try await platform.database.read { [store] db in
                (try store.stream(db, key), try store.dataset(db, key.dataset))
            }
            guard let stream = known.0, let dataset = known.1 else { return nil }
            let last = stream.accepted
            var version = try await newest(key.dataset, key.branch)
            while let batch = try await nextBatch(
                stream, through: last,
                limit: version == nil ? EventStream.maximumFirstRows : EventStream.maximumVersionRows)
            {
                defer { removeFolder(batch.folder) }
                version = try await makeVersion(stream, dataset, batch)
            }
            return version
        }
    }

    /// Events taken out of the buffer for one version, in a file.
    struct EventFile: Sendable {
        let folder: String
        let path: String
        let first: Int64
        let last: Int64
        let batches: Int
        let authors: Set<String>
        let received: ClosedRange<Timestamp>
        var events: Int { Int(last - first + 1) }
    }

    private func nextBatch(_ stream: EventStream, through last: Int64, limit: Int) async throws -> EventFile? {
        let folder = try platform.scratchFolder()
        let path = folder + "/events.ndjson"
        do {
            let batch = try await platform.database.read { [store] db -> EventFile? in
                let file = try LineFile(path)
                var (first, end, batches): (Int64?, Int64, Int) = (nil, 0, 0)
                var authors: Set<String> = []
                var times: (Timestamp, Timestamp)?
                try store.batches(db, stream.key) { batch in
                    let start = first ?? batch.first
                    let newEnd = batch.first + Int64(batch.events) - 1
                    guard batch.first <= last, first == nil || newEnd - start < limit else {
                        return false
                    }
                    try file.write(batch.lines)
                    (first, end, batches) = (start, newEnd, batches + 1)
                    authors.insert(batch.author)
                    times = (
                        min(times?.0 ?? batch.received, batch.received), max(times?.1 ?? batch.received, batch.received)
                    )
                    return true
                }
                try file.close()
                guard let first, let times else { return nil }
                return EventFile(
                    folder: folder, path: path, first: first, last: end, batches: batches, authors: authors,
                    received: times.0...times.1)
            }
            if batch == nil { removeFolder(folder) }
            return batch
        } catch {
            removeFolder(folder)
            throw error
        }
    }

    private func makeVersion(_ stream: EventStream, _ dataset: Dataset, _ batch: EventFile) async throws
        -> DatasetVersion
    {
        let author = batch.authors.count == 1 ? batch.authors.first ?? "system" : "system"
        let principal = Principal(name: author, role: nil, grants: [dataset.project: .mlEngineer])
        let label = "events.ndjson#sha256:\(try await digest(ofFile: batch.path).hex)"
        for _ in 0..<5 {
            let base = try await newest(stream.dataset, stream.branch)
            let table = EventTable(
                path: batch.path, label: label, columns: try await columns(for: batch, stream, base))
            let path = batch.folder + "/part.parquet"
            let written = try await platform.tables.write(
                table.selectFitting, parameters: [], inputs: [table.input], to: path, timeoutSeconds: Self.writeSeconds)
            let rejected = batch.events - Int(written.rows)
            var rejects: Rejected?
            if rejected > 0 {
                let path = batch.folder + "/rejected.parquet"
                _ = try await platform.tables.write(
                    table.selectMisfits, parameters: [], inputs: [table.input], to: path,
                    timeoutSeconds: Self.writeSeconds)
                rejects = Rejected(
                    rows: Int64(rejected), object: try await platform.objects.put(file: path, move: true))
            }
            let object = try await platform.objects.put(file: path, move: true)
            var details: [String: JSONValue] = [
                "events": ["first": .int(batch.first), "last": .int(batch.last)],
                "received": [
                    "from": JSONValue(batch.received.lowerBound), "to": JSONValue(batch.received.upperBound),
                ],
            ]
            if let rejects {
                details["rejected"] = rejects.json
            }
            let landing = Landing(
                dataset: stream.dataset, project: dataset.project, branch: stream.branch,
                part: .init(object: object, table: written), fits: base?.columns,
                recipe: Recipe(kind: "events", inputs: [label], details: .object(details)), parents: [],
                message: rejected > 0 ? "\(written.rows) events, \(rejected) rejected" : "\(written.rows) events"
            ) { [store, rejects] db, version in
                try store.remove(db, stream.key, through: batch.last, batches: batch.batches)
                try rejects?.keeping(db, version)
            }
            if let landed = try await land(landing, as: principal) { return landed.version }
        }
        throw SlipwayError(.conflict, "The columns of \(stream.dataset) change too fast; the events wait.")
    }

    /// The columns that the events are written with: those that the branch has, and new ones if the stream takes them on.
    private func columns(for batch: EventFile, _ stream: EventStream, _ base: DatasetVersion?) async throws
        -> [TableColumn]
    {
        if let base, stream.onChange != .evolve { return base.columns }
        let found = try await platform.tables.columns(
            of: TableInput(name: "data", files: [batch.path], labels: ["the events"], format: .json)
        ).map { column in
            switch column.name {
            case PushedEvent.idColumn: TableColumn(name: column.name, type: "VARCHAR")
            case PushedEvent.timeColumn: TableColumn(name: column.name, type: "TIMESTAMP")
            default: column
            }
        }
        guard let base else { return found }
        let known = Set(base.columns.map { $0.name.lowercased() })
        let own: Set<String> = [PushedEvent.idColumn, PushedEvent.timeColumn]
        return base.columns + found.filter { !known.contains($0.name.lowercased()) && !own.contains($0.name) }
    }

    func forgetEventIDsHourly() async throws {
        while !Task.isCancelled {
            do { try await forgetEventIDs() } catch {
                try Task.checkCancellation()
                platform.logger.warning("Old ids of events could not be forgotten.", metadata: ["cause": "\(error)"])
            }
            try await Task.sleep(for: .seconds(3600))
        }
    }

    /// Forgets the ids of events that were received long enough ago.
    func forgetEventIDs() async throws {
        let now = platform.clock.now()
        for key in try await platform.database.read({ [store] in try store.streams($0) }) {
            try await platform.database.write { [store] db in
                guard let stream = try store.stream(db, key) else { return }
                try store.forgetIDs(db, stream, before: now.adding(seconds: -stream.rememberSeconds))
            }
        }
    }
}
