import Core
import Synchronization

/// Keeps the uses of one object in order inside this process. Any number may use it at once (a put, a touch); who takes
/// it alone (a deletion, a download into the cache) waits for the others, and they for him.
public final class DigestLocks: Sendable {
    private struct Entry {
        var users = 0
        var isAlone = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let entries = Mutex<[Digest: Entry]>([:])

    public init() {}

    /// Runs `body` while nobody has the object alone.
    public func shared<T>(_ digest: Digest, _ body: () async throws -> T) async rethrows -> T {
        await acquire(digest) { entry in
            if entry.isAlone { return false }
            entry.users += 1
            return true
        }
        defer { release(digest) { $0.users -= 1 } }
        return try await body()
    }

    /// Runs `body` while nobody else uses the object.
    public func alone<T>(_ digest: Digest, _ body: () async throws -> T) async rethrows -> T {
        await acquire(digest) { entry in
            if entry.isAlone || entry.users > 0 { return false }
            entry.isAlone = true
            return true
        }
        defer { release(digest) { $0.isAlone = false } }
        return try await body()
    }

    private func acquire(_ digest: Digest, _ take: @Sendable (inout Entry) -> Bool) async {
        while true {
            if entries.withLock({ take(&$0[digest, default: Entry()]) }) { return }
            await withCheckedContinuation { continuation in
                let free = entries.withLock { entries in
                    guard let entry = entries[digest], entry.isAlone || entry.users > 0 else { return true }
                    entries[digest]?.waiters.append(continuation)
                    return false
                }
                if free { continuation.resume() }
            }
        }
    }

    private func release(_ digest: Digest, _ change: (inout Entry) -> Void) {
        let waiters = entries.withLock { entries in
            var entry = entries.removeValue(forKey: digest) ?? Entry()
            change(&entry)
            let waiters = entry.waiters
            entry.waiters = []
            if entry.isAlone || entry.users > 0 { entries[digest] = entry }
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
