import Core
import Database
import Datasets
import Ledger
import Pipelines
import Platform
import Projects
import Registry
import TestSupport
import Testing
import Tracking

@testable import Webhooks

@Suite struct WebhookTests {
    private static let migrations =
        ProjectsFeature.migrations + DatasetsFeature.migrations + TrackingFeature.migrations
        + PipelinesFeature.migrations + RegistryFeature.migrations + WebhooksFeature.migrations
    private static let admin = Principal(name: "ada", role: .admin)

    private static func with(_ body: (WebhooksService, Platform) async throws -> Void) async throws {
        try await TestPlatform.each(migrations) { platform in
            let projects = ProjectsFeature.make(platform)
            let datasets = DatasetsFeature.make(platform).service
            let tracking = TrackingFeature.make(platform).service
            let pipelines = PipelinesFeature.make(platform, datasets: datasets).service
            let registry = RegistryFeature.make(
                platform, datasets: datasets, tracking: tracking, pipelines: pipelines
            ).service
            try await projects.feature.recover()
            try await body(
                WebhooksFeature.make(platform, datasets: datasets, registry: registry).service, platform)
        }
    }

    private static func draft(_ url: String = "https://127.0.0.1/x") -> WebhooksService.Draft {
        var draft = WebhooksService.Draft()
        draft.name = "hook"
        draft.url = url
        draft.events = [WebhookEvent.all[0]]
        return draft
    }

    /// Computed with `openssl dgst -sha256 -hmac`, as MLflow's documentation writes the signature down.
    @Test func `a signature`() {
        let signature = WebhookRequest.signature(Secret("key"), "id-1", "1700000000", #"{"a":1}"#)
        #expect(signature == "v1,LMSMMDp6Qo8sUa66McuhRTQc2tFedW8kT65VKcrT9S8=")
    }

    @Test(arguments: [
        "", "model_version", "model_version.exploded", "model.created", "budget_policy.exceeded",
        "model_version.created.x",
    ]) func `events that there are not`(_ text: String) {
        #expect(throws: SlipwayError.self) { try WebhookEvent(parsing: text) }
    }

    @Test func `waits grow and end`() {
        for (failures, range) in [(1, 1.0...2.0), (4, 8...16), (30, 1800...3600)] {
            #expect(range.contains(WebhookSender.wait(afterFailures: failures)))
        }
    }

    @Test(arguments: [
        "https://169.254.169.254/latest/meta-data", "https://[fe80::1]/x", "ftp://example.org/x",
        "https://user:pw@1.1.1.1/",
        "/x", "https://", "https://0.0.0.0/x",
    ]) func `where no webhook goes`(_ url: String) async throws {
        try await Self.with { service, _ in
            await #expect(throws: SlipwayError.self) {
                _ = try await service.create(Self.draft(url), project: "default", as: Self.admin)
            }
        }
    }

    @Test func `an event that is handed over twice is sent once, to those that want it`() async throws {
        try await Self.with { service, platform in
            let hook = try await service.create(Self.draft(), project: "default", as: Self.admin)
            var other = Self.draft()
            other.events = [try WebhookEvent(parsing: "prompt.created")]
            _ = try await service.create(other, project: "default", as: Self.admin)
            let event = try await platform.database.write { db in
                try platform.ledger.append(
                    db, "model.created", Ref(.model, "m"), project: "default", by: Self.admin, data: [:])
            }
            let message = WebhookMessage(event: WebhookEvent.all[0], data: ["name": "m"])
            for _ in 0..<2 { try await service.enqueue(message, project: "default", source: event) }
            try await service.enqueue(message, project: "elsewhere", source: event)
            let log = try await service.deliveries(
                hook.id, state: nil, PageRequest(limit: 10), as: Self.admin
            ).items
            #expect(log.map(\.event) == ["registered_model.created"])
            let due = try await platform.database.read {
                try service.store.due($0, at: platform.clock.now(), perWebhook: 2, limit: 10).map(\.webhook)
            }
            #expect(due == [hook.id])
        }
    }

    @Test func `whoever does not answer for a project sees none of its webhooks`() async throws {
        try await Self.with { service, _ in
            let hook = try await service.create(Self.draft(), project: "default", as: Self.admin)
            for outsider in [
                Principal(name: "bob", role: .dataScientist), Principal(name: "eve", role: nil, grants: ["q": .owner]),
            ] {
                #expect(try await service.list(project: nil, PageRequest(limit: 10), as: outsider).items.isEmpty)
                for body in [
                    { _ = try await service.get(hook.id, as: outsider) },
                    { _ = try await service.test(hook.id, nil, as: outsider) },
                    { try await service.delete(hook.id, as: outsider) },
                    { _ = try await service.update(hook.id, Self.draft(), as: outsider) },
                ] as [@Sendable () async throws -> Void] {
                    await #expect(throws: SlipwayError.self) { try await body() }
                }
            }
        }
    }
}
