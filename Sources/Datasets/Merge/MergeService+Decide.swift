import Core
import Database
import Ledger
import Objects
import Platform
import Tables

extension DatasetsService {
    /// Choices by hand that a merge holds; more are a matter for rules.
    static let choicesMaximum = 200_000

    /// What rules and people say of each conflict, as a file, and how many are open.
    func decide(_ merge: DatasetMerge, _ work: MergeWork) async throws -> (table: TableInput?, counts: MergeCounts) {
        var counts = work.counts
        guard let conflicts = work.conflicts else { return (nil, counts) }
        let choices = try await choices(of: merge, in: work.folder)
        let decisions = try await step(
            MergeDecisions(layout: work.layout, rules: merge.rules).sql(
                conflicts: conflicts.name, choices: choices?.name), [conflicts, choices], name: "decisions",
            in: work.folder, for: work.principal)
        let rows = try await ask(
            "SELECT unit, count(*) FILTER (choice IS NULL) FROM decisions GROUP BY unit", [decisions],
            maxRows: 100_000, for: work.principal)
        counts.openByColumn = [:]
        counts.open = 0
        for row in rows {
            guard let unit = row[0].intValue, let open = row[1].intValue, open > 0 else { continue }
            counts.open += open
            if unit >= 0 { counts.openByColumn[work.layout.units[Int(unit)].name] = open }
        }
        return (decisions, counts)
    }

    /// The choices by hand as a table of texts.
    func choices(of merge: DatasetMerge, in folder: String) async throws -> TableInput? {
        let choices = try await platform.database.read { [mergeStore] in try mergeStore.choices($0, merge.id) }
        guard !choices.isEmpty else { return nil }
        var text = "id,choice,value\n"
        for choice in choices {
            text += "\(choice.conflict),\(choice.choice),\(choice.value.map { Hex.encode(Array($0.utf8)) } ?? "")\n"
        }
        return try textTable(text, name: "choices", in: folder)
    }

    func textTable(_ text: String, name: String, in folder: String) throws -> TableInput {
        let path = "\(folder)/\(name)-\(ID.make()).csv"
        try writeFile(path, Array(text.utf8))
        return TableInput(name: name, files: [path], format: .csv, delimiter: ",", header: true, allText: true)
    }

    /// A merge that is kept, as work that can go on.
    func work(of merge: DatasetMerge, in folder: String, as principal: Principal) async throws -> MergeWork {
        var work = try await versions(of: merge, in: folder, as: principal)
        guard let manifest = merge.manifest else { throw SlipwayError(.internal, "The merge has no files.") }
        func file(_ name: String) async throws -> TableInput? {
            let path = try RelativePath(parsing: name + ".parquet")
            guard
                let entry = try await platform.database.read({ try Manifests.entry($0, manifest, path: path) })
            else { return nil }
            return TableInput(
                name: name, files: [try await platform.objects.localPath(entry.object.digest)], format: .parquet)
        }
        work.plan = try await file("plan")
        work.conflicts = try await file("conflicts")
        work.counts = merge.counts
        work.conflicting = work.layout.units.indices.filter { merge.counts.byColumn[work.layout.units[$0].name] != nil }
        return work
    }

    func requireOpen(_ merge: DatasetMerge) throws {
        guard merge.state == .conflicts else { throw merge.isClosed }
    }
}
