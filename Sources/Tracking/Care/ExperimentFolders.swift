import Core
import Database

/// What is immediately in a folder of experiments. Names with `/` are paths: `team/restock/weekly` lies in `team/restock`.
public struct ExperimentFolder: Sendable, Hashable {
    public let path: String
    /// Experiments below it, at any depth.
    public let experiments: Int

    public var json: JSONValue { ["path": .string(path), "experiments": JSONValue(experiments)] }
}

extension TrackingService {
    /// The folders and experiments in a folder (nil: the top), by name; only active ones that the principal may read.
    public func experiments(inFolder folder: String?, as principal: Principal) async throws -> (
        folders: [ExperimentFolder], experiments: [Experiment]
    ) {
        let prefix = folder.flatMap { $0.isEmpty ? nil : ($0.hasSuffix("/") ? $0 : $0 + "/") } ?? ""
        let projects = principal.projects(with: .readRuns)
        return try await database.read { [experiments] db in
            var counts: [String: Int] = [:]
            var here: [String] = []
            var conditions: [SQL] = ["is_deleted = \(false)"]
            if let projects { conditions.append("project IN (\(list: projects))") }
            // Text from the prefix on, up to what begins with the character after its slash.
            if !prefix.isEmpty {
                conditions.append("substr(name, 1, \(prefix.unicodeScalars.count)) = \(prefix)")
            }
            try db.forEach("SELECT name FROM experiment WHERE \(SQL.all(conditions))") { row in
                let name = try row.text(0)
                let rest = name.dropFirst(prefix.count)
                if let slash = rest.firstIndex(of: "/"), slash != rest.startIndex {
                    counts[prefix + rest[..<slash], default: 0] += 1
                } else if !rest.isEmpty {
                    here.append(name)
                }
                return true
            }
            return (
                counts.sorted { $0.key < $1.key }.map { ExperimentFolder(path: $0.key, experiments: $0.value) },
                try here.sorted().compactMap { try experiments.experiment(db, named: $0) }
            )
        }
    }
}
