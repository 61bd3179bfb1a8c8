import Core
import Glibc
import Testing
import Transport

@testable import Objects

/// What was acknowledged is there after kill -9, whatever the process was doing.
@Suite struct KillTests {
    private static func batch(_ number: Int) -> [[UInt8]] {
        (0..<200).map { noise(100 + number * 7 % 3000, seed: UInt64(number * 1000 + $0 + 1)) }
    }

    @Test func acknowledgedBatchesSurviveAKill() async throws {
        let folder = ScratchFolder()
        let path = folder.path
        for round in 0..<6 {
            await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, round = round as Int] in
                let pool = BlockingPool(name: "test", threads: 4)
                let limits = Pack.Limits(bytes: 1 << 20, count: 900)
                let disk = try DiskBackend(folder: path + "/store", pool: pool, limits: limits)
                let store = ObjectStore(backend: disk, pool: pool)
                let log = open(path + "/log", O_WRONLY | O_CREAT | O_APPEND, 0o644)
                // The end comes from outside, some batches on, in the middle of something else each time.
                let before = Files.status(path + "/log")?.sizeBytes ?? 0
                let killer = BlockingPool(name: "killer", threads: 1)
                async let end: Void = killer.run { _ in
                    let deadline = Clock.monotonicNanoseconds() + 60_000_000_000
                    while Files.status(path + "/log")?.sizeBytes ?? 0 < before + Int64(4 * (1 + round * 3)),
                        Clock.monotonicNanoseconds() < deadline
                    { usleep(300) }
                    usleep(UInt32(round * 1717))
                    kill(getpid(), SIGKILL)
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for worker in 0..<3 {
                        group.addTask {
                            for number in 0..<10_000 {
                                let name = UInt32(round * 100_000 + worker * 10_000 + number)
                                _ = try await store.putMany(Self.batch(Int(name)))
                                withUnsafeBytes(of: name) { _ = write(log, $0.baseAddress, 4) }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await end
            }
            let bytes = try contents(of: path + "/log")
            let acknowledged = stride(from: 0, to: bytes.count - 3, by: 4).map { at in
                bytes[at..<at + 4].withUnsafeBytes { Int($0.loadUnaligned(as: UInt32.self)) }
            }
            #expect(!acknowledged.isEmpty)
            let pool = BlockingPool(name: "test", threads: 2)
            let store = ObjectStore(backend: try DiskBackend(folder: path + "/store", pool: pool), pool: pool)
            var lost = 0
            for number in acknowledged {
                let contents = Self.batch(number)
                let read = try? await store.readMany(contents.map { Digest.of($0) })
                if read != contents { lost += 1 }
            }
            #expect(lost == 0, "of \(acknowledged.count)")
            #expect(try await store.verifyAll() == [])
        }
    }
}
