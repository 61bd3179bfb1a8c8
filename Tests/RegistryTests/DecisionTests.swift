import Core
import Database
import Ledger
import Platform
import Registry
import Testing

@Suite struct DecisionTests {
    private static let sales = Ref(.dataset, "sales", version: 3)
    private static let rule = Promotion(metric: "rmse", direction: .lower)

    @Test func `an alias has a history`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.ada, Fixture.ada])
            let registry = f.registry
            try await registry.setAlias("restock", "champion", to: 1, as: Fixture.ada)
            try await registry.setAlias("restock", "champion", to: 1, as: Fixture.ada)
            try await registry.setAlias("restock", "shadow", to: 1, as: Fixture.ada)
            try await registry.setAlias("restock", "champion", to: 2, as: Fixture.bob)
            try await registry.deleteAlias("restock", "shadow", as: Fixture.ada)
            try await registry.deleteAlias("restock", "shadow", as: Fixture.ada)
            let history = try await registry.aliasHistory("restock", alias: "champion", as: Fixture.guest)
            #expect(history.map { "\($0.version) \($0.setBy) \($0.until == nil)" } == ["2 bob true", "1 ada false"])
            #expect(history[1].until == history[0].from)
            #expect(try await registry.aliasHistory("restock", as: Fixture.guest).count == 3)
            #expect(try await registry.model("restock", as: Fixture.guest).aliases == ["champion": 2])
            #expect(try await registry.version("restock", 2, as: Fixture.guest).aliases == ["champion"])
            try await registry.deleteVersion("restock", 2, as: Fixture.ada)
            #expect(try await registry.model("restock", as: Fixture.guest).aliases == [:])
            #expect(
                await code { try await registry.setAlias("restock", "champion", to: 2, as: Fixture.ada) } == .notFound)
            #expect(
                try await f.events().filter { $0.hasPrefix("model.alias") }
                    == [
                        "model.alias.set", "model.alias.set", "model.alias.set", "model.alias.removed",
                        "model.alias.removed",
                    ])
        }
    }

    @Test func `a protected alias waits for approvals by others`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.bob])
            let registry = f.registry
            let policy = ModelPolicy(
                approvalsRequired: 2, allowsSelfApproval: false, protectedAliases: ["champion", "production"])
            _ = try await registry.setPolicy("restock", policy, as: Fixture.eve)
            func set(_ alias: String) async -> ErrorCode? {
                await code { try await registry.setAlias("restock", alias, to: 1, as: Fixture.bob) }
            }
            func approve(_ principal: Principal) async -> ErrorCode? {
                await code {
                    _ = try await registry.decide("restock", 1, .approve, comment: "looks right", as: principal)
                }
            }
            #expect(await set("champion") == .conflict)
            #expect(await set("canary") == nil)
            #expect(
                await code {
                    _ = try await registry.moveToStage(
                        "restock", 1, .production, archivingOthers: false, as: Fixture.bob)
                } == .conflict)
            // He made it himself.
            #expect(await approve(Fixture.bob) == .forbidden)
            #expect(await approve(Fixture.eve) == nil)
            #expect(await approve(Fixture.eve) == nil)
            #expect(await set("champion") == .conflict)
            let mia = Principal(name: "mia", role: nil, grants: ["fresh": .mlEngineer])
            #expect(await approve(mia) == nil)
            #expect(try await registry.version("restock", 1, as: Fixture.guest).approval == .approved)
            #expect(await set("champion") == nil)
            _ = try await registry.decide("restock", 1, .reject, comment: "leaks the target", as: Fixture.eve)
            #expect(try await registry.version("restock", 1, as: Fixture.guest).approval == .rejected)
            #expect(
                await code {
                    _ = try await registry.moveToStage(
                        "restock", 1, .production, archivingOthers: false, as: Fixture.bob)
                } == .conflict)
            let version = try await registry.version("restock", 1, as: Fixture.guest)
            #expect(
                try await registry.approvals(version).map { "\($0.by) \($0.decision) \($0.comment)" }
                    == [
                        "eve approve looks right", "eve approve looks right", "mia approve looks right",
                        "eve reject leaks the target",
                    ])
            #expect(
                await code {
                    _ = try await registry.setPolicy(
                        "restock", ModelPolicy(approvalsRequired: 3, allowsSelfApproval: true, protectedAliases: []),
                        as: Fixture.eve)
                } == .invalid)
        }
    }

    @Test func `self approval is a policy`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.bob])
            let policy = ModelPolicy(approvalsRequired: 1, allowsSelfApproval: true, protectedAliases: ["champion"])
            _ = try await f.registry.setPolicy("restock", policy, as: Fixture.eve)
            #expect(
                try await f.registry.decide("restock", 1, .approve, comment: "", as: Fixture.bob).approval == .approved)
        }
    }

    @Test func `evaluations are pinned to what they were measured on`() async throws {
        try await Fixture.each { f in
            try await f.restock()
            func evaluate(_ dataset: Ref?, _ slice: Ref?, _ metrics: [String: Double] = ["rmse": 0.25]) async throws
                -> String
            {
                try await f.registry.evaluate(
                    "restock", 1, dataset: dataset, slice: slice, metrics: metrics, as: Fixture.ada
                ).subject
            }
            let perishable = Ref(.slice, "perishable")
            #expect(try await evaluate(Ref(.dataset, "sales"), nil) == "dataset:sales@3")
            #expect(
                try await evaluate(Ref(.dataset, "sales", version: 2), perishable)
                    == "dataset:sales@2 slice:perishable@1")
            #expect(try await evaluate(nil, perishable) == "dataset:sales@3 slice:perishable@1")
            let version = try await f.registry.version("restock", 1, as: Fixture.guest)
            #expect(try await f.registry.evaluations(version).count == 3)
            let refused: [(Ref?, Ref?, [String: Double], ErrorCode)] = [
                (nil, nil, ["a": 1], .invalid), (Ref(.run, "x"), nil, ["a": 1], .invalid),
                (nil, Ref(.dataset, "sales"), ["a": 1], .invalid),
                (Ref(.dataset, "absent"), nil, ["a": 1], .notFound),
                (Ref(.dataset, "sales", version: 9), nil, ["a": 1], .notFound),
                (Ref(.dataset, "other"), perishable, ["a": 1], .invalid), (Self.sales, nil, [:], .invalid),
            ]
            for (dataset, slice, metrics, expected) in refused {
                #expect(await code { _ = try await evaluate(dataset, slice, metrics) } == expected)
            }
            let edges = try await f.platform.ledger.lineage(of: version.ref, .upstream, depth: 1).filter {
                $0.relation == "evaluated-on"
            }
            #expect(
                Set(edges.map(\.source.description)) == ["dataset:sales@3", "dataset:sales@2", "slice:perishable@1"])
        }
    }

    @Test func `a challenger takes the alias or is told why not`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: [Fixture.ada, Fixture.ada])
            let registry = f.registry
            func promote(_ number: Int) async throws -> Promotion.Decision {
                try await registry.promote("restock", number, to: "champion", by: Self.rule, as: Fixture.bob)
            }
            func evaluate(_ number: Int, _ rmse: Double) async throws {
                _ = try await registry.evaluate(
                    "restock", number, dataset: Self.sales, slice: nil, metrics: ["rmse": rmse], as: Fixture.ada)
            }
            #expect(await code { _ = try await promote(1) } == .conflict)
            try await evaluate(1, 0.5)
            #expect(try await promote(1).evaluatedOn == "dataset:sales@3")
            try await evaluate(2, 0.75)
            do {
                _ = try await promote(2)
                Issue.record("a worse challenger was promoted")
            } catch let error as SlipwayError {
                #expect(
                    error.message
                        == "model:restock@2 does not take 'champion': rmse 0.75 against 0.5 of the holder model:restock@1, lower is better: no gain."
                )
            }
            #expect(try await registry.model("restock", as: Fixture.guest).aliases == ["champion": 1])
            try await evaluate(2, 0.25)
            #expect(try await promote(2).improvement == 0.25)
            #expect(
                try await registry.aliasHistory("restock", as: Fixture.guest).map {
                    "\($0.version) \($0.reason) \($0.setBy)"
                }
                    == ["2 promoted bob", "1 promoted bob"])
            // With approvals asked for, beating the holder is not enough.
            _ = try await registry.setPolicy(
                "restock", ModelPolicy(approvalsRequired: 1, allowsSelfApproval: false, protectedAliases: ["champion"]),
                as: Fixture.eve)
            try await evaluate(1, 0.125)
            #expect(await code { _ = try await promote(1) } == .conflict)
            _ = try await registry.decide("restock", 1, .approve, comment: "", as: Fixture.bob)
            #expect(try await promote(1).promotes)
            #expect(
                try await f.events().filter { $0.hasPrefix("model.promot") }
                    == [
                        "model.promotion.refused", "model.promoted", "model.promotion.refused", "model.promoted",
                        "model.promotion.refused",
                        "model.promoted",
                    ])
            #expect(try await f.platform.ledger.verify().firstFault == nil)
        }
    }

    @Test func `of two challengers at once one is promoted over the other`() async throws {
        try await Fixture.each { f in
            try await f.restock(versions: Array(repeating: Fixture.ada, count: 4))
            for number in 1...4 {
                _ = try await f.registry.evaluate(
                    "restock", number, dataset: Self.sales, slice: nil, metrics: ["rmse": 1 / Double(number)],
                    as: Fixture.ada)
            }
            await withTaskGroup(of: Void.self) { group in
                for number in 1...4 {
                    group.addTask {
                        _ = try? await f.registry.promote(
                            "restock", number, to: "champion", by: Self.rule, as: Fixture.bob)
                    }
                }
            }
            // Whatever the order, the best holds it at the end and exactly one interval is open.
            let history = try await f.registry.aliasHistory("restock", as: Fixture.guest)
            #expect(history.filter { $0.until == nil }.map(\.version) == [4])
        }
    }
}
