import Core
import Synchronization
import Transport

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Many small objects in few files: `packs/ID.pack` is only ever added to, and gets `packs/ID.index` when it is full.
/// One sync makes a whole batch durable. docs/objects.md has the format. Blocking.
///
/// Several processes may use the folder: each writes a pack of its own, and a counter in shared memory
/// (`packs/GENERATION`) tells the others that there is something new.
final class Packs: Sendable {
    struct Found {
        let path: String
        let entry: PackEntry
    }

    struct State {
        /// Newest first.
        var sealed: [PackIndex] = []
        /// The one that this process adds to.
        var active: OpenPack?
        /// Unsealed packs of others, living or crashed.
        var others: [OpenPack] = []
        /// The generation that the above shows.
        var seen: UInt64 = 0
    }

    let folder: String
    private let stagingFolder: String
    private let limits: Pack.Limits
    let state = Mutex(State())
    /// Held by the one thread that adds to packs, or changes which there are.
    let writing = Mutex(())
    let generation: Generation

    init(folder: String, stagingFolder: String, limits: Pack.Limits = Pack.Limits()) throws {
        self.folder = folder
        self.limits = limits
        self.stagingFolder = stagingFolder
        try Files.makeFolders(folder)
        generation = try Generation(folder + "/GENERATION")
        try writing.withLock { _ in try load() }
    }

    // MARK: Looking

    func find(_ digest: Digest) throws -> Found? {
        try looking {
            if let entry = $0.active?.find(digest) { return Found(path: path($0.active?.id), entry: entry) }
            for index in $0.sealed {
                if let entry = index.find(digest) { return Found(path: path(index.id), entry: entry) }
            }
            for pack in $0.others {
                if let entry = pack.find(digest) { return Found(path: pack.path, entry: entry) }
            }
            return nil
        }
    }

    /// Moves the touched time to now; nil if the object is not here, or only in a pack that another process writes, whose
    /// times this one cannot change.
    func touch(_ digest: Digest) throws -> PackEntry? {
        let now = PackEntry.stampNow()
        return try looking { state in
            if let entry = state.active?.touch(digest, now) { return entry }
            for index in state.sealed {
                if let entry = index.touch(digest, now) { return entry }
            }
            return nil
        }
    }

    /// What `body` finds; if nothing, once more with what others have added meanwhile.
    private func looking<T>(_ body: (State) throws -> T?) throws -> T? {
        let before = state.withLock { $0 }
        if let found = try body(before) { return found }
        guard generation.now != before.seen else { return nil }
        try writing.withLock { _ in try load() }
        return try body(state.withLock { $0 })
    }

    /// A pack that stays open while a batch is read, since neighbours are mostly in the same. For one thread.
    final class Reader {
        fileprivate var path = ""
        fileprivate var file: Int32 = -1

        deinit { if file >= 0 { close(file) } }

        /// False if the pack is gone.
        fileprivate func open(_ path: String) throws -> Bool {
            if path == self.path { return true }
            if file >= 0 { close(file) }
            self.path = ""
            file = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
            guard file >= 0 else {
                if errno == ENOENT { return false }
                throw Files.failure("opened", path)
            }
            self.path = path
            return true
        }
    }

    /// The object, or a range of its bytes; nil if it is in no pack.
    func read(_ digest: Digest, range: Range<Int64>?, _ reader: Reader = Reader()) throws -> [UInt8]? {
        // A pack may be rewritten between the look and the opening; then the object is in another.
        for _ in 0..<3 {
            guard let found = try find(digest) else { return nil }
            guard try reader.open(found.path) else {
                try writing.withLock { _ in try load() }
                continue
            }
            let all = 0..<Int64(found.entry.length)
            let part = range ?? all
            guard part.upperBound <= all.upperBound else {
                throw SlipwayError.damaged(digest, "it is shorter than it was")
            }
            let bytes = try Files.read(
                reader.file, found.path, offset: Int64(found.entry.offset) + part.lowerBound, count: part.count)
            guard bytes.count == part.count else { throw SlipwayError.damaged(digest, "its pack is cut") }
            return bytes
        }
        return nil
    }

