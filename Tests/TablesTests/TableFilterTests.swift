import Core
import Tables
import Testing

@Suite struct TableFilterTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let sql: String
        var testDescription: String { text }
    }

    @Test(arguments: [
        Case(text: "id >= 3", sql: "(\"id\" >= 3)"),
        Case(
            text: "ID = 2.5 AND NOT name LIKE 'a%'",
            sql: "((\"id\" = '2.5'::DOUBLE) AND (NOT (\"name\"::VARCHAR LIKE 'a%')))"),
        Case(text: "name = 5 OR `a\"b` IS NOT NULL", sql: "((\"name\" = '5') OR (NOT (\"a\"\"b\" IS NULL)))"),
        Case(text: "name IN ('it''s', '); DROP VIEW t; --')", sql: "(\"name\" IN ('it''s', '); DROP VIEW t; --'))"),
        Case(text: "place.city != 'x' AND x.y = true", sql: "((\"place\".\"city\" != 'x') AND (\"x.y\" = true))"),
        Case(
            text: "wrong = 1",
            sql: "invalid: There is no column 'wrong'. Available: the table has id, name, a\"b, place, x.y."),
    ])
    func `A filter becomes a condition`(_ item: Case) async throws {
        let columns = [
            ("id", "BIGINT"), ("name", "VARCHAR"), ("a\"b", "DATE"), ("place", "STRUCT(city VARCHAR)"),
            ("x.y", "BOOLEAN"),
        ]
        .map { TableColumn(name: $0.0, type: $0.1) }
        var sql: String?
        let error = await failure { sql = try Filter.parse(item.text)?.condition(columns: columns) }
        #expect(sql ?? error == item.sql)
    }
}
