import Core

/// What people say about a dataset beside its data.
struct DatasetRecord: Sendable, Hashable {
    /// The owner's own text of the card, in Markdown.
    var text = ""
    var facts = DatasetFacts()
    var policy = PIIPolicy.open
    var author = ""
    var updated = Timestamp(milliseconds: 0)
}

/// The facts of a card that standards have names for.
public struct DatasetFacts: Sendable, Hashable {
    /// A URL or an SPDX identifier.
    public var license: String?
    /// How to cite it, such as BibTeX.
    public var citation: String?
    /// A page about it.
    public var url: String?
    public var creators: [String] = []
    public var keywords: [String] = []
    /// The fields of Croissant's extension for responsible AI (RAI 1.0), without their prefix.
    public var responsible: [String: String] = [:]

    /// The fields of RAI 1.0 that are texts, in the order of the card.
    static let responsibleFields = [
        "dataCollection", "dataCollectionType", "dataCollectionMissingData", "dataCollectionRawData",
        "dataCollectionTimeframe", "dataImputationProtocol", "dataManipulationProtocol",
        "dataPreprocessingProtocol", "dataAnnotationProtocol", "dataAnnotationPlatform", "dataAnnotationAnalysis",
        "annotationsPerItem", "annotatorDemographics", "machineAnnotationTools", "dataUseCases", "dataLimitations",
        "dataBiases", "dataSocialImpact", "personalSensitiveInformation", "dataReleaseMaintenancePlan",
    ]
    static let maximumBytes = 20_000

    init() {}

    /// - Throws: `invalid` for fields that are not known, with the nearest that are.
    init(_ body: JSONFields) throws {
        func text(_ key: String) throws -> String? {
            let text = try body.optionalString(key)
            guard (text?.utf8.count ?? 0) <= Self.maximumBytes else {
                throw SlipwayError.field(key, "is over \(Self.maximumBytes) bytes")
            }
            return text.flatMap { $0.isEmpty ? nil : $0 }
        }
        license = try text("license")
        citation = try text("citation")
        url = try text("url")
        creators = try body.strings("creators")
        keywords = try body.strings("keywords")
        responsible = try body.stringMap("responsible")
        for (key, value) in responsible {
            guard Self.responsibleFields.contains(key) else {
                throw SlipwayError.field(
                    "responsible.\(key.prefix(60))",
                    "is not a field of RAI 1.0\(NearestName.hint(key, in: Self.responsibleFields))",
                    expected: "one of \(Self.responsibleFields.joined(separator: ", "))")
            }
            guard value.utf8.count <= Self.maximumBytes else {
                throw SlipwayError.field("responsible.\(key)", "is over \(Self.maximumBytes) bytes")
            }
        }
    }

    init(stored json: JSONValue) {
        if let fields = try? JSONFields(json), let facts = try? DatasetFacts(fields) { self = facts }
    }

    var json: JSONValue {
        [
            "license": JSONValue(license), "citation": JSONValue(citation), "url": JSONValue(url),
            "creators": JSONValue(creators), "keywords": JSONValue(keywords), "responsible": JSONValue(responsible),
        ]
    }
}
