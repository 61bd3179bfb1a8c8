import Core
import Database
import Datasets
import Ledger
import Platform

/// Labels: schemas, tasks with queues, annotations with their history, review, agreement, publishing as columns of a new
/// dataset version, and the formats that other tools write.
public enum LabelsFeature {
    public static let migrations = LabelsSchema.migrations

    public static func make(_ platform: Platform, datasets: DatasetsService) -> (feature: Feature, service: LabelsService) {
        let service = LabelsService(platform, datasets: datasets)
        var feature = Feature(name: "labels")
        feature.routes =
            SchemaRoutes(service: service).routes + TaskRoutes(service: service).routes
            + AnnotationRoutes(service: service).routes + OutcomeRoutes(service: service).routes
        feature.recover = { try await service.removeUnprepared() }
        return (feature, service)
    }
}

extension Permission {
    /// Schemas, tasks, progress, what was published; one's own annotations.
    static let readLabels = Permission("labels.read", .readers)
    /// Take items and label them.
    static let annotateLabels = Permission("labels.annotate", .makers.union([.annotator]))
    /// See everybody's annotations, accept, reject and correct them. A task may name more reviewers.
    static let reviewLabels = Permission("labels.review", .makers)
    /// Schemas, tasks, pre-labels, imports.
    static let manageLabels = Permission("labels.manage", .makers)
    /// Make labels columns of a dataset.
    static let publishLabels = Permission("labels.publish", [.owner])
}
