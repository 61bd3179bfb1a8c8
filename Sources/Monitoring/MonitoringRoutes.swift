import Core
import Web

/// HTTP in, HTTP out.
struct MonitoringRoutes {
    let service: MonitoringService

    var routes: [Route] { monitors + reports + alerts }

    private static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    private var monitors: [Route] {
        [
            Route(
                .put, "/api/v1/monitors/{name}", .writeMonitors,
                "Makes a monitor or its next version, with a reference built now; the same again changes nothing.",
                query: [.init("project", "Its project, unless the body says.")],
                body: .json([
                    .init("endpoint", "The endpoint whose predictions are watched."),
                    .init("reference", "dataset:name@3, dataset:name or slice:name: what the model was trained on."),
                    .init("project?", "Its project."),
                    .init(
                        "features?", "Columns of the reference, or 'all' that the endpoint is given too (the default)."),
                    .init("columns?", "Names of the columns of inputs that are matrices, by input."),
                    .init("window", "One of seconds, hours, days, rows."),
                    .init("minimumRows?", "With fewer nothing is said; 200 by default."),
                    .init("thresholds?", "psi, ks, missing, mae, rmse, bias, pinball, errorRate; psi 0.2 by default."),
                    .init("quality?", "How feedback is compared: output, column, quantile, task, delaySeconds."),
                    .init("onDrift?", "What starts then: pipeline, params, minimumSeconds between two starts."),
                    .init("everySeconds?", "How often the server evaluates it by itself."),
                    .init("description?", "What it is for."),
                ])
            ) { request in
                let body = try await request.json()
                let spec = try MonitorSpec(.object(body.fields))
                let project = try body.optionalString("project") ?? request.project
                return .json(
                    try await service.put(request.parameter("name"), spec, project: project, as: request.principal).json
                )
            },
            Route(
                .get, "/api/v1/monitors", .signedIn, "Monitors, by name, and where they stand.",
                query: [.init("project", "Only of this project."), .init("endpoint", "Only of this endpoint.")]
                    + Self.paging
            ) { request in
                .page(
                    try await service.states(
                        project: request.query("project"), endpoint: request.query("endpoint"), request.page(),
                        as: request.principal),
                    \.json)
            },
            Route(.get, "/api/v1/monitors/{name}", .readMonitors, "One monitor and where it stands.") { request in
                .json(try await service.state(request.parameter("name"), as: request.principal).json)
            },
            Route(
                .get, "/api/v1/monitors/{name}/reference", .readMonitors,
                "The reference's bins and counts, feature by feature.",
                query: [.init("version", "The monitor's version; the newest by default.")]
            ) { request in
                let version = try request.query("version").map { text in
                    guard let number = Int(text) else { throw SlipwayError.field("version", "is not a number") }
                    return number
                }
                return .json(
                    try await service.monitor(request.parameter("name"), version: version, as: request.principal)
                        .reference.json)
            },
        ]
    }

    private var reports: [Route] {
        [
            Route(
                .post, "/api/v1/monitors/{name}/evaluate", .evaluateMonitors,
                "Evaluates the window that ends at a time and acts on what it finds.",
                body: .json([.init("at?", "RFC 3339; now by default. Replays with a clock of their own give theirs.")])
            ) { request in
                let body = try await request.json(allowed: ["at"])
                let at = try body.optionalString("at").map { try Timestamp(parsing: $0, field: "at") }
                return .json(try await service.evaluate(request.parameter("name"), at: at, as: request.principal).json)
            },
            Route(
                .get, "/api/v1/monitors/{name}/reports", .readMonitors, "A monitor's reports, newest first.",
                query: [.init("status", "ok, drift or insufficient-data.")] + Self.paging
            ) { request in
                let status = try request.query("status").map { try Self.status($0) }
                return .page(
                    try await service.reports(
                        request.parameter("name"), status: status, request.page(), as: request.principal)
                ) { $0 }
            },
            Route(.get, "/api/v1/monitors/{name}/reports/{id}", .readMonitors, "One report.") { request in
                .json(
                    try await service.report(
                        request.parameter("name"), id: request.parameter("id"), as: request.principal))
            },
        ]
    }

    private var alerts: [Route] {
        [
            Route(
                .get, "/api/v1/alerts", .signedIn, "Alerts, newest first.",
                query: [
                    .init("project", "Only of this project."), .init("monitor", "Only of this monitor."),
                    .init("state", "open, acknowledged or resolved; may be repeated. All by default."),
                ] + Self.paging
            ) { request in
                let states = try request.queryAll("state").map { text in
                    guard let state = Alert.State(rawValue: text) else {
                        throw SlipwayError.field(
                            "state", "'\(text.prefix(40))' is not a state of an alert",
                            expected: "open, acknowledged or resolved")
                    }
                    return state
                }
                let found = try await service.alerts(
                    project: request.query("project"), monitor: request.query("monitor"), states: states,
                    request.page(),
                    as: request.principal)
                return .page(found, \.json)
            },
            Route(.get, "/api/v1/alerts/{id}", .readMonitors, "One alert, and the pipelines that it started.") {
                request in
                .json(try await service.alert(request.parameter("id"), as: request.principal).json)
            },
            Route(
                .post, "/api/v1/alerts/{id}/acknowledge", .acknowledgeAlerts,
                "Takes an alert on: until it is resolved it neither repeats itself nor starts pipelines.",
                body: .json([.init("comment?", "For the others.")])
            ) { request in
                let body = try await request.json(allowed: ["comment"])
                return .json(
                    try await service.acknowledge(
                        request.parameter("id"), comment: body.optionalString("comment"), as: request.principal
                    ).json)
            },
        ]
    }

    private static func status(_ text: String) throws -> Report.Status {
        guard let status = Report.Status(rawValue: text) else {
            throw SlipwayError.field(
                "status", "'\(text.prefix(40))' is not a status",
                expected: Report.Status.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return status
    }
}
