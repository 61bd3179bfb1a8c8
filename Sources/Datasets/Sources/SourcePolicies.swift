import Core
import Database
import Ledger
import Platform
import Projects
import Transport

extension Permission {
    /// Where a project's sources may go.
    static let manageSourcePolicy = Permission("sources.policy", [.owner])
}

/// Where a project's sources may go, within what the server allows.
struct ProjectSourcePolicy: Sendable, Hashable {
    let project: String
    /// The hosts, as `HostList` takes them; nil for any.
    var hosts: [String]?
    /// Whether private and loopback addresses may be reached.
    var allowsPrivate = false

    var json: JSONValue {
        [
            "project": .string(project), "hosts": hosts.map { JSONValue($0) } ?? .null,
            "allowPrivate": .bool(allowsPrivate),
        ]
    }
}

extension DatasetsService {
    // MARK: Outbound policy

    /// What the sources and webhooks of a project may reach: hosts that both the server's and the project's list have, and private
    /// addresses if either allows them.
    ///
    /// - Parameter project: nil for what belongs to no project: the server's rules alone.
    public func outbound(_ project: String?) async throws -> OutboundPolicy {
        let own = try await project.asyncMap { project in
            try await platform.database.read { [store] in try store.policy($0, project: project) }
        }.flatMap { $0 }
        let lists = [platform.sources.hosts, try own?.hosts.map { try HostList(parsing: $0) }].compactMap { $0 }
        let allowsPrivate = platform.sources.allowsPrivateAddresses || own?.allowsPrivate ?? false
        return OutboundPolicy(hosts: lists, addresses: allowsPrivate ? .privateToo : .publicOnly)
    }

    func sourcePolicy(_ project: String, as principal: Principal) async throws -> ProjectSourcePolicy {
        try principal.require(.readDatasets, in: project)
        return try await platform.database.read { [store] in try store.policy($0, project: project) }
            ?? ProjectSourcePolicy(project: project)
    }

    /// Owners of a project choose its hosts; private addresses are for an admin to allow, whose network they are.
    func setSourcePolicy(_ policy: ProjectSourcePolicy, as principal: Principal) async throws -> ProjectSourcePolicy {
        try principal.require(.manageSourcePolicy, in: policy.project)
        _ = try policy.hosts.map { try HostList(parsing: $0) }
        return try await platform.database.write { [store, ledger = platform.ledger] db in
            try ProjectsStore().require(db, policy.project)
            let before = try store.policy(db, project: policy.project)?.allowsPrivate ?? false
            guard !policy.allowsPrivate || before || principal.role == .admin else {
                throw SlipwayError(
                    .forbidden,
                    "Private addresses belong to the server's own network; only an admin can let a project's sources reach them."
                )
            }
            try store.set(db, policy)
            try ledger.append(
                db, "source.policy.set", Ref(.project, policy.project), project: policy.project, by: principal,
                data: policy.json)
            return policy
        }
    }
}
