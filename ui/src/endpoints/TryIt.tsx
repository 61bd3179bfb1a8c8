import { useEffect, useMemo, useState } from "react";
import { send } from "../api/client.ts";
import { type ApiError, asApiError } from "../api/errors.ts";
import { useFetch, useQuery } from "../api/hooks.ts";
import { pathTo } from "../app/paths.ts";
import { Link } from "../app/router.tsx";
import { oneOf, useUrlState } from "../app/urlState.ts";
import { Button } from "../kit/Button.tsx";
import { Editor } from "../kit/editor/Editor.tsx";
import { Input, TextArea } from "../kit/Field.tsx";
import { formatDuration, formatNumber, plural } from "../kit/format.ts";
import { Panel } from "../kit/Page.tsx";
import { Empty, Failed, Notice, Skeleton } from "../kit/States.tsx";
import { Segmented } from "../kit/Tabs.tsx";
import type { Endpoint, InferAnswer, ModelMetadata } from "./api.ts";
import { answerColumns, columnsOf, fieldProblem, fieldsOf, type FormField, pasted, requestOf } from "./tensors.ts";

interface Answered {
  answer: InferAnswer;
  prediction: string | null;
  took: number;
}

/** Asks the endpoint: a form made from the model's signature, many rows pasted, or the request as JSON. */
export function TryIt({ endpoint }: { endpoint: Endpoint }) {
  const model = useFetch(
    `/v2/models/${endpoint.name} ${endpoint.serving ?? ""}`,
    (signal) => readModel(endpoint.name, signal),
  );
  // The newest prediction knows the names of a matrix's columns and has values to begin with.
  const last = useQuery("/api/v1/predictions", { query: { endpoint: endpoint.name, limit: 3 } });
  const [mode, setMode] = useUrlState("by", oneOf("form", "rows", "json"), "form");
  const inputs = model.data?.inputs;
  const names = useMemo(() => {
    const found: Record<string, string[]> = {};
    for (const prediction of last.data?.items ?? []) {
      for (const [name, tensor] of Object.entries(prediction.inputs)) {
        if (!Array.isArray(tensor) && tensor.columns && !found[name]) found[name] = tensor.columns;
      }
    }
    return found;
  }, [last.data]);
  const fields = useMemo(() => inputs ? fieldsOf(inputs, names) : null, [inputs, names]);
  const past = useMemo((): string[] | null => {
    if (!fields) return null;
    for (const prediction of last.data?.items ?? []) {
      const columns = columnsOf(prediction).filter((column) => column.kind === "input");
      if (columns.length === fields.length) return columns.map((column) => String(column.at(0) ?? ""));
    }
    return null;
  }, [fields, last.data]);
  const [values, setValues] = useState<string[]>([]);
  const [rows, setRows] = useState("");
  const [json, setJson] = useState("");
  const [state, setState] = useState<{ busy: boolean; error?: ApiError; done?: Answered }>({ busy: false });
  useEffect(() => {
    // Once: what somebody wrote is not taken away when another prediction arrives.
    if (!last.loading && fields && values.length !== fields.length) setValues(past ?? fields.map(() => ""));
  }, [fields, past, last.loading]);
  if (model.error) return <Failed error={model.error} retry={model.refresh} />;
  if (!inputs || last.loading) return <Skeleton height={260} />;

  const mine = fields ?? [];
  const wrong = mode === "form" ? mine.map((field, index) => fieldProblem(field.datatype, values[index] ?? "")) : [];
  const body = () =>
    mode === "json" ? json : JSON.stringify(requestOf(inputs, mine, mode === "form" ? [values] : pasted(rows, mine)));
  const ask = async () => {
    setState((old) => ({ ...old, busy: true }));
    const began = performance.now();
    try {
      const response = await send("POST", `/v2/models/${encodeURIComponent(endpoint.name)}/infer`, {
        body: body(),
        contentType: "application/json",
      });
      const answer: InferAnswer = await response.json();
      setState({
        busy: false,
        done: { answer, prediction: response.headers.get("X-Slipway-Prediction"), took: performance.now() - began },
      });
    } catch (problem) {
      setState({ busy: false, error: asApiError(problem) });
    }
  };
  const byForm = fields !== null;
  const shown = byForm ? mode : "json";
  return (
    <div className="try">
      <Panel
        title="Ask"
        tools={byForm && (
          <Segmented
            label="How to ask"
            value={mode}
            onChange={(next) => {
              if (next === "json") setJson(JSON.stringify(requestOf(inputs, mine, [values]), null, 2));
              setMode(next);
            }}
            options={[{ id: "form", label: "Form" }, { id: "rows", label: "Rows" }, { id: "json", label: "JSON" }]}
          />
        )}
      >
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (wrong.every((each) => each === null)) void ask();
          }}
        >
          {shown === "form" && <Form fields={mine} values={values} wrong={wrong} onChange={setValues} />}
          {shown === "rows" && (
            <>
              <p className="muted small">
                One row a line, separated by commas or tabs, as copied from a spreadsheet; a first line with names
                decides the order of {plural(mine.length, "column")}.
              </p>
              <TextArea
                mono
                rows={12}
                aria-label="Rows"
                value={rows}
                onChange={setRows}
                placeholder={`${mine.map((field) => field.label).join(",")}\n${values.join(",")}`}
              />
            </>
          )}
          {shown === "json" && (
            <Editor
              label="Request as JSON"
              language="json"
              height="340px"
              value={json}
              onChange={setJson}
              onSubmit={() => void ask()}
            />
          )}
          <div className="row row-between row-wrap">
            {shown === "form" && past
              ? (
                <Button small kind="quiet" onClick={() => setValues(past)}>
                  Take the newest prediction's first row
                </Button>
              )
              : <span />}
            <Button kind="primary" icon="play" submit busy={state.busy} disabled={wrong.some((each) => each !== null)}>
              Ask
            </Button>
          </div>
        </form>
      </Panel>
      <Panel
        title="Answer"
        tools={state.done && (
          <span className="faint small">{formatDuration(state.done.took)}, the way there and back included</span>
        )}
      >
        {state.error
          ? <Notice tone="bad">{state.error.message}</Notice>
          : state.done
          ? <Answer done={state.done} endpoint={endpoint} />
          : (
            <Empty compact icon="target" title="Nothing asked yet">
              It is a real request: it is logged, and monitors see it.
            </Empty>
          )}
      </Panel>
    </div>
  );
}

