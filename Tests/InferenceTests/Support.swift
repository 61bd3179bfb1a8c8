import Core
import Foundation
import Inference
import Testing

/// What the tests share: the library and the models of `Fixtures/`.
enum World {
    static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures").path

    static let runtime = Result { try OnnxRuntime.load() }

    static func path(_ name: String) -> String { "\(fixtures)/\(name).onnx" }

    static func model(_ name: String) throws -> OnnxModel { try runtime.get().load(modelPath: path(name)) }

    /// A case of expected.json, which make_models.py wrote.
    static func expected(_ name: String) throws -> JSONValue {
        let data = try Data(contentsOf: URL(filePath: fixtures + "/expected.json"))
        return try #require(JSONValue(parsing: Array(data))[name])
    }

    /// A fresh folder for files of one test.
    static func temporaryFolder() throws -> String {
        let folder = FileManager.default.temporaryDirectory.appending(path: "inference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder.path
    }
}

extension JSONValue {
    func doubles(_ key: String) throws -> [Double] {
        try #require(self[key]?.arrayValue).map { $0.isNull ? .nan : try #require($0.doubleValue) }
    }
    func floats(_ key: String) throws -> [Float] { try doubles(key).map(Float.init) }
    func ints(_ key: String) throws -> [Int64] { try #require(self[key]?.arrayValue).map { try #require($0.intValue) } }
    func strings(_ key: String) throws -> [String] {
        try #require(self[key]?.arrayValue).map { try #require($0.stringValue) }
    }
}

/// Values that agree to `tolerance`, element by element.
func near(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-5) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance }
}

extension TensorValues {
    /// Floating values as doubles; empty for other types.
    var doubles: [Double] {
        switch self {
        case .fp32(let v): v.map(Double.init)
        case .fp64(let v): v
        default: []
        }
    }
}

/// The error that `body` throws, as "code: message"; what it returned if it did not throw.
func refusal<R>(_ body: () throws -> R) -> String {
    do { return "no error: \(try body())" } catch { return "\(error)" }
}

func refusal<R>(_ body: () async throws -> R) async -> String {
    do { return "no error: \(try await body())" } catch { return "\(error)" }
}
