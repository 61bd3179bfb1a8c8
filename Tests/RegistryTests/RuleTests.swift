import Core
import Testing

@testable import Registry

@Suite struct RuleTests {
    private static func said(_ decision: Approval.Decision, by: String, at ms: Int64) -> Approval {
        Approval(decision: decision, comment: "", by: by, time: Timestamp(milliseconds: ms))
    }

    @Test func `approval counts people, and each person's newest word`() {
        let table: [([Approval], required: Int, ApprovalState)] = [
            ([], 0, .pending), ([], 2, .pending),
            ([Self.said(.approve, by: "ada", at: 1)], 0, .approved),
            ([Self.said(.approve, by: "ada", at: 1)], 1, .approved),
            ([Self.said(.approve, by: "ada", at: 1)], 2, .pending),
            ([Self.said(.approve, by: "ada", at: 1), Self.said(.approve, by: "ada", at: 2)], 2, .pending),
            ([Self.said(.approve, by: "ada", at: 1), Self.said(.approve, by: "bob", at: 2)], 2, .approved),
            (
                [
                    Self.said(.approve, by: "ada", at: 1), Self.said(.approve, by: "bob", at: 2),
                    Self.said(.reject, by: "eve", at: 3),
                ], 2, .rejected
            ),
            ([Self.said(.reject, by: "ada", at: 1), Self.said(.approve, by: "ada", at: 2)], 1, .approved),
            ([Self.said(.approve, by: "ada", at: 1), Self.said(.reject, by: "ada", at: 2)], 1, .rejected),
        ]
        #expect(table.map { ApprovalState($0.0, required: $0.required) } == table.map(\.2))
    }

