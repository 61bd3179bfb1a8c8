import Core
import Objects
import Web

/// HTTP in, HTTP out.
struct RegistryRoutes {
    let service: RegistryService

    private static let paging: [Route.Parameter] = [
        .init("limit", "Rows a page."), .init("after", "The 'next' of the previous page."),
    ]

    var routes: [Route] { models + versions + aliases + decisions }

    // MARK: Models

    private var models: [Route] {
        [
            Route(
                .get, "/api/v1/models", .signedIn, "Registered models, by name.",
                query: Self.paging + [
                    .init("filter", "A filter over name, project and tags."), .init("project", "Only of this project."),
                ]
            ) { request in
                var filter = request.query("filter") ?? ""
                if let project = request.query("project") {
                    try Name.validate(project, field: "project")
                    filter = filter.isEmpty ? "project = '\(project)'" : "(\(filter)) AND project = '\(project)'"
                }
                return .page(
                    try await service.searchModels(filter, order: ["name"], request.page(), as: request.principal),
                    \.json)
            },
            Route(
                .post, "/api/v1/models", .writeModels, "Creates a registered model.",
                body: .json([
                    .init("name", "A name, unique on the server."), .init("project?", "Its project."),
                    .init("description?", "What it is for."),
                    .init("tags?", "Texts by name."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["name", "project", "description", "tags"])
                let model = try await service.createModel(
                    body.string("name"), project: body.optionalString("project") ?? request.project,
                    description: body.optionalString("description") ?? "", tags: body.stringMap("tags"),
                    as: request.principal)
                return .json(model.json, status: 201)
            },
            Route(.get, "/api/v1/models/{name}", .readModels, "One model with its aliases and policy.") { request in
                .json(try await service.model(request.parameter("name"), as: request.principal).json)
            },
            Route(.delete, "/api/v1/models/{name}", .writeModels, "Deletes a model with its versions.") { request in
                try await service.deleteModel(request.parameter("name"), as: request.principal)
                return .noContent
            },
            Route(
                .put, "/api/v1/models/{name}/policy", .governModels,
                "Sets what a version needs before it takes a protected alias.",
                body: .json([
                    .init("approvalsRequired?", "0, 1 or 2 people."),
                    .init("selfApproval?", "Whether who registered a version may approve it."),
                    .init("protectedAliases?", "Aliases that only approved versions take."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["approvalsRequired", "selfApproval", "protectedAliases"])
                var policy = try await service.model(request.parameter("name"), as: request.principal).policy
                policy.approvalsRequired = try body.optionalInt("approvalsRequired") ?? policy.approvalsRequired
                policy.allowsSelfApproval = try body.bool("selfApproval", default: policy.allowsSelfApproval)
                if body.fields["protectedAliases"] != nil {
                    policy.protectedAliases = try body.strings("protectedAliases")
                }
                return .json(try await service.setPolicy(request.parameter("name"), policy, as: request.principal).json)
            },
        ]
    }

    // MARK: Versions

    private var versions: [Route] {
        [
            Route(
                .get, "/api/v1/models/{name}/versions", .readModels, "A model's versions, newest first.",
                query: Self.paging
            ) { request in
                .page(
                    try await service.versions(of: request.parameter("name"), request.page(), as: request.principal),
                    \.json)
            },
            Route(
                .post, "/api/v1/models/{name}/versions", .writeModels, "Registers a version.",
                body: .json([
                    .init("source", "runs:/RUN/path, models:/m-ID, mlflow-artifacts:/… or models:/NAME/VERSION."),
                    .init("run?", "The run that made it, if the source does not say."),
                    .init("description?", "What is new."),
                    .init("tags?", "Texts by name."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["source", "run", "description", "tags"])
                let run = try body.optionalString("run").map { $0.hasPrefix("run:") ? String($0.dropFirst(4)) : $0 }
                let version = try await service.createVersion(
                    request.parameter("name"),
                    VersionRequest(
                        source: body.string("source"), runID: run,
                        description: body.optionalString("description") ?? "",
                        tags: body.stringMap("tags")), as: request.principal)
                return .json(version.json, status: 201)
            },
            Route(
                .get, "/api/v1/models/{name}/versions/{version}", .readModels,
                "One version (a number, an alias or 'latest') with its recipe, signature, files, evaluations, approvals and aliases' history."
            ) { request in
                .json(try await detail(of: try await version(request), as: request.principal))
            },
            Route(.delete, "/api/v1/models/{name}/versions/{version}", .writeModels, "Deletes a version.") { request in
                try await service.deleteVersion(
                    request.parameter("name"), request.intParameter("version"), as: request.principal)
                return .noContent
            },
            Route(
                .get, "/api/v1/models/{name}/versions/{version}/files/{path+}", .readModels,
                "The bytes of one of the version's files."
            ) { request in
                let entry = try await service.file(request.parameter("path"), of: try await version(request))
                let stream = service.objects.stream(entry.object.digest)
                return Response(
                    status: 200,
                    headers: [
                        ("Content-Type", "application/octet-stream"), ("X-Content-Type-Options", "nosniff"),
                        ("Content-Disposition", "attachment"),
                        ("ETag", "\"\(entry.object.digest)\""),
                    ],
                    body: .stream(length: entry.object.sizeBytes) { writer in
                        for try await bytes in stream { try await writer.write(bytes) }
                    })
            },
        ]
    }

    private func version(_ request: Request) async throws -> ModelVersion {
        try await service.resolve(
            Ref(.model, request.parameter("name"), selector: request.parameter("version")), as: request.principal)
    }

    private func detail(of version: ModelVersion, as principal: Principal) async throws -> JSONValue {
        var fields = version.json.objectValue ?? [:]
        fields["files"] = .array(
            try await service.files(of: version).map {
                [
                    "path": .string($0.path), "digest": .string($0.object.digest.hex),
                    "sizeBytes": JSONValue($0.object.sizeBytes),
                ]
            })
        fields["metrics"] = MetricMap.json(version.recipe.metrics)
        fields["evaluations"] = .array(try await service.evaluations(version).map(\.json))
        fields["approvals"] = .array(try await service.approvals(version).map(\.json))
        fields["history"] = .array(
            try await service.aliasHistory(version.name, as: principal).filter { $0.version == version.version }.map(
                \.json))
        return .object(fields)
    }

    // MARK: Aliases

    private var aliases: [Route] {
        [
            Route(
                .put, "/api/v1/models/{name}/aliases/{alias}", .promoteModels, "Moves an alias to a version.",
                body: .json([.init("version", "A version's number.")])
            ) { request in
                let body = try await request.json(allowed: ["version"])
                try await service.setAlias(
                    request.parameter("name"), request.parameter("alias"), to: body.int("version"),
                    as: request.principal)
                return .json(try await service.model(request.parameter("name"), as: request.principal).json)
            },
            Route(.delete, "/api/v1/models/{name}/aliases/{alias}", .promoteModels, "Ends an alias.") { request in
                try await service.deleteAlias(
                    request.parameter("name"), request.parameter("alias"), as: request.principal)
                return .noContent
            },
            Route(
                .get, "/api/v1/models/{name}/history", .readModels,
                "Which version had which alias and when, newest first.",
                query: [.init("alias", "Only this alias.")]
            ) { request in
                let rows = try await service.aliasHistory(
                    request.parameter("name"), alias: request.query("alias"), as: request.principal)
                return .json(["items": .array(rows.map(\.json))])
            },
            Route(
                .post, "/api/v1/models/{name}/promote", .promoteModels,
                "Gives an alias to a version if it beats the holder on the same data and has its approvals; 409 with the reasons if not.",
                body: .json([
                    .init("version", "The challenger's number."), .init("alias?", "champion by default."),
                    .init("metric", "A metric's name."),
                    .init("direction", "lower or higher: which is better."),
                    .init("minimumImprovement?", "A number, or a share such as \"1%\"."),
                    .init("on?", "The dataset or slice that counts; the newest that both were measured on by default."),
                ])
            ) { request in
                let body = try await request.json(allowed: [
                    "version", "alias", "metric", "direction", "minimumImprovement", "on",
                ])
                let direction = try body.string("direction")
                guard let direction = Promotion.Direction(rawValue: direction) else {
                    throw SlipwayError.field(
                        "direction", "'\(direction.prefix(40))' is no direction", expected: "lower or higher")
                }
                let promotion = Promotion(
                    metric: try body.string("metric"), direction: direction,
                    minimumImprovement: try body.fields["minimumImprovement"].map(Promotion.Margin.init(parsing:))
                        ?? .absolute(0),
                    on: try body.optionalRef("on"))
                let decision = try await service.promote(
                    request.parameter("name"), body.int("version"), to: body.optionalString("alias") ?? "champion",
                    by: promotion,
                    as: request.principal)
                return .json(decision.json)
            },
        ]
    }

    // MARK: Decisions

    private var decisions: [Route] {
        [
            Route(
                .post, "/api/v1/models/{name}/versions/{version}/approvals", .approveModels,
                "Approves or rejects a version.",
                body: .json([.init("decision", "approve or reject."), .init("comment?", "Why.")])
            ) { request in
                let body = try await request.json(allowed: ["decision", "comment"])
                let text = try body.string("decision")
                guard let decision = Approval.Decision(rawValue: text) else {
                    throw SlipwayError.field(
                        "decision", "'\(text.prefix(40))' is no decision", expected: "approve or reject")
                }
                let version = try await service.decide(
                    request.parameter("name"), request.intParameter("version"), decision,
                    comment: body.optionalString("comment") ?? "",
                    as: request.principal)
                return .json(version.json)
            },
            Route(
                .post, "/api/v1/models/{name}/versions/{version}/evaluations", .writeModels,
                "Records metrics of a version on a dataset version or slice.",
                body: .json([
                    .init("dataset?", "dataset:NAME@VERSION."),
                    .init("slice?", "slice:NAME; then the dataset may be left out."),
                    .init("run?", "The run that measured."), .init("metrics", "Numbers by name."),
                ])
            ) { request in
                let body = try await request.json(allowed: ["dataset", "slice", "run", "metrics"])
                let evaluation = try await service.evaluate(
                    request.parameter("name"), request.intParameter("version"), dataset: body.optionalRef("dataset"),
                    slice: body.optionalRef("slice"), run: body.optionalRef("run"),
                    metrics: MetricMap.parse(body.fields["metrics"], field: "metrics"), as: request.principal)
                return .json(evaluation.json, status: 201)
            },
        ]
    }
}
