import Core

/// What a garbage collection found and, unless it was a dry run, removed.
public struct GarbageReport: Hashable, Sendable, Codable {
    public let isDryRun: Bool
    public var examined = 0
    public var examinedBytes: Int64 = 0
    /// Objects that nothing refers to and that were removed (in a dry run: would be).
    public var removed = 0
    public var removedBytes: Int64 = 0
    /// Objects younger than the grace period, live or not.
    public var young = 0
    public var youngBytes: Int64 = 0
    /// Remains of uploads that never ended.
    public var leftovers = 0
    public var leftoverBytes: Int64 = 0
    /// Of what was removed: what released trees held, by whose they were, such as `dataset:photos`.
    public var owners: [GarbageOwner] = []

    public init(isDryRun: Bool) { self.isDryRun = isDryRun }
}

/// What is freed of somebody's.
public struct GarbageOwner: Hashable, Sendable, Codable {
    /// A ref without selector.
    public let owner: String
    public var objects = 0
    public var bytes: Int64 = 0

    public init(owner: String, objects: Int = 0, bytes: Int64 = 0) {
        self.owner = owner
        self.objects = objects
        self.bytes = bytes
    }
}

extension ObjectStore {
    /// Removes the objects that nothing refers to (mark and sweep). Safe beside puts, reads and other collections: an
    /// object goes only if it was neither put nor touched for `graceSeconds`, is not live, and is still as old at the
    /// moment of its removal. If `isLive` throws, nothing more is removed.
    ///
    /// - Parameters:
    ///   - graceSeconds: longer than any time between a put and the commit of the manifest that refers to it.
    ///   - isLive: which of these digests something refers to; asked about some thousand at a time, in order.
    ///   - noteDead: told which go, in order.
    func collectGarbage(
        graceSeconds: Double = 24 * 3600, dryRun: Bool, now: Timestamp = Clock.system.now(),
        isLive: @Sendable ([Digest]) async throws -> Set<Digest>,
        noteDead: ([ObjectInfo]) async throws -> Void = { _ in }
    ) async throws -> GarbageReport {
        guard graceSeconds >= 0 else {
            throw SlipwayError.field("graceSeconds", "is negative", expected: "0 or more; a day is usual")
        }
        // What is put from here on is younger than this, whatever `isLive` says later.
        let cutoff = now.adding(seconds: -graceSeconds)
        var report = GarbageReport(isDryRun: dryRun)
        var last: Digest?
        while true {
            try Task.checkCancellation()
            let page = try await backend.list(after: last, limit: 1000)
            guard let end = page.last else { break }
            last = end.info.digest
            report.examined += page.count
            report.examinedBytes += page.reduce(0) { $0 + $1.info.sizeBytes }
            let (old, young) = (page.filter { $0.touched < cutoff }, page.filter { $0.touched >= cutoff })
            report.young += young.count
            report.youngBytes += young.reduce(0) { $0 + $1.info.sizeBytes }
            guard !old.isEmpty else { continue }
            let live = try await isLive(old.map(\.info.digest))
            let dead = old.filter { !live.contains($0.info.digest) }
            let isGone =
                try dryRun || dead.isEmpty
                ? [Bool](repeating: true, count: dead.count)
                : await backend.delete(dead.map(\.info.digest), untouchedSince: cutoff)
            let removed = zip(dead, isGone).compactMap { $1 ? $0 : nil }
            report.removed += removed.count
            report.removedBytes += removed.reduce(0) { $0 + $1.info.sizeBytes }
            try await noteDead(removed.map(\.info).sorted { $0.digest < $1.digest })
        }
        let leftovers = try await backend.removeLeftovers(before: cutoff, dryRun: dryRun)
        report.leftovers = leftovers.count
        report.leftoverBytes = leftovers.bytes
        return report
    }
}
