import Core
import Platform
import Projects
import TestSupport
import Tracking

@testable import Traces

let admin = Principal(name: "ada", role: .admin)

/// The services on each database, with a project `p` and an experiment in it.
struct TraceWorld {
    let platform: Platform
    let traces: TraceService
    let evaluation: EvaluationService
    let tracking: TrackingService
    let experiment: String

    static func each(_ body: (TraceWorld) async throws -> Void) async throws {
        let migrations = ProjectsFeature.migrations + TrackingFeature.migrations + TracesFeature.migrations
        try await TestPlatform.each(migrations) { platform in
            _ = try await ProjectsService(platform).create(name: "p", owner: nil, description: "", goals: [], as: admin)
            let tracking = TrackingFeature.make(platform).service
            let experiment = try await tracking.createExperiment(name: "e", project: "p", as: admin)
            let traces = TracesFeature.make(platform, tracking: tracking)
            try await body(
                TraceWorld(
                    platform: platform, traces: traces.service, evaluation: traces.evaluation, tracking: tracking,
                    experiment: experiment.id))
        }
    }

    func ingest(_ spans: [Span], resource: [Attribute] = [], run: String? = nil) async throws {
        try await traces.ingest(
            [ResourceSpans(resource: resource, spans: spans)], experiment: experiment, run: run, as: admin)
    }

    /// The ids that a filter finds, without `tr-` and zeros.
    func found(_ filter: String, order: [String] = []) async throws -> [String] {
        var search = TraceSearch(experiments: [experiment])
        search.filter = try Filter.parse(filter)
        search.order = try order.map { try SortTerm(parsing: $0) }
        return try await traces.search(search, as: admin).items.map { String($0.id.suffix(1)) }
    }
}

/// A span of trace `trace`, from second `start` on.
func span(
    _ trace: Int, _ id: Int, parent: Int? = nil, _ name: String = "s", start: Int64 = 1, seconds: Int64 = 1,
    _ attributes: [Attribute] = [], status: SpanStatus = .ok
) -> Span {
    func hex(_ number: Int, _ count: Int) -> String {
        let text = String(number, radix: 16)
        return String(repeating: "0", count: count - text.utf8.count) + text
    }
    var span = Span(traceID: hex(trace, 32), id: hex(id, 16))
    span.parent = parent.map { hex($0, 16) }
    span.name = name
    span.startedNanoseconds = start * 1_000_000_000
    span.endedNanoseconds = (start + seconds) * 1_000_000_000
    span.attributes = attributes
    span.status = status
    return span
}

func traceID(_ trace: Int) -> String { "tr-" + span(trace, 1).traceID }

/// The code and message of the error that `body` throws.
func failure(_ body: () async throws -> Void) async -> SlipwayError? {
    do {
        try await body()
        return nil
    } catch { return error as? SlipwayError }
}

/// Writes protocol buffers, for requests of tests.
struct Protobuf {
    private(set) var bytes: [UInt8] = []

    static func message(_ body: (inout Protobuf) -> Void) -> [UInt8] {
        var message = Protobuf()
        body(&message)
        return message.bytes
    }

    mutating func varint(_ field: Int, _ value: UInt64) {
        number(UInt64(field) << 3)
        number(value)
    }

    mutating func fixed64(_ field: Int, _ value: UInt64) {
        number(UInt64(field) << 3 | 1)
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    mutating func bytes(_ field: Int, _ value: [UInt8]) {
        number(UInt64(field) << 3 | 2)
        number(UInt64(value.count))
        bytes += value
    }

    mutating func text(_ field: Int, _ value: String) { bytes(field, Array(value.utf8)) }

    private mutating func number(_ value: UInt64) {
        var rest = value
        while rest > 127 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
