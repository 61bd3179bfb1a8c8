import Core
import Objects
import Platform
import Tables
import Web

/// HTTP in, HTTP out: slices.
struct SlicesRoutes {
    let service: DatasetsService

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/slices", .signedIn, "The newest version of each slice.",
                query: [.init("project", "Only of this project."), .init("dataset", "Only over this dataset.")]
            ) { request in
                let slices = try await service.slices(
                    project: request.query("project"), dataset: request.query("dataset"), as: request.principal)
                return .json(["items": .array(slices.map(\.json))])
            },
            Route(
                .post, "/api/v1/slices", .writeDatasets, "Names a slice, or makes its next version.",
                body: .json(
                    [.init("name", "A name."), .init("where?", "A condition in SQL, what follows WHERE.")]
                        + Self.rules + Self.about)
            ) { request in
                let body = try await request.json(allowed: [
                    "name", "dataset", "over", "where", "filter", "split", "wrong", "description", "purpose", "owner",
                ])
                let slice = try await service.createSlice(
                    name: body.string("name"), over: Self.over(body), rule: SliceRule(body),
                    description: body.optionalString("description") ?? "",
                    purpose: body.optionalString("purpose") ?? "", owner: body.optionalString("owner"),
                    as: request.principal)
                return .json(slice.json, status: 201)
            },
            Route(
                .post, "/api/v1/slices/split", .writeDatasets, "Makes all parts of a split, PREFIX-PART each.",
                body: .json(
                    [.init("prefix", "What the slices' names begin with."), .init("split", "As of one slice.")]
                        + Self.about)
            ) { request in
                let body = try await request.json(allowed: [
                    "prefix", "dataset", "over", "split", "description", "purpose",
                ])
                let split = try SliceRule.Split(
                    JSONFields(.object(try body.object("split")), path: "split"))
                let slices = try await service.createSplit(
                    prefix: body.string("prefix"), over: Self.over(body), split: split,
                    description: body.optionalString("description") ?? "",
                    purpose: body.optionalString("purpose") ?? "", as: request.principal)
                return .json(["items": .array(slices.map(\.json))], status: 201)
            },
            Route(
                .post, "/api/v1/slices/leakage", .readDatasets,
                "Whether two splits share what they should not: keys, rows, near-duplicates, time.",
                body: .json([
                    .init("left", "The ref to train on."), .init("right", "The ref to test on."),
                    .init("key?", "Columns that must not be shared; the dataset's key by default."),
                    .init("text?", "A column of text to look for near-duplicates in."),
                    .init("time?", "A column of times: all of left should be before right."),
                    .init("ignore?", "Columns that do not count when rows are compared."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["left", "right", "key", "text", "time", "ignore"])
                let question = LeakageQuestion(
                    left: try Ref(parsing: body.string("left")), right: try Ref(parsing: body.string("right")),
                    key: try body.strings("key"), text: try body.optionalString("text"),
                    time: try body.optionalString("time"), ignore: try body.strings("ignore"))
                return .json(try await service.leakage(question, as: request.principal))
            },
            Route(
                .get, "/api/v1/slices/{name}", .signedIn, "One slice.",
                query: [.init("version", "A number; the newest by default.")]
            ) { request in
                .json(
                    try await service.slice(
                        Self.ref(request), as: request.principal
                    ).json)
            },
            Route(.get, "/api/v1/slices/{name}/size", .signedIn, "How many rows a slice has now, of how many.") {
                request in
                .json(try await service.size(ofSlice: Self.ref(request), as: request.principal))
            },
            Route(.get, "/api/v1/slices/{name}/profile", .signedIn, "The profile of a slice's rows.") { request in
                .json(try await service.profile(Self.ref(request), as: request.principal))
            },
        ]
    }

    static func ref(_ request: Request) -> Ref {
        Ref(.slice, request.parameter("name"), selector: request.query("version"))
    }

    /// `over` is a ref; `dataset`, a name, is what older clients send.
    private static func over(_ body: JSONFields) throws -> Ref {
        if let over = try body.optionalString("over") { return try Ref(parsing: over) }
        return Ref(.dataset, try body.string("dataset"))
    }

    private static let rules: [Route.Parameter] = [
        .init("filter?", "Instead of where: price > 2 AND store = '31'."),
        .init(
            "split?",
            "Instead of where: kind (random, stratified, time), parts [{name, fraction}], part, seed, by, unit, time, at."
        ),
        .init("wrong?", "Instead of where: predictions (a dataset's ref), prediction, truth, key, tolerance."),
    ]

    private static let about: [Route.Parameter] = [
        .init("over?", "A dataset's or a slice's ref."), .init("dataset?", "Instead of over: a dataset's name."),
        .init("description?", "What it is."), .init("purpose?", "What it is for."), .init("owner?", "Whose it is."),
    ]
}
