import Core
import Testing

@testable import Tracking

@Suite struct SavedSearchTests {
    private static func terms(_ json: JSONValue) throws -> SavedSearch.Terms {
        try SavedSearch.Terms(JSONFields(json, allowed: SavedSearch.Terms.fields))
    }

    @Test func `a saved search is one's own or the project's, and is found by its name`() async throws {
        try await withTracking { service, experiment in
            let bo = Principal(name: "bo", role: nil, grants: ["p": .viewer])
            let all: JSONValue = [
                "filter": "metrics.rmse < 0.3", "order": ["metrics.rmse", "start_time DESC"],
                "columns": ["metrics.rmse", "params.`a b`"], "experiments": [.string(experiment.id)], "view": "all",
            ]
            let full = try Self.terms(all)
            let shared = try await service.saveSearch("good", full, project: "p", shared: true, as: admin)
            #expect(shared.terms == full && shared.owner == nil)
            let own = try await service.saveSearch("good", Self.terms([:]), project: "p", shared: false, as: bo)
            func names(_ principal: Principal) async throws -> [String] {
                try await service.savedSearches(project: "p", as: principal).map { "\($0.name):\($0.owner ?? "")" }
            }
            #expect(try await names(admin) == ["good:"])
            #expect(try await names(bo) == ["good:", "good:bo"])
            #expect(try await service.savedSearch("good", project: "p", as: bo) == own)
            #expect(try await service.savedSearch("good", project: "p", as: admin) == shared)
            // Saved again, it is another; what goes is one's own.
            let again = try await service.saveSearch(
                "good", Self.terms(["filter": "status = 'FAILED'"]), project: "p", shared: false, as: bo)
            #expect(try await service.savedSearch("good", project: "p", as: bo) == again)
            try await service.deleteSavedSearch("good", project: "p", shared: false, as: bo)
            #expect(try await service.savedSearch("good", project: "p", as: bo) == shared)
            #expect(
                await failure { try await service.deleteSavedSearch("good", project: "p", shared: false, as: bo) }?.code
                    == .notFound)
            #expect(
                await failure { try await service.deleteSavedSearch("good", project: "p", shared: true, as: bo) }?.code
                    == .forbidden)
            let forAll = await failure {
                _ = try await service.saveSearch("x", Self.terms([:]), project: "p", shared: true, as: bo)
            }
            let elsewhere = await failure { _ = try await service.savedSearches(project: "q", as: bo) }
            #expect([forAll?.code, elsewhere?.code] == [.forbidden, .forbidden])
        }
    }

    @Test func `what could not be searched for is not saved`() async throws {
        try await withTracking { service, _ in
            let cases: [(JSONValue, String)] = [
                (["filter": "metrics.rmse <"], "expected"), (["filter": "metrics.rmse = 'x'"], "numeric"),
                (["filter": "nothing.rmse = 1"], "entity"), (["filter": "status > 1"], "status"),
                (["order": ["dataset.name"]], "ordered"), (["order": ["status", "status"]], "duplicate"),
                (["columns": ["nothing.x"]], "entity"), (["view": "some"], "view"), (["experiments": ["9999"]], "9999"),
                (["experiments": ["x"]], "x"), (["experiments": ["0"]], "project"), (["other": 1], "other"),
            ]
            var wrong: [String] = []
            for (json, word) in cases {
                let error = await failure {
                    _ = try await service.saveSearch(
                        "s", Self.terms(json), project: "p", shared: false, as: admin)
                }
                let said = error?.message.lowercased() ?? "saved"
                if !said.contains(word) { wrong.append("\(json.canonicalText): \(said)") }
            }
            #expect(wrong == [])
            let named = await failure {
                _ = try await service.saveSearch("a/b", .init(), project: "p", shared: false, as: admin)
            }
            #expect(named?.code == .invalid)
            let kept = try await service.savedSearches(project: "p", as: admin)
            #expect(kept.isEmpty)
        }
    }
}
