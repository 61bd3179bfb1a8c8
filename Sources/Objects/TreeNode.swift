import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Paths in trees are ordered by their bytes. (Swift's own order and equality take different bytes for the same text.)
enum PathOrder {
    /// Below, equal to or above 0, as `a` comes before, with or after `b`.
    static func compare(_ a: String, _ b: String) -> Int {
        withBytes(a) { a in
            withBytes(b) { b in
                let common = min(a.count, b.count)
                if common > 0, let x = a.baseAddress, let y = b.baseAddress {
                    let order = memcmp(x, y, common)
                    if order != 0 { return Int(order) }
                }
                return a.count - b.count
            }
        }
    }

    static func hasPrefix(_ text: String, _ prefix: String) -> Bool {
        text.utf8.count >= prefix.utf8.count && text.utf8.starts(with: prefix.utf8)
    }

    static func withBytes<T>(_ text: String, _ body: (UnsafeBufferPointer<UInt8>) -> T) -> T {
        if let result = text.utf8.withContiguousStorageIfAvailable(body) { return result }
        return Array(text.utf8).withUnsafeBufferPointer(body)
    }
}

/// A file of a leaf, or a node below an inner node.
struct TreeItem: Hashable, Sendable {
    /// The file's path; the last path below the node.
    let key: String
    let digest: Digest
    let files: Int64
    let bytes: Int64
    let chunks: Digest?

    init(_ entry: TreeEntry) {
        key = entry.path
        digest = entry.object.digest
        files = 1
        bytes = entry.object.sizeBytes
        chunks = entry.chunks
    }

    init(key: String, digest: Digest, files: Int64, bytes: Int64, chunks: Digest?) {
        self.key = key
        self.digest = digest
        self.files = files
        self.bytes = bytes
        self.chunks = chunks
    }

    /// For items of leaves.
    var entry: TreeEntry {
        TreeEntry(checked: key, object: ObjectInfo(digest: digest, sizeBytes: bytes), chunks: chunks)
    }
}

/// How big the nodes of trees are. Part of the format: the tests alone use smaller ones.
struct TreeShape: Sendable {
    /// A leaf has about 2^9 files, an inner node about 2^7 nodes.
    var leafBits: UInt64 = 9
    var innerBits: UInt64 = 7
    /// Where a node ends in any case.
    var leafMaximum = 4096
    var innerMaximum = 1024
    /// Bytes of paths in one node.
    var pathBytesMaximum = 1 << 20
}

/// Where nodes end. It follows from the paths alone, so that the same paths are cut the same way whatever the history: a
/// node ends behind a path whose hash has the level's bits zero, or at a limit.
struct TreeBorders {
    private let level: Int
    private let shape: TreeShape
    private var count = 0
    private var pathBytes = 0

    init(level: Int, shape: TreeShape) {
        self.level = level
        self.shape = shape
    }

    /// Takes the next item and says whether the node ends behind it.
    mutating func endsNode(after key: String) -> Bool {
        count += 1
        pathBytes += key.utf8.count
        let isFull =
            count >= (level == 0 ? shape.leafMaximum : shape.innerMaximum) || pathBytes >= shape.pathBytesMaximum
        guard isFull || isBorder(key) else { return false }
        (count, pathBytes) = (0, 0)
        return true
    }

    private func isBorder(_ key: String) -> Bool {
        let hash = Self.hash(key)
        if level == 0 { return hash & (1 << shape.leafBits - 1) == 0 }
        let shift = shape.leafBits + shape.innerBits * UInt64(level - 1)
        return shift < 64 && hash >> shift & (1 << shape.innerBits - 1) == 0
    }

    /// FNV-1a over 64 bits, then the mixing steps of SplitMix64, since FNV's low bits alone are not even enough.
    private static func hash(_ key: String) -> UInt64 {
        PathOrder.withBytes(key) { bytes in
            var hash: UInt64 = 0xcbf2_9ce4_8422_2325
            for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
            hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
            hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
            return hash ^ (hash >> 31)
        }
    }
}

/// A node of a tree: an object that lists files, or nodes with the files below them. docs/objects.md has the format.
final class TreeNode: Sendable {
    let digest: Digest
    /// 0 for a leaf.
    let level: Int
    /// In the order of their keys; empty only in the leaf of an empty tree.
    let items: [TreeItem]
    let encodedBytes: Int

    private static let magic = Array("slipway tree 1\n".utf8)
    /// No tree of less than 2^72 files has more levels.
    private static let levelMaximum: UInt8 = 9
    /// Bounds what is read into memory as one node.
    static let encodedMaximum: Int64 = 4 << 20

    /// Makes a node from items, and the bytes of its object.
    static func encode(level: Int, _ items: [TreeItem]) -> (node: TreeNode, bytes: [UInt8]) {
        var out = magic
        out.reserveCapacity(64 + items.count * 64)
        out.append(UInt8(level))
        Varint.append(UInt64(items.count), to: &out)
        var last = ""
        for item in items {
            let (shared, count) = (sharedBytes(last, item.key), item.key.utf8.count)
            Varint.append(UInt64(shared), to: &out)
            Varint.append(UInt64(count - shared), to: &out)
            PathOrder.withBytes(item.key) { out.append(contentsOf: $0[shared...]) }
            item.digest.withBytes { out.append(contentsOf: $0) }
            Varint.append(UInt64(item.bytes), to: &out)
            if level > 0 {
                Varint.append(UInt64(item.files), to: &out)
            } else {
                out.append(item.chunks == nil ? 0 : 1)
                item.chunks?.withBytes { out.append(contentsOf: $0) }
            }
            last = item.key
        }
        return (TreeNode(digest: Digest.of(out), level: level, items: items, encodedBytes: out.count), out)
    }

    private init(digest: Digest, level: Int, items: [TreeItem], encodedBytes: Int) {
        self.digest = digest
        self.level = level
        self.items = items
        self.encodedBytes = encodedBytes
    }

    /// - Throws: `invalid` for bytes that are no node, or whose keys are not in order.
    convenience init(decoding bytes: [UInt8], digest: Digest) throws {
        func fail(_ problem: String) -> SlipwayError {
            SlipwayError(
                .invalid, "The object \(digest) is no usable node of a tree: \(problem).", ref: Ref(.object, digest.hex)
            )
        }
        guard bytes.count > Self.magic.count, bytes.starts(with: Self.magic),
            bytes[Self.magic.count] <= Self.levelMaximum
        else { throw fail("it does not begin like one") }
        let level = Int(bytes[Self.magic.count])
        var items: [TreeItem] = []
        let isRead = bytes.withUnsafeBytes { raw -> Bool in
            var reader = Varint.Reader(raw, at: Self.magic.count + 1)
            guard let count = reader.number(), count <= UInt64(TreeShape().leafMaximum) else { return false }
            items.reserveCapacity(Int(count))
            var key: [UInt8] = []
            for _ in 0..<count {
                guard let shared = reader.number(), shared <= UInt64(key.count), let added = reader.number(),
                    let suffix = reader.bytes(added)
                else { return false }
                key.removeLast(key.count - Int(shared))
                key.append(contentsOf: suffix)
                guard let text = String(validating: key, as: UTF8.self), let digest = reader.digest(),
                    let bytes = reader.number().flatMap(Int64.init(exactly:))
                else { return false }
                var (files, chunks): (Int64, Digest?) = (1, nil)
                if level > 0 {
                    guard let count = reader.number().flatMap(Int64.init(exactly:)) else { return false }
                    files = count
                } else {
                    guard let flag = reader.number(), flag <= 1 else { return false }
                    if flag == 1 {
                        guard let digest = reader.digest() else { return false }
                        chunks = digest
                    }
                }
                if let last = items.last, PathOrder.compare(last.key, text) >= 0 { return false }
                items.append(TreeItem(key: text, digest: digest, files: files, bytes: bytes, chunks: chunks))
            }
            return reader.isAtEnd && (level == 0 || !items.isEmpty)
        }
        guard isRead else { throw fail("it is cut or out of order") }
        self.init(digest: digest, level: level, items: items, encodedBytes: bytes.count)
    }

    private static func sharedBytes(_ a: String, _ b: String) -> Int {
        PathOrder.withBytes(a) { a in
            PathOrder.withBytes(b) { b in
                var at = 0
                while at < a.count, at < b.count, a[at] == b[at] { at += 1 }
                return at
            }
        }
    }

    /// The first item whose key is not below this one.
    func lowerBound(_ key: String) -> Int {
        var (low, high) = (0, items.count)
        while low < high {
            let middle = (low + high) / 2
            if PathOrder.compare(items[middle].key, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// How the node above refers to this one.
    var item: TreeItem {
        var (files, bytes) = (Int64(0), Int64(0))
        // A tree that came from elsewhere may claim anything; its sums are checked by `ObjectTree.check`.
        for item in items { (files, bytes) = (files &+ item.files, bytes &+ item.bytes) }
        return TreeItem(key: items.last?.key ?? "", digest: digest, files: files, bytes: bytes, chunks: nil)
    }

    var root: TreeRoot {
        let item = item
        return TreeRoot(digest: digest, files: item.files, bytes: item.bytes)
    }
}

/// Numbers in as many bytes as they need (LEB128).
enum Varint {
    static func append(_ number: UInt64, to out: inout [UInt8]) {
        var rest = number
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    struct Reader {
        private let raw: UnsafeRawBufferPointer
        private var at: Int

        init(_ raw: UnsafeRawBufferPointer, at: Int) {
            self.raw = raw
            self.at = at
        }

        var isAtEnd: Bool { at == raw.count }

        mutating func number() -> UInt64? {
            var (value, shift): (UInt64, UInt64) = (0, 0)
            while at < raw.count, shift < 64 {
                let byte = raw[at]
                at += 1
                value |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return value }
                shift += 7
            }
            return nil
        }

        mutating func bytes(_ count: UInt64) -> UnsafeRawBufferPointer? {
            guard count <= UInt64(raw.count - at) else { return nil }
            defer { at += Int(count) }
            return UnsafeRawBufferPointer(rebasing: raw[at..<at + Int(count)])
        }

        mutating func digest() -> Digest? { bytes(32).map { Digest(bytes: $0) } }
    }
}
