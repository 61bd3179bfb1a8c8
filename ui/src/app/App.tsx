import { type ComponentType, Suspense, useEffect, useState } from "react";
import { onUnauthenticated } from "../api/client.ts";
import { cache } from "../api/cache.ts";
import { Empty, Skeleton } from "../kit/States.tsx";
import { Toasts } from "../kit/Toast.tsx";
import { ButtonLink } from "../kit/Button.tsx";
import { ErrorBoundary } from "./ErrorBoundary.tsx";
import type { Route } from "./feature.ts";
import { lazyPage } from "./lazyPage.ts";
import { projectOf } from "./project.ts";
import { RefPage } from "./RefPage.tsx";
import { findRoute } from "./registry.ts";
import { currentLocation, navigate, useLocation } from "./router.tsx";
import { Shell } from "./Shell.tsx";
import { SignIn } from "./SignIn.tsx";

export function App() {
  const { path } = useLocation();
  useEffect(() =>
    onUnauthenticated(() => {
      const here = currentLocation();
      if (here.path === "/sign-in") return;
      cache.clear();
      navigate("/sign-in?to=" + encodeURIComponent(here.path + here.search), { replace: true });
    }), []);
  return (
    <>
      {path === "/sign-in" ? <SignIn /> : (
        <Shell>
          <Page path={path} />
        </Shell>
      )}
      <Toasts />
    </>
  );
}

function Page({ path }: { path: string }) {
  if (path.startsWith("/ref/")) return <RefPage text={decodeURIComponent(path.slice("/ref/".length))} />;
  const found = findRoute(path);
  if (!found) {
    return (
      <Empty
        icon="search"
        title="There is no page here"
        action={<ButtonLink to="/" icon="home">All projects</ButtonLink>}
      >
        <code>{path}</code> is not a page of Slipway. Press Ctrl K to search for what you want.
      </Empty>
    );
  }
  return <RoutePage route={found.route} params={found.params} path={path} />;
}

function RoutePage({ route, params, path }: { route: Route; params: Record<string, string>; path: string }) {
  const Lazy = lazyPage(route) as ComponentType<{ params: Record<string, string> }>;
  useEffect(() => {
    const name = Object.entries(params).filter(([key]) => key !== "project").map(([, value]) => value).join(" ");
    const project = projectOf(path);
    document.title = [name || null, route.title, project, "Slipway"].filter(Boolean).join(" · ");
  }, [route, path]);
  return (
    <ErrorBoundary key={path}>
      <Suspense fallback={<PageSkeleton />}>
        <Lazy params={params} />
      </Suspense>
    </ErrorBoundary>
  );
}

/** Appears only if a page's code is slow to come: a flash of grey bars would disturb more than it helps. */
function PageSkeleton() {
  const [isSlow, setSlow] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSlow(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return isSlow
    ? (
      <div className="page">
        <Skeleton rows={8} />
      </div>
    )
    : null;
}
