import Core
import Inference
import Ledger
import Platform
import Registry
import TestSupport
import Testing

@testable import Serving

@Suite struct EndpointTests {
    @Test func lifecycle() async throws {
        try await Fixture.each { fixture in
            let version = try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            let made = try await fixture.shop()
            let again = try await fixture.shop()
            let changed = try await fixture.shop { $0.logRate = 0.5 }
            #expect(made == again && changed.logRate == 0.5 && changed.created == made.created)
            #expect(
                fixture.serving.status(of: "shop")
                    == EndpointStatus(
                        state: .ready, version: version.ref, isolation: .server, problem: nil, note: nil, requests: 0))
            #expect(
                try await fixture.serving.list(project: "fresh", PageRequest(), as: Fixture.viewer).items == [changed])
            #expect(try await fixture.serving.list(project: nil, PageRequest(), as: Fixture.stranger).items == [])
            try await fixture.serving.delete("shop", as: Fixture.engineer)
            let events = try await fixture.events("endpoint.").map(\.type)
            #expect(
                events == ["endpoint.created", "endpoint.version.switched", "endpoint.updated", "endpoint.deleted"])
            #expect(await code { _ = try await fixture.ask() } == .notFound)
        }
    }

    @Test func refusals() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            _ = try await fixture.registry.createModel("prices", project: "fresh", as: Fixture.maker)
            func put(
                _ name: String, _ model: Ref, project: String = "fresh", isolation: Endpoint.Isolation = .auto,
                as principal: Principal = Fixture.engineer
            ) async -> ErrorCode? {
                await code {
                    _ = try await fixture.serving.put(
                        name, EndpointRequest(model: model, project: project, isolation: isolation), as: principal)
                }
            }
            let restock = Ref(.model, "restock")
            try await fixture.register(Fixture.affine(3))
            let owner = Principal(name: "eve", role: nil, grants: ["fresh": .owner, "other": .owner])
            let found = [
                await put("a/b", restock), await put("x", Ref(.model, "none")),
                await put("x", Ref(.model, "restock", version: 9)),
                await put("x", Ref(.dataset, "restock")), await put("prices", restock),
                await put("shop", restock, project: "other", as: owner), await put("x", restock, as: Fixture.viewer),
                await put("x", restock, as: Fixture.stranger), await put("x", restock, project: "nowhere", as: .system),
                // Version 2 was approved by nobody: only who may approve it may have it run in the server.
                await put("x", Ref(.model, "restock", version: 2), isolation: .server, as: Fixture.maker),
            ]
            let expected: [ErrorCode?] = [
                .invalid, .notFound, .notFound, .invalid, .conflict, .conflict, .forbidden, .forbidden, .notFound,
                .forbidden,
            ]
            #expect(found == expected)
            #expect(await code { _ = try await fixture.ask(as: Fixture.viewer) } == .forbidden)
            #expect(await code { _ = try await fixture.ask(as: Fixture.stranger) } == .forbidden)
            #expect(await code { _ = try await fixture.ask("nothing") } == .notFound)
        }
    }

    /// A registered model answers by its own name: its champion, else its newest version; and by version.
    @Test func modelsWithoutEndpoint() async throws {
        try await Fixture.each { fixture in
            for factor in [2, 3, 4] as [Float] { try await fixture.register(Fixture.affine(factor)) }
            try await fixture.champion(2)
            var call = InferenceCall(
                name: "restock", version: 1, inputs: [Tensor(name: "x", shape: [1], values: .fp32([10]))],
                requestID: "r")
            do {
                let byName = try await fixture.ask("restock", [10])
                #expect(byName.version == 2 && byName.outputs.map(\.values) == [.fp32([31])])
                _ = try await fixture.registry.decide("restock", 1, .approve, comment: "", as: Fixture.engineer)
                let byNumber = try await fixture.serving.infer(call, as: Fixture.engineer)
                #expect(byNumber.version == 1 && byNumber.outputs.map(\.values) == [.fp32([21])])
                call.version = 9
                #expect(await code { _ = try await fixture.serving.infer(call, as: Fixture.engineer) } == .notFound)
                // Both are predictions of the name that was asked.
                let logged = try await fixture.serving.predictions(of: "restock", PageRequest(), as: Fixture.viewer)
                    .items
                #expect(Set(logged.map(\.model.description)) == ["model:restock@1", "model:restock@2"])
            }
        }
    }

    @Test func trust() async throws {
        try await Fixture.each { fixture in
            var found: [Bool] = []
            func look(_ number: Int) async throws {
                let version = try await fixture.registry.resolve(Ref(.model, "restock", version: number), as: .system)
                found.append(try await fixture.serving.loader.isTrusted(version))
            }
            for factor in [2, 3] as [Float] { try await fixture.register(Fixture.affine(factor)) }
            try await look(1)
            try await fixture.registry.setAlias("restock", "try", to: 1, as: Fixture.engineer)
            try await look(1)
            _ = try await fixture.registry.decide("restock", 1, .approve, comment: "", as: Fixture.engineer)
            try await look(1)
            try await fixture.champion(2)
            try await look(2)
            _ = try await fixture.registry.decide("restock", 2, .reject, comment: "", as: Fixture.engineer)
            try await look(2)
            #expect(found == [false, false, true, true, false])
        }
    }

    /// More names than may be loaded: the one not asked for the longest time is loaded again when it is.
    @Test func boundedSessions() async throws {
        var configuration = Fixture.configuration
        configuration.loadedVersions = 2
        try await Fixture.each(configuration: configuration) { fixture in
            for factor in [2, 3, 4] as [Float] {
                let version = try await fixture.register(Fixture.affine(factor))
                _ = try await fixture.registry.decide(
                    "restock", version.version, .approve, comment: "", as: Fixture.engineer)
                _ = try await fixture.serving.put(
                    "e\(version.version)", EndpointRequest(model: version.ref, project: "fresh"), as: Fixture.engineer)
            }
            func states() -> [EndpointStatus.State] { (1...3).map { fixture.serving.status(of: "e\($0)").state } }
            let first = states()
            let answer = try await fixture.ask("e1", [1])
            #expect(first == [.idle, .ready, .ready] && answer.version == 1 && states() == [.ready, .idle, .ready])
        }
    }
}
