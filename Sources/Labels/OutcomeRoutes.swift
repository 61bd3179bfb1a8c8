import Core
import Web

/// HTTP in, HTTP out: models' labels, agreement, and what leaves.
struct OutcomeRoutes {
    let service: LabelsService

    private static let task = "/api/v1/label-tasks/{task}"

    var routes: [Route] { [prelabels, agreement, publish, orphans] }

    private var prelabels: Route {
        Route(
            .post, Self.task + "/prelabels", .manageLabels,
            "Notes what a model says about items: JSON lines {key, value, score, probabilities}.",
            query: [.init("model", "The model's version: model:iris@3.")], body: .bytes(type: "application/x-ndjson")
        ) { request in
            guard let text = request.query("model") else {
                throw SlipwayError.field("model", "is missing", expected: "?model=model:iris@3")
            }
            var lines = BodyLines(request.body, maximumBytes: LabelsService.prelabelsMaximumBytes)
            var number = 0
            let (labelled, unknown, keys) = try await service.prelabel(
                request.parameter("task"), model: Ref(parsing: text), as: request.principal
            ) {
                var drafts: [PrelabelDraft] = []
                while drafts.count < LabelsService.prelabelsPerStep, let line = try await lines.next() {
                    number += 1
                    drafts.append(try PrelabelDraft(JSONValue(parsing: line), path: "line \(number)"))
                }
                return drafts.isEmpty ? nil : drafts
            }
            return .json([
                "labelled": JSONValue(labelled), "unknown": JSONValue(unknown),
                "unknownKeys": .array(keys.map { JSONValue($0) }),
            ])
        }
    }

    private var agreement: Route {
        Route(
            .get, Self.task + "/agreement", .annotateLabels,
            "How far annotators agree: Cohen's and Fleiss' kappa, Krippendorff's alpha, overlaps and F1 of shapes."
        ) { request in
            .json(try await service.agreement(request.parameter("task"), as: request.principal))
        }
    }

    private var publish: Route {
        Route(
            .post, Self.task + "/publish", .publishLabels,
            "Makes the labels columns of a new version: NAME, NAME_by, NAME_at, NAME_votes.",
            body: .json([
                .init("branch?", "main by default."), .init("include?", "complete (default), reviewed or any."),
                .init("rule?", "majority or rank; the task's by default."),
                .init("column?", "The label's column; the task's by default."), .init("message?", "Why."),
            ])
        ) { request in
            let body = try await request.json(allowed: ["branch", "include", "rule", "column", "message"])
            let published = try await service.publish(
                request.parameter("task"), branch: body.optionalString("branch") ?? "main",
                include: Self.include(body.optionalString("include")), rule: TaskRoutes.rule(body),
                column: body.optionalString("column"), message: body.optionalString("message"), as: request.principal)
            return .json(published.json, status: published.isNew ? 201 : 200)
        }
    }

    private var orphans: Route {
        Route(
            .get, Self.task + "/orphans", .signedIn, "Labels whose row is not in the newest version of a branch.",
            query: [.init("branch", "main by default."), .init("limit", "So many keys, 100 by default.")]
        ) { request in
            let limit = try request.page().limit
            let found = try await service.orphans(
                request.parameter("task"), branch: request.query("branch") ?? "main", limit: limit, as: request.principal)
            return .json([
                "version": JSONValue(found.base), "orphans": JSONValue(found.count),
                "keys": .array(found.keys.map { JSONValue($0) }),
            ])
        }
    }

    static func include(_ text: String?) throws -> LabelsIncluded {
        guard let text else { return .complete }
        guard let include = LabelsIncluded(rawValue: text) else {
            throw SlipwayError.field(
                "include", "'\(text.prefix(20))' is not known",
                expected: LabelsIncluded.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return include
    }
}

/// The lines of a request's body, one at a time; empty ones are left out.
struct BodyLines {
    static let lineMaximumBytes = 4 << 20

    private var iterator: RequestBody.Iterator
    private var rest: [UInt8] = []
    private var at = 0
    private var total: Int64 = 0
    private let maximumBytes: Int64

    init(_ body: RequestBody, maximumBytes: Int64) {
        iterator = body.makeAsyncIterator()
        self.maximumBytes = maximumBytes
    }

    mutating func next() async throws -> [UInt8]? {
        while true {
            if let end = rest[at...].firstIndex(of: 10) {
                let line = Array(rest[at..<end])
                at = end + 1
                if line.contains(where: { $0 > 32 }) { return line }
                continue
            }
            rest.removeFirst(at)
            at = 0
            guard rest.count <= Self.lineMaximumBytes else {
                throw SlipwayError(.tooLarge, "A line is over \(Self.lineMaximumBytes) bytes.")
            }
            guard let piece = try await iterator.next() else {
                let line = rest
                rest = []
                return line.contains { $0 > 32 } ? line : nil
            }
            total += Int64(piece.count)
            guard total <= maximumBytes else { throw SlipwayError(.tooLarge, "The body is over \(maximumBytes) bytes.") }
            rest += piece
        }
    }
}
