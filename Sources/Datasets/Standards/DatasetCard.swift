import Core
import Database
import Ledger
import Platform
import Tables

/// A dataset's card: Markdown from the record, with the owner's own text. Safe to render as HTML.
struct DatasetCard {
    let dataset: Dataset
    let newest: DatasetVersion?
    let record: DatasetRecord
    let marks: [ColumnMark]
    let contract: StoredContract?
    let quality: JSONValue?
    let parents: [Ref]

    var markdown: String {
        var parts = ["# \(cell(dataset.name))"]
        if !dataset.description.isEmpty { parts.append(SafeMarkdown.text(dataset.description)) }
        parts.append(table(["", ""], facts))
        if let newest {
            parts += ["## Columns", table(["Column", "Type", "Meaning", "Unit", "Personal data"], columns(newest))]
        }
        if let text = qualityText { parts += ["## Quality", text] }
        if let newest {
            let sources = parents.map { "- \(cell(DatasetsService.withoutDigest($0.description)))" }
            parts += ["## Origin", "Made by `\(newest.recipe.kind)`."]
            if !sources.isEmpty { parts.append(sources.joined(separator: "\n")) }
        }
        let responsible = DatasetFacts.responsibleFields.compactMap { key in
            record.facts.responsible[key].map { "**\(Self.words(key))**: \(SafeMarkdown.text($0))" }
        }
        if !responsible.isEmpty {
            parts.append("## Responsible use")
            parts += responsible
        }
        if let citation = record.facts.citation { parts += ["## Citation", SafeMarkdown.text(citation)] }
        if !record.text.isEmpty { parts += ["## Notes", SafeMarkdown.text(record.text)] }
        return parts.joined(separator: "\n\n") + "\n"
    }

    private var facts: [[String]] {
        var rows: [(String, String)] = [("Project", dataset.project), ("Kind", dataset.kind.rawValue)]
        if let newest {
            rows += [
                ("Version", "\(newest.number) (\(newest.branch), \(newest.created))"), ("Rows", "\(newest.rowCount)"),
                ("Size", "\(newest.sizeBytes) bytes in \(newest.fileCount) files"),
            ]
        }
        if !dataset.key.isEmpty { rows.append(("Key", dataset.key.joined(separator: ", "))) }
        if let owner = contract?.contract.owner { rows.append(("Owner", owner)) }
        if let license = record.facts.license { rows.append(("License", license)) }
        if !record.facts.creators.isEmpty { rows.append(("Creators", record.facts.creators.joined(separator: ", "))) }
        if !record.facts.keywords.isEmpty { rows.append(("Keywords", record.facts.keywords.joined(separator: ", "))) }
        if let url = record.facts.url { rows.append(("More", url)) }
        if record.policy == .restricted { rows.append(("Access", "restricted: personal data")) }
        return rows.map { [$0.0, cell($0.1)] }
    }

    private func columns(_ version: DatasetVersion) -> [[String]] {
        let known = Dictionary(marks.map { ($0.name, $0) }) { first, _ in first }
        return version.columns.map { column in
            let mark = known[column.name]
            let personal = mark?.pii.map { pii in
                pii == .none ? "none" : [pii.rawValue, mark?.kind].compactMap { $0 }.joined(separator: ": ")
            }
            return [
                cell(column.name), cell(column.type), cell(mark?.description ?? ""), cell(mark?.unit ?? ""),
                cell(personal ?? ""),
            ]
        }
    }

    private var qualityText: String? {
        guard let contract else { return nil }
        var text = "Contract number \(contract.number) with \(contract.contract.rules.count) rules."
        guard let quality else { return text + " The newest version was made without it." }
        text += " The newest version: \(quality["outcome"]?.stringValue ?? "")."
        let broken = (quality["rules"]?.arrayValue ?? []).filter { $0["passed"] == false }
        let lines = broken.map { rule in
            let count = rule["count"]?.intValue.map { ", \($0) rows" } ?? ""
            return "- \(cell(rule["rule"]?.stringValue ?? ""))\(count)"
        }
        return ([text] + (lines.isEmpty ? [] : ["", lines.joined(separator: "\n")])).joined(separator: "\n")
    }

    private func cell(_ text: String) -> String { SafeMarkdown.cell(text) }

    private func table(_ titles: [String], _ rows: [[String]]) -> String {
        let head = [titles, titles.map { _ in "---" }]
        return (head + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
    }

    /// `dataUseCases` as "Data use cases".
    private static func words(_ key: String) -> String {
        var text = ""
        for character in key {
            text += character.isUppercase ? " \(character.lowercased())" : "\(character)"
        }
        return text.prefix(1).uppercased() + text.dropFirst()
    }
}

extension DatasetsService {
    public func card(_ name: String, as principal: Principal) async throws -> (markdown: String, json: JSONValue) {
        let dataset = try await dataset(name, as: principal)
        let newest = try await newest(name, Dataset.mainBranch)
        let parents = try await newest.asyncMap {
            try await platform.ledger.lineage(of: $0.ref, .upstream, depth: 1).map(\.source).sorted()
        }
        let card = try await platform.database.read { [store] db in
            DatasetCard(
                dataset: dataset, newest: newest, record: try store.record(db, name) ?? DatasetRecord(),
                marks: try store.marks(db, name), contract: try store.contract(db, name, nil),
                quality: try newest.flatMap { try store.quality(db, $0) }, parents: parents ?? [])
        }
        var json = card.record.facts.json.objectValue ?? [:]
        json["text"] = .string(card.record.text)
        json["markdown"] = .string(card.markdown)
        json["by"] = .string(card.record.author)
        return (card.markdown, .object(json))
    }

    static let cardMaximumBytes = 256 << 10

    /// Sets the owner's text and the facts; nil keeps what there is.
    public func setCard(
        _ name: String, text: String?, facts: DatasetFacts?, as principal: Principal
    ) async throws {
        let dataset = try await dataset(name, as: principal)
        try principal.require(.governDatasets, in: dataset.project)
        guard (text?.utf8.count ?? 0) <= Self.cardMaximumBytes else {
            throw SlipwayError(.tooLarge, "The card's text is over \(Self.cardMaximumBytes) bytes.", ref: dataset.ref)
        }
        let now = platform.clock.now()
        try await platform.database.write { [store, ledger = platform.ledger] db in
            let known = try store.record(db, name) ?? DatasetRecord()
            var record = known
            if let text { record.text = text }
            if let facts { record.facts = facts }
            guard record != known else { return }
            (record.author, record.updated) = (principal.name, now)
            try store.setRecord(db, name, record)
            try ledger.append(
                db, "dataset.card.set", dataset.ref, project: dataset.project, by: principal,
                data: ["sha256": .string(Digest.of(record.text + record.facts.json.canonicalText).hex)])
        }
    }
}
