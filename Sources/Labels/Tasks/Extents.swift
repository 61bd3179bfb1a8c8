import Core
import Database
import Datasets
import Platform

/// Sizes of images that are known only from the files themselves: read once, when an item is first looked at.
extension LabelsService {
    func extent(of item: LabelItem, _ task: LabelTask, _ definition: LabelDefinition, as principal: Principal)
        async throws
        -> ItemExtent
    {
        guard item.extent == .none, definition.kind.isOnImages, task.settings.isFiles, let path = item.key.parts.first
        else { return item.extent }
        let size = try await imageSize(task, path, as: principal)
        try await platform.database.write { [items] db in
            try items.setExtent(db, task.id, item.number, (size.width, size.height))
        }
        return .image(width: size.width, height: size.height)
    }

    func withExtents(_ name: String, _ held: [HeldItem], as principal: Principal) async throws -> [HeldItem] {
        guard held.contains(where: { $0.item.extent == .none }) else { return held }
        let (task, definition) = try await platform.database.read { [self] db in
            let task = try require(db, name)
            return (task, try self.definition(db, of: task))
        }
        guard definition.kind.isOnImages else { return held }
        var out: [HeldItem] = []
        for one in held {
            do {
                let extent = try await self.extent(of: one.item, task, definition, as: principal)
                out.append(HeldItem(item: one.item.with(extent), work: one.work, prelabels: one.prelabels))
            } catch let error as SlipwayError where error.code == .invalid {
                // A file that is no image is handed out all the same, to be skipped: refusing it would end the queue.
                out.append(one)
            }
        }
        return out
    }

    private func imageSize(_ task: LabelTask, _ path: String, as principal: Principal) async throws -> (
        width: Double, height: Double
    ) {
        let version = try await datasets.resolve(task.datasetRef, as: principal)
        guard let header = try await datasets.imageHeader(of: version, path: path) else {
            throw SlipwayError(
                .invalid, "\(path) in \(version.ref) is no image whose size can be read (PNG, JPEG, GIF, WebP).",
                ref: version.ref)
        }
        return (Double(header.width), Double(header.height))
    }
}

extension LabelItem {
    fileprivate func with(_ extent: ItemExtent) -> LabelItem {
        LabelItem(
            number: number, key: key, slots: slots, votes: votes, state: state, assignee: assignee, extent: extent,
            sourceID: sourceID, final: final)
    }
}
