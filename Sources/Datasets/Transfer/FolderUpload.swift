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

/// Reads and hashes files of a folder and sends the server what it lacks: some batches at a time, in memory that does not
/// grow with the folder.
struct FolderUpload: Sendable {
    let folder: String
    let sender: ObjectSender
    let progress: TransferProgress
    /// Where what was hashed so far is kept in case the client is killed.
    let checkpoint: String

    private static let pool = BlockingPool(name: "upload", threads: 4)
    private static let batchBytes: Int64 = 4 << 20
    private static let batchFiles = 2500
    /// The first batches are smaller, so that the server has something to do while the client reads on.
    private static let firstBatchFiles = 500
    private static let batchesAtOnce = 3
    private static let checkpointNanoseconds: UInt64 = 3_000_000_000

    /// The files' content, in their order; the server has all of it.
    func run(_ files: [FolderFile], taken: Int64) async throws -> [StatIndex.Entry] {
        let saved = Checkpoint(path: checkpoint, taken: taken)
        let habit = Habit()
        let (large, small) = (
            files.filter { $0.stamp.sizeBytes >= ChunkedFile.thresholdBytes },
            files.filter { $0.stamp.sizeBytes < ChunkedFile.thresholdBytes }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, batch) in Self.batches(small).enumerated() {
                if index >= Self.batchesAtOnce { try await group.next() }
                group.addTask { saved.add(try await send(batch, habit)) }
            }
            try await group.waitForAll()
        }
        for file in large { saved.add([try await sendChunked(file)]) }
        return saved.entries
    }

    private static func batches(_ files: [FolderFile]) -> [ArraySlice<FolderFile>] {
        var batches: [ArraySlice<FolderFile>] = []
        var (start, bytes) = (0, Int64(0))
        for (index, file) in files.enumerated() {
            let most = min(batchFiles, firstBatchFiles << min(batches.count, 8))
            let isFull = bytes + file.stamp.sizeBytes > batchBytes || index - start >= most
            if index > start, isFull {
                batches.append(files[start..<index])
                (start, bytes) = (index, 0)
            }
            bytes += file.stamp.sizeBytes
        }
        if start < files.count { batches.append(files[start...]) }
        return batches
    }

    private func send(_ files: ArraySlice<FolderFile>, _ habit: Habit) async throws -> [StatIndex.Entry] {
        let folder = folder
        let (frames, digests) = try await Self.pool.run { cancellation in
            try Self.read(files, in: folder, cancellation)
        }
        if !habit.asks(of: digests.count, bytes: frames.count) {
            try await sender.send(frames)
        } else {
            let missing = try await sender.missing(digests)
            habit.learn(missing.count == digests.count)
            if missing.count == digests.count {
                try await sender.send(frames)
            } else if !missing.isEmpty {
                try await sender.send(Self.only(missing, of: frames))
            }
        }
        progress.done(files: files.count, bytes: files.reduce(0) { $0 + $1.stamp.sizeBytes })
        return zip(files, digests).map { StatIndex.Entry(path: $0.path, stamp: $0.stamp, digest: $1, chunks: nil) }
    }

    /// Reads files straight into frames and hashes them there, so that their bytes are not copied.
    private static func read(
        _ files: ArraySlice<FolderFile>, in folder: String, _ cancellation: Cancellation
    ) throws -> ([UInt8], [Digest]) {
        let size = files.reduce(0) { $0 + Int($1.stamp.sizeBytes) + ObjectFrames.headerBytes }
        var digests: [Digest] = []
        digests.reserveCapacity(files.count)
        let frames = try [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
            let all = UnsafeMutableRawBufferPointer(buffer)
            for file in files {
                try cancellation.check()
                let start = filled + ObjectFrames.headerBytes
                let count = Int(file.stamp.sizeBytes)
                let content = UnsafeMutableRawBufferPointer(rebasing: all[start..<(start + count)])
                try read(folder + "/" + file.path, file.stamp, into: content)
                try requireReasonableImage(content, name: folder + "/" + file.path)
                let digest = Digest.of(UnsafeRawBufferPointer(content))
                digest.withBytes {
                    UnsafeMutableRawBufferPointer(rebasing: all[filled..<(filled + Digest.byteCount)]).copyMemory(
                        from: $0)
                }
                all.storeBytes(
                    of: UInt64(count).littleEndian, toByteOffset: filled + Digest.byteCount, as: UInt64.self)
                digests.append(digest)
                filled = start + count
            }
        }
        return (frames, digests)
    }

    private static func read(_ path: String, _ stamp: FileStamp, into target: UnsafeMutableRawBufferPointer) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw LocalFolder.failure("read", path) }
        defer { close(descriptor) }
        var filled = 0
        while filled < target.count, let base = target.baseAddress {
            let count = Glibc.read(descriptor, base + filled, target.count - filled)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw LocalFolder.failure("read", path) }
            if count == 0 { break }
            filled += count
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, filled == target.count, FileStamp(status) == stamp else {
            throw SlipwayError(.conflict, "\(path) changed while it was read. Add it when nobody writes it any more.")
        }
    }

    /// The frames of some digests, each once.
    private static func only(_ wanted: Set<Digest>, of frames: [UInt8]) throws -> [UInt8] {
        var out: [UInt8] = []
        var left = wanted
        var parser = ObjectFrameParser()
        try parser.feed(frames) { digest, bytes in
            if left.remove(digest) != nil { ObjectFrames.append(bytes, digest: digest, to: &out) }
        }
        return out
    }

    private func sendChunked(_ file: FolderFile) async throws -> StatIndex.Entry {
        let path = folder + "/" + file.path
        try await Self.pool.run { _ in
            try requireReasonableImage(FileBytes.start(path, ImageHeader.bytesNeeded), name: path)
        }
        let list = try await ChunkList.scan(file: path) { chunks in
            try await sender.sendMissing(chunks.map { ($0.object.digest, $0.bytes) })
            progress.done(files: 0, bytes: chunks.reduce(0) { $0 + $1.object.sizeBytes })
        }
        guard list.object.sizeBytes == file.stamp.sizeBytes, FileStamp(path) == file.stamp else {
            throw SlipwayError(.conflict, "\(path) changed while it was read. Add it when nobody writes it any more.")
        }
        let encoded = list.encoded
        let digest = Digest.of(encoded)
        try await sender.sendMissing([(digest, encoded)])
        progress.done(files: 1, bytes: 0)
        return StatIndex.Entry(path: file.path, stamp: file.stamp, digest: list.object.digest, chunks: digest)
    }

    /// Whether to ask what is missing. Of many small files the question costs as much as the answer spares, so where the
    /// server lacked all it is asked of every fourth batch only.
    private final class Habit: Sendable {
        private let state = Mutex<(lacksAll: Bool, count: Int)>((false, 0))

        func asks(of count: Int, bytes: Int) -> Bool {
            state.withLock { state in
                state.count += 1
                return !state.lacksAll || state.count % 4 == 0 || bytes / max(1, count) > 16 << 10
            }
        }

        func learn(_ lacksAll: Bool) { state.withLock { $0.lacksAll = lacksAll } }
    }

    /// What was done so far, written now and then.
    private final class Checkpoint: Sendable {
        private let path: String
        private let taken: Int64
        private let state = Mutex<(entries: [StatIndex.Entry], written: UInt64)>(([], Clock.monotonicNanoseconds()))

        init(path: String, taken: Int64) {
            self.path = path
            self.taken = taken
        }

        var entries: [StatIndex.Entry] { state.withLock { Self.sorted($0.entries) } }

        func add(_ more: [StatIndex.Entry]) {
            let due: [StatIndex.Entry]? = state.withLock { state in
                state.entries += more
                let now = Clock.monotonicNanoseconds()
                guard now - state.written > FolderUpload.checkpointNanoseconds else { return nil }
                state.written = now
                return state.entries
            }
            // Best effort: without it the next try only reads the files again.
            if let due { try? StatIndex(entries: Self.sorted(due), takenNanoseconds: taken).write(to: path) }
        }

        private static func sorted(_ entries: [StatIndex.Entry]) -> [StatIndex.Entry] {
            entries.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        }
    }
}
