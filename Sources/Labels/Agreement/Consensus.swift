import Core

/// The label that an item ends up with, and who stands for it.
struct AgreedLabel: Sendable {
    let value: LabelValue
    let by: String
    let at: Timestamp
    /// How many people said so: gave the same, or, of shapes, much the same.
    let votes: Int
}

enum Consensus {
    struct Vote: Sendable {
        let annotator: String
        let value: LabelValue
        let at: Timestamp
    }

    /// Shapes this alike count as one opinion.
    static let alike = 0.5

    /// - Parameters:
    ///   - ranks: 1 is the most trusted; who has none ranks last.
    ///   - final: what a reviewer decided: it wins.
    /// - Returns: nil when nobody said anything.
    static func label(
        _ votes: [Vote], _ rule: ConsensusRule, ranks: [String: Int], final: Vote?
    ) -> AgreedLabel? {
        func supporters(_ value: LabelValue) -> Int {
            votes.count { $0.value == value || Similarity.match($0.value, value).map { $0.similarity >= alike } == true }
        }
        if let final {
            return AgreedLabel(
                value: final.value, by: final.annotator, at: final.at, votes: max(1, supporters(final.value)))
        }
        func rank(_ vote: Vote) -> Int { ranks[vote.annotator] ?? .max }
        // The best rank first, then the earliest: what stands first wins a tie.
        let sorted = votes.sorted { (rank($0), $0.at, $0.annotator) < (rank($1), $1.at, $1.annotator) }
        guard var best = sorted.first else { return nil }
        if rule == .majority {
            // Of shapes hardly two are equal: the annotation that is most like all the others stands for them.
            var score = -1.0
            for one in sorted {
                let support = sorted.reduce(0) { $0 + Similarity.of(one.value, $1.value) }
                if support > score + 1e-12 { (best, score) = (one, support) }
            }
        }
        return AgreedLabel(value: best.value, by: best.annotator, at: best.at, votes: supporters(best.value))
    }
}
