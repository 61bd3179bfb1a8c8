import Core

extension InferenceJSON {
    /// A body to send, and where its JSON ends when raw bytes follow.
    public struct Body: Hashable, Sendable {
        public var bytes: [UInt8]
        /// The value of the header `Inference-Header-Content-Length`; nil: JSON only, and no header.
        public var headerLength: Int?
    }

    /// Writes an inference response. Data is flat, in row-major order; NaN and infinities become the texts `NaN`,
    /// `Infinity` and `-Infinity`, as JSON has no numbers for them. FP32 and FP16 are written with as few digits as give
    /// the same value back. The classes of a ZipMap output are its parameter `labels`.
    ///
    /// - Parameters:
    ///   - parameters: of the response as a whole.
    ///   - isBinary: says of an output's name whether its data is sent as raw bytes (see `InferenceRequest.wantsBinary`).
    public static func writeResponse(
        modelName: String, modelVersion: String?, id: String?, parameters: [String: JSONValue] = [:], outputs: [Tensor],
        isBinary: (String) -> Bool = { _ in false }
    ) -> Body {
        var writer = JSONWriter(reserving: 256 + outputs.reduce(0) { $0 + 64 + $1.values.count * 12 })
        var binary: [UInt8] = []
        var hasBinary = false
        writer.object { writer in
            writer.key("model_name")
            writer.write(modelName)
            if let modelVersion {
                writer.key("model_version")
                writer.write(modelVersion)
            }
            if let id {
                writer.key("id")
                writer.write(id)
            }
            if !parameters.isEmpty {
                writer.key("parameters")
                writer.write(.object(parameters))
            }
            writer.key("outputs")
            writer.array { writer in
                for output in outputs {
                    let raw = isBinary(output.name) ? BinaryTensors.encode(output.values) : nil
                    write(output, rawBytes: raw?.count, to: &writer)
                    if let raw {
                        hasBinary = true
                        binary += raw
                    }
                }
            }
        }
        guard hasBinary else { return Body(bytes: writer.bytes) }
        return Body(bytes: writer.bytes + binary, headerLength: writer.bytes.count)
    }

    /// Writes the answer to a question for a model's metadata.
    public static func writeMetadata(
        name: String, versions: [String], inputs: [TensorSpec], outputs: [TensorSpec]
    ) -> [UInt8] {
        func specs(_ specs: [TensorSpec], _ writer: inout JSONWriter) {
            writer.array { writer in
                for spec in specs {
                    writer.object { writer in head(spec.name, spec.type, spec.shape, &writer) }
                }
            }
        }
        var writer = JSONWriter()
        writer.object { writer in
            writer.key("name")
            writer.write(name)
            writer.key("versions")
            writer.array { writer in for version in versions { writer.write(version) } }
            writer.key("platform")
            writer.write("onnx_onnxv1")
            writer.key("inputs")
            specs(inputs, &writer)
            writer.key("outputs")
            specs(outputs, &writer)
        }
        return writer.bytes
    }

    private static func head(_ name: String, _ type: TensorType, _ shape: [Int], _ writer: inout JSONWriter) {
        writer.key("name")
        writer.write(name)
        writer.key("datatype")
        writer.write(type.rawValue)
        writer.key("shape")
        writer.array { writer in for size in shape { writer.write(size) } }
    }

    private static func write(_ tensor: Tensor, rawBytes: Int?, to writer: inout JSONWriter) {
        writer.object { writer in
            head(tensor.name, tensor.type, tensor.shape, &writer)
            if rawBytes != nil || tensor.labels != nil {
                writer.key("parameters")
                writer.object { writer in
                    if let rawBytes {
                        writer.key("binary_data_size")
                        writer.write(rawBytes)
                    }
                    if let labels = tensor.labels {
                        writer.key("labels")
                        writer.array { writer in for label in labels { writer.write(label) } }
                    }
                }
            }
            guard rawBytes == nil else { return }
            writer.key("data")
            writer.array { writer in writer.elements(tensor.values) }
        }
    }
}
