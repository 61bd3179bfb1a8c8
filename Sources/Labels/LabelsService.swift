import Core
import Database
import Datasets
import Ledger
import Platform
import Projects
import Synchronization

/// Labels: what they may say, who makes them, and what becomes of them.
public struct LabelsService: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let store = LabelsStore()
    let items = ItemStore()
    let works = WorkStore()
    private let known = KnownSchemas()

    public init(_ platform: Platform, datasets: DatasetsService) {
        self.platform = platform
        self.datasets = datasets
    }

    // MARK: Schemas

    /// Names a schema, or makes its next version; the same definition as the newest gives that one.
    ///
    /// - Throws: `conflict` when the name belongs to another project or the kind is another one.
    public func saveSchema(_ name: String, project: String, _ definition: LabelDefinition, as principal: Principal)
        async throws -> (schema: LabelSchema, isNew: Bool)
    {
        try principal.require(.manageLabels, in: project)
        try Name.validate(name)
        let now = platform.clock.now()
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            let newest = try store.schema(db, name, nil)
            if let newest {
                guard newest.project == project else {
                    throw SlipwayError(
                        .conflict, "The label schema \(name) belongs to another project.", ref: Ref(.labelSchema, name))
                }
                guard newest.definition.kind == definition.kind else {
                    throw SlipwayError(
                        .conflict,
                        "The label schema \(name) is of kind \(newest.definition.kind.rawValue); a version cannot be \(definition.kind.rawValue). Choose another name.",
                        ref: newest.ref)
                }
                if newest.definition == definition { return (newest, false) }
            }
            let schema = LabelSchema(
                name: name, version: (newest?.version ?? 0) + 1, project: project, definition: definition,
                author: principal.name, created: now)
            try store.insert(db, schema)
            try ledger.append(
                db, "label-schema.created", schema.ref, project: project, by: principal, data: definition.json)
            return (schema, true)
        }
    }

    /// - Parameter version: nil for the newest.
    public func schema(_ name: String, version: Int? = nil, as principal: Principal) async throws -> LabelSchema {
        guard let schema = try await platform.database.read({ [store] in try store.schema($0, name, version) }) else {
            throw SlipwayError.notFound(
                Ref(.labelSchema, name, selector: version.map(String.init)),
                hint: "'slipway label schema list' shows what there is.")
        }
        try principal.require(.readLabels, in: schema.project)
        return schema
    }

    public func schemas(project: String?, _ page: PageRequest, as principal: Principal) async throws -> Page<LabelSchema> {
        let found = try await platform.database.read { [store] in try store.schemas($0, project: project, page) }
        return Page(items: found.items.filter { principal.may(.readLabels, in: $0.project) }, next: found.next)
    }

    // MARK: Looking tasks up

    public func task(_ name: String, as principal: Principal) async throws -> LabelTask {
        let task = try await platform.database.read { [self] in try require($0, name) }
        try principal.require(.readLabels, in: task.project)
        return task
    }

    public func tasks(
        project: String?, dataset: String?, state: LabelTask.State?, _ page: PageRequest, as principal: Principal
    ) async throws -> Page<LabelTask> {
        let found = try await platform.database.read { [store] in
            try store.tasks($0, project: project, dataset: dataset, state: state, page)
        }
        return Page(items: found.items.filter { principal.may(.readLabels, in: $0.project) }, next: found.next)
    }

    func require(_ db: any Transaction, _ name: String) throws -> LabelTask {
        guard let task = try store.task(db, name) else {
            throw SlipwayError.notFound(
                Ref(.labelTask, name), hint: "'slipway label task list' shows what there is.")
        }
        return task
    }

    /// The definition that a task's labels follow. A schema's version never changes, so it is parsed once.
    func definition(_ db: any Transaction, of task: LabelTask) throws -> LabelDefinition {
        if let known = known.get(task.schemaRef) { return known }
        guard let schema = try store.schema(db, task.schemaName, task.schemaVersion) else {
            throw SlipwayError.notFound(task.schemaRef)
        }
        known.set(task.schemaRef, schema.definition)
        return schema.definition
    }

    /// - Throws: `forbidden` unless the principal may label in this task; `conflict` unless the task is open for it.
    func requireAnnotator(_ task: LabelTask, _ principal: Principal, handsOut: Bool = false) throws {
        try principal.require(.annotateLabels, in: task.project)
        let names = task.settings.annotators
        guard names.isEmpty || names[principal.name] != nil else {
            throw SlipwayError(
                .forbidden,
                "\(principal.name) is not an annotator of \(task.name); its owner can add you with 'slipway label task set \(task.name) --annotator \(principal.name)'.",
                ref: task.ref)
        }
        try requireOpen(task, handsOut: handsOut)
    }

    func requireOpen(_ task: LabelTask, handsOut: Bool = false) throws {
        guard task.state == .open || (task.state == .paused && !handsOut) else {
            throw SlipwayError(.conflict, "The task \(task.name) is \(task.state.rawValue).", ref: task.ref)
        }
    }

    func isReviewer(_ task: LabelTask, _ principal: Principal) -> Bool {
        principal.may(.reviewLabels, in: task.project)
            || (task.settings.reviewers.contains(principal.name) && principal.may(.annotateLabels, in: task.project))
    }

    func requireReviewer(_ task: LabelTask, _ principal: Principal) throws {
        if !isReviewer(task, principal) { try principal.require(.reviewLabels, in: task.project) }
    }
}

/// Parsed definitions by ref.
private final class KnownSchemas: Sendable {
    private static let maximum = 1000
    private let known = Mutex<[Ref: LabelDefinition]>([:])

    func get(_ ref: Ref) -> LabelDefinition? { known.withLock { $0[ref] } }

    func set(_ ref: Ref, _ definition: LabelDefinition) {
        known.withLock {
            if $0.count >= Self.maximum { $0 = [:] }
            $0[ref] = definition
        }
    }
}
