import Core
import Database
import Foundation
import Ledger
import Platform
import Projects
import TestSupport
import Testing
import Web

@testable import Datasets

/// The datasets feature on a whole platform, with the projects `p` and `q`, asked through its routes.
struct Fixture: Sendable {
    let platform: Platform
    let service: DatasetsService
    let application: WebApplication
    /// Where files for sources go.
    let folder: String

    static let maker = Principal(name: "mia", role: nil, grants: ["p": .dataScientist])

    static func with(dialect: Dialect = .sqlite, _ body: (Fixture) async throws -> Void) async throws {
        try await TestPlatform.with(ProjectsFeature.migrations + DatasetsFeature.migrations, dialect: dialect) {
            platform in
            let projects = ProjectsFeature.make(platform).service
            for name in ["p", "q"] {
                _ = try await projects.create(name: name, owner: nil, description: "", goals: [], as: .system)
            }
            let (feature, service) = DatasetsFeature.make(platform)
            try await feature.recover()
            let folder = platform.dataDirectory + "/files"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try await body(
                Fixture(
                    platform: platform, service: service, application: .testing(feature.routes, platform),
                    folder: folder))
        }
    }

    // MARK: Files

    @discardableResult
    func file(_ name: String, _ text: String) throws -> String { try file(name, Array(text.utf8)) }

    @discardableResult
    func file(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(filePath: folder + "/" + name))
        return folder + "/" + name
    }

    // MARK: Requests

    func ask(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> (
        status: Int, json: JSONValue
    ) {
        try await application.ask(method, "/api/v1" + target, body)
    }

    /// The answer of a request that must succeed.
    func get(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let answer = try await ask(method, target, body)
        guard answer.status < 300 else { throw Refused(text: "\(method) \(target): \(answer.json.canonicalText)") }
        return answer.json
    }

    struct Refused: Error { let text: String }

    func append(
        _ dataset: String, _ bytes: some Collection<UInt8> & Sendable, type: String = "text/csv", query: String = ""
    ) async throws -> (status: Int, json: JSONValue) {
        let answer = await application.respond(
            method: "POST", target: "/api/v1/datasets/\(dataset)/append?project=p\(query)",
            headers: [("host", "localhost"), ("content-type", type)], body: RequestBody(Array(bytes)))
        return (answer.status, try JSONValue(parsing: try await answer.collect()))
    }

    /// Registers a file source and imports it.
    func importFile(
        _ name: String, _ location: String, into dataset: String, mode: String = "replace", onChange: String = "fail"
    ) async throws -> (status: Int, json: JSONValue) {
        let made = try await ask(
            "POST", "/sources", ["name": .string(name), "project": "p", "kind": "file", "location": .string(location)])
        guard made.status == 201 else { return made }
        return try await ask(
            "POST", "/sources/\(name)/import",
            ["dataset": .string(dataset), "mode": .string(mode), "onChange": .string(onChange)])
    }

    /// All rows of a version as one text: "a,1;b,null".
    func rows(_ dataset: String, _ version: String = "latest", _ query: String = "") async throws -> String {
        Self.text(try await get("GET", "/datasets/\(dataset)/versions/\(version)/rows?limit=1000\(query)"))
    }

    static func text(_ table: JSONValue) -> String {
        (table["rows"]?.arrayValue ?? []).map { row in
            (row.arrayValue ?? []).map { $0.stringValue ?? $0.canonicalText }.joined(separator: ",")
        }.joined(separator: ";")
    }

    static func columns(_ version: JSONValue) -> String {
        (version["columns"]?.arrayValue ?? []).map {
            "\($0["name"]?.stringValue ?? "") \($0["type"]?.stringValue ?? "")"
        }
        .joined(separator: ",")
    }

    /// What would be left by something half-done: versions, events, files of work under way.
    func traces() async throws -> [String] {
        let counts = try await platform.database.read { db in
            try db.all(
                """
                SELECT 'versions ' || count(*) FROM dataset_version UNION ALL SELECT 'events ' || count(*) FROM ledger_event
                UNION ALL SELECT 'manifests ' || count(*) FROM object_manifest UNION ALL SELECT 'datasets ' || count(*) FROM dataset
                """
            ) { try $0.text(0) }
        }
        let work =
            (try? FileManager.default.contentsOfDirectory(atPath: platform.dataDirectory + "/tmp/datasets")) ?? []
        return counts + work
    }
}

/// Every case must have its status, and an error whose message holds the text.
func expectAnswers(
    _ cases: [(name: String, status: Int, message: String, got: (status: Int, json: JSONValue))],
    sourceLocation: SourceLocation = #_sourceLocation
) {
    let wrong = cases.filter { item in
        let message = item.got.json["error"]?["message"]?.stringValue ?? ""
        return item.got.status != item.status || !(item.message.isEmpty || message.contains(item.message))
    }.map { "\($0.name): \($0.got.status) \($0.got.json.canonicalText.prefix(400))" }
    #expect(wrong == [], sourceLocation: sourceLocation)
}
