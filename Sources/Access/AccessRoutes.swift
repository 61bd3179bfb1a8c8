import Core
import Web

/// Users, tokens and members over HTTP.
public struct AccessRoutes: Sendable {
    let service: AccessService

    public init(_ service: AccessService) { self.service = service }

    public var routes: [Route] {
        [
            Route(.get, "/api/v1/whoami", .signedIn, "The principal of this request.") { request in
                .json(Self.json(request.principal))
            },
            Route(.get, "/api/v1/users", .manageAccess, "Accounts, by name.", query: Self.paging) { request in
                .page(try await service.accounts(request.page(), as: request.principal), Self.json)
            },
            Route(
                .post, "/api/v1/users", .manageAccess, "Creates a user or a service account.",
                body: .json([
                    .init("name", "A name."), .init("kind?", "user or service."),
                    .init("role?", "The role on all projects without a grant of their own."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "kind", "role"])
                let kindText = try body.optionalString("kind") ?? "user"
                guard let kind = Account.Kind(rawValue: kindText) else {
                    throw SlipwayError.field("kind", "'\(kindText)' is not a kind", expected: "user or service")
                }
                let account = try await service.createAccount(
                    name: body.string("name"), kind: kind, role: body.optionalString("role").map(Self.role),
                    as: request.principal)
                return .json(Self.json(account), status: 201)
            },
            Route(.get, "/api/v1/projects/{project}/members", .readMembers, "The members of a project and their roles.")
            { request in
                let members = try await service.members(of: request.parameter("project"), as: request.principal)
                return .json([
                    "items": .array(members.map { ["name": .string($0.principal), "role": .string($0.role.rawValue)] })
                ])
            },
            Route(
                .put, "/api/v1/projects/{project}/members/{user}", .manageAccess,
                "Gives an account a role in a project.",
                body: .json([.init("role", "viewer, annotator, data-scientist, ml-engineer, operator, owner or admin.")]
                )
            ) { request in
                let body = try await request.json(allowed: ["role"])
                try await service.grant(
                    Self.role(body.string("role")), on: request.parameter("project"), to: request.parameter("user"),
                    as: request.principal)
                return .noContent
            },
            Route(
                .delete, "/api/v1/projects/{project}/members/{user}", .manageAccess,
                "Takes an account's role in a project away."
            ) { request in
                try await service.removeMember(
                    request.parameter("user"), from: request.parameter("project"), as: request.principal)
                return .noContent
            },
            Route(
                .get, "/api/v1/tokens", .signedIn, "Tokens that count, without their secrets.",
                query: [.init("principal", "Whose; one's own by default, 'all' for everyone's.")]
            ) { request in
                let whose = request.query("principal") ?? request.principal.name
                let tokens = try await service.tokens(of: whose == "all" ? nil : whose, as: request.principal)
                return .json(["items": .array(tokens.map(Self.json))])
            },
            Route(
                .post, "/api/v1/tokens", .signedIn, "Makes a token; its text is in this answer and never shown again.",
                body: .json([
                    .init("principal?", "Whose; one's own by default."), .init("label?", "What it is for."),
                    .init("scopes?", "Permissions by name; all by default."),
                    .init("lifetimeSeconds?", "Until it expires."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["principal", "label", "scopes", "lifetimeSeconds"])
                let (info, text) = try await service.issueToken(
                    for: body.optionalString("principal") ?? request.principal.name,
                    label: body.optionalString("label") ?? "",
                    scopes: body["scopes"] == nil ? nil : body.strings("scopes"),
                    lifetimeSeconds: body.optionalDouble("lifetimeSeconds"),
                    as: request.principal)
                var fields = Self.json(info).objectValue ?? [:]
                fields["token"] = .string(text.reveal)
                return .json(.object(fields), status: 201)
            },
            Route(.delete, "/api/v1/tokens/{id}", .signedIn, "Revokes a token.") { request in
                try await service.revokeToken(request.parameter("id"), as: request.principal)
                return .noContent
            },
        ]
    }

    static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    static func role(_ text: String) throws -> Role {
        guard let role = Role(rawValue: text) else {
            throw SlipwayError.field(
                "role", "'\(text.prefix(40))' is not a role",
                expected: Role.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return role
    }

    static func json(_ principal: Principal) -> JSONValue {
        [
            "name": .string(principal.name), "role": JSONValue(principal.role?.rawValue),
            "grants": JSONValue(principal.grants.mapValues(\.rawValue)),
        ]
    }

    private static func json(_ account: Account) -> JSONValue {
        [
            "name": .string(account.name), "kind": .string(account.kind.rawValue),
            "role": JSONValue(account.role?.rawValue),
            "created": JSONValue(account.created),
        ]
    }

    private static func json(_ token: TokenInfo) -> JSONValue {
        [
            "id": .string(token.id), "principal": .string(token.principal), "label": .string(token.label),
            "scopes": token.scopes.map { JSONValue($0) } ?? .null, "created": JSONValue(token.created),
            "expires": token.expires.map { JSONValue($0) } ?? .null, "session": .bool(token.parent != nil),
        ]
    }
}
