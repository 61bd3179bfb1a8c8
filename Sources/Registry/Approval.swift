import Core

/// What a version must have before it may hold a protected alias. Simple on purpose: one number and who counts.
public struct ModelPolicy: Sendable, Hashable {
    /// How many people must approve: 0, 1 or 2.
    public var approvalsRequired: Int
    /// Whether the one who registered a version may approve it.
    public var allowsSelfApproval: Bool
    /// The aliases (and, for `production`, MLflow's stage) that only an approved version may take.
    public var protectedAliases: [String]

    public static let open = ModelPolicy(
        approvalsRequired: 0, allowsSelfApproval: false, protectedAliases: ["champion", "production"])

    public init(approvalsRequired: Int, allowsSelfApproval: Bool, protectedAliases: [String]) {
        self.approvalsRequired = approvalsRequired
        self.allowsSelfApproval = allowsSelfApproval
        self.protectedAliases = protectedAliases
    }

    /// - Throws: `invalid`.
    func validated() throws -> ModelPolicy {
        guard (0...2).contains(approvalsRequired) else {
            throw SlipwayError.field("approvalsRequired", "is \(approvalsRequired)", expected: "0, 1 or 2")
        }
        for alias in protectedAliases { try ModelAlias.validate(alias) }
        return self
    }

    func protects(_ alias: String) -> Bool { protectedAliases.contains { $0.lowercased() == alias.lowercased() } }

    public var json: JSONValue {
        [
            "approvalsRequired": JSONValue(approvalsRequired), "selfApproval": .bool(allowsSelfApproval),
            "protectedAliases": JSONValue(protectedAliases),
        ]
    }
}

/// A person's word on a version.
public struct Approval: Sendable, Hashable {
    public enum Decision: String, Sendable, CaseIterable {
        case approve
        case reject
    }

    public let decision: Decision
    public let comment: String
    public let by: String
    public let time: Timestamp

    public init(decision: Decision, comment: String, by: String, time: Timestamp) {
        self.decision = decision
        self.comment = comment
        self.by = by
        self.time = time
    }

    public var json: JSONValue {
        [
            "decision": .string(decision.rawValue), "comment": .string(comment), "by": .string(by),
            "time": JSONValue(time),
        ]
    }
}

public enum ApprovalState: String, Sendable {
    /// Nobody has decided, or not enough people.
    case pending
    case approved
    case rejected

    /// The newest word of each person counts. One rejection rejects; it takes `max(1, required)` approvals to approve.
    public init(_ approvals: [Approval], required: Int) {
        let counting = Self.counting(approvals)
        if counting.contains(where: { $0.decision == .reject }) {
            self = .rejected
        } else {
            self = counting.count >= max(1, required) ? .approved : .pending
        }
    }

    /// The newest word of each person.
    static func counting(_ approvals: [Approval]) -> [Approval] {
        var newest: [String: Approval] = [:]
        for approval in approvals where newest[approval.by].map({ $0.time <= approval.time }) ?? true {
            newest[approval.by] = approval
        }
        return newest.values.sorted { ($0.time, $0.by) < ($1.time, $1.by) }
    }
}

/// Whether approvals let a version take an alias.
struct ApprovalGate: Sendable {
    let policy: ModelPolicy
    let alias: String
    let approvals: [Approval]

    /// Why not; nil when it may. A rejection counts even where no approval is required.
    var refusal: String? {
        guard policy.protects(alias) else { return nil }
        let needed = policy.approvalsRequired
        let counting = ApprovalState.counting(approvals)
        if let reject = counting.last(where: { $0.decision == .reject }) {
            return "\(reject.by) rejected it\(reject.comment.isEmpty ? "" : ": \(reject.comment)")"
        }
        guard counting.count < needed else { return nil }
        return "'\(alias)' takes \(needed) approval\(needed == 1 ? "" : "s") and it has \(counting.count)"
    }
}
