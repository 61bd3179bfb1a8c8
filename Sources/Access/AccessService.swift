import Core
import Database
import Ledger
import Synchronization
import Web

extension Permission {
    /// Users, tokens of others, grants.
    public static let manageAccess = Permission("access.manage", [.owner])
    /// Who is a member of a project.
    public static let readMembers = Permission("access.read", .readers)
}

/// Users, service accounts, tokens and grants; default deny.
public final class AccessService: Sendable {
    public static let migrations = AccessSchema.migrations
    /// A looked-up token counts this long before it is looked up again; revoking clears it at once in this process.
    private static let cacheSeconds = 5.0
    private static let cacheMaximum = 10_000

    let ledger: Ledger
    let clock: Clock
    let store = AccessStore()
    let failedSignIns = FailedSignIns()
    private let cache = Mutex<[String: Known]>([:])

    /// A token that was looked up.
    struct Known: Sendable {
        let principal: Principal
        let info: TokenInfo
        /// Until then it need not be looked up again.
        let until: Timestamp
    }

    /// Whether a request without a token from this machine acts as the local admin.
    private let openToLocalUse: Bool

    var database: Database { ledger.database }

    public init(ledger: Ledger, openToLocalUse: Bool, clock: Clock = .system) {
        self.ledger = ledger
        self.openToLocalUse = openToLocalUse
        self.clock = clock
    }

    /// Who sends a request with these credentials. An `Authorization` header counts before a session.
    ///
    /// Takes `Bearer TOKEN`, and `Basic` with the token as the password, as MLflow clients send it.
    /// - Throws: `unauthenticated`.
    public func authenticate(_ credentials: Credentials) async throws -> Principal {
        guard let authorization = credentials.authorization else { return try await withoutToken(credentials) }
        let parts = authorization.split(separator: " ", maxSplits: 1).map(String.init)
        let text: String? =
            switch parts.first?.lowercased() {
            case "bearer": parts.last
            case "basic": parts.last.flatMap(Self.passwordOfBasic)
            default: nil
            }
        guard let text else {
            throw SlipwayError(.unauthenticated, "The Authorization header is not understood; expected 'Bearer TOKEN'.")
        }
        guard let found = try await look(up: text, isSession: false) else {
            throw SlipwayError(
                .unauthenticated, "The token is not known, has expired or was revoked. Ask an owner for a new one.")
        }
        return found.principal
    }

    private func withoutToken(_ credentials: Credentials) async throws -> Principal {
        if let session = credentials.session, let found = try await look(up: session, isSession: true) {
            return found.principal
        }
        if openToLocalUse, credentials.peerIsLoopback { return Principal(name: "local", role: .admin) }
        throw SlipwayError(
            .unauthenticated,
            credentials.session == nil
                ? "This needs a token. Send 'Authorization: Bearer TOKEN', or set SLIPWAY_TOKEN for the command line."
                : "The session has ended. Sign in again.")
    }

    /// What a text stands for that says it is a token, or a session; nil if it does not count.
    func look(up text: String, isSession: Bool) async throws -> Known? {
        let now = clock.now()
        let key = Digest.of(text).hex
        if let hit = cache.withLock({ $0[key] }), hit.until > now, hit.info.counts(at: now),
            (hit.info.parent != nil) == isSession
        {
            return hit
        }
        guard let (id, secret) = Self.parts(ofToken: text) else { return nil }
        let found = try await database.read { [store] db -> (Known, String)? in
            guard let (info, hash) = try store.token(db, id: id), (info.parent != nil) == isSession,
                let account = try store.account(db, info.principal)
            else { return nil }
            // A session counts no longer than the token that began it; what it hands on may live as long as that.
            var expires = info.expires
            if let parent = info.parent {
                guard let (info, _) = try store.token(db, id: parent), info.counts(at: now) else { return nil }
                expires = info.expires
            }
            let principal = Principal(
                name: account.name, role: account.role, grants: try store.grants(db, of: account.name),
                scopes: info.scopes.map { Set($0) }, expires: expires)
            return (Known(principal: principal, info: info, until: now.adding(seconds: Self.cacheSeconds)), hash)
        }
        guard let (known, hash) = found, known.info.counts(at: now),
            Crypto.equalInConstantTime(Array(Digest.of(secret).hex.utf8), Array(hash.utf8))
        else { return nil }
        cache.withLock { cache in
            if cache.count >= Self.cacheMaximum { cache.removeAll() }
            cache[key] = known
        }
        return known
    }

