import Core

/// A stable name under which a model answers, whichever of its versions is in use.
public struct Endpoint: Sendable, Hashable {
    public let name: String
    public let project: String
    /// `model:restock@champion`, `model:restock@5`, or `model:restock`, which is the champion, else the newest version that
    /// the model's policy lets pass.
    public let model: Ref
    /// The share of predictions that are logged, 0 to 1.
    public let logRate: Double
    public let log: LogMode
    public let isolation: Isolation
    public let owner: String
    public let created: Timestamp
    public let updated: Timestamp

    public var ref: Ref { Ref(.endpoint, name) }

    /// Where the model runs.
    public enum Isolation: String, Sendable, CaseIterable {
        /// In the server when people approved the version or the model's policy let it take a protected alias, else in a
        /// worker.
        case auto
        /// In the server's own process.
        case server
        /// In a process of its own with a memory limit.
        case worker
    }

    /// When a prediction is written down.
    public enum LogMode: String, Sendable, CaseIterable {
        /// Up to 50 ms after the answer; a crash of the server loses what was not written yet.
        case buffered
        /// Before the answer.
        case sync
    }

    var settings: [String: JSONValue] {
        [
            "name": .string(name), "ref": JSONValue(ref), "project": .string(project), "model": JSONValue(model),
            "logRate": .number(logRate), "log": .string(log.rawValue), "isolation": .string(isolation.rawValue),
            "owner": .string(owner), "created": JSONValue(created), "updated": JSONValue(updated),
        ]
    }
}

/// What a client asks an endpoint to be.
public struct EndpointRequest: Sendable, Hashable {
    public var model: Ref
    public var project: String
    public var logRate: Double
    public var log: Endpoint.LogMode
    public var isolation: Endpoint.Isolation

    /// - Throws: `invalid` for refs of other kinds and rates that are not between 0 and 1.
    public init(
        model: Ref, project: String, logRate: Double = 1, log: Endpoint.LogMode = .buffered,
        isolation: Endpoint.Isolation = .auto
    ) throws {
        guard model.kind == .model else {
            throw SlipwayError.field(
                "model", "\(model) is not a model", expected: "a ref such as model:restock@champion")
        }
        guard (0...1).contains(logRate) else {
            throw SlipwayError.field("logRate", "\(logRate) is out of range", expected: "a share from 0 to 1")
        }
        self.model = model
        self.project = project
        self.logRate = logRate
        self.log = log
        self.isolation = isolation
    }
}

/// How an endpoint fares: what it serves now, and what went wrong.
public struct EndpointStatus: Sendable, Hashable {
    public enum State: String, Sendable {
        /// A version is loaded.
        case ready
        /// Nothing is loaded; the first request loads it.
        case idle
        /// The version that it should serve cannot be loaded; an earlier one may still answer.
        case failed
    }

    public let state: State
    /// The version that answers now.
    public let version: Ref?
    public let isolation: Endpoint.Isolation?
    /// Why the newest attempt to load a version failed.
    public let problem: String?
    /// What may go wrong: a Python environment that lacks what the model asks for.
    public let note: String?
    /// Requests answered by this process.
    public let requests: Int

    var fields: [String: JSONValue] {
        [
            "state": .string(state.rawValue), "serving": JSONValue(version?.description),
            "runsIn": JSONValue(isolation?.rawValue), "problem": JSONValue(problem), "note": JSONValue(note),
            "requests": JSONValue(requests),
        ]
    }
}