    @Test func `the gate protects the aliases that the policy names`() {
        func refusal(_ required: Int, _ alias: String, _ approvals: [Approval]) -> String? {
            ApprovalGate(
                policy: ModelPolicy(
                    approvalsRequired: required, allowsSelfApproval: false, protectedAliases: ["champion"]),
                alias: alias,
                approvals: approvals
            ).refusal
        }
        let ada = Self.said(.approve, by: "ada", at: 1)
        let no = Self.said(.reject, by: "bob", at: 2)
        #expect(
            [
                refusal(0, "champion", []), refusal(1, "champion", []), refusal(1, "CHAMPION", []),
                refusal(1, "challenger", []),
                refusal(1, "champion", [ada]), refusal(2, "champion", [ada]), refusal(0, "champion", [ada, no]),
                refusal(0, "challenger", [no]),
            ] == [
                nil, "'champion' takes 1 approval and it has 0", "'CHAMPION' takes 1 approval and it has 0", nil, nil,
                "'champion' takes 2 approvals and it has 1", "bob rejected it", nil,
            ])
    }

    @Test(arguments: [
        ("models:/m-0123", ModelSource.loggedModel(id: "m-0123")),
        ("models:/restock/3", .version(name: "restock", selector: "3")),
        ("models:/restock@champion", .version(name: "restock", selector: "champion")),
        ("runs:/abc/model", .run(id: "abc", path: "model")),
        ("runs:/abc/deep/model/", .run(id: "abc", path: "deep/model")),
        ("runs:/abc", .run(id: "abc", path: "")),
        ("mlflow-artifacts:/1/abc/artifacts/model", .run(id: "abc", path: "model")),
        ("mlflow-artifacts://localhost:5000/1/abc/artifacts", .run(id: "abc", path: "")),
        ("mlflow-artifacts:/1/models/m-0123/artifacts", .loggedModel(id: "m-0123")),
        ("mlflow-artifacts:/1/models/m-0123/artifacts/", .loggedModel(id: "m-0123")),
        ("pipeline-runs:/1f/train/model", .pipelineRun(id: "1f", step: "train", output: "model")),
        ("s3://bucket/model", .elsewhere("s3://bucket/model")),
        ("prompt-template", .elsewhere("prompt-template")),
    ]) func `sources are read`(_ text: String, _ expected: ModelSource) throws {
        #expect(try ModelSource(parsing: text) == expected)
    }

    @Test(arguments: [
        "", "pipeline-runs:/1f/train", "models:/", "models:/a/b/c", "models:/restock", "runs:/",
        "runs:/abc/../../etc/passwd", "runs:/abc//x", "runs:/abc/a\u{0}b",
        "mlflow-artifacts:/1/abc/artifacts/../../x", "mlflow-artifacts:/1/abc",
        "mlflow-artifacts:/1/models/m-0123/artifacts/part", "/etc/passwd", "file:///etc", "etc/passwd", "model", "~/x",
        "..",
        "C:\\Windows", "\\\\host\\share", "http://evil.example/model", "HTTPS://evil.example/model",
        "gopher://evil.example/", "s3://bucket/../other", "s3://bucket/%2e%2e/other", "s3://bucket/%252e%252e/other",
    ]) func `broken sources are refused`(_ text: String) {
        #expect(throws: SlipwayError.self) { try ModelSource(parsing: text) }
    }

    @Test func `names and aliases`() {
        func takes(_ check: (String) throws -> Void, _ text: String) -> Bool { (try? check(text)) != nil }
        let names = [
            "restock", "Re stock (v2)", "ü", "a.b", "", "  ", "a/b", "a:b", "a@b", ".", "..", "a\nb",
            String(repeating: "x", count: 257),
        ]
        #expect(
            names.map { name in takes({ try ModelName.validate($0) }, name) }
                == [true, true, true, true, false, false, false, false, false, false, false, false, false])
        let aliases = ["champion", "A-b_1", "v", "latest", "Latest", "5", "v5", "V12", "", "a b", "a.b", "ü"]
        #expect(
            aliases.map { alias in takes({ try ModelAlias.validate($0) }, alias) }
                == [true, true, true, false, false, false, false, false, false, false, false, false])
    }

    @Test func `a recipe survives being stored`() throws {
        var recipe = ModelRecipe()
        recipe.inputs = [
            .init(name: "dataset:sales@3", digest: "abc", context: "training"),
            .init(name: "frame", digest: nil, context: nil),
        ]
        recipe.readTags([
            "mlflow.source.git.commit": "c0ffee", "mlflow.source.name": "train.py", "slipway.pipelineRun": "1f",
            "slipway.step": "train",
            "slipway.codeDigest": "sha256:00",
        ])
        recipe.readParams(["random_state": "7", "depth": "3"])
        recipe.environment = ["requirements.txt": Digest.of("onnx\n")]
        recipe.metrics = ["rmse": 0.25, "bad": .infinity]
        #expect(try ModelRecipe(stored: JSONValue(parsing: recipe.json.canonicalText)) == recipe)
        #expect(recipe.seed == "7")
        #expect(recipe.pipelineRun == Ref(.pipelineRun, "1f"))
        #expect(recipe.inputs.map(\.ref) == [Ref(.dataset, "sales", version: 3), nil])
    }

    @Test func `a model card is read from MLmodel`() throws {
        let card = try ModelCard(
            parsing: """
                artifact_path: mlflow-artifacts:/1/models/m-1/artifacts
                flavors:
                  onnx:
                    code: null
                    data: model.onnx
                    onnx_version: 1.19.0
                    providers:
                    - CPUExecutionProvider
                  python_function:
                    loader_module: mlflow.onnx
                mlflow_version: 3.17.2
                model_size_bytes: 1234
                signature:
                  inputs: '[{"type": "double", "name": "price", "required": true}]'
                  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 1]}}]'
                  params: null
                utc_time_created: '2026-11-24 08:32:34.120000'
                """)
        #expect(card.onnxPath == "model.onnx")
        #expect(card.writer == "3.17.2")
        #expect(
            card.signature == [
                "inputs": [["type": "double", "name": "price", "required": true]],
                "outputs": [["type": "tensor", "tensor-spec": ["dtype": "float32", "shape": [-1, 1]]]],
            ])
        #expect(ModelCard(stored: try JSONValue(parsing: card.stored.canonicalText)) == card)
        for bad in [
            "", "- a", "a: [", "flavors: *x", "signature: {inputs: 'not json'}", String(repeating: "[", count: 500),
        ] {
            #expect(throws: SlipwayError.self) { try ModelCard(parsing: bad) }
        }
    }
}
