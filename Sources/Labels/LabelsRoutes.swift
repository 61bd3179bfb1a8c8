import Core
import Web

/// HTTP in, HTTP out: schemas.
struct SchemaRoutes {
    let service: LabelsService

    static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/label-schemas", .signedIn, "The newest version of each label schema.",
                query: [.init("project", "Only of this project.")] + Self.paging
            ) { request in
                .page(
                    try await service.schemas(project: request.query("project"), request.page(), as: request.principal),
                    \.json)
            },
            Route(
                .post, "/api/v1/label-schemas", .manageLabels, "Names a label schema, or makes its next version.",
                body: .json([
                    .init("name", "A name."), .init("project?", "Its project."),
                    .init("kind", "class, multi-class, number, text, boxes, polygons, spans or ranges."),
                    .init("classes?", "Names, or {name, id, colour, hotkey, about}."),
                    .init("attributes?", "Of shapes: {name, kind: choice|number|text|flag, options, required}."),
                    .init("minimum?", "Of numbers."), .init("maximum?", "Of numbers."),
                    .init("whole?", "Of numbers: whole ones only."),
                    .init("ordered?", "Of classes: whether they rise in the order given."),
                    .init("instructions?", "What annotators are told."),
                ])
            ) { request in
                let body = try await request.json(allowed: LabelDefinition.fields.union(["name", "project"]))
                let (schema, isNew) = try await service.saveSchema(
                    body.string("name"), project: body.optionalString("project") ?? request.project,
                    LabelDefinition(body), as: request.principal)
                return .json(schema.json, status: isNew ? 201 : 200)
            },
            Route(
                .get, "/api/v1/label-schemas/{name}", .signedIn, "One label schema.",
                query: [.init("version", "A number; the newest by default.")]
            ) { request in
                let version = try request.query("version").map { text in
                    guard let number = Int(text) else {
                        throw SlipwayError.field("version", "'\(text.prefix(20))' is not a number")
                    }
                    return number
                }
                return .json(
                    try await service.schema(request.parameter("name"), version: version, as: request.principal).json)
            },
            Route(
                .get, "/api/v1/labels", .signedIn, "All labels of one row, of every task.",
                query: [
                    .init("dataset", "A dataset's name."),
                    .init("key", "The row's key: a value, or a JSON list with one for each key column."),
                ]
            ) { request in
                guard let dataset = request.query("dataset"), let text = request.query("key") else {
                    throw SlipwayError.field("dataset, key", "are missing", expected: "?dataset=sales&key=[\"a\",3]")
                }
                let key = text.hasPrefix("[") ? try JSONValue(parsing: text) : .string(text)
                return .json([
                    "items": .array(try await service.labels(of: dataset, key, as: request.principal))
                ])
            },
        ]
    }
}

/// HTTP in, HTTP out: tasks.
struct TaskRoutes {
    let service: LabelsService

    private static let one = "/api/v1/label-tasks/{task}"

    var routes: [Route] { listing + [making, changing, extending] }

    private var listing: [Route] {
        [
            Route(
                .get, "/api/v1/label-tasks", .signedIn, "Label tasks, by name.",
                query: [
                    .init("project", "Only of this project."), .init("dataset", "Only over this dataset."),
                    .init("state", "open, paused or closed."),
                ] + SchemaRoutes.paging
            ) { request in
                let state = try request.query("state").map { text in
                    guard let state = LabelTask.State(rawValue: text) else {
                        throw SlipwayError.field(
                            "state", "'\(text.prefix(20))' is not a state",
                            expected: LabelTask.State.allCases.map(\.rawValue).joined(separator: ", "))
                    }
                    return state
                }
                let page = try await service.tasks(
                    project: request.query("project"), dataset: request.query("dataset"), state: state, request.page(),
                    as: request.principal)
                return .page(page, \.json)
            },
            Route(.get, Self.one, .signedIn, "One label task with its counts.") { request in
                .json(try await service.task(request.parameter("task"), as: request.principal).json)
            },
            Route(.get, Self.one + "/progress", .signedIn, "How far a task is, in all and by annotator.") { request in
                .json(try await service.progress(request.parameter("task"), as: request.principal))
            },
            Route(
                .get, Self.one + "/items", .signedIn, "A task's items, in order.",
                query: [.init("state", "open, complete, accepted or corrected.")] + SchemaRoutes.paging
            ) { request in
                let state = try request.query("state").map { text in
                    guard let state = LabelItem.State(rawValue: text) else {
                        throw SlipwayError.field(
                            "state", "'\(text.prefix(20))' is not a state",
                            expected: LabelItem.State.allCases.map(\.rawValue).joined(separator: ", "))
                    }
                    return state
                }
                return .page(
                    try await service.items(
                        request.parameter("task"), state: state, request.page(), as: request.principal), \.json)
            },
            Route(
                .get, Self.one + "/mine", .annotateLabels,
                "What one has labelled and skipped in a task, the latest first.",
                query: SchemaRoutes.paging
            ) { request in
                .page(
                    try await service.mine(request.parameter("task"), request.page(), as: request.principal), \.json)
            },
        ]
    }

