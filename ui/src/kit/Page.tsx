import type { ReactNode } from "react";
import { Link } from "../app/router.tsx";

export interface PageLayoutProps {
  title: ReactNode;
  /** Where the page belongs, outermost first. */
  crumbs?: { label: string; to: string }[];
  /** Badges beside the title. */
  badges?: ReactNode;
  /** A line under the title: what this is. */
  sub?: ReactNode;
  /** Buttons at the right. */
  tools?: ReactNode;
  /** Fill the window and let a part scroll (give that part the class `fill`); else the page scrolls. */
  fill?: boolean;
  children: ReactNode;
}

/** The frame of a page's content: crumbs, title, tools, then what it is about. */
export function PageLayout({ title, crumbs, badges, sub, tools, fill, children }: PageLayoutProps) {
  return (
    <div className={fill ? "page page-fill" : "page"}>
      <header className="page-head">
        <div className="page-head-text">
          {crumbs && crumbs.length > 0 && (
            <nav className="page-crumbs" aria-label="Breadcrumb">
              {crumbs.map((crumb, index) => (
                <span key={crumb.to} className="row">
                  {index > 0 && <span aria-hidden>/</span>}
                  <Link to={crumb.to}>{crumb.label}</Link>
                </span>
              ))}
            </nav>
          )}
          <div className="page-title">
            <h1>{title}</h1>
            {badges}
          </div>
          {sub && <div className="page-sub">{sub}</div>}
        </div>
        {tools && <div className="page-tools">{tools}</div>}
      </header>
      {children}
    </div>
  );
}

/** A framed part of a page. */
export function Panel(
  { title, tools, children, flush, className }: {
    title?: ReactNode;
    tools?: ReactNode;
    children: ReactNode;
    /** The content reaches the frame: tables, lists. */
    flush?: boolean;
    className?: string;
  },
) {
  return (
    <section className={`panel${className ? " " + className : ""}`}>
      {(title || tools) && (
        <header className="panel-head">
          <h2 className="panel-title">{title}</h2>
          {tools && <div className="row">{tools}</div>}
        </header>
      )}
      <div className={flush ? "panel-body panel-flush" : "panel-body"}>{children}</div>
    </section>
  );
}

/** A figure with its name: counts at the top of a page. */
export function Stat(
  { label, value, detail, to }: { label: ReactNode; value: ReactNode; detail?: ReactNode; to?: string },
) {
  const content = (
    <>
      <span className="stat-label">{label}</span>
      <span className="stat-value">{value}</span>
      {detail && <span className="stat-detail">{detail}</span>}
    </>
  );
  return to ? <Link to={to} className="stat stat-link">{content}</Link> : <div className="stat">{content}</div>;
}
