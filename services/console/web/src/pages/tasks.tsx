import { useAsk } from "../asked";
import { count, number } from "../format";
import { asParams, useScope } from "../session";
import { Figure } from "../ui/figure";
import { ItemLink } from "../ui/links";
import { Bars } from "../ui/shapes";

/** Which onboarding tasks are done, and by how many. */
export default function Tasks() {
  const scope = useScope();
  const tasks = useAsk("task_progress", asParams(scope));
  const done = useAsk("tasks_done", asParams(scope));
  return (
    <div class="grid">
      <Figure
        title="Tasks"
        note="A task may be done without a click on it before"
        asked={tasks}
        rows={(rows) => rows.map((row) => ({ ...row, item_type: "task" }))}
        sort="-completed_users"
        limit={25}
        empty="No task was clicked or completed in these days."
        columns={[
          { name: "item_name", label: "Task", cell: (row) => <ItemLink row={row} /> },
          { name: "completed_users", label: "Done by", unit: "users", bar: true },
          { name: "clicked_users", label: "Clicked by", unit: "users" },
          { name: "completed_without_click_users", label: "Done without a click", unit: "users", minor: true },
        ]}
      />
      <Figure
        title="Tasks done by a user"
        note="Users by how many tasks they have completed"
        asked={done}
        empty="Nobody has completed a task in these days."
        chart={(rows) => <Bars rows={rows} name={(row) => `${count(row["tasks_done"])} ${number(row["tasks_done"]) === 1 ? "task" : "tasks"}${row["all"] === true || row["all"] === 1 ? ": all there are" : ""}`} value="users" limit={15} />}
      />
    </div>
  );
}
