import { BoxEditor } from "./BoxEditor.tsx";
import { ChoiceEditor } from "./ChoiceEditor.tsx";
import type { EditorProps } from "./editor.ts";
import { PolygonEditor } from "./PolygonEditor.tsx";
import { RangeEditor } from "./RangeEditor.tsx";
import { RowView } from "./RowView.tsx";
import { SpanEditor } from "./SpanEditor.tsx";
import { TypedEditor } from "./TypedEditor.tsx";

/** A row with what is said about it: shapes are drawn on the row itself, other answers stand beside it. */
export function Editor(props: EditorProps) {
  switch (props.schema.kind) {
    case "boxes":
      return <BoxEditor {...props} />;
    case "polygons":
      return <PolygonEditor {...props} />;
    case "spans":
      return <SpanEditor {...props} />;
    case "ranges":
      return <RangeEditor {...props} />;
    case "class":
    case "multi-class":
      return (
        <div className="row-editor">
          <RowView row={props.row} task={props.task} />
          <ChoiceEditor {...props} />
        </div>
      );
    case "number":
    case "text":
      return (
        <div className="row-editor">
          <RowView row={props.row} task={props.task} />
          <TypedEditor {...props} />
        </div>
      );
  }
}
