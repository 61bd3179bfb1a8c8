import Core
import Inference
import TestSupport
import Testing

@testable import InferenceAPI
@testable import Serving

@Suite struct ScoringTests {
    private static let names =
        #"[{"type": "float", "name": "price"}, {"type": "float", "name": "size"}, {"type": "float", "name": "age"}]"#

    /// The same rows in all of MLflow's forms.
    @Test func forms() async throws {
        try await Fixture.with([("columns", "columns", nil), ("matrix", "missing", Self.names)]) { fixture in
            // The predictions are scikit-learn's for these rows, from expected.json.
            let forms = [
                (
                    "columns", [3.2586206896551717, 6.678981937602626],
                    [
                        #"{"dataframe_split":{"columns":["store","price","size"],"data":[["west",2,2.5],["nowhere",3.0,6]]}}"#,
                        #"{"dataframe_records":[{"size":2.5,"store":"west","price":2},{"price":3,"store":"nowhere","size":6}]}"#,
                        #"{"instances":[{"size":2.5,"store":"west","price":2},{"price":3,"store":"nowhere","size":6}]}"#,
                        #"{"inputs":{"size":[[2.5],[6]],"store":[["west"],["nowhere"]],"price":[2,3]}}"#,
                        "size,store,price\n2.5,west,2\r\n6,\"nowhere\",3\n",
                    ]
                ),
                (
                    "matrix", [5.988262349337616, -0.4219510121944092],
                    [
                        #"{"dataframe_split":{"columns":["age","price","size"],"data":[[3,1,2],[-1,0.5,null]]}}"#,
                        #"{"dataframe_records":[{"price":1,"size":2,"age":3},{"price":0.5,"age":-1}]}"#,
                        #"{"instances":[[1,2,3],[0.5,null,-1]]}"#, #"{"inputs":[[1,2,3],[0.5,null,-1]]}"#,
                        #"{"inputs":{"x":[[1,2,3],[0.5,null,-1]]}}"#,
                        #"{"inputs":{"price":[1,0.5],"size":[2,null],"age":[3,-1]}}"#,
                        "price,size,age\n1,2,3\n0.5,,-1\n",
                    ]
                ),
            ]
            for (model, expected, bodies) in forms {
                for body in bodies {
                    let type = body.hasPrefix("{") ? "application/json; charset=utf-8" : "text/csv"
                    let answer = try await fixture.send("POST", "/invocations?endpoint=\(model)", body, type: type)
                    #expect(
                        answer.status == 200 && answer.headers["X-Slipway-Prediction"] != nil, "\(body): \(answer.text)"
                    )
                    let found =
                        try JSONValue(parsing: answer.text)["predictions"]?.arrayValue?.compactMap(\.doubleValue) ?? []
                    #expect(
                        found.count == 2 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(body): \(found)"
                    )
                }
            }
        }
    }

    @Test func classifier() async throws {
        try await Fixture.with([("iris", "zipmap_text", nil)]) { fixture in
            let answer = try await fixture.send(
                "POST", "/endpoints/iris/invocations", #"{"inputs":[[5.1,3.5,1.4,0.2]]}"#, type: nil)
            let row = try JSONValue(parsing: answer.text)["predictions"]?.arrayValue?.first
            #expect(row?["output_label"] == "setosa")
            #expect(
                row?["output_probability"]?.objectValue.map { Set($0.keys) } == ["setosa", "versicolor", "virginica"])
        }
    }

    @Test func refusals() async throws {
        try await Fixture.with([("columns", "columns", nil), ("matrix", "missing", Self.names)]) { fixture in
            let cases: [(String, String, String)] = [
                ("columns", "{}", "exactly one of dataframe_split"),
                ("columns", #"{"instances":[[1]],"inputs":[[1]]}"#, "instances and inputs"),
                (
                    "columns", #"{"dataframe_split":{"columns":["size","colour"],"data":[[1,2]]}}"#,
                    "missing: price, store; unknown: colour"
                ),
                ("columns", #"{"dataframe_split":{"columns":["a","a"],"data":[[1,2]]}}"#, "'a' is there twice"),
                (
                    "columns", #"{"dataframe_split":{"columns":["a"],"data":[[1],[1,2]]}}"#,
                    "dataframe_split.data[1]: has 2 values"
                ),
                (
                    "columns", #"{"dataframe_records":[{"size":"big","store":"a","price":1}]}"#,
                    #"size, row 0: is "big"; expected a number"#
                ),
                ("columns", #"{"dataframe_records":[{"size":1,"store":null,"price":1}]}"#, "store, row 0: is missing"),
                ("columns", #"{"dataframe_records":[3]}"#, "dataframe_records[0]: is a number"),
                ("columns", #"{"instances":[[1,2]]}"#, "have no names"),
                ("columns", #"{"inputs":[[1]],"params":{"a":1}}"#, "params"),
                ("columns", #"{"rows":[[1]]}"#, "rows: is not a known field"),
                ("matrix", #"{"dataframe_records":[{"price":1,"sise":2,"age":3}]}"#, "missing: size; unknown: sise"),
                ("matrix", #"{"inputs":[[1,2,3],[1,2]]}"#, "not of one length"),
                ("matrix", "price,size,age\n1,2\n", "has 2 values"),
                ("matrix", "price,\"size\n", "a quoted cell does not end"),
            ]
            for (model, body, words) in cases {
                let type = body.hasPrefix("{") ? "application/json" : "text/csv"
                let answer = try await fixture.send("POST", "/endpoints/\(model)/invocations", body, type: type)
                let error = try JSONValue(parsing: answer.text)
                #expect(
                    answer.status == 400 && error["error_code"] == "BAD_REQUEST"
                        && error["message"]?.stringValue?.contains(words) == true, "\(body): \(answer.text)")
            }
            let plain = try await fixture.send("POST", "/endpoints/matrix/invocations", "1", type: "text/plain")
            let unnamed = try await fixture.send("POST", "/invocations", "{}")
            #expect(plain.status == 400 && plain.text.contains("text/plain, which is not taken"))
            #expect(unnamed.text.contains("?endpoint=NAME"))
        }
    }

    @Test func separatedText() throws {
        let cases: [(String, [[String]])] = [
            ("", []), ("a", [["a"]]), ("a,b\n1,\n", [["a", "b"], ["1", ""]]),
            ("\u{FEFF}a\r\n\r\n\"x\"\"y\"\r\n", [["a"], ["x\"y"]]),
            ("\"a,\nb\",c", [["a,\nb", "c"]]), ("\"\"", [[""]]), (",", [["", ""]]),
        ]
        for (text, lines) in cases { #expect(try CSVText(Array(text.utf8)).lines() == lines, "\(text)") }
        #expect(throws: SlipwayError.self) { try CSVText([0xFF, 0x2C]).lines() }
    }

    @Test func casts() throws {
        let cells: [JSONValue] = [1, 0, "1"]
        func cast(_ type: TensorType, _ cells: [JSONValue]) -> TensorValues? {
            try? Cells.values(cells, type) { "\($0)" }
        }
        #expect(
            [
                cast(.bool, cells), cast(.int8, cells), cast(.uint64, ["18446744073709551615"]),
                cast(.fp64, [true, "2.5", 1]),
                cast(.bytes, ["a", 1, 2.5, false]), cast(.int64, [2.0, "3.0"]), cast(.int8, [300]), cast(.int32, [1.5]),
                cast(.int32, [nil]), cast(.bytes, [nil]), cast(.bool, [2]), cast(.fp32, [[]]), cast(.uint8, [-1]),
            ] == [
                .bool([true, false, true]), .int8([1, 0, 1]), .uint64([.max]), .fp64([1, 2.5, 1]),
                .bytes(["a", "1", "2.5", "false"]), .int64([2, 3]), nil, nil, nil, nil, nil, nil, nil,
            ])
    }
}
