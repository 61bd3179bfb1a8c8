import ArgumentParser
import Client
import CommandKit
import Core

public struct EndpointCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "endpoint", abstract: "Endpoints: names under which models answer.",
        subcommands: [List.self, Show.self, Put.self, Delete.self, Predictions.self, Log.self])

    public init() {}

    static func path(_ name: String) -> String { "/api/v1/endpoints/" + percentEncode(name) }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the endpoints.")
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list("/api/v1/endpoints", query: [("project", server.project)])
            try output.list(
                items,
                [
                    Column("Name", "name"), Column("Model", "model"), Column("Serving", "serving"),
                    Column("State", "state"),
                    Column("Runs in", "runsIn"), Column("Log rate", "logRate"), Column("Requests", "requests"),
                ], empty: "No endpoints yet. Registered models answer under their own names, too.")
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show an endpoint: its settings, the version that it serves and what went wrong.")
        @Argument(help: "An endpoint, or a registered model.") var name: String
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws { try output.object(try await server.client().get(EndpointCommand.path(name))) }
    }

    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make an endpoint, or change it.",
            discussion: "Example: slipway endpoint put shop --model model:restock@champion --log-rate 0.1")
        @Argument var name: String
        @Option(help: "model:NAME@ALIAS, model:NAME@VERSION or model:NAME.") var model: String
        @Option(help: "The share of predictions to log, 0 to 1.") var logRate = 1.0
        @Option(help: "'buffered': up to 50 ms after the answer; 'sync': before it.") var log = "buffered"
        @Option(help: "'auto', 'server' or 'worker'.") var isolation = "auto"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let body: JSONValue = [
                "model": .string(model), "project": .string(server.projectName), "logRate": .number(logRate),
                "log": .string(log), "isolation": .string(isolation),
            ]
            try output.object(try await server.client().send("PUT", EndpointCommand.path(name), body: body))
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Delete an endpoint; its predictions stay.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws { _ = try await server.client().send("DELETE", EndpointCommand.path(name)) }
    }

    struct Log: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the end of the logs of a Python model's processes.")
        @Argument var name: String
        @OptionGroup var server: ClientOptions

        func run() async throws {
            try await server.client().lines(EndpointCommand.path(name) + "/log") { line in
                Terminal.out(line)
                return true
            }
        }
    }

    struct Predictions: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List an endpoint's logged predictions, newest first.")
        @Argument var name: String
        @Option(help: "At or after this time (RFC 3339).") var from: String?
        @Option(help: "Before this time.") var to: String?
        @Option(help: "At most so many.") var limit = 20
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let items = try await server.client().list(
                "/api/v1/predictions", query: [("endpoint", name), ("from", from), ("to", to)], limit: limit)
            try output.list(
                items,
                [
                    Column("Id", "id"), Column("Time", "time"), Column("Model", "model"), Column("Rows", "rowCount"),
                    Column("Outputs", "outputs"),
                ], empty: "No predictions in that time.")
        }
    }
}

public struct PredictCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Ask a model.",
        discussion: """
            Examples: slipway predict shop --json '[[1.5, 2]]'; slipway predict shop --json '[{"price": 1.5, "size": 2}]'; \
            slipway predict shop --csv rows.csv
            """)

    @Argument(help: "An endpoint, or a registered model.") var endpoint: String
    @Option(help: "Rows: a list of lists, or of objects by column.") var json: String?
    @Option(help: "A CSV file with a header line.") var csv: String?
    @OptionGroup var server: ClientOptions

    public init() {}

    public func validate() throws {
        guard [json, csv].compactMap({ $0 }).count == 1 else { throw ValidationError("Give one of --json and --csv.") }
    }

    public func run() async throws {
        let path = "/endpoints/\(percentEncode(endpoint))/invocations"
        let client = server.client()
        let answer: JSONValue
        if let csv {
            answer = try await client.upload("POST", path, file: csv, contentType: "text/csv")
        } else {
            let value: JSONValue
            do { value = try JSONValue(parsing: json ?? "") } catch let error as SlipwayError {
                throw SlipwayError(
                    .invalid, "json: \(error.message) Expected rows such as [[1.5, 2]] or [{\"price\": 1.5}].",
                    details: ["field": "json"])
            }
            answer = try await client.post(path, ["instances": value])
        }
        Terminal.out((answer["predictions"] ?? answer).canonicalText)
    }
}

public struct FeedbackCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "feedback", abstract: "Tell what turned out to be true of a prediction.",
        discussion: "Example: slipway feedback 0192… 12 --row 3")

    @Argument(help: "The prediction's id (the header X-Slipway-Prediction of its answer).") var prediction: String
    @Argument(help: "The true value: JSON, or text.") var value: String
    @Option(help: "Which row of the prediction; 0 is the first.") var row = 0
    @Option(help: "When it became known (RFC 3339); now by default.") var time: String?
    @OptionGroup var server: ClientOptions

    public init() {}

    public func run() async throws {
        var item: [String: JSONValue] = [
            "predictionId": .string(prediction), "row": JSONValue(row),
            "value": (try? JSONValue(parsing: value)) ?? .string(value),
        ]
        if let time { item["time"] = .string(time) }
        _ = try await server.client().post("/api/v1/feedback", ["items": [.object(item)]])
    }
}
