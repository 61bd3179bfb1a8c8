import Core
import Database
import Ledger
import Platform

extension Permission {
    static let readProjects = Permission("projects.read", .readers)
    static let createProjects = Permission("projects.create", .makers)
    static let measureGoals = Permission("projects.measure", .makers.union(Set<Role>.operators))
}

/// Charters: who owns what, which goals, and how they are met.
public struct ProjectsService: Sendable {
    let platform: Platform
    let store = ProjectsStore()

    public init(_ platform: Platform) { self.platform = platform }

    /// - Throws: `conflict` when the name is taken.
    public func create(name: String, owner: String?, description: String, goals: [Goal], as principal: Principal)
        async throws -> Project
    {
        try principal.require(.createProjects, in: nil)
        try Name.validate(name)
        guard Set(goals.map(\.name)).count == goals.count else {
            throw SlipwayError.field("goals", "names a goal twice")
        }
        let project = Project(
            name: name, owner: owner ?? principal.name, description: description, goals: goals,
            created: platform.clock.now())
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            guard try store.insert(db, project) else {
                throw SlipwayError(.conflict, "There is already a project named \(name).", ref: Ref(.project, name))
            }
            try ledger.append(
                db, "project.created", Ref(.project, name), project: name, by: principal, data: project.json)
            return project
        }
    }

    public func get(_ name: String, as principal: Principal) async throws -> Project {
        try principal.require(.readProjects, in: name)
        guard let project = try await platform.database.read({ [store] in try store.project($0, name) }) else {
            throw SlipwayError.notFound(Ref(.project, name))
        }
        return project
    }

    /// The projects that the principal may read.
    public func list(_ page: PageRequest, as principal: Principal) async throws -> Page<Project> {
        let found = try await platform.database.read { [store] in try store.projects($0, page) }
        return Page(items: found.items.filter { principal.may(.readProjects, in: $0.name) }, next: found.next)
    }

    /// Records a measured value of a goal.
    public func measure(_ name: String, goal: String, value: Double, evidence: Ref?, as principal: Principal)
        async throws
    {
        try principal.require(.measureGoals, in: name)
        guard value.isFinite else { throw SlipwayError.field("value", "is not finite", expected: "a number") }
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try store.require(db, name)
            guard try store.insertMeasurement(db, project: name, goal: goal, value: value, evidence: evidence, at: now)
            else {
                throw SlipwayError(.notFound, "The charter of \(name) has no goal \(goal).", ref: Ref(.project, name))
            }
            try ledger.append(
                db, "project.goal.measured", Ref(.project, name), project: name, by: principal,
                data: ["goal": .string(goal), "value": .number(value), "evidence": JSONValue(evidence?.description)])
        }
    }

    public func measurements(_ name: String, goal: String, as principal: Principal) async throws -> [(
        time: Timestamp, value: Double, evidence: String?
    )] {
        try principal.require(.readProjects, in: name)
        return try await platform.database.read { [store] in try store.measurements($0, project: name, goal: goal) }
    }

    /// The project `default`, for those who do not care about projects yet.
    func ensureDefault() async throws {
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            let project = Project(
                name: "default", owner: "admin", description: "For what has no project of its own.", goals: [],
                created: now)
            if try store.insert(db, project) {
                try ledger.append(
                    db, "project.created", Ref(.project, "default"), project: "default", by: .system, data: project.json
                )
            }
        }
    }
}
