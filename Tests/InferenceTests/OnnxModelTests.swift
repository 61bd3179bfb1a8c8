import Core
import Inference
import Testing

@Suite struct OnnxModelTests {
    @Test func describesInputsAndOutputs() throws {
        let trees = try World.model("trees")
        #expect(trees.inputs == [TensorSpec(name: "x", type: .fp32, shape: [-1, 30])])
        #expect(
            trees.outputs == [
                TensorSpec(name: "label", type: .int64, shape: [-1]),
                TensorSpec(name: "probabilities", type: .fp32, shape: [-1, 2]),
            ])
        let columns = try World.model("columns")
        #expect(columns.inputs.map(\.type) == [.fp64, .bytes, .fp64])
        #expect(columns.inputs.map(\.shape) == [[-1, 1], [-1, 1], [-1, 1]])
    }

    @Test func answersAsScikitLearnDoes() throws {
        let expected = try World.expected("trees")
        let shape = try expected.ints("shape").map(Int.init)
        let x = Tensor(name: "x", shape: shape, values: .fp32(try expected.floats("x")))
        let out = try World.model("trees").run([x])
        #expect(out[0] == Tensor(name: "label", shape: [5], values: .int64(try expected.ints("label"))))
        #expect(out[1].shape == [5, 2])
        #expect(near(out[1].values.doubles, try expected.doubles("probabilities")))
        let chosen = try World.model("trees").run([x], outputs: ["probabilities"], deadlineSeconds: 60)
        #expect(chosen == [out[1]])
    }

    @Test(arguments: ["zipmap_text", "zipmap_int"])
    func returnsZipMapsAsTables(_ name: String) throws {
        let expected = try World.expected(name)
        let shape = try expected.ints("shape").map(Int.init)
        let model = try World.model(name)
        #expect(model.outputs.last?.shape == [-1, -1])
        let out = try model.run([Tensor(name: "x", shape: shape, values: .fp32(try expected.floats("x")))])
        let labels: TensorValues =
            name == "zipmap_text" ? .bytes(try expected.strings("label")) : .int64(try expected.ints("label"))
        #expect(out[0].values == labels)
        #expect(out[1].shape == [5, 3])
        #expect(out[1].labels == (try expected.strings("classes")))
        #expect(near(out[1].values.doubles, try expected.doubles("probabilities")))
    }

    @Test func takesColumnsOfTextAndNumbersInAnyOrder() throws {
        let expected = try World.expected("columns")
        let inputs = [
            Tensor(name: "price", shape: [2, 1], values: .fp64(try expected.doubles("price"))),
            Tensor(name: "store", shape: [2, 1], values: .bytes(try expected.strings("store"))),
            Tensor(name: "size", shape: [2, 1], values: .fp64(try expected.doubles("size"))),
        ]
        let out = try World.model("columns").run(inputs)
        #expect(near(out[0].values.doubles, try expected.doubles("variable"), 1e-4))
    }

    @Test func takesMissingValuesAsNaN() throws {
        let expected = try World.expected("missing")
        let out = try World.model("missing").run([
            Tensor(name: "x", shape: [3, 3], values: .fp32(try expected.floats("x")))
        ])
        #expect(near(out[0].values.doubles, try expected.doubles("variable"), 1e-4))
    }

    static let everyType: [Tensor] = [
        Tensor(name: "BOOL", shape: [1, 2], values: .bool([true, false])),
        Tensor(name: "UINT8", shape: [1, 2], values: .uint8([0, .max])),
        Tensor(name: "UINT16", shape: [1, 2], values: .uint16([0, .max])),
        Tensor(name: "UINT32", shape: [1, 2], values: .uint32([0, .max])),
        Tensor(name: "UINT64", shape: [1, 2], values: .uint64([0, .max])),
        Tensor(name: "INT8", shape: [1, 2], values: .int8([.min, .max])),
        Tensor(name: "INT16", shape: [1, 2], values: .int16([.min, .max])),
        Tensor(name: "INT32", shape: [1, 2], values: .int32([.min, .max])),
        Tensor(name: "INT64", shape: [1, 2], values: .int64([.min, .max])),
        Tensor(name: "FP16", shape: [1, 2], values: .fp16([0x3C00, 0xFBFF])),
        Tensor(name: "FP32", shape: [1, 2], values: .fp32([-0.1, .greatestFiniteMagnitude])),
        Tensor(name: "FP64", shape: [1, 2], values: .fp64([-0.1, .leastNonzeroMagnitude])),
        Tensor(name: "BYTES", shape: [1, 2], values: .bytes(["", "Gemüse 🥕"])),
    ]

    @Test func carriesEveryType() throws {
        let out = try World.model("types").run(Self.everyType)
        #expect(out.map(\.values) == Self.everyType.map(\.values))
        #expect(out.map(\.name) == Self.everyType.map { "out_" + $0.name })
        // No rows at all, every type.
        let empty = Self.everyType.map { tensor in
            guard let values = TensorValues(empty: tensor.type) else { return tensor }
            return Tensor(name: tensor.name, shape: [0, 2], values: values)
        }
        let none = try World.model("types").run(empty)
        #expect(none.map(\.shape) == Array(repeating: [0, 2], count: 13))
    }

    @Test func takesScalarsAndAnyShape() throws {
        let model = try World.model("affine")
        let shapes = [[], [1], [2, 3], [0], [1, 0, 4]]
        let out = try shapes.map { shape in
            let count = shape.reduce(1, *)
            return try model.run([Tensor(name: "x", shape: shape, values: .fp32((0..<count).map(Float.init)))])[0]
        }
        #expect(out.map(\.shape) == shapes)
        #expect(out[2].values == .fp32([1, 3, 5, 7, 9, 11]))
    }

    @Test func leavesOutWhatCannotBeReturned() throws {
        let model = try World.model("sequence")
        #expect(model.outputs.map(\.name) == ["negative"])
        let x = Tensor(name: "x", shape: [1, 2], values: .fp32([1, -2]))
        #expect(try model.run([x]).map(\.values) == [.fp32([-1, 2])])
        #expect(
            refusal { try model.run([x], outputs: ["parts"]) }
                == "unsupported: parts: this output cannot be returned: it is a sequence of something other than maps from class to number."
        )
    }

    static let wrong: [(String, [Tensor], [String]?, String)] = [
        ("no input", [], nil, "x: this input is missing; expected FP32 of shape [-1, 30] (-1: any size)."),
        (
            "unknown name", [row("y")], nil, "x: this input is missing; expected FP32 of shape [-1, 30] (-1: any size)."
        ),
        ("one too many", [row("x"), row("y")], nil, "y: the model has no such input; expected 'x'."),
        ("twice", [row("x"), row("x")], nil, "x: this input is given twice."),
        (
            "type", [Tensor(name: "x", shape: [1, 30], values: .fp64(Array(repeating: 0, count: 30)))], nil,
            "x: FP64 is given; expected FP32 of shape [-1, 30] (-1: any size)."
        ),
        (
            "width", [Tensor(name: "x", shape: [1, 29], values: .fp32(Array(repeating: 0, count: 29)))], nil,
            "x: shape [1, 29] is given; expected FP32 of shape [-1, 30] (-1: any size)."
        ),
        (
            "rank", [Tensor(name: "x", shape: [30], values: .fp32(Array(repeating: 0, count: 30)))], nil,
            "x: shape [30] is given; expected FP32 of shape [-1, 30] (-1: any size)."
        ),
        (
            "count", [Tensor(name: "x", shape: [2, 30], values: .fp32(Array(repeating: 0, count: 30)))], nil,
            "x: 30 values are given; expected 60 for the shape [2, 30]."
        ),
        (
            "negative size", [Tensor(name: "x", shape: [-1, 30], values: .fp32([]))], nil,
            "x: its shape [-1, 30] is not usable; expected sizes of 0 or more with a product below 2^63."
        ),
        (
            "overflow", [Tensor(name: "x", shape: [.max, 30], values: .fp32([]))], nil,
            "x: its shape [9223372036854775807, 30] is not usable; expected sizes of 0 or more with a product below 2^63."
        ),
        ("no output", [row("x")], [], "outputs: no output is asked for."),
        ("unknown output", [row("x")], ["z"], "z: the model has no such output; expected 'label', 'probabilities'."),
        ("output twice", [row("x")], ["label", "label"], "label: this output is asked for twice."),
    ]

    private static func row(_ name: String) -> Tensor {
        Tensor(name: name, shape: [1, 30], values: .fp32(Array(repeating: 0, count: 30)))
    }

    @Test func namesWhatDoesNotFit() throws {
        let model = try World.model("trees")
        let got = Self.wrong.map { name, inputs, outputs, _ in
            name + ": " + refusal { try model.run(inputs, outputs: outputs) }
        }
        #expect(got == Self.wrong.map { name, _, _, message in "\(name): invalid: \(message)" })
        let nul = refusal {
            try World.model("types").run(
                Self.everyType.dropLast() + [Tensor(name: "BYTES", shape: [1, 2], values: .bytes(["a\0b", ""]))])
        }
        #expect(nul == "invalid: BYTES: a text contains a NUL character.")
        let index = refusal { try World.model("gather").run([Tensor(name: "i", shape: [1], values: .int64([7]))]) }
        #expect(
            index.hasPrefix(
                "invalid: The model refused these inputs: Non-zero status code returned while running Gather node."))
    }

    @Test func sharesOneSessionAmongThreads() async throws {
        let model = try World.model("affine")
        let wrong = await withTaskGroup(of: Int.self, returning: Int.self) { group in
            for worker in 0..<8 {
                group.addTask {
                    (0..<300).reduce(0) { wrong, i in
                        let x = Float(worker * 1000 + i)
                        let out = try? model.run(
                            [Tensor(name: "x", shape: [1], values: .fp32([x]))], deadlineSeconds: 60)
                        return wrong + (out?.first?.values == .fp32([2 * x + 1]) ? 0 : 1)
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    @Test func convertsHalfPrecision() {
        // IEEE 754 binary16: exact values, limits, subnormals, ties to even.
        let pairs: [(Float, UInt16)] = [
            (0, 0), (-0.0, 0x8000), (1, 0x3C00), (-2, 0xC000), (65504, 0x7BFF), (0x1p-14, 0x0400), (0x1p-24, 0x0001),
            (0x3FFp-24, 0x03FF), (.infinity, 0x7C00), (-.infinity, 0xFC00), (0.333251953125, 0x3555),
        ]
        #expect(pairs.map { Half.bits($0.0) } == pairs.map(\.1))
        #expect(pairs.map { Half.float($0.1) } == pairs.map(\.0))
        #expect(
            [65519.9, 65520, 1e9, 0x1p-25, 0x1.8p-24, 2049, 2051, 4095.9].map(Half.bits) == [
                0x7BFF, 0x7C00, 0x7C00, 0, 2, 0x6800, 0x6802, 0x6C00,
            ])
        #expect(Half.float(Half.bits(.nan)).isNaN)
        // Every finite half survives the round trip.
        #expect((0..<0x7C00).allSatisfy { Half.bits(Half.float($0)) == $0 })
    }
}

extension TensorValues {
    /// No elements of a type.
    init?(empty type: TensorType) {
        switch type {
        case .bool: self = .bool([])
        case .uint8: self = .uint8([])
        case .uint16: self = .uint16([])
        case .uint32: self = .uint32([])
        case .uint64: self = .uint64([])
        case .int8: self = .int8([])
        case .int16: self = .int16([])
        case .int32: self = .int32([])
        case .int64: self = .int64([])
        case .fp16: self = .fp16([])
        case .fp32: self = .fp32([])
        case .fp64: self = .fp64([])
        case .bytes: self = .bytes([])
        }
    }
}
