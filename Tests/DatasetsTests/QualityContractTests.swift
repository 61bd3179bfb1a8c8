import Core
import Testing

@testable import Datasets

/// What may stand in a contract.
@Suite struct QualityContractTests {
    @Test func `a contract becomes rules`() throws {
        let contract = try Contract(
            yaml: """
                owner: mia
                severity: warn
                columns:
                  store: {type: BIGINT, required: true, unique: {severity: block}}
                  price:
                    type: number
                    severity: block
                    range: {min: 0, max: 9.5, severity: warn}
                    nulls: {max: 0.1}
                    drift: {against: "dataset:sales@1", psi: 0.2, ks: 0.1}
                  code:
                    optional: true
                    pattern: '^[A-Z]+$'
                    length: {min: 1, max: 3}
                    allowed: [A, B]
                  note:
                otherColumns: block
                keys:
                  - [store, day]
                  - {columns: code, severity: block}
                foreignKeys:
                  - {columns: store, references: dataset:stores, to: id}
                rows: {min: 1}
                freshness:
                  - {column: day, within: 36h}
                  - {source: tills, within: 2d, severity: block}
                sql:
                  - {name: sums, query: SELECT 1, inputs: {other: "slice:weekend"}}
                """)
        let rules: [String] = contract.rules.map { "\($0.line) \($0.severity.rawValue) \($0.name) \($0.check)" }
        #expect(
            rules == [
                "4 warn store.present present(\"store\")",
                "4 warn store.type type(\"store\", Datasets.ColumnType.exactly(\"BIGINT\"))",
                "4 warn store.required required(\"store\")",
                "4 block store.unique unique([\"store\"])",
                "5 block price.present present(\"price\")",
                "6 block price.type type(\"price\", Datasets.ColumnType.family(\"number\"))",
                "9 block price.nulls nulls(\"price\", 0.1)",
                "8 warn price.range range(\"price\", minimum: Optional(Core.JSONValue.int(0)), maximum: Optional(Core.JSONValue.number(9.5)))",
                "10 block price.drift drift(\"price\", dataset:sales@1, populationStability: Optional(0.2), kolmogorovSmirnov: Optional(0.1))",
                "15 warn code.allowed allowed(\"code\", [Core.JSONValue.string(\"A\"), Core.JSONValue.string(\"B\")])",
                "13 warn code.pattern pattern(\"code\", \"^[A-Z]+$\")",
                "14 warn code.length length(\"code\", minimum: Optional(1), maximum: Optional(3))",
                "16 warn note.present present(\"note\")",
                "17 block otherColumns onlyColumns([\"code\", \"note\", \"price\", \"store\"])",
                "19 warn key(store, day) unique([\"store\", \"day\"])",
                "20 block key(code) unique([\"code\"])",
                "22 warn foreignKey(store -> stores) foreignKey([\"store\"], dataset:stores, [\"id\"])",
                "23 warn rows rows(minimum: Optional(1), maximum: nil)",
                "25 warn day.freshness freshness(\"day\", 129600)",
                "26 block freshness(source tills) sourceFreshness(\"tills\", 172800)",
                "28 warn sql(sums) sql(\"SELECT 1\", [\"other\": slice:weekend])",
            ])
        #expect(contract.owner == "mia")
    }

    @Test(
        arguments: [
            (
                "colums:\n  a: {required: true}",
                "line 1: colums is not a known part of a contract; did you mean 'columns'"
            ),
            (
                "columns:\n  a:\n    rnge: {min: 1}",
                "line 3: columns.a.rnge is not a known rule for a column; did you mean 'range'"
            ),
            (
                "columns:\n  a:\n    range: {mni: 1}",
                "line 3: columns.a.range.mni is not a known part of a range; did you mean 'min'"
            ),
            ("columns:\n  a: {type: BIGNT}", "line 2: columns.a.type is not a type: 'BIGNT'; did you mean 'BIGINT'"),
            (
                "columns:\n  a: {range: {min: 2, max: 1}}",
                "line 2: columns.a.range holds nothing: its min is above its max"
            ),
            ("columns:\n  a: {range: {min: '2026-02-01', max: '2026-01-01'}}", "holds nothing"),
            ("columns:\n  a: {range: {min: 0, max: '2026-01-01'}}", "goes from a a number to a text"),
            ("columns:\n  a: {range: {min: soon}}", "is neither a number nor a time"),
            (
                "columns:\n  a: {type: VARCHAR, range: {min: 0}}",
                "line 2: columns.a.range does not fit the type VARCHAR"
            ),
            ("columns:\n  a: {type: DATE, range: {min: 0}}", "columns.a.range.min does not fit the type DATE"),
            ("columns:\n  a: {type: whole, pattern: x}", "columns.a.pattern does not fit the type whole"),
            (
                "columns:\n  a: {type: text, drift: {against: 'dataset:x', ks: 0.1}}",
                "columns.a.drift.ks does not fit the type text"
            ),
            ("columns:\n  a: {required: true, nulls: {max: 0.5}}", "allows NULLs that 'required' forbids"),
            ("columns:\n  a: {nulls: {max: 1}}", "is not a share that says something"),
            ("columns:\n  a: {allowed: []}", "allows nothing"),
            ("columns:\n  a: {allowed: [1, 1]}", "has a value twice"),
            ("columns:\n  a: {range: {max: 3}, allowed: [1, 7]}", "columns.a.allowed.1 is above the range's max"),
            ("columns:\n  a: {length: {min: 3, max: 2}}", "holds nothing"),
            ("columns:\n  a: {required: yes}", "columns.a.required is text; expected true or false"),
            ("columns:\n  a: {required: true, severity: blok}", "is not a severity; did you mean 'block'"),
            ("columns:\n  a: {drift: {against: 'dataset:x'}}", "has no bound"),
            ("columns:\n  a: {drift: {against: 'model:x', psi: 1}}", "columns.a.drift.against names a model"),
            ("keys: [[a, a]]", "line 1: keys.0 has a column twice"),
            ("keys: a", "expected a list of keys"),
            ("keys: [[a], [a]]", "key(a) is on line 1 already"),
            ("foreignKeys: [{columns: [a, b], references: 'dataset:x', to: c}]", "names 2 columns and 1 to match"),
            ("rows: {min: 5, max: 4}", "line 1: rows holds nothing"),
            ("freshness: [{column: a, within: 3 days}]", "is not a duration"),
            ("freshness: [{column: a, source: b, within: 3d}]", "needs either 'column' or 'source'"),
            ("sql: [{name: x, query: SELECT 1, inputs: {data: 'dataset:x'}}]", "cannot be a table's name here"),
            ("owner: mia", "has no rule"), ("- a", "is a list; expected a mapping"),
            ("columns:\n  a: {required: true}\n  a: {unique: true}", "line 2, column 3: a is there twice"),
        ])
    func `what nothing can fit, and what is not known, is refused with its line`(yaml: String, message: String) {
        let error = #expect(throws: SlipwayError.self) { _ = try Contract(yaml: yaml) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
        #expect(error?.code == .invalid)
    }

    @Test func `names that are near are found, others are not`() {
        #expect(
            ["rnge", "Range", "patern", "zzzzzz", ""].map { NearestName.of($0, in: ["range", "pattern", "nulls"]) } == [
                "range", "range", "pattern", nil, nil,
            ])
    }
}
