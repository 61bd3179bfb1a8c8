import Core

/// The OpenAPI 3.1 document of a set of routes.
public enum OpenAPI {
    public static func document(_ routes: [Route], version: String) -> JSONValue {
        var paths: [String: JSONValue] = [:]
        for route in routes {
            let path = route.path.replacingPlus
            var operations = paths[path]?.objectValue ?? [:]
            operations[route.method.rawValue.lowercased()] = operation(route)
            paths[path] = .object(operations)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Slipway", "version": .string(version),
                "description": "Machine learning from data to the device and back.",
            ],
            "paths": .object(paths),
            "components": [
                "securitySchemes": ["token": ["type": "http", "scheme": "bearer"]],
                "schemas": ["Error": errorSchema],
            ],
            "security": [["token": []]],
        ]
    }

    private static func operation(_ route: Route) -> JSONValue {
        var parameters: [JSONValue] = route.parameterNames.map { name in
            ["name": .string(name), "in": "path", "required": true, "schema": ["type": "string"]]
        }
        parameters += route.query.map { item in
            [
                "name": .string(item.name), "in": "query", "description": .string(item.about),
                "schema": ["type": "string"],
            ]
        }
        var fields: [String: JSONValue] = [
            "operationId": .string(operationID(route)), "summary": .string(route.summary),
            "parameters": .array(parameters),
            "tags": [.string(tag(route.path))], "x-permission": .string(route.permission.name),
            "responses": [
                "200": ["description": "Done."],
                "default": [
                    "description": "Refused or failed.",
                    "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
                ],
            ],
        ]
        switch route.body {
        case .none: break
        case .json(let items):
            let required = items.filter { !$0.name.hasSuffix("?") }.map { JSONValue.string($0.name) }
            let properties = Dictionary(
                items.map { ($0.name.filter { $0 != "?" }, ["description": .string($0.about)] as JSONValue) }
            ) { a, _ in a }
            var schema: [String: JSONValue] = ["type": "object", "properties": .object(properties)]
            if !required.isEmpty { schema["required"] = .array(required) }
            fields["requestBody"] = ["content": ["application/json": ["schema": .object(schema)]]]
        case .bytes(let type): fields["requestBody"] = ["content": .object([type: ["schema": [:]]])]
        }
        if route.permission == .open { fields["security"] = [] }
        return .object(fields)
    }

    private static func operationID(_ route: Route) -> String {
        route.method.rawValue.lowercased() + route.path.split { !$0.isLetter && !$0.isNumber }.map { "_" + $0 }.joined()
    }

    /// `/api/v1/datasets/…` belongs to `datasets`.
    private static func tag(_ path: String) -> String {
        let parts = path.split(separator: "/").map(String.init)
        if parts.first == "api", parts.count > 2 { return parts[2] }
        return parts.first ?? "server"
    }

    private static let errorSchema: JSONValue = [
        "type": "object",
        "properties": [
            "error": [
                "type": "object",
                "properties": [
                    "code": ["type": "string", "enum": .array(ErrorCode.allCases.map { .string($0.rawValue) })],
                    "message": ["type": "string"], "details": ["type": "object"], "ref": ["type": "string"],
                    "requestId": ["type": "string"],
                ],
            ]
        ],
    ]
}

extension String {
    fileprivate var replacingPlus: String { filter { $0 != "+" } }
}
