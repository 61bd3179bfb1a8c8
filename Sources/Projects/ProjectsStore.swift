import Core
import Database

/// SQL and nothing else.
public struct ProjectsStore: Sendable {
    public init() {}

    /// - Throws: `notFound` when there is no such project.
    public func require(_ db: any Transaction, _ name: String) throws {
        guard try db.exists("SELECT 1 FROM project WHERE name = \(name)") else {
            throw SlipwayError.notFound(Ref(.project, name), hint: "Create it with 'slipway project create \(name)'.")
        }
    }

    func insert(_ db: any Transaction, _ project: Project) throws -> Bool {
        let inserted = try db.execute(
            """
            INSERT INTO project (name, owner, description, created_ms)
            VALUES (\(project.name), \(project.owner), \(project.description), \(project.created)) ON CONFLICT (name) DO NOTHING
            """)
        guard inserted == 1 else { return false }
        for goal in project.goals {
            try db.execute(
                "INSERT INTO project_goal (project, name, target, is_relative) VALUES (\(project.name), \(goal.name), \(goal.target), \(goal.isRelative))"
            )
        }
        return true
    }

    func project(_ db: any Transaction, _ name: String) throws -> Project? {
        guard let bare = try db.one("\(Self.columns) WHERE name = \(name)", Self.project) else { return nil }
        return try withGoals(db, bare)
    }

    func projects(_ db: any Transaction, _ page: PageRequest) throws -> Page<Project> {
        let after = page.after?.keys.first?.stringValue ?? ""
        let found = try db.page(
            "\(Self.columns) WHERE name > \(after) ORDER BY name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] }, Self.project)
        return try found.map { try withGoals(db, $0) }
    }

    func insertMeasurement(
        _ db: any Transaction, project: String, goal: String, value: Double, evidence: Ref?, at time: Timestamp
    ) throws -> Bool {
        guard try db.exists("SELECT 1 FROM project_goal WHERE project = \(project) AND name = \(goal)") else {
            return false
        }
        try db.execute(
            """
            INSERT INTO project_measurement (project, goal, measured_ms, value, evidence)
            VALUES (\(project), \(goal), \(time), \(value), \(evidence)) ON CONFLICT (project, goal, measured_ms) DO UPDATE SET value = excluded.value
            """)
        return true
    }

    func measurements(_ db: any Transaction, project: String, goal: String) throws -> [(
        time: Timestamp, value: Double, evidence: String?
    )] {
        try db.all(
            "SELECT measured_ms, value, evidence FROM project_measurement WHERE project = \(project) AND goal = \(goal) ORDER BY measured_ms DESC LIMIT 1000"
        ) { (try $0.time(0), try $0.double(1), try $0.optionalText(2)) }
    }

    private static let columns: SQL = "SELECT name, owner, description, created_ms FROM project"

    private static func project(_ row: any Row) throws -> Project {
        Project(
            name: try row.text(0), owner: try row.text(1), description: try row.text(2), goals: [],
            created: try row.time(3))
    }

    private func withGoals(_ db: any Transaction, _ project: Project) throws -> Project {
        let goals = try db.all(
            """
            SELECT g.name, g.target, g.is_relative, m.value, m.measured_ms FROM project_goal g
            LEFT JOIN project_measurement m ON m.project = g.project AND m.goal = g.name AND m.measured_ms =
                (SELECT max(measured_ms) FROM project_measurement l WHERE l.project = g.project AND l.goal = g.name)
            WHERE g.project = \(project.name) ORDER BY g.name
            """
        ) { row in
            Goal(
                name: try row.text(0), target: try row.double(1), isRelative: try row.bool(2),
                measured: try row.optionalDouble(3),
                measuredAt: try row.optionalTime(4))
        }
        return Project(
            name: project.name, owner: project.owner, description: project.description, goals: goals,
            created: project.created)
    }
}
