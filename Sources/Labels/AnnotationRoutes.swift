import Core
import Web

/// HTTP in, HTTP out: what annotators and reviewers do.
struct AnnotationRoutes {
    let service: LabelsService

    private static let task = "/api/v1/label-tasks/{task}"
    private static let item = "/api/v1/label-tasks/{task}/items/{item}"

    var routes: [Route] { queue + looking + deciding }

    private var queue: [Route] {
        [
            Route(
                .post, Self.task + "/next", .annotateLabels,
                "Hands out items: what one holds already, what was sent back, then the next in the queue.",
                body: .json([.init("count?", "How many to hold, 1 to 20; 1 by default.")])
            ) { request in
                let body = try await request.json(allowed: ["count"])
                let held = try await service.next(
                    request.parameter("task"), count: body.optionalInt("count") ?? 1, as: request.principal)
                return .json(["items": .array(held.map(\.json))])
            },
            Route(
                .put, Self.item + "/draft", .annotateLabels, "Keeps a draft, and the item for longer.",
                body: .json([.init("value", "What there is so far; not checked.")])
            ) { request in
                let body = try await request.json(allowed: ["value"])
                let lease = try await service.saveDraft(
                    request.parameter("task"), Self.number(request), body["value"] ?? .null, as: request.principal)
                return .json(["leaseEnds": JSONValue(lease)])
            },
            Route(
                .post, Self.item + "/submit", .annotateLabels, "Submits one's annotation of an item, or a better one.",
                body: .json([
                    .init("value", "As the schema says."), .init("seconds?", "The time that it took."),
                    .init("comment?", "For the reviewer."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["value", "seconds", "comment"])
                guard let value = body["value"] else {
                    throw SlipwayError.field("value", "is missing", expected: "a label as the schema says")
                }
                let work = try await service.submit(
                    request.parameter("task"), Self.number(request), value, seconds: body.optionalDouble("seconds"),
                    comment: body.optionalString("comment"), as: request.principal)
                return .json(work.json)
            },
            Route(
                .post, Self.item + "/skip", .annotateLabels, "Passes an item over; others get it.",
                body: .json([.init("reason?", "Why.")])
            ) { request in
                let body = try await request.json(allowed: ["reason"])
                try await service.skip(
                    request.parameter("task"), Self.number(request), reason: body.optionalString("reason"),
                    as: request.principal)
                return .noContent
            },
            Route(
                .post, Self.item + "/release", .annotateLabels,
                "Gives an item back that one holds; a reviewer: another's.",
                body: .json([.init("annotator?", "Who holds it; oneself by default.")])
            ) { request in
                let body = try await request.json(allowed: ["annotator"])
                try await service.release(
                    request.parameter("task"), Self.number(request), annotator: body.optionalString("annotator"),
                    as: request.principal)
                return .noContent
            },
            Route(
                .post, Self.task + "/undo", .annotateLabels,
                "Takes back what one did last; the item is in one's hands again, with what was said as the draft."
            ) { request in
                .json(try await service.undo(request.parameter("task"), as: request.principal).json)
            },
        ]
    }

    private var looking: [Route] {
        [
            Route(.get, Self.item, .signedIn, "One item: one's own annotations, or, for reviewers, everybody's.") {
                request in
                let (item, work, prelabels) = try await service.item(
                    request.parameter("task"), Self.number(request), as: request.principal)
                var fields = item.json.objectValue ?? [:]
                fields["annotations"] = .array(work.map(\.json))
                fields["prelabels"] = .array(prelabels.map(\.json))
                return .json(.object(fields))
            },
            Route(.get, Self.item + "/history", .signedIn, "All that happened to an item, oldest first.") { request in
                let changes = try await service.history(
                    request.parameter("task"), Self.number(request), as: request.principal)
                return .json(["items": .array(changes.map(\.json))])
            },
            Route(.get, Self.item + "/row", .signedIn, "The row that an item is about.") { request in
                .json(try await service.row(request.parameter("task"), Self.number(request), as: request.principal))
            },
        ]
    }

    private var deciding: [Route] {
        [
            Route(
                .post, Self.item + "/review", .annotateLabels, "Accepts, rejects or corrects an item's label.",
                body: .json([
                    .init("decision", "accept, reject, correct or reopen."),
                    .init("annotator?", "Whose annotation; needed when there are several that differ."),
                    .init("value?", "Of a correction."), .init("comment?", "Why."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["decision", "annotator", "value", "comment"])
                let item = try await service.review(
                    request.parameter("task"), Self.number(request), Self.decision(body),
                    annotator: body.optionalString("annotator"), comment: body.optionalString("comment"),
                    as: request.principal)
                return .json(item.json)
            },
            Route(
                .post, Self.task + "/accept", .annotateLabels,
                "Accepts, of every complete item that nobody reviewed, what its annotators agree on.",
                body: .json([
                    .init("agreement?", "The share of its annotations that must say the same; 1 (all) by default."),
                    .init("comment?", "Why."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["agreement", "comment"])
                let done = try await service.acceptAgreed(
                    request.parameter("task"), agreement: body.optionalDouble("agreement") ?? 1,
                    comment: body.optionalString("comment"), as: request.principal)
                return .json(["accepted": JSONValue(done.accepted), "left": JSONValue(done.left)])
            },
            Route(
                .post, Self.task + "/assign", .manageLabels, "Makes items somebody's own: only they get them.",
                body: .json([
                    .init("annotator?", "Who; nobody makes them everybody's again."), .init("items?", "Their numbers."),
                    .init("count?", "Instead: the next so many that are nobody's."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["annotator", "items", "count"])
                let count = try await service.assign(
                    request.parameter("task"), to: body.optionalString("annotator"),
                    items: body.array("items").compactMap(\.intValue), count: body.optionalInt("count"),
                    as: request.principal)
                return .json(["items": JSONValue(count)])
            },
            Route(
                .post, Self.task + "/order", .manageLabels, "Puts a task's items into another order.",
                body: .json([
                    .init("order", "original, random, entropy, margin, confidence or disagreement."),
                    .init("seed?", "Of random."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["order", "seed"])
                try await service.reorder(
                    request.parameter("task"), by: ItemSelection.order(body.string("order"), field: "order"),
                    seed: body.optionalInt("seed") ?? 0, as: request.principal)
                return .noContent
            },
        ]
    }

    // MARK: Parts

    static func number(_ request: Request) throws -> Int64 { Int64(try request.intParameter("item")) }

    private static func decision(_ body: JSONFields) throws -> ReviewDecision {
        let text = try body.string("decision")
        guard text == "correct" || body["value"] == nil else {
            throw SlipwayError.field("value", "goes with a correction")
        }
        switch text {
        case "accept": return .accept
        case "reject": return .reject
        case "reopen": return .reopen
        case "correct":
            guard let value = body["value"] else {
                throw SlipwayError.field("value", "is missing", expected: "the label")
            }
            return .correct(value)
        default:
            throw SlipwayError.field(
                "decision", "'\(text.prefix(20))' is not one", expected: "accept, reject, correct or reopen")
        }
    }
}
