import Core

/// Trees: paths that lead to objects, as objects themselves. A tree is a Merkle tree over the sorted paths; two trees
/// share the nodes in which they agree, so a version of a million files costs what changed. Memory does not depend on the
/// number of files.
///
/// Whoever keeps a tree holds its root in `TreeRoots`, within the grace period of the garbage collection.
public struct ObjectTree: Sendable {
    let store: ObjectStore
    let shape: TreeShape

    public init(_ store: ObjectStore) { self.init(store, shape: TreeShape()) }

    init(_ store: ObjectStore, shape: TreeShape) {
        self.store = store
        self.shape = shape
    }

    func node(_ digest: Digest) async throws -> TreeNode {
        if let node = store.treeNodes.find(digest) { return node }
        let bytes = try await store.read(digest, maximumBytes: TreeNode.encodedMaximum)
        let node = try TreeNode(decoding: bytes, digest: digest)
        store.treeNodes.add(node)
        return node
    }

    /// The tree's sums.
    ///
    /// - Throws: `notFound` if it is not in the store; `invalid` if the object is no tree.
    public func root(_ digest: Digest) async throws -> TreeRoot { try await node(digest).root }

    /// The file of that path; nil if there is none.
    public func entry(_ root: Digest, path: String) async throws -> TreeEntry? {
        var node = try await node(root)
        while true {
            let at = node.lowerBound(path)
            guard at < node.items.count else { return nil }
            let item = node.items[at]
            if node.level == 0 { return PathOrder.compare(item.key, path) == 0 ? item.entry : nil }
            node = try await self.node(item.digest)
        }
    }

    /// Files by path, in the order of their bytes.
    ///
    /// - Parameters:
    ///   - prefix: what the paths begin with, such as `images/`.
    ///   - after: the last path of the page before.
    public func entries(_ root: Digest, prefix: String = "", after: String? = nil, limit: Int) async throws
        -> [TreeEntry]
    {
        var found: [TreeEntry] = []
        let start = after.map { PathOrder.compare($0, prefix) > 0 ? $0 : prefix } ?? prefix
        var cursor = try await TreeCursor(self, root: node(root))
        try await cursor.seek(start)
        while let node = cursor.node {
            for item in node.items[node.lowerBound(start)...] {
                if let after, PathOrder.compare(item.key, after) <= 0 { continue }
                guard PathOrder.hasPrefix(item.key, prefix), found.count < limit else { return found }
                found.append(item.entry)
            }
            try await cursor.next()
        }
        return found
    }

    /// What is immediately in a folder (nil: the root), by path. Passes over what is inside the folders there. A folder
    /// that does not exist is empty.
    ///
    /// - Parameter after: the path of the last child of the page before.
    public func children(_ root: Digest, of folder: String? = nil, after: String? = nil, limit: Int) async throws
        -> [TreeChild]
    {
        let prefix = folder.map { $0 + "/" } ?? ""
        var found: [TreeChild] = []
        var cursor = try await TreeCursor(self, root: node(root))
        var start = prefix
        if let after {
            guard PathOrder.hasPrefix(after, prefix) else {
                throw SlipwayError.field("after", "'\(after.prefix(120))' is not in this folder")
            }
            // If it was a folder, all that is in it comes before this.
            start = try await entry(root, path: after) == nil ? Self.behind(folder: after) : after
        }
        while found.count < limit {
            try await cursor.seek(start)
            guard var node = cursor.node else { return found }
            var at = node.lowerBound(start)
            if at < node.items.count, let after, PathOrder.compare(node.items[at].key, after) == 0 { at += 1 }
            if at == node.items.count {
                try await cursor.next()
                guard let next = cursor.node else { return found }
                (node, at) = (next, 0)
            }
            var isInFolder = false
            while at < node.items.count, found.count < limit, !isInFolder {
                let item = node.items[at]
                guard PathOrder.hasPrefix(item.key, prefix) else { return found }
                let rest = item.key.utf8.dropFirst(prefix.utf8.count)
                if let slash = rest.firstIndex(of: UInt8(ascii: "/")) {
                    let path = String(item.key[..<slash])
                    let (low, high) = try await (
                        sums(root, before: path + "/"), sums(root, before: Self.behind(folder: path))
                    )
                    found.append(
                        TreeChild(path: path, entry: nil, files: high.files - low.files, bytes: high.bytes - low.bytes))
                    start = Self.behind(folder: path)
                    isInFolder = true
                } else {
                    found.append(TreeChild(path: item.key, entry: item.entry, files: 1, bytes: item.bytes))
                    // The least text behind it.
                    start = item.key + "\0"
                }
                at += 1
            }
        }
        return found
    }

    /// The least text behind all paths in a folder: `0` follows `/`.
    private static func behind(folder: String) -> String { folder + "0" }

