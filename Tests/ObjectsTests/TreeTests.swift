import Core
import Testing
import Transport

@testable import Objects

/// A tree and what it should hold, changed together.
private struct Model {
    let tree: ObjectTree
    /// By the bytes of the paths: Swift takes some texts of different bytes for equal.
    var files: [[UInt8]: TreeEntry] = [:]
    var root: TreeRoot?

    var sorted: [TreeEntry] { files.values.sorted { PathOrder.compare($0.path, $1.path) < 0 } }

    mutating func change(put: [TreeEntry], remove: [String]) async throws {
        for path in remove { files[Array(path.utf8)] = nil }
        for entry in put { files[Array(entry.path.utf8)] = entry }
        root = try await tree.update(root?.digest, put: put, remove: remove)
    }
}

private func entry(_ path: String, _ seed: Int = 0) throws -> TreeEntry {
    let text = "\(path) \(seed)"
    return TreeEntry(
        path: try RelativePath(parsing: path),
        object: ObjectInfo(digest: Digest.of(text), sizeBytes: Int64(text.utf8.count)),
        chunks: seed % 5 == 4 ? Digest.of("chunks of \(text)") : nil)
}

@Suite struct TreeTests {
    /// Small nodes, so that few files make deep trees.
    private static let small = TreeShape(
        leafBits: 2, innerBits: 2, leafMaximum: 9, innerMaximum: 6, pathBytesMaximum: 200)

    private func paths(_ random: inout some RandomNumberGenerator, _ count: Int) -> [String] {
        (0..<count).map { _ in
            let folder = ["", "a/", "a-b/", "photos/2026/", "é/", "e\u{301}/"][Int.random(in: 0..<6, using: &random)]
            return folder + "f\(Int.random(in: 0..<400, using: &random))"
        }
    }

    /// The same files give the same tree, whatever came before; and all questions get the answers of a plain dictionary.
    @Test(arguments: 0..<12) func isWhatADictionaryWouldBe(_ seed: Int) async throws {
        let fixture = try await Fixture(.disk)
        var random = SeededRandom(seed: UInt64(seed + 1))
        let tree = ObjectTree(fixture.store, shape: Self.small)
        var model = Model(tree: tree)
        var before = (root: TreeRoot?.none, files: [[UInt8]: TreeEntry]())
        for round in 0..<25 {
            let size = [1, 3, 40, 150][Int.random(in: 0..<4, using: &random)]
            let put = try paths(&random, size).map { try entry($0, Int.random(in: 0..<9, using: &random)) }
            let removing = round % 9 == 8 ? model.files.count : Int.random(in: 0...size, using: &random)
            let remove = model.sorted.map(\.path).shuffled(using: &random).prefix(removing) + ["absent/\(round)"]
            try await model.change(put: round % 9 == 8 && seed % 2 == 0 ? [] : put, remove: Array(remove))
            let root = try #require(model.root)
            let fresh = try await tree.update(nil, put: model.files.values.shuffled(using: &random))
            let sum = model.files.values.reduce(0) { $0 + $1.object.sizeBytes }
            #expect(root == fresh && root == TreeRoot(digest: root.digest, files: Int64(model.files.count), bytes: sum))
            #expect(try await tree.check(root.digest) == root)
            let all = model.sorted
            let listed = try await tree.entries(root.digest, limit: 10_000) == all
            #expect(listed)

            let probe = all.randomElement(using: &random)?.path ?? "none"
            #expect(try await tree.entry(root.digest, path: probe) == model.files[Array(probe.utf8)])
            #expect(try await tree.entry(root.digest, path: probe + "x") == nil)
            let page = try await tree.entries(root.digest, prefix: "a/", after: "a/f2", limit: 7)
            let some = all.filter { $0.path.utf8.starts(with: "a/".utf8) && PathOrder.compare($0.path, "a/f2") > 0 }
            #expect(page == Array(some.prefix(7)))

            // Differences to some tree of the past, in pages.
            var changes: [TreeChange] = []
            while true {
                let page = try await tree.changes(
                    from: before.root?.digest, to: root.digest, after: changes.last?.path, limit: 11)
                changes += page
                if page.count < 11 { break }
            }
            let (old, new) = (before.files, model.files)
            let expected = Set(old.keys).union(new.keys).filter { old[$0] != new[$0] }
                .sorted { $0.lexicographicallyPrecedes($1) }
                .map { TreeChange(path: String(decoding: $0, as: UTF8.self), before: old[$0], after: new[$0]) }
            let agree = changes == expected
            #expect(agree)
            if round % 3 == 0 { before = (root, model.files) }
        }
    }

    @Test func listsFoldersWithoutReadingThem() async throws {
        let fixture = try await Fixture(.disk)
        let tree = ObjectTree(fixture.store, shape: Self.small)
        var put = try ["a", "b-c", "b.txt", "b/x/1", "b0", "z"].map { try entry($0) }
        for i in 0..<100 { put.append(try entry("b/y/\(i)")) }
        put.append(try entry("b/z"))
        let root = try await tree.update(nil, put: put).digest
        func all(_ folder: String?, _ limit: Int) async throws -> [String] {
            var found: [TreeChild] = []
            while true {
                let page = try await tree.children(root, of: folder, after: found.last?.path, limit: limit)
                found += page
                if page.isEmpty { return found.map { "\($0.path)\($0.entry == nil ? "/" : "") \($0.files)" } }
            }
        }
        for limit in [1, 2, 100] {
            #expect(try await all(nil, limit) == ["a 1", "b-c 1", "b.txt 1", "b/ 102", "b0 1", "z 1"])
            #expect(try await all("b", limit) == ["b/x/ 1", "b/y/ 100", "b/z 1"])
            #expect(try await all("b/x", limit) == ["b/x/1 1"])
            #expect(try await all("nothing", limit) == [])
        }
        let y = try await tree.children(root, of: "b", after: "b/x", limit: 1)
        #expect(y.first?.bytes == put.filter { $0.path.hasPrefix("b/y/") }.reduce(0) { $0 + $1.object.sizeBytes })
    }

