/// The closed set of reasons for which Slipway refuses. Each wire maps all of them in one table: HTTP status in `Web`,
/// exit code in `CommandKit`, MLflow's codes in `MLflowAPI`.
public enum ErrorCode: String, Sendable, CaseIterable, Codable {
    /// The request is malformed or breaks a rule; sending it again cannot help.
    case invalid
    /// No credentials, or credentials that do not count.
    case unauthenticated
    /// The principal may not do this.
    case forbidden
    /// The named thing does not exist.
    case notFound = "not_found"
    /// The state of the thing does not allow this now, or the name is taken.
    case conflict
    /// A size, count or depth is over its limit.
    case tooLarge = "too_large"
    /// Too many requests.
    case rateLimited = "rate_limited"
    /// The work did not end in the time that it was given.
    case deadlineExceeded = "deadline_exceeded"
    /// The work was cancelled.
    case cancelled
    /// A part that is needed is not there now (a library, a worker, a remote service).
    case unavailable
    /// Slipway does not do this.
    case unsupported
    /// A fault of Slipway's own; the cause is in the log.
    case `internal`
}

/// The one error that crosses a border of Slipway. Its message is safe to show: what was wrong, what was expected, what
/// to do next. Any other error that reaches a border is reported as `internal` and logged once.
public struct SlipwayError: Error, Sendable {
    public let code: ErrorCode
    public let message: String
    /// Machine-readable facts: the field, the limit, the current state.
    public let details: [String: String]
    /// What the error is about.
    public let ref: Ref?
    /// Logged at the border, never sent.
    public let cause: (any Error)?

    public init(
        _ code: ErrorCode, _ message: String, details: [String: String] = [:], ref: Ref? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.details = details
        self.ref = ref
        self.cause = cause
    }

    /// A field of a request that breaks a rule. `expected` completes "expected …".
    public static func field(_ name: String, _ problem: String, expected: String? = nil) -> SlipwayError {
        let hint = expected.map { "; expected \($0)" } ?? ""
        return SlipwayError(.invalid, "\(name): \(problem)\(hint).", details: ["field": name])
    }

    /// Something that a ref names and that does not exist.
    public static func notFound(_ ref: Ref, hint: String? = nil) -> SlipwayError {
        SlipwayError(.notFound, "\(ref) does not exist.\(hint.map { " " + $0 } ?? "")", ref: ref)
    }
}

extension SlipwayError: CustomStringConvertible {
    public var description: String { "\(code.rawValue): \(message)" }
}

extension ErrorCode {
    /// The HTTP status of each code; the one table.
    public var httpStatus: Int {
        switch self {
        case .invalid: 400
        case .unauthenticated: 401
        case .forbidden: 403
        case .notFound: 404
        case .conflict: 409
        case .tooLarge: 413
        case .rateLimited: 429
        case .deadlineExceeded: 504
        case .cancelled: 499
        case .unavailable: 503
        case .unsupported: 501
        case .internal: 500
        }
    }
}
