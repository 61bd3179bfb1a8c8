import { useEffect, useState } from "react";
import { useMutation } from "../api/hooks.ts";
import { Button, IconButton } from "../kit/Button.tsx";
import { TextArea } from "../kit/Field.tsx";
import { Markdown } from "../kit/Markdown.tsx";
import { Panel } from "../kit/Page.tsx";
import { Notice } from "../kit/States.tsx";

/** A description in Markdown that may be edited where it stands. */
export function Card(
  { title, text, placeholder, mayEdit, save }: {
    title: string;
    text: string;
    placeholder: string;
    mayEdit: boolean;
    save: (text: string) => Promise<void>;
  },
) {
  const [draft, setDraft] = useState<string | null>(null);
  const change = useMutation(save, { invalidates: ["/api/v1/models"], onDone: () => setDraft(null) });
  useEffect(() => setDraft(null), [text]);
  return (
    <Panel
      title={title}
      tools={mayEdit && draft === null
        ? <IconButton small icon="edit" label={`Edit: ${title}`} onClick={() => setDraft(text)} />
        : null}
    >
      {draft === null
        ? text.trim() === "" ? <p className="faint">{placeholder}</p> : <Markdown text={text} />
        : (
          <div className="stack">
            <TextArea aria-label={`${title} in Markdown`} rows={10} value={draft} onChange={setDraft} autoFocus />
            <div className="row row-end">
              <Button small onClick={() => setDraft(null)}>Cancel</Button>
              <Button small kind="primary" busy={change.running} onClick={() => void change.run(draft)}>Save</Button>
            </div>
            {change.error && <Notice tone="bad">{change.error.message}</Notice>}
          </div>
        )}
    </Panel>
  );
}
