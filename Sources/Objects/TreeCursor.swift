import Core
import Synchronization

/// Nodes that were read lately, as long as they are small together.
final class TreeNodeCache: Sendable {
    private struct State {
        var nodes: [Digest: TreeNode] = [:]
        var order: [Digest] = []
        var bytes = 0
    }
    private let state = Mutex(State())
    private static let maximumBytes = 8 << 20

    func find(_ digest: Digest) -> TreeNode? { state.withLock { $0.nodes[digest] } }

    func add(_ node: TreeNode) {
        state.withLock { state in
            guard state.nodes.updateValue(node, forKey: node.digest) == nil else { return }
            state.order.append(node.digest)
            state.bytes += node.encodedBytes
            guard state.bytes > Self.maximumBytes else { return }
            // The older half goes: keeping exact order of use would cost more than it gains.
            for digest in state.order.prefix(state.order.count / 2) {
                state.bytes -= state.nodes.removeValue(forKey: digest)?.encodedBytes ?? 0
            }
            state.order.removeFirst(state.order.count / 2)
        }
    }
}

/// Goes through the nodes of one level of a tree, from left to right.
struct TreeCursor {
    private let tree: ObjectTree
    private let level: Int
    /// From the root down to the node that the cursor is at, and which item leads on.
    private var stack: [(node: TreeNode, at: Int)] = []

    /// At the first node.
    init(_ tree: ObjectTree, root: TreeNode, level: Int = 0) async throws {
        self.tree = tree
        self.level = level
        stack = [(root, 0)]
        try await descend { _ in 0 }
    }

    /// The node that the cursor is at; nil if it went past the end.
    var node: TreeNode? { stack.last?.node }

    /// Whether no node follows.
    var isAtLast: Bool { stack.dropLast().allSatisfy { $0.at == $0.node.items.count - 1 } }

    private mutating func descend(_ choose: (TreeNode) -> Int) async throws {
        while let (node, _) = stack.last, node.level > level {
            let at = choose(node)
            stack[stack.count - 1].at = at
            let child = try await tree.node(node.items[at].digest)
            guard child.level == node.level - 1, !child.items.isEmpty else {
                throw SlipwayError(.invalid, "The tree's node \(child.digest) is at the wrong level.")
            }
            stack.append((child, 0))
        }
    }

    /// Goes to the node in which the key is or would be.
    mutating func seek(_ key: String) async throws {
        if let node, let first = node.items.first, let last = node.items.last, PathOrder.compare(first.key, key) <= 0,
            PathOrder.compare(key, last.key) <= 0
        {
            return
        }
        guard let root = stack.first?.node else { return }
        stack = [(root, 0)]
        try await descend { min($0.lowerBound(key), $0.items.count - 1) }
    }

    /// Goes to the next node.
    mutating func next() async throws {
        if stack.count == 1 { return stack.removeAll() }
        stack.removeLast()
        while let (node, at) = stack.last {
            if at + 1 < node.items.count {
                stack[stack.count - 1].at = at + 1
                let child = try await tree.node(node.items[at + 1].digest)
                stack.append((child, 0))
                return try await descend { _ in 0 }
            }
            stack.removeLast()
        }
    }
}
