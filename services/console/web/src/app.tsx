import { useEffect, useRef, useState } from "preact/hooks";
import { records } from "./api";
import { refresh, sentence, signedOut, useAsk, waitingFor } from "./asked";
import { today } from "./dates";
import { ago, epoch, seconds } from "./format";
import { link, usePlace } from "./route";
import { me, settle, signOut, useScope } from "./session";
import { useStore } from "./store";
import { AccountControl, AudienceControl, CompareControl, SpanControl } from "./ui/controls";
import { ExplainDialog } from "./ui/explain";
import { Icon, type IconName } from "./ui/icons";
import { lazy } from "./ui/lazy";
import { go } from "./route";
import { Overview } from "./pages/overview";
import { SignIn } from "./pages/signin";

interface Page {
  name: string;
  title: string;
  icon: IconName;
  show: () => preact.JSX.Element;
  /** The controls that mean something on it. */
  span?: boolean;
  compare?: boolean;
  audience?: boolean;
  /** Reached from another page, and not from the menu. */
  below?: string;
}

const Items = lazy(() => import("./pages/items"));
const Item = lazy(() => import("./pages/item"));
const Audience = lazy(() => import("./pages/audience"));
const People = lazy(() => import("./pages/people"));
const Person = lazy(() => import("./pages/person"));
const Companies = lazy(() => import("./pages/companies"));
const Surveys = lazy(() => import("./pages/surveys"));
const Courses = lazy(() => import("./pages/courses"));
const Tasks = lazy(() => import("./pages/tasks"));
const Searches = lazy(() => import("./pages/searches"));
const Live = lazy(() => import("./pages/live"));
const Health = lazy(() => import("./pages/health"));
const SqlBox = lazy(() => import("./pages/sql"));

const asked = { span: true, audience: true };
const pages: readonly (Page | string)[] = [
  { name: "overview", title: "Overview", icon: "overview", show: () => <Overview />, ...asked, compare: true },
  "Guidance",
  { name: "items", title: "Items", icon: "items", show: () => <Items />, ...asked, compare: true },
  { name: "item", title: "Item", icon: "items", show: () => <Item />, ...asked, compare: true, below: "items" },
  { name: "surveys", title: "Surveys", icon: "surveys", show: () => <Surveys />, ...asked },
  { name: "courses", title: "Courses", icon: "courses", show: () => <Courses />, ...asked },
  { name: "tasks", title: "Tasks", icon: "tasks", show: () => <Tasks />, ...asked },
  { name: "searches", title: "Searches without a result", icon: "searches", show: () => <Searches />, ...asked },
  "Users",
  { name: "audience", title: "Audience", icon: "audience", show: () => <Audience />, ...asked, compare: true },
  { name: "people", title: "People", icon: "people", show: () => <People /> },
  { name: "person", title: "Person", icon: "people", show: () => <Person />, span: true, below: "people" },
  { name: "companies", title: "Companies", icon: "companies", show: () => <Companies />, ...asked },
  "Data",
  { name: "live", title: "Live", icon: "live", show: () => <Live /> },
  { name: "health", title: "Data health", icon: "health", show: () => <Health />, span: true },
  { name: "sql", title: "SQL", icon: "sql", show: () => <SqlBox /> },
];

const pageOf = (name: string): Page | undefined => pages.find((each): each is Page => typeof each !== "string" && each.name === name);

