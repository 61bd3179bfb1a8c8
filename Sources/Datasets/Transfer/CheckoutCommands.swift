import ArgumentParser
import Client
import CommandKit
import Core

extension DataCommand {
    struct Checkout: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a folder hold the files of a version.",
            discussion: """
                Files that are right already stay. Killed and run again, it goes on where it was. Files of an earlier
                checkout that the version does not have go; files that were changed since are not overwritten without --force.

                Examples:
                  slipway data checkout photos@3 photos/
                  slipway data checkout photos@prod photos/ --link
                """)
        @Argument(help: "photos, photos@3, photos@prod.") var ref: String
        @Argument(help: "The folder; made if it is not there.") var folder: String
        @Option(help: "Only the files of this folder of the dataset.") var at: String?
        @Flag(help: "Hard links into this machine's cache, read-only, in place of copies.") var link = false
        @Flag(help: "Overwrite files that were changed.") var force = false
        @OptionGroup var server: ClientOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let started = Clock.monotonicNanoseconds()
            let ref = try datasetRef(ref)
            let prefix = try at.map {
                try RelativePath(parsing: $0.hasSuffix("/") ? String($0.dropLast()) : $0, field: "at")
            }
            let progress = TransferProgress("checkout")
            let outcome = try await FolderCheckout(
                client: server.client(), ref: ref, folder: folder, prefix: prefix?.description ?? "", link: link,
                force: force, progress: progress
            ).run()
            progress.finish()
            let seconds = Double(Clock.monotonicNanoseconds() - started) / 1e9
            if outcome.copied > 0 {
                Terminal.error("\(outcome.copied) files were copied: the folder is on another disk than the cache.")
            }
            if output.json || output.yaml {
                return try output.object([
                    "ref": outcome.version["ref"] ?? .null, "folder": .string(folder),
                    "files": JSONValue(outcome.files),
                    "bytes": .int(outcome.bytes), "written": JSONValue(outcome.written),
                    "writtenBytes": .int(outcome.writtenBytes), "removed": JSONValue(outcome.removed),
                    "seconds": .number(seconds),
                ])
            }
            Terminal.out(
                "\(outcome.version["ref"]?.stringValue ?? "") · \(outcome.files) files, \(TransferProgress.size(outcome.bytes)) · \(outcome.written) written, \(outcome.removed) removed · \(Int(seconds * 1000)) ms"
            )
        }
    }
}

/// `photos`, `photos@3` or `dataset:photos@prod`.
func datasetRef(_ text: String) throws -> Ref {
    let ref = try Ref(parsing: text.contains(":") ? text : "dataset:" + text)
    guard ref.kind == .dataset else {
        throw SlipwayError.field("ref", "\(ref) is not a dataset", expected: "photos, photos@3 or photos@prod")
    }
    return ref
}
