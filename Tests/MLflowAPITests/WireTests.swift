import Core
import Testing
import Tracking
import Web

@testable import MLflowAPI

@Suite struct WireTests {
    @Test func `every error code has MLflow's word`() async throws {
        var seen: [String] = []
        for code in ErrorCode.allCases {
            let answer = Wire.mlflow.error(SlipwayError(code, "why"), "1")
            guard case .bytes(let bytes) = answer.body else { continue }
            let json = try JSONValue(parsing: bytes)
            seen.append("\(code.rawValue) \(answer.status) \(json["error_code"]?.stringValue ?? "-")")
            #expect(json["message"] == "why")
        }
        #expect(
            seen == [
                "invalid 400 INVALID_PARAMETER_VALUE", "unauthenticated 401 UNAUTHENTICATED",
                "forbidden 403 PERMISSION_DENIED",
                "not_found 404 RESOURCE_DOES_NOT_EXIST", "conflict 400 RESOURCE_ALREADY_EXISTS",
                "too_large 400 INVALID_PARAMETER_VALUE", "rate_limited 429 REQUEST_LIMIT_EXCEEDED",
                "deadline_exceeded 504 DEADLINE_EXCEEDED", "cancelled 499 CANCELLED",
                "unavailable 503 TEMPORARILY_UNAVAILABLE",
                "unsupported 501 NOT_IMPLEMENTED", "internal 500 INTERNAL_ERROR",
            ])
    }

    @Test(arguments: [
        (Ref(.run, "r1"), "Run with id=r1 not found"), (Ref(.experiment, "7"), "No Experiment with id=7 exists"),
        (Ref(.loggedModel, "m-1"), "Logged model with ID 'm-1' not found."),
        (Ref(.model, "restock"), "Registered Model with name=restock not found"),
        (Ref(.model, "restock", version: 3), "Model Version (name=restock, version=3) not found"),
    ]) func `what does not exist, in MLflow's words`(ref: Ref, message: String) {
        #expect(MLflowError.message(.notFound(ref)) == message)
        #expect(MLflowError.message(SlipwayError(.notFound, "Other words.", ref: ref)) == "Other words.")
    }

    @Test func `a batch as clients send it`() throws {
        let text = """
            {"run_id": "r", "unknown": [1, {"a": null}], "metrics": [
                {"key": "a", "value": 1, "timestamp": "7", "step": "3"},
                {"key": "b", "value": "NaN", "timestamp": 8, "step": null, "model_id": "m-1", "dataset_name": "d", "dataset_digest": ""},
                {"key": "c", "value": -Infinity, "timestamp": 9}],
             "params": [{"key": "p", "value": "1"}, {"key": "q"}], "tags": null}
            """
        let (run, batch) = try LogBatchReader.read(Array(text.utf8))
        #expect(run == "r" && batch.tags.isEmpty)
        #expect(batch.params.map { "\($0.key)=\($0.value)" } == ["p=1", "q="])
        let metrics = batch.metrics.map { metric in
            "\(metric.key) \(metric.point.value) \(metric.point.time.milliseconds) \(metric.point.step) \(metric.subject?.model ?? "-") \(metric.subject?.datasetDigest ?? "-")"
        }
        #expect(metrics == ["a 1.0 7 3 - -", "b nan 8 0 m-1 -", "c \(-Double.greatestFiniteMagnitude) 9 0 - -"])
    }

    @Test(arguments: [
        ("", "parameter 'run_id'"), ("{}", "parameter 'run_id'"), ("[]", "byte 0"), ("{\"run_id\": \"r\"", "byte 14"),
        (#"{"run_id": 5}"#, "Invalid value 5 for parameter 'run_id' supplied"),
        (#"{"run_id": "r", "metrics": {}}"#, "Invalid value {} for parameter 'metrics' supplied"),
        (
            #"{"run_id": "r", "metrics": [{"key": "k", "value": 1, "timestamp": 1}, 7]}"#,
            "Invalid value 7 for parameter 'metrics[1]' supplied"
        ),
        (#"{"run_id": "r", "metrics": [{"key": "k", "timestamp": 1}]}"#, "parameter 'metrics[0].value'"),
        (#"{"run_id": "r", "metrics": [{"key": "k", "value": null, "timestamp": 1}]}"#, "parameter 'metrics[0].value'"),
        (#"{"run_id": "r", "metrics": [{"key": "k", "value": 1}]}"#, "parameter 'metrics[0].timestamp'"),
        (
            #"{"run_id": "r", "metrics": [{"key": "k", "value": "x", "timestamp": 1}]}"#,
            #"Invalid value "x" for parameter 'metrics[0].value' supplied"#
        ),
        (
            #"{"run_id": "r", "metrics": [{"key": "k", "value": 1, "timestamp": 1.5}]}"#,
            "Invalid value 1.5 for parameter 'metrics[0].timestamp' supplied"
        ),
        (#"{"run_id": "r", "params": [{"value": "x"}]}"#, "parameter 'params[0].key'"),
        (
            #"{"run_id": "r", "tags": [{"key": "k", "value": 1}]}"#,
            "Invalid value 1 for parameter 'tags[0].value' supplied"
        ),
    ]) func `a batch that is not one`(text: String, message: String) throws {
        let error = #expect(throws: SlipwayError.self) { _ = try LogBatchReader.read(Array(text.utf8)) }
        #expect(error?.code == .invalid && error?.message.contains(message) == true, "\(error?.message ?? "-")")
    }

    @Test func `the fields of a request`() async throws {
        func fields(_ method: Web.Method, query: [(String, String)] = [], _ body: String = "") async throws
            -> MLflowFields
        {
            try await MLflowFields(
                Request(
                    id: "1", method: method, path: "/", principal: .system, headers: [],
                    queryItems: query.map { (name: $0.0, value: $0.1) }, parameters: [:],
                    body: RequestBody(Array(body.utf8))))
        }
        let get = try await fields(
            .get, query: [("run_ids", "a"), ("run_ids", "b"), ("max_results", "5"), ("flag", "True")])
        #expect(try get.strings("run_ids") == ["a", "b"] && get.int("max_results") == 5 && get.bool("flag") == true)
        let post = try await fields(
            .post, #""{\"runId\": \"x\", \"n\": \"3\", \"none\": null, \"list\": [{\"key\": \"k\"}]}""#)
        #expect(try post.runID() == "x" && post.int("n") == 3 && post.text("none") == nil)
        #expect(try post.keyValues("list").map(\.key) == ["k"])
        for (name, body) in [
            ("text", #"{"f": 1}"#), ("int", #"{"f": 1.5}"#), ("list", #"{"f": "x"}"#), ("messages", #"{"f": [1]}"#),
        ] {
            let wrong = try await fields(.post, body)
            let error = #expect(throws: SlipwayError.self) {
                switch name {
                case "text": _ = try wrong.text("f")
                case "int": _ = try wrong.int("f")
                case "list": _ = try wrong.strings("f")
                default: _ = try wrong.messages("f")
                }
            }
            #expect(error?.message.hasPrefix("Invalid value ") == true)
        }
    }
}