/** The frame around every page: the menu, what is looked at, and the page. */
export function App({ failed }: { failed?: string | undefined }) {
  const place = usePlace();
  const user = useStore(me);
  const out = useStore(signedOut);
  const main = useRef<HTMLElement>(null);
  const scope = useScope();
  const shown = pageOf(place.page);
  const title = shown?.title ?? "No such page";
  const [menu, setMenu] = useState(false);
  const first = useRef(true);
  useEffect(() => {
    const whole = user && shown && settle();
    if (whole) {
      go(whole, "replace");
    }
  });
  useEffect(() => {
    document.title = out ? "Sign in – Waymark" : `${title} – Waymark`;
    setMenu(false);
    if (!first.current) {
      main.current?.focus({ preventScroll: true });
    }
    first.current = false;
  }, [place.page, out]);
  if (out) {
    return <SignIn how={out} />;
  }
  if (!user) {
    return failed ? <Broken text={failed} /> : <div class="boot" role="status">Waymark</div>;
  }
  if (user.accounts.length === 0) {
    return <Broken text={`${user.user || "This user"} has no account to look at. Whoever runs the console gives accounts to users.`} />;
  }
  return (
    <div class={`frame ${menu ? "menu-open" : ""}`}>
      <a class="skip" href="#main">Skip to the figures</a>
      <nav class="side" aria-label="Pages">
        <div class="side-head">
          <a class="brand" href={link("overview")}>
            <Mark /> Waymark
          </a>
          <button type="button" class="quiet square menu-button" aria-expanded={menu} onClick={() => setMenu(!menu)} aria-label={menu ? "Close the menu" : "Open the menu"}>
            <Icon name={menu ? "close" : "menu"} size={20} />
          </button>
        </div>
        <ul>
          {pages.map((page) =>
            typeof page === "string" ? (
              <li key={page} class="side-group">{page}</li>
            ) : page.below ? null : (
              <li key={page.name}>
                <a href={link(page.name)} aria-current={place.page === page.name || shown?.below === page.name ? "page" : undefined}>
                  <Icon name={page.icon} /> {page.title}
                </a>
              </li>
            ),
          )}
        </ul>
        <div class="side-foot">
          <ThemeButton />
          {user.sign_in === "token" && (
            <button type="button" class="quiet" onClick={() => void signOut()}>
              Sign out
            </button>
          )}
          <p class="muted small clip" title={`Waymark ${user.version}`}>{user.sign_in === "open" ? "Open to this machine" : user.user}</p>
        </div>
      </nav>
      <div class="content">
        <header class="top">
          <h1 class="top-title">{title}</h1>
          <div class="filters" role="group" aria-label="What is looked at">
            <AccountControl />
            {shown?.audience && <AudienceControl />}
            {shown?.span && <SpanControl />}
            {shown?.compare && <CompareControl />}
            <Freshness account={scope.account} />
          </div>
        </header>
        <main id="main" ref={main} tabIndex={-1}>
          {shown ? <div key={`${place.page} ${scope.account}`}>{shown.show()}</div> : <Missing />}
        </main>
      </div>
      <Waiting />
      <ExplainDialog />
    </div>
  );
}

function Missing() {
  return (
    <div class="state">
      <p>There is no such page.</p>
      <a class="button" href={link("overview")}>To the overview</a>
    </div>
  );
}

function Broken({ text }: { text: string }) {
  return (
    <div class="alone">
      <div class="card">
        <p class="brand"><Mark /> Waymark</p>
        <p role="alert">{text}</p>
        <button type="button" class="button primary" onClick={() => location.reload()}>Try again</button>
      </div>
    </div>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" class="mark-back" />
      <path d="M6 21 11.5 10 16 19l4.5-9L26 21" class="mark-line" />
      <circle cx="26" cy="21" r="2.6" class="mark-end" />
    </svg>
  );
}

/** What a screen reader is told while figures come: once, and not for each of them. */
function Waiting() {
  const waiting = useStore(waitingFor) > 0;
  const [text, setText] = useState("");
  useEffect(() => {
    const timer = setTimeout(() => setText(waiting ? "Figures are being computed" : text ? "All figures are here" : ""), 700);
    return () => clearTimeout(timer);
  }, [waiting]);
  return <div class="unseen" role="status" aria-live="polite">{text}</div>;
}

function ThemeButton() {
  const root = document.documentElement;
  const isDark = () => (root.dataset["theme"] ? root.dataset["theme"] === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const [dark, setDark] = useState(isDark);
  const turn = () => {
    const next = isDark() ? "light" : "dark";
    root.dataset["theme"] = next;
    try {
      localStorage.setItem("waymark.theme", next);
    } catch {
      // Then it holds until the page is closed.
    }
    setDark(next === "dark");
  };
  return (
    <button type="button" class="quiet" onClick={turn} aria-pressed={dark}>
      <Icon name="theme" /> Dark
    </button>
  );
}

/** How fresh the figures are: when the newest event came, and how long it took to be askable. Asked again every minute. */
function Freshness({ account }: { account: string }) {
  const [, tick] = useState(0);
  const asked = useAsk("freshness", account ? { account, from: today(), to: today() } : undefined, true);
  useEffect(() => {
    const timer = setInterval(() => (tick((n) => n + 1), document.hidden || asked.again()), 60_000);
    return () => clearInterval(timer);
  });
  const last = records(asked.answer).at(-1);
  const minutes = last ? (Date.now() - epoch(last["minute"])) / 60_000 : Infinity;
  const text = asked.state === "failed" ? sentence(asked.error!) : last ? `Newest event ${ago(last["minute"])}; askable ${seconds(last["seconds_to_store_p50"])} after it is received, for 99 of 100 within ${seconds(last["seconds_to_store_p99"])}` : asked.answer ? "No event yet today" : "";
  return (
    <span class="freshness">
      <a href={link("health")} class={`fresh ${asked.state === "failed" ? "bad" : minutes < 10 ? "good" : "quiet-state"}`} title={text}>
        <i aria-hidden="true" />
        {asked.state === "failed" ? "Not known" : last ? `${minutes < 2 ? "Up to date" : ago(last["minute"])}` : asked.answer ? "Nothing today" : "…"}
        <span class="unseen"> {text}</span>
      </a>
      <button type="button" class="quiet square" aria-label="Ask everything again" title="Ask everything again" onClick={refresh}>
        <Icon name="refresh" size={16} />
      </button>
    </span>
  );
}
