import { usePages } from "../api/hooks.ts";
import type { Goal, Project } from "../api/types.ts";
import { pathTo } from "../app/paths.ts";
import { useMay } from "../app/project.ts";
import { Link } from "../app/router.tsx";
import { flag, text, useUrlState } from "../app/urlState.ts";
import { Badge } from "../kit/Badge.tsx";
import { Button } from "../kit/Button.tsx";
import { SearchInput } from "../kit/Field.tsx";
import { formatNumber, formatPercent } from "../kit/format.ts";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Skeleton } from "../kit/States.tsx";
import { Time } from "../kit/Values.tsx";
import { NewProject } from "./NewProject.tsx";

/** All projects that the reader may see. */
export default function ProjectsPage() {
  const projects = usePages("/api/v1/projects", {}, { live: ["project."] });
  const [wanted, setWanted] = useUrlState("find", text, "");
  const [isNew, setNew] = useUrlState("new", flag, false);
  const mayCreate = useMay("projects.create", null);
  const words = wanted.trim().toLowerCase();
  const shown = projects.items.filter(({ name, description }) =>
    `${name} ${description}`.toLowerCase().includes(words)
  );
  return (
    <PageLayout
      title="Projects"
      tools={
        <>
          {projects.items.length > 8 && (
            <SearchInput value={wanted} onChange={setWanted} placeholder="Find a project" aria-label="Find a project" />
          )}
          {mayCreate && <Button icon="plus" kind="primary" onClick={() => setNew(true)}>New project</Button>}
        </>
      }
    >
      {projects.error && projects.items.length === 0 && <Failed error={projects.error} retry={projects.refresh} />}
      {projects.loading && <Skeleton rows={5} />}
      {!projects.loading && !projects.error && shown.length === 0 && (
        <Empty icon="folder" title={words ? "No project of this name" : "No project yet"}>
          {words
            ? (
              <>
                Nothing has <b>{wanted}</b> in its name or description.
              </>
            )
            : "A project holds data, runs, models and what serves them, with an owner and measured goals."}
        </Empty>
      )}
      <ul className="project-cards">
        {shown.map((project) => <ProjectCard key={project.name} project={project} />)}
      </ul>
      {projects.more && <Button onClick={projects.loadMore} busy={projects.fetching}>More projects</Button>}
      <NewProject open={isNew} onClose={() => setNew(false)} />
    </PageLayout>
  );
}

function ProjectCard({ project }: { project: Project }) {
  return (
    <li>
      <Link to={pathTo("/p/:project", { project: project.name })} className="project-card">
        <h2>{project.name}</h2>
        <p className="muted">{project.description || "No description."}</p>
        {project.goals.length > 0 && (
          <div className="row row-wrap">
            {project.goals.map((goal) => (
              <Badge key={goal.name} tone={goal.met === null ? "neutral" : goal.met ? "good" : "warn"} icon="target">
                {goal.name} {goalText(goal)}
              </Badge>
            ))}
          </div>
        )}
        <p className="small faint project-card-foot">
          {project.owner} · <Time at={project.created} />
        </p>
      </Link>
    </li>
  );
}

function goalText({ measured, target, relative }: Goal): string {
  const value = measured ?? target;
  const shown = relative ? formatPercent(value) : formatNumber(value);
  return measured === null ? `target ${shown}` : shown;
}
