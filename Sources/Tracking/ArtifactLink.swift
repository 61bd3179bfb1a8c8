import Core
import Platform

/// What the bearer of a link may do for a while, without a token. Whoever makes a link vouches for it with what he may do
/// himself; the server seals it, so that nobody else can make or change one.
public struct ArtifactLink: Sendable, Hashable {
    public enum Deed: Sendable, Hashable {
        case read
        case write
        /// One part of an upload, by its number from 1.
        case part(Int)
        /// The upload itself: its parts become the file.
        case upload
    }

    /// Seconds for which a link can last: a week, as object stores have it.
    public static let maximumSeconds = 604_800
    /// Parts of an upload that are not put together within this time go with the garbage.
    static let uploadSeconds = 86_400

    public let deed: Deed
    public let owner: ArtifactOwner
    public let path: RelativePath
    /// The project of the owner when the link was made; it holds nowhere else.
    let project: String
    let author: String
    let expires: Timestamp
    /// Tells uploads apart; the same in all its parts.
    let upload: String

    func with(_ deed: Deed) -> ArtifactLink {
        ArtifactLink(
            deed: deed, owner: owner, path: path, project: project, author: author, expires: expires, upload: upload)
    }

    /// Who acts when the link is used: only what it says, only in its project.
    public var bearer: Principal {
        Principal(
            name: author, role: nil, grants: [project: .dataScientist],
            scopes: [deed == .read ? Permission.readRuns.name : Permission.writeRuns.name], expires: expires)
    }

    // MARK: As text

    private static let purpose = "artifact link"

    func sealed(in box: SecretBox) -> String {
        let (word, number): (String, Int) =
            switch deed {
            case .read: ("read", 0)
            case .write: ("write", 0)
            case .part(let number): ("part", number)
            case .upload: ("upload", 0)
            }
        return box.seal(
            [
                "deed": .string(word), "number": .int(Int64(number)), "owner": JSONValue(owner.ref),
                "path": .string(path.description), "project": .string(project), "author": .string(author),
                "expires": .int(expires.milliseconds), "upload": .string(upload),
            ], purpose: Self.purpose)
    }

    /// - Throws: `forbidden` for what is no link of this server, or is none any more.
    static func open(_ text: String, in box: SecretBox, at now: Timestamp) throws -> ArtifactLink {
        guard let value = box.open(text, purpose: purpose), let fields = try? JSONFields(value),
            let link = try? ArtifactLink(fields)
        else { throw SlipwayError(.forbidden, "This is not a link that the server made. Ask it for a new one.") }
        guard now < link.expires else {
            throw SlipwayError(.forbidden, "The link ended at \(link.expires). Ask the server for a new one.")
        }
        return link
    }

    private init(_ fields: JSONFields) throws {
        let number = try fields.int("number")
        deed =
            switch try fields.string("deed") {
            case "read": .read
            case "write": .write
            case "upload": .upload
            default: .part(number)
            }
        let ref = try fields.ref("owner")
        owner = ref.kind == .run ? .run(ref.name) : .model(ref.name)
        path = try RelativePath(parsing: fields.string("path"))
        project = try fields.string("project")
        author = try fields.string("author")
        expires = Timestamp(milliseconds: fields["expires"]?.intValue ?? 0)
        upload = try fields.string("upload")
    }

    init(
        deed: Deed, owner: ArtifactOwner, path: RelativePath, project: String, author: String, expires: Timestamp,
        upload: String
    ) {
        self.deed = deed
        self.owner = owner
        self.path = path
        self.project = project
        self.author = author
        self.expires = expires
        self.upload = upload
    }
}

/// What the server says about a part that it has taken, and wants to hear again when the parts are put together: sealed,
/// so that an upload can be made of its own parts only, never of bytes whose digest somebody happens to know.
struct PartReceipt {
    private static let purpose = "artifact part"

    let upload: String
    let number: Int
    let digest: Digest

    func sealed(in box: SecretBox) -> String {
        box.seal(
            ["upload": .string(upload), "number": .int(Int64(number)), "digest": .string(digest.hex)],
            purpose: Self.purpose)
    }

    static func open(_ text: String, in box: SecretBox) -> PartReceipt? {
        guard let value = box.open(text, purpose: purpose), let upload = value["upload"]?.stringValue,
            let number = value["number"]?.intValue,
            let digest = (value["digest"]?.stringValue).flatMap({ try? Digest(parsing: $0) })
        else { return nil }
        return PartReceipt(upload: upload, number: Int(number), digest: digest)
    }
}
