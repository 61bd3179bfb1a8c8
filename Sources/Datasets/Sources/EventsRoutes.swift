import Core
import Platform
import Web

/// HTTP in, HTTP out: pushed events.
struct EventsRoutes {
    let service: DatasetsService

    private static let branch = Route.Parameter("branch", "main by default.")
    private static let path = "/api/v1/datasets/{name}/events"

    var routes: [Route] {
        [
            Route(
                .post, Self.path, .writeDatasets,
                "Takes events, durably; they become a version soon. An id that is known changes nothing.",
                query: [.init("project", "The project of a dataset that is new."), Self.branch],
                body: .json([
                    .init(
                        "events",
                        "At most \(PushedEvent.maximumBatch) of {\"id\": its own id, \"time\"?: RFC 3339, \"row\": {column: value}}."
                    )
                ])
            ) { request in
                let events = try PushedEvent.batch(
                    parsing: await request.bytes(maximumBytes: PushedEvent.maximumBatchBytes))
                let receipt = try await service.push(
                    events, to: request.parameter("name"), project: request.project,
                    branch: request.query("branch") ?? Dataset.mainBranch, as: request.principal)
                return .json(
                    ["accepted": JSONValue(receipt.accepted), "known": JSONValue(receipt.known)], status: 202)
            },
            Route(
                .get, Self.path, .signedIn, "How events become versions, and how many wait.", query: [Self.branch]
            ) { request in
                let (stream, backlog, problem) = try await service.eventStream(
                    request.parameter("name"), branch: request.query("branch") ?? Dataset.mainBranch,
                    as: request.principal)
                return .json(Self.json(stream, backlog, problem))
            },
            Route(
                .put, Self.path, .writeDatasets, "Sets how events become versions; what is not named stays.",
                query: [.init("project", "The project of a dataset that is new."), Self.branch],
                body: .json([
                    .init("rows?", "A version when so many wait (10000)."),
                    .init("seconds?", "A version when the oldest has waited so long (1)."),
                    .init("rememberSeconds?", "For how long an id is known after it was received (86400)."),
                    .init(
                        "onChange?", "For a column that the dataset does not have: fail (default), evolve or ignore."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["rows", "seconds", "rememberSeconds", "onChange"])
                let (rows, seconds) = (try body.optionalInt("rows"), try body.optionalDouble("seconds"))
                let remember = try body.optionalDouble("rememberSeconds")
                let onChange = try OnSchemaChange(parsing: body.optionalString("onChange"), field: "onChange")
                let branch = request.query("branch") ?? Dataset.mainBranch
                let name = request.parameter("name")
                _ = try await service.setEventStream(
                    name, project: request.project, branch: branch, as: request.principal
                ) { stream in
                    if let rows { stream.flushRows = rows }
                    if let seconds { stream.flushSeconds = seconds }
                    if let remember { stream.rememberSeconds = remember }
                    if let onChange { stream.onChange = onChange }
                }
                let (stream, backlog, problem) = try await service.eventStream(
                    name, branch: branch, as: request.principal)
                return .json(Self.json(stream, backlog, problem))
            },
            Route(
                .post, Self.path + "/flush", .writeDatasets, "Makes a version of the events that wait, now.",
                query: [Self.branch]
            ) { request in
                let version = try await service.flushEvents(
                    request.parameter("name"), branch: request.query("branch") ?? Dataset.mainBranch,
                    as: request.principal)
                return .json(version?.json ?? .null)
            },
        ]
    }

    private static func json(_ stream: EventStream, _ backlog: EventBacklog, _ problem: String?) -> JSONValue {
        var fields = stream.settings.objectValue ?? [:]
        fields["accepted"] = .int(stream.accepted)
        fields["waiting"] = JSONValue(backlog.events)
        fields["oldest"] = backlog.oldest.map { JSONValue($0) } ?? .null
        fields["problem"] = JSONValue(problem)
        return .object(fields)
    }
}

extension EventStream {
    var settings: JSONValue {
        [
            "dataset": .string(dataset), "branch": .string(branch), "rows": JSONValue(flushRows),
            "seconds": .number(flushSeconds), "rememberSeconds": .number(rememberSeconds),
            "onChange": .string(onChange.rawValue),
        ]
    }
}
