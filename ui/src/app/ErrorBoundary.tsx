import { Component, type ReactNode } from "react";
import { Button } from "../kit/Button.tsx";
import { Empty } from "../kit/States.tsx";

/** Keeps a fault of one page, or one part of it, from taking the rest along. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: Error } {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  override componentDidCatch(error: unknown): void {
    console.error(error);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (!error) return this.props.children;
    const isOld = /dynamically imported module|Importing a module/.test(error.message);
    return (
      <Empty
        icon="error"
        title={isOld ? "Slipway was updated" : "This part of the page failed"}
        action={
          <>
            <Button icon="refresh" kind="primary" onClick={() => location.reload()}>Load the page again</Button>
            {!isOld && <Button onClick={() => this.setState({ error: null })}>Try once more</Button>}
          </>
        }
      >
        {isOld ? "This window still has the pages of an earlier version." : <code>{error.message}</code>}
      </Empty>
    );
  }
}