    @Test func aPathIsAFileOrAFolder() async throws {
        let fixture = try await Fixture(.disk)
        let tree = ObjectTree(fixture.store, shape: Self.small)
        let base = try await tree.update(
            nil,
            put: try ["a/b", "a/c", "x", "x-1", "x.2"].map { try entry($0) } + (0..<40).map { try entry("m/\($0)") })
        // What is put, what is removed, what comes of it.
        let cases: [([String], [String], String)] = [
            (["a"], [], "conflict"), (["a/b/c"], [], "conflict"), (["x/1"], [], "conflict"), (["m"], [], "conflict"),
            (["n", "n/1"], [], "conflict"), (["n/1", "n-", "n"], [], "conflict"), (["m/1/2"], ["m/2"], "conflict"),
            (["a"], ["a/b", "a/c"], "none"), (["x/1"], ["x"], "none"), (["a-/b", "a.b"], [], "none"),
            (["m"], (0..<40).map { "m/\($0)" }, "none"), (["m"], (0..<39).map { "m/\($0)" }, "conflict"),
        ]
        for (put, remove, code) in cases {
            let entries = try put.map { try entry($0) }
            #expect(
                await errorCode { _ = try await tree.update(base.digest, put: entries, remove: remove) } == code,
                "\(put)")
        }
        #expect(
            await errorCode { _ = try await tree.update(nil, put: try ["n", "n/1"].map { try entry($0) }) }
                == "conflict")
    }

    /// Nodes from another server may be anything.
    @Test func refusesNodesThatItWouldNotMake() async throws {
        let fixture = try await Fixture(.disk)
        let tree = ObjectTree(fixture.store, shape: Self.small)
        let good = try await tree.update(nil, put: try (0..<50).map { try entry("f\($0)") })
        #expect(try await tree.check(good.digest) == good)
        let items = try ["a", "b", "c"].map { TreeItem(try entry($0)) }
        func leaf(_ items: [TreeItem]) -> [UInt8] { TreeNode.encode(level: 0, items).bytes }
        let digest = Digest.of("x")
        let wrongSum = TreeItem(
            key: "c", digest: TreeNode.encode(level: 0, items).node.digest, files: 9, bytes: 1, chunks: nil)
        let cases: [(String, [UInt8])] = [
            ("empty", []), ("text", Array("slipway tree 1\nx".utf8)), ("cut", Array(leaf(items).dropLast())),
            ("longer", leaf(items) + [0]), ("order", leaf(items.reversed())), ("twice", leaf([items[0], items[0]])),
            ("up", leaf([TreeItem(key: "../x", digest: digest, files: 1, bytes: 1, chunks: nil)])),
            ("absolute", leaf([TreeItem(key: "/x", digest: digest, files: 1, bytes: 1, chunks: nil)])),
            ("mixed", leaf(try ["a", "a/b"].map { TreeItem(try entry($0)) })),
            ("sums", TreeNode.encode(level: 1, [wrongSum]).bytes),
            ("too big", leaf(try (100..<150).map { TreeItem(try entry("f\($0)")) })),
            (
                "level",
                TreeNode.encode(
                    level: 3, [TreeItem(key: "c", digest: wrongSum.digest, files: 3, bytes: 9, chunks: nil)]
                ).bytes
            ),
        ]
        _ = try await fixture.store.putMany([leaf(items)])
        for (name, bytes) in cases {
            let node = try await fixture.store.put(bytes)
            #expect(await errorCode { _ = try await tree.check(node.digest) } == "invalid", "\(name)")
        }
        let noise = noise(4000, seed: 1)
        for count in stride(from: 0, to: 4000, by: 37) {
            var bytes = leaf(items)
            bytes[count % bytes.count] ^= noise[count]
            _ = try? ObjectTree.content(ofNode: bytes)  // must not crash
        }
    }

    /// The format must not change by accident: stored trees and other servers depend on it.
    @Test func theFormatIsFixed() async throws {
        let fixture = try await Fixture(.disk)
        let tree = ObjectTree(fixture.store)
        let root = try await tree.update(nil, put: try (0..<3000).map { try entry("images/\($0).png", $0) })
        let nodes = try await tree.nodes(root.digest)
        #expect(nodes.count == Set(nodes).count && nodes.first == root.digest)
        #expect(
            try await tree.update(nil, put: []).digest.hex
                == "560aac0a6c1a102fa93ec6be86f9a2a603738b038a7c058f0822edf2a026a38b")
        #expect(root.digest.hex == "0bcb8f5a53a72d291e1157c584c6291670873c9351dc80e7e452dce194274244")
        #expect(nodes.count == 8)
        #expect(try await fixture.store.missing(among: nodes) == [])
    }
}

/// SplitMix64, the same every time.
struct SeededRandom: RandomNumberGenerator {
    var state: UInt64
    init(seed: UInt64) { state = seed }
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}
