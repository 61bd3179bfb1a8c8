import Database
import Datasets
import Ledger
import Platform
import Registry

/// Webhooks: tells other servers what happens in the registry, signed, in the order of the ledger, until they have it.
public enum WebhooksFeature {
    public static let migrations = WebhooksSchema.migrations

    public static func make(
        _ platform: Platform, datasets: DatasetsService, registry: RegistryService
    ) -> (feature: Feature, service: WebhooksService) {
        let service = WebhooksService(platform, datasets: datasets)
        let news = RegistryNews(registry: registry)
        let sender = WebhookSender(service)
        var feature = Feature(name: "webhooks")
        feature.routes = WebhooksRoutes(service: service).routes
        feature.subscriptions = [
            Subscription("webhooks", types: RegistryNews.types) { event in
                guard let project = event.project, let message = try await news.message(of: event) else { return }
                try await service.enqueue(message, project: project, source: event)
            }
        ]
        feature.background = [Background("webhook deliveries") { await sender.run() }]
        return (feature, service)
    }
}
