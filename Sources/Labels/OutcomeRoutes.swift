import Core
import Web

/// HTTP in, HTTP out: models' labels, agreement, and what leaves.
struct OutcomeRoutes {
    let service: LabelsService

    private static let task = "/api/v1/label-tasks/{task}"

    var routes: [Route] { [prelabels, agreement, publish, orphans, taking, giving] }

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

    private var taking: Route {
        Route(
            .post, Self.task + "/import", .manageLabels,
            "Takes labels that another tool wrote. Of formats with many files: JSON lines {path, text}.",
            query: [
                .init("format", "coco, yolo, voc, label-studio or csv."),
                .init("annotator", "Who said it, where the file does not say."),
                .init("model", "Takes it as what this model said: model:cats@3."),
                .init("prefix", "Put before each file name to give the row's key."),
                .init("skipInvalid", "1 leaves out what does not fit instead of refusing all."),
            ], body: .bytes(type: "application/json")
        ) { request in
            var options = ImportOptions(try LabelsFormat.parse(request.query("format")))
            options.annotator = request.query("annotator")
            options.model = try request.query("model").map { try Ref(parsing: $0) }
            options.prefix = request.query("prefix") ?? ""
            options.skipsInvalid = ["1", "true"].contains(request.query("skipInvalid"))
            let report = try await service.importLabels(
                request.parameter("task"), Self.files(request, options.format), options, as: request.principal)
            return .json(report.json)
        }
    }

    private static func files(_ request: Request, _ format: LabelsFormat) async throws -> [ForeignFileBytes] {
        guard format.isManyFiles else {
            return [
                ForeignFileBytes(
                    path: "body", bytes: try await request.bytes(maximumBytes: LabelsService.importMaximumBytes))
            ]
        }
        var lines = BodyLines(request.body, maximumBytes: Int64(LabelsService.importMaximumBytes))
        var files: [ForeignFileBytes] = []
        while let line = try await lines.next() {
            let fields = try JSONFields(
                JSONValue(parsing: line), allowed: ["path", "text"], path: "line \(files.count + 1)")
            files.append(
                ForeignFileBytes(
                    path: try RelativePath(parsing: fields.string("path")).description,
                    bytes: Array(try fields.string("text").utf8)))
        }
        return files
    }

    private var giving: Route {
        Route(
            .get, Self.task + "/export", .annotateLabels, "The labels as another tool reads them.",
            query: [
                .init("format", "coco, yolo (zip), voc (zip), label-studio or csv."),
                .init("include", "complete (default), reviewed or any."),
                .init("prefix", "Taken off the front of each file name."),
            ]
        ) { request in
            let format = try LabelsFormat.parse(request.query("format"))
            let write = try await service.export(
                request.parameter("task"), format, Self.include(request.query("include")),
                prefix: request.query("prefix") ?? "", as: request.principal)
            return Response(
                status: 200, headers: [("Content-Type", format.mediaType)], body: .stream(length: nil, write))
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
