import Core
import Database

/// SQL of saved searches. Shared ones have the owner ''.
struct SavedSearchStore: Sendable {
    func put(_ db: any Transaction, _ search: SavedSearch) throws {
        try db.execute(
            """
            INSERT INTO saved_search (project, owner, name, search, saved_by, saved_ms)
            VALUES (\(search.project), \(search.owner ?? ""), \(search.name), \(search.terms.json), \(search.savedBy), \(search.saved))
            ON CONFLICT (project, owner, name) DO UPDATE SET search = excluded.search, saved_by = excluded.saved_by,
                saved_ms = excluded.saved_ms
            """)
    }

    func count(_ db: any Transaction, project: String, owner: String?) throws -> Int {
        Int(
            try db.one("SELECT count(*) FROM saved_search WHERE project = \(project) AND owner = \(owner ?? "")") {
                try $0.int(0)
            } ?? 0)
    }

    func one(_ db: any Transaction, project: String, owner: String?, name: String) throws -> SavedSearch? {
        try db.one(
            "\(Self.columns) WHERE project = \(project) AND owner = \(owner ?? "") AND name = \(name)", Self.search)
    }

    /// Those that a person sees: the shared ones and their own, by name.
    func all(_ db: any Transaction, project: String, owner: String) throws -> [SavedSearch] {
        try db.all(
            "\(Self.columns) WHERE project = \(project) AND owner IN ('', \(owner)) ORDER BY name, owner", Self.search)
    }

    func delete(_ db: any Transaction, project: String, owner: String?, name: String) throws -> Bool {
        try db.execute(
            "DELETE FROM saved_search WHERE project = \(project) AND owner = \(owner ?? "") AND name = \(name)") == 1
    }

    private static let columns: SQL = "SELECT project, owner, name, search, saved_by, saved_ms FROM saved_search"

    private static func search(_ row: any Row) throws -> SavedSearch {
        let owner = try row.text(1)
        return SavedSearch(
            project: try row.text(0), name: try row.text(2), owner: owner.isEmpty ? nil : owner,
            terms: try SavedSearch.Terms(JSONFields(row.json(3))), savedBy: try row.text(4), saved: try row.time(5))
    }
}
