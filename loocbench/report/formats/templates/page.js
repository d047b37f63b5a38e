"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  for (const form of all("form.filters")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
  }

  // Light or dark theme: the system's, until the switch is used.
  const theme = document.getElementById("theme");
  const themes = ["automatic", "light", "dark"];
  let current = 0;
  theme.hidden = false;
  theme.addEventListener("click", () => {
    current = (current + 1) % themes.length;
    theme.textContent = `Theme: ${themes[current]}`;
    if (current) document.documentElement.dataset.theme = themes[current];
    else delete document.documentElement.dataset.theme;
  });

  // Sorting: figures best first, text from A; a second click reverses. Lines of the scale stay at the bottom.
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    if (!cell.classList.contains("text") && cell.tagName !== "TH") return null;
    const text = cell.textContent.trim();
    const plain = text.replace("−", "-").replace(/^< /, "");
    return plain !== "" && !Number.isNaN(Number(plain)) ? Number(plain) : text;
  };
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number"
      ? one - other
      : String(one).localeCompare(String(other), "en", { numeric: true });
  for (const table of all("table.grid")) {
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    const body = table.tBodies[0];
    heads.forEach((head, column) => {
      const button = head.querySelector("button");
      if (!button) return;
      button.addEventListener("click", () => {
        const figures = head.dataset.direction !== undefined;
        const first = figures && head.dataset.direction !== "-1" ? "descending" : "ascending";
        const before = head.getAttribute("aria-sort");
        const order = before === first ? (first === "ascending" ? "descending" : "ascending") : first;
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const rows = [...body.rows].filter((row) => !row.classList.contains("scale"));
        const sign = order === "ascending" ? 1 : -1;
        rows
          .map((row, place) => ({ row, place, key: key(row, column) }))
          .sort((a, b) => {
            if ((a.key === null) !== (b.key === null)) return a.key === null ? 1 : -1;
            return sign * compare(a.key, b.key) || a.place - b.place;
          })
          .forEach(({ row }) => body.append(row));
        for (const row of all("tr.scale", body)) body.append(row);
      });
    });
  }

  // Filters of the measured table.
  const table = document.getElementById("table-measured");
  const find = document.getElementById("find");
  const features = document.getElementById("features");
  const data = document.getElementById("data");
  const every = document.getElementById("every");
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = [...table.tBodies[0].rows].filter((row) => !row.classList.contains("scale"));
    let shown = 0;
    for (const row of rows) {
      const text = all("th, td.text", row).map((cell) => cell.textContent).join(" ").toLowerCase();
      const wanted = words.every((word) => text.includes(word)) &&
        (!features || !features.value || row.dataset.features === features.value);
      row.hidden = !wanted;
      shown += wanted;
    }
    if (data) {
      const few = every && !every.checked && !data.value; // a data set that was chosen shows all of its columns
      for (const cell of all("tr:last-child [data-group], tbody [data-group]", table)) {
        cell.hidden = (Boolean(data.value) && cell.dataset.group !== data.value) || (few && "more" in cell.dataset);
      }
      // A group's heading is as wide as those of its columns that are shown.
      const heads = all("thead tr:last-child [data-group]", table);
      for (const group of all("thead tr:first-child [data-group]", table)) {
        const own = heads.splice(0, Number(group.dataset.span));
        const left = own.filter((head) => !head.hidden).length;
        group.hidden = left === 0;
        group.colSpan = Math.max(left, 1);
      }
    }
    document.getElementById("count").textContent = `${shown} of ${rows.length} lines`;
  };
  for (const control of [find, features, data, every]) if (control) control.addEventListener("input", filter);
  filter();

  // Two galleries side by side.
  const choices = all(".gallery-choice");
  const show = () => {
    const chosen = choices.map((choice) => choice.value);
    const figures = all("[data-gallery]");
    for (const figure of figures) figure.hidden = !chosen.includes(figure.dataset.gallery);
    const box = figures.length ? figures[0].parentElement : null;
    for (const number of chosen) {
      const figure = figures.find((one) => one.dataset.gallery === number);
      if (figure) box.append(figure);
    }
  };
  if (choices.length) {
    for (const choice of choices) choice.addEventListener("input", show);
    show();
  }
})();
