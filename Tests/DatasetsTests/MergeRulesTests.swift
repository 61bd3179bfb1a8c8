import Core
import Tables
import Testing

@testable import Datasets

@Suite struct MergeRulesTests {
    /// 1 ─ 2 ─ 4 ─ 6      6 = 4 + 5
    ///   └ 3 ─ 5 ─ 7      7 = 5 + 4 (criss-cross)
    private static let graph = VersionGraph(
        parents: [1: [], 2: [1], 3: [1], 4: [2], 5: [3], 6: [4, 5], 7: [5, 4], 8: [7], 20: []])

    @Test(
        arguments: [
            (2, 3, 1), (4, 5, 1), (2, 4, 2), (6, 5, 5), (6, 7, 5), (6, 8, 5), (8, 8, 8), (20, 8, nil),
        ] as [(Int, Int, Int?)])
    func `the base is the newest that both came from`(_ a: Int, _ b: Int, _ base: Int?) {
        #expect(Self.graph.mergeBase(a, b) == base && Self.graph.mergeBase(b, a) == base)
    }

    @Test func `a branch's versions since the base, and no further than the limit`() {
        let lines = [(base: 1, limit: 9), (1, 2), (5, 9), (8, 9)].map { base, limit in
            let line = Self.graph.line(from: base, to: 8, limit: limit)
            return "\(line.numbers) \(line.isCut)"
        }
        #expect(lines == ["[3, 5, 7, 8] false", "[7, 8] true", "[7, 8] false", "[] false"])
    }

    private static func table(_ label: String, _ columns: String, nullable: Set<String> = [])
        -> SchemaReconciliation.Table
    {
        SchemaReconciliation.Table(
            label: label,
            columns: columns.split(separator: ",").map { column in
                let parts = column.split(separator: " ").map(String.init)
                return TableColumn(name: parts[0], type: parts[1])
            }, nullable: nullable)
    }

    /// Two tables, what may be done, and the columns that come out or what is in the way.
    @Test(arguments: [
        ("a INTEGER,b VARCHAR", "a INTEGER,b VARCHAR", "strict", "a INTEGER,b VARCHAR"),
        ("a INTEGER,b VARCHAR", "b VARCHAR,a INTEGER", "strict", "a INTEGER,b VARCHAR"),
        ("a INTEGER,b VARCHAR", "a INTEGER", "strict", "t2 has no column b"),
        ("a INTEGER", "a INTEGER,b VARCHAR", "strict", "only t2 has the column b"),
        ("a INTEGER", "A INTEGER", "strict", "a is written A in t2"),
        ("a INTEGER", "A INTEGER", "fill", "a INTEGER"),
        ("a INTEGER", "a BIGINT", "fill", "a is BIGINT in t2, not INTEGER"),
        ("a INTEGER", "a BIGINT", "cast", "a INTEGER"),
        ("a INTEGER,b VARCHAR", "a INTEGER,c DATE", "fill", "a INTEGER,b VARCHAR,c DATE"),
        ("a INTEGER,b VARCHAR", "a INTEGER,c DATE", "common", "a INTEGER"),
        ("a INTEGER,b VARCHAR", "a BIGINT,c DATE", "common,cast", "a INTEGER"),
        ("a INTEGER,b VARCHAR", "a BIGINT,c DATE", "common", "a is BIGINT"),
        ("b VARCHAR", "c DATE", "common", "no column in common"),
        ("a INTEGER", "a INTEGER", "common,fill", "contradict"),
        ("a INTEGER", "a INTEGER", "loose", "is not a choice"),
    ])
    func `columns are fitted together or named`(_ a: String, _ b: String, _ choices: String, _ expected: String) {
        let got: String
        do {
            let fit = try SchemaReconciliation(
                [Self.table("t1", a), Self.table("t2", b)], choices: .init(parsing: choices))
            got = fit.columns.map { "\($0.name) \($0.type)" }.joined(separator: ",")
            #expect(got == expected)
        } catch { #expect("\(error)".contains(expected)) }
    }

    @Test func `a column with NULLs in one table is said, and does not stop`() throws {
        let fit = try SchemaReconciliation(
            [Self.table("t1", "a INTEGER"), Self.table("t2", "a INTEGER", nullable: ["a"])], choices: [])
        #expect(fit.mismatches.map(\.text) == ["a has NULLs in t2"])
    }
}
