// Runs before the first picture, so that whoever chose a theme never sees the other one flash.
try {
  const chosen = localStorage.getItem("waymark.theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset["theme"] = chosen;
  }
} catch {
  // Storage may be forbidden: then the system's theme holds.
}
