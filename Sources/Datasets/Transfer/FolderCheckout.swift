import Client
import Core
import Objects
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Makes a folder hold the files of a version. What is right already stays; killed and run again, it goes on where it was.
struct FolderCheckout {
    let client: APIClient
    /// `dataset:photos@3`.
    let ref: Ref
    let folder: String
    /// Only files of this folder of the dataset, which becomes the folder; empty for all.
    let prefix: String
    /// Hard links into the client's own cache in place of copies.
    let link: Bool
    /// Overwrites files that were changed by others than a checkout.
    let force: Bool
    let progress: TransferProgress

    struct Outcome {
        let version: JSONValue
        let files: Int
        let bytes: Int64
        let written: Int
        let writtenBytes: Int64
        let removed: Int
        let copied: Int
    }

    struct Wanted: Sendable {
        let path: RelativePath
        /// In the dataset.
        let full: String
        let digest: Digest
        let sizeBytes: Int64
    }

    private static let pool = BlockingPool(name: "checkout", threads: 4)

    func run() async throws -> Outcome {
        let version = try await client.get(try Place(ref.description).path)
        guard let number = version["version"]?.intValue else { throw SlipwayError.notFound(ref) }
        let source = CheckoutSource(
            client: client, path: "/api/v1/datasets/\(percentEncode(ref.name))/versions/\(number)")
        let wanted = try await source.files(prefix: prefix)
        let target = try LocalTarget(try Self.absolute(folder))
        let root = try LocalFolder.absolute(target.root)
        if target.wasLeft { try target.sweep() }
        if target.takesNamesForOne, let pair = Self.alike(wanted) {
            target.finish()
            throw SlipwayError(
                .conflict,
                "The disk of \(folder) takes '\(pair.0)' and '\(pair.1)' for one file (upper and lower case, or accents), so one would be lost. Check out to a disk that tells them apart, or a part of the dataset with --at.",
                details: ["paths": pair.0 + "\n" + pair.1])
        }
        let indexPath = StatIndex.path(of: root, server: client.url, dataset: ref.name, prefix: prefix)
        let index = StatIndex(reading: indexPath)
        let plan = try await plan(wanted, root, index)
        guard force || plan.changed.isEmpty else {
            throw SlipwayError(
                .conflict,
                "In \(folder) \(plan.changed.count == 1 ? "1 file is" : "\(plan.changed.count) files are") not what was checked out, such as \(plan.changed[0]). Add them first ('slipway data add'), or give --force to overwrite them.",
                details: ["paths": plan.changed.prefix(20).joined(separator: "\n")])
        }
        let bytes = plan.missing.reduce(0) { $0 + $1.sizeBytes }
        let needed = LocalTarget.blocks(plan.missing.lazy.map(\.sizeBytes), at: root)
        if let free = LocalTarget.freeBytes(root), needed > free {
            throw LocalTarget.full(root, needed: needed, free: free)
        }
        progress.expect(files: plan.missing.count, bytes: bytes)
        for path in plan.gone { target.remove(path) }
        let taken = StatIndex.now()
        let record = CheckoutRecord(path: indexPath, base: index.base, entries: plan.kept, taken: taken)
        let copied = try await fetch(plan.missing, source, target, root, record)
        let base = StatIndex.Base(
            server: client.url, dataset: ref.name, branch: version["branch"]?.stringValue ?? Dataset.mainBranch,
            prefix: prefix, version: Int(number), digest: version["digest"]?.stringValue ?? "")
        // Stamps of files that were written a moment ago are in doubt until the clock has moved on.
        try? record.finish(base)
        target.finish()
        return Outcome(
            version: version, files: wanted.count, bytes: wanted.reduce(0) { $0 + $1.sizeBytes },
            written: plan.missing.count, writtenBytes: bytes, removed: plan.gone.count, copied: copied)
    }

    /// Two of the paths that differ only in case or in how their accents are written.
    static func alike(_ wanted: [Wanted]) -> (String, String)? {
        // Swift's strings are equal however their accents are written.
        var seen: [String: String] = [:]
        for file in wanted {
            let name = file.path.description
            if let other = seen.updateValue(name, forKey: name.lowercased()) { return (other, name) }
        }
        return nil
    }

    private static func absolute(_ path: String) throws -> String {
        if path.hasPrefix("/") { return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path }
        return try LocalFolder.absolute(".") + "/" + (path.hasSuffix("/") ? String(path.dropLast()) : path)
    }

    // MARK: Plan

    private struct Plan: Sendable {
        /// Right already.
        var kept: [StatIndex.Entry] = []
        var missing: [Wanted] = []
        /// There with another content that nobody checked out.
        var changed: [String] = []
        /// Of an earlier checkout, unchanged, and not in this version.
        var gone: [RelativePath] = []
    }