    /// `slw_ID_SECRET`.
    static func parts(ofToken text: String) -> (id: String, secret: [UInt8])? {
        let parts = text.split(separator: "_").map(String.init)
        guard parts.count == 3, parts[0] == "slw", let secret = Hex.decode(parts[2]) else { return nil }
        return (parts[1], secret)
    }

    // MARK: Accounts

    public func createAccount(name: String, kind: Account.Kind, role: Role?, as principal: Principal) async throws
        -> Account
    {
        try principal.require(.manageAccess, in: nil)
        try Name.validate(name)
        if role == .admin { try requireAdmin(principal, "make an admin") }
        let account = Account(name: name, kind: kind, role: role, created: clock.now())
        try await database.write { [store, ledger] db in
            guard try store.insert(db, account) else {
                throw SlipwayError(.conflict, "There is already an account named \(name).", ref: Ref(.user, name))
            }
            try ledger.append(
                db, "account.created", Ref(.user, name), project: nil, by: principal,
                data: ["kind": .string(kind.rawValue), "role": JSONValue(role?.rawValue)])
        }
        return account
    }

    public func accounts(_ page: PageRequest, as principal: Principal) async throws -> Page<Account> {
        try principal.require(.manageAccess, in: nil)
        return try await database.read { [store] db in try store.accounts(db, page) }
    }

    // MARK: Grants

    public func grant(_ role: Role, on project: String, to name: String, as principal: Principal) async throws {
        try principal.require(.manageAccess, in: project)
        if role == .admin, principal.grants[project] != .admin { try requireAdmin(principal, "make an admin") }
        let now = clock.now()
        try await database.write { [store, ledger] db in
            guard try store.account(db, name) != nil else {
                throw SlipwayError.notFound(Ref(.user, name), hint: "Create it with 'slipway user create \(name)'.")
            }
            try store.grant(db, project: project, principal: name, role: role, at: now)
            try ledger.append(
                db, "project.member.granted", Ref(.project, project), project: project, by: principal,
                data: ["member": .string(name), "role": .string(role.rawValue)])
        }
        forget()
    }

    public func removeMember(_ name: String, from project: String, as principal: Principal) async throws {
        try principal.require(.manageAccess, in: project)
        try await database.write { [store, ledger] db in
            guard try store.revokeGrant(db, project: project, principal: name) else {
                throw SlipwayError(.notFound, "\(name) is not a member of \(project).", ref: Ref(.project, project))
            }
            try ledger.append(
                db, "project.member.removed", Ref(.project, project), project: project, by: principal,
                data: ["member": .string(name)])
        }
        forget()
    }

    public func members(of project: String, as principal: Principal) async throws -> [(principal: String, role: Role)] {
        try principal.require(.readMembers, in: project)
        return try await database.read { [store] db in try store.members(db, project: project) }
    }

    /// Nobody hands out more than they have: only an admin makes admins, or tokens that act as one.
    private func requireAdmin(_ principal: Principal, _ deed: String) throws {
        guard principal.role == .admin else {
            throw SlipwayError(
                .forbidden, "\(principal.name) may not \(deed); that takes an admin.", details: ["role": "admin"])
        }
    }

    // MARK: Tokens

    /// Ten years, as good as for ever.
    private static let lifetimeMaximumSeconds = 315_360_000.0

    /// Makes a token; its text is returned here and never again.
    ///
    /// - Parameter lifetimeSeconds: nil means until it is revoked.
    public func issueToken(
        for name: String, label: String, scopes: [String]?, lifetimeSeconds: Double?, as principal: Principal
    ) async throws -> (info: TokenInfo, text: Secret<String>) {
        if principal.name != name { try principal.require(.manageAccess, in: nil) }
        if let own = principal.scopes, !(scopes.map { Set($0).isSubset(of: own) } ?? false) {
            throw SlipwayError(.forbidden, "A token with scopes cannot make one with more.")
        }
        if let seconds = lifetimeSeconds, !(seconds > 0 && seconds <= Self.lifetimeMaximumSeconds) {
            throw SlipwayError.field(
                "lifetimeSeconds", "is out of range",
                expected: "more than 0, at most \(Int(Self.lifetimeMaximumSeconds))")
        }
        guard label.utf8.count <= Limits.nameBytes else {
            throw SlipwayError.field("label", "is too long", expected: "at most \(Limits.nameBytes) bytes")
        }
        let left = principal.expires.map { Double($0.milliseconds - clock.now().milliseconds) / 1000 }
        let lifetime = left.map { min(lifetimeSeconds ?? $0, $0) } ?? lifetimeSeconds
        let (info, text, hash) = make(for: name, label: label, scopes: scopes, lifetimeSeconds: lifetime)
        try await database.write { [store, ledger] db in
            guard let account = try store.account(db, name) else {
                throw SlipwayError.notFound(Ref(.user, name), hint: "Create it with 'slipway user create \(name)'.")
            }
            if account.role == .admin, principal.name != name {
                try self.requireAdmin(principal, "make a token that acts as the admin \(name)")
            }
            try store.insert(db, info, secretHash: hash)
            try ledger.append(
                db, "token.issued", Ref(.token, info.id), project: nil, by: principal,
                data: [
                    "principal": .string(name), "label": .string(label),
                    "scopes": scopes.map { JSONValue($0) } ?? .null,
                ])
        }
        return (info, text)
    }

