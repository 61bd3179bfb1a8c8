import { equal } from "../testing.ts";
import { urlOf } from "./client.ts";
import { eventVerb, groupEvents } from "./eventText.ts";
import { EventParser, matchesType } from "./sse.ts";
import type { LedgerEvent } from "./types.ts";

Deno.test("addresses are filled and escaped", () => {
  equal(
    urlOf("/api/v1/datasets/{name}/versions/{version}/files/{path}", { name: "a b", version: 3, path: "x/y z" }, {
      chunks: true,
      limit: undefined,
    }),
    "/api/v1/datasets/a%20b/versions/3/files/x/y%20z?chunks=true",
  );
  equal(
    urlOf("/api/v1/runs", undefined, { experiment: ["1", "2"], filter: "" }),
    "/api/v1/runs?experiment=1&experiment=2",
  );
  let message = "";
  try {
    urlOf("/api/v1/runs/{id}", { id: "" }, undefined);
  } catch (error) {
    message = error instanceof Error ? error.message : "";
  }
  equal(message, "id is missing in /api/v1/runs/{id}.");
});

Deno.test("server-sent events come whole from pieces", () => {
  const parser = new EventParser();
  const text = ': hi\n\nid: 7\nevent: slipway.run.created\ndata: {"a":\ndata: 1}\n\nid: 8\r\ndata:x\r\n\r\n';
  const events = [...text].flatMap((letter) => parser.feed(letter));
  equal(events, [
    { id: "7", type: "slipway.run.created", data: '{"a":\n1}' },
    { id: "8", type: "message", data: "x" },
  ]);
});

Deno.test("types of events are matched by name, prefix or all", () => {
  const wanted = [["run."], ["run.finished"], ["*"], ["run"], ["dataset.", "run.finished"]];
  equal(wanted.map((each) => matchesType("slipway.run.finished", each)), [true, true, true, false, true]);
});

const event = (type: string, subject: string, sequence: number): LedgerEvent => ({
  id: String(sequence),
  sequence,
  time: "2026-11-24T12:00:00Z",
  type,
  subject,
  actor: "a",
  project: "p",
  data: {},
  hash: "",
});

Deno.test("a burst of versions is one line", () => {
  const groups = groupEvents([
    event("slipway.dataset.version.created", "dataset:x@9", 9),
    event("slipway.dataset.version.created", "dataset:y@4", 8),
    event("slipway.dataset.version.created", "dataset:x@8", 7),
    event("slipway.run.created", "run:1", 6),
  ]);
  equal(groups.map(({ event, events }) => [event.subject, events.length]), [["dataset:x@9", 2], ["dataset:y@4", 1], [
    "run:1",
    1,
  ]]);
  equal(eventVerb("slipway.experiment.renamed"), "renamed");
  equal(eventVerb("slipway.dataset.quality"), "noted quality of");
});