    /// Objects with digests after `after` and up to `end`, in order, at most `limit`.
    func list(after: Digest?, through end: Digest?, limit: Int) throws -> [StoredObject] {
        try writing.withLock { _ in
            if generation.now != self.state.withLock({ $0.seen }) { try load() }
            // An index is in order, and an open pack would have to be sorted for each page.
            let active = after == nil ? self.state.withLock { $0.active } : nil
            if let active, active.count >= limits.count / 32 { try seal(active) }
        }
        let state = self.state.withLock { $0 }
        var found: [Digest: StoredObject] = [:]
        func add(_ digest: Digest, _ entry: PackEntry) {
            let object = StoredObject(
                info: ObjectInfo(digest: digest, sizeBytes: Int64(entry.length)), touched: PackEntry.time(entry.touched)
            )
            if let other = found[digest], other.touched >= object.touched { return }
            found[digest] = object
        }
        for index in state.sealed {
            var at = after.map { index.lowerBound($0) } ?? 0
            if let after, at < index.count, index.digest(at) == after { at += 1 }
            var taken = 0
            while at < index.count, taken < limit {
                let digest = index.digest(at)
                if let end, digest > end { break }
                let entry = index.entry(at)
                at += 1
                guard entry.touched != 0 else { continue }
                add(digest, entry)
                taken += 1
            }
        }
        for pack in state.others + (state.active.map { [$0] } ?? []) {
            let isOther = pack !== state.active
            pack.entries.withLock { entries in
                for (digest, entry) in entries.byDigest where entry.isDurable {
                    if let after, digest <= after { continue }
                    if let end, digest > end { continue }
                    // Nobody but its writer knows when an object of another's pack was touched.
                    let touched = isOther ? PackEntry.stampNow() : entry.touched
                    add(digest, PackEntry(offset: entry.offset, length: entry.length, touched: touched))
                }
            }
        }
        return Array(found.values.sorted { $0.info.digest < $1.info.digest }.prefix(limit))
    }

    // MARK: Adding

    /// Stores objects that may be here already; each is durable, and its touched time now, when this returns.
    func put(_ objects: [(object: ObjectInfo, bytes: ArraySlice<UInt8>)]) throws {
        var rest: [(object: ObjectInfo, bytes: ArraySlice<UInt8>)] = []
        var seen: Set<Digest> = []
        seen.reserveCapacity(objects.count)
        for item in objects where seen.insert(item.object.digest).inserted {
            if try touch(item.object.digest) == nil { rest.append(item) }
        }
        guard !rest.isEmpty else { return }
        // What another thread has appended and not yet synced is not appended again; the sync covers it.
        let pack = try writing.withLock { _ in
            let pack = try packForWriting()
            let new = pack.entries.withLock { entries in rest.filter { entries.byDigest[$0.object.digest] == nil } }
            if !new.isEmpty { try pack.append(new) }
            return pack
        }
        try pack.sync()
        pack.publish(rest.lazy.map(\.object.digest))
        let now = generation.advance()
        state.withLock { if $0.seen == now - 1 { $0.seen = now } }
    }

    /// The pack to add to: the one at hand, one that a crash left, or a new one.
    private func packForWriting() throws -> OpenPack {
        var active = state.withLock { $0.active }
        if let pack = active, pack.isFull(limits) || pack.isBroken {
            try seal(pack)
            active = nil
        }
        if let active { return active }
        for pack in state.withLock({ $0.others }) where try pack.adopt() {
            state.withLock { state in
                state.others.removeAll { $0 === pack }
                state.active = pack
            }
            // It was read whole to know what is in it; a big one should not be so at every start.
            if !pack.isFull(Pack.Limits(bytes: limits.bytes / 8, count: limits.count / 8)) { return pack }
            try seal(pack)
        }
        let id = ID.make()
        let pack = try OpenPack(making: path(id), id: id)
        try Files.syncFolder(folder)
        state.withLock { $0.active = pack }
        return pack
    }

