import Core
import Database

/// SQL over endpoints and nothing else.
struct EndpointStore: Sendable {
    private static let columns: SQL =
        "SELECT name, project, model_name, model_selector, log_rate, log_mode, isolation, owner, created_ms, updated_ms FROM endpoint"

    func endpoint(_ db: any Transaction, _ name: String) throws -> Endpoint? {
        try db.one("\(Self.columns) WHERE name = \(name)", Self.endpoint)
    }

    func endpoints(_ db: any Transaction, project: String?, _ page: PageRequest) throws -> Page<Endpoint> {
        let after = page.after?.keys.first?.stringValue ?? ""
        var conditions: [SQL] = ["name > \(after)"]
        if let project { conditions.append("project = \(project)") }
        return try db.page(
            "\(Self.columns) WHERE \(SQL.all(conditions)) ORDER BY name LIMIT \(page.limit + 1)", page,
            keys: { [.string($0.name)] }, Self.endpoint)
    }

    func put(_ db: any Transaction, _ endpoint: Endpoint) throws {
        try db.execute(
            """
            INSERT INTO endpoint (name, project, model_name, model_selector, log_rate, log_mode, isolation, owner, created_ms, updated_ms)
            VALUES (\(endpoint.name), \(endpoint.project), \(endpoint.model.name), \(endpoint.model.selector), \(endpoint.logRate),
                \(endpoint.log.rawValue), \(endpoint.isolation.rawValue), \(endpoint.owner), \(endpoint.created), \(endpoint.updated))
            ON CONFLICT (name) DO UPDATE SET model_name = excluded.model_name, model_selector = excluded.model_selector,
                log_rate = excluded.log_rate, log_mode = excluded.log_mode, isolation = excluded.isolation,
                updated_ms = excluded.updated_ms
            """)
    }

    func delete(_ db: any Transaction, _ name: String) throws {
        try db.execute("DELETE FROM endpoint WHERE name = \(name)")
    }

    private static func endpoint(_ row: any Row) throws -> Endpoint {
        Endpoint(
            name: try row.text(0), project: try row.text(1),
            model: Ref(.model, try row.text(2), selector: try row.optionalText(3)), logRate: try row.double(4),
            log: Endpoint.LogMode(rawValue: try row.text(5)) ?? .buffered,
            isolation: Endpoint.Isolation(rawValue: try row.text(6)) ?? .auto, owner: try row.text(7),
            created: try row.time(8), updated: try row.time(9))
    }
}
