import Core
import Datasets
import Tables
import Testing

@testable import Monitoring

@Suite struct ReferenceTests {
    /// The engine's counts are those of the same rows counted here.
    @Test func `built by queries`() async throws {
        try await Fixture.each { fixture in
            let monitor = try await fixture.put(["features": "all"])
            #expect(monitor.reference.dataset == Ref(.dataset, "sales", version: 1) && monitor.reference.rows == 1000)
            // The days are no feature, and neither are tags, which are all empty and thus have no type but text.
            #expect(monitor.reference.features.keys.sorted() == ["open", "price", "shop", "tags", "units"])
            let prices = (0..<1000).filter { $0 % 10 != 9 }.map { Double(Float(Double($0) / 10)) }
            let expected = ProfileTests.profile(prices, missing: 100)
            guard case .numeric(let price)? = monitor.reference.features["price"] else {
                throw SlipwayError(.internal, "no price")
            }
            #expect(
                price.points == expected.points && price.counts == expected.counts && price.deciles == expected.deciles
                    && price.missing == 100)
            guard case .numeric(let open)? = monitor.reference.features["open"] else {
                throw SlipwayError(.internal, "no open")
            }
            #expect(open.points == [0, 1] && open.counts == [500, 500])
            #expect(
                monitor.reference.features["shop"]
                    == .categorical(
                        CategoricalProfile(values: ["b", "a", "c"], counts: [500, 250, 250], other: 0, missing: 0)))
            #expect(
                monitor.reference.features["tags"]?.present == 0 && monitor.reference.features["tags"]?.missing == 1000)
        }
    }

    @Test func `what is not a number`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.datasets.derive(
                "odd", project: "shop",
                sql:
                    "SELECT unnest(['NaN'::DOUBLE, 'Infinity'::DOUBLE, '-Infinity'::DOUBLE, 1e300, NULL, 0.1, 16777217]) AS x, 5::DECIMAL(9,2) AS d, 1::HUGEINT AS h, NULL::DOUBLE AS n",
                inputs: ["s": Ref(.dataset, "sales")], parameters: [], message: "", as: Fixture.ada)
            let monitor = try await fixture.put(["reference": "dataset:odd@1", "features": ["x", "d", "h", "n"]])
            let largest = Double(Float.greatestFiniteMagnitude)
            guard case .numeric(let x)? = monitor.reference.features["x"],
                case .numeric(let d)? = monitor.reference.features["d"]
            else {
                throw SlipwayError(.internal, "no x")
            }
            #expect(
                x.points == [-largest, Double(Float(0.1)), 16_777_216, largest] && x.counts == [1, 1, 1, 2]
                    && x.missing == 2)
            #expect(d.points == [5] && d.counts == [7] && monitor.reference.features["n"]?.missing == 7)
        }
    }

    @Test func `a slice is fixed when the monitor is made`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.datasets.createSlice(
                name: "cheap", over: Ref(.dataset, "sales"), rule: .condition("price < 50 -- half of it"),
                as: Fixture.ada
            )
            let first = try await fixture.put(["reference": "slice:cheap"])
            #expect(
                first.reference.slice == Ref(.slice, "cheap", version: 1) && first.reference.rows == 450
                    && first.version == 1)
            #expect(try await fixture.put(["reference": "slice:cheap"]) == first)
            _ = try await fixture.datasets.createSlice(
                name: "cheap", over: Ref(.dataset, "sales"), rule: .condition("price < 10"), as: Fixture.ada)
            let second = try await fixture.put(["reference": "slice:cheap"])
            #expect(second.version == 2 && second.reference.rows == 90)
            #expect(try await fixture.monitoring.monitor("m", version: 1, as: Fixture.ada) == first)
        }
    }

    @Test func `what cannot be a reference`() async throws {
        try await Fixture.each { fixture in
            _ = try await fixture.datasets.createSlice(
                name: "none", over: Ref(.dataset, "sales"), rule: .condition("price < 0"), as: Fixture.ada)
            let cases: [([String: JSONValue], String)] = [
                (["reference": "dataset:nothing"], "not_found: dataset:nothing does not exist."),
                (
                    ["reference": "slice:none"],
                    "invalid: reference: slice:none@1 has no rows; expected the rows that the model was trained on."
                ),
                (
                    ["features": ["prize"]],
                    "invalid: features: dataset:sales@1 has no column 'prize'; expected some of day, price"
                ),
                (
                    ["features": ["day"]],
                    "invalid: features: the column 'day' is of the type DATE; expected numbers, booleans or text."
                ),
                (["endpoint": "nobody"], "not_found: endpoint:nobody does not exist."),
                (["endpoint": "foreign"], "invalid: endpoint: foreign belongs to the project other, not to shop"),
                (["onDrift": ["pipeline": "nothing"]], "not_found: pipeline:nothing does not exist."),
                (
                    ["onDrift": ["pipeline": "retrain", "params": ["sead": 1]]],
                    "invalid: params.sead: the pipeline has no such parameter"
                ),
            ]
            for (changes, expected) in cases {
                let message = await failure { try await fixture.put(changes) } ?? "accepted"
                #expect(message.hasPrefix(expected))
            }
            #expect(await failure { try await fixture.put(as: Fixture.guest) }?.hasPrefix("forbidden") == true)
            #expect(
                await failure { _ = try await fixture.monitoring.monitor("m", as: Fixture.ada) }?.hasPrefix("not_found")
                    == true)
        }
    }
}
