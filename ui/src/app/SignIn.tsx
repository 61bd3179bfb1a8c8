import { type FormEvent, useState } from "react";
import { cache } from "../api/cache.ts";
import { post, remove } from "../api/client.ts";
import { useMutation } from "../api/hooks.ts";
import { Button } from "../kit/Button.tsx";
import { Notice } from "../kit/States.tsx";
import { Logo } from "./Logo.tsx";
import { navigate, useLocation } from "./router.tsx";

/** Takes a token and makes a session of it: a cookie that scripts cannot read. The token is kept nowhere. */
export function SignIn() {
  const { search } = useLocation();
  const [token, setToken] = useState("");
  const signIn = useMutation(
    (text: string) => post("/api/v1/session", { json: { token: text.trim() } }),
    {
      onDone: () => {
        cache.clear();
        const to = new URLSearchParams(search).get("to") ?? "/";
        navigate(to.startsWith("/") ? to : "/", { replace: true });
      },
    },
  );
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim()) void signIn.run(token);
  };
  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={submit}>
        <Logo size={40} />
        <h1>Sign in to Slipway</h1>
        <p className="muted">
          Paste a token. <code>slipway token create</code> makes one; an administrator can make one for you.
        </p>
        {/* For password managers: a name to keep the token under. */}
        <input
          className="visually-hidden"
          type="text"
          name="username"
          autoComplete="username"
          defaultValue="slipway"
          tabIndex={-1}
          aria-hidden
        />
        <div className="field">
          <label className="field-label" htmlFor="token">Token</label>
          <input
            id="token"
            className="input mono"
            type="password"
            autoComplete="current-password"
            placeholder="slw_…"
            autoFocus
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
            aria-invalid={signIn.error ? true : undefined}
          />
        </div>
        {signIn.error && (
          <Notice tone="bad">
            {signIn.error.code === "unauthenticated"
              ? "This token does not count: mistyped, expired or revoked."
              : signIn.error.message}
          </Notice>
        )}
        <Button kind="primary" submit busy={signIn.running} disabled={!token.trim()}>Sign in</Button>
      </form>
    </main>
  );
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await remove("/api/v1/session");
  cache.clear();
  navigate("/sign-in", { replace: true });
}
