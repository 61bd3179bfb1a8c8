import Core
import Database
import Datasets
import Platform

extension LabelsService {
    /// Items that one transaction of a bulk acceptance looks at.
    private static let acceptedPerStep = 500

    /// Accepts, of every complete item that nobody reviewed, what its annotators agree on.
    ///
    /// - Parameter agreement: the share of an item's annotations that must say the same (of shapes: much the same), above 0
    ///   to 1. What is accepted is an annotation of one of them, as majority would publish it.
    /// - Returns: how many were accepted, and how many complete items were left for a person to look at.
    public func acceptAgreed(
        _ name: String, agreement: Double, comment: String?, as principal: Principal
    ) async throws -> (accepted: Int, left: Int) {
        guard agreement > 0, agreement <= 1 else {
            throw SlipwayError.field(
                "agreement", "is \(agreement)", expected: "a share above 0, up to 1 (all the same)")
        }
        let comment = try Self.comment(comment)
        var result = (accepted: 0, left: 0)
        var page = PageRequest(limit: Self.acceptedPerStep)
        while true {
            let asked = page
            let now = platform.clock.now()
            let step = try await platform.database.write { [self] db -> (accepted: Int, left: Int, next: Cursor?) in
                let task = try require(db, name)
                try requireReviewer(task, principal)
                try requireOpen(task)
                let definition = try self.definition(db, of: task)
                let found = try items.items(db, task, definition.kind, state: .complete, asked)
                var accepted = 0
                for item in found.items {
                    let work = try works.work(db, task.id, item.number)
                    guard let chosen = try agreed(work, agreement, task, definition, principal) else { continue }
                    try accept(db, task, item, work, chosen, comment, at: now, by: principal)
                    accepted += 1
                }
                return (accepted, found.items.count - accepted, found.next)
            }
            result.accepted += step.accepted
            result.left += step.left
            guard let next = step.next else { return result }
            page = PageRequest(limit: Self.acceptedPerStep, after: next)
        }
    }

    /// The annotation that enough of an item's annotators agree with and that this reviewer may accept.
    private func agreed(
        _ work: [LabelWork], _ agreement: Double, _ task: LabelTask, _ definition: LabelDefinition,
        _ principal: Principal
    ) throws -> LabelWork? {
        let votes = work.filter(\.state.isVote)
        let said = try votes.compactMap { one in
            try one.value.map {
                Consensus.Vote(
                    annotator: one.annotator, value: try Self.kept($0, definition), at: one.done ?? one.started)
            }
        }
        guard let label = Consensus.label(said, .majority, ranks: task.settings.annotators, final: nil),
            Double(label.votes) >= agreement * Double(said.count) - 1e-9
        else { return nil }
        guard mayAccept(label.by, task, principal) else {
            // Somebody else who said the same stands for it.
            let value = votes.first { $0.annotator == label.by }?.value
            return votes.first { $0.value == value && mayAccept($0.annotator, task, principal) }
        }
        return votes.first { $0.annotator == label.by }
    }
}
