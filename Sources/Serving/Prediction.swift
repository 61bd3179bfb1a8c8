import Core

/// One answered request, as it was logged.
public struct Prediction: Sendable, Hashable {
    public let id: String
    /// The name that was asked: an endpoint's, or a registered model's.
    public let endpoint: String
    public let project: String
    /// The version that answered: `model:restock@5`.
    public let model: Ref
    public let time: Timestamp
    public let rowCount: Int
    /// Tensors by name: a list for one value a row, else `{"shape": […], "data": […], "columns": […]?}` with the data in
    /// row-major order; `columns` are the features' names where the model's signature or the caller told them. NaN and
    /// infinities are the texts `NaN`, `Infinity`, `-Infinity`.
    public let inputs: JSONValue
    /// As `inputs`; `columns` are a classifier's classes.
    public let outputs: JSONValue
    /// The id of the HTTP request, as in the server's log.
    public let requestID: String
    /// Who asked.
    public let principal: String

    public var ref: Ref { Ref(.prediction, id) }

    public var json: JSONValue {
        [
            "id": .string(id), "ref": JSONValue(ref), "endpoint": .string(endpoint), "project": .string(project),
            "model": JSONValue(model), "time": JSONValue(time), "rowCount": JSONValue(rowCount), "inputs": inputs,
            "outputs": outputs, "requestId": .string(requestID), "principal": .string(principal),
        ]
    }
}

/// The truth about one row of a prediction, told later.
public struct Feedback: Sendable, Hashable {
    public let predictionID: String
    /// 0 is the first row.
    public let row: Int
    public let value: JSONValue
    /// When it became known.
    public let time: Timestamp

    public init(predictionID: String, row: Int, value: JSONValue, time: Timestamp) {
        self.predictionID = predictionID
        self.row = row
        self.value = value
        self.time = time
    }

    public var json: JSONValue {
        ["predictionId": .string(predictionID), "row": JSONValue(row), "value": value, "time": JSONValue(time)]
    }
}

/// A prediction with what was told about its rows.
public struct JudgedPrediction: Sendable, Hashable {
    public let prediction: Prediction
    public let feedback: [Feedback]
}