    /// The sums of the files whose paths are below a text.
    private func sums(_ root: Digest, before key: String) async throws -> (files: Int64, bytes: Int64) {
        var (files, bytes) = (Int64(0), Int64(0))
        var node = try await node(root)
        while true {
            let at = node.lowerBound(key)
            for item in node.items[..<at] { (files, bytes) = (files &+ item.files, bytes &+ item.bytes) }
            guard node.level > 0, at < node.items.count else { return (files, bytes) }
            node = try await self.node(node.items[at].digest)
        }
    }

    // MARK: Nodes, for those who copy trees

    /// The digests of all nodes, the root's first; of nodes of the same level, by path.
    public func nodes(_ root: Digest) async throws -> [Digest] {
        var level = [try await node(root)]
        var found = [root]
        while let first = level.first, first.level > 0 {
            let below = level.flatMap { $0.items.map(\.digest) }
            found += below
            // Leaves are named by the nodes above them and need not be read.
            if first.level == 1 { break }
            level = []
            for digest in below { level.append(try await node(digest)) }
        }
        return found
    }

    /// What a node refers to, given the bytes of its object: for those who have it from elsewhere.
    ///
    /// - Throws: `invalid` for other bytes.
    public static func content(ofNode bytes: [UInt8]) throws -> TreeNodeContent {
        let node = try TreeNode(decoding: bytes, digest: Digest.of(bytes))
        return TreeNodeContent(
            nodes: node.level == 0 ? [] : node.items.map(\.digest),
            entries: node.level == 0 ? node.items.map(\.entry) : [])
    }

    /// Reads a whole tree that was made elsewhere, and makes sure that it is one that this program would have made: its
    /// paths are valid and none is file and folder, its sums are right, and its nodes end where they should.
    ///
    /// - Throws: `invalid`; `notFound` if a node is missing.
    public func check(_ root: Digest) async throws -> TreeRoot {
        let top = try await node(root)
        var cursor = try await TreeCursor(self, root: top)
        var builder = TreeBuilder(level: 0, shape: shape)
        // Files that the next path could be below.
        var open: [String] = []
        func fail(_ problem: String) -> SlipwayError {
            SlipwayError(.invalid, "The tree \(root) is not usable: \(problem).", ref: Ref(.object, root.hex))
        }
        var last: String?
        var levels: [[TreeItem]] = [[]]
        while let node = cursor.node {
            for item in node.items {
                if let last, PathOrder.compare(last, item.key) >= 0 { throw fail("its paths are not in order") }
                guard try RelativePath(parsing: item.key).description == item.key, item.bytes >= 0 else {
                    throw fail("'\(item.key.prefix(120))' is no path")
                }
                while let file = open.last, !PathOrder.hasPrefix(item.key, file) { open.removeLast() }
                if open.contains(where: { PathOrder.hasPrefix(item.key, $0 + "/") }) {
                    throw fail("'\(item.key.prefix(120))' is below a file")
                }
                open.append(item.key)
                last = item.key
                if let made = builder.add(item) { levels[0].append(made.node.item) }
            }
            try await cursor.next()
        }
        if let made = builder.finish() { levels[0].append(made.node.item) }
        var items = levels[0]
        var level = 0
        while items.count > 1 {
            level += 1
            items = TreeBuilder.nodes(level: level, shape: shape, items).map(\.node.item)
        }
        guard items.first?.digest ?? TreeNode.encode(level: 0, []).node.digest == root else {
            throw fail("its nodes are not where they should end, or its sums are wrong")
        }
        return top.root
    }
}

/// Makes nodes of one level from items in order.
struct TreeBuilder {
    private let level: Int
    private let shape: TreeShape
    private var borders: TreeBorders
    private var items: [TreeItem] = []

    init(level: Int, shape: TreeShape) {
        self.level = level
        self.shape = shape
        borders = TreeBorders(level: level, shape: shape)
    }

    /// Whether the next item begins a node.
    var isAtBorder: Bool { items.isEmpty }

    /// The node that this item ends, if it does.
    mutating func add(_ item: TreeItem) -> (node: TreeNode, bytes: [UInt8])? {
        items.append(item)
        return borders.endsNode(after: item.key) ? finish() : nil
    }

    /// The node that is not ended yet, if there is one.
    mutating func finish() -> (node: TreeNode, bytes: [UInt8])? {
        guard !items.isEmpty else { return nil }
        defer {
            items.removeAll(keepingCapacity: true)
            borders = TreeBorders(level: level, shape: shape)
        }
        return TreeNode.encode(level: level, items)
    }

    static func nodes(level: Int, shape: TreeShape, _ items: [TreeItem]) -> [(node: TreeNode, bytes: [UInt8])] {
        var builder = TreeBuilder(level: level, shape: shape)
        var made = items.compactMap { builder.add($0) }
        if let last = builder.finish() { made.append(last) }
        return made
    }
}
