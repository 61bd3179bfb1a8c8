import Core

/// Which step waits for which. Nodes keep the order in which they were given, so that all answers are the same every time.
public struct Graph: Hashable, Sendable {
    public let nodes: [String]
    /// Of each node, those that it waits for.
    public let dependencies: [String: Set<String>]

    /// - Parameter dependencies: names among `nodes` only.
    public init(nodes: [String], dependencies: [String: Set<String>]) {
        self.nodes = nodes
        self.dependencies = dependencies
    }

    /// A cycle, beginning and ending with the same node; nil if there is none. Each waits for the next.
    public func cycle() -> [String]? {
        var done: Set<String> = []
        for start in nodes where !done.contains(start) {
            // A stack of our own: a chain of steps may be long.
            var path: [String] = [start]
            var pending: [[String]] = [ordered(dependencies[start] ?? [])]
            while let node = path.last {
                guard let next = pending[pending.count - 1].popLast() else {
                    done.insert(node)
                    path.removeLast()
                    pending.removeLast()
                    continue
                }
                if let begin = path.firstIndex(of: next) { return Array(path[begin...]) + [next] }
                if done.contains(next) { continue }
                path.append(next)
                pending.append(ordered(dependencies[next] ?? []))
            }
        }
        return nil
    }

    /// Dependencies before those that wait for them; among equals, as given.
    ///
    /// - Throws: `invalid`, with the cycle written as `a -> b -> a`.
    public func topologicalOrder() throws -> [String] {
        var order: [String] = []
        var placed: Set<String> = []
        var waiting = nodes
        while !waiting.isEmpty {
            let next = waiting.filter { dependencies[$0, default: []].isSubset(of: placed) }
            guard !next.isEmpty else {
                let shown = (cycle() ?? waiting).joined(separator: " -> ")
                throw SlipwayError(
                    .invalid,
                    "steps: they wait for each other in a circle: \(shown). Remove one of the inputs or needs.",
                    details: ["field": "steps", "cycle": shown])
            }
            order += next
            placed.formUnion(next)
            waiting.removeAll { placed.contains($0) }
        }
        return order
    }

    /// The nodes that can start: not `started` yet (running or ended), with everything that they wait for among `succeeded`.
    public func ready(succeeded: Set<String>, started: Set<String>) -> [String] {
        nodes.filter {
            !started.contains($0) && !succeeded.contains($0) && dependencies[$0, default: []].isSubset(of: succeeded)
        }
    }

    /// The nodes that wait for `node`, directly or not: what cannot run when it fails.
    public func dependents(of node: String) -> [String] {
        var found: Set<String> = [node]
        var grew = true
        while grew {
            let next = nodes.filter { !found.contains($0) && !dependencies[$0, default: []].isDisjoint(with: found) }
            grew = !next.isEmpty
            found.formUnion(next)
        }
        return nodes.filter { $0 != node && found.contains($0) }
    }

    /// In reverse, as `cycle` takes them from the end.
    private func ordered(_ names: Set<String>) -> [String] { nodes.reversed().filter(names.contains) }
}
