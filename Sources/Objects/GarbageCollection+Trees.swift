import Core
import Database
import Transport

extension ObjectStore {
    /// Removes what neither a manifest nor a held tree of this database leads to; see `collectGarbage(…isLive:)` for what
    /// is safe beside it. Trees are marked first, in constant memory: what they lead to goes sorted into temporary files.
    ///
    /// - Parameter dryRun: removes nothing, and says what would go and whose it was.
    /// - Throws: if the database or a node of a held tree cannot be read, in which case nothing more is removed.
    public func collectGarbage(
        in database: Database, graceSeconds: Double = 24 * 3600, dryRun: Bool, now: Timestamp = Clock.system.now()
    ) async throws -> GarbageReport {
        let (marks, groups) = try await mark(database, releasing: [])
        let (live, dead) = (MarkReader(marks, pool), Tally(groups))
        var report = try await collectGarbage(graceSeconds: graceSeconds, dryRun: dryRun, now: now) { digests in
            let held = try await database.read { try Manifests.live($0, among: digests) }
            return held.union(try await live.held(among: digests))
        } noteDead: {
            dead.add($0, live)
        }
        report.owners = dead.owners
        let cutoff = now.adding(seconds: -graceSeconds)
        if !dryRun { try await database.write { try TreeRoots.forget($0, releasedBefore: cutoff) } }
        return report
    }

    /// What a collection after the grace period would free if these owners released their trees now, besides what others
    /// released before. Reads all held trees, and none of the files.
    public func preview(releasing owners: Set<Ref>, in database: Database) async throws -> GarbageOwner {
        let (marks, groups) = try await mark(database, releasing: owners)
        var total = GarbageOwner(owner: owners.map(Self.group).min() ?? "")
        let asked = UInt32(groups.count)
        while true {
            let some = try await pool.run { cancellation in
                var some: [Mark] = []
                while some.count < 1000, let next = try marks.next() {
                    try cancellation.check()
                    if next.last?.group != Mark.live, let mark = next.first(where: { $0.group == asked }) {
                        some.append(mark)
                    }
                }
                return some
            }
            if some.isEmpty { return total }
            let held = try await database.read { try Manifests.live($0, among: some.map(\.digest)) }
            for mark in some where !held.contains(mark.digest) {
                total.objects += 1
                total.bytes += mark.sizeBytes
            }
        }
    }

    private static func group(_ owner: Ref) -> String { Ref(owner.kind, owner.name).description }

    /// Marks all trees; gives the names of the groups of those that are released. Those of `owners` are a group of their own,
    /// behind the others.
    private func mark(_ database: Database, releasing owners: Set<Ref>) async throws -> (Marks, [String]) {
        let marks = Marks(folder: backend.traits.stagingFolder)
        var marker = TreeMarker(self, marks: marks)
        var last: HeldTree?
        var released: [HeldTree] = []
        while true {
            let page = try await database.read { [last] in try TreeRoots.all($0, after: last, limit: 1000) }
            guard let end = page.last else { break }
            last = end
            for held in page {
                if held.isReleased || owners.contains(held.owner) {
                    released.append(held)
                } else {
                    try await marker.mark(held.root.digest, group: nil)
                }
            }
        }
        let groups = Set(released.filter(\.isReleased).map { Self.group($0.owner) }).sorted()
        for held in released {
            let group = held.isReleased ? groups.firstIndex(of: Self.group(held.owner)) ?? 0 : groups.count
            try await marker.mark(held.root.digest, group: UInt32(group))
        }
        try await pool.run { _ in try marks.begin() }
        return (marks, groups)
    }
}

/// Reads marks beside a collection, which asks in the order of digests, one page after the other. Unchecked: the
/// collection never asks twice at once.
private final class MarkReader: @unchecked Sendable {
    private let marks: Marks
    private let pool: BlockingPool
    /// Whose the digests of the last page are that nothing holds.
    private(set) var groups: [Digest: UInt32] = [:]

    init(_ marks: Marks, _ pool: BlockingPool) {
        self.marks = marks
        self.pool = pool
    }

    func held(among digests: [Digest]) async throws -> Set<Digest> {
        let (live, groups) = try await pool.run { [marks] cancellation in
            var (live, groups): (Set<Digest>, [Digest: UInt32]) = ([], [:])
            for digest in digests {
                try cancellation.check()
                let found = try marks.find(digest)
                if found.last?.group == Mark.live { live.insert(digest) } else { groups[digest] = found.first?.group }
            }
            return (live, groups)
        }
        self.groups = groups
        return live
    }
}

/// Adds up whose the removed objects were; what several released trees held counts for the first of them. Unchecked: used
/// by one task at a time.
private final class Tally: @unchecked Sendable {
    private var sums: [GarbageOwner]

    init(_ groups: [String]) { sums = groups.map { GarbageOwner(owner: $0) } }

    func add(_ objects: [ObjectInfo], _ reader: MarkReader) {
        for object in objects {
            guard let group = reader.groups[object.digest].map(Int.init), group < sums.count else { continue }
            sums[group].objects += 1
            sums[group].bytes += object.sizeBytes
        }
    }

    var owners: [GarbageOwner] { sums.filter { $0.objects > 0 } }
}
