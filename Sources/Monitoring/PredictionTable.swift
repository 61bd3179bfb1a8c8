import Core

/// The inputs or outputs of one logged prediction as columns of rows.
///
/// They are an object of tensors by name: a list with one value a row, a list of equally long lists, or
/// `{"shape": […], "data": […], "columns": […]?}` with the data in row-major order. A matrix of `k` columns that nobody
/// names has the columns `name[0]` … `name[k-1]`; with one column it goes by its name alone.
struct PredictionTable {
    /// A column's values within its tensor.
    struct Column {
        fileprivate let values: [JSONValue]
        fileprivate let offset: Int
        fileprivate let stride: Int
        let rows: Int

        func cell(_ row: Int) -> Cell { row < rows ? Cell(values[row * stride + offset]) : .missing }
    }

    /// One tensor as rows of `width` values.
    private struct Block {
        let values: [JSONValue]
        let rows: Int
        let width: Int
        let names: [String]?
    }

    private let blocks: [String: Block]
    private let columns: [String: (block: String, place: Int)]

    /// - Parameter names: of columns, by tensor, for those that bring none.
    init(_ json: JSONValue, names: [String: [String]] = [:]) {
        var blocks: [String: Block] = [:]
        var columns: [String: (block: String, place: Int)] = [:]
        for (name, value) in json.objectValue ?? [:] {
            guard let block = Self.block(value, names: names[name]) else { continue }
            blocks[name] = block
            if block.width == 1 { columns[name] = (name, 0) }
            for place in 0..<min(block.width, MonitorSpec.maximumFeatures * 10) {
                columns["\(name)[\(place)]"] = (name, place)
                if let names = block.names { columns[names[place]] = (name, place) }
            }
        }
        self.blocks = blocks
        self.columns = columns
    }

    /// What the columns are best called, tensor by tensor.
    var names: [String] {
        blocks.sorted { $0.key < $1.key }.flatMap { name, block in
            block.names ?? (block.width == 1 ? [name] : (0..<min(block.width, 100)).map { "\(name)[\($0)]" })
        }
    }

    func column(_ name: String) -> Column? {
        guard let (name, place) = columns[name], let block = blocks[name] else { return nil }
        return Column(values: block.values, offset: place, stride: block.width, rows: block.rows)
    }

    /// The columns of one tensor, in order, with their names if they have any; nil takes the only one or the first by name.
    func tensor(_ name: String?) -> (columns: [Column], names: [String]?)? {
        guard let block = (name ?? blocks.keys.min()).flatMap({ blocks[$0] }) else { return nil }
        let columns = (0..<block.width).map {
            Column(values: block.values, offset: $0, stride: block.width, rows: block.rows)
        }
        return (columns, block.names)
    }

    private static func block(_ value: JSONValue, names: [String]?) -> Block? {
        if let list = value.arrayValue {
            guard let width = list.first?.arrayValue?.count, width > 0 else {
                return Block(values: list, rows: list.count, width: 1, names: nil)
            }
            guard list.allSatisfy({ $0.arrayValue?.count == width }) else { return nil }
            return Block(
                values: list.flatMap { $0.arrayValue ?? [] }, rows: list.count, width: width,
                names: fitting(names, width))
        }
        guard let data = value["data"]?.arrayValue, let shape = value["shape"]?.arrayValue?.compactMap(\.intValue)
        else { return nil }
        let rows = shape.first.map { Int($0) } ?? data.count
        guard rows > 0, !data.isEmpty, data.count % rows == 0 else { return nil }
        let width = data.count / rows
        let own = value["columns"]?.arrayValue?.compactMap(\.stringValue)
        return Block(values: data, rows: rows, width: width, names: fitting(names ?? own, width))
    }

    private static func fitting(_ names: [String]?, _ width: Int) -> [String]? { names?.count == width ? names : nil }
}
