import Core
import Inference
import Testing

private func parse(_ text: String, _ missing: InferenceJSON.MissingValues = .refused) throws -> InferenceRequest {
    try InferenceJSON.parseRequest(Array(text.utf8), missing: missing)
}

/// A request with one input of these fields.
private func one(_ fields: String) -> String { #"{"inputs":[{"name":"x",\#(fields)}]}"# }

@Suite struct InferenceJSONTests {
    @Test func parsesAWholeRequest() throws {
        let request = try parse(
            #"""
            {"id": "42", "parameters": {"binary_data_output": false, "priority": 2}, "unknown": [{"a": null}],
             "inputs": [
               {"name": "flat", "shape": [2, 2], "datatype": "FP32", "data": [1, 2.5, -3e2, 0.1]},
               {"name": "nested", "shape": [2, 2], "datatype": "INT64", "parameters": {"hint": 1}, "data": [[1, 2], [-3, 9007199254740993]]},
               {"data": [["a"], ["b\n\u00e9"]], "datatype": "BYTES", "name": "late", "shape": [2, 1]},
               {"name": "scalar", "shape": [], "datatype": "FP64", "data": [1e300]},
               {"name": "none", "shape": [0, 4], "datatype": "UINT8", "data": []}],
             "outputs": [{"name": "y"}, {"name": "z", "parameters": {"binary_data": true}}]}
            """#)
        let expected = InferenceRequest(
            id: "42", parameters: ["binary_data_output": false, "priority": 2],
            inputs: [
                Tensor(name: "flat", shape: [2, 2], values: .fp32([1, 2.5, -300, 0.1])),
                Tensor(name: "nested", shape: [2, 2], values: .int64([1, 2, -3, 9_007_199_254_740_993])),
                Tensor(name: "late", shape: [2, 1], values: .bytes(["a", "b\né"])),
                Tensor(name: "scalar", shape: [], values: .fp64([1e300])),
                Tensor(name: "none", shape: [0, 4], values: .uint8([])),
            ],
            outputs: [.init(name: "y"), .init(name: "z", parameters: ["binary_data": true])])
        #expect(request == expected)
        #expect(request.outputNames == ["y", "z"])
        #expect([request.wantsBinary("y"), request.wantsBinary("z")] == [false, true])
    }

    static let values: [(type: String, data: String, values: TensorValues)] = [
        ("BOOL", "[true, false, 1, 0]", .bool([true, false, true, false])),
        ("UINT8", "[0, 255]", .uint8([0, 255])),
        ("UINT16", "[0, 65535]", .uint16([0, .max])),
        ("UINT32", "[0, 4294967295]", .uint32([0, .max])),
        ("UINT64", #"[0, "18446744073709551615"]"#, .uint64([0, .max])),
        ("INT8", "[-128, 127]", .int8([.min, .max])),
        ("INT16", "[-32768, 32767]", .int16([.min, .max])),
        ("INT32", "[-2147483648, 2147483647]", .int32([.min, .max])),
        (
            "INT64", #"["-9223372036854775808", -9223372036854775807, 9223372036854775807, 3.0]"#,
            .int64([.min, -.max, .max, 3])
        ),
        ("FP16", "[1, -0.333251953125, 65504, 6e-8]", .fp16([0x3C00, 0xB555, 0x7BFF, 1])),
        (
            "FP32", "[0.1, 3.4028235e38, -0.0, 1e-45]",
            .fp32([0.1, .greatestFiniteMagnitude, -0.0, .leastNonzeroMagnitude])
        ),
        ("FP64", "[0.1, 1.7976931348623157e308]", .fp64([0.1, .greatestFiniteMagnitude])),
        ("BYTES", #"["", "日本 \"x\"", "\ud83e\udd55"]"#, .bytes(["", "日本 \"x\"", "🥕"])),
    ]

    @Test func readsEveryType() throws {
        let got = try Self.values.map { type, data, values in
            try parse(one(#""shape":[\#(values.count)],"datatype":"\#(type)","data":\#(data)"#)).inputs.map(\.values)
        }
        #expect(got == Self.values.map { [$0.values] })
    }

    @Test func takesMissingValuesWhenAskedTo() throws {
        let request = try parse(one(#""shape":[2,2],"datatype":"FP32","data":[[1,null],[NaN,-Infinity]]"#), .nan)
        guard case .fp32(let numbers) = request.inputs[0].values else {
            Issue.record("not FP32")
            return
        }
        #expect(numbers.map { $0.isNaN ? "nan" : "\($0)" } == ["1.0", "nan", "nan", "-inf"])
        #expect(
            refusal { try parse(one(#""shape":[1],"datatype":"INT64","data":[null]"#), .nan) }
                == "invalid: x: data element 0 is null; expected INT64.")
    }

    static let wrong: [(body: String, message: String)] = [
        ("[]", "The JSON is not usable at byte 0: '{' was expected."),
        ("{}", "inputs: is missing; expected a list of tensors."),
        (#"{"inputs": {}}"#, "inputs: is not a list; expected a list of tensors."),
        (#"{"inputs": [1]}"#, "inputs[0]: is not an object; expected an object with name, datatype, shape and data."),
        (#"{"inputs": [], "id": 3}"#, "id: is not text; expected text."),
        (
            #"{"inputs": [], "outputs": [{"parameters": {}}]}"#,
            "outputs[0].name: is missing; expected the name of an output."
        ),
        (#"{"inputs": [], "outputs": "y"}"#, "outputs: is not a list; expected a list of objects with a name."),
        (#"{"inputs": []} {}"#, "The JSON is not usable at byte 15: something follows the document."),
        (#"{"inputs":[{"datatype":"FP32"}]}"#, "inputs[0].name: is missing; expected the name of an input."),
        (one(#""shape":[1],"data":[1]"#), "x: its datatype is missing; expected \(types)."),
        (one(#""shape":[1],"datatype":"FLOAT","data":[1]"#), "x: its datatype is 'FLOAT'; expected \(types)."),
        (one(#""shape":[1],"datatype":32,"data":[1]"#), "x: its datatype is a number; expected \(types)."),
        (one(#""datatype":"FP32","data":[1]"#), "x: its shape is missing; expected a list of sizes such as [1, 4]."),
        (
            one(#""datatype":"FP32","shape":[-1],"data":[1]"#),
            "x: its shape is not usable; expected a list of whole numbers of 0 or more, such as [1, 4]."
        ),
        (
            one(#""datatype":"FP32","shape":2,"data":[1]"#),
            "x: its shape is not a list; expected a list of whole numbers of 0 or more, such as [1, 4]."
        ),
        (
            one(#""datatype":"FP32","shape":[4611686018427387904,4],"data":[1]"#),
            "x: its shape [4611686018427387904, 4] is not usable; expected sizes of 0 or more with a product below 2^63."
        ),
        (one(#""datatype":"FP32","shape":[1]"#), "x: its data is missing; expected a list of FP32 values."),
        (one(#""datatype":"FP32","shape":[1],"data":1"#), "x: its data is not a list; expected a list."),
        (one(#""datatype":"FP32","shape":[2],"data":[1]"#), "x: its data has 1 values; expected 2 for the shape [2]."),
        (
            one(#""datatype":"FP32","shape":[2],"data":[1,2,3]"#),
            "x: its data has more than 2 values; expected 2 for the shape [2]."
        ),
        (
            one(#""datatype":"FP32","shape":[2,2],"data":[[1,2],[3]]"#),
            "x: data[1] has 1 entries; expected 2 for the shape [2, 2]."
        ),
        (
            one(#""datatype":"FP32","shape":[2,2],"data":[[1,2]]"#),
            "x: data has 1 entries; expected 2 for the shape [2, 2]."
        ),
        (
            one(#""datatype":"FP32","shape":[2,2],"data":[[1,2],3]"#),
            "x: data[1] is no list; expected either flat data or lists nested as the shape [2, 2] says."
        ),
        (
            one(#""datatype":"FP32","shape":[2,2],"data":[1,[2]]"#),
            "x: data[1] is a list; expected either flat data or lists nested as the shape [2, 2] says."
        ),
        (
            one(#""datatype":"FP32","shape":[1,1],"data":[[[1]]]"#),
            "x: data[0][0] is a list; expected either flat data or lists nested as the shape [1, 1] says."
        ),
        (one(#""datatype":"FP32","shape":[2],"data":[1,"a"]"#), "x: data element 1 is text; expected FP32."),
        (one(#""datatype":"FP32","shape":[2],"data":[1,null]"#), "x: data element 1 is null; expected FP32."),
        (one(#""datatype":"FP32","shape":[2],"data":[1,NaN]"#), "x: data element 1 is NaN; expected a finite number."),
        (
            one(#""datatype":"FP64","shape":[1],"data":[1e999]"#),
            "x: data element 0 is infinite or beyond FP64; expected a finite number."
        ),
        (one(#""datatype":"FP32","shape":[1],"data":[1e39]"#), "x: data element 0 is beyond FP32; expected FP32."),
        (
            one(#""datatype":"FP16","shape":[1],"data":[70000]"#),
            "x: data element 0 is beyond FP16's 65504; expected FP16."
        ),
        (
            one(#""datatype":"INT8","shape":[1],"data":[128]"#),
            "x: data element 0 is not a whole number from -128 to 127; expected one; beyond 2^63 as text."
        ),
        (
            one(#""datatype":"INT32","shape":[1],"data":[1.5]"#),
            "x: data element 0 is not a whole number from -2147483648 to 2147483647; expected one; beyond 2^63 as text."
        ),
        (
            one(#""datatype":"UINT8","shape":[1],"data":["a"]"#),
            "x: data element 0 is text that spells no UINT8; expected UINT8."
        ),
        (one(#""datatype":"UINT8","shape":[1],"data":[true]"#), "x: data element 0 is a boolean; expected UINT8."),
        (
            one(#""datatype":"BOOL","shape":[1],"data":[2]"#),
            "x: data element 0 is a number other than 0 and 1; expected true or false."
        ),
        (one(#""datatype":"BYTES","shape":[1],"data":[2]"#), "x: data element 0 is a number; expected text."),
        (
            one(#""datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}"#),
            "x: it has binary_data_size, but the request has no header Inference-Header-Content-Length."
        ),
    ]

    private static let types =
        "one of BOOL, UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FP16, FP32, FP64, BYTES"

    @Test func namesTheInputAndWhatWasExpected() {
        let got = Self.wrong.map { body, _ in refusal { try parse(body) } }
        #expect(got == Self.wrong.map { "invalid: " + $0.message })
        #expect(refusal { try parse(String(repeating: "[", count: 100)) }.hasPrefix("invalid: "))
        let deep = one(#""datatype":"FP32","shape":[1],"data":"# + String(repeating: "[", count: 100))
        #expect(refusal { try parse(deep) }.hasPrefix("invalid: "))
    }

    @Test func refusesEveryCutOfARequest() {
        let whole = Array(one(#""shape":[2,2],"datatype":"BYTES","data":[["a","\u00e9"],["ü","d"]]"#).utf8)
        let accepted = (0..<whole.count).filter { cut in (try? InferenceJSON.parseRequest(Array(whole[..<cut]))) != nil
        }
        #expect(accepted == [])
    }

    @Test func writesResponsesThatParseAsRequestsDo() throws {
        let body = InferenceJSON.writeResponse(
            modelName: "restock", modelVersion: "5", id: "a\"b", parameters: ["prediction": "p1"],
            outputs: [
                Tensor(name: "label", shape: [2], values: .bytes(["lo", "hi"])),
                Tensor(name: "probabilities", shape: [1, 2], values: .fp32([0.1, 0.9]), labels: ["lo", "hi"]),
                Tensor(name: "odd", shape: [3], values: .fp64([.nan, -.infinity, 1e-7])),
                Tensor(name: "big", shape: [1], values: .uint64([.max])),
            ])
        #expect(
            String(decoding: body.bytes, as: UTF8.self)
                == #"{"model_name":"restock","model_version":"5","id":"a\"b","parameters":{"prediction":"p1"},"outputs":["#
                + #"{"name":"label","datatype":"BYTES","shape":[2],"data":["lo","hi"]},"#
                + #"{"name":"probabilities","datatype":"FP32","shape":[1,2],"parameters":{"labels":["lo","hi"]},"data":[0.1,0.9]},"#
                + #"{"name":"odd","datatype":"FP64","shape":[3],"data":["NaN","-Infinity",1e-07]},"#
                + #"{"name":"big","datatype":"UINT64","shape":[1],"data":[18446744073709551615]}]}"#)
        #expect(body.headerLength == nil)
        // But for Int64.min and what is above Int64.max, which are read from text only: what is written under "outputs" is what a request carries under "inputs".
        let tensors = Self.values.filter { $0.type != "UINT64" && $0.type != "INT64" }.map {
            Tensor(name: $0.type, shape: [$0.values.count], values: $0.values)
        }
        let written = InferenceJSON.writeResponse(modelName: "m", modelVersion: nil, id: nil, outputs: tensors)
        let text = String(decoding: written.bytes, as: UTF8.self).replacing("\"outputs\"", with: "\"inputs\"")
        #expect(try parse(text).inputs == tensors)
        let metadata = InferenceJSON.writeMetadata(
            name: "m", versions: ["1", "2"], inputs: [TensorSpec(name: "x", type: .fp32, shape: [-1, 3])], outputs: [])
        #expect(
            String(decoding: metadata, as: UTF8.self)
                == #"{"name":"m","versions":["1","2"],"platform":"onnx_onnxv1","inputs":[{"name":"x","datatype":"FP32","shape":[-1,3]}],"outputs":[]}"#
        )
    }

    @Test func carriesRawBytes() throws {
        let tensors = OnnxModelTests.everyType
        let body = InferenceJSON.writeResponse(modelName: "m", modelVersion: nil, id: nil, outputs: tensors) {
            $0 != "INT8"
        }
        let length = try #require(body.headerLength)
        // The same body as a request: the JSON's length changes by one letter.
        let json = String(decoding: body.bytes[..<length], as: UTF8.self).replacing("\"outputs\"", with: "\"inputs\"")
        let request = try InferenceJSON.parseRequest(Array(json.utf8) + body.bytes[length...], headerLength: length - 1)
        #expect(request.inputs == tensors)

        func raw(_ fields: String, _ bytes: [UInt8]) -> String {
            let json = Array(one(fields).utf8)
            return refusal { try InferenceJSON.parseRequest(json + bytes, headerLength: json.count) }
        }
        let got = [
            raw(#""datatype":"FP32","shape":[2],"parameters":{"binary_data_size":4}"#, [0, 0, 0, 0]),
            raw(#""datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}"#, [0, 0, 0, 0]),
            raw(#""datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}"#, [0, 0, 0, 0, 1]),
            raw(#""datatype":"FP32","shape":[1],"parameters":{"binary_data_size":-4}"#, []),
            raw(#""datatype":"FP32","shape":[1],"data":[1],"parameters":{"binary_data_size":4}"#, [0, 0, 0, 0]),
            raw(#""datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}"#, [9, 0, 0, 0, 65, 66]),
            raw(#""datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}"#, [1, 0, 0, 0, 65, 66]),
            raw(#""datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}"#, [1, 0, 0, 0, 0xFF]),
            refusal { try InferenceJSON.parseRequest([123, 125], headerLength: 3) },
        ]
        #expect(
            got
                == [
                    "x: its binary_data_size is 4; expected 8 for FP32 of shape [2].",
                    "x: its binary_data_size is 8; expected at most the 4 bytes that are left of the body.",
                    "inputs: 1 raw bytes belong to no input; expected as many as all binary_data_size say.",
                    "x: its binary_data_size is not usable; expected a number of bytes.",
                    "x: it has both data and binary_data_size.",
                    "x: its raw bytes do not hold 1 texts; expected for each a 4-byte little-endian length and that many bytes.",
                    "x: its raw bytes do not hold 1 texts; expected for each a 4-byte little-endian length and that many bytes.",
                    "x: text 0 is not UTF-8; expected UTF-8.",
                    "Inference-Header-Content-Length: 3 is not usable; expected at most the body's 2 bytes.",
                ].map { "invalid: " + $0 })
    }
}
