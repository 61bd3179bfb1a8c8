import Core
import Database
import Ledger
import Platform
import Projects

extension Permission {
    /// Secrets let sources reach what is protected elsewhere.
    static let manageSecrets = Permission("secrets.manage", .makers)
}

extension DatasetsStore {
    // MARK: Secrets

    func set(_ db: any Transaction, _ secret: StoredSecret, sealed: String) throws {
        try db.execute(
            """
            INSERT INTO secret (project, name, sealed, author, created_ms)
            VALUES (\(secret.project), \(secret.name), \(sealed), \(secret.author), \(secret.created))
            ON CONFLICT (project, name) DO UPDATE
            SET sealed = excluded.sealed, author = excluded.author, created_ms = excluded.created_ms
            """)
    }

    func sealedSecret(_ db: any Transaction, project: String, name: String) throws -> String? {
        try db.one("SELECT sealed FROM secret WHERE project = \(project) AND name = \(name)") { try $0.text(0) }
    }

    func secrets(_ db: any Transaction, project: String) throws -> [StoredSecret] {
        try db.all(
            "SELECT name, author, created_ms FROM secret WHERE project = \(project) ORDER BY name LIMIT 10000"
        ) {
            StoredSecret(
                project: project, name: try $0.text(0), author: try $0.text(1), created: try $0.time(2))
        }
    }

    func removeSecret(_ db: any Transaction, project: String, name: String) throws -> Bool {
        try db.execute("DELETE FROM secret WHERE project = \(project) AND name = \(name)") == 1
    }
}

extension DatasetsService {
    // MARK: Secrets

    /// Keeps a secret of a project, sealed; one of that name is replaced.
    func setSecret(_ name: String, _ value: Secret<String>, project: String, as principal: Principal) async throws
        -> StoredSecret
    {
        try principal.require(.manageSecrets, in: project)
        try Name.validate(name)
        guard !value.reveal.isEmpty, value.reveal.utf8.count <= StoredSecret.maximumBytes else {
            throw SlipwayError.field(
                "value", "is empty or over \(StoredSecret.maximumBytes) bytes", expected: "the secret as text")
        }
        let secret = StoredSecret(
            project: project, name: name, author: principal.name, created: platform.clock.now())
        let box = try SecretBox.open(folder: platform.dataDirectory, makesKey: true)
        let sealed = box.seal(value, project: project, name: name)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, project)
            try store.set(db, secret, sealed: sealed)
            try ledger.append(
                db, "secret.set", Ref(.project, project), project: project, by: principal,
                data: ["name": .string(name)])
        }
        return secret
    }

    func secrets(project: String, as principal: Principal) async throws -> [StoredSecret] {
        try principal.require(.manageSecrets, in: project)
        return try await platform.database.read { [store] in try store.secrets($0, project: project) }
    }

    func removeSecret(_ name: String, project: String, as principal: Principal) async throws {
        try principal.require(.manageSecrets, in: project)
        try await platform.database.write { [store, ledger = platform.ledger] db in
            guard try store.removeSecret(db, project: project, name: name) else {
                throw SlipwayError(.notFound, "The project \(project) has no secret \(name.prefix(80)).")
            }
            try ledger.append(
                db, "secret.removed", Ref(.project, project), project: project, by: principal,
                data: ["name": .string(name)])
        }
    }

    /// The value of a secret, for the server's own use.
    func openSecret(_ name: String, project: String) async throws -> Secret<String> {
        guard
            let sealed = try await platform.database.read({ [store] in
                try store.sealedSecret($0, project: project, name: name)
            })
        else {
            throw SlipwayError(
                .notFound,
                "The project \(project) has no secret \(name). Set it: slipway secret set \(name) --project \(project)."
            )
        }
        return try SecretBox.open(folder: platform.dataDirectory, makesKey: false)
            .open(sealed, project: project, name: name)
    }
}
