import { useState } from "react";
import { Button, IconButton } from "../kit/Button.tsx";
import { SearchInput } from "../kit/Field.tsx";
import { Icon } from "../kit/Icon.tsx";
import { CopyButton, RefLink } from "../kit/Values.tsx";
import { lookOf } from "./kinds.ts";
import { type DrawnEdge, type LineageNode, nameOf } from "./model.ts";

const membersShown = 200;

/** What is chosen: its neighbours with how they are tied to it, and what one can do. */
export function NodePanel(
  { node, edges, isRoot, isFolded, onChoose, onRoot, onFold, onOpen, onClose }: {
    node: LineageNode;
    edges: readonly DrawnEdge[];
    isRoot: boolean;
    isFolded: boolean;
    onChoose: (id: string) => void;
    onRoot: (ref: string) => void;
    onFold: () => void;
    onOpen: () => void;
    onClose: () => void;
  },
) {
  const [search, setSearch] = useState("");
  const isGroup = node.members.length > 1;
  const { title, detail } = nameOf(node);
  const look = lookOf(node.kind);
  const members = node.members.filter((member) => member.toLowerCase().includes(search.toLowerCase()));
  const from = edges.filter((edge) => edge.to === node.id);
  const to = edges.filter((edge) => edge.from === node.id);
  return (
    <section className="panel step-panel" aria-label={title}>
      <header className="panel-head">
        <h2 className="panel-title">
          <span style={{ color: look.color }}>
            <Icon name={look.icon} />
          </span>
          <span className="ellipsis">{title}</span>
        </h2>
        <IconButton icon="close" label="Close" onClick={onClose} />
      </header>
      <div className="step-body">
        {isGroup ? <span className="muted">{detail}</span> : (
          <div className="row">
            <RefLink value={node.id} />
            <CopyButton text={node.id} label="Copy the ref" />
          </div>
        )}
        <div className="row row-wrap">
          {isGroup && <Button small icon="expand" onClick={onOpen}>Draw all {node.members.length}</Button>}
          {!isGroup && !isRoot && <Button small icon="target" onClick={() => onRoot(node.id)}>Start here</Button>}
          {!isRoot && (
            <Button small icon={isFolded ? "plus" : "minus"} onClick={onFold}>
              {isFolded ? "Unfold" : "Fold what is behind it"}
            </Button>
          )}
        </div>
        <Neighbours
          title="Made from"
          ends={from.map((edge) => ({ id: edge.from, how: edge.relations }))}
          onChoose={onChoose}
        />
        <Neighbours
          title="Made of it"
          ends={to.map((edge) => ({ id: edge.to, how: edge.relations }))}
          onChoose={onChoose}
        />
        {isGroup && (
          <>
            <h3>All of them</h3>
            <SearchInput
              value={search}
              onChange={setSearch}
              placeholder="Find one"
              aria-label="Find one of the group"
            />
            <ul className="stack lineage-members">
              {members.slice(0, membersShown).map((member) => (
                <li key={member} className="row">
                  <span className="grow ellipsis">
                    <RefLink value={member} />
                  </span>
                  <Button small kind="quiet" onClick={() => onRoot(member)}>Trace</Button>
                </li>
              ))}
            </ul>
            {members.length > membersShown && (
              <span className="faint small">and {members.length - membersShown} more: search for them</span>
            )}
          </>
        )}
      </div>
    </section>
  );
}

function Neighbours(
  { title, ends, onChoose }: { title: string; ends: { id: string; how: string[] }[]; onChoose: (id: string) => void },
) {
  return (
    <div>
      <h3>{title}</h3>
      {ends.length === 0 && <span className="faint small">nothing that is drawn</span>}
      <ul>
        {ends.slice(0, 60).map(({ id, how }) => (
          <li key={id}>
            <button type="button" className="lineage-neighbour" onClick={() => onChoose(id)} title={id}>
              <span className="faint small">{how.join(", ") || "by way of hidden things"}</span>
              <span className="mono ellipsis">{id.replace(/^group /, "group: ")}</span>
            </button>
          </li>
        ))}
      </ul>
      {ends.length > 60 && <span className="faint small">and {ends.length - 60} more</span>}
    </div>
  );
}
