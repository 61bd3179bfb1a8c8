import Core
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Somebody's file in the staging folder: copied, or moved there, and hashed. Blocking.
struct StagedCopy: Sendable {
    let object: ObjectInfo
    /// In the staging folder.
    let path: String
    private let origin: String
    private let move: Bool
    private let wasTaken: Bool

    /// A file is taken rather than copied only if that is safe: it is ours, on the same disk, and has no second name
    /// by which it could be changed afterwards.
    ///
    /// - Throws: `notFound`; `invalid` for symbolic links, folders and devices; `conflict` if it changes meanwhile.
    init(of origin: String, in folder: String, move: Bool, cancellation: Cancellation) throws {
        let source = try PlainFile(opening: origin)
        let before = source.status
        (self.origin, self.move) = (origin, move)
        wasTaken =
            move && before.links == 1 && before.owner == geteuid() && Files.status(folder)?.device == before.device
        let copy = wasTaken ? nil : try StagedFile(in: folder, expectedBytes: before.sizeBytes)
        let hasher = Hasher256()
        try Files.forEachBlock(source.descriptor, origin, 0..<Int64.max) { block in
            try cancellation.check()
            if let copy { try copy.append(block) } else { hasher.update(block) }
        }
        try source.requireUnchanged()
        if let copy {
            object = try copy.finish()
            path = copy.take()
        } else {
            object = ObjectInfo(digest: hasher.finalize(), sizeBytes: before.sizeBytes)
            path = "\(folder)/\(ID.make()).part"
            guard fchmod(source.descriptor, 0o444) == 0, rename(origin, path) == 0 else {
                throw Files.failure("moved", origin)
            }
        }
    }

    /// The object was not stored after all: the file is where it was.
    func giveBack() {
        if wasTaken { rename(path, origin) } else { unlink(path) }
    }

    /// The object was stored: a moved file is gone from where it was.
    func finishMove() throws {
        if move, !wasTaken, unlink(origin) != 0 { throw Files.failure("removed", origin) }
    }
}
