import Core
import Platform
import Web

/// HTTP in, HTTP out: secrets. Values go in and never come out.
struct SecretsRoutes {
    let service: DatasetsService

    private static let project = Route.Parameter("project", "Of which project.")

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/secrets", .manageSecrets, "The names of a project's secrets.", query: [Self.project]
            ) { request in
                let secrets = try await service.secrets(project: request.project, as: request.principal)
                return .json(["items": .array(secrets.map(\.json))])
            },
            Route(
                .put, "/api/v1/secrets/{name}", .manageSecrets,
                "Keeps a secret of a project, encrypted; sources name it. It is never shown.", query: [Self.project],
                body: .json([
                    .init(
                        "value",
                        "A token, a password, user:password for Basic, ACCESS_KEY:SECRET_KEY[:SESSION_TOKEN] for S3.")
                ])
            ) { request in
                let body = try await request.json(allowed: ["value"])
                let secret = try await service.setSecret(
                    request.parameter("name"), Secret(body.string("value")), project: request.project,
                    as: request.principal)
                return .json(secret.json)
            },
            Route(
                .delete, "/api/v1/secrets/{name}", .manageSecrets, "Forgets a secret.", query: [Self.project]
            ) { request in
                try await service.removeSecret(
                    request.parameter("name"), project: request.project, as: request.principal)
                return .noContent
            },
        ]
    }
}
