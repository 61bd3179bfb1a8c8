import Core
import Datasets
import Foundation
import Inference
import Ledger
import Platform
import Registry
import Tables
import TestSupport
import Testing

@testable import Serving

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: TestPlatform.binary)))
struct BatchTests {
    /// More rows than are in memory at once, through a matrix model, with a slice, an order and names of its own.
    @Test func predictions() async throws {
        try await Fixture.each { fixture in
            let names =
                #"[{"type": "float", "name": "price"}, {"type": "float", "name": "size"}, {"type": "float", "name": "age"}]"#
            try await fixture.register(Fixture.onnx("missing"), signature: names)
            try await fixture.champion(1)
            try await fixture.shop()
            let folder = fixture.platform.dataDirectory
            let csv = "id,price,size,age\n" + (0..<12_000).map { "\($0),\($0 % 7),\($0 % 5),\($0 % 3)\n" }.joined()
            try csv.write(toFile: folder + "/rows.csv", atomically: true, encoding: .utf8)
            _ = try await fixture.platform.tables.write(
                "SELECT * FROM data", inputs: [TableInput(name: "data", files: [folder + "/rows.csv"], format: .csv)],
                to: folder + "/rows.parquet")
            let datasets = fixture.serving.datasets
            let input = try await datasets.commitFolder(
                "rows", project: "fresh", paths: [folder + "/rows.parquet"],
                recipe: Recipe(kind: "import", inputs: [], details: [:]), parents: [], message: "", as: Fixture.maker)
            let request = BatchRequest(endpoint: "shop", input: input.ref, output: "forecast", keep: ["id"])
            let made = try await fixture.serving.predict(request, as: Fixture.maker)
            #expect(made.rowCount == 12_000 && made.columns.map(\.name) == ["id", "prediction"])
            // The same as a question for one row.
            var asked: [Double] = []
            for id in [0, 9_999, 11_999] {
                let row = try await datasets.query(
                    "SELECT prediction FROM f WHERE id = \(id)", inputs: ["f": made.ref], parameters: [], limit: 1,
                    as: .system)
                asked.append(row.rows.first?.first?.json.doubleValue ?? .nan)
            }
            var call = InferenceCall(
                name: "shop",
                inputs: [
                    try FrameBinding(await fixture.serving.served("shop", as: .system)).bind(
                        .table(
                            columns: ["price", "size", "age"],
                            rows: [0, 9_999, 11_999].map { [JSONValue($0 % 7), JSONValue($0 % 5), JSONValue($0 % 3)] })
                    ).tensors[0]
                ],
                requestID: "r")
            call.time = nil
            let answer = try await fixture.serving.infer(call, as: .system).outputs.first?.values
            #expect(answer == .fp32(asked.map { Float($0) }))
            let sources = try await fixture.platform.ledger.lineage(of: made.ref, .upstream, depth: 1).map(\.source)
            #expect(Set(sources) == [input.ref, Ref(.model, "restock", version: 1)])

            _ = try await datasets.createSlice(
                name: "few", over: Ref(.dataset, "rows"), rule: .condition("id < 10"), as: Fixture.maker)
            var sliced = request
            (sliced.input, sliced.keep, sliced.columns) = (Ref(.slice, "few"), [], ["price", "price", "price"])
            let few = try await fixture.serving.predict(sliced, as: Fixture.maker)
            #expect(few.rowCount == 10 && few.columns.map(\.name) == ["prediction"])

            func refusal(_ change: (inout BatchRequest) -> Void, as principal: Principal = Fixture.maker) async
                -> ErrorCode?
            {
                var changed = request
                change(&changed)
                return await code { [changed] in _ = try await fixture.serving.predict(changed, as: principal) }
            }
            let refusals = [
                await refusal { $0.keep = ["none"] }, await refusal { $0.columns = ["price"] },
                await refusal { $0.columns = ["price", "size", "none"] },
                await refusal { $0.input = Ref(.dataset, "none") },
                await refusal { $0.endpoint = "none" }, await refusal { $0.output = "a b" },
                await refusal({ _ in }, as: Fixture.viewer),
            ]
            #expect(refusals == [.invalid, .invalid, .invalid, .notFound, .notFound, .invalid, .forbidden])
        }
    }
}
