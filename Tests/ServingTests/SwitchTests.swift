import Core
import Foundation
import Inference
import Ledger
import Platform
import Registry
import Synchronization
import TestSupport
import Testing

@testable import Serving

@Suite struct SwitchTests {
    /// Versions change many times while requests are in flight: none fails, and each answer is that of the version which
    /// it names.
    @Test func noRequestIsDropped() async throws {
        try await Fixture.each { fixture in
            for factor in [2, 3] as [Float] { try await fixture.register(Fixture.affine(factor)) }
            try await fixture.champion(1)
            try await fixture.shop()
            try await fixture.following {
                let isOver = Flag()
                let asking = (1...4).map { number in
                    Task {
                        var seen: [Int: Int] = [:]
                        while !isOver.isSet {
                            let answer = try await fixture.ask("shop", [Float(number)])
                            guard answer.outputs.first?.values == .fp32([Float((answer.version + 1) * number + 1)])
                            else {
                                throw SlipwayError(.internal, "version \(answer.version) answered \(answer.outputs)")
                            }
                            seen[answer.version, default: 0] += 1
                            await Task.yield()
                        }
                        return seen
                    }
                }
                for turn in 0..<6 {
                    let next = turn % 2 == 0 ? 2 : 1
                    try await fixture.champion(next)
                    try await Fixture.until("the switch to \(next)") {
                        fixture.serving.status(of: "shop").version?.version == next
                    }
                }
                isOver.set()
                var seen: [Int: Int] = [:]
                for task in asking { seen.merge(try await task.value, uniquingKeysWith: +) }
                #expect(Set(seen.keys) == [1, 2])
                // Everything that was answered is in the log.
                var logged: [Int: Int] = [:]
                try await fixture.serving.walk("shop", as: .system) { page in
                    for prediction in page { logged[prediction.model.version ?? 0, default: 0] += 1 }
                }
                #expect(logged == seen)
                #expect(fixture.serving.status(of: "shop").requests == seen.values.reduce(0, +))
            }
            let switches = try await fixture.events("endpoint.version.switched").map {
                $0.data["to"]?.stringValue?.last
            }
            #expect(switches == ["1", "2", "1", "2", "1", "2", "1"])
        }
    }

    /// A version that cannot be loaded is shown, and the one before goes on.
    @Test func aBrokenVersion() async throws {
        try await Fixture.each { fixture in
            try await fixture.register(Fixture.affine(2))
            try await fixture.champion(1)
            try await fixture.shop()
            try await fixture.register(Array("no model at all".utf8))
            try await fixture.following {
                try await fixture.champion(2)
                try await Fixture.until("the failure") { fixture.serving.status(of: "shop").state == .failed }
                let status = fixture.serving.status(of: "shop")
                #expect(status.version == Ref(.model, "restock", version: 1) && status.problem != nil)
                #expect(try await fixture.ask("shop", [1]).version == 1)
                try await fixture.register(Fixture.affine(5))
                try await fixture.champion(3)
                try await Fixture.until("the recovery") { fixture.serving.status(of: "shop").state == .ready }
                #expect(try await fixture.ask("shop", [1]).outputs.map(\.values) == [.fp32([6])])
                // Without an alias there is nothing to serve.
                try await fixture.registry.deleteAlias("restock", "champion", as: Fixture.engineer)
                try await Fixture.until("the end") { fixture.serving.status(of: "shop").state == .idle }
                #expect(await code { _ = try await fixture.ask() } == .notFound)
            }
        }
    }

    /// A version that nobody approved runs in a process of its own, and moves into the server once it is.
    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: TestPlatform.binary)))
    func isolation() async throws {
        try await Fixture.each { fixture in
            let version = try await fixture.register(Fixture.affine(2))
            _ = try await fixture.serving.put(
                "shop", EndpointRequest(model: version.ref, project: "fresh"), as: Fixture.engineer)
            let before = fixture.serving.status(of: "shop")
            let answer = try await fixture.ask("shop", [3])
            #expect(
                before.isolation == .worker && before.problem == nil && answer.outputs.map(\.values) == [.fp32([7])])
            try await fixture.following {
                _ = try await fixture.registry.decide("restock", 1, .approve, comment: "", as: Fixture.engineer)
                try await Fixture.until("the move") { fixture.serving.status(of: "shop").isolation == .server }
            }
            #expect(try await fixture.ask("shop", [3]).outputs.map(\.values) == [.fp32([7])])
        }
    }
}

private final class Flag: Sendable {
    private let value = Atomic(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}
