import Core

extension ObjectTree {
    /// The tree with some paths added, replaced or removed; costs what changes, not what is there. It is durable, and
    /// its grace period begins, when this returns. The files' objects are not looked for: put or touch them first.
    ///
    /// - Parameters:
    ///   - base: the tree to change, which somebody holds; nil for an empty one.
    ///   - put: of several with one path the last counts.
    ///   - remove: paths; those that are not there are passed over, and those that are put too are put.
    /// - Throws: `conflict` if a path would be a file and a folder.
    public func update(_ base: Digest?, put: [TreeEntry], remove: [String] = []) async throws -> TreeRoot {
        var changes = TreeChanges(remove: remove, put: put)
        guard let base else {
            try Self.refuseMixtures(among: changes)
            return try await build(level: 0, changes.list.compactMap(\.item))
        }
        let root = try await node(base)
        guard !root.items.isEmpty else { return try await update(nil, put: put) }
        try await refuseMixtures(in: root, changes)
        for level in 0...root.level where !changes.list.isEmpty {
            changes = try await rechunk(root, level: level, changes)
        }
        if changes.list.isEmpty { return root.root }
        // Level by level the tree was cut anew; what remains is how the root's own place changed.
        var items = changes.list.compactMap(\.item)
        if !changes.list.contains(where: { PathOrder.compare($0.key, root.item.key) == 0 }) {
            items.append(root.item)
            items.sort { PathOrder.compare($0.key, $1.key) < 0 }
        }
        if items.count > 1 { return try await build(level: root.level + 1, items) }
        guard let only = items.first else { return try await build(level: 0, []) }
        // A node that leads to one node only is none that a new tree would have.
        var top = try await node(only.digest)
        while top.level > 0, top.items.count == 1 { top = try await node(top.items[0].digest) }
        return top.root
    }

    /// Makes all nodes from a level on upwards.
    private func build(level first: Int, _ all: [TreeItem]) async throws -> TreeRoot {
        var (level, items) = (first, all)
        guard !items.isEmpty else {
            let empty = TreeNode.encode(level: 0, [])
            _ = try await store.putMany([empty.bytes])
            return empty.node.root
        }
        var writer = NodeWriter(store)
        while true {
            var builder = TreeBuilder(level: level, shape: shape)
            var above: [TreeItem] = []
            for item in items {
                guard let made = builder.add(item) else { continue }
                above.append(try await writer.write(made))
            }
            if let made = builder.finish() { above.append(try await writer.write(made)) }
            if above.count == 1 {
                try await writer.flush()
                return TreeRoot(digest: above[0].digest, files: above[0].files, bytes: above[0].bytes)
            }
            (level, items) = (level + 1, above)
        }
    }

    /// Cuts the nodes of one level anew where items change, and says what that changes for the level above.
    private func rechunk(_ root: TreeNode, level: Int, _ changes: TreeChanges) async throws -> TreeChanges {
        var cursor = try await TreeCursor(self, root: root, level: level)
        var writer = NodeWriter(store)
        var gone: [TreeItem] = []
        var made: [TreeItem] = []
        var next = 0
        let list = changes.list
        while next < list.count {
            try Task.checkCancellation()
            try await cursor.seek(list[next].key)
            var builder = TreeBuilder(level: level, shape: shape)
            // From the first node with a change on until a node ends where an old one did.
            while let node = cursor.node {
                gone.append(node.item)
                let isLast = cursor.isAtLast
                var items = node.items[...]
                while true {
                    var item = items.first
                    if next < list.count, isLast || PathOrder.compare(list[next].key, node.item.key) <= 0 {
                        let order = item.map { PathOrder.compare(list[next].key, $0.key) } ?? -1
                        if order <= 0 {
                            item = list[next].item
                            next += 1
                            if order == 0 { items.removeFirst() }
                        } else {
                            items.removeFirst()
                        }
                    } else if item == nil {
                        break
                    } else {
                        items.removeFirst()
                    }
                    if let item, let ended = builder.add(item) { made.append(try await writer.write(ended)) }
                }
                if isLast, let ended = builder.finish() { made.append(try await writer.write(ended)) }
                if builder.isAtBorder { break }
                try await cursor.next()
            }
        }
        try await writer.flush()
        return TreeChanges(gone: gone, made: made)
    }

    // MARK: Files and folders

    private static func mixed(_ path: String) -> SlipwayError {
        SlipwayError(
            .conflict,
            "path: '\(path.prefix(200))' would be both a file and a folder. Remove one of the two in the same change.",
            details: ["field": "path", "path": path])
    }

