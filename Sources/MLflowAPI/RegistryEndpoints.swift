import Core
import Registry
import Tracking
import Web

extension MLflowRoutes {
    /// Rows of a search of models, at most, and if the client does not say.
    private static let modelRows = (standard: 100, maximum: 1000)
    private static let versionRows = (standard: 10_000, maximum: 200_000)

    /// `registered-models/…` and `model-versions/…`. Prompts are registered models with a tag and need nothing else.
    var registryRoutes: [Route] {
        registeredModelRoutes + modelTagRoutes + versionRoutes + versionChangeRoutes + aliasRoutes
            + versionArtifactRoutes
    }

    private var registeredModelRoutes: [Route] {
        endpoint(.post, "registered-models/create", .writeModels, "makes a registered model.") {
            [registry] fields, principal in
            let model = try await registry.createModel(
                fields.required("name"), project: Self.project(fields),
                description: fields.text("description") ?? "",
                tags: fields.keyValues("tags").map, as: principal)
            return Self.answer(model)
        }
            + endpoint(.get, "registered-models/get", .readModels, "one registered model.") {
                [registry] fields, principal in
                try await answer(registry.model(fields.required("name"), as: principal))
            }
            + endpoint(.post, "registered-models/rename", .writeModels, "gives a registered model another name.") {
                [registry] fields, principal in
                try await answer(
                    registry.renameModel(fields.required("name"), to: fields.required("new_name"), as: principal))
            }
            + endpoint(.patch, "registered-models/update", .writeModels, "describes a registered model.") {
                [registry] fields, principal in
                try await answer(
                    registry.describeModel(fields.required("name"), fields.text("description") ?? "", as: principal))
            }
            + endpoint(
                .delete, "registered-models/delete", .writeModels, "deletes a registered model with its versions."
            ) {
                [registry] fields, principal in
                try await registry.deleteModel(fields.required("name"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.get, "registered-models/search", .readModels, "looks for registered models.") {
                [registry] fields, principal in
                let limit = try fields.limit(default: Self.modelRows.standard, maximum: Self.modelRows.maximum)
                let page = try await registry.searchModels(
                    fields.text("filter") ?? "", order: fields.strings("order_by"),
                    PageRequest(limit: limit, after: fields.cursor()),
                    as: principal)
                let latest = try await registry.latestVersions(of: page.items)
                return .mlflow { writer in
                    writer.list("registered_models", page.items) { $0.fields(of: $1, latest: latest[$1.id] ?? []) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
            + [Method.get, .post].flatMap { method in
                endpoint(
                    method, "registered-models/get-latest-versions", .readModels, "the newest version of each stage."
                ) {
                    [registry] fields, principal in
                    let stages = try fields.strings("stages").map(ModelStage.init(parsing:))
                    let versions = try await registry.latestVersions(
                        fields.required("name"), stages: stages, as: principal)
                    return .mlflow { $0.list("model_versions", versions) { $0.fields(of: $1) } }
                }
            }
    }

    private var modelTagRoutes: [Route] {
        endpoint(.post, "registered-models/set-tag", .writeModels, "sets a tag of a registered model.") {
            [registry] fields, principal in
            try await registry.setModelTag(
                fields.required("name"), fields.required("key"), fields.text("value") ?? "", as: principal)
            return .mlflowEmpty
        }
            + endpoint(.delete, "registered-models/delete-tag", .writeModels, "removes a tag of a registered model.") {
                [registry] fields, principal in
                try await registry.deleteModelTag(fields.required("name"), fields.required("key"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.post, "model-versions/set-tag", .writeModels, "sets a tag of a version.") {
                [registry] fields, principal in
                try await registry.setVersionTag(
                    fields.required("name"), Self.number(fields), fields.required("key"), fields.text("value") ?? "",
                    as: principal)
                return .mlflowEmpty
            }
            + endpoint(.delete, "model-versions/delete-tag", .writeModels, "removes a tag of a version.") {
                [registry] fields, principal in
                try await registry.deleteVersionTag(
                    fields.required("name"), Self.number(fields), fields.required("key"), as: principal)
                return .mlflowEmpty
            }
    }

    private var versionRoutes: [Route] {
        endpoint(.post, "model-versions/create", .writeModels, "registers a version.") { [registry] fields, principal in
            let request = VersionRequest(
                source: try fields.required("source"), runID: try fields.filled("run_id"),
                loggedModelID: try fields.filled("model_id"),
                runLink: try fields.filled("run_link"), description: try fields.text("description") ?? "",
                tags: try fields.keyValues("tags").map)
            return Self.answer(try await registry.createVersion(fields.required("name"), request, as: principal))
        }
            + endpoint(.get, "model-versions/get", .readModels, "one version.") { [registry] fields, principal in
                Self.answer(try await registry.version(fields.required("name"), Self.number(fields), as: principal))
            }
            + endpoint(.get, "model-versions/search", .readModels, "looks for versions.") {
                [registry] fields, principal in
                let limit = try fields.limit(default: Self.versionRows.standard, maximum: Self.versionRows.maximum)
                let page = try await registry.searchVersions(
                    fields.text("filter") ?? "", order: fields.strings("order_by"),
                    PageRequest(limit: limit, after: fields.cursor()),
                    as: principal)
                return .mlflow { writer in
                    writer.list("model_versions", page.items) { $0.fields(of: $1) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
            + endpoint(.get, "model-versions/get-download-uri", .readModels, "where a version's files are.") {
                [registry] fields, principal in
                let version = try await registry.version(fields.required("name"), Self.number(fields), as: principal)
                let uri = try await registry.location(of: version, as: principal)
                return .mlflow { $0.field("artifact_uri", uri) }
            }
    }

    private var versionChangeRoutes: [Route] {
        endpoint(.patch, "model-versions/update", .writeModels, "describes a version.") {
            [registry] fields, principal in
            Self.answer(
                try await registry.describeVersion(
                    fields.required("name"), Self.number(fields), fields.text("description") ?? "", as: principal))
        }
            + endpoint(.post, "model-versions/transition-stage", .promoteModels, "moves a version to a stage.") {
                [registry] fields, principal in
                Self.answer(
                    try await registry.moveToStage(
                        fields.required("name"), Self.number(fields), ModelStage(parsing: fields.required("stage")),
                        archivingOthers: fields.bool("archive_existing_versions") ?? false, as: principal))
            }
            + endpoint(.delete, "model-versions/delete", .writeModels, "deletes a version.") {
                [registry] fields, principal in
                try await registry.deleteVersion(fields.required("name"), Self.number(fields), as: principal)
                return .mlflowEmpty
            }
    }

    private var aliasRoutes: [Route] {
        endpoint(.post, "registered-models/alias", .promoteModels, "moves an alias to a version.") {
            [registry] fields, principal in
            try await registry.setAlias(
                fields.required("name"), fields.required("alias"), to: Self.number(fields), as: principal)
            return .mlflowEmpty
        }
            + endpoint(.delete, "registered-models/alias", .promoteModels, "ends an alias.") {
                [registry] fields, principal in
                try await registry.deleteAlias(fields.required("name"), fields.required("alias"), as: principal)
                return .mlflowEmpty
            }
            + endpoint(.get, "registered-models/alias", .readModels, "the version that an alias names.") {
                [registry] fields, principal in
                let alias = try fields.required("alias")
                do {
                    return Self.answer(try await registry.version(fields.required("name"), alias: alias, as: principal))
                } catch let error as SlipwayError where error.code == .notFound && error.details["alias"] != nil {
                    // MLflow calls an alias that is not there a bad parameter, and clients look for that.
                    throw SlipwayError(.invalid, "Registered model alias \(alias) not found.", details: error.details)
                }
            }
    }

    // MARK: Parts

    private static func number(_ fields: MLflowFields) throws -> Int {
        guard let value = fields["version"] else { throw fields.missing("version") }
        guard let number = value.intValue.flatMap({ Int(exactly: $0) }) else {
            throw fields.invalid("version", value, "the version must be an integer")
        }
        return number
    }

    private static func answer(_ model: RegisteredModel, latest: [ModelVersion] = []) -> Response {
        .mlflow { $0.message("registered_model") { $0.fields(of: model, latest: latest) } }
    }

    private func answer(_ model: RegisteredModel) async throws -> Response {
        Self.answer(model, latest: try await registry.latestVersions(of: [model])[model.id] ?? [])
    }

    private static func answer(_ version: ModelVersion) -> Response {
        .mlflow { $0.message("model_version") { $0.fields(of: version) } }
    }
}
