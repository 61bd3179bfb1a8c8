import Core
import Database
import Ledger

extension TraceService {
    private static let purgeGroup = 500

    /// Removes what a run or an experiment leaves that was removed for good: the traces that it recorded, and links to it.
    /// Said twice, nothing happens the second time.
    func purge(after event: Event) async throws {
        let (run, experiment) = (event.subject.name, Int64(event.subject.name))
        while true {
            let isMore = try await database.write { [self] db in
                let keys: [Int64]
                if event.subject.kind == .run {
                    try traces.unlink(db, run: run)
                    keys = try traces.keys(db, ofRun: run, limit: Self.purgeGroup)
                } else {
                    guard let experiment else { return false }
                    try traces.forget(db, experiment: experiment)
                    keys = try traces.keys(db, experiment: experiment, ids: nil, until: nil, limit: Self.purgeGroup)
                }
                guard !keys.isEmpty else { return false }
                try traces.delete(db, keys: keys)
                try ledger.append(
                    db, "traces.deleted", event.subject, project: event.project, by: .system,
                    data: ["traces": .int(Int64(keys.count)), "cause": .string(event.id)])
                return true
            }
            if !isMore { return }
        }
    }
}
