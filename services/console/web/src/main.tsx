import { render } from "preact";
import { App } from "./app";
import { Refusal } from "./api";
import { sentence } from "./asked";
import { follow } from "./route";
import { askAhead, enter, me } from "./session";

const root = document.getElementById("app")!;
const show = (failed?: string) => render(<App failed={failed} />, root);

follow();
askAhead();
const stop = me.watch(() => {
  stop();
  askAhead();
  void import("./ui/echarts"); // charts are needed next, and the browser is idle while the server computes
});
root.textContent = "";
show();
enter().catch((error: unknown) => show(error instanceof Refusal ? sentence(error) : String(error)));
