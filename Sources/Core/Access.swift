/// What a member of a project may be. The sets of permissions are declared by the features, each beside its routes.
public enum Role: String, Sendable, CaseIterable, Codable {
    case viewer
    case annotator
    case dataScientist = "data-scientist"
    case mlEngineer = "ml-engineer"
    case `operator`
    case owner
    case admin
}

/// Something that a principal may do, such as `datasets.write`, and the roles that include it. Admin includes all.
public struct Permission: Hashable, Sendable, CustomStringConvertible {
    public let name: String
    public let roles: Set<Role>

    public init(_ name: String, _ roles: Set<Role>) {
        self.name = name
        self.roles = roles.union([.admin])
    }

    public var description: String { name }

    /// Anyone, signed in or not: health, version.
    public static let open = Permission("open", Set(Role.allCases))
    /// Any principal that is signed in, whatever its role.
    public static let signedIn = Permission("signed-in", Set(Role.allCases))
}

extension Set<Role> {
    /// All who may look.
    public static var readers: Set<Role> { Set(Role.allCases) }
    /// Those who make datasets, runs, models and pipelines.
    public static var makers: Set<Role> { [.dataScientist, .mlEngineer, .owner] }
    /// Those who put things into operation.
    public static var operators: Set<Role> { [.mlEngineer, .operator, .owner] }
}

/// Who acts: a user, a service account, or a pipeline step with a token of its own.
public struct Principal: Hashable, Sendable {
    /// The user's name, as in `user:ada`.
    public let name: String
    /// The role on projects that have no grant of their own; nil means none.
    public let role: Role?
    /// Roles by project.
    public let grants: [String: Role]
    /// When set, only these permissions (by name) count, whatever the roles say.
    public let scopes: Set<String>?

    /// When the credentials end that it acts with; what it hands on ends no later.
    public let expires: Timestamp?

    public init(
        name: String, role: Role?, grants: [String: Role] = [:], scopes: Set<String>? = nil, expires: Timestamp? = nil
    ) {
        self.name = name
        self.role = role
        self.grants = grants
        self.scopes = scopes
        self.expires = expires
    }

    /// Slipway itself: schedules, subscriptions, recovery.
    public static let system = Principal(name: "system", role: .admin)

    /// Whether the principal may do `permission` in `project` (nil: not in any project).
    public func may(_ permission: Permission, in project: String?) -> Bool {
        if permission == .open || permission == .signedIn { return true }
        if let scopes, !scopes.contains(permission.name) { return false }
        if role == .admin { return true }
        guard let effective = project.flatMap({ grants[$0] }) ?? role else { return false }
        return permission.roles.contains(effective)
    }

    /// Whether there is any project, or none, in which the principal may do `permission`.
    public func mayAnywhere(_ permission: Permission) -> Bool {
        may(permission, in: nil) || grants.keys.contains { may(permission, in: $0) }
    }

    /// The same principal, confined to one project.
    public func confined(to project: String) -> Principal {
        let effective = role == .admin ? .admin : grants[project] ?? role
        return Principal(
            name: name, role: nil, grants: effective.map { [project: $0] } ?? [:], scopes: scopes, expires: expires)
    }

    /// - Throws: `forbidden`, saying which roles would do.
    public func require(_ permission: Permission, in project: String?) throws {
        guard may(permission, in: project) else {
            let roles = permission.roles.map(\.rawValue).sorted().joined(separator: ", ")
            throw SlipwayError(
                .forbidden,
                "\(name) may not do \(permission)\(project.map { " in project \($0)" } ?? ""); it takes one of the roles \(roles). Ask an owner for a grant.",
                details: ["permission": permission.name].merging(project.map { ["project": $0] } ?? [:]) { a, _ in a })
        }
    }
}

/// A value that must not be shown: prints as `***`.
public struct Secret<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    public let reveal: Value
    public init(_ value: Value) { reveal = value }
    public var description: String { "***" }
    public var debugDescription: String { "***" }
}
