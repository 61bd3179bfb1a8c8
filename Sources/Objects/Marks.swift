import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// That an object is used, and by whom.
struct Mark: Hashable, Comparable {
    let digest: Digest
    let sizeBytes: Int64
    /// Whose it is; `Mark.live` if something holds it.
    let group: UInt32

    static let live = UInt32.max
    static let encodedBytes = 48

    static func < (a: Mark, b: Mark) -> Bool { a.digest == b.digest ? a.group < b.group : a.digest < b.digest }
}

/// Marks in any number, in constant memory: they are sorted in runs in temporary files, and read in the order of their
/// digests. Blocking, and for one thread at a time, which is why it may be unchecked.
final class Marks: @unchecked Sendable {
    private let folder: String
    private let runMarks: Int
    private var buffer: [Mark] = []
    private var runs: [Run] = []
    private var heads: [Mark?] = []

    /// - Parameter runMarks: how many are sorted in memory at once, 48 bytes each.
    init(folder: String, runMarks: Int = 1 << 19) {
        self.folder = folder
        self.runMarks = runMarks
    }

    func add(_ mark: Mark) throws {
        buffer.append(mark)
        if buffer.count >= runMarks { try flush() }
    }

    private func flush() throws {
        guard !buffer.isEmpty else { return }
        buffer.sort()
        runs.append(try Run(buffer, in: folder))
        buffer.removeAll(keepingCapacity: true)
    }

    /// Begins to read; nothing may be added from here on.
    func begin() throws {
        try flush()
        buffer = []
        heads = try runs.map { try $0.next() }
    }

    /// The next digest in order with its marks, each group once; nil at the end.
    func next() throws -> [Mark]? {
        guard let least = heads.lazy.compactMap({ $0?.digest }).min() else { return nil }
        var found: Set<Mark> = []
        for at in heads.indices {
            while let mark = heads[at], mark.digest == least {
                found.insert(mark)
                heads[at] = try runs[at].next()
            }
        }
        return found.sorted()
    }

    /// The marks of this digest. Digests must be asked for in order.
    func find(_ digest: Digest) throws -> [Mark] {
        while let least = heads.lazy.compactMap({ $0?.digest }).min(), least <= digest {
            guard let marks = try next() else { break }
            if least == digest { return marks }
        }
        return []
    }

    /// A file of sorted marks. It has no name, so that nothing of it remains, whatever happens.
    private final class Run {
        private let path: String
        private let file: Int32
        private var block: [UInt8] = []
        private var at = 0
        private var offset: Int64 = 0
        private static let blockBytes = Mark.encodedBytes << 10

        init(_ marks: [Mark], in folder: String) throws {
            path = "\(folder)/\(ID.make()).part"
            file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 else { throw Files.failure("made", path) }
            unlink(path)
            var out: [UInt8] = []
            out.reserveCapacity(Self.blockBytes)
            for (index, mark) in marks.enumerated() where index == 0 || mark != marks[index - 1] {
                mark.digest.withBytes { out.append(contentsOf: $0) }
                withUnsafeBytes(of: (mark.sizeBytes, UInt64(mark.group))) { out.append(contentsOf: $0) }
                if out.count >= Self.blockBytes { try flush(&out) }
            }
            try flush(&out)
        }

        deinit { if file >= 0 { close(file) } }

        private func flush(_ out: inout [UInt8]) throws {
            try out.withUnsafeBytes { try Files.writeAll(file, path, $0) }
            out.removeAll(keepingCapacity: true)
        }

        func next() throws -> Mark? {
            if at == block.count {
                block = try Files.read(file, path, offset: offset, count: Self.blockBytes)
                offset += Int64(block.count)
                at = 0
                if block.isEmpty { return nil }
            }
            defer { at += Mark.encodedBytes }
            return block[at..<at + Mark.encodedBytes].withUnsafeBytes { bytes in
                Mark(
                    digest: Digest(bytes: UnsafeRawBufferPointer(rebasing: bytes[..<32])),
                    sizeBytes: bytes.loadUnaligned(fromByteOffset: 32, as: Int64.self),
                    group: UInt32(truncatingIfNeeded: bytes.loadUnaligned(fromByteOffset: 40, as: UInt64.self)))
            }
        }
    }
}

/// Marks all that trees lead to: their nodes, files, chunk lists and chunks.
struct TreeMarker {
    private let tree: ObjectTree
    private let marks: Marks
    private let pool: BlockingPool
    /// Nodes and chunk lists whose objects are marked as live. When there are too many, some are read again.
    private var seen: Set<Digest> = []
    private let seenMaximum: Int

    init(_ store: ObjectStore, marks: Marks, seenMaximum: Int = 1 << 19) {
        tree = ObjectTree(store)
        pool = store.pool
        self.marks = marks
        self.seenMaximum = seenMaximum
    }

    /// - Parameter group: whose the tree was; nil if it is live. Live trees come first: what they share need not be looked
    ///   at again.
    mutating func mark(_ root: Digest, group: UInt32?) async throws {
        var stack = [root]
        // A tree that nobody holds is only looked at; its nodes must not hide those of others.
        var visited: Set<Digest> = []
        while let digest = stack.popLast() {
            try Task.checkCancellation()
            guard !seen.contains(digest), visited.insert(digest).inserted else { continue }
            if group == nil { remember(digest) }
            let node: TreeNode
            do {
                node = try await tree.node(digest)
            } catch let error as SlipwayError where group != nil && error.code == .notFound {
                continue  // collected already
            }
            var found = [Mark(digest: digest, sizeBytes: Int64(node.encodedBytes), group: group ?? Mark.live)]
            for item in node.items {
                if node.level > 0 {
                    stack.append(item.digest)
                } else if let list = item.chunks {
                    found += try await chunks(list, group: group)
                } else {
                    found.append(Mark(digest: item.digest, sizeBytes: item.bytes, group: group ?? Mark.live))
                }
            }
            let (all, marks) = (found, marks)
            try await pool.run { _ in for mark in all { try marks.add(mark) } }
            if visited.count > seenMaximum { visited.removeAll() }
        }
    }

    private mutating func chunks(_ digest: Digest, group: UInt32?) async throws -> [Mark] {
        guard !seen.contains(digest) else { return [] }
        if group == nil { remember(digest) }
        do {
            let bytes = try await tree.store.read(digest)
            let list = try ChunkList(decoding: bytes)
            return [Mark(digest: digest, sizeBytes: Int64(bytes.count), group: group ?? Mark.live)]
                + list.chunks.map { Mark(digest: $0.digest, sizeBytes: $0.sizeBytes, group: group ?? Mark.live) }
        } catch let error as SlipwayError where group != nil && error.code == .notFound {
            return []
        }
    }

    private mutating func remember(_ digest: Digest) {
        if seen.count >= seenMaximum { seen.removeAll() }
        seen.insert(digest)
    }
}
