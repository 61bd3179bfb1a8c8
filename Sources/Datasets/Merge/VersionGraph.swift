import Core

/// How the versions of a dataset came from each other: `parent` and, of merges, `merged`. A version's number is higher
/// than those of its parents.
struct VersionGraph: Sendable {
    let parents: [Int: [Int]]

    /// A version and all that it came from.
    func ancestors(of version: Int) -> Set<Int> {
        var seen: Set<Int> = [version]
        var open = [version]
        while let next = open.popLast() {
            for parent in parents[next] ?? [] where seen.insert(parent).inserted { open.append(parent) }
        }
        return seen
    }

    /// The newest version that both came from; nil for lines that have nothing in common.
    ///
    /// None of the other common ancestors came from it, since they have lower numbers: it is a best common ancestor in
    /// Git's sense. After criss-cross merges there can be several; the newest is taken.
    func mergeBase(_ a: Int, _ b: Int) -> Int? { ancestors(of: a).intersection(ancestors(of: b)).max() }

    /// The versions on a branch after `base`, oldest first, along first parents; at most `limit`, the newest.
    func line(from base: Int?, to head: Int, limit: Int) -> (numbers: [Int], isCut: Bool) {
        var numbers: [Int] = []
        var at: Int? = head
        while let number = at, number > base ?? 0 {
            if numbers.count == limit { return (numbers.reversed(), true) }
            numbers.append(number)
            at = parents[number]?.first
        }
        return (numbers.reversed(), false)
    }
}
