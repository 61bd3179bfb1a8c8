import Core
import Database
import Platform
import Synchronization
import Tables

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Brings rows from the database to where the table engine reads them: Parquet files, a table and a project each, made
/// when a query needs them and kept until the database has changed (decision 0029).
final class Snapshots: Sendable {
    private struct Key: Hashable {
        let table: String
        let project: String
    }

    private let database: Database
    let folder: String
    private let parent: String
    private let maximumBytes: Int64
    private let known = Mutex<[Key: Snapshot]>([:])
    private let empty = Mutex<[String: SnapshotFile]>([:])
    private let turn = Turn()

    /// - Parameter maximumBytes: what the files of one query may have, and those that are kept.
    init(_ platform: Platform, maximumBytes: Int64 = 8 << 30) {
        database = platform.database
        parent = platform.dataDirectory + "/tmp"
        folder = parent + "/sql"
        self.maximumBytes = maximumBytes
    }

    /// Removes what an earlier server left.
    func prepare() throws {
        for path in [parent, folder] {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
                throw SlipwayError(
                    .unavailable, "The folder \(path) cannot be made: \(String(cString: strerror(errno))).")
            }
        }
        guard let listing = opendir(folder) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasSuffix(".parquet") { unlink("\(folder)/\(name)") }
        }
    }

    /// A file of the table without rows.
    func emptyFile(of table: SQLTable) throws -> SnapshotFile {
        if let file = empty.withLock({ $0[table.name] }) { return file }
        let file = try SnapshotFile.make(in: folder, table) { _ in }
        empty.withLock { $0[table.name] = file }
        return file
    }

    /// The rows of tables in projects, all as of one moment: with every write that was acknowledged before the call.
    ///
    /// - Throws: `tooLarge` when the rows need more than `maximumBytes`.
    func files(_ wanted: [(table: SQLTable, projects: [String])]) async throws -> [String: [SnapshotFile]] {
        // One at a time: whoever waits finds most of what it needs.
        try await turn.take { try await self.refreshed(wanted) }
    }

    private func refreshed(_ wanted: [(table: SQLTable, projects: [String])]) async throws -> [String: [SnapshotFile]] {
        let before = known.withLock { $0 }
        // Counted before the rows are read, so that they are at least as new.
        let commits = String(database.commits.total)
        let now = try await database.read { [self] db -> [Key: Snapshot] in
            // On PostgreSQL other servers write, too.
            let state =
                db.dialect == .sqlite
                ? commits : try db.one("SELECT CAST(pg_current_snapshot() AS TEXT)") { try $0.text(0) } ?? ID.make()
            var found: [Key: Snapshot] = [:]
            var left = maximumBytes
            for (table, projects) in wanted {
                for project in projects {
                    let key = Key(table: table.name, project: project)
                    let snapshot: Snapshot
                    if let known = before[key], known.state == state {
                        snapshot = known
                    } else {
                        let segments = try segments(db, table, project, known: before[key]?.segments ?? [], left)
                        snapshot = Snapshot(state: state, segments: segments)
                    }
                    left -= snapshot.files.reduce(0) { $0 + $1.sizeBytes }
                    guard left > 0 else { throw tooLarge() }
                    found[key] = snapshot
                }
            }
            return found
        }
        known.withLock { known in
            known.merge(now) { _, new in new }
            let size = known.values.reduce(0) { $0 + $1.files.reduce(0) { $0 + $1.sizeBytes } }
            if size > maximumBytes { known = now }
        }
        return Dictionary(
            wanted.map { table, projects in
                (table.name, projects.flatMap { now[Key(table: table.name, project: $0)]?.files ?? [] })
            }
        ) { first, _ in first }
    }

    private func segments(
        _ db: any Transaction, _ table: SQLTable, _ project: String, known: [Snapshot.Segment], _ left: Int64
    ) throws -> [Snapshot.Segment] {
        switch table.rows {
        case .whole(let fill):
            let file = try SnapshotFile.make(in: folder, table) { try fill(db, project, $0) }
            return [Snapshot.Segment(parts: [], file: file)]
        case .parts(let list, let fill):
            let parts = try list(db, project)
            var segments = Snapshot.standing(known, Set(parts))
            let have = Set(segments.flatMap(\.parts))
            let missing = parts.filter { !have.contains($0) }
            var left = left
            // Those that still change are kept apart, so that the others need not be written again.
            for part in [missing.filter(\.isSettled), missing.filter { !$0.isSettled }] {
                var rest = part[...]
                while !rest.isEmpty {
                    var taken: [SQLTable.Part] = []
                    let file = try SnapshotFile.make(in: folder, table) { writer in
                        while !rest.isEmpty, writer.rows < Snapshot.segmentRows {
                            let some = Array(rest.prefix(Self.group))
                            try fill(db, some, writer)
                            taken += some
                            rest = rest.dropFirst(some.count)
                            guard writer.sizeBytes < left else { throw tooLarge() }
                        }
                    }
                    left -= file.sizeBytes
                    segments.append(Snapshot.Segment(parts: taken, file: file))
                }
            }
            return segments
        }
    }

    /// Parts that are read together.
    private static let group = 512

    private func tooLarge() -> SlipwayError {
        SlipwayError(
            .tooLarge,
            "The rows of these tables need more than \(maximumBytes >> 20) MiB. Ask for one project (--project, ?project=) or for fewer tables.",
            details: ["maximumBytes": "\(maximumBytes)"])
    }
}

/// Lets one in at a time, in the order in which they come.
private final class Turn: Sendable {
    private let state = Mutex<(isTaken: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

    func take<T>(_ body: () async throws -> T) async throws -> T {
        await withCheckedContinuation { continuation in
            let isMine = state.withLock { state in
                if state.isTaken {
                    state.waiters.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isMine { continuation.resume() }
        }
        defer {
            let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
                if state.waiters.isEmpty {
                    state.isTaken = false
                    return nil
                }
                return state.waiters.removeFirst()
            }
            next?.resume()
        }
        return try await body()
    }
}
