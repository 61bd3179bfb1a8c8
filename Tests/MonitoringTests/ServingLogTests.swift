import Core
import Database
import Datasets
import Pipelines
import Platform
import Registry
import TestSupport
import Testing
import Tracking

@testable import Monitoring
@testable import Serving

/// The seam to Serving: what its log holds is what a monitor reads.
@Suite struct ServingLogTests {
    @Test func `a monitor reads what Serving has logged`() async throws {
        try await Fixture.each(TrackingFeature.migrations + RegistryFeature.migrations + ServingFeature.migrations) {
            fixture in
            let platform = fixture.platform
            let tracking = TrackingFeature.make(platform).service
            let registry = RegistryFeature.make(
                platform, datasets: fixture.datasets, tracking: tracking, pipelines: fixture.pipelines
            ).service
            let serving = ServingFeature.make(platform, registry: registry, datasets: fixture.datasets).service
            let endpoint = Endpoint(
                name: "restock", project: "shop", model: Ref(.model, "restock", selector: "champion"), logRate: 1,
                log: .buffered, isolation: .auto, owner: "ada", created: Fixture.day, updated: Fixture.day)
            let drafts = (0..<30).map { number in
                PredictionStore.Draft(
                    id: "p\(number)", endpoint: "restock", project: "shop", model: "restock",
                    version: number < 10 ? 1 : 2,
                    time: Fixture.hours(Double(-number)), rowCount: 2, layout: "l",
                    inputs: #"{"x":{"shape":[2,2],"data":[1.5,\#(number),"NaN",50]}}"#, outputs: #"{"y":[10,20]}"#,
                    requestID: "r",
                    principal: "ada")
            }
            try await platform.database.write { db in
                try EndpointStore().put(db, endpoint)
                let store = PredictionStore()
                try store.insert(db, layout: "l", columns: ["inputs": ["x": ["price", "units"]]])
                try store.insert(db, drafts)
                for (row, value) in [9, 22].enumerated() {
                    try store.put(
                        db, Feedback(predictionID: "p1", row: row, value: JSONValue(value), time: Fixture.day),
                        by: "ada")
                }
            }
            let monitoring = MonitoringFeature.make(
                platform, datasets: fixture.datasets, serving: serving, pipelines: fixture.pipelines
            ).service
            let spec = try MonitorSpec([
                "endpoint": "restock", "reference": "dataset:sales@1", "window": ["hours": 24],
                "features": ["price", "units"],
                "minimumRows": 2, "quality": [:], "thresholds": ["missing": 0.9, "mae": 1.4],
            ])
            _ = try await monitoring.put("m", spec, project: "shop", as: Fixture.ada)
            let report = try await monitoring.evaluate("m", at: Fixture.day, as: Fixture.ada).report
            // p1 … p24: p0 is of the very moment.
            #expect(
                report.findings.predictions == 24 && report.findings.rows == 48
                    && report.findings.models == ["model:restock@1": 18, "model:restock@2": 30])
            #expect(report.findings.features.map(\.missingRows) == [24, 0])
            #expect(report.crossings == [Crossing(measure: .mae, feature: nil, value: 1.5, threshold: 1.4)])
            #expect(
                await failure { _ = try await monitoring.put("n", spec, project: "other", as: .system) }?.hasPrefix(
                    "invalid: endpoint: restock belongs to the project shop") == true)
        }
    }
}
