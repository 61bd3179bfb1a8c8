import Core

extension ObjectTree {
    /// In which paths two trees differ, by path; nil is the empty tree. Nodes that both have are not read.
    ///
    /// - Parameter after: the last path of the page before.
    public func changes(from: Digest?, to: Digest?, after: String? = nil, limit: Int) async throws -> [TreeChange] {
        var (a, b) = try await (TreeWalk(self, from), TreeWalk(self, to))
        if let after {
            try await a.skip(through: after)
            try await b.skip(through: after)
        }
        var found: [TreeChange] = []
        while found.count < limit {
            guard let x = a.head, let y = b.head else {
                if a.head == nil, b.head == nil { return found }
                if a.head == nil {
                    if let entry = try await b.takeEntry() {
                        found.append(TreeChange(path: entry.path, before: nil, after: entry))
                    }
                } else if let entry = try await a.takeEntry() {
                    found.append(TreeChange(path: entry.path, before: entry, after: nil))
                }
                continue
            }
            if x.level == y.level, x.item == y.item {
                a.skip()
                b.skip()
            } else if x.level > 0 || y.level > 0 {
                // The higher one is opened, so that equal nodes come to lie side by side.
                if x.level >= y.level { try await a.open() } else { try await b.open() }
            } else {
                let order = PathOrder.compare(x.item.key, y.item.key)
                let before = order <= 0 ? try await a.takeEntry() : nil
                let after = order >= 0 ? try await b.takeEntry() : nil
                found.append(TreeChange(path: order <= 0 ? x.item.key : y.item.key, before: before, after: after))
            }
        }
        return found
    }
}

/// Goes through a tree and opens a node only when it is told to.
private struct TreeWalk {
    private let tree: ObjectTree
    /// The level of the items, the items, and the next one.
    private var stack: [(level: Int, items: [TreeItem], at: Int)] = []

    init(_ tree: ObjectTree, _ root: Digest?) async throws {
        self.tree = tree
        guard let root else { return }
        let node = try await tree.node(root)
        // An item for the root itself, so that equal trees are seen to be equal.
        if !node.items.isEmpty { stack = [(node.level + 1, [node.item], 0)] }
    }

    /// The next item: a file at level 0, a node whose files are still ahead above that.
    var head: (level: Int, item: TreeItem)? { stack.last.map { ($0.level, $0.items[$0.at]) } }

    mutating func skip() {
        guard let (_, items, at) = stack.last else { return }
        // What is below was set to its next item when this was opened.
        if at + 1 < items.count { stack[stack.count - 1].at = at + 1 } else { stack.removeLast() }
    }

    /// Puts the items of the node that is next in its place.
    mutating func open() async throws {
        guard let (level, item) = head, level > 0 else { return }
        let node = try await tree.node(item.digest)
        guard node.level == level - 1, !node.items.isEmpty else {
            throw SlipwayError(.invalid, "The tree's node \(node.digest) is at the wrong level.")
        }
        skip()
        stack.append((node.level, node.items, 0))
    }

    /// The next file, which is passed; nil if there is none, or a node was opened first.
    mutating func takeEntry() async throws -> TreeEntry? {
        guard let (level, item) = head else { return nil }
        if level > 0 {
            try await open()
            return nil
        }
        skip()
        return item.entry
    }

    /// Passes all files up to this path.
    mutating func skip(through path: String) async throws {
        while let (level, item) = head, level > 0 || PathOrder.compare(item.key, path) <= 0 {
            if PathOrder.compare(item.key, path) <= 0 {
                skip()
            } else {
                try await open()
                // The first item behind the path, not each before it.
                guard let (level, items, _) = stack.last else { return }
                let at = items.firstIndex { PathOrder.compare($0.key, path) > 0 } ?? items.count - 1
                stack[stack.count - 1] = (level, items, at)
            }
        }
    }
}
