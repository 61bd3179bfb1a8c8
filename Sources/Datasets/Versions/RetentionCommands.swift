import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rm", abstract: "Delete a version or a dataset, or make a version without some files.",
            discussion: """
                Without --yes nothing is deleted. What registered models were made from is deleted only with --force, by an
                owner. The space comes back with the next garbage collection ('slipway gc').

                Examples:
                  slipway data rm photos@3 --yes
                  slipway data rm photos --all --yes
                  slipway data rm photos --file cats/1.png
                """)
        @Argument(help: "photos@3, or photos with --all or --file.") var ref: String
        @Option(
            name: .customLong("file"), parsing: .singleValue,
            help: "Makes a version without this file; nothing is deleted. May be repeated.")
        var files: [String] = []
        @Option(help: "With --file: onto which branch.") var branch = "main"
        @Option(help: "With --file: why.") var message = ""
        @Flag(help: "The whole dataset.") var all = false
        @Flag(help: "Do it.") var yes = false
        @Flag(help: "Also what registered models were made from.") var force = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let ref = try datasetRef(ref)
            if !files.isEmpty { return try await removeFiles(ref) }
            guard (ref.selector == nil) == all else {
                throw SlipwayError.field(
                    "ref", all ? "\(ref) names a version" : "\(ref) names no version",
                    expected: "photos@3, or photos with --all")
            }
            let path = all ? "/api/v1/datasets/\(percentEncode(ref.name))" : try Place(ref.description).path
            let answer = try await server.client().send(
                "DELETE", path, query: [("dryRun", String(!yes)), ("force", String(force))])
            if output.json || output.yaml { return try output.object(answer) }
            DeletionText.show(answer)
        }

        private func removeFiles(_ ref: Ref) async throws {
            guard ref.selector == nil, !all else {
                throw SlipwayError.field("ref", "\(ref) names a version", expected: "a dataset, with --branch")
            }
            var lines = FileLinesWriter()
            let client = server.client()
            for file in files {
                let path = try RelativePath(parsing: file, field: "file").description
                try await requireFile(path, ref, client)
                lines.remove(path)
            }
            let answer = try await client.exchange(
                "POST", "/api/v1/datasets/\(percentEncode(ref.name))/files",
                query: [("project", server.projectName), ("branch", branch), ("message", message)], lines.bytes,
                contentType: "application/x-ndjson")
            try output.version(try JSONValue(parsing: answer))
        }

        /// A name that is not there is a mistake; the server takes it for done already.
        private func requireFile(_ path: String, _ ref: Ref, _ client: APIClient) async throws {
            let page = try await client.get(
                "/api/v1/datasets/\(percentEncode(ref.name))/versions/\(percentEncode(branch))/files",
                query: [("prefix", path), ("limit", "1")])
            let first = page["items"]?.arrayValue?.first?["path"]?.stringValue
            guard let first, PathKey(first) == PathKey(path) else {
                let isFolder = first?.hasPrefix(path + "/") == true
                throw SlipwayError(
                    .notFound,
                    "\(ref)@\(branch) has no file '\(path)'\(isFolder ? ", but a folder of that name: name its files, or check out, remove it and add" : "").",
                    ref: ref)
            }
        }
    }

    struct Retain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which versions are kept, see what that would free, apply it.",
            discussion: """
                A version goes only if no rule keeps it. Heads of branches stay, and so does what registered models were made
                from.

                Examples:
                  slipway data retain photos --keep-last 10 --keep-days 30
                  slipway data retain photos --apply
                """)
        @Argument(help: "The dataset.") var name: String
        @Option(help: "Keep the newest so many of each branch.") var keepLast: Int?
        @Option(help: "Keep those made within so many days.") var keepDays: Int?
        @Flag(inversion: .prefixedNo, help: "Keep those that a tag names.") var keepTagged = true
        @Flag(help: "Let the server apply the rule once a day.") var automatic = false
        @Flag(help: "Remove the rule: everything is kept.") var none = false
        @Flag(help: "Delete what the rule does not keep.") var apply = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let path = "/api/v1/datasets/\(percentEncode(name))/retention"
            let client = server.client()
            if none { return try output.object(try await client.send("DELETE", path)) }
            if keepLast != nil || keepDays != nil {
                _ = try await client.send(
                    "PUT", path,
                    body: [
                        "keepLast": keepLast.map { JSONValue($0) } ?? .null,
                        "keepDays": keepDays.map { JSONValue($0) } ?? .null, "keepTagged": .bool(keepTagged),
                        "automatic": .bool(automatic),
                    ])
            }
            let answer = try await client.post(path + "/apply", ["dryRun": .bool(!apply)])
            if output.json || output.yaml { return try output.object(answer) }
            DeletionText.show(answer)
        }
    }
}

/// What a deletion does, for people.
private enum DeletionText {
    static func show(_ answer: JSONValue) {
        let isDryRun = answer["dryRun"]?.boolValue ?? true
        let count = answer["count"]?.intValue ?? 0
        let bytes = answer["frees"]?["bytes"]?.intValue ?? 0
        let names = (answer["versions"]?.arrayValue ?? []).compactMap(\.stringValue)
        let shown = names.prefix(5).joined(separator: ", ") + (names.count > 5 ? ", …" : "")
        Terminal.out(
            "\(isDryRun ? "would delete" : "deleted") \(count) version\(count == 1 ? "" : "s")\(names.isEmpty ? "" : " (\(shown))"); \(TransferProgress.size(bytes)) \(isDryRun ? "would come" : "come") free with the next garbage collection"
        )
        for field in ["models", "held"] {
            for item in answer[field]?.arrayValue ?? [] {
                let models = (item["models"]?.arrayValue ?? []).compactMap(\.stringValue).joined(separator: ", ")
                Terminal.out(
                    "\(field == "held" ? "kept" : "warning"): \(models) was made from \(item["version"]?.stringValue ?? "")"
                )
            }
        }
        if isDryRun, count > 0 { Terminal.out("nothing is deleted yet") }
    }
}
