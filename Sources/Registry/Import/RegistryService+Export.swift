import Core
import Database
import Tracking

extension RegistryService {
    /// Models with all of their versions, by name, as the records that another registry takes in.
    public func exportModels(project: String?, _ page: PageRequest, as principal: Principal) async throws
        -> Page<ModelRecord>
    {
        if let project { try Name.validate(project, field: "project") }
        let found = try await searchModels(
            project.map { "project = '\($0)'" } ?? "", order: ["name"], page, as: principal)
        var records: [ModelRecord] = []
        for model in found.items {
            var record = ModelRecord(
                name: model.name, description: model.description, created: model.created.milliseconds,
                updated: model.updated.milliseconds)
            record.tags = model.tags
            record.aliases = model.aliases
            var after: Cursor?
            repeat {
                let versions = try await versions(of: model.name, PageRequest(limit: 1000, after: after), as: principal)
                record.versions += versions.items.map(\.record)
                after = versions.next
            } while after != nil
            record.versions.sort { $0.version < $1.version }
            record.lastVersion = try await database.read { db in
                try db.one("SELECT last_version FROM registered_model WHERE id = \(model.id)") { Int(try $0.int(0)) }
                    ?? 0
            }
            records.append(record)
        }
        return Page(items: records, next: found.next)
    }
}

extension ModelVersion {
    fileprivate var record: VersionRecord {
        var record = VersionRecord(
            version: version, source: source, stage: stage.rawValue, description: description,
            created: created.milliseconds, updated: updated.milliseconds)
        record.run = runID
        record.runLink = runLink
        record.user = owner
        record.tags = tags
        return record
    }
}
