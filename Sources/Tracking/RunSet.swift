/// A set of runs by their keys in the database: a bit each, so that 300,000 runs take 37 kB and sets meet in microseconds.
/// It can also be all runs but those, which is what NOT makes; that needs no list of all runs.
struct RunSet: Sendable {
    /// Whether the bits are the runs that are not in it.
    private(set) var isComplement = false
    private var words: [UInt64] = []
    /// What the first word's lowest bit stands for; a multiple of 64.
    private var base: Int64 = 0

    static let none = RunSet()
    static let all = RunSet(complement: RunSet())

    private init() {}

    private init(complement set: RunSet) {
        self = set
        isComplement.toggle()
    }

    init(_ keys: [Int64]) {
        guard let least = keys.min(), let most = keys.max() else { return }
        base = least & ~63
        words = [UInt64](repeating: 0, count: Int((most - base) >> 6) + 1)
        for key in keys { words[Int((key - base) >> 6)] |= 1 << UInt64((key - base) & 63) }
    }

    /// How many runs it has; nil for a complement, which cannot know.
    var count: Int? { isComplement ? nil : words.reduce(0) { $0 + $1.nonzeroBitCount } }

    var isEmpty: Bool { !isComplement && words.allSatisfy { $0 == 0 } }

    /// Ascending; empty for a complement.
    var keys: [Int64] {
        guard !isComplement else { return [] }
        var out: [Int64] = []
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                out.append(base + Int64(index) << 6 + Int64(rest.trailingZeroBitCount))
                rest &= rest - 1
            }
        }
        return out
    }

    func contains(_ key: Int64) -> Bool {
        let place = (key - base) >> 6
        let isMarked =
            key >= base && place < words.count && words[Int(place)] & (1 << UInt64((key - base) & 63)) != 0
        return isMarked != isComplement
    }

    var inverted: RunSet { RunSet(complement: self) }

    func intersection(_ other: RunSet) -> RunSet {
        switch (isComplement, other.isComplement) {
        case (false, false): combined(other) { $0 & $1 }
        case (false, true): combined(other) { $0 & ~$1 }
        case (true, false): other.combined(self) { $0 & ~$1 }
        case (true, true): RunSet(complement: combined(other) { $0 | $1 }.bits)
        }
    }

    func union(_ other: RunSet) -> RunSet { inverted.intersection(other.inverted).inverted }

    func subtracting(_ other: RunSet) -> RunSet { intersection(other.inverted) }

    private var bits: RunSet { isComplement ? inverted : self }

    /// Word by word over the range of both; not a complement.
    private func combined(_ other: RunSet, _ operation: (UInt64, UInt64) -> UInt64) -> RunSet {
        guard !words.isEmpty || !other.words.isEmpty else { return .none }
        let spans = [self, other].filter { !$0.words.isEmpty }
        let first = spans.map(\.base).min() ?? 0
        let end = spans.map { $0.base + Int64($0.words.count) << 6 }.max() ?? 0
        var out = RunSet()
        out.base = first
        out.words = (0..<Int((end - first) >> 6)).map { index in
            let at = first + Int64(index) << 6
            return operation(word(at), other.word(at))
        }
        return out
    }

    private func word(_ at: Int64) -> UInt64 {
        let place = (at - base) >> 6
        return place >= 0 && place < words.count ? words[Int(place)] : 0
    }
}
