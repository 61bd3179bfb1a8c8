import Core
import Platform
import Registry
import TestSupport
import Testing
import Web

@Suite struct RegistryRoutesTests {
    private static func app(_ f: Fixture) -> WebApplication { .testing(f.features.flatMap(\.routes), f.platform) }

    @Test func `the life of a model over HTTP`() async throws {
        try await Fixture.each { f in
            let app = Self.app(f)
            func ask(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> (
                status: Int, json: JSONValue
            ) {
                try await app.ask(method, "/api/v1/models" + path, body)
            }
            let run = try await f.run()
            var statuses: [Int] = []
            statuses.append(
                try await ask("POST", "", ["name": "Re stock", "project": "fresh", "tags": ["team": "fresh"]]).status)
            let model = "/Re%20stock"
            let made = try await ask(
                "POST", "\(model)/versions", ["source": .string("runs:/\(run)/model"), "description": "first"])
            statuses.append(made.status)
            #expect(made.json["ref"] == "model:Re stock@1")
            statuses.append(
                try await ask(
                    "POST", "\(model)/versions/1/evaluations", ["dataset": "dataset:sales", "metrics": ["rmse": 0.5]]
                ).status)
            statuses.append(try await ask("PUT", "\(model)/policy", ["approvalsRequired": 1]).status)
            let promote: JSONValue = ["version": 1, "metric": "rmse", "direction": "lower", "minimumImprovement": "1%"]
            let refused = try await ask("POST", "\(model)/promote", promote)
            statuses.append(refused.status)
            #expect(
                refused.json["error"]?["message"]
                    == "model:Re stock@1 does not take 'champion': model:Re stock@1 is not approved: 'champion' takes 1 approval and it has 0."
            )
            // The one at the machine registered it, so approving takes a change of policy.
            statuses.append(try await ask("POST", "\(model)/versions/1/approvals", ["decision": "approve"]).status)
            statuses.append(try await ask("PUT", "\(model)/policy", ["selfApproval": true]).status)
            statuses.append(
                try await ask("POST", "\(model)/versions/1/approvals", ["decision": "approve", "comment": "fine"])
                    .status)
            let promoted = try await ask("POST", "\(model)/promote", promote)
            statuses.append(promoted.status)
            #expect(promoted.json["evaluatedOn"] == "dataset:sales@3")
            #expect(statuses == [201, 201, 201, 200, 409, 403, 200, 200, 200])

            let shown = try await ask("GET", "\(model)/versions/champion").json
            #expect(shown["approval"] == "approved" && shown["aliases"] == ["champion"])
            #expect(
                shown["files"]?.arrayValue?.compactMap { $0["path"] } == ["MLmodel", "model.onnx", "requirements.txt"])
            #expect(shown["evaluations"]?.arrayValue?.compactMap { $0["metrics"] } == [["rmse": 0.5]])
            #expect(shown["approvals"]?.arrayValue?.compactMap { $0["comment"] } == ["fine"])
            #expect(shown["history"]?.arrayValue?.compactMap { $0["reason"] } == ["promoted"])
            #expect(shown["recipe"]?["seed"] == "7" && shown["metrics"] == ["rmse": 0.25])
            #expect(try await ask("GET", "\(model)/versions/1/files/model.onnx").json == "not really")
            #expect(
                try await ask("GET", "?project=fresh").json["items"]?.arrayValue?.compactMap { $0["aliases"] } == [
                    ["champion": 1]
                ])
            #expect(try await ask("GET", "\(model)/versions?limit=1").json["items"]?.arrayValue?.count == 1)
            #expect(try await ask("GET", "\(model)/history?alias=champion").json["items"]?.arrayValue?.count == 1)
            #expect(
                try await ask("PUT", "\(model)/aliases/shadow", ["version": 1]).json["aliases"] == [
                    "champion": 1, "shadow": 1,
                ])
            #expect(try await ask("DELETE", "\(model)/aliases/shadow").status == 204)
            #expect(try await ask("DELETE", "\(model)/versions/1").status == 204)
            #expect(try await ask("DELETE", model).status == 204)
        }
    }

    @Test func `bad requests name the field`() async throws {
        try await Fixture.each { f in
            let app = Self.app(f)
            try await f.restock()
            let table: [(String, String, JSONValue, Int, String)] = [
                ("POST", "", [:], 400, "name: is missing; expected text."),
                (
                    "POST", "", ["name": "a:b"], 400,
                    "name: contains ':'; expected 1 to 256 bytes without '/', ':' and '@'."
                ),
                (
                    "POST", "", ["name": "x", "owner": "me"], 400,
                    "owner: is not a known field; expected one of description, name, project, tags."
                ),
                ("POST", "/restock/versions", ["source": 3], 400, "source: is a number; expected text."),
                (
                    "POST", "/restock/versions", ["source": "runs:/absent/m"], 400,
                    "source: 'runs:/absent/m' names the run absent, which does not exist."
                ),
                (
                    "PUT", "/restock/aliases/v5", ["version": 1], 400,
                    "alias: 'v5' reads as a version number; expected a word such as champion."
                ),
                ("PUT", "/restock/aliases/champion", ["version": 9], 404, "model:restock@9 does not exist."),
                (
                    "PUT", "/restock/policy", ["approvalsRequired": 5], 400,
                    "approvalsRequired: is 5; expected 0, 1 or 2."
                ),
                (
                    "POST", "/restock/versions/one/approvals", ["decision": "approve"], 400,
                    "version: 'one' is not a whole number; expected a number such as 3."
                ),
                (
                    "POST", "/restock/versions/1/approvals", ["decision": "maybe"], 400,
                    "decision: 'maybe' is no decision; expected approve or reject."
                ),
                (
                    "POST", "/restock/versions/1/evaluations", ["metrics": ["a": "b"]], 400,
                    "metrics.a: is text; expected a number."
                ),
                (
                    "POST", "/restock/promote", ["version": 1, "metric": "a", "direction": "up"], 400,
                    "direction: 'up' is no direction; expected lower or higher."
                ),
                (
                    "GET", "/restock/versions/1/files/..%2fsecret", [:], 400,
                    "path: '../secret' contains '..'; expected a relative path such as model/model.onnx."
                ),
                (
                    "GET", "/restock/versions/1/files/absent", [:], 404,
                    "model:restock@1 has no file absent; it has MLmodel, model.onnx, requirements.txt."
                ),
                (
                    "GET", "/restock/versions/none", [:], 404,
                    "model:restock@none does not exist. model:restock has no aliases."
                ),
                (
                    "GET", "?filter=name%20%3E%20%27a%27", [:], 400,
                    "'name' is text: use =, !=, LIKE, ILIKE, IN or IS NULL."
                ),
            ]
            for (method, path, body, status, message) in table {
                let answer = try await app.ask(method, "/api/v1/models" + path, method == "GET" ? nil : body)
                #expect(
                    answer.status == status && answer.json["error"]?["message"] == .string(message),
                    "\(method) \(path): \(answer)")
            }
        }
    }
}
