import { type ReactNode, useEffect, useRef, useState } from "react";
import { live } from "../api/live.ts";
import { IconButton } from "../kit/Button.tsx";
import { Icon } from "../kit/Icon.tsx";
import { Menu } from "../kit/Menu.tsx";
import { Key } from "../kit/Badge.tsx";
import { Logo } from "./Logo.tsx";
import { Palette, usePalette } from "./Palette.tsx";
import { usePrincipal, useProject, useProjects } from "./project.ts";
import { navItems } from "./registry.ts";
import { Link, navigate, useLocation } from "./router.tsx";
import { signOut } from "./SignIn.tsx";
import { setTheme, type ThemeChoice, useThemeChoice } from "./theme.ts";

const remembered = "slipway.project";

/** The frame of every page: sidebar by lifecycle, bar with project, search and theme. */
export function Shell({ children }: { children: ReactNode }) {
  const { path } = useLocation();
  const inPath = useProject();
  const [drawer, setDrawer] = useState(false);
  const palette = usePalette();
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    setDrawer(false);
    if (inPath) rememberProject(inPath);
    // The keyboard goes on in the new page, and a screen reader tells of it; the first page takes nothing away.
    if (isFirst.current) isFirst.current = false;
    else if (!main.current?.contains(document.activeElement)) main.current?.focus({ preventScroll: true });
  }, [path]);
  const project = inPath ?? (path === "/" ? null : lastProject());
  return (
    <div className="shell">
      <a
        className="skip-link"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to the page
      </a>
      <header className="topbar">
        <IconButton
          className="topbar-menu"
          icon="menu"
          label="Menu"
          aria-expanded={drawer}
          onClick={() => setDrawer(!drawer)}
        />
        <Link to="/" className="topbar-logo" aria-label="Slipway: all projects">
          <Logo />
          <span>Slipway</span>
        </Link>
        <ProjectSwitcher current={inPath} />
        <button type="button" className="topbar-search" aria-label="Search or go to…" onClick={palette.open}>
          <Icon name="search" />
          <span className="grow">Search or go to…</span>
          <Key>Ctrl K</Key>
        </button>
        <Connection />
        <ThemeMenu />
        <AccountMenu />
      </header>
      {drawer && <div className="veil" onClick={() => setDrawer(false)} />}
      <nav className={drawer ? "sidebar sidebar-open" : "sidebar"} aria-label="Lifecycle">
        <Sidebar project={project} path={path} />
      </nav>
      <main id="main" ref={main} tabIndex={-1}>{children}</main>
      {palette.isOpen && <Palette onClose={palette.close} />}
    </div>
  );
}

function Sidebar({ project, path }: { project: string | null; path: string }) {
  if (!project) return <ProjectList path={path} />;
  return (
    <ul>
      {navItems.map((item) => {
        const to = item.to(project);
        const isHome = item.id === "home";
        const isHere = isHome ? path === to : path === to || path.startsWith(to + "/");
        return (
          <li key={item.id} className={`nav-${item.id}`}>
            <Link to={to} className="nav-item" aria-current={isHere ? "page" : undefined}>
              <Icon name={item.icon} />
              <span>{item.label}</span>
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

/** Outside of projects the sidebar has the projects. */
function ProjectList({ path }: { path: string }) {
  const projects = useProjects();
  return (
    <ul>
      <li>
        <Link to="/" className="nav-item" aria-current={path === "/" ? "page" : undefined}>
          <Icon name="home" />
          <span>All projects</span>
        </Link>
      </li>
      {projects.slice(0, 20).map(({ name }) => (
        <li key={name}>
          <Link to={`/p/${encodeURIComponent(name)}`} className="nav-item">
            <Icon name="folder" />
            <span className="ellipsis">{name}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function ProjectSwitcher({ current }: { current: string | null }) {
  const projects = useProjects();
  return (
    <div className="topbar-project">
      <Menu
        label="Project"
        kind="quiet"
        text={<span className="ellipsis">{current ?? "All projects"}</span>}
        items={[
          ...projects.map((project) => ({
            id: project.name,
            label: project.name,
            checked: project.name === current,
            onSelect: () => navigate(`/p/${encodeURIComponent(project.name)}`),
          })),
          { id: "/", label: "All projects", icon: "folder" as const, separated: true, onSelect: () => navigate("/") },
        ]}
      />
    </div>
  );
}

/** Tells only when events do not arrive: pages may then be older than they look. */
function Connection() {
  const [connected, setConnected] = useState(true);
  useEffect(() => {
    // A stream that is just being opened is not news.
    let timer: number | undefined;
    return live.onStatus(() => {
      clearTimeout(timer);
      timer = setTimeout(() => setConnected(live.connected), live.connected ? 0 : 2_000);
    });
  }, []);
  if (connected) return null;
  return (
    <span className="badge badge-warn" role="status" title="Live updates stopped; trying to reach the server again.">
      <Icon name="warning" size={12} /> offline
    </span>
  );
}

function ThemeMenu() {
  const choice = useThemeChoice();
  const entry = (id: ThemeChoice, label: string) => ({
    id,
    label,
    checked: choice === id,
    onSelect: () => setTheme(id),
  });
  return (
    <Menu
      label="Theme"
      align="end"
      icon={choice === "light" ? "sun" : choice === "dark" ? "moon" : "contrast"}
      items={[entry("light", "Light"), entry("dark", "Dark"), entry("system", "As the system")]}
    />
  );
}

function AccountMenu() {
  const principal = usePrincipal();
  return (
    <Menu
      label={principal ? `Signed in as ${principal.name}` : "Account"}
      align="end"
      icon="user"
      items={[
        {
          id: "who",
          label: principal?.name ?? "…",
          hint: principal?.role ?? "",
          icon: "user",
          disabled: true,
          onSelect: () => {},
        },
        { id: "out", label: "Sign out", separated: true, onSelect: () => void signOut() },
      ]}
    />
  );
}

function rememberProject(name: string): void {
  try {
    sessionStorage.setItem(remembered, name);
  } catch {
    // Only a convenience.
  }
}

function lastProject(): string | null {
  try {
    return sessionStorage.getItem(remembered);
  } catch {
    return null;
  }
}
