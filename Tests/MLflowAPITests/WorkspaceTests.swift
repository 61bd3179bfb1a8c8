import Access
import Core
import Platform
import TestSupport
import Testing
import Web

@testable import MLflowAPI

@Suite struct WorkspaceTests {
    @Test func `a workspace is a project: what is made in it is of it, and nothing else is in it`() async throws {
        try await MLflowServer.each { server in
            func call(
                _ method: String, _ path: String, _ body: JSONValue? = nil, in workspace: String?, token: String? = nil
            )
                async throws -> (status: Int, json: JSONValue)
            {
                var headers: [(name: String, value: String)] = []
                if let workspace { headers.append(("x-mlflow-workspace", workspace)) }
                if let token { headers.append(("authorization", "Bearer \(token)")) }
                return try await server.web.ask(
                    method, path.hasPrefix("/") ? path : "/api/2.0/mlflow/" + path, body, headers: headers)
            }
            let admin = "/api/3.0/mlflow/workspaces"
            let made = try await call("POST", admin, ["name": "team-a", "description": "A"], in: nil)
            #expect(made.status == 201 && made.json == ["workspace": ["name": "team-a", "description": "A"]])
            #expect(
                try await call("POST", admin, ["name": "team-a"], in: nil).json["error_code"]
                    == "RESOURCE_ALREADY_EXISTS")
            _ = try await call("POST", admin, ["name": "team-b"], in: nil)
            let listed = try await call("GET", admin, in: nil).json["workspaces"]?.arrayValue?.compactMap {
                $0["name"]?.stringValue
            }
            #expect(listed == ["default", "team-a", "team-b"])
            #expect(
                try await call("GET", admin + "/team-b", in: nil).json == [
                    "workspace": ["name": "team-b", "description": ""]
                ])

            let a =
                try await call("POST", "experiments/create", ["name": "ea"], in: "team-a").json["experiment_id"]
                ?? .null
            let b =
                try await call("POST", "experiments/create", ["name": "eb"], in: "team-b").json["experiment_id"]
                ?? .null
            let run = try await call("POST", "runs/create", ["experiment_id": b], in: "team-b").json["run"]?["info"]?[
                "run_id"]
            let id = run?.stringValue ?? ""
            _ = try await call("POST", "registered-models/create", ["name": "ma"], in: "team-a")
            _ = try await call("POST", "registered-models/create", ["name": "mb"], in: "team-b")
            func names(_ path: String, _ list: String, in workspace: String?) async throws -> [String] {
                let method = path.hasPrefix("experiments") ? "POST" : "GET"
                let found = try await call(method, path, method == "POST" ? [:] : nil, in: workspace).json[list]
                return (found?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }.sorted()
            }
            #expect(try await names("experiments/search", "experiments", in: "team-a") == ["ea"])
            #expect(try await names("experiments/search", "experiments", in: nil) == ["Default", "ea", "eb"])
            #expect(try await names("registered-models/search", "registered_models", in: "team-a") == ["ma"])
            #expect(try await names("registered-models/search", "registered_models", in: nil) == ["ma", "mb"])
            #expect(
                try await call("GET", "experiments/get?experiment_id=\(a.stringValue ?? "")", in: "team-a").json[
                    "experiment"]?["workspace"] == "team-a")

            // Absent, of another workspace, of nobody's.
            for (method, path, body) in [
                ("GET", "experiments/get?experiment_id=\(b.stringValue ?? "")", nil),
                ("GET", "runs/get?run_id=\(id)", nil),
                ("POST", "runs/log-metric", ["run_id": .string(id), "key": "k", "value": 1, "timestamp": 1]),
                ("POST", "runs/create", ["experiment_id": b]), ("POST", "runs/delete", ["run_id": .string(id)]),
                ("GET", "registered-models/get?name=mb", nil),
                ("GET", "experiments/get-by-name?experiment_name=eb", nil),
            ] as [(String, String, JSONValue?)] {
                let answer = try await call(method, path, body, in: "team-a")
                #expect(answer.status == 404 && answer.json["error_code"] == "RESOURCE_DOES_NOT_EXIST", "\(path)")
                let within = try await call(method, path, body, in: "team-b")
                #expect(within.status == 200, "\(path)")
            }
            let unknown = try await call("GET", "experiments/get?experiment_id=0", in: "nowhere")
            #expect(unknown.status == 404)
            #expect(unknown.json["error_code"] == "RESOURCE_DOES_NOT_EXIST")
            #expect(unknown.json["message"] == "Workspace 'nowhere' not found")
            #expect(
                try await call("GET", admin + "/nowhere", in: nil).json["message"] == "Workspace 'nowhere' not found")
            #expect(
                try await call("GET", "/api/3.0/mlflow/server-info", in: "nowhere").json["workspaces_enabled"] == true)
            for method in ["PATCH", "DELETE"] {
                #expect(try await call(method, admin + "/team-a", in: nil).json["error_code"] == "NOT_IMPLEMENTED")
            }

            // A member of one project sees one workspace; the role counts in it.
            let access = server.platform.access
            _ = try await access.createAccount(name: "bo", kind: .user, role: nil, as: .system)
            try await access.grant(.viewer, on: "team-a", to: "bo", as: .system)
            let token = try await access.issueToken(
                for: "bo", label: "", scopes: nil, lifetimeSeconds: nil, as: .system
            ).text.reveal
            #expect(try await call("GET", admin, in: nil, token: token).json["workspaces"]?.arrayValue?.count == 1)
            #expect(try await call("POST", admin, ["name": "team-c"], in: nil, token: token).status == 403)
            #expect(try await call("POST", "experiments/search", [:], in: "team-a", token: token).status == 200)
            #expect(
                try await call("POST", "experiments/create", ["name": "x"], in: "team-a", token: token).json[
                    "error_code"] == "PERMISSION_DENIED")
            #expect(
                try await call("POST", "experiments/search", [:], in: "team-b", token: token).json["error_code"]
                    == "PERMISSION_DENIED")
        }
    }
}
