/// One at a time for each key, in the order of asking.
actor Turns {
    /// Who waits for each key that is taken.
    private var waiting: [String: [CheckedContinuation<Void, Never>]] = [:]

    nonisolated func take<T: Sendable>(
        _ key: String, _ body: @Sendable () async throws -> T
    ) async rethrows -> T {
        await begin(key)
        do {
            let value = try await body()
            await end(key)
            return value
        } catch {
            await end(key)
            throw error
        }
    }

    private func begin(_ key: String) async {
        guard waiting[key] != nil else {
            waiting[key] = []
            return
        }
        await withCheckedContinuation { waiting[key, default: []].append($0) }
    }

    private func end(_ key: String) {
        guard var queue = waiting[key], !queue.isEmpty else {
            waiting[key] = nil
            return
        }
        let next = queue.removeFirst()
        waiting[key] = queue
        next.resume()
    }
}
