import { useState } from "react";
import { Link, navigate } from "../../app/router.tsx";
import { usePrincipal } from "../../app/project.ts";
import { useMutation } from "../../api/hooks.ts";
import { Button } from "../../kit/Button.tsx";
import { Field, Input } from "../../kit/Field.tsx";
import { FormDialog } from "../../kit/FormDialog.tsx";
import { Icon } from "../../kit/Icon.tsx";
import { Empty } from "../../kit/States.tsx";
import { Time } from "../../kit/Values.tsx";
import type { Experiment } from "../api.ts";
import { isSystemMetric } from "../fields.ts";
import { reportPath } from "../paths.ts";
import { useQuery } from "../../api/hooks.ts";
import { chartSource } from "./blocks.ts";
import { newReportId, reportsOf, saveReport } from "./store.ts";

/** Reports of an experiment: text with charts that are drawn from the runs as they are now. */
export function ReportsTab(
  { project, experiment, onChanged }: { project: string; experiment: Experiment; onChanged: () => void },
) {
  const [isNew, setNew] = useState(false);
  const reports = reportsOf(experiment);
  const button = <Button kind="primary" icon="plus" onClick={() => setNew(true)}>New report</Button>;
  return (
    <div className="fill reports">
      {reports.length === 0
        ? (
          <Empty icon="file" title="No reports yet" action={button}>
            A report mixes text with charts of this experiment's runs. The charts are drawn anew whenever somebody opens
            it.
          </Empty>
        )
        : (
          <div className="stack">
            <div className="row row-end">{button}</div>
            <ul className="report-list">
              {reports.map((report) => (
                <li key={report.id}>
                  <Link to={reportPath(project, experiment.id, report.id)} className="report-item">
                    <Icon name="file" />
                    <span className="grow">
                      <strong>{report.title}</strong>
                      <span className="small muted ellipsis report-start">{firstWords(report.body)}</span>
                    </span>
                    <span className="small muted">
                      {report.author}, <Time at={report.changed} />
                    </span>
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        )}
      {isNew && (
        <NewReport
          project={project}
          experiment={experiment}
          onClose={() => setNew(false)}
          onChanged={onChanged}
        />
      )}
    </div>
  );
}

function firstWords(body: string): string {
  return body.replace(/```[\s\S]*?```/g, "").replace(/[#*_`>|-]/g, "").trim().slice(0, 160);
}

function NewReport(
  { project, experiment, onClose, onChanged }: {
    project: string;
    experiment: Experiment;
    onClose: () => void;
    onChanged: () => void;
  },
) {
  const [title, setTitle] = useState("");
  const me = usePrincipal();
  const newest = useQuery("/api/v1/runs", { query: { experiment: experiment.id, limit: 1 } }, { fresh: 60_000 });
  const create = useMutation(async () => {
    const id = newReportId(title);
    const metric = Object.keys(newest.data?.items[0]?.metrics ?? {}).find((key) => !isSystemMetric(key)) ?? "loss";
    const chart = chartSource({ panel: { type: "line", metrics: [metric] }, filter: "", order: "", limit: 10 });
    await saveReport(experiment.id, {
      id,
      title: title.trim(),
      body: `What was tried, and what came of it.\n\n${chart}\n\n## What we learnt\n\n- \n`,
      author: me?.name ?? "",
      changed: new Date().toISOString(),
    });
    return id;
  }, {
    invalidates: ["/api/v1/experiments"],
    onDone: (id) => {
      onChanged();
      navigate(reportPath(project, experiment.id, id) + "?edit=1");
    },
  });
  return (
    <FormDialog
      title="New report"
      action="Create"
      onClose={onClose}
      onSubmit={() => void create.run()}
      ready={title.trim() !== ""}
      busy={create.running}
      error={create.error}
    >
      <Field label="Title">
        <Input value={title} onChange={setTitle} placeholder="Which rate is best?" autoFocus />
      </Field>
    </FormDialog>
  );
}
