import Core
import Testing
import Web

@testable import MLflowAPI

@Suite struct EndpointTests {
    @Test func `both prefixes, and what is not there`() async throws {
        try await MLflowServer.each { server in
            var seen: [String] = []
            for (method, path) in [
                ("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0"),
                ("GET", "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0"),
                ("GET", "/api/3.0/mlflow/server-info"), ("GET", "/version"), ("GET", "/api/2.0/mlflow/nowhere/at/all"),
                ("POST", "/ajax-api/3.0/mlflow/label-schemas/create"), ("DELETE", "/api/2.0/mlflow/runs/create"),
                ("GET", "/api/2.0/mlflow/runs/get"),
                ("GET", "/api/2.0/mlflow/runs/get?run_id=nope"), ("POST", "/api/2.0/mlflow/runs/log-batch"),
            ] {
                let answer = try await server.call(method, path)
                seen.append("\(answer.status) \(answer.json["error_code"]?.stringValue ?? "ok")")
            }
            #expect(
                seen == [
                    "200 ok", "200 ok", "200 ok", "200 ok", "404 ENDPOINT_NOT_FOUND", "501 NOT_IMPLEMENTED",
                    "405 NOT_IMPLEMENTED",
                    "400 INVALID_PARAMETER_VALUE", "404 RESOURCE_DOES_NOT_EXIST", "400 INVALID_PARAMETER_VALUE",
                ])
        }
    }

    @Test func `a run on the wire`() async throws {
        try await MLflowServer.each { server in
            let experiment =
                try await server.call(
                    "POST", "experiments/create", ["name": "wire", "tags": [["key": "team", "value": "fresh"]]]
                ).json["experiment_id"] ?? .null
            let id = experiment.stringValue ?? ""
            let created = try await server.call(
                "POST", "runs/create",
                ["experiment_id": experiment, "start_time": "1234", "user_id": "ada", "run_name": "n"])
            let info = created.json["run"]?["info"]
            let run = info?["run_id"]?.stringValue ?? ""
            let expected: JSONValue = [
                "run_id": .string(run), "run_uuid": .string(run), "run_name": "n", "experiment_id": experiment,
                "user_id": "ada",
                "status": "RUNNING", "start_time": 1234,
                "artifact_uri": .string("mlflow-artifacts:/\(id)/\(run)/artifacts"),
                "lifecycle_stage": "active",
            ]
            #expect(info == expected)

            let batch: JSONValue = [
                "run_id": .string(run),
                "metrics": [
                    ["key": "loss", "value": 0.5, "timestamp": 1, "step": 2],
                    ["key": "nan", "value": "NaN", "timestamp": 1],
                ],
                "params": [["key": "p", "value": "1"]], "tags": [["key": "t", "value": "u"]],
            ]
            let logged = try await server.call("POST", "runs/log-batch", batch)
            #expect(logged == (200, [:]))
            let data = try await server.call("GET", "runs/get?run_id=\(run)").json["run"]?["data"]
            let wanted: JSONValue = [
                "metrics": [
                    ["key": "loss", "value": 0.5, "timestamp": 1, "step": 2],
                    ["key": "nan", "value": "NaN", "timestamp": 1, "step": 0],
                ],
                "params": [["key": "p", "value": "1"]],
                "tags": [["key": "mlflow.runName", "value": "n"], ["key": "t", "value": "u"]],
            ]
            #expect(data == wanted)
            let update = try await server.call(
                "POST", "runs/update", ["run_id": .string(run), "status": "FINISHED", "end_time": 2000])
            #expect(update.json["run_info"]?["end_time"] == 2000 && update.json["run_info"]?["status"] == "FINISHED")
            let search = try await server.call(
                "POST", "runs/search",
                ["experiment_ids": [experiment], "filter": "metrics.loss < 1", "order_by": ["metrics.loss DESC"]])
            #expect(search.json["runs"]?.arrayValue?.count == 1 && search.json["next_page_token"] == nil)
            let shown = try await server.call("GET", "experiments/get-by-name?experiment_name=wire").json["experiment"]
            #expect(shown?["tags"] == [["key": "team", "value": "fresh"]] && shown?["workspace"] == "default")
        }
    }

    @Test func `histories by pages, and thinned out`() async throws {
        try await MLflowServer.each { server in
            let run = try await server.newRun()
            let points = (0..<10).map {
                ["key": "m", "value": .int($0), "timestamp": .int(100 + $0), "step": .int($0)] as JSONValue
            }
            _ = try await server.call("POST", "runs/log-batch", ["run_id": .string(run), "metrics": .array(points)])
            func steps(_ answer: JSONValue) -> [Int64] {
                answer["metrics"]?.arrayValue?.compactMap { $0["step"]?.intValue } ?? []
            }
            let base = "metrics/get-history?run_id=\(run)&metric_key=m"
            let first = try await server.call("GET", base + "&max_results=6").json
            let token = first["next_page_token"]?.stringValue ?? ""
            let second = try await server.call("GET", base + "&max_results=6&page_token=\(token)").json
            #expect(steps(first) == Array(0..<6) && steps(second) == Array(6..<10) && second["next_page_token"] == nil)
            #expect(try await server.call("GET", base + "&max_results=0").status == 400)
            #expect(try await server.call("GET", base + "&page_token=junk").status == 400)
            let bulk = "metrics/get-history-bulk-interval?run_ids=\(run)&metric_key=m&max_results="
            #expect(steps(try await server.call("GET", bulk + "4").json) == [0, 3, 6, 9])
            #expect(steps(try await server.call("GET", bulk + "1").json) == [9])
            #expect(steps(try await server.call("GET", bulk + "9&start_step=2&end_step=4").json) == [2, 3, 4])
            let all = try await server.call(
                "GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id=\(run)&metric_key=m"
            ).json
            #expect(steps(all) == Array(0..<10) && all["metrics"]?.arrayValue?.first?["run_id"] == .string(run))
        }
    }

    @Test func `artifacts through the server`() async throws {
        try await MLflowServer.each { server in
            let run = try await server.newRun()
            let base = "/api/2.0/mlflow-artifacts/artifacts"
            let root = "0/\(run)/artifacts"
            let put = try await server.call("PUT", "\(base)/\(root)/a%20b/c.json", ["x": 1])
            #expect(put == (200, .null))
            #expect(try await server.call("GET", "\(base)/\(root)/a%20b/c.json").json == ["x": 1])
            let listed = try await server.call("GET", "\(base)?path=\(root)/a%20b").json
            #expect(listed == ["files": [["path": "c.json", "is_dir": false, "file_size": 7]]])
            #expect(
                try await server.call("GET", "\(base)?path=\(root)").json == [
                    "files": [["path": "a b", "is_dir": true]]
                ])
            let ofRun = try await server.call("GET", "artifacts/list?run_id=\(run)&path=a%20b/").json
            #expect(ofRun["files"] == [["path": "a b/c.json", "is_dir": false, "file_size": 7]])
            #expect(ofRun["root_uri"] == .string("mlflow-artifacts:/" + root))
            #expect(try await server.call("GET", "/get-artifact?run_id=\(run)&path=a%20b/c.json").json == ["x": 1])
            var statuses: [Int] = []
            for path in [
                "../x", "%2e%2e/x", "0/nope/artifacts/x", root + "/none", root + "/a%20b", "%2fetc%2fx", "x%00y",
                "%252e%252e/x",
            ] {
                statuses.append(try await server.call("GET", "\(base)/\(path)").status)
            }
            #expect(statuses == [400, 400, 404, 404, 400, 400, 400, 404])
            #expect(try await server.call("GET", "\(base)?path=0/nope/artifacts").json == [:])
            #expect(try await server.call("DELETE", "\(base)/\(root)/a%20b") == (200, [:]))
            #expect(try await server.call("GET", "\(base)?path=\(root)").json == [:])

            let answer = await server.web.respond(
                method: "PUT", target: "\(base)/\(root)/page.html", headers: [("host", "127.0.0.1:5000")],
                body: RequestBody(Array("<b>".utf8)))
            #expect(answer.status == 200)
            let page = await server.web.respond(
                method: "GET", target: "\(base)/\(root)/page.html", headers: [("host", "127.0.0.1:5000")],
                body: RequestBody([]))
            let headers = Dictionary(page.headers.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(headers["Content-Disposition"] == "attachment; filename=\"page.html\"")
            #expect(
                headers["Content-Type"] == "text/plain; charset=utf-8" && headers["X-Content-Type-Options"] == "nosniff"
            )
        }
    }

    @Test func `logged models`() async throws {
        try await MLflowServer.each { server in
            let run = try await server.newRun()
            let made = try await server.call(
                "POST", "logged-models",
                [
                    "experiment_id": "0", "name": "m", "source_run_id": .string(run),
                    "params": [["key": "depth", "value": "3"]],
                ])
            let id = made.json["model"]?["info"]?["model_id"]?.stringValue ?? ""
            #expect(id.hasPrefix("m-") && made.json["model"]?["info"]?["status"] == "LOGGED_MODEL_PENDING")
            let put = try await server.call(
                "PUT", "/api/2.0/mlflow-artifacts/artifacts/0/models/\(id)/artifacts/MLmodel", ["flavors": [:]])
            #expect(put.status == 200)
            _ = try await server.call(
                "POST", "runs/log-metric",
                [
                    "run_id": .string(run), "key": "rmse", "value": 0.5, "timestamp": 1, "model_id": .string(id),
                    "dataset_name": "d", "dataset_digest": "x",
                ])
            _ = try await server.call(
                "POST", "runs/outputs", ["run_id": .string(run), "models": [["model_id": .string(id), "step": 2]]])
            let ready = try await server.call(
                "PATCH", "logged-models/\(id)", ["model_id": .string(id), "status": "LOGGED_MODEL_READY"])
            let metric: JSONValue = [
                "key": "rmse", "value": 0.5, "timestamp": 1, "step": 0, "dataset_name": "d", "dataset_digest": "x",
                "model_id": .string(id),
                "run_id": .string(run),
            ]
            #expect(
                ready.json["model"]?["data"]?["metrics"] == [metric]
                    && ready.json["model"]?["info"]?["status"] == "LOGGED_MODEL_READY")
            let outputs = try await server.call("GET", "runs/get?run_id=\(run)").json["run"]?["outputs"]
            #expect(outputs == ["model_outputs": [["model_id": .string(id), "step": 2]]])
            let found = try await server.call(
                "POST", "logged-models/search",
                [
                    "experiment_ids": ["0"], "filter": "metrics.rmse < 1 AND params.depth = '3'",
                    "datasets": [["dataset_name": "d"]],
                    "order_by": [["field_name": "metrics.rmse", "ascending": false]],
                ])
            #expect(found.json["models"]?.arrayValue?.count == 1)
            let files = try await server.call("GET", "logged-models/\(id)/artifacts/directories").json["files"]
            #expect(files == [["path": "MLmodel", "is_dir": false, "file_size": 14]])
            #expect(
                try await server.call("PATCH", "logged-models/\(id)/tags", ["tags": [["key": "t", "value": "1"]]]) == (
                    200, [:]
                ))
            #expect(try await server.call("DELETE", "logged-models/\(id)/tags/t") == (200, [:]))
            #expect(try await server.call("DELETE", "logged-models/\(id)/tags/t").status == 404)
            #expect(try await server.call("DELETE", "logged-models/\(id)").status == 200)
            #expect(try await server.call("GET", "logged-models/\(id)").status == 404)
            #expect(try await server.call("GET", "logged-models/\(id)?allow_deleted=true").status == 200)
        }
    }

    @Test func `what old clients send`() async throws {
        try await MLflowServer.each { server in
            let run = try await server.newRun()
            let model = #"{"artifact_path": "m", "flavors": {}, "utc_time_created": "x", "run_id": "r"}"#
            for _ in 0..<2 {
                #expect(
                    try await server.call(
                        "POST", "runs/log-model", ["run_id": .string(run), "model_json": .string(model)]
                    ).status == 200)
            }
            let tags =
                try await server.call("GET", "runs/get?run_uuid=\(run)").json["run"]?["data"]?["tags"]?.arrayValue ?? []
            let history = tags.first { $0["key"] == "mlflow.log-model.history" }?["value"]?.stringValue ?? ""
            #expect(try JSONValue(parsing: history).arrayValue?.count == 2)
            let inputs: JSONValue = [
                "run_id": .string(run),
                "datasets": [
                    [
                        "tags": [["key": "mlflow.data.context", "value": "train"]],
                        "dataset": ["name": "d", "digest": "x", "source_type": "s", "source": "{}"],
                    ]
                ],
            ]
            #expect(try await server.call("POST", "runs/log-inputs", inputs) == (200, [:]))
            let summaries = try await server.call("POST", "experiments/search-datasets", ["experiment_ids": ["0"]]).json
            #expect(
                summaries == [
                    "dataset_summaries": [["experiment_id": "0", "name": "d", "digest": "x", "context": "train"]]
                ])
        }
    }
}
