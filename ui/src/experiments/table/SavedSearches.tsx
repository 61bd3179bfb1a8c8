import { useState } from "react";
import { useMay } from "../../app/project.ts";
import { send } from "../../api/client.ts";
import { useFetch, useMutation } from "../../api/hooks.ts";
import type { Instant } from "../../api/types.ts";
import { Badge } from "../../kit/Badge.tsx";
import { Button, IconButton } from "../../kit/Button.tsx";
import { Checkbox, Field, Input } from "../../kit/Field.tsx";
import { Popover } from "../../kit/Menu.tsx";
import { Loaded, Notice, Skeleton } from "../../kit/States.tsx";
import { toast } from "../../kit/Toast.tsx";
import type { Experiment } from "../api.ts";

/** A search over runs under a name, one's own or the project's. */
export interface SavedSearch {
  name: string;
  project: string;
  shared: boolean;
  filter: string;
  order: string[];
  columns: string[];
  /** Ids; empty: all of the project. */
  experiments: string[];
  view: "active" | "deleted" | "all";
  savedBy: string;
  saved: Instant;
}

export interface SearchTerms {
  filter: string;
  /** `metrics.loss DESC`; empty: the latest first. */
  order: string;
  /** The columns that somebody chose. */
  columns: string[];
  view: SavedSearch["view"];
}

function urlOf(project: string, name?: string, shared?: boolean): string {
  const query = new URLSearchParams({ project, ...(shared ? { shared: "true" } : {}) });
  return `/api/v1/saved-searches${name === undefined ? "" : "/" + encodeURIComponent(name)}?${query}`;
}

/** A button that opens the saved searches: take one, save the present one. */
export function SavedSearches(
  { experiment, terms, onTake }: {
    experiment: Experiment;
    terms: SearchTerms;
    onTake: (search: SavedSearch) => void;
  },
) {
  return (
    <Popover label="Saved searches" text="Saved" icon="pin" align="end">
      {(close) => (
        <SavedList
          experiment={experiment}
          terms={terms}
          onTake={(search) => {
            onTake(search);
            close();
          }}
        />
      )}
    </Popover>
  );
}

function SavedList(
  { experiment, terms, onTake }: {
    experiment: Experiment;
    terms: SearchTerms;
    onTake: (search: SavedSearch) => void;
  },
) {
  const { project } = experiment;
  const [name, setName] = useState("");
  const [isShared, setShared] = useState(false);
  const mayShare = useMay("runs.write", project);
  const list = useFetch(
    `saved searches of ${project}`,
    async (signal) => await (await send("GET", urlOf(project), { signal })).json() as { items: SavedSearch[] },
    { live: ["search."], fresh: 2_000 },
  );
  const save = useMutation(
    () =>
      send("PUT", urlOf(project, name.trim()), {
        json: {
          filter: terms.filter,
          order: terms.order ? [terms.order] : [],
          columns: terms.columns,
          experiments: [experiment.id],
          view: terms.view,
          shared: isShared,
        },
      }),
    {
      onDone: () => {
        toast.done(`Saved the search ${name.trim()}.`);
        setName("");
        list.refresh();
      },
    },
  );
  const remove = useMutation((each: SavedSearch) => send("DELETE", urlOf(project, each.name, each.shared)), {
    onDone: () => list.refresh(),
  });
  const error = save.error ?? remove.error;
  return (
    <div className="saved-searches stack">
      <Loaded query={list} compact skeleton={<Skeleton rows={2} />}>
        {({ items }) => {
          const here = items.filter((each) =>
            each.experiments.length === 0 || each.experiments.includes(experiment.id)
          );
          return here.length === 0 ? <p className="small faint">No search is saved for this experiment.</p> : (
            <ul>
              {here.map((each) => (
                <li key={`${each.shared} ${each.name}`} className="row">
                  <button type="button" className="saved-search grow" onClick={() => onTake(each)}>
                    <strong className="ellipsis">{each.name}</strong>
                    <code className="small ellipsis">{each.filter || "all runs"}</code>
                  </button>
                  {each.shared && <Badge title={`Shared by ${each.savedBy}`}>shared</Badge>}
                  <IconButton small icon="trash" label={`Forget ${each.name}`} onClick={() => void remove.run(each)} />
                </li>
              ))}
            </ul>
          );
        }}
      </Loaded>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim()) void save.run();
        }}
      >
        <Field label="Save the present search as">
          <Input value={name} onChange={setName} placeholder="good-ones" />
        </Field>
        <div className="row">
          {mayShare && <Checkbox checked={isShared} onChange={setShared}>For all of the project</Checkbox>}
          <span className="grow" />
          <Button submit small kind="primary" busy={save.running} disabled={!name.trim()}>Save</Button>
        </div>
      </form>
      {error && <Notice tone="bad">{error.message}</Notice>}
    </div>
  );
}
