import Core
import Database
import Objects
import Platform
import TestSupport
import Testing
import Web

@testable import Tracking

@Suite struct ArtifactTests {
    @Test(arguments: [
        ("0/r1/artifacts/a/b.txt", "run:r1 mlflow-artifacts:/0/r1/artifacts a/b.txt"),
        ("0/r1/artifacts", "run:r1 mlflow-artifacts:/0/r1/artifacts -"),
        ("0/models/m-1/artifacts/MLmodel", "logged-model:m-1 mlflow-artifacts:/0/models/m-1/artifacts MLmodel"),
        ("my/place/r1/artifacts/artifacts/x", "run:r1 mlflow-artifacts:/my/place/r1/artifacts artifacts/x"),
        ("0/r1", "nil"),
        ("artifacts/x", "nil"), ("../r1/artifacts/x", "invalid"), ("/0/r1/artifacts/x", "invalid"),
        ("0/r1/artifacts/../x", "invalid"),
        ("0/r1//artifacts/x", "invalid"), ("0/r1/artifacts/a\\b", "invalid"),
    ]) func locations(text: String, expected: String) {
        let found: String
        do {
            found =
                try ArtifactLocation.parse(text).map { "\($0.owner.ref) \($0.root) \($0.path?.description ?? "-")" }
                ?? "nil"
        } catch { found = (error as? SlipwayError)?.code.rawValue ?? "?" }
        #expect(found == expected)
    }

    @Test func `files of a run`() async throws {
        try await withTracking { service, experiment in
            let run = ArtifactOwner.run(try await service.makeRun(experiment))
            func put(_ path: String, _ text: String) async throws {
                try await service.putArtifact(
                    RequestBody(Array(text.utf8)), at: RelativePath(parsing: path), of: run, as: admin)
            }
            func list(_ folder: String?) async throws -> [String] {
                try await service.artifacts(in: folder.map { try RelativePath(parsing: $0) }, of: run, as: admin)
                    .map { "\($0.path)\($0.sizeBytes.map { " \($0)" } ?? "/")" }
            }
            #expect(try await list(nil) == [])
            try await put("b.txt", "eins")
            try await put("a/deep/c.txt", "zwei")
            try await put("b.txt", "drei!")
            #expect(try await list(nil) == ["a/", "b.txt 5"])
            #expect(try await list("a") == ["a/deep/"])
            #expect(try await list("a/deep") == ["a/deep/c.txt 4"])
            #expect(try await list("absent") == [])
            let found = try await service.artifact(RelativePath(parsing: "b.txt"), of: run, as: admin)
            #expect(String(decoding: try await service.objects.read(found.object.digest), as: UTF8.self) == "drei!")
            #expect(await failure { try await put("b.txt/x", "") }?.code == .conflict)
            #expect(
                await failure { _ = try await service.artifact(RelativePath(parsing: "a"), of: run, as: admin) }?.code
                    == .invalid)
            #expect(
                await failure { _ = try await service.artifact(RelativePath(parsing: "x"), of: run, as: admin) }?.code
                    == .notFound)
            #expect(
                try await service.artifactFiles(below: RelativePath(parsing: "a"), of: run, as: admin).map(\.path) == [
                    "a/deep/c.txt"
                ])
            try await service.deleteArtifacts(RelativePath(parsing: "a"), of: run, as: admin)
            #expect(try await list(nil) == ["b.txt 5"])
            try await service.deleteArtifacts(nil, of: run, as: admin)
            #expect(try await list(nil) == [])
        }
    }

    @Test func `a place is only its owner's`() async throws {
        try await withTracking { service, experiment in
            let run = try await service.makeRun(experiment)
            func code(_ path: String, as principal: Principal = admin) async throws -> String {
                guard let location = try ArtifactLocation.parse(path) else { return "nil" }
                return await failure { _ = try await service.owner(at: location, as: principal) }?.code.rawValue
                    ?? "found"
            }
            let stranger = Principal(name: "eve", role: nil)
            #expect(
                [
                    try await code("\(experiment.id)/\(run)/artifacts/x"), try await code("0/\(run)/artifacts/x"),
                    try await code("\(experiment.id)/absent/artifacts/x"),
                    try await code("\(experiment.id)/\(run)/artifacts/x", as: stranger),
                ] == ["found", "not_found", "not_found", "forbidden"])
            let elsewhere = try await service.createExperiment(
                name: "s3", project: "p", artifactLocation: "s3://bucket/x", as: admin)
            let far = ArtifactOwner.run(try await service.makeRun(elsewhere))
            #expect(await failure { _ = try await service.artifacts(in: nil, of: far, as: admin) }?.code == .conflict)
        }
    }

    @Test func routes() async throws {
        try await withTracking { service, experiment in
            let web = WebApplication.testing(TrackingRoutes(service: service).routes, service.platform)
            let run = try await service.makeRun(experiment, "shown", started: 0)
            try await service.log(
                LogBatch(metrics: [logged("a/b", 1, .nan), logged("a/b", 2, 0.5)], params: [KeyValue("p", "1")]),
                run: run, as: admin)
            let made = try await web.ask(
                "POST", "/api/v1/experiments", ["name": "new", "project": "p", "tags": ["k": "v"]])
            #expect(made.status == 201 && made.json["tags"] == ["k": "v"])
            let found = try await web.ask(
                "GET", "/api/v1/runs?experiment=e&filter=metrics.%60a%2Fb%60%20%3D%200.5&order=start_time")
            #expect(found.json["items"]?.arrayValue?.first?["metrics"] == ["a/b": 0.5])
            let all = try await web.ask("GET", "/api/v1/runs?limit=10")
            #expect(all.json["items"]?.arrayValue?.count == 1)
            let points = try await web.ask("GET", "/api/v1/runs/\(run)/metrics/a/b?limit=1")
            #expect(points.json["items"] == [["step": 1, "time": "1970-01-01T00:00:00.001Z", "value": "NaN"]])
            #expect(points.json["next"] != nil)
            let put = try await web.ask("PUT", "/api/v1/runs/\(run)/artifacts/x/y.json", ["a": 1])
            #expect(put.status == 201 && put.json["sizeBytes"] == 7)
            #expect(try await web.ask("GET", "/api/v1/runs/\(run)/artifacts/x/y.json").json == ["a": 1])
            let listed = try await web.ask("GET", "/api/v1/runs/\(run)/artifacts?path=x")
            #expect(listed.json["items"]?.arrayValue?.first?["path"] == "x/y.json")
            #expect(try await web.ask("GET", "/api/v1/runs/absent").status == 404)
            #expect(try await web.ask("GET", "/api/v1/experiments/nowhere").status == 404)
            #expect(try await web.ask("GET", "/api/v1/experiments?view=x").status == 400)
        }
    }
}
