import Core

/// A version of a pipeline as it was put: its definition and its code.
public struct PipelineVersion: Sendable, Hashable {
    public let pipeline: String
    public let project: String
    public let number: Int
    public let definition: PipelineDefinition
    /// The manifest and the digest of the code folder; nil when the steps bring none.
    public let codeManifest: String?
    public let codeDigest: Digest?
    public let author: String
    public let created: Timestamp

    public var ref: Ref { Ref(.pipeline, pipeline, version: number) }

    public var json: JSONValue {
        [
            "name": .string(pipeline), "ref": JSONValue(ref), "version": JSONValue(number), "project": .string(project),
            "definition": definition.json, "codeDigest": JSONValue(codeDigest.map { "sha256:" + $0.hex }),
            "author": .string(author), "created": JSONValue(created),
        ]
    }
}

/// One execution of a pipeline.
public struct PipelineRun: Sendable, Hashable {
    public enum State: String, Sendable {
        case queued
        case running
        /// Asked to end; its jobs are being stopped.
        case cancelling
        case succeeded
        case failed
        case cancelled

        public var isEnd: Bool { self == .succeeded || self == .failed || self == .cancelled }
    }

    public let id: String
    public let pipeline: String
    public let version: Int
    public let project: String
    public let state: State
    public let params: [String: JSONValue]
    /// Refs that stand for others in this run: `dataset:sales@latest` for `dataset:sales@3` when it repeats an earlier one.
    public let pins: [String: String]
    /// Why it was started: a ref (an alert, an event), `schedule`, or nothing when somebody asked.
    public let cause: String?
    public let actor: String
    public let usesCache: Bool
    public let created: Timestamp
    public let started: Timestamp?
    public let ended: Timestamp?
    /// What went wrong, for people.
    public let problem: String?

    public var ref: Ref { Ref(.pipelineRun, id) }

    public func json(steps: [StepRun]?) -> JSONValue {
        var fields: [String: JSONValue] = [
            "id": .string(id), "ref": JSONValue(ref), "pipeline": .string(pipeline), "version": JSONValue(version),
            "project": .string(project), "state": .string(state.rawValue), "params": .object(params),
            "cause": JSONValue(cause), "actor": .string(actor), "created": JSONValue(created),
            "started": started.map { JSONValue($0) } ?? .null, "ended": ended.map { JSONValue($0) } ?? .null,
            "problem": JSONValue(problem),
        ]
        if let steps { fields["steps"] = .array(steps.map(\.json)) }
        return .object(fields)
    }
}

/// One step of one run.
public struct StepRun: Sendable, Hashable {
    public enum State: String, Sendable {
        case pending
        case running
        case succeeded
        /// An earlier run with the same recipe stood in.
        case cached
        case failed
        case cancelled
        /// A step that it waits for did not succeed.
        case skipped

        public var isGood: Bool { self == .succeeded || self == .cached }
    }

    public let run: String
    public let step: String
    public let state: State
    public let attempt: Int
    /// What went in and how, once it has started.
    public let recipe: JSONValue?
    public let recipeDigest: Digest?
    /// The run whose outputs these are, when they came from the cache.
    public let cachedFrom: String?
    public let outputs: [String: StepResult]
    public let problem: String?
    /// What the job used and what confined it.
    public let usage: JSONValue?
    public let started: Timestamp?
    public let ended: Timestamp?

    public var json: JSONValue {
        [
            "step": .string(step), "state": .string(state.rawValue), "attempt": JSONValue(attempt),
            "recipe": recipe ?? .null, "recipeDigest": JSONValue(recipeDigest?.hex),
            "cachedFrom": JSONValue(cachedFrom),
            "outputs": .object(outputs.mapValues(\.json)), "problem": JSONValue(problem), "usage": usage ?? .null,
            "started": started.map { JSONValue($0) } ?? .null, "ended": ended.map { JSONValue($0) } ?? .null,
        ]
    }
}

/// What became of one output.
public struct StepResult: Sendable, Hashable {
    /// The files, as an object manifest.
    public let manifest: String
    /// Over the list of files: equal digests, equal outputs.
    public let digest: Digest
    /// The dataset version that was made of it.
    public let ref: Ref?

    public init(manifest: String, digest: Digest, ref: Ref?) {
        self.manifest = manifest
        self.digest = digest
        self.ref = ref
    }

    public var json: JSONValue {
        ["manifest": .string(manifest), "digest": .string(digest.hex), "ref": JSONValue(ref?.description)]
    }

    init(_ json: JSONValue) throws {
        let fields = try JSONFields(json)
        try self.init(
            manifest: fields.string("manifest"), digest: Digest(parsing: fields.string("digest")),
            ref: fields.optionalRef("ref"))
    }
}