    func seal(_ pack: OpenPack) throws {
        let index = try pack.seal(temporary: temporary(), final: "\(folder)/\(pack.id).index")
        try Files.syncFolder(folder)
        state.withLock { state in
            if state.active === pack { state.active = nil }
            state.others.removeAll { $0 === pack }
            state.sealed.insert(index, at: 0)
            state.sealed.sort { $0.id > $1.id }
        }
        generation.advance()
    }

    /// Looks at the folder again. With `writing` held.
    func load() throws {
        let now = generation.now
        let names = Set(try Files.names(in: folder) ?? [])
        let old = state.withLock { $0 }
        let indexes = names.filter { $0.hasSuffix(".index") }.map { String($0.dropLast(6)) }.sorted(by: >)
        let known = Dictionary(old.sealed.map { ($0.id, $0) }) { a, _ in a }
        // One that is gone belonged to a pack that was rewritten just now. Without one that is broken, or that belongs to more
        // than there is of the pack (a backup may have copied the pack first), the pack is read like an unsealed one.
        let sealed = indexes.compactMap { id -> PackIndex? in
            if let index = known[id] { return index }
            guard let index = try? PackIndex(mapping: "\(folder)/\(id).index", id: id),
                let pack = Files.status(path(id)), UInt64(pack.sizeBytes) >= index.packBytes
            else { return nil }
            return index
        }
        let indexed = Set(sealed.map(\.id))
        var others: [OpenPack] = []
        for name in names.sorted() where name.hasSuffix(".pack") {
            let id = String(name.dropLast(5))
            if indexed.contains(id) || id == old.active?.id { continue }
            if let pack = old.others.first(where: { $0.id == id }) {
                try pack.readOn()
                others.append(pack)
            } else if let pack = try? OpenPack(reading: path(id), id: id) {
                others.append(pack)
            }
        }
        state.withLock { state in
            state.sealed = sealed
            state.others = others
            state.seen = now
        }
    }

    func path(_ id: String?) -> String { "\(folder)/\(id ?? "").pack" }
    func temporary() -> String { "\(stagingFolder)/\(ID.make()).part" }

    // MARK: Removing

    /// Removes the object unless it was touched at `cutoff` or later; says whether it is gone. Its bytes stay until its
    /// pack is rewritten.
    func remove(_ digest: Digest, untouchedSince cutoff: Timestamp) throws -> Bool {
        let cutoff = PackEntry.stamp(cutoff)
        let state = state.withLock { $0 }
        if state.others.contains(where: { $0.find(digest) != nil }) { return false }
        let copies = state.sealed.compactMap { $0.find(digest) } + [state.active?.find(digest)].compactMap { $0 }
        guard copies.allSatisfy({ $0.touched < cutoff }) else { return false }
        var isGone = state.active?.remove(digest, untouchedSince: cutoff) ?? true
        for index in state.sealed where isGone { isGone = index.remove(digest, untouchedSince: cutoff) }
        return isGone
    }
}

/// A number that only grows, shared by all processes that use the packs. Unchecked: the mapping stays as long as this,
/// and the number is atomic.
final class Generation: @unchecked Sendable {
    private let number: UnsafeMutablePointer<Atomic<UInt64>>
    private let path: String

    init(_ path: String) throws {
        self.path = path
        let file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw Files.failure("opened", path) }
        defer { close(file) }
        if try Files.status(file, path).sizeBytes < 8, ftruncate(file, 8) != 0 { throw Files.failure("made", path) }
        guard let base = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), base != MAP_FAILED else {
            throw Files.failure("mapped", path)
        }
        number = base.assumingMemoryBound(to: Atomic<UInt64>.self)
    }

    deinit { munmap(number, 8) }

    var now: UInt64 { number.pointee.load(ordering: .acquiring) }

    /// Says that something is new; gives the number after.
    @discardableResult
    func advance() -> UInt64 { number.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue }

    /// Runs `body` while no other process does; if one does, another process's rewriting is enough.
    func alone(_ body: () throws -> Int64) throws -> Int64 {
        let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw Files.failure("opened", path) }
        defer { close(file) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else { return 0 }
        return try body()
    }
}
