import Core
import Database

/// A user or a service account.
public struct Account: Sendable, Hashable {
    public enum Kind: String, Sendable { case user, service }
    public let name: String
    public let kind: Kind
    /// The role on every project without a grant of its own; nil means none.
    public let role: Role?
    public let created: Timestamp
}

/// A token as it may be shown: never its secret.
public struct TokenInfo: Sendable, Hashable {
    public let id: String
    public let principal: String
    public let label: String
    public let scopes: [String]?
    public let created: Timestamp
    public let expires: Timestamp?
    public let revoked: Timestamp?
    /// The token with which a browser was signed in, if this is that browser's session.
    public let parent: String?

    /// Whether it counts at a time, by itself.
    func counts(at now: Timestamp) -> Bool { revoked == nil && expires.map { $0 > now } ?? true }
}

/// SQL and nothing else.
struct AccessStore {
    func insert(_ db: any Transaction, _ account: Account) throws -> Bool {
        try db.execute(
            """
            INSERT INTO principal (name, kind, role, created_ms)
            VALUES (\(account.name), \(account.kind.rawValue), \(account.role?.rawValue), \(account.created)) ON CONFLICT (name) DO NOTHING
            """) == 1
    }

    func account(_ db: any Transaction, _ name: String) throws -> Account? {
        try db.one("SELECT name, kind, role, created_ms FROM principal WHERE name = \(name)", Self.account)
    }

    func accounts(_ db: any Transaction, _ page: PageRequest) throws -> Page<Account> {
        let after = page.after?.keys.first?.stringValue ?? ""
        return try db.page(
            "SELECT name, kind, role, created_ms FROM principal WHERE name > \(after) ORDER BY name LIMIT \(page.limit + 1)",
            page,
            keys: { [.string($0.name)] }, Self.account)
    }

    func grant(_ db: any Transaction, project: String, principal: String, role: Role, at time: Timestamp) throws {
        try db.execute(
            """
            INSERT INTO project_grant (project, principal, role, created_ms) VALUES (\(project), \(principal), \(role.rawValue), \(time))
            ON CONFLICT (project, principal) DO UPDATE SET role = excluded.role
            """)
    }

    func revokeGrant(_ db: any Transaction, project: String, principal: String) throws -> Bool {
        try db.execute("DELETE FROM project_grant WHERE project = \(project) AND principal = \(principal)") == 1
    }

    func members(_ db: any Transaction, project: String) throws -> [(principal: String, role: Role)] {
        try db.all("SELECT principal, role FROM project_grant WHERE project = \(project) ORDER BY principal") {
            (try $0.text(0), Role(rawValue: try $0.text(1)) ?? .viewer)
        }
    }

    func grants(_ db: any Transaction, of principal: String) throws -> [String: Role] {
        let rows = try db.all("SELECT project, role FROM project_grant WHERE principal = \(principal)") {
            (try $0.text(0), Role(rawValue: try $0.text(1)))
        }
        return Dictionary(rows.compactMap { project, role in role.map { (project, $0) } }) { a, _ in a }
    }

    func insert(_ db: any Transaction, _ token: TokenInfo, secretHash: String) throws {
        try db.execute(
            """
            INSERT INTO token (id, principal, label, secret_hash, scopes, created_ms, expires_ms, parent)
            VALUES (\(token.id), \(token.principal), \(token.label), \(secretHash), \(token.scopes.map { JSONValue($0) }), \(token.created), \(token.expires), \(token.parent))
            """)
    }

    func token(_ db: any Transaction, id: String) throws -> (info: TokenInfo, secretHash: String)? {
        try db.one("\(Self.tokenColumns) WHERE id = \(id)") { (try Self.token($0), try $0.text(8)) }
    }

    func tokens(_ db: any Transaction, principal: String?) throws -> [TokenInfo] {
        let condition: SQL = principal.map { "principal = \($0)" } ?? "TRUE"
        return try db.all(
            "\(Self.tokenColumns) WHERE \(condition) AND revoked_ms IS NULL ORDER BY created_ms DESC LIMIT 1000",
            Self.token)
    }

    func revoke(_ db: any Transaction, id: String, at time: Timestamp) throws -> Bool {
        try db.execute("UPDATE token SET revoked_ms = \(time) WHERE id = \(id) AND revoked_ms IS NULL") == 1
    }

    /// Tokens that ended a while ago (pipeline steps leave many).
    func deleteEnded(_ db: any Transaction, before time: Timestamp) throws {
        try db.execute("DELETE FROM token WHERE expires_ms < \(time) OR revoked_ms < \(time)")
    }

    private static let tokenColumns: SQL =
        "SELECT id, principal, label, scopes, created_ms, expires_ms, revoked_ms, parent, secret_hash FROM token"

    private static func account(_ row: any Row) throws -> Account {
        Account(
            name: try row.text(0), kind: Account.Kind(rawValue: try row.text(1)) ?? .user,
            role: try row.optionalText(2).flatMap(Role.init(rawValue:)), created: try row.time(3))
    }

    private static func token(_ row: any Row) throws -> TokenInfo {
        let scopes = try row.optionalText(3).map {
            try JSONValue(parsing: $0).arrayValue?.compactMap(\.stringValue) ?? []
        }
        return TokenInfo(
            id: try row.text(0), principal: try row.text(1), label: try row.text(2), scopes: scopes,
            created: try row.time(4),
            expires: try row.optionalTime(5), revoked: try row.optionalTime(6), parent: try row.optionalText(7))
    }
}
