import Core
import Database
import Foundation
import Ledger
import Objects
import Platform
import Registry
import Testing
import Tracking

@Suite struct VersionTests {
    @Test func `a version holds its files, its recipe and its signature`() async throws {
        try await Fixture.each { f in
            let version = try await f.restock()[0]
            let run = version.runID ?? ""
            #expect(version.ref == Ref(.model, "restock", version: 1))
            #expect([version.source, version.owner, version.project] == ["runs:/\(run)/model", "ada", "fresh"])
            #expect(version.recipe.inputs == [.init(name: "dataset:sales@3", digest: "abc", context: "training")])
            #expect(version.recipe.params == ["random_state": "7", "depth": "3"])
            #expect(version.recipe.metrics == ["rmse": 0.25])
            #expect(
                [version.recipe.seed, version.recipe.code.gitCommit, version.recipe.step] == ["7", "c0ffee", "train"])
            #expect(version.recipe.environment == ["requirements.txt": Digest.of("onnx==1.19.0\n")])
            #expect(version.card?.signature?["inputs"] == [["type": "double", "name": "price", "required": true]])
            #expect(
                try await f.registry.files(of: version).map(\.path) == ["MLmodel", "model.onnx", "requirements.txt"])
            let edges = try await f.platform.ledger.lineage(of: version.ref, .upstream, depth: 1)
            #expect(
                Set(edges.map { "\($0.source) \($0.relation)" })
                    == ["run:\(run) made-by", "dataset:sales@3 trained-on", "pipeline-run:1f made-by"])
            #expect(try await f.events() == ["model.created", "model.version.created"])
        }
    }

    @Test func `a version outlives its run, and its bytes go with it only`() async throws {
        try await Fixture.each { f in
            let version = try await f.restock()[0]
            let digest = Digest.of("not really")
            try await f.tracking.deleteArtifacts(nil, of: .run(version.runID ?? ""), as: Fixture.ada)
            try await f.tracking.deleteRun(version.runID ?? "", as: Fixture.ada)
            func live() async throws -> Set<Digest> {
                try await f.platform.database.read { try Manifests.live($0, among: [digest]) }
            }
            #expect(try await live() == [digest])
            let path = try await f.registry.onnxFile(of: version)
            #expect(path.hasSuffix(digest.hex) || path.contains(digest.hex.prefix(2)))
            try await f.registry.deleteVersion("restock", 1, as: Fixture.ada)
            #expect(try await live() == [])
            #expect(await code { _ = try await f.registry.version("restock", 1, as: Fixture.ada) } == .notFound)
        }
    }

    @Test func `numbers are never given twice`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.ada, Fixture.ada])
            try await f.registry.deleteVersion("restock", 2, as: Fixture.ada)
            let run = try await f.run()
            #expect(
                try await f.registry.createVersion(
                    "restock", VersionRequest(source: "runs:/\(run)/model"), as: Fixture.ada
                ).version == 3)
            #expect(
                try await f.registry.versions(of: "restock", PageRequest(), as: Fixture.ada).items.map(\.version) == [
                    3, 1,
                ])
        }
    }

    @Test func `a logged model, a copy and another place are sources too`() async throws {
        try await Fixture.each { f in
            _ = try await f.registry.createModel("restock", project: "fresh", as: Fixture.ada)
            let run = try await f.run(files: [:])
            var draft = LoggedModelDraft(experiment: f.experiment, name: "forest")
            draft.sourceRun = run
            draft.params = [KeyValue("depth", "9")]
            let logged = try await f.tracking.createLoggedModel(draft, as: Fixture.ada)
            let object = try await f.platform.objects.put(Array("forest".utf8))
            try await f.tracking.setArtifacts(
                [(try RelativePath(parsing: "forest.onnx"), object)], of: .model(logged.id), as: Fixture.ada)
            try await f.tracking.logOutputs([ModelOutput(model: logged.id, step: 0)], run: run, as: Fixture.ada)

            func register(_ source: String) async throws -> ModelVersion {
                try await f.registry.createVersion("restock", VersionRequest(source: source), as: Fixture.bob)
            }
            let direct = try await register("models:/\(logged.id)")
            // mlflow 3 clients may name a logged model by its run and name.
            let byRun = try await register("runs:/\(run)/forest")
            let copy = try await register("models:/restock/latest")
            let far = try await register("s3://bucket/model")
            #expect([direct, byRun, copy, far].map(\.loggedModelID) == [logged.id, logged.id, logged.id, nil])
            #expect([direct, byRun, copy, far].map(\.runID) == [run, run, run, nil])
            #expect(direct.recipe.params == ["depth": "9", "random_state": "7"])
            #expect(copy.source == "models:/restock/2")
            for version in [direct, byRun, copy] {
                #expect(try await f.registry.onnxEntry(of: version).object == object)
            }
            #expect([direct, byRun, copy, far].map(\.hasFiles) == [true, true, true, false])
            #expect(await code { _ = try await f.registry.onnxFile(of: far) } == .unsupported)
        }
    }

    @Test func `files that come late are taken at the first look`() async throws {
        try await Fixture.each { f in
            _ = try await f.registry.createModel("restock", project: "fresh", as: Fixture.ada)
            let run = try await f.run(files: [:])
            let early = try await f.registry.createVersion(
                "restock", VersionRequest(source: "runs:/\(run)/model"), as: Fixture.ada)
            #expect(try await f.registry.files(of: early) == [])
            for (path, text) in Fixture.onnxFiles {
                let object = try await f.platform.objects.put(Array(text.utf8))
                try await f.tracking.setArtifacts(
                    [(try RelativePath(parsing: path), object)], of: .run(run), as: Fixture.ada)
            }
            #expect(try await f.registry.onnxEntry(of: early).path == "model.onnx")
            let later = try await f.registry.version("restock", 1, as: Fixture.ada)
            #expect(later.hasFiles && later.card?.onnxPath == "model.onnx")
        }
    }

    @Test func `sources that do not exist are refused, and nothing is left`() async throws {
        try await Fixture.each { f in
            _ = try await f.registry.createModel("restock", project: "fresh", as: Fixture.ada)
            for source in [
                "runs:/absent/model", "models:/m-absent", "mlflow-artifacts:/1/absent/artifacts/model", "runs:/../x",
            ] {
                #expect(
                    await code {
                        _ = try await f.registry.createVersion(
                            "restock", VersionRequest(source: source), as: Fixture.ada)
                    } == .invalid)
            }
            #expect(
                await code {
                    _ = try await f.registry.createVersion(
                        "restock", VersionRequest(source: "models:/restock/9"), as: Fixture.ada)
                }
                    == .notFound)
            #expect(
                await code {
                    _ = try await f.registry.createVersion("absent", VersionRequest(source: "s3://x"), as: Fixture.ada)
                } == .notFound)
            #expect(try await f.events() == ["model.created"])
        }
    }

    @Test func `refs resolve to versions`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.ada, Fixture.ada, Fixture.ada])
            func resolve(_ text: String) async -> String {
                do { return String(try await f.registry.resolve(Ref(parsing: text), as: Fixture.guest).version) } catch
                {
                    return (error as? SlipwayError)?.code.rawValue ?? "\(error)"
                }
            }
            #expect(await resolve("model:restock") == "3")
            try await f.registry.setAlias("restock", "champion", to: 1, as: Fixture.ada)
            var found: [String] = []
            for text in [
                "model:restock", "model:restock@champion", "model:restock@latest", "model:restock@2", "model:restock@9",
                "model:restock@none", "model:absent", "run:x",
            ] {
                found.append(await resolve(text))
            }
            #expect(found == ["1", "1", "3", "2", "not_found", "not_found", "not_found", "invalid"])
            // Where approvals are asked for, a model without a champion is its newest approved version.
            try await f.registry.deleteAlias("restock", "champion", as: Fixture.ada)
            _ = try await f.registry.setPolicy(
                "restock", ModelPolicy(approvalsRequired: 1, allowsSelfApproval: false, protectedAliases: ["champion"]),
                as: Fixture.eve)
            #expect(await resolve("model:restock") == "not_found")
            _ = try await f.registry.decide("restock", 2, .approve, comment: "", as: Fixture.bob)
            #expect(await resolve("model:restock") == "2")
        }
    }

    @Test func `an ONNX model has its tensors beside it`() async throws {
        try await Fixture.each { f in
            _ = try await f.registry.createModel("m", project: "fresh", as: Fixture.ada)
            let files = [
                "model/a/model.onnx": "graph", "model/a/weights_0": "tensors", "model/a/sub/w": "more",
                "model/MLmodel": "flavors: {}",
            ]
            let version = try await f.registry.createVersion(
                "m", VersionRequest(source: "runs:/\(try await f.run(files: files))/model"), as: Fixture.ada)
            let path = try await f.registry.onnxFile(of: version)
            #expect(try await f.registry.onnxFile(of: version) == path)
            let folder = String(path.dropLast("/model.onnx".count))
            func text(_ path: String) -> String? {
                FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(
                [text(path), text(folder + "/weights_0"), text(folder + "/sub/w")] == ["graph", "tensors", "more"])
        }
    }

    @Test func `an ONNX file is found or its absence explained`() async throws {
        try await Fixture.each { f in
            _ = try await f.registry.createModel("m", project: "fresh", as: Fixture.ada)
            let card = Fixture.onnxFiles["model/MLmodel"] ?? ""
            let cases: [([String: String], String)] = [
                (["model/a.onnx": "a"], "a.onnx"), (["model/deep/a.ONNX": "a", "model/b.txt": "b"], "deep/a.ONNX"),
                (["model/a.onnx": "a", "model/b.onnx": "b"], "unsupported"),
                (["model/model.onnx": "a", "model/b.onnx": "b", "model/MLmodel": card], "model.onnx"),
                (["model/model.pkl": "p"], "unsupported"),
            ]
            for (files, expected) in cases {
                let version = try await f.registry.createVersion(
                    "m", VersionRequest(source: "runs:/\(try await f.run(files: files))/model"), as: Fixture.ada)
                var found = "unsupported"
                do { found = try await f.registry.onnxEntry(of: version).path } catch let error as SlipwayError
                    where error.code == .unsupported
                {}
                #expect(found == expected)
            }
        }
    }
}
