import { useState } from "preact/hooks";
import { Refusal, type SignIn as How } from "../api";
import { sentence } from "../asked";
import { Mark } from "../app";
import { signIn } from "../session";

/** Asks for a token, or says who else lets people in. */
export function SignIn({ how }: { how: How }) {
  const [token, setToken] = useState("");
  const [wrong, setWrong] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setWrong("");
    try {
      await signIn(token.trim());
    } catch (error) {
      setWrong(error instanceof Refusal ? (error.status === 401 ? "No user has this token." : sentence(error)) : String(error));
    }
    setBusy(false);
  };
  return (
    <div class="alone">
      <main class="card">
        <p class="brand"><Mark /> Waymark</p>
        {how === "token" ? (
          <form class="stack" onSubmit={(event) => void submit(event)}>
            <h1>Sign in</h1>
            <label>
              Token
              <input type="password" name="token" autocomplete="current-password" required value={token} onInput={(event) => setToken(event.currentTarget.value)} />
            </label>
            {wrong && <p class="warn" role="alert">{wrong}</p>}
            <button type="submit" class="button primary" disabled={busy || !token.trim()}>{busy ? "Signing in" : "Sign in"}</button>
            <p class="muted small">Whoever runs the console gives you one.</p>
          </form>
        ) : (
          <>
            <h1>Signed out</h1>
            <p>Your organisation's sign-in lets people in here. Open the console through it again.</p>
            <button type="button" class="button primary" onClick={() => location.reload()}>Try again</button>
          </>
        )}
      </main>
    </div>
  );
}
