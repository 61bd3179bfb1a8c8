import Core
import TestSupport
import Testing
import Web

@Suite struct OpenInferenceTests {
    @Test func questionsAboutServerAndModel() async throws {
        try await Fixture.with([("affine", "affine", nil)]) { fixture in
            let metadata =
                #"{"name":"affine","versions":["1"],"platform":"onnx_onnxv1","inputs":[{"name":"x","datatype":"FP32","shape":[]}],"outputs":[{"name":"y","datatype":"FP32","shape":[]}]}"#
            let expected: [(String, Int, String)] = [
                ("/v2", 200, #"{"extensions":["binary_tensor_data"],"name":"slipway","version":"1.2.3"}"#),
                ("/v2/health/live", 200, #"{"live":true}"#), ("/v2/health/ready", 200, #"{"ready":true}"#),
                ("/v2/models/affine", 200, metadata), ("/v2/models/affine/versions/1", 200, metadata),
                ("/v2/models/affine/ready", 200, #"{"name":"affine","ready":true}"#),
                ("/v2/models/affine/versions/1/ready", 200, #"{"name":"affine","ready":true}"#),
                (
                    "/v2/models/affine/versions/x", 400,
                    #"{"error":"version: 'x' is not a whole number; expected a number such as 3."}"#
                ),
                (
                    "/v2/models/none/ready", 404,
                    #"{"error":"endpoint:none does not exist. No endpoint and no registered model has that name; 'slipway endpoint list' shows the endpoints."}"#
                ), ("/ping", 200, "\n"),
            ]
            for (target, status, text) in expected {
                let answer = try await fixture.send("GET", target)
                #expect((answer.status, answer.text) == (status, text), "\(target)")
            }
            #expect(try await fixture.send("GET", "/v2/models/affine/versions/7").status == 404)
        }
    }

    @Test func inference() async throws {
        try await Fixture.with([("affine", "affine", nil)]) { fixture in
            let target = "/v2/models/affine/infer"
            let input = #"{"name":"x","datatype":"FP32","shape":[2],"data":[1,2.5]}"#
            let named = try await fixture.send("POST", target, #"{"id":"mine","inputs":[\#(input)]}"#)
            #expect(
                named.text
                    == #"{"model_name":"affine","model_version":"1","id":"mine","outputs":[{"name":"y","datatype":"FP32","shape":[2],"data":[3.0,6.0]}]}"#
            )
            // Without an id of the client's, the answer's id is the prediction's.
            let bare = try await fixture.send("POST", "/v2/models/affine/versions/1/infer", #"{"inputs":[\#(input)]}"#)
            let id = try JSONValue(parsing: bare.text)["id"]?.stringValue
            #expect(
                id != nil && bare.headers["X-Slipway-Prediction"] == id && named.headers["X-Slipway-Prediction"] != id)
            let logged = try await fixture.application.ask("GET", "/api/v1/predictions/\(id ?? "-")").json
            #expect(logged["inputs"] == ["x": [1.0, 2.5]] || logged["inputs"] == ["x": [.int(1), .number(2.5)]])
            #expect(logged["endpoint"] == "affine" && logged["model"] == "model:affine@1")
            #expect(
                try await fixture.application.ask("GET", "/api/v1/predictions?endpoint=affine").json["items"]?
                    .arrayValue?.count == 2)
            let told = try await fixture.application.ask(
                "POST", "/api/v1/feedback", ["items": [["predictionId": JSONValue(id), "row": 1, "value": 6.5]]])
            #expect(told.json == ["accepted": 1])

            let binary = try await fixture.send(
                "POST", target, #"{"inputs":[\#(input)],"parameters":{"binary_data_output":true}}"#)
            let length = try #require(binary.headers["Inference-Header-Content-Length"].flatMap { Int($0) })
            #expect(
                binary.headers["Content-Type"] == "application/octet-stream"
                    && binary.text.utf8.prefix(length).last == 125)
            #expect(
                Array(binary.text.utf8.dropFirst(length)) == [0, 0, 64, 64, 0, 0, 0xC0, 64]
                    || binary.text.utf8.count > length)
        }
    }

    @Test func refusals() async throws {
        try await Fixture.with([("missing", "missing", nil), ("loop", "loop", nil)]) { fixture in
            let cases: [(String, Int, String)] = [
                ("{", 400, "JSON"), ("{}", 400, "inputs: is missing"),
                (
                    #"{"inputs":[{"name":"q","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#, 400,
                    "x: this input is missing"
                ),
                (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}]}"#, 400, "x"),
                (#"{"inputs":[{"name":"x","datatype":"INT64","shape":[1,3],"data":[1,2,3]}]}"#, 400, "x"),
                (
                    #"{"parameters":{"columns":["a"]},"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}"#,
                    400, "parameters.columns"
                ),
                (#"{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,null,3]}]}"#, 200, "variable"),
            ]
            for (body, status, words) in cases {
                let answer = try await fixture.send("POST", "/v2/models/missing/infer", body)
                #expect(answer.status == status && answer.text.contains(words), "\(body): \(answer)")
                if status != 200 {
                    #expect(Array((try JSONValue(parsing: answer.text).objectValue ?? [:]).keys) == ["error"])
                }
            }
        }
    }
}
