import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { isAbort } from "../api/errors.ts";
import { Icon, type IconName } from "../kit/Icon.tsx";
import type { ActionContext, Found } from "./feature.ts";
import { score } from "./fuzzy.ts";
import { useProject, useProjects } from "./project.ts";
import { parseRef } from "./refs.ts";
import { actions, features, navItems } from "./registry.ts";
import { navigate } from "./router.tsx";
import { setTheme } from "./theme.ts";

/** Opens with Ctrl K (⌘K), or "/" outside of fields. */
export function usePalette(): { isOpen: boolean; open: () => void; close: () => void } {
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    const press = (event: globalThis.KeyboardEvent) => {
      const isChord = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      const isSlash = event.key === "/" && !isTyping(event.target) && !event.ctrlKey && !event.metaKey;
      if (!isChord && !isSlash) return;
      event.preventDefault();
      setOpen((value) => !value || isSlash);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
  return { isOpen, open: () => setOpen(true), close: () => setOpen(false) };
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

interface Entry {
  id: string;
  group: string;
  title: string;
  detail?: string;
  icon: IconName;
  run: () => void;
}

export function Palette({ onClose }: { onClose: () => void }) {
  const project = useProject();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const { found, searching } = useSearch(text, project);
  const commands = useCommands(project);
  useEffect(() => {
    if (dialog.current && !dialog.current.open) dialog.current.showModal();
  }, []);
  const entries = useMemo(() => {
    const out: Entry[] = [];
    const ref = parseRef(text);
    if (ref) {
      out.push({
        id: "ref",
        group: "Go to",
        title: ref.text,
        icon: "link",
        run: () => navigate("/ref/" + encodeURIComponent(ref.text)),
      });
    }
    const matching = commands
      .map((entry) => ({ entry, points: text.trim() === "" ? 1 : score(text, `${entry.title} ${entry.detail ?? ""}`) }))
      .filter(({ points }) => points > 0)
      .sort((a, b) => text.trim() === "" ? 0 : b.points - a.points)
      .map(({ entry }) => entry);
    out.push(...matching.slice(0, text.trim() === "" ? 40 : 8));
    out.push(...found.map((each, index): Entry => ({
      id: `found ${index} ${each.title}`,
      group: "Found",
      title: each.title,
      icon: each.icon,
      ...(each.detail ? { detail: each.detail } : {}),
      run: () => navigate(each.to ?? "/ref/" + encodeURIComponent(each.ref ?? "")),
    })));
    return out;
  }, [text, found, commands]);
  const chosen = Math.min(at, Math.max(0, entries.length - 1));
  const choose = (index: number) => {
    onClose();
    entries[index]?.run();
  };
  const press = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0 && entries.length > 0) {
      event.preventDefault();
      const next = (chosen + step + entries.length) % entries.length;
      setAt(next);
      list.current?.querySelectorAll("[role=option]")[next]?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing) {
      event.preventDefault();
      choose(chosen);
    }
  };
  return (
    <dialog
      ref={dialog}
      className="palette"
      aria-label="Search and commands"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="palette-field">
        <Icon name="search" />
        <input
          autoFocus
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-activedescendant={entries[chosen] ? `palette-${chosen}` : undefined}
          aria-label="Search, a ref or a command"
          placeholder={project ? `Search in ${project}, a ref, a command` : "A project, a ref, a command"}
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
        />
        {searching && <span className="spinner" aria-label="Searching" />}
      </div>
      <ul ref={list} id="palette-list" role="listbox" aria-label="Results" className="palette-list">
        {entries.map((entry, index) => (
          <PaletteRow
            key={entry.id}
            entry={entry}
            index={index}
            isFirst={entries[index - 1]?.group !== entry.group}
            isChosen={index === chosen}
            onChoose={() => choose(index)}
            onHover={() => setAt(index)}
          />
        ))}
      </ul>
      {entries.length === 0 && (
        <p className="palette-none">{searching ? "Searching…" : "Nothing found. A ref works too: dataset:sales@3."}</p>
      )}
    </dialog>
  );
}

function PaletteRow(
  { entry, index, isFirst, isChosen, onChoose, onHover }: {
    entry: Entry;
    index: number;
    isFirst: boolean;
    isChosen: boolean;
    onChoose: () => void;
    onHover: () => void;
  },
) {
  return (
    <>
      {isFirst && <li className="palette-group" role="presentation">{entry.group}</li>}
      <li
        id={`palette-${index}`}
        role="option"
        aria-selected={isChosen}
        className="palette-row"
        onClick={onChoose}
        onMouseMove={onHover}
      >
        <Icon name={entry.icon} />
        <span className="ellipsis">{entry.title}</span>
        {entry.detail && <span className="palette-detail ellipsis">{entry.detail}</span>}
      </li>
    </>
  );
}

/** Pages of the project, actions of all features, other projects, themes. */
function useCommands(project: string | null): Entry[] {
  const projects = useProjects();
  return useMemo(() => {
    const context: ActionContext = { project, navigate };
    const out: Entry[] = [];
    if (project) {
      out.push(...navItems.map((item) => ({
        id: "nav " + item.id,
        group: "Pages",
        title: item.label,
        icon: item.icon,
        run: () => navigate(item.to(project)),
      })));
    }
    out.push(
      ...actions.filter((action) => action.when?.(context) ?? true).map((action) => ({
        id: "action " + action.id,
        group: "Actions",
        title: action.title,
        icon: action.icon ?? "command" as const,
        ...(action.keywords ? { detail: action.keywords } : {}),
        run: () => void action.run(context),
      })),
    );
    out.push(
      ...projects.filter(({ name }) => name !== project).map(({ name, description }) => ({
        id: "project " + name,
        group: "Projects",
        title: name,
        detail: description,
        icon: "folder" as const,
        run: () => navigate(`/p/${encodeURIComponent(name)}`),
      })),
    );
    out.push(...(["light", "dark", "system"] as const).map((choice) => ({
      id: "theme " + choice,
      group: "Settings",
      title: `Theme: ${choice === "system" ? "as the system" : choice}`,
      icon: choice === "dark" ? "moon" as const : choice === "light" ? "sun" as const : "contrast" as const,
      run: () => setTheme(choice),
    })));
    return out;
  }, [project, projects]);
}

/** Asks every feature at once; shows what has come, feature by feature. */
function useSearch(text: string, project: string | null): { found: Found[]; searching: boolean } {
  const [state, setState] = useState<{ found: Found[]; searching: boolean }>({ found: [], searching: false });
  useEffect(() => {
    const wanted = text.trim();
    if (wanted.length < 2 || !project) {
      setState({ found: [], searching: false });
      return;
    }
    const stopping = new AbortController();
    const timer = setTimeout(async () => {
      setState((old) => ({ ...old, searching: true }));
      const answers: Found[][] = [];
      await Promise.all(features.map(async (feature, index) => {
        if (!feature.search) return;
        try {
          answers[index] = await feature.search(wanted, project, stopping.signal);
          if (!stopping.signal.aborted) setState({ found: answers.flat(), searching: true });
        } catch (error) {
          // One feature that cannot search now must not hide what the others found.
          if (!isAbort(error)) console.warn(`search in ${feature.name}:`, error);
        }
      }));
      if (!stopping.signal.aborted) setState({ found: answers.flat(), searching: false });
    }, 120);
    return () => {
      clearTimeout(timer);
      stopping.abort();
    };
  }, [text, project]);
  return state;
}
