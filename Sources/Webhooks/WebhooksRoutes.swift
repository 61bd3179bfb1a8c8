import Core
import Web

/// HTTP in, HTTP out.
struct WebhooksRoutes {
    let service: WebhooksService

    private static let fields: [Route.Parameter] = [
        .init("name?", "A name; letters, digits, '.', '_' and '-'."), .init("url?", "Where to POST; https."),
        .init("events?", "Such as model_version.created."), .init("description?", "What it is for."),
        .init("secret?", "Signs what is sent; empty takes it away."), .init("status?", "active or disabled."),
    ]

    var routes: [Route] {
        [
            Route(
                .get, "/api/v1/webhooks", .signedIn, "Webhooks that one may manage, newest first.",
                query: [
                    .init("project", "Only of this one."), .init("limit", "Rows a page."),
                    .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                .page(
                    try await service.list(
                        project: request.query("project"), request.page(), as: request.principal), \.json)
            },
            Route(
                .post, "/api/v1/webhooks", .manageWebhooks, "Makes a webhook of a project.",
                query: [.init("project", "The project.")], body: .json(Self.fields)
            ) { request in
                let hook = try await service.create(
                    Self.draft(request), project: request.project, as: request.principal)
                return .json(hook.json, status: 201)
            },
            Route(.get, "/api/v1/webhooks/{webhook}", .manageWebhooks, "One webhook.") { request in
                .json(try await service.get(request.parameter("webhook"), as: request.principal).json)
            },
            Route(
                .patch, "/api/v1/webhooks/{webhook}", .manageWebhooks, "Changes the fields that are given.",
                body: .json(Self.fields)
            ) { request in
                let hook = try await service.update(
                    request.parameter("webhook"), Self.draft(request), as: request.principal)
                return .json(hook.json)
            },
            Route(.delete, "/api/v1/webhooks/{webhook}", .manageWebhooks, "Deletes a webhook with its log.") {
                request in
                try await service.delete(request.parameter("webhook"), as: request.principal)
                return .noContent
            },
            Route(
                .post, "/api/v1/webhooks/{webhook}/test", .manageWebhooks, "Sends an example now and says how it went.",
                body: .json([.init("event?", "The event; the webhook's first by default.")])
            ) { request in
                let body = try await request.json(allowed: ["event"])
                let event = try body.optionalString("event").map { try WebhookEvent(parsing: $0) }
                let answer = try await service.test(request.parameter("webhook"), event, as: request.principal)
                return .json([
                    "succeeded": .bool(answer.succeeded), "error": JSONValue(answer.error),
                    "responseStatus": answer.status.map { JSONValue($0) } ?? .null,
                    "responseBody": .string(answer.body),
                ])
            },
            Route(
                .get, "/api/v1/webhooks/{webhook}/deliveries", .manageWebhooks,
                "What a webhook was sent, newest first, and how that went.",
                query: [
                    .init("state", "pending, delivered or failed."), .init("limit", "Rows a page."),
                    .init("after", "The 'next' of the previous page."),
                ]
            ) { request in
                let state = try request.query("state").map { text in
                    guard let state = WebhookDelivery.State(rawValue: text) else {
                        throw SlipwayError.field(
                            "state", "'\(text.prefix(20))' is not a state", expected: "pending, delivered or failed")
                    }
                    return state
                }
                return .page(
                    try await service.deliveries(
                        request.parameter("webhook"), state: state, request.page(), as: request.principal), \.json)
            },
        ]
    }

    private static func draft(_ request: Request) async throws -> WebhooksService.Draft {
        let body = try await request.json(allowed: ["name", "url", "events", "description", "secret", "status"])
        var draft = WebhooksService.Draft()
        draft.name = try body.optionalString("name")
        draft.url = try body.optionalString("url")
        draft.description = try body.optionalString("description")
        draft.secret = try body.optionalString("secret").map { Secret($0) }
        if body["events"] != nil { draft.events = try body.strings("events").map { try WebhookEvent(parsing: $0) } }
        draft.status = try body.optionalString("status").map { text in
            guard let status = Webhook.Status(rawValue: text.uppercased()) else {
                throw SlipwayError.field(
                    "status", "'\(text.prefix(20))' is not a status", expected: "active or disabled")
            }
            return status
        }
        return draft
    }
}
