import { useState } from "react";
import { put } from "../../api/client.ts";
import { useMutation, useQuery } from "../../api/hooks.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button } from "../../kit/Button.tsx";
import { Field, Input, TextArea } from "../../kit/Field.tsx";
import { Markdown } from "../../kit/Markdown.tsx";
import { Panel } from "../../kit/Page.tsx";
import { Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import { KeyValues } from "../../kit/Values.tsx";
import type { DatasetCard } from "../api.ts";
import type { PartProps } from "../DatasetPage.tsx";

/** What a dataset is, in words: the record's facts and the owner's text. */
export default function Card({ dataset, version }: PartProps) {
  const card = useQuery("/api/v1/datasets/{name}/card", { path: { name: dataset.name } }, {
    live: ["dataset."],
    about: (event) => event.subject.startsWith(dataset.ref),
  });
  const [edits, setEdits] = useState(false);
  return (
    <div className="part-scroll">
      <Loaded query={card} skeleton={<Skeleton rows={12} />}>
        {(data) =>
          edits
            ? (
              <EditCard
                name={dataset.name}
                card={data}
                onClose={() => {
                  setEdits(false);
                  card.refresh();
                }}
              />
            )
            : (
              <div className="card-page">
                <Panel title="Card" tools={<Button icon="edit" onClick={() => setEdits(true)}>Edit</Button>}>
                  <Markdown text={data.markdown} />
                </Panel>
                <Panel title="Facts">
                  <div className="stack">
                    <KeyValues
                      items={[
                        [
                          "Licence",
                          data.license
                            ? <Safe key="l" url={data.license} />
                            : <span key="n" className="faint">not said</span>,
                        ],
                        ["Creators", data.creators.length > 0 ? data.creators.join(", ") : null],
                        ["Citation", data.citation],
                        ["Page", data.url ? <Safe key="u" url={data.url} /> : null],
                        [
                          "Keywords",
                          data.keywords.length > 0
                            ? (
                              <span className="row row-wrap">
                                {data.keywords.map((each) => <Badge key={each}>{each}</Badge>)}
                              </span>
                            )
                            : null,
                        ],
                      ]}
                    />
                    <a
                      href={`/api/v1/datasets/${
                        encodeURIComponent(dataset.name)
                      }/versions/${version.version}/croissant`}
                      download={`${dataset.name}-${version.version}.croissant.json`}
                    >
                      Croissant 1.1 of version {version.version}
                    </a>
                  </div>
                </Panel>
              </div>
            )}
      </Loaded>
    </div>
  );
}

function Safe({ url }: { url: string }) {
  return /^https?:\/\//.test(url) ? <a href={url} target="_blank" rel="noreferrer noopener">{url}</a> : <>{url}</>;
}

function EditCard({ name, card, onClose }: { name: string; card: DatasetCard; onClose: () => void }) {
  const [text, setText] = useState(card.text);
  const [facts, setFacts] = useState({
    license: card.license ?? "",
    citation: card.citation ?? "",
    url: card.url ?? "",
    creators: card.creators.join(", "),
    keywords: card.keywords.join(", "),
  });
  const list = (value: string) => value.split(",").map((each) => each.trim()).filter(Boolean);
  const save = useMutation(
    () =>
      put("/api/v1/datasets/{name}/card", {
        path: { name },
        json: {
          text,
          ...(facts.license ? { license: facts.license } : {}),
          ...(facts.citation ? { citation: facts.citation } : {}),
          ...(facts.url ? { url: facts.url } : {}),
          creators: list(facts.creators),
          keywords: list(facts.keywords),
          responsible: card.responsible,
        },
      }),
    {
      onDone: () => {
        toast.done("The card is set.");
        onClose();
      },
    },
  );
  const field = (key: keyof typeof facts, label: string, help?: string) => (
    <Field label={label} help={help}>
      <Input value={facts[key]} onChange={(value) => setFacts({ ...facts, [key]: value })} />
    </Field>
  );
  return (
    <Panel title="Edit the card">
      <div className="stack">
        <div className="card-edit">
          <Field label="Text (Markdown)" help="What it is, how it was gathered, what it should not be used for.">
            <TextArea mono rows={16} value={text} onChange={setText} />
          </Field>
          <div className="field">
            <span className="field-label">As it will look</span>
            <div className="card-preview">
              {text.trim() ? <Markdown text={text} /> : <span className="faint">Nothing yet.</span>}
            </div>
          </div>
        </div>
        <div className="grid-3">
          {field("license", "Licence", "An SPDX identifier or a URL.")}
          {field("creators", "Creators", "Names, with commas.")}
          {field("keywords", "Keywords", "Words, with commas.")}
          {field("citation", "Citation")}
          {field("url", "Page about it")}
        </div>
        {save.error && <Notice tone="bad">{save.error.message}</Notice>}
        <div className="row row-end">
          <Button onClick={onClose}>Cancel</Button>
          <Button kind="primary" busy={save.running} onClick={() => void save.run()}>Save</Button>
        </div>
      </div>
    </Panel>
  );
}
