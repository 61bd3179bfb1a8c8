import Access
import Core
import Database
import Datasets
import Exchange
import Foundation
import Labels
import Ledger
import Objects
import Pages
import Pipelines
import Platform
import Projects
import Registry
import Reporting
import TestSupport
import Testing
import Traces
import Tracking
import Web
import Webhooks

/// Walks every route of the features and proves that what it declares is enforced: by the outer door for those who may
/// it nowhere, and by the service itself for those who may it in some other project.
@Suite struct RouteWalkTests {
    /// One of everything, in the project `p`.
    private struct World {
        let application: WebApplication
        let routes: [Route]
        var ids: [String: String] = [:]
        let tokens: [String: String]
    }

    private static let csv = "day,store,units\n2017-01-01,a,3\n2017-01-02,b,\n"
    private static let yaml = "name: pipe\nsteps:\n  - name: one\n    run: /bin/true\n"

    private static let contract = "rows: {min: 1}\n"

    private func make(_ platform: Platform) async throws -> World {
        let projects = ProjectsFeature.make(platform)
        let datasets = DatasetsFeature.make(platform)
        let tracking = TrackingFeature.make(platform)
        let traces = TracesFeature.make(platform, tracking: tracking.service)
        let pipelines = PipelinesFeature.make(platform, datasets: datasets.service)
        let labels = LabelsFeature.make(platform, datasets: datasets.service)
        let registry = RegistryFeature.make(
            platform, datasets: datasets.service, tracking: tracking.service, pipelines: pipelines.service
        ).service
        let webhooks = WebhooksFeature.make(platform, datasets: datasets.service, registry: registry).feature
        let features = [
            projects.feature, datasets.feature, labels.feature, tracking.feature, traces.feature, pipelines.feature,
            webhooks,
            ReportingFeature.make(platform, tables: tracking.feature.tables),
        ]
        for feature in features { try await feature.recover() }
        let exchange = ExchangeFeature.make(tracking: tracking.service, registry: registry)
        try Data(Self.pack.utf8).write(to: URL(fileURLWithPath: platform.dataDirectory + "/app.pack"))
        let pages = try PagesFeature.make(folder: platform.dataDirectory, ownsRoot: true)
        var routes =
            (features + [exchange, pages]).flatMap(\.routes) + AccessRoutes(platform.access).routes
            + LedgerRoutes(platform.ledger, lineageSources: []).routes
        routes += SessionRoutes(platform.access, cookie: SessionCookie(port: 5000), version: "1").routes(with: routes)
        let application = WebApplication.testing(routes, platform)
        func set(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> JSONValue {
            let answer = try await application.ask(method, target, body)
            guard answer.status < 300 else {
                throw SlipwayError(.internal, "\(method) \(target): \(answer.json.canonicalText)")
            }
            return answer.json
        }
        func send(_ method: String, _ target: String, _ text: String, _ type: String) async throws {
            let answer = await application.respond(
                method: method, target: target, headers: [("host", "localhost"), ("content-type", type)],
                body: RequestBody(Array(text.utf8)))
            guard answer.status < 300 else { throw SlipwayError(.internal, "\(method) \(target): \(answer.status)") }
        }
        var tokens: [String: String] = [:]
        for name in ["nobody", "outsider", "reader", "member"] {
            _ = try await set("POST", "/api/v1/users", ["name": .string(name)])
            tokens[name] = try await set("POST", "/api/v1/tokens", ["principal": .string(name)])["token"]?.stringValue
        }
        for project in ["p", "q"] {
            _ = try await set("POST", "/api/v1/projects", ["name": .string(project), "goals": ["g=-9%"]])
        }
        _ = try await set("PUT", "/api/v1/projects/q/members/outsider", ["role": "owner"])
        _ = try await set("PUT", "/api/v1/projects/p/members/reader", ["role": "viewer"])
        _ = try await set("PUT", "/api/v1/projects/p/members/member", ["role": "viewer"])
        // Empty first, so that its first version has a report on the contract.
        _ = try await set("POST", "/api/v1/datasets", ["name": "d", "project": "p"])
        try await send("PUT", "/api/v1/datasets/d/contract", Self.contract, "application/yaml")
        try await send("POST", "/api/v1/datasets/d/append?project=p", Self.csv, "text/csv")
        _ = try await set("POST", "/api/v1/slices", ["name": "s", "dataset": "d", "where": "units > 1"])
        _ = try await set("PATCH", "/api/v1/datasets/d", ["key": ["day"]])
        // Files, and two branches that changed one cell.
        let digest = Digest.of("x").hex
        try await send("PUT", "/api/v1/objects/\(digest)", "x", "application/octet-stream")
        try await send(
            "POST", "/api/v1/datasets/fd/files?project=p", #"{"path":"a.txt","digest":"\#(digest)","size":1}"#,
            "application/x-ndjson")
        _ = try await set("POST", "/api/v1/datasets", ["name": "md", "project": "p", "key": ["day"]])
        try await send("POST", "/api/v1/datasets/md/append?project=p", Self.csv, "text/csv")
        _ = try await set("PUT", "/api/v1/datasets/md/branches/side", ["from": "1"])
        for (branch, store) in [("main", "b"), ("side", "c")] {
            _ = try await set(
                "POST", "/api/v1/datasets/md/derive",
                [
                    "sql": .string("SELECT day, '\(store)' AS store, units FROM md"), "project": "p",
                    "inputs": ["md": .string("dataset:md@\(branch)")], "branch": .string(branch),
                ])
        }
        let merge = try await set("POST", "/api/v1/datasets/md/merge", ["from": "side"])
        _ = try await set("POST", "/api/v1/label-schemas", ["name": "ls", "project": "p", "kind": "text"])
        _ = try await set("POST", "/api/v1/label-tasks", ["name": "lt", "over": "dataset:d", "schema": "ls"])
        _ = try await set(
            "POST", "/api/v1/sources",
            ["name": "src", "project": "p", "kind": "file", "location": .string(platform.dataDirectory + "/a.csv")])
        try await send("PUT", "/api/v1/pipelines/pipe?project=p", Self.yaml, "application/yaml")
        var world = World(application: application, routes: routes, tokens: tokens)
        world.ids["pipeline-runs"] = try await set("POST", "/api/v1/pipelines/pipe/runs", [:])["id"]?.stringValue
        world.ids["experiments"] = try await set("POST", "/api/v1/experiments", ["name": "e", "project": "p"])["id"]?
            .stringValue
        world.ids["webhooks"] = try await set(
            "POST", "/api/v1/webhooks?project=p",
            ["name": "w", "url": "https://127.0.0.1/x", "events": ["prompt.created"]])["id"]?.stringValue
        world.ids["merges"] = merge["id"]?.stringValue
        world.ids["tokens"] = try await platform.access.tokens(of: "admin", as: .system).first?.id
        let experiment = world.ids["experiments"] ?? ""
        let run = try await tracking.service.createRun(RunDraft(experiment: experiment), as: .system)
        let point = MetricPoint(step: 0, time: Timestamp(milliseconds: 1), value: 1)
        try await tracking.service.log(
            LogBatch(metrics: [LoggedMetric(key: "rmse", point: point)]), run: run.info.id, as: .system)
        world.ids["runs"] = run.info.id
        let imported = RunRecord(
            id: Self.importedRun, experiment: experiment, name: "r", user: "u", status: .finished, started: 1)
        _ = try await tracking.service.importRuns([imported], as: .system)
        let draft = TraceDraft(id: "tr-1", experiment: experiment, started: Timestamp(milliseconds: 1), state: .ok)
        world.ids["traces"] = try await traces.service.start(draft, as: .system).id
        world.ids["logged-models"] = try await tracking.service.createLoggedModel(
            LoggedModelDraft(experiment: experiment), as: .system
        ).id
        for owner in ["runs", "logged-models"] {
            try await send("PUT", "/api/v1/\(owner)/\(world.ids[owner] ?? "")/artifacts/a.txt", "x", "text/plain")
        }
        return world
    }

    private static let importedRun = String(repeating: "a", count: 32)

    /// The web application, of one page and one asset.
    private static let pack: String = {
        let index = ["/ui/", "/ui/assets/a.txt"].map { path -> JSONValue in
            ["path": .string(path), "type": "text/plain", "digest": "d", "identity": [0, 1]]
        }
        let text = JSONValue.array(index).canonicalText
        let length = String(text.utf8.count, radix: 16)
        return "slipway ui 1\n" + String(repeating: "0", count: 8 - length.count) + "\(length)\n\(text)x"
    }()

    private static let names = [
        "datasets": "d", "slices": "s", "sources": "src", "pipelines": "pipe", "label-schemas": "ls",
        "secrets": "sec", "ui": "a.txt",
    ]
    private static let parts = [
        "project": "p", "goal": "g", "user": "member", "ref": "dataset:d@1", "version": "1", "step": "one",
        "metric": "rmse", "digest": Digest.of("x").hex, "label": "b1", "task": "lt", "item": "1", "column": "units",
        "target": "t", "search": "good",
    ]
    private static let bodies: [String: JSONValue] = [
        "/users": ["name": "new"], "/projects/{project}/members/{user}": ["role": "viewer"], "/tokens": [:],
        "/projects": ["name": "new"], "/projects/{project}/goals/{goal}/measurements": ["value": -0.1],
        "/datasets/{name}/derive": ["sql": "SELECT 1 AS a", "inputs": ["d": "dataset:d"], "project": "p"],
        "PUT /datasets/{name}/events": [:],
        "/datasets/{name}/events": ["events": [["id": "a", "row": ["units": 1]]]], "/secrets/{name}": ["value": "x"],
        "/datasets/{name}/retention": ["keepLast": 1], "/datasets/{name}/merge": ["from": "main"],
        "/datasets/{name}/union": ["inputs": ["dataset:d"], "project": "p"],
        "/datasets/{name}/join": ["left": "dataset:d", "right": "dataset:d", "on": ["day"], "project": "p"],
        "/merges/{id}/resolutions": ["resolutions": [["rule": "ours"]]], "/merges/{id}/commit": [:],
        "/query": ["sql": "SELECT count(*) FROM d", "inputs": ["d": "dataset:d"]],
        "/datasets": ["name": "d3", "project": "p"],
        "/slices/split": [
            "prefix": "x", "dataset": "d",
            "split": ["kind": "random", "parts": [["name": "a", "fraction": 0.5]]],
        ],
        "/slices/leakage": ["left": "dataset:d", "right": "dataset:d"],
        "/slices": ["name": "s2", "dataset": "d", "where": "units > 2"],
        "/sources": ["name": "src2", "project": "p", "kind": "file", "location": "/x.csv"],
        "/sources/{name}/import": ["dataset": "d2"], "/experiments": ["name": "e2", "project": "p"],
        "/pipelines/{name}/runs": [:], "/label-schemas": ["name": "ls2", "project": "p", "kind": "text"],
        "/label-tasks": ["name": "lt2", "over": "dataset:d", "schema": "ls"],
        "/label-tasks/{task}/order": ["order": "random"], "/label-tasks/{task}/assign": ["count": 1],
        "/label-tasks/{task}/extend": [:], "/label-tasks/{task}/accept": [:],
        "/label-tasks/{task}/items/{item}/submit": ["value": "x"],
        "/label-tasks/{task}/items/{item}/draft": ["value": "x"],
        "/label-tasks/{task}/items/{item}/review": ["decision": "reopen"],
        "/runs/bulk": ["experiments": ["1"], "action": "set-tags", "tags": ["a": "b"]],
        "/runs/purge": ["project": "p"], "/import/experiments": ["origin": "o"],
        "/import/runs": ["points": [["run": .string(importedRun), "key": "loss", "points": [[0, 1, 2]]]]],
        "/import/summaries": ["runs": [.string(importedRun)]],
        "/import/models": ["models": [["name": "m", "created": 1, "updated": 1]]],
        "/webhooks": ["name": "w2", "url": "https://127.0.0.1/x", "events": ["prompt.created"]],
        "/webhooks/{webhook}": [:], "/webhooks/{webhook}/test": [:],
        "/sql": ["sql": "SELECT count(*) FROM runs"], "/saved-searches/{search}": ["filter": "metrics.rmse > 0"],
        "/datasets/{name}/policy": ["pii": "open"], "/openlineage/targets/{target}": ["url": "https://example.org/x"],
    ]
    private static let queries = [
        "/secrets": "?project=p", "/secrets/{name}": "?project=p", "/datasets/{name}/events": "?project=p",
        "/events": "?project=p", "/events/stream": "?project=p", "/datasets/{name}/diff": "?from=1&to=1",
        "/saved-searches": "?project=p", "/saved-searches/{search}": "?project=p",
        "/webhooks": "?project=p", "/compare": "?left=dataset:d&right=dataset:d",
        "/datasets/{name}/versions/{version}/series": "?x=day&y=units", "/slices/{name}/series": "?x=day&y=units",
        "/datasets/{name}/append": "?project=p", "/datasets/{name}/files": "?project=p",
        "/datasets/{name}/archive": "?project=p&format=tar", "/datasets/{name}/croissant": "?project=p",
        "/pipelines/{name}": "?project=p", "/import/experiments": "?project=p", "/import/models": "?project=p",
        "/import/files": "?of=run:\(importedRun)", "/export/experiments": "?project=p", "/export/runs": "?experiment=1",
        "/export/points": "?run=\(importedRun)", "/export/logged-models": "?experiment=1",
        "/export/models": "?project=p",
        "/pipelines/{name}/code": "?project=p", "/labels": "?dataset=d&key=2017-01-01",
        "/label-tasks/{task}/prelabels": "?model=model:m@1", "/label-tasks/{task}/import": "?format=csv",
        "/label-tasks/{task}/export": "?format=csv", "/metrics": "?metric=rmse&run=",
    ]

    private func call(_ world: World, _ route: Route, as name: String) async throws -> (status: Int, items: Int?) {
        let short = route.path.hasPrefix("/api/v1") ? String(route.path.dropFirst("/api/v1".count)) : route.path
        let kind = String(short.split(separator: "/").first ?? "")
        let ofFiles = ["/fetch", "/archive", "{name}/files"].contains { short.hasSuffix($0) }
        let path = route.path.split(separator: "/").map { part -> String in
            guard part.first == "{" else { return String(part) }
            let name = part.filter { !"{+}".contains($0) }
            switch name {
            case "name": return ofFiles ? "fd" : Self.names[kind] ?? "?"
            case "id", "webhook": return world.ids[kind] ?? "?"
            case "path": return kind == "datasets" && !ofFiles ? "part-00000.parquet" : "a.txt"
            default: return Self.parts[name] ?? "?"
            }
        }.joined(separator: "/")
        var headers: [(name: String, value: String)] = [("host", "localhost")]
        if let token = world.tokens[name] { headers.append(("authorization", "Bearer \(token)")) }
        let signingIn: JSONValue? =
            route.path == "/api/v1/session" ? ["token": .string(world.tokens[name] ?? "")] : nil
        let fields = signingIn ?? Self.bodies["\(route.method.rawValue) \(short)"] ?? Self.bodies[short]
        var body = fields?.canonicalBytes ?? []
        if case .bytes(let type) = route.body {
            switch type {
            case "application/yaml": body = Array((short.contains("/contract") ? Self.contract : Self.yaml).utf8)
            case "application/ld+json": body = Array("{}".utf8)
            default:
                body = Array(
                    (ofFiles ? "a.txt" : short.hasPrefix("/objects/{") ? "x" : kind == "objects" ? "" : Self.csv).utf8)
            }
            if type.hasSuffix("tar") { body = [UInt8](repeating: 0, count: 1024) }
            headers.append(("content-type", type.hasSuffix("parquet") ? "text/csv" : type))
        }
        var target = "/" + path + (Self.queries[short] ?? "")
        if target.hasSuffix("&run=") { target += world.ids["runs"] ?? "?" }
        let answer = await world.application.respond(
            method: route.method.rawValue, target: target, headers: headers,
            body: RequestBody(body))
        guard case .bytes(let bytes) = answer.body else { return (answer.status, nil) }
        return (answer.status, (try? JSONValue(parsing: bytes))?["items"]?.arrayValue?.count)
    }

    /// What routes for anyone signed in check themselves, as seen by an owner of another project: whose listings show
    /// nothing of `p`, and what is one's own. All others are to answer 403.
    private static let outsiderMay: [String: String] = [
        "GET /": "own", "GET /ui": "own", "GET /ui/assets/{name}": "own", "GET /ui/{path+}": "own",
        "GET /api/v1/session": "own", "POST /api/v1/session": "own", "DELETE /api/v1/session": "own",
        "GET /api/v1/whoami": "own", "GET /api/v1/tokens": "own", "POST /api/v1/tokens": "own",
        // An object is of no project until a commit of one names it.
        "POST /api/v1/objects/missing": "own", "POST /api/v1/objects/batch": "own",
        "PUT /api/v1/objects/{digest}": "own",
        // What runs there are in a project that one may read.
        "POST /api/v1/sql": "own", "GET /api/v1/sql/tables": "own",
        // Its own project.
        "GET /api/v1/projects": "1", "GET /api/v1/datasets": "0", "GET /api/v1/slices": "0", "GET /api/v1/sources": "0",
        "GET /api/v1/pipelines": "0", "GET /api/v1/pipeline-runs": "0", "GET /api/v1/experiments": "0",
        "GET /api/v1/experiment-folders": "0",
        "GET /api/v1/openlineage": "0", "GET /api/v1/runs": "0", "GET /api/v1/traces": "0",
        "GET /api/v1/label-schemas": "0",
        "GET /api/v1/label-tasks": "0", "GET /api/v1/webhooks": "0",
    ]

    @Test func `every route enforces the permission that it declares`() async throws {
        let migrations =
            ProjectsFeature.migrations + DatasetsFeature.migrations + LabelsFeature.migrations
            + TrackingFeature.migrations + TracesFeature.migrations
            + PipelinesFeature.migrations + RegistryFeature.migrations + WebhooksFeature.migrations
        try await TestPlatform.with(migrations) { platform in
            let world = try await make(platform)
            var wrong: [String] = []
            for route in world.routes {
                let name = "\(route.method.rawValue) \(route.path)"
                let isSignedIn = route.permission == .signedIn
                let declared = isSignedIn || route.permission == .open ? "" : route.permission.name
                // Nobody: the outer door, or what the route checks itself.
                let nobody = try await call(world, route, as: "nobody")
                let own = Self.outsiderMay[name]
                if own == nil || !declared.isEmpty, nobody.status != 403 {
                    wrong.append("nobody \(name): \(nobody.status)")
                }
                if isSignedIn, let own, own != "own", nobody.items != 0 {
                    wrong.append("nobody \(name): sees \(nobody.items ?? -1)")
                }
                // An owner, but of another project.
                let outsider = try await call(world, route, as: "outsider")
                if let own {
                    let isRight = own == "own" ? outsider.status < 400 : outsider.items == Int(own)
                    if !isRight { wrong.append("outsider \(name): \(outsider)") }
                } else if outsider.status != 403 {
                    wrong.append("outsider \(name): \(outsider)")
                }
                // A viewer of the project: reads all of it, and changes nothing.
                let mayRead = route.permission.roles.contains(.viewer) && name != "DELETE /api/v1/tokens/{id}"
                let reader = try await call(world, route, as: "reader")
                if mayRead ? reader.status >= 400 : reader.status != 403 {
                    wrong.append("reader \(name): \(reader.status)")
                }
            }
            #expect(wrong == [])
            #expect(world.routes.count > 50)
        }
    }
}
