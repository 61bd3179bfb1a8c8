/// How alike two annotations of one item are.
enum Similarity {
    /// 0 (nothing in common) to 1 (the same). Classes, numbers and texts are the same or not; sets of classes by their
    /// intersection over union; shapes by the mean overlap of those that match, with those that match nothing as 0.
    static func of(_ a: LabelValue, _ b: LabelValue) -> Double {
        switch (a, b) {
        case (.names(let mine), .names(let theirs)): jaccard(Set(mine), Set(theirs))
        case (.boxes(let mine), .boxes(let theirs)): shapes(mine, theirs).similarity
        case (.polygons(let mine), .polygons(let theirs)): shapes(mine, theirs).similarity
        case (.spans(let mine), .spans(let theirs)): shapes(mine, theirs).similarity
        case (.ranges(let mine), .ranges(let theirs)): shapes(mine, theirs).similarity
        default: a == b ? 1 : 0
        }
    }

    /// Of all pairs.
    static func mean(_ values: [LabelValue]) -> Double {
        guard values.count > 1 else { return 1 }
        var (sum, pairs) = (0.0, 0)
        for i in values.indices {
            for j in values.indices where j > i {
                sum += of(values[i], values[j])
                pairs += 1
            }
        }
        return sum / Double(pairs)
    }

    /// Jaccard, "Étude comparative de la distribution florale" (1901). Two empty sets are the same.
    static func jaccard(_ a: Set<String>, _ b: Set<String>) -> Double {
        let all = a.union(b).count
        return all == 0 ? 1 : Double(a.intersection(b).count) / Double(all)
    }

    /// Pairs the shapes of two annotations.
    static func shapes<Outline>(_ a: [Shape<Outline>], _ b: [Shape<Outline>]) -> ShapeMatch {
        // Only shapes of one class can be the same thing.
        let overlaps = a.map { mine in b.map { mine.name == $0.name ? mine.outline.overlap(with: $0.outline) : 0 } }
        let pairs = Assignment.best(overlaps).filter { overlaps[$0.0][$0.1] > 0 }
        return ShapeMatch(overlaps: pairs.map { overlaps[$0.0][$0.1] }, first: a.count, second: b.count)
    }

    /// The parts of two values that can be matched; nil for kinds without shapes.
    static func match(_ a: LabelValue, _ b: LabelValue) -> ShapeMatch? {
        switch (a, b) {
        case (.boxes(let mine), .boxes(let theirs)): shapes(mine, theirs)
        case (.polygons(let mine), .polygons(let theirs)): shapes(mine, theirs)
        case (.spans(let mine), .spans(let theirs)): shapes(mine, theirs)
        case (.ranges(let mine), .ranges(let theirs)): shapes(mine, theirs)
        default: nil
        }
    }
}

/// Which shapes of two annotations are about the same thing.
struct ShapeMatch: Sendable {
    /// The overlaps (intersection over union) of the pairs.
    let overlaps: [Double]
    let first: Int
    let second: Int

    var similarity: Double { first + second == 0 ? 1 : 2 * overlaps.reduce(0, +) / Double(first + second) }

    /// Pairs that overlap at least so much.
    func hits(_ threshold: Double) -> Int { overlaps.count { $0 >= threshold } }
}

/// Pairs things so that the sum of their worth is the largest possible.
enum Assignment {
    /// Beyond this, pairs are taken greedily from the best down: the exact way takes time with the third power.
    static let exactMaximum = 300

    static func best(_ worth: [[Double]]) -> [(Int, Int)] {
        let (rows, columns) = (worth.count, worth.first?.count ?? 0)
        guard rows > 0, columns > 0 else { return [] }
        if max(rows, columns) > exactMaximum { return greedy(worth) }
        if rows > columns {
            let turned = (0..<columns).map { column in worth.map { $0[column] } }
            return exact(turned).map { ($0.1, $0.0) }
        }
        return exact(worth)
    }

    private static func greedy(_ worth: [[Double]]) -> [(Int, Int)] {
        var all: [(Double, Int, Int)] = []
        for (i, row) in worth.enumerated() { for (j, value) in row.enumerated() where value > 0 { all.append((value, i, j)) } }
        all.sort { $0.0 > $1.0 }
        var (usedRows, usedColumns): (Set<Int>, Set<Int>) = ([], [])
        return all.compactMap { _, i, j in
            guard !usedRows.contains(i), !usedColumns.contains(j) else { return nil }
            usedRows.insert(i)
            usedColumns.insert(j)
            return (i, j)
        }
    }

    /// The Hungarian method with potentials, for at most as many rows as columns (Kuhn 1955; Munkres 1957, in the form with
    /// shortest augmenting paths of Jonker and Volgenant 1987).
    private static func exact(_ worth: [[Double]]) -> [(Int, Int)] {
        let (n, m) = (worth.count, worth[0].count)
        var rowPotential = [Double](repeating: 0, count: n + 1)
        var columnPotential = [Double](repeating: 0, count: m + 1)
        // Row of each column; 0 is none, and column 0 stands for the row that is being placed.
        var rowOf = [Int](repeating: 0, count: m + 1)
        for row in 1...n {
            rowOf[0] = row
            var (column, cameFrom) = (0, [Int](repeating: 0, count: m + 1))
            var slack = [Double](repeating: .infinity, count: m + 1)
            var isUsed = [Bool](repeating: false, count: m + 1)
            repeat {
                isUsed[column] = true
                let current = rowOf[column]
                var (step, next) = (Double.infinity, 0)
                for j in 1...m where !isUsed[j] {
                    let cost = -worth[current - 1][j - 1] - rowPotential[current] - columnPotential[j]
                    if cost < slack[j] { (slack[j], cameFrom[j]) = (cost, column) }
                    if slack[j] < step { (step, next) = (slack[j], j) }
                }
                for j in 0...m {
                    if isUsed[j] {
                        rowPotential[rowOf[j]] += step
                        columnPotential[j] -= step
                    } else {
                        slack[j] -= step
                    }
                }
                column = next
            } while rowOf[column] != 0
            while column != 0 {
                rowOf[column] = rowOf[cameFrom[column]]
                column = cameFrom[column]
            }
        }
        return (1...m).compactMap { rowOf[$0] == 0 ? nil : (rowOf[$0] - 1, $0 - 1) }
    }
}