    /// The folders of all paths that are put, each once for neighbours.
    private static func folders(of changes: TreeChanges) -> [String] {
        var found: [String] = []
        var last = ""
        for change in changes.list where change.item != nil {
            for (at, byte) in zip(change.key.utf8.indices, change.key.utf8) where byte == UInt8(ascii: "/") {
                let through = String(change.key[...at])
                if !PathOrder.hasPrefix(last, through) { found.append(String(through.dropLast())) }
            }
            last = change.key
        }
        return found
    }

    private static func refuseMixtures(among changes: TreeChanges) throws {
        for folder in folders(of: changes) where changes.find(folder)?.item != nil { throw mixed(folder) }
    }

    private func refuseMixtures(in root: TreeNode, _ changes: TreeChanges) async throws {
        var cursor = try await TreeCursor(self, root: root)
        for folder in Self.folders(of: changes) {
            if let change = changes.find(folder) {
                if change.item != nil { throw Self.mixed(folder) }
                continue
            }
            try await cursor.seek(folder)
            if let node = cursor.node {
                let at = node.lowerBound(folder)
                if at < node.items.count, PathOrder.compare(node.items[at].key, folder) == 0 {
                    throw Self.mixed(folder)
                }
            }
        }
        for change in changes.list where change.item != nil {
            let inside = change.key + "/"
            try await cursor.seek(inside)
            var start = inside
            while let node = cursor.node {
                for item in node.items[node.lowerBound(start)...] {
                    guard PathOrder.hasPrefix(item.key, inside) else {
                        start = ""
                        break
                    }
                    guard let removed = changes.find(item.key), removed.item == nil else {
                        throw Self.mixed(change.key)
                    }
                    start = item.key
                }
                // Only a folder that is removed whole goes on behind its first leaf.
                guard start != "", start != inside || node.lowerBound(start) == node.items.count, !cursor.isAtLast
                else {
                    break
                }
                try await cursor.next()
            }
        }
    }
}

/// What is put (with an item) or removed (without), in the order of keys, each key once.
struct TreeChanges {
    private(set) var list: [(key: String, item: TreeItem?)]

    init(remove: [String], put: [TreeEntry]) {
        list = remove.map { ($0, nil) }
        list.reserveCapacity(remove.count + put.count)
        for entry in put { list.append((entry.path, TreeItem(entry))) }
        sort()
    }

    /// What became of a level's nodes, without those that became themselves.
    init(gone: [TreeItem], made: [TreeItem]) {
        let (before, after) = (Set(gone.map(\.digest)), Set(made.map(\.digest)))
        // A digest says the keys too, so the same digest is the same node at the same place.
        list = gone.filter { !after.contains($0.digest) }.map { ($0.key, nil) }
        list += made.filter { !before.contains($0.digest) }.map { ($0.key, $0) }
        sort()
    }

    /// Of several changes of one key the last counts.
    private mutating func sort() {
        let isSorted = zip(list, list.dropFirst()).allSatisfy { PathOrder.compare($0.key, $1.key) < 0 }
        if isSorted { return }
        let sorted = list.enumerated().sorted { a, b in
            let order = PathOrder.compare(a.element.key, b.element.key)
            return order == 0 ? a.offset < b.offset : order < 0
        }
        list.removeAll(keepingCapacity: true)
        for (_, change) in sorted {
            if let last = list.last, PathOrder.compare(last.key, change.key) == 0 {
                list[list.count - 1] = change
            } else {
                list.append(change)
            }
        }
    }

    func find(_ key: String) -> (key: String, item: TreeItem?)? {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if PathOrder.compare(list[middle].key, key) < 0 { low = middle + 1 } else { high = middle }
        }
        return low < list.count && PathOrder.compare(list[low].key, key) == 0 ? list[low] : nil
    }
}

/// Stores nodes, some at a time.
private struct NodeWriter {
    private let store: ObjectStore
    private var batch: [[UInt8]] = []
    private var bytes = 0
    private static let batchBytes = 8 << 20

    init(_ store: ObjectStore) { self.store = store }

    mutating func write(_ made: (node: TreeNode, bytes: [UInt8])) async throws -> TreeItem {
        batch.append(made.bytes)
        bytes += made.bytes.count
        if bytes >= Self.batchBytes { try await flush() }
        // The next level, and often the next change, reads it again.
        if made.node.level > 0 { store.treeNodes.add(made.node) }
        return made.node.item
    }

    mutating func flush() async throws {
        if !batch.isEmpty { _ = try await store.putMany(batch) }
        (batch, bytes) = ([], 0)
    }
}
