import ArgumentParser
import Client
import CommandKit
import Core

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// `slipway data events …`
struct DataEventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Pushed events: rows with ids that become versions by themselves.",
        subcommands: [Push.self, Show.self, Set.self, Flush.self])

    struct Push: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Push events from a file or standard input: one JSON object a line.",
            discussion: """
                A line is {"id": …, "time": …, "row": {…}}; with --id it is the row itself, and that column is its id.
                Example: slipway data events push clicks clicks.ndjson --id click
                """)
        @Argument(help: "The dataset.") var name: String
        @Argument(help: "A file of JSON lines (default: standard input).") var file: String?
        @Option(help: "The column that holds the id, when lines are rows.") var id: String?
        @Option(help: "The column that holds the time, when lines are rows.") var time: String?
        @Option(help: "Onto which branch.") var branch = "main"
        @Option(help: "So many events a request at most.") var batch = 1000
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            if let file {
                let descriptor = open(file, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0, dup2(descriptor, STDIN_FILENO) >= 0 else {
                    throw SlipwayError(.notFound, "There is no file \(file), or it cannot be read.")
                }
            }
            guard (1...PushedEvent.maximumBatch).contains(batch) else {
                throw SlipwayError.field("batch", "is \(batch)", expected: "1 to \(PushedEvent.maximumBatch)")
            }
            let client = server.client()
            var totals = (accepted: Int64(0), known: Int64(0))
            var events: [JSONValue] = []
            func send() async throws {
                guard !events.isEmpty else { return }
                let answer = try await client.post(
                    "/api/v1/datasets/\(percentEncode(name))/events?project=\(percentEncode(server.projectName))&branch=\(percentEncode(branch))",
                    ["events": .array(events)])
                totals.accepted += answer["accepted"]?.intValue ?? 0
                totals.known += answer["known"]?.intValue ?? 0
                events = []
            }
            var number = 0
            while let line = readLine() {
                number += 1
                if line.allSatisfy(\.isWhitespace) { continue }
                events.append(try event(line, number))
                if events.count >= batch { try await send() }
            }
            try await send()
            try output.object(["accepted": .int(totals.accepted), "known": .int(totals.known)])
        }

        private func event(_ line: String, _ number: Int) throws -> JSONValue {
            let value: JSONValue
            do { value = try JSONValue(parsing: line) } catch let error as SlipwayError {
                throw SlipwayError(.invalid, "line \(number): \(error.message)")
            }
            guard let id else { return value }
            guard let key = value[id], let text = key.stringValue ?? key.intValue.map(String.init) else {
                throw SlipwayError(.invalid, "line \(number): there is no column '\(id)' to take the id from.")
            }
            var event: [String: JSONValue] = ["id": .string(text), "row": value]
            if let time { event["time"] = value[time] ?? .null }
            return .object(event)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show how events become versions, and how many wait.")
        @Argument(help: "The dataset.") var name: String
        @Option(help: "Of which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().get(
                    "/api/v1/datasets/\(percentEncode(name))/events", query: [("branch", branch)]))
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Set how events become versions.",
            discussion: "Example: slipway data events set clicks --rows 50000 --seconds 10 --on-change evolve")
        @Argument(help: "The dataset.") var name: String
        @Option(help: "A version when so many wait.") var rows: Int?
        @Option(help: "A version when the oldest has waited so long.") var seconds: Double?
        @Option(help: "For how long an id is known after it was received.") var rememberSeconds: Double?
        @Option(help: "For a column that the dataset does not have: fail, evolve or ignore.") var onChange: String?
        @Option(help: "Of which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            var body: [String: JSONValue] = [:]
            if let rows { body["rows"] = JSONValue(rows) }
            if let seconds { body["seconds"] = .number(seconds) }
            if let rememberSeconds { body["rememberSeconds"] = .number(rememberSeconds) }
            if let onChange { body["onChange"] = .string(onChange) }
            try output.object(
                try await server.client().send(
                    "PUT",
                    "/api/v1/datasets/\(percentEncode(name))/events?project=\(percentEncode(server.projectName))&branch=\(percentEncode(branch))",
                    body: .object(body)))
        }
    }

    struct Flush: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a version of the events that wait, now.")
        @Argument(help: "The dataset.") var name: String
        @Option(help: "Of which branch.") var branch = "main"
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try output.object(
                try await server.client().post(
                    "/api/v1/datasets/\(percentEncode(name))/events/flush?branch=\(percentEncode(branch))", [:]))
        }
    }
}
