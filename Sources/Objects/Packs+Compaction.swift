import Core
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Packs {
    /// Rewrites the packs that are at least half dead and drops those that are all dead. Says how many bytes the disk got
    /// back.
    func compact(_ cancellation: Cancellation) throws -> Int64 {
        try generation.alone {
            try writing.withLock { _ in
                try load()
                if let pack = try packToSeal() { try seal(pack) }
            }
            var freed: Int64 = 0
            for index in state.withLock({ $0.sealed }) {
                try cancellation.check()
                let live = index.liveBytes
                let dead = index.packBytes - min(index.packBytes, live + UInt64(Pack.magic.count))
                guard dead > 0, dead >= live else { continue }
                freed += try rewrite(index, cancellation)
            }
            return freed
        }
    }

    /// The pack that is being written, if most of it is dead; those that a crash left are taken over first.
    private func packToSeal() throws -> OpenPack? {
        let (active, others) = state.withLock { ($0.active, $0.others) }
        for pack in others where try pack.adopt() { try seal(pack) }
        guard let active else { return nil }
        let live = active.entries.withLock { entries in
            entries.byDigest.values.reduce(0) { $0 + UInt64($1.length) + UInt64(Pack.frameBytes) }
        }
        return active.size > UInt64(Pack.magic.count) && live * 2 <= active.size ? active : nil
    }

    private func rewrite(_ old: PackIndex, _ cancellation: Cancellation) throws -> Int64 {
        // What a crash, or two processes, stored twice is kept in the other pack only.
        let rest = state.withLock { $0.sealed.filter { $0 !== old } }
        var live: [(digest: Digest, entry: PackEntry)] = []
        for at in 0..<old.count {
            let (digest, entry) = (old.digest(at), old.entry(at))
            if entry.touched != 0, !rest.contains(where: { $0.find(digest) != nil }) { live.append((digest, entry)) }
        }
        live.sort { $0.entry.offset < $1.entry.offset }
        let successor = live.isEmpty ? nil : try copy(live, from: path(old.id), cancellation)
        let homes = [successor].compactMap { $0 } + rest
        try writing.withLock { _ in
            try Files.syncFolder(folder)
            state.withLock { state in
                if let successor, !state.sealed.contains(where: { $0.id == successor.id }) {
                    state.sealed.append(successor)
                }
                state.sealed.sort { $0.id > $1.id }
            }
            generation.advance()
            // From here on the old one has nothing, for any process that still has it mapped.
            old.retire { digest, touched in
                for home in homes where home.touch(digest, touched) != nil { return }
            }
            state.withLock { state in state.sealed.removeAll { $0 === old } }
            unlink("\(folder)/\(old.id).index")
            unlink(path(old.id))
            generation.advance()
        }
        return Int64(old.packBytes) - Int64(successor?.packBytes ?? 0)
    }

    /// A new sealed pack with these objects. It has its lock until its index is there, so nobody takes it for a crashed one.
    private func copy(
        _ live: [(digest: Digest, entry: PackEntry)], from path: String, _ cancellation: Cancellation
    ) throws -> PackIndex {
        let source = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard source >= 0 else { throw Files.failure("opened", path) }
        defer { close(source) }
        let id = ID.make()
        let staged = temporary()
        let pack = try OpenPack(making: staged, id: id)
        do {
            var batch: [(object: ObjectInfo, bytes: ArraySlice<UInt8>)] = []
            var bytes = 0
            for item in live {
                let content = try Files.read(
                    source, path, offset: Int64(item.entry.offset), count: Int(item.entry.length))
                batch.append((ObjectInfo(digest: item.digest, sizeBytes: Int64(content.count)), content[...]))
                bytes += content.count
                if bytes >= Self.copyBytes {
                    try cancellation.check()
                    try pack.append(batch)
                    (batch, bytes) = ([], 0)
                }
            }
            try pack.append(batch)
            pack.restore(live.lazy.map { ($0.digest, $0.entry.touched) })
            try pack.sync()
            guard rename(staged, self.path(id)) == 0 else { throw Files.failure("renamed", staged) }
        } catch {
            unlink(staged)
            throw error
        }
        return try pack.seal(temporary: temporary(), final: "\(folder)/\(id).index")
    }

    /// What is copied in one piece when a pack is rewritten.
    private static let copyBytes = 8 << 20
}
