import { render } from "preact";
import { App } from "./app";
import { Refusal } from "./api";
import { sentence } from "./asked";
import { follow } from "./route";
import { enter } from "./session";

const root = document.getElementById("app")!;
const show = (failed?: string) => render(<App failed={failed} />, root);

follow();
root.textContent = "";
show();
enter().catch((error: unknown) => show(error instanceof Refusal ? sentence(error) : String(error)));
