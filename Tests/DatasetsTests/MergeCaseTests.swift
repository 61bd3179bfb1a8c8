import Core
import Database
import Testing

@testable import Datasets

/// Three-way merges as small texts. A table is its column names, then rows; `k` is the key. Anyone can add a case:
///
///     base:      k,a,b  1,x,y          the table before; `-` is a cell that is NULL
///     ours:      k,a,b  1,X,y          what happened on the branch that is merged into
///     theirs:    k,a,b  1,x,Y          what happened on the other
///     expected:  k,a,b  1,X,Y          the merged table, in any order of rows; or `same as ours`
///     conflicts: -                     `key column base|ours|theirs`, several with `;`
///
/// With conflicts, `expected` is what comes out when all are decided for theirs.
@Suite(.serialized) struct MergeCaseTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var base, ours, theirs, expected: String
        var conflicts = "-"
        var rules: JSONValue = [:]
        var by = "cell"
        var testDescription: String { name }
    }

    static let cases: [Case] = [
        Case(
            name: "cells of one row", base: "k,a,b  1,x,y", ours: "k,a,b  1,X,y", theirs: "k,a,b  1,x,Y",
            expected: "k,a,b  1,X,Y"),
        Case(
            name: "rows added on both sides", base: "k,a  1,x", ours: "k,a  1,x  2,y", theirs: "k,a  1,x  3,z",
            expected: "k,a  1,x  2,y  3,z"),
        Case(
            name: "the same change twice is no conflict", base: "k,a  1,x", ours: "k,a  1,z  2,q",
            theirs: "k,a  1,z  3,w", expected: "k,a  1,z  2,q  3,w"),
        Case(
            name: "the same cell", base: "k,a  1,x", ours: "k,a  1,y", theirs: "k,a  1,z", expected: "k,a  1,z",
            conflicts: "1 a x|y|z"),
        Case(
            name: "deleted by theirs, untouched by ours", base: "k,a  1,x  2,y", ours: "k,a  1,q  2,y",
            theirs: "k,a  1,x", expected: "k,a  1,q"),
        Case(
            name: "deleted by ours, untouched by theirs", base: "k,a  1,x  2,y", ours: "k,a  1,x",
            theirs: "k,a  1,q  2,y", expected: "k,a  1,q"),
        Case(
            name: "deleted on both", base: "k,a  1,x  2,y", ours: "k,a  1,x  3,o", theirs: "k,a  1,x  4,t",
            expected: "k,a  1,x  3,o  4,t"),
        Case(
            name: "deleted by theirs, changed by ours", base: "k,a  1,x  2,y", ours: "k,a  1,X  2,y",
            theirs: "k,a  2,y",
            expected: "k,a  2,y", conflicts: "1 (row) x|X|-"),
        Case(
            name: "deleted by ours, changed by theirs", base: "k,a  1,x  2,y", ours: "k,a  2,y",
            theirs: "k,a  1,X  2,y",
            expected: "k,a  1,X  2,y", conflicts: "1 (row) x|-|X"),
        Case(
            name: "the same key added with other cells", base: "k,a,b  9,q,q", ours: "k,a,b  9,q,q  1,x,y",
            theirs: "k,a,b  9,q,q  1,z,y", expected: "k,a,b  9,q,q  1,z,y", conflicts: "1 a -|x|z"),
        Case(
            name: "the same key added with parts of the row", base: "k,a,b  9,q,q", ours: "k,a,b  9,q,q  1,x,-",
            theirs: "k,a,b  9,q,q  1,-,y", expected: "k,a,b  9,q,q  1,x,y"),
        Case(
            name: "a cell emptied, and changed", base: "k,a  1,x", ours: "k,a  1,-", theirs: "k,a  1,z",
            expected: "k,a  1,z", conflicts: "1 a x|-|z"),
        Case(
            name: "columns added on both sides", base: "k,a  1,x", ours: "k,a,b  1,x,o", theirs: "k,a,c  1,x,t  2,y,t",
            expected: "k,a,b,c  1,x,o,t  2,y,-,t"),
        Case(
            name: "the same column added with other cells", base: "k,a  1,x  2,y", ours: "k,a,b  1,x,o  2,y,q",
            theirs: "k,a,b  1,x,t  2,y,q", expected: "k,a,b  1,x,t  2,y,q", conflicts: "1 b -|o|t"),
        Case(
            name: "a column dropped by theirs", base: "k,a,b  1,x,y", ours: "k,a,b  1,X,y", theirs: "k,a  1,x",
            expected: "k,a  1,X"),
        Case(
            name: "a column dropped by theirs and changed by ours", base: "k,a,b  1,x,y", ours: "k,a,b  1,x,Y",
            theirs: "k,a  1,x", expected: "k,a  1,x", conflicts: "column b dropped"),
        Case(
            name: "a column dropped by ours and changed by theirs, kept with all its cells",
            base: "k,a,b  1,x,y  2,v,w", ours: "k,a  1,x  2,V", theirs: "k,a,b  1,x,Y  2,v,w",
            expected: "k,a,b  1,x,Y  2,V,w", conflicts: "column b dropped"),
        Case(
            name: "a type changed by ours, a cell by theirs", base: "k,n  1,10  2,20", ours: "k,n  1,10.5  2,20.0",
            theirs: "k,n  1,10  2,21", expected: "k,n  1,10.5  2,21.0"),
        Case(
            name: "a type changed to one that theirs' cell does not fit", base: "k,a  1,x  2,7", ours: "k,a  1,6  2,7",
            theirs: "k,a  1,x  2,seven", expected: "k,a  1,6  2,seven", conflicts: "column a type"),
        Case(
            name: "a row as a whole", base: "k,a,b  1,x,y", ours: "k,a,b  1,X,y", theirs: "k,a,b  1,x,Y",
            expected: "k,a,b  1,x,Y",
            conflicts: "1 (row) {\"a\":\"x\",\"b\":\"y\"}|{\"a\":\"X\",\"b\":\"y\"}|{\"a\":\"x\",\"b\":\"Y\"}",
            by: "row"),
        Case(
            name: "a rule for all", base: "k,a,b  1,x,y", ours: "k,a,b  1,X,o", theirs: "k,a,b  1,Y,t",
            expected: "same as ours", rules: ["": "ours"]),
        Case(
            name: "a rule for one column", base: "k,a,b  1,x,y", ours: "k,a,b  1,X,o", theirs: "k,a,b  1,Y,t",
            expected: "k,a,b  1,X,t", conflicts: "1 b y|o|t", rules: ["a": "ours"]),
        Case(
            name: "what is filled", base: "k,a,b  1,x,y", ours: "k,a,b  1,-,o", theirs: "k,a,b  1,z,-",
            expected: "k,a,b  1,z,o", rules: ["": "filled"]),
        Case(
            name: "labels: a label and its stamps stay together", base: "k,l,l_by,l_at  1,-,-,-  2,-,-,-",
            ours: "k,l,l_by,l_at  1,cat,ann,2026-01-01  2,-,-,-",
            theirs: "k,l,l_by,l_at  1,-,-,-  2,dog,bob,2026-01-02",
            expected: "k,l,l_by,l_at  1,cat,ann,2026-01-01  2,dog,bob,2026-01-02"),
        Case(
            name: "labels: two who agree, the later stamp", base: "k,l,l_by,l_at  1,-,-,-",
            ours: "k,l,l_by,l_at  1,cat,ann,2026-01-01", theirs: "k,l,l_by,l_at  1,cat,bob,2026-01-02",
            expected: "k,l,l_by,l_at  1,cat,bob,2026-01-02"),
        Case(
            name: "labels: the newest", base: "k,l,l_by,l_at  1,-,-,-  2,-,-,-",
            ours: "k,l,l_by,l_at  1,cat,ann,2026-01-01  2,cat,ann,2026-01-09",
            theirs: "k,l,l_by,l_at  1,dog,bob,2026-01-02  2,dog,bob,2026-01-02",
            expected: "k,l,l_by,l_at  1,dog,bob,2026-01-02  2,cat,ann,2026-01-09", rules: ["l": "newest"]),
        Case(
            name: "labels: by rank", base: "k,l,l_by,l_at  1,-,-,-  2,-,-,-",
            ours: "k,l,l_by,l_at  1,cat,ann,2026-01-01  2,cat,eve,2026-01-09",
            theirs: "k,l,l_by,l_at  1,dog,bob,2026-01-02  2,dog,zoe,2026-01-02",
            expected: "k,l,l_by,l_at  1,cat,ann,2026-01-01  2,dog,zoe,2026-01-02",
            conflicts: "2 l -|cat|dog", rules: ["l": ["rule": "annotator-rank", "ranks": ["ann", "bob"]]]),
        Case(
            name: "labels: the majority", base: "k,l,l_by,l_at,l_votes  1,-,-,-,-  2,-,-,-,-",
            ours: "k,l,l_by,l_at,l_votes  1,cat,ann,2026-01-01,3  2,cat,ann,2026-01-01,1",
            theirs: "k,l,l_by,l_at,l_votes  1,dog,bob,2026-01-02,2  2,dog,bob,2026-01-02,4",
            expected: "k,l,l_by,l_at,l_votes  1,cat,ann,2026-01-01,3  2,dog,bob,2026-01-02,4",
            rules: ["l": "majority"]),
        Case(
            name: "a column that only changes its case", base: "k,a,Price  1,x,5", ours: "k,a,price  1,x,5",
            theirs: "k,a,Price  1,x,6", expected: "k,a,price  1,x,6"),
        Case(
            name: "quotes and line breaks in names and cells", base: "k,a \"b\"  1,it's",
            ours: "k,a \"b\"  1,it's  2,o\\n",
            theirs: "k,a \"b\"  1,\"so\"", expected: "k,a \"b\"  1,\"so\"  2,o\\n"),
    ]

    @Test(arguments: cases) func `three versions merge`(_ item: Case) async throws {
        for dialect in TestDatabaseDialects.all {
            try await Fixture.with(dialect: dialect) { f in
                let merge = try await MergeFixture(f, base: item.base, ours: item.ours, theirs: item.theirs)
                let outcome = try await merge.merge(rules: item.rules, by: item.by)
                let got = try await merge.conflictTexts(outcome)
                #expect(got == item.conflicts.split(separator: ";").map { $0.trimmingSpaces }.filter { $0 != "-" })
                if outcome["state"] == "conflicts", let id = outcome["id"]?.stringValue {
                    try await merge.takeTheirs(id)
                }
                let expected = item.expected == "same as ours" ? item.ours : item.expected
                #expect(try await merge.table("main") == MergeFixture.sorted(expected))
                // The same again does nothing.
                let before = try await f.traces()
                #expect(try await merge.merge(rules: item.rules, by: item.by)["state"] == "upToDate")
                #expect(try await f.traces() == before)
                let made = try await f.get("GET", "/datasets/d/versions/latest")
                #expect([made["parent"], made["merged"], made["recipe"]?["kind"]] == [2, 3, "merge"])
            }
        }
    }
}