    private var making: Route {
        Route(
            .post, "/api/v1/label-tasks", .manageLabels, "Makes a task with an item for each selected row.",
            body: .json([
                .init("name", "A name."), .init("over", "A dataset version or a slice: dataset:sales@3, slice:odd."),
                .init("schema", "A label schema: label-schema:mood@1, or its name for the newest version."),
                .init("column?", "The label's column when it is published; the schema's name by default."),
                .init("key?", "The columns that identify a row; the dataset's key by default."),
                .init("content?", "Of spans: the column with the text; of ranges: the column with the list of values."),
                .init("size?", "Of boxes and polygons on tables: two columns or two numbers, width and height."),
                .init(
                    "select?", "{sample: 500, seed: 1, order: original|random|entropy|margin|confidence|disagreement}."),
                .init("overlap?", "How many people label each item; 1 by default."),
                .init("leaseSeconds?", "How long an item is kept for who got it; 1800 by default."),
                .init("annotators?", "Names, or {name: rank} with 1 for the most trusted; all annotators by default."),
                .init("reviewers?", "Names of more reviewers."),
                .init("showPrelabels?", "Whether annotators see what models said; true by default."),
                .init("rule?", "majority (default) or rank."),
            ])
        ) { request in
            let body = try await request.json(allowed: [
                "name", "over", "schema", "column", "key", "content", "size", "select", "overlap", "leaseSeconds",
                "annotators", "reviewers", "showPrelabels", "rule",
            ])
            var draft = TaskDraft(
                name: try body.string("name"), over: try body.ref("over"),
                schema: try Self.schema(body.string("schema")))
            draft.column = try body.optionalString("column")
            draft.key = try body.strings("key")
            draft.content = try body.optionalString("content")
            draft.size = try body.array("size")
            draft.selection = try ItemSelection(
                JSONFields(body["select"] ?? [:], allowed: ["sample", "seed", "order"], path: "select"))
            draft.overlap = try body.optionalInt("overlap") ?? draft.overlap
            draft.leaseSeconds = try body.optionalInt("leaseSeconds") ?? draft.leaseSeconds
            draft.annotators = try Self.annotators(body) ?? [:]
            draft.reviewers = try body.strings("reviewers")
            draft.showsPrelabels = try body.bool("showPrelabels", default: true)
            draft.rule = try Self.rule(body) ?? .majority
            return .json(try await service.createTask(draft, as: request.principal).json, status: 201)
        }
    }

    private var changing: Route {
        Route(
            .patch, Self.one, .manageLabels, "Changes a task.",
            body: .json([
                .init("state?", "open, paused or closed."), .init("overlap?", "A larger number."),
                .init("leaseSeconds?", "How long an item is kept."), .init("annotators?", "Names, or {name: rank}."),
                .init("reviewers?", "Names."), .init("showPrelabels?", "true or false."),
                .init("rule?", "majority or rank."),
                .init("schemaVersion?", "Another version of the same schema, which all that was said must fit."),
            ])
        ) { request in
            let body = try await request.json(allowed: [
                "state", "overlap", "leaseSeconds", "annotators", "reviewers", "showPrelabels", "rule", "schemaVersion",
            ])
            var changes = TaskChanges()
            if let text = try body.optionalString("state") {
                guard let state = LabelTask.State(rawValue: text) else {
                    throw SlipwayError.field(
                        "state", "'\(text.prefix(20))' is not one", expected: "open, paused or closed")
                }
                changes.state = state
            }
            changes.overlap = try body.optionalInt("overlap")
            changes.leaseSeconds = try body.optionalInt("leaseSeconds")
            changes.annotators = try Self.annotators(body)
            changes.reviewers = body["reviewers"] == nil ? nil : try body.strings("reviewers")
            changes.showsPrelabels =
                body["showPrelabels"] == nil ? nil : try body.bool("showPrelabels", default: true)
            changes.rule = try Self.rule(body)
            changes.schemaVersion = try body.optionalInt("schemaVersion")
            return .json(try await service.update(request.parameter("task"), changes, as: request.principal).json)
        }
    }

    private var extending: Route {
        Route(
            .post, Self.one + "/extend", .manageLabels,
            "Adds an item for each row that the task has none for, and moves the task on to the version they are in.",
            body: .json([
                .init("over?", "A version or slice of its dataset; the newest of what it was made over by default.")
            ])
        ) { request in
            let body = try await request.json(allowed: ["over"])
            let done = try await service.extendTask(
                request.parameter("task"), over: body.optionalString("over").map { try Ref(parsing: $0) },
                as: request.principal)
            return .json(["task": done.task.json, "added": .int(done.added)])
        }
    }

    // MARK: Parts

    /// A ref, or a schema's bare name.
    private static func schema(_ text: String) throws -> Ref {
        let ref = try Ref(parsing: text.contains(":") ? text : "label-schema:" + text)
        guard ref.kind == .labelSchema, ref.selector == nil || ref.version != nil else {
            throw SlipwayError.field(
                "schema", "'\(text.prefix(80))' is not a label schema", expected: "label-schema:name@1")
        }
        return ref
    }

    private static func annotators(_ body: JSONFields) throws -> [String: Int]? {
        switch body["annotators"] {
        case nil, .null: return nil
        case .object(let ranks):
            return try ranks.mapValues { value in
                guard let rank = value.intValue, rank > 0, rank <= 1_000_000 else {
                    throw SlipwayError.field(
                        "annotators", "has a rank that is not one", expected: "whole numbers from 1")
                }
                return Int(rank)
            }
        default:
            // Without ranks, all rank alike.
            return Dictionary(try body.strings("annotators").map { ($0, 1) }) { a, _ in a }
        }
    }

    static func rule(_ body: JSONFields) throws -> ConsensusRule? {
        try body.optionalString("rule").map { text in
            guard let rule = ConsensusRule(rawValue: text) else {
                throw SlipwayError.field("rule", "'\(text.prefix(20))' is not a rule", expected: "majority or rank")
            }
            return rule
        }
    }
}