    /// A token for a pipeline step: acts as a service account with one role in one project. Issued inside the caller's
    /// transaction; leaves no event, since the step's own event names it. `endStepToken` ends it with the step; should that
    /// never be called, it ends after its lifetime.
    public func issueStepToken(
        _ db: any Transaction, account: String, role: Role, project: String, lifetimeSeconds: Double
    ) throws -> (id: String, text: Secret<String>) {
        let now = clock.now()
        _ = try store.insert(db, Account(name: account, kind: .service, role: nil, created: now))
        try store.grant(db, project: project, principal: account, role: role, at: now)
        try store.deleteEnded(db, before: now.adding(seconds: -86_400))
        let (info, text, hash) = make(for: account, label: "step", scopes: nil, lifetimeSeconds: lifetimeSeconds)
        try store.insert(db, info, secretHash: hash)
        return (info.id, text)
    }

    public func endStepToken(_ id: String) async throws {
        let now = clock.now()
        try await database.write { [store] db in _ = try store.revoke(db, id: id, at: now) }
        forget()
    }

    public func tokens(of name: String?, as principal: Principal) async throws -> [TokenInfo] {
        if name != principal.name { try principal.require(.manageAccess, in: nil) }
        return try await database.read { [store] db in try store.tokens(db, principal: name) }
    }

    public func revokeToken(_ id: String, as principal: Principal) async throws {
        let now = clock.now()
        try await database.write { [store, ledger] db in
            guard let (info, _) = try store.token(db, id: id) else { throw SlipwayError.notFound(Ref(.token, id)) }
            if info.principal != principal.name { try principal.require(.manageAccess, in: nil) }
            _ = try store.revoke(db, id: id, at: now)
            try ledger.append(db, "token.revoked", Ref(.token, id), project: nil, by: principal)
        }
        forget()
    }

    /// On the first start: the account `admin` and a token for the command line; nil when there are accounts already.
    public func bootstrap() async throws -> Secret<String>? {
        let now = clock.now()
        let (info, text, hash) = make(for: "admin", label: "first start", scopes: nil, lifetimeSeconds: nil)
        let created = try await database.write { [store, ledger] db in
            guard try store.insert(db, Account(name: "admin", kind: .user, role: .admin, created: now)) else {
                return false
            }
            try store.insert(db, info, secretHash: hash)
            try ledger.append(
                db, "account.created", Ref(.user, "admin"), project: nil, by: .system,
                data: ["kind": "user", "role": "admin"])
            return true
        }
        return created ? text : nil
    }

    /// A token, its text, and the hash of its secret, which is all that is stored of it.
    func make(for name: String, label: String, scopes: [String]?, lifetimeSeconds: Double?, parent: String? = nil) -> (
        TokenInfo, Secret<String>, String
    ) {
        let now = clock.now()
        let id = Hex.encode(Crypto.randomBytes(8))
        let secret = Crypto.randomBytes(24)
        let info = TokenInfo(
            id: id, principal: name, label: label, scopes: scopes, created: now,
            expires: lifetimeSeconds.map { now.adding(seconds: $0) },
            revoked: nil, parent: parent)
        return (info, Secret("slw_\(id)_\(Hex.encode(secret))"), Digest.of(secret).hex)
    }

    func forget() { cache.withLock { $0.removeAll() } }

    /// RFC 7617: base64 of `user:password`.
    private static func passwordOfBasic(_ text: String) -> String? {
        guard let bytes = Base64.decode(text), let pair = String(validating: bytes, as: UTF8.self),
            let colon = pair.firstIndex(of: ":")
        else { return nil }
        return String(pair[pair.index(after: colon)...])
    }
}