    private func plan(_ wanted: [Wanted], _ root: String, _ index: StatIndex) async throws -> Plan {
        let isSame =
            index.base?.isOf(client.url, ref.name, prefix) ?? false
        return try await Self.pool.run { cancellation in
            var plan = Plan()
            var known = Dictionary(index.entries.map { (PathKey($0.path), $0) }) { $1 }
            for file in wanted {
                try cancellation.check()
                let name = file.path.description
                let path = root + "/" + name
                let entry = known.removeValue(forKey: PathKey(name))
                guard let stamp = FileStamp(path) else {
                    var status = stat()
                    if lstat(path, &status) == 0 { plan.changed.append(name) }
                    plan.missing.append(file)
                    continue
                }
                let isKnown = entry.map { index.holds($0, for: stamp) } ?? false
                let digest: Digest? =
                    if let entry, isKnown {
                        entry.digest
                    } else if stamp.sizeBytes == file.sizeBytes {
                        try LocalFile.hash(path).digest
                    } else { nil }
                if digest == file.digest {
                    plan.kept.append(StatIndex.Entry(path: name, stamp: stamp, digest: file.digest, chunks: nil))
                } else {
                    // Slipway's own table about the files is never somebody's work.
                    if !(isKnown && isSame) && !FilesTree.isReserved(name) { plan.changed.append(name) }
                    plan.missing.append(file)
                }
            }
            if prefix.isEmpty, !wanted.contains(where: { $0.full == FilesTree.metadata }),
                FileStamp(root + "/" + FilesTree.metadata) != nil
            {
                plan.gone.append(FilesTree.metadataPath)
            }
            for entry in known.values where isSame && !FilesTree.isReserved(entry.path) {
                let path = root + "/" + entry.path
                if let stamp = FileStamp(path), index.holds(entry, for: stamp) {
                    plan.gone.append(try RelativePath(parsing: entry.path))
                }
            }
            return plan
        }
    }

    // MARK: Fetch

    private static let batchBytes: Int64 = 4 << 20
    private static let batchFiles = 2000
    private static let largeBytes: Int64 = 4 << 20
    private static let atOnce = 4

    /// - Returns: how many files could not be linked and were copied.
    private func fetch(
        _ files: [Wanted], _ source: CheckoutSource, _ target: LocalTarget, _ root: String, _ record: CheckoutRecord
    ) async throws -> Int {
        var batches: [[Wanted]] = []
        var (batch, bytes): ([Wanted], Int64) = ([], 0)
        for file in files where file.sizeBytes <= Self.largeBytes {
            if !batch.isEmpty, bytes + file.sizeBytes > Self.batchBytes || batch.count >= Self.batchFiles {
                batches.append(batch)
                (batch, bytes) = ([], 0)
            }
            batch.append(file)
            bytes += file.sizeBytes
        }
        if !batch.isEmpty { batches.append(batch) }
        for file in files where file.sizeBytes > Self.largeBytes { batches.append([file]) }
        let cache = link ? try LinkCache() : nil
        let (path, progress) = (target.root, progress)
        return try await withThrowingTaskGroup(of: Int.self) { group in
            var copied = 0
            for (index, batch) in batches.enumerated() {
                if index >= Self.atOnce { copied += try await group.next() ?? 0 }
                group.addTask {
                    let writer = CheckoutWriter(source: source, root: path, cache: cache, progress: progress)
                    let (entries, copies) = try await writer.fetch(batch, on: Self.pool)
                    record.add(entries)
                    return copies
                }
            }
            for try await copies in group { copied += copies }
            return copied
        }
    }
}

/// What was put into a folder so far, for the index; written now and then, so that a killed checkout goes on quickly.
final class CheckoutRecord: Sendable {
    private struct State {
        var base: StatIndex.Base?
        var entries: [StatIndex.Entry]
        var written = Clock.monotonicNanoseconds()
    }

    private let path: String
    private let taken: Int64
    private let state: Mutex<State>

    init(path: String, base: StatIndex.Base?, entries: [StatIndex.Entry], taken: Int64) {
        self.path = path
        self.taken = taken
        state = Mutex(State(base: base, entries: entries))
    }

    func add(_ entries: [StatIndex.Entry]) {
        let due: State? = state.withLock { state in
            state.entries += entries
            guard Clock.monotonicNanoseconds() - state.written > 3_000_000_000 else { return nil }
            state.written = Clock.monotonicNanoseconds()
            return state
        }
        if let due { try? write(due, base: due.base) }
    }

    func finish(_ base: StatIndex.Base) throws { try write(state.withLock { $0 }, base: base) }

    private func write(_ state: State, base: StatIndex.Base?) throws {
        let sorted = state.entries.sorted { TreeChanges.isBefore($0.path, $1.path) }
        // The files were written by this program under names that it chose: nobody else changed them meanwhile.
        try StatIndex(base: base, entries: sorted, takenNanoseconds: StatIndex.now() + 1_000_000_000).write(to: path)
    }
}
