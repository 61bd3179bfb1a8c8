import Core
import Database
import Datasets
import Foundation
import Platform
import Projects
import Synchronization
import Tables
import TestSupport
import Testing
import Web

@testable import Labels

/// The labels feature on a whole platform, with the project `p` and a dataset `reviews` of a few rows.
struct Fixture: Sendable {
    let platform: Platform
    let datasets: DatasetsService
    let labels: LabelsService
    let application: WebApplication
    let clock: TestClock

    static let lead = Principal(name: "lea", role: nil, grants: ["p": .owner])
    static let reviewer = Principal(name: "rex", role: nil, grants: ["p": .dataScientist])
    static let viewer = Principal(name: "vic", role: nil, grants: ["p": .viewer])
    static let stranger = Principal(name: "sid", role: nil, grants: ["q": .owner])

    static func annotator(_ name: String) -> Principal { Principal(name: name, role: nil, grants: ["p": .annotator]) }

    /// On each database.
    static func each(_ body: (Fixture) async throws -> Void) async throws {
        for dialect in TestDatabase.dialects { try await with(dialect, body) }
    }

    static func with(_ dialect: Dialect = .sqlite, _ body: (Fixture) async throws -> Void) async throws {
        let clock = TestClock()
        try await TestPlatform.with(
            ProjectsFeature.migrations + DatasetsFeature.migrations + LabelsFeature.migrations, dialect: dialect,
            clock: clock.clock
        ) { platform in
            let projects = ProjectsFeature.make(platform).service
            for name in ["p", "q"] {
                _ = try await projects.create(name: name, owner: nil, description: "", goals: [], as: .system)
            }
            let datasets = DatasetsFeature.make(platform)
            let labels = LabelsFeature.make(platform, datasets: datasets.service)
            try await labels.feature.recover()
            try await body(
                Fixture(
                    platform: platform, datasets: datasets.service, labels: labels.service,
                    application: .testing(datasets.feature.routes + labels.feature.routes, platform), clock: clock))
        }
    }

    /// Rows of a CSV text as the next version of a dataset.
    @discardableResult
    func rows(_ dataset: String, _ csv: String, key: [String] = ["id"], replacing: Bool = false) async throws -> DatasetVersion {
        let body = RequestBody(Array(csv.utf8))
        if replacing {
            // A version with other rows: what derives from nothing of the one before.
            _ = try await datasets.append(
                dataset + "-staged", project: "p", body: body, format: .csv, encoding: .utf8, key: nil, origin: nil,
                message: "", as: .system)
            return try await datasets.derive(
                dataset, project: "p", sql: "SELECT * FROM s", inputs: ["s": Ref(.dataset, dataset + "-staged")],
                parameters: [], message: "", as: .system
            ).version
        }
        let version = try await datasets.append(
            dataset, project: "p", body: body, format: .csv, encoding: .utf8, key: nil, origin: nil, message: "", as: .system
        ).version
        if !key.isEmpty { _ = try await datasets.update(dataset, key: key, description: nil, as: .system) }
        return version
    }

    func schema(_ name: String, _ definition: JSONValue) async throws -> LabelSchema {
        try await labels.saveSchema(name, project: "p", LabelDefinition(JSONFields(definition)), as: Self.lead).schema
    }

    /// A task `t` over `reviews` with the classes good and bad.
    func task(rows count: Int = 4, overlap: Int = 1, change: (inout TaskDraft) -> Void = { _ in }) async throws -> LabelTask {
        try await rows("reviews", "id,text\n" + (1...count).map { "r\($0),text \($0)\n" }.joined())
        _ = try await schema("mood", ["kind": "class", "classes": ["good", "bad"]])
        var draft = TaskDraft(name: "t", over: Ref(.dataset, "reviews"), schema: Ref(.labelSchema, "mood"))
        draft.overlap = overlap
        change(&draft)
        return try await labels.createTask(draft, as: Self.lead)
    }

    /// The numbers that `next` hands out.
    func next(_ name: String, count: Int = 1) async throws -> [Int64] {
        try await labels.next("t", count: count, as: Self.annotator(name)).map(\.item.number)
    }

    func submit(_ name: String, _ number: Int64, _ value: JSONValue) async throws {
        _ = try await labels.submit("t", number, value, as: Self.annotator(name))
    }

    /// The label columns of a version as text, a row a line.
    func published(_ version: DatasetVersion, _ columns: String, order: String = "id") async throws -> [String] {
        let table = try await datasets.query(
            "SELECT \(columns) FROM d ORDER BY \(order)", inputs: ["d": version.ref], parameters: [], limit: 1000,
            as: .system)
        return table.rows.map { $0.map { $0.text ?? "-" }.joined(separator: " ") }
    }
}

/// A clock that is moved by hand.
final class TestClock: Sendable {
    private let now = Mutex<Int64>(1_800_000_000_000)

    var clock: Clock { Clock { [self] in now.withLock { Timestamp(milliseconds: $0) } } }

    func advance(seconds: Double) { now.withLock { $0 += Int64(seconds * 1000) } }
}

/// What a refused call says: "code: message", or "done".
func refusal(_ body: () async throws -> some Any) async -> String {
    do {
        _ = try await body()
        return "done"
    } catch let error as SlipwayError { return "\(error.code.rawValue): \(error.message)" } catch { return "\(error)" }
}
