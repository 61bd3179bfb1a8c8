import Platform

/// SQL over what the platform records: runs, metrics, parameters, models. Read-only.
public enum ReportingFeature {
    /// - Parameter tables: those of all features.
    public static func make(_ platform: Platform, tables: [SQLTable]) -> Feature {
        let service = ReportingService(platform, tables: tables)
        var feature = Feature(name: "reporting")
        feature.routes = ReportingRoutes(service: service).routes
        feature.recover = { try service.snapshots.prepare() }
        return feature
    }
}
