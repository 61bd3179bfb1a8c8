import Core
import Tracking

/// What a trace is about, without its spans.
public struct TraceInfo: Sendable, Hashable {
    /// `tr-` and OpenTelemetry's trace id, or what an old client was given.
    public let id: String
    public let experiment: String
    public let project: String
    public let clientRequestID: String?
    public let requestPreview: String?
    public let responsePreview: String?
    public let started: Timestamp
    public let durationMilliseconds: Int64?
    public let state: TraceState
    /// Set once, by the client; by key.
    public var metadata: [KeyValue] = []
    /// By key.
    public var tags: [KeyValue] = []
    public var assessments: [Assessment] = []
    /// The id in the database.
    let key: Int64
    let isDeleted: Bool

    public var ref: Ref { Ref(.trace, id) }
}

public enum TraceState: String, Sendable, Hashable, CaseIterable {
    case unspecified = "STATE_UNSPECIFIED"
    case ok = "OK"
    case error = "ERROR"
    case inProgress = "IN_PROGRESS"
}

/// A trace with its spans: the root first, then by start.
public struct Trace: Sendable, Hashable {
    public let info: TraceInfo
    public let spans: [StoredSpan]
}

/// What a client says of a trace as a whole; it counts more than what its spans tell.
public struct TraceDraft: Sendable {
    public var id: String
    public var experiment: String
    public var clientRequestID: String?
    public var requestPreview: String?
    public var responsePreview: String?
    public var started: Timestamp
    public var durationMilliseconds: Int64?
    public var state: TraceState
    public var metadata: [KeyValue] = []
    public var tags: [KeyValue] = []
    public var assessments: [AssessmentDraft] = []

    public init(id: String, experiment: String, started: Timestamp, state: TraceState) {
        self.id = id
        self.experiment = experiment
        self.started = started
        self.state = state
    }
}

/// Keys of metadata, tags and attributes that mean something to the server.
public enum TraceKey {
    public static let name = "mlflow.traceName"
    public static let spansLocation = "mlflow.trace.spansLocation"
    public static let artifactLocation = "mlflow.artifactLocation"
    public static let isFinal = "mlflow.trace.infoFinalized"
    public static let sourceRun = "mlflow.sourceRun"
    public static let session = "mlflow.trace.session"
    public static let user = "mlflow.trace.user"
    public static let tokenUsage = "mlflow.trace.tokenUsage"
    public static let cost = "mlflow.trace.cost"
    public static let sizeStats = "mlflow.trace.sizeStats"
    /// Tags that only the server sets.
    static let reserved: Set<String> = [
        spansLocation, artifactLocation, "mlflow.trace.archiveLocation", "mlflow.trace.archivalFailure",
    ]
}

/// Limits on traces; those that MLflow has are its own.
public enum TraceLimits {
    public static let idLength = 250
    public static let tagKeyLength = 250
    /// Longer values of tags and metadata are cut.
    public static let tagValueLength = 8000
    public static let previewLength = 1000
    public static let searchMaximum = 500
    public static let linksPerRequest = 100
    public static let batchMaximum = 500
    public static let deleteMaximum = 100
    public static let assessmentBytes = 1 << 20
    /// A request of OTLP, as sent and unpacked.
    public static let requestBytes = 32 << 20
    public static let unpackedBytes = 64 << 20
    public static let spansPerRequest = 50_000
    public static let valuesPerRequest = 2_000_000
    /// How deep values of attributes may nest, and how much of that is kept as structure.
    static let attributeDepth = 64
    static let storedDepth = 10
    /// Larger bodies of spans are objects; the row keeps an excerpt for searches.
    static let rowBytes = 64 << 10
    static let excerptCharacters = 1000
    static let excerptAttributes = 32
}

extension TraceDraft {
    /// - Throws: `invalid` for the first thing that breaks a rule.
    func checked() throws -> TraceDraft {
        guard !id.isEmpty, id.unicodeScalars.count <= TraceLimits.idLength,
            id.unicodeScalars.allSatisfy({ $0.value > 32 && $0.value < 127 && $0 != "/" })
        else {
            throw SlipwayError.field(
                "trace_id", "'\(id.prefix(80))' is not a trace's id", expected: "tr- and 32 hexadecimal digits")
        }
        var result = self
        result.tags = try tags.map(TraceRules.tag)
        result.metadata = metadata.map { TraceRules.metadata($0) }
        result.requestPreview = requestPreview.map(TraceRules.preview)
        result.responsePreview = responsePreview.map(TraceRules.preview)
        return result
    }
}

enum TraceRules {
    static func tag(_ tag: KeyValue) throws -> KeyValue {
        guard !tag.key.isEmpty, tag.key.unicodeScalars.count <= TraceLimits.tagKeyLength else {
            throw SlipwayError.field(
                "key", "is empty or longer than \(TraceLimits.tagKeyLength) characters", expected: "a short name")
        }
        return KeyValue(tag.key.withoutNUL, cut(tag.value, TraceLimits.tagValueLength))
    }

    static func metadata(_ item: KeyValue) -> KeyValue {
        KeyValue(cut(item.key, TraceLimits.tagKeyLength), cut(item.value, TraceLimits.tagValueLength))
    }

    static func preview(_ text: String) -> String {
        let text = text.withoutNUL
        guard text.utf8.count > TraceLimits.previewLength, text.unicodeScalars.count > TraceLimits.previewLength else {
            return text
        }
        return cut(text, TraceLimits.previewLength - 3) + "..."
    }

    static func cut(_ text: String, _ limit: Int) -> String {
        let text = text.withoutNUL
        guard text.utf8.count > limit, text.unicodeScalars.count > limit else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit)))
    }
}
