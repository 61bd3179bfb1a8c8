import Platform
import Registry
import Tracking

/// Arriving from other trackers, and leaving to them. The commands read and write the foreign stores on the user's machine;
/// the server only takes records, so a client can never make it open a path or a host.
public enum ExchangeFeature {
    public static func make(tracking: TrackingService, registry: RegistryService) -> Feature {
        var feature = Feature(name: "exchange")
        feature.routes =
            ExchangeRoutes(tracking: tracking, registry: registry).routes
            + ExportRoutes(tracking: tracking, registry: registry).routes
        return feature
    }
}
