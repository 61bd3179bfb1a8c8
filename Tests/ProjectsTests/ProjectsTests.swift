import Core
import Database
import Ledger
import Platform
import TestSupport
import Testing
import Web

@testable import Projects

@Suite struct ProjectsTests {
    @Test func `goals are read from text`() {
        let cases: [(String, String)] = [
            ("waste=-9%", "waste -0.09 relative"), ("latency_ms=20", "latency_ms 20.0 absolute"),
            ("up=+5%", "up 0.05 relative"),
            ("x=1e-3", "x 0.001 absolute"), ("waste", "invalid"), ("waste=", "invalid"), ("=5", "invalid"),
            ("a b=5", "invalid"),
            ("x=nan", "invalid"), ("x=inf%", "invalid"), ("x=1=2", "invalid"), ("x=%", "invalid"), ("", "invalid"),
        ]
        let wrong = cases.filter { text, expected in
            guard let goal = try? Goal(parsing: text) else { return expected != "invalid" }
            return "\(goal.name) \(goal.target) \(goal.isRelative ? "relative" : "absolute")" != expected
        }
        #expect(wrong.map(\.0) == [])
        func isMet(_ target: Double, _ isRelative: Bool, _ measured: Double?) -> Bool? {
            Goal(name: "g", target: target, isRelative: isRelative, measured: measured).isMet
        }
        #expect(
            isMet(-0.09, true, -0.1) == true && isMet(-0.09, true, -0.08) == false && isMet(0.05, true, 0.06) == true)
        #expect(isMet(20, false, 21) == false && isMet(20, false, 19) == true && isMet(20, false, nil) == nil)
    }

    @Test func `a charter is made once, measured and listed`() async throws {
        try await TestPlatform.each(ProjectsFeature.migrations) { platform in
            let (feature, service) = ProjectsFeature.make(platform)
            try await feature.recover()
            try await feature.recover()
            let application = WebApplication.testing(feature.routes, platform)
            func status(_ method: String, _ target: String, _ body: JSONValue? = nil) async throws -> Int {
                try await application.ask(method, "/api/v1" + target, body).status
            }
            let goal = "/projects/restock/goals/waste/measurements"
            let requests: [(String, String, JSONValue?, Int)] = [
                (
                    "POST", "/projects", ["name": "restock", "owner": "ada", "goals": ["waste=-9%", "latency_ms=20"]],
                    201
                ),
                ("POST", "/projects", ["name": "restock"], 409), ("POST", "/projects", ["name": "../x"], 400),
                ("POST", "/projects", ["goals": []], 400),
                ("POST", "/projects", ["name": "x", "goals": ["waste"]], 400),
                ("POST", "/projects", ["name": "x", "goals": ["a=1", "a=2"]], 400),
                ("POST", "/projects", ["name": "x", "goals": [1]], 400),
                ("POST", "/projects", ["name": "x", "colour": "red"], 400), ("GET", "/projects/x", nil, 404),
                ("POST", goal, ["value": -0.05], 204), ("POST", goal, ["value": -0.1, "evidence": "run:1"], 204),
                ("POST", goal, ["value": "much"], 400), ("POST", goal, [:], 400),
                ("POST", goal, ["value": 1, "evidence": "x"], 400),
                ("POST", "/projects/restock/goals/none/measurements", ["value": 1], 404),
                ("POST", "/projects/none/goals/waste/measurements", ["value": 1], 404),
                ("POST", goal, ["value": .number(.nan)], 400),
            ]
            var wrong: [String] = []
            for (method, target, body, expected) in requests {
                let got = try await status(method, target, body)
                if got != expected { wrong.append("\(method) \(target) \(body?.canonicalText ?? ""): \(got)") }
            }
            #expect(wrong == [])
            let measured = try await application.ask("GET", "/api/v1" + goal).json["items"]?.arrayValue?.compactMap {
                $0["value"]?.doubleValue
            }
            #expect(measured?.contains(-0.1) == true)
            let shown = try await application.ask("GET", "/api/v1/projects/restock").json["goals"]?.arrayValue?.map {
                $0["name"]
            }
            #expect(shown == ["latency_ms", "waste"])
            let member = Principal(name: "mia", role: nil, grants: ["restock": .viewer])
            #expect(try await service.list(PageRequest(), as: member).items.map(\.name) == ["restock"])
            #expect(try await service.list(PageRequest(), as: .system).items.map(\.name) == ["default", "restock"])
            let types = try await platform.ledger.events(after: 0, .init(type: "project."), limit: 20).map(\.type)
            #expect(types == ["project.created", "project.created", "project.goal.measured", "project.goal.measured"])
        }
    }
}
