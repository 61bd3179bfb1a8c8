import { useState } from "react";
import { usePages } from "../api/hooks.ts";
import { Link } from "../app/router.tsx";
import { PageLayout } from "../kit/Page.tsx";
import { Empty, Failed, Skeleton } from "../kit/States.tsx";

/** All projects that the reader may see. */
export default function ProjectsPage() {
  const projects = usePages("/api/v1/projects", {}, { live: ["project."] });
  const [text, setText] = useState("");
  const shown = projects.items.filter((project) => project.name.includes(text.trim().toLowerCase()));
  return (
    <PageLayout title="Projects">
      {projects.error && <Failed error={projects.error} retry={projects.refresh} />}
      {projects.loading && <Skeleton rows={5} />}
      {projects.items.length > 12 && (
        <input
          className="input"
          placeholder="Find a project"
          aria-label="Find a project"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      )}
      {!projects.loading && projects.items.length === 0 && !projects.error && (
        <Empty icon="folder" title="No project yet">
          <code>slipway project create NAME</code> makes one.
        </Empty>
      )}
      <ul className="grid-3">
        {shown.map((project) => (
          <li key={project.name}>
            <Link to={`/p/${encodeURIComponent(project.name)}`} className="project-card">
              <h2>{project.name}</h2>
              <p className="muted">{project.description || "No description."}</p>
            </Link>
          </li>
        ))}
      </ul>
    </PageLayout>
  );
}
