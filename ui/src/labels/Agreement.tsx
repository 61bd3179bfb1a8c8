import { useQuery } from "../api/hooks.ts";
import { Link } from "../app/router.tsx";
import { Panel, Stat } from "../kit/Page.tsx";
import { Empty, Loaded } from "../kit/States.tsx";
import { Num, Progress } from "../kit/Values.tsx";
import type { Agreement, LabelTask } from "./api.ts";
import { itemPath } from "./paths.ts";

/** How far people say the same: measures over all, by pair, and where they differ most. */
export function AgreementView({ project, task }: { project: string; task: LabelTask }) {
  const query = useQuery("/api/v1/label-tasks/{task}/agreement", { path: { task: task.name } }, { fresh: 5_000 });
  return <Loaded query={query}>{(data) => <Measures project={project} task={task} data={data} />}</Loaded>;
}

const whole: [name: string, about: string, of: (data: Agreement) => number | null | undefined][] = [
  ["Krippendorff’s α", "nominal", (data) => data.krippendorff?.nominal],
  ["Krippendorff’s α", "ordinal", (data) => data.krippendorff?.ordinal],
  ["Krippendorff’s α", "interval", (data) => data.krippendorff?.interval],
  ["Fleiss’ κ", "items with the usual number of ratings", (data) => data.fleiss?.kappa],
];

function Measures({ project, task, data }: { project: string; task: LabelTask; data: Agreement }) {
  if (data.items === 0) {
    return (
      <Empty icon="user" title="Nothing to compare yet">
        Agreement needs items that more than one person labelled. {task.overlap === 1
          ? "This task asks one person an item; a task with two or more shows how far its labels can be trusted."
          : "It shows here as soon as two people have labelled the same item."}
      </Empty>
    );
  }
  const byClass = Object.entries(data.krippendorffByClass ?? {});
  const hasKappa = data.pairs.some((pair) => pair.kappa !== undefined);
  const hasShapes = data.pairs.some((pair) => pair.meanIoU !== undefined);
  return (
    <div className="stack">
      <div className="stats">
        <Stat
          label="Compared items"
          value={data.items.toLocaleString("en")}
          detail={`${data.annotations.toLocaleString("en")} annotations`}
        />
        {whole.map(([name, about, of]) => {
          const value = of(data);
          return value === undefined || (value === null && about !== "nominal")
            ? null
            : <Stat key={name + about} label={name} value={<Num value={value} digits={3} />} detail={about} />;
        })}
      </div>
      <Panel title="By pair" flush>
        <table className="table">
          <thead>
            <tr>
              <th>Two people</th>
              <th className="end">Items</th>
              <th>The same</th>
              <th className="end">Similarity</th>
              {hasKappa && <th className="end">Cohen’s κ</th>}
              {hasShapes && (
                <>
                  <th className="end">Mean IoU</th>
                  <th className="end">F1 at half</th>
                  <th className="end">F1 exact</th>
                </>
              )}
            </tr>
          </thead>
          <tbody>
            {data.pairs.map((pair) => (
              <tr key={pair.a + "\n" + pair.b}>
                <td>{pair.a} and {pair.b}</td>
                <td className="end tabular">{pair.items}</td>
                <td>
                  <div className="task-progress">
                    <Progress value={pair.same} label={`${pair.a} and ${pair.b} the same`} />
                    <span className="tabular faint">
                      {pair.same === null ? "–" : `${Math.round(pair.same * 100)} %`}
                    </span>
                  </div>
                </td>
                <td className="end">
                  <Num value={pair.similarity} digits={3} />
                </td>
                {hasKappa && (
                  <td className="end">
                    <Num value={pair.kappa} digits={3} />
                  </td>
                )}
                {hasShapes && (
                  <>
                    <td className="end">
                      <Num value={pair.meanIoU} digits={3} />
                    </td>
                    <td className="end">
                      <Num value={pair.f1} digits={3} />
                    </td>
                    <td className="end">
                      <Num value={pair.exactF1} digits={3} />
                    </td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
      {byClass.length > 0 && (
        <Panel title="Krippendorff’s α by class" flush>
          <table className="table">
            <tbody>
              {byClass.map(([name, value]) => (
                <tr key={name}>
                  <td>{name}</td>
                  <td className="end">
                    <Num value={value} digits={3} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Panel>
      )}
      <Panel title="Agreed on least" flush>
        <table className="table">
          <tbody>
            {data.leastAgreed.map((one) => (
              <tr key={one.item}>
                <td>
                  <Link to={itemPath(project, task.name, one.item)}>Item {one.item}</Link>
                </td>
                <td className="end">
                  <Num value={one.agreement} digits={3} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Panel>
    </div>
  );
}
