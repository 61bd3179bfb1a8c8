import Core
import Web
import Webhooks

extension MLflowRoutes {
    /// `webhooks/…`.
    var webhookRoutes: [Route] {
        rawEndpoint(.post, "mlflow/webhooks", .manageWebhooks, "makes a webhook.") { [webhooks] request in
            let fields = try await MLflowFields(request)
            var draft = try Self.draft(fields)
            draft.name = try fields.required("name")
            draft.url = try fields.required("url")
            guard draft.events != nil else { throw fields.missing("events") }
            let project = request.header("x-mlflow-workspace") ?? request.project
            return Self.answer(try await webhooks.create(draft, project: project, as: request.principal))
        }
            + rawEndpoint(.get, "mlflow/webhooks", .signedIn, "lists webhooks.") { [webhooks] request in
                let fields = try await MLflowFields(request)
                let limit = try fields.int("max_results").flatMap { $0 == 0 ? nil : $0 } ?? 100
                guard (1...Int64(WebhooksService.pageMaximum)).contains(limit) else {
                    throw SlipwayError(
                        .invalid, "max_results must be between 1 and \(WebhooksService.pageMaximum).")
                }
                let page = try await webhooks.list(
                    project: request.header("x-mlflow-workspace"),
                    PageRequest(limit: Int(limit), after: fields.cursor()), as: request.principal)
                return .mlflow { writer in
                    writer.list("webhooks", page.items) { $0.fields(of: $1) }
                    writer.field("next_page_token", page.next?.description)
                }
            }
            + rawEndpoint(.get, "mlflow/webhooks/{webhook_id}", .manageWebhooks, "one webhook.") {
                [webhooks] request in
                Self.answer(try await webhooks.get(request.parameter("webhook_id"), as: request.principal))
            }
            + rawEndpoint(.patch, "mlflow/webhooks/{webhook_id}", .manageWebhooks, "changes a webhook.") {
                [webhooks] request in
                let draft = try await Self.draft(MLflowFields(request))
                return Self.answer(
                    try await webhooks.update(request.parameter("webhook_id"), draft, as: request.principal))
            }
            + rawEndpoint(.delete, "mlflow/webhooks/{webhook_id}", .manageWebhooks, "deletes a webhook.") {
                [webhooks] request in
                try await webhooks.delete(request.parameter("webhook_id"), as: request.principal)
                return .mlflowEmpty
            }
            + rawEndpoint(.post, "mlflow/webhooks/{webhook_id}/test", .manageWebhooks, "sends an example.") {
                [webhooks] request in
                let event = try await MLflowFields(request).message("event").map(Self.event)
                let answer = try await webhooks.test(request.parameter("webhook_id"), event, as: request.principal)
                return .mlflow { writer in
                    writer.message("result") { result in
                        result.key("success")
                        result.write(answer.succeeded)
                        result.field("response_status", answer.status.map(Int64.init))
                        result.field("response_body", answer.status == nil ? nil : answer.body)
                        result.field("error_message", answer.error.map { "Failed to test webhook: \($0)" })
                    }
                }
            }
    }

    private static func answer(_ hook: Webhook) -> Response {
        .mlflow { $0.message("webhook") { $0.fields(of: hook) } }
    }

    private static func event(_ fields: MLflowFields) throws -> WebhookEvent {
        try WebhookEvent(entity: fields.required("entity"), action: fields.required("action"))
    }

    /// An empty name or URL, or no events, leaves what is there.
    private static func draft(_ fields: MLflowFields) throws -> WebhooksService.Draft {
        var draft = WebhooksService.Draft()
        draft.name = try fields.filled("name")
        draft.url = try fields.filled("url")
        draft.description = try fields.text("description")
        draft.secret = try fields.text("secret").map { Secret($0) }
        let events = try fields.messages("events").map(event)
        if !events.isEmpty { draft.events = events }
        draft.status = try fields.choice(
            "status",
            [
                (name: "ACTIVE", number: 1, value: Webhook.Status.active),
                (name: "DISABLED", number: 2, value: .disabled),
            ])
        return draft
    }
}

extension JSONWriter {
    /// The secret is never among them.
    mutating func fields(of hook: Webhook) {
        field("webhook_id", hook.id)
        field("name", hook.name)
        field("description", hook.description)
        field("url", hook.url)
        list("events", hook.events) { writer, event in
            writer.field("entity", event.entity.uppercased())
            writer.field("action", event.action.uppercased())
        }
        field("status", hook.status.rawValue)
        field("creation_timestamp", hook.created)
        field("last_updated_timestamp", hook.updated)
    }
}