function Form(
  { fields, values, wrong, onChange }: {
    fields: readonly FormField[];
    values: readonly string[];
    wrong: readonly (string | null)[];
    onChange: (values: string[]) => void;
  },
) {
  return (
    <div className="try-fields">
      {fields.map((field, index) => (
        <label key={`${field.input} ${field.column}`} className="try-field">
          <span className="try-label ellipsis" title={`${field.label} (${field.datatype})`}>{field.label}</span>
          <Input
            mono
            value={values[index] ?? ""}
            aria-invalid={wrong[index] ? true : undefined}
            title={wrong[index] ?? field.datatype}
            inputMode={field.datatype === "BYTES" ? "text" : "decimal"}
            onChange={(value) => onChange(fields.map((_, at) => at === index ? value : values[at] ?? ""))}
          />
          {wrong[index] && <span className="field-error">{wrong[index]}</span>}
        </label>
      ))}
    </div>
  );
}

function Answer({ done: { answer, prediction }, endpoint }: { done: Answered; endpoint: Endpoint }) {
  const { columns, rows } = answerColumns(answer);
  return (
    <div className="stack">
      <div className="try-scroll">
        <table className="plain-table">
          <thead>
            <tr>
              <th className="num">row</th>
              {columns.map((column) => <th key={column.id} className="num">{column.label}</th>)}
            </tr>
          </thead>
          <tbody>
            {Array.from({ length: Math.min(rows, 200) }, (_, row) => (
              <tr key={row}>
                <td className="num faint">{row + 1}</td>
                {columns.map((column) => {
                  const value = column.at(row);
                  return (
                    <td key={column.id} className="num mono">
                      {typeof value === "number" ? formatNumber(value, 6) : String(value ?? "")}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div className="row row-wrap small muted">
        <span>version {answer.model_version}</span>
        {prediction
          ? (
            <>
              <Link to={pathTo("/p/:project/predictions/:id", { project: endpoint.project, id: prediction })}>
                the prediction, with feedback
              </Link>
              <Link
                to={pathTo("/p/:project/lineage", { project: endpoint.project }) +
                  `?ref=${encodeURIComponent("prediction:" + prediction)}`}
              >
                its lineage
              </Link>
            </>
          )
          : <span>not logged (log rate {endpoint.logRate})</span>}
      </div>
    </div>
  );
}

async function readModel(name: string, signal: AbortSignal): Promise<ModelMetadata> {
  return await (await send("GET", `/v2/models/${encodeURIComponent(name)}`, { signal })).json();
}
